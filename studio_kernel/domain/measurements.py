"""Numbers that were measured of files, so that none is computed twice."""

from __future__ import annotations

import math
from dataclasses import dataclass

MAX_TOGETHER = 500
"""Most numbers that one line of the log holds."""


@dataclass(frozen=True, slots=True, order=True)
class MeasurementKey:
    """What was measured.

    Attributes
    ----------
    metric : str
        Name of the metric.
    sha256 : str
        Digest of the file.
    reference_sha256 : str
        Digest of the file it was compared with; empty = none.
    sizes : str
        What was done where sizes differ; empty = it does not matter.
    """

    metric: str
    sha256: str
    reference_sha256: str = ""
    sizes: str = ""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number; attributes as of `MeasurementKey`, and one more.

    Attributes
    ----------
    value : float or None
        May be infinite; `None` = it cannot be measured, which is no reason to try again. What is given as not a number
        becomes that.
    """

    metric: str
    sha256: str
    value: float | None
    reference_sha256: str = ""
    sizes: str = ""

    def __post_init__(self) -> None:
        """Have one way to say that there is no number."""
        if self.value is not None and math.isnan(self.value):
            object.__setattr__(self, "value", None)

    @property
    def key(self) -> MeasurementKey:
        """What was measured."""
        return MeasurementKey(self.metric, self.sha256, self.reference_sha256, self.sizes)
