"""Rows of values for an axis: evenly spaced numbers, numbers evenly spaced by ratio, and what people type."""

from __future__ import annotations

import math

from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.values import Value


def linspace(start: float, stop: float, count: int) -> tuple[float, ...]:
    """Return `count` evenly spaced numbers from `start` to `stop`, both included.

    Values are rounded to 12 significant digits, so that 0.1 … 0.3 in three steps reads 0.1, 0.2, 0.3 and a request
    made from it has the digest of one typed by hand.

    Raises
    ------
    ValueError
        When `count` is below 1.

    Examples
    --------
    >>> linspace(1, 9, 5)
    (1.0, 3.0, 5.0, 7.0, 9.0)
    """
    if count < 1:
        raise ValueError(f"count {count!r} must be at least 1")
    if count == 1:
        return (float(start),)
    width = (stop - start) / (count - 1)
    return tuple(_rounded(start + width * i) for i in range(count))


def logspace(start: float, stop: float, count: int) -> tuple[float, ...]:
    """Return `count` numbers from `start` to `stop`, both included, each the same multiple of the one before.

    Unlike NumPy's, the ends are given themselves, not their exponents (as in ``numpy.geomspace``). Rounded as by
    `linspace`.

    Raises
    ------
    ValueError
        When `count` is below 1, or an end is not above 0.

    Examples
    --------
    >>> logspace(1, 100, 3)
    (1.0, 10.0, 100.0)
    """
    if start <= 0 or stop <= 0:
        raise ValueError(f"the ends {start!r} and {stop!r} of a logarithmic row must be above 0")
    exponents = linspace(math.log(start), math.log(stop), count)
    inner = (_rounded(math.exp(exponent)) for exponent in exponents[1:-1])
    return (float(start), *inner, float(stop)) if count > 1 else (float(start),)


def read_values(text: str, parameter: Parameter) -> tuple[Value, ...]:
    """Return the values of `parameter` that `text` lists, separated by commas."""
    parts = (part.strip() for part in text.split(","))
    match parameter.type:
        case "integer":
            return tuple(int(part) for part in parts)
        case "number":
            return tuple(float(part) for part in parts)
    return tuple(parts)


def _rounded(number: float) -> float:
    return float(f"{number:.12g}")
