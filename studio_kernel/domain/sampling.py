"""Groups of axes that are not a full product: zipped values, single cells, random samples, Latin hypercubes.

Each returns an `AxisGroup` with its points written out, so that a plan is exact and a sweep read from the log has the
same cells. What may be between two numbers is a *span*: a pair ``(low, high)``, or `span` for a logarithmic one; two
whole numbers give whole numbers. A list is a choice.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeGuard

from studio_kernel.domain.sweep import AxisGroup, AxisValue, Computed

Spans: TypeAlias = "Mapping[str, object]"

_TRIES = 100
"""How often a point, or a hypercube, is drawn anew."""


@dataclass(frozen=True, slots=True)
class Span:
    """Every number between two; made by `span`.

    Attributes
    ----------
    low, high : int or float
        Inclusive. Two whole numbers stand for whole numbers only.
    log : bool
        Equal ratios are equally likely, not equal differences.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        """Refuse ends that no number lies between."""
        for end in (self.low, self.high):
            if isinstance(end, bool) or not isinstance(end, (int, float)) or not math.isfinite(end):
                raise ValueError(f"the end {end!r} of a span is not a number")
        if self.low >= self.high:
            raise ValueError(f"a span from {self.low!r} to {self.high!r} is empty; the lower end comes first")
        if self.log and self.low <= 0:
            raise ValueError(f"the lower end {self.low!r} of a logarithmic span must be above 0")

    @property
    def is_whole(self) -> bool:
        """Whether it stands for whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def size(self) -> float:
        """How many different values there are."""
        return self.high - self.low + 1 if self.is_whole else math.inf

    def at(self, share: float) -> int | float:
        """Return the number at a share of the way, 0 ≤ `share` < 1."""
        if self.is_whole:  # each whole number gets the same piece of the way (of the logarithmic way: its own ratio)
            return min(int(self._between(self.low, self.high + 1, share)), int(self.high))
        return min(max(self._short(self._between(self.low, self.high, share)), float(self.low)), float(self.high))

    def _short(self, number: float) -> float:
        """Return `number` with the digits that matter in this span: they are read in tables and on grids."""
        if self.log:
            return float(f"{number:.5g}")
        return round(number, 4 - math.floor(math.log10(self.high - self.low)))

    def _between(self, low: float, high: float, share: float) -> float:
        return low * (high / low) ** share if self.log else low + (high - low) * share


@dataclass(frozen=True, slots=True)
class _Choice:
    values: tuple[AxisValue, ...]

    @property
    def size(self) -> float:
        return len(self.values)

    def at(self, share: float) -> int:
        """Return the place of the value; a place can be compared where a picture cannot."""
        return int(share * len(self.values))


def span(low: float, high: float, *, log: bool = False) -> Span:
    """Return the span from `low` to `high`, both included, to draw samples from.

    Parameters
    ----------
    low, high : int or float
        Two whole numbers stand for whole numbers only.
    log : bool
        Draw evenly by ratio: as many samples between 1 and 10 as between 10 and 100.

    Raises
    ------
    ValueError
        When `low` is not below `high`, or not above 0 in a logarithmic span.

    Examples
    --------
    >>> span(1, 100, log=True)
    Span(low=1, high=100, log=True)
    """
    return Span(low, high, log)


def zipped(axes: Mapping[str, Iterable[object]] | None = None, /, **more: Iterable[object]) -> AxisGroup:
    """Return axes that move together: the first values of all, then the second ones, and so on.

    Parameters
    ----------
    axes : mapping
        Axis → values, for names that are no Python names, such as ``prompt:red``.
    **more
        Axis → values.

    Raises
    ------
    ValueError
        When there are none, or one has more values than another.

    Examples
    --------
    >>> zipped(scheduler=["euler", "ddim"], num_inference_steps=[20, 50]).points
    (('euler', 20), ('ddim', 50))
    """
    given = {name: _listed(name, values) for name, values in {**(axes or {}), **more}.items()}
    counts = {name: len(values) for name, values in given.items()}
    if not given:
        raise ValueError("zipped() needs axes, such as scheduler=['euler', 'ddim'], num_inference_steps=[20, 50]")
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name} has {count}" for name, count in counts.items())
        raise ValueError(f"zipped axes need as many values as each other: {told}")
    return AxisGroup(tuple(given), tuple(zip(*given.values(), strict=True)))


def cells(points: Iterable[Mapping[str, object]]) -> AxisGroup:
    """Return single cells, each with settings of its own.

    Parameters
    ----------
    points : iterable of mappings
        Axis → value. A name that is missing in one is there as in the base request.

    Raises
    ------
    ValueError
        When there are none.

    Examples
    --------
    >>> cells([{"guidance_scale": 3.0}, {"guidance_scale": 7.0, "scheduler": "euler"}]).points
    ((3.0, None), (7.0, 'euler'))
    """
    given = list(points)
    names = tuple(dict.fromkeys(name for point in given for name in point))
    if not names:
        raise ValueError("cells() needs at least one cell, such as {'guidance_scale': 3.0, 'scheduler': 'euler'}")
    return AxisGroup(names, tuple(tuple(_value(point.get(name)) for name in names) for point in given))


def random_samples(count: int, spans: Spans | None = None, /, *, seed: int = 0, **more: object) -> AxisGroup:
    """Return `count` points drawn at random, all different: a point that comes again is drawn anew.

    Parameters
    ----------
    count : int
        How many.
    spans : mapping
        Axis → span or choice, for names that are no Python names, and for the parameter ``seed``.
    seed : int
        The same seed gives the same points.
    **more
        Axis → span or choice: ``guidance_scale=(1.0, 9.0)``, ``num_inference_steps=(10, 50)``,
        ``strength=sk.span(0.01, 1.0, log=True)``, ``scheduler=["euler", "ddim"]``.

    Raises
    ------
    ValueError
        When there are not that many different points, or a span is empty.

    Examples
    --------
    >>> random_samples(2, guidance_scale=(1.0, 9.0), scheduler=["euler", "ddim"]).points
    ((7.7554, 'ddim'), (4.3646, 'euler'))
    """
    given = _read(count, spans, more)
    possible = math.prod(each.size for each in given.values())
    if count > possible:
        raise ValueError(f"there are only {possible:.0f} different points of {', '.join(given)}, not {count}")
    # Only random() is promised to give the same numbers in every version of Python.
    chance = random.Random(seed)
    drawn: dict[tuple[float, ...], None] = {}
    for _ in range(_TRIES * count):
        drawn[tuple(each.at(chance.random()) for each in given.values())] = None
        if len(drawn) == count:
            return _group(given, drawn)
    raise ValueError(f"{count} points are too many for the spans of {', '.join(given)}; give fewer, or wider spans")


def latin_hypercube(count: int, spans: Spans | None = None, /, *, seed: int = 0, **more: object) -> AxisGroup:
    """Return about `count` points that cover every axis evenly: one in each of `count` equal parts of its span.

    Where whole numbers or choices make points meet, the square is drawn again; when a hundred are no better, what
    comes again is dropped, so that there are fewer points than `count`.

    Parameters
    ----------
    count, spans, seed, **more
        As for `random_samples`.

    Raises
    ------
    ValueError
        When `count` is below 1, or a span is empty.

    Notes
    -----
    McKay, Beckman and Conover, "A comparison of three methods for selecting values of input variables", Technometrics
    21(2), 1979; drawn by ``scipy.stats.qmc.LatinHypercube``.

    Examples
    --------
    >>> group = latin_hypercube(4, guidance_scale=(0.0, 8.0), num_inference_steps=(1, 4))
    >>> sorted(int(guidance // 2) for guidance, _ in group.points), sorted(steps for _, steps in group.points)
    ([0, 1, 2, 3], [1, 2, 3, 4])
    """
    from numpy.random import default_rng
    from scipy.stats.qmc import LatinHypercube

    given = _read(count, spans, more)
    cube = LatinHypercube(len(given), rng=default_rng(seed))
    most: dict[tuple[float, ...], None] = {}
    for _ in range(_TRIES):
        shares: list[list[float]] = cube.random(count).tolist()
        drawn = (tuple(each.at(share) for each, share in zip(given.values(), row, strict=True)) for row in shares)
        most = max(most, dict.fromkeys(drawn), key=len)
        if len(most) == count:
            break
    return _group(given, most)


def _group(given: Mapping[str, Span | _Choice], drawn: Iterable[Sequence[float]]) -> AxisGroup:
    points = (
        tuple(
            each.values[int(number)] if isinstance(each, _Choice) else number
            for each, number in zip(given.values(), point, strict=True)
        )
        for point in drawn
    )
    return AxisGroup(tuple(given), tuple(points))


def _read(count: int, spans: Spans | None, more: Spans) -> dict[str, Span | _Choice]:
    given = dict(_each(spans or {}, more))
    if count < 1:
        raise ValueError(f"count {count!r} must be at least 1")
    if not given:
        raise ValueError("samples need axes, such as guidance_scale=(1.0, 9.0), scheduler=['euler', 'ddim']")
    return given


def _each(*mappings: Spans) -> Iterator[tuple[str, Span | _Choice]]:
    for mapping in mappings:
        for name, given in mapping.items():
            if isinstance(given, Span):
                yield name, given
            elif _is_pair_of_numbers(given):
                yield name, Span(*given)
            else:
                yield name, _Choice(_listed(name, given))


def _is_pair_of_numbers(given: object) -> TypeGuard[tuple[float, float]]:
    return (
        isinstance(given, tuple)
        and len(given) == 2
        and all(isinstance(end, (int, float)) and not isinstance(end, bool) for end in given)
    )


def _listed(name: str, values: object) -> tuple[AxisValue, ...]:
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise ValueError(f"{name} is {values!r}; give a list of values, or a pair of numbers to draw from")
    listed = tuple(map(_value, values))
    if not listed:
        raise ValueError(f"axis {name!r} has no values")
    return listed


def _value(value: object) -> AxisValue:
    """Return a value as an axis takes it; functions are computed in each cell."""
    if callable(value) and not hasattr(value, "__array__"):  # pictures are values even where they can be called
        return Computed(getattr(value, "__name__", repr(value)), value)
    return value  # type: ignore[return-value]  # frozen when it becomes part of a sweep
