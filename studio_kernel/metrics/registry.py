"""Every metric by its name, with its unit: the one list that tables, effects, reports and help texts read.

Three kinds, by what they are computed from: a picture, a stored file, a picture and a reference.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from immutabledict import immutabledict

from studio_kernel.errors import InvalidRequestError, Problem
from studio_kernel.metrics import pairs, pictures

Kind: TypeAlias = Literal["picture", "file", "pair"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One number of a picture.

    Attributes
    ----------
    name : str
        Its column.
    unit : str
        Empty when it has none.
    kind : {"picture", "file", "pair"}
        What `function` takes: a picture; the path of a stored file; a picture and a reference, with ``sizes=``.
    function : callable
        Returns the number. Its docstring says the range and the source.
    """

    name: str
    unit: str
    kind: Kind
    function: Callable[..., float]

    @property
    def summary(self) -> str:
        """The first sentence of the function's documentation."""
        return (inspect.getdoc(self.function) or "").split("\n", 1)[0]


METRICS: Mapping[str, Metric] = immutabledict(
    {
        metric.name: metric
        for metric in (
            Metric("sharpness", "grey levels²", "picture", pictures.sharpness),
            Metric("contrast", "", "picture", pictures.contrast),
            Metric("colourfulness", "", "picture", pictures.colourfulness),
            Metric("entropy", "bits per pixel", "picture", pictures.entropy),
            Metric("brightness", "", "picture", pictures.brightness),
            Metric("file_entropy", "bits per byte", "file", pictures.file_entropy),
            Metric("file_bits_per_pixel", "bits per pixel", "file", pictures.file_bits_per_pixel),
            Metric("similarity", "", "pair", pairs.similarity),
            Metric("psnr", "dB", "pair", pairs.psnr),
            Metric("pixel_difference", "", "pair", pairs.pixel_difference),
        )
    }
)


def metric_of(name: str, also: Iterable[str] = ()) -> Metric:
    """Return the metric of a name.

    Parameters
    ----------
    also : iterable of str
        Other names that the caller knows, told in the error.

    Raises
    ------
    InvalidRequestError
        When there is none.
    """
    if name in METRICS:
        return METRICS[name]
    known = ", ".join([*METRICS, *also])
    raise InvalidRequestError([Problem("metric", f"{name!r} is no metric; there are {known}")], "metrics")
