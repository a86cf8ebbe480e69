"""One guidance scale for each row of a pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch


class GuidanceScales(float):
    """Several guidance scales where a pipeline expects one.

    It compares like the smallest of them, so "is there guidance" is answered right when all are above 1, and multiplies
    each row of a tensor with its own. It refuses all other arithmetic: a pipeline that does more with the guidance
    scale would go on with one of them for all rows.

    Parameters
    ----------
    scales : sequence of float
        One for each row, above 1.

    Notes
    -----
    Each product is rounded once, as that of a tensor with a number is: half precision is multiplied in single.
    """

    _scales: torch.Tensor

    def __new__(cls, scales: Sequence[float]) -> GuidanceScales:
        """Return the scales as a number."""
        made = super().__new__(cls, min(scales))
        made._scales = torch.tensor(scales, dtype=torch.float32)
        return made

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, torch.Tensor) or len(other) != len(self._scales):
            return self._refuse()
        column = self._scales.to(other.device).view(-1, *[1] * (other.ndim - 1))
        return (other * column).to(other.dtype)

    def _refuse(self, *_: object) -> Any:
        raise TypeError("a guidance scale for each row can be multiplied with, nothing else")

    __add__ = __radd__ = __sub__ = __rsub__ = __truediv__ = __rtruediv__ = __pow__ = __rpow__ = _refuse
    __rmul__ = __neg__ = __abs__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _refuse
