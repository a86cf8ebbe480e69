"""A finer sweep around one cell of a sweep: where to look next when something good has been found.

Numbers close in on the winner, everything else is held at its value, seeds stay. The winner's own cells and its
neighbours' are in the new sweep again; they are done already.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.ranges import linspace, logspace
from studio_kernel.domain.sampling import Span, latin_hypercube
from studio_kernel.domain.sweep import REPLICATE, AxisGroup, AxisValue, Sweep, label_of
from studio_kernel.domain.values import Value, describe

ParameterOf: TypeAlias = Callable[[str], "Parameter | None"]
_SEEDS = frozenset({"seed", REPLICATE})


def refined(
    sweep: Sweep, around: Mapping[str, Value], parameter_of: ParameterOf, *, points: int = 5, seed: int = 0
) -> Sweep:
    """Return the sweep of the same base and rules, closer around one cell.

    Parameters
    ----------
    around : mapping
        The winner's coordinates, axis name → value. Seeds and axes of one value may be left out.
    parameter_of : callable
        Returns the parameter that an axis changes, for its bounds and step; `None` when there is none.
    points : int
        How many values an axis of numbers gets, at least 2: the winner's, those of its two neighbours and others
        between them, linear or logarithmic as the axis was. At an end of the axis, the neighbour that is missing is
        as far away as the other one, within the bounds of the parameter. Whole numbers stay so, and each stands once,
        so there may be fewer.

        A group of several axes of numbers, such as samples, gets so many points: the winner, and a Latin hypercube
        in a box around it. Its sides are as long as the points of a group of that size are apart: the range of each
        axis, divided by the root of the number of points of the order of the number of axes.
    seed : int
        Of the Latin hypercube.

    Raises
    ------
    ValueError
        When there is no cell at `around`, or nothing to be refined.
    """
    if points < 2:
        raise ValueError(f"points {points!r} must be at least 2: the winner and another value")
    groups = [_refined(group, around, parameter_of, points, seed) for group in sweep.groups]
    if all(new is old or len(new.points) == 1 for new, old in zip(groups, sweep.groups, strict=True)):
        told = ", ".join(group.title for group in sweep.groups)
        raise ValueError(f"there is nothing to refine in {told}; only numbers with other values beside them are")
    return sweep.replace(*groups)


def _refined(
    group: AxisGroup, around: Mapping[str, Value], parameter_of: ParameterOf, points: int, seed: int
) -> AxisGroup:
    if set(group.names) <= _SEEDS:
        return group
    winner = _point_at(group, around)
    rows = [_Row.of(name, place, group, parameter_of(name)) for place, name in enumerate(group.names)]
    numeric = {name: row for name, row in zip(group.names, rows, strict=True) if row is not None}
    if len(group.names) == 1 and numeric:
        [row] = numeric.values()
        return AxisGroup.of(group.names[0], row.around(_number(winner[0]), points))
    if len(numeric) > 1:
        return _resampled(group, winner, numeric, points, seed)
    return AxisGroup(group.names, (winner,))


def _point_at(group: AxisGroup, around: Mapping[str, Value]) -> tuple[AxisValue, ...]:
    """Return the winner's values in a group."""
    known = {name: value for name, value in around.items() if name in group.names}
    found = [
        point
        for point in group.points
        if all(
            label_of(value) == known.get(name, label_of(value)) for name, value in zip(group.names, point, strict=True)
        )
    ]
    if not found:
        shown = ", ".join(f"{name} {describe(value)}" for name, value in known.items())
        raise ValueError(f"the sweep has no cell at {shown}")
    if len(found) > 1:
        missing = [name for name in group.names if name not in known]
        raise ValueError(f"the place of the winner on {', '.join(missing) or group.title} is missing")
    return found[0]


def _resampled(
    group: AxisGroup, winner: tuple[AxisValue, ...], numeric: Mapping[str, _Row], points: int, seed: int
) -> AxisGroup:
    apart = len(group.points) ** (-1 / len(numeric))
    values = dict(zip(group.names, winner, strict=True))
    spans = {name: row.span(_number(values[name]), apart) for name, row in numeric.items()}
    free = {name: span for name, span in spans.items() if span is not None}
    if not free:
        return AxisGroup(group.names, (winner,))
    drawn = latin_hypercube(points - 1, free, seed=seed)
    settings = [{**values, **_fitted(drawn.names, point, numeric)} for point in drawn.points]
    others = (tuple(setting[name] for name in group.names) for setting in settings)
    return AxisGroup(group.names, tuple(dict.fromkeys([winner, *others])))


def _fitted(names: Iterable[str], point: Iterable[AxisValue], rows: Mapping[str, _Row]) -> dict[str, AxisValue]:
    """Return the values of a drawn point, whole numbers in the step of their parameter."""
    return {name: rows[name].fitted(_number(value)) for name, value in zip(names, point, strict=True)}


@dataclass(frozen=True, slots=True)
class _Row:
    """The numbers of one axis, and what its parameter allows."""

    values: tuple[float, ...]
    low: float
    high: float
    step: int

    @classmethod
    def of(cls, name: str, place: int, group: AxisGroup, parameter: Parameter | None) -> _Row | None:
        """Return the row of one axis of a group; `None` when it is none of several numbers, or one of seeds."""
        values = {label_of(point[place]) for point in group.points}
        numbers = [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
        if name in _SEEDS or len(numbers) < max(2, len(values)):
            return None
        low = -math.inf if parameter is None or parameter.min is None else parameter.min
        high = math.inf if parameter is None or parameter.max is None else parameter.max
        if parameter is not None and parameter.type in ("integer", "number"):
            is_whole = parameter.type == "integer"
        else:
            is_whole = all(isinstance(number, int) for number in numbers)
        step = int(parameter.step or 1) if parameter is not None and is_whole else int(is_whole)
        return cls(tuple(sorted(numbers)), low, high, step)

    def around(self, winner: float, points: int) -> list[float]:
        """Return up to `points` values from one neighbour of the winner to the other, the winner's among them."""
        space = logspace if self._is_geometric() else linspace
        below, above = self._neighbours(winner, logarithmic=space is logspace)
        fewer = (points - 1) // 2 if below < winner < above else 0 if below == winner else points - 1
        row = [*space(below, winner, fewer + 1)[:-1], winner, *space(winner, above, points - fewer)[1:]]
        return list(dict.fromkeys(map(self._own, row)))

    def span(self, winner: float, share: float) -> Span | None:
        """Return the part of the row around the winner that reaches a share of it to both sides; `None` = no room."""
        first, last = self.values[0], self.values[-1]
        logarithmic = self._is_skewed()
        if logarithmic:
            factor = (last / first) ** share
            below, above = winner / factor, winner * factor
        else:
            below, above = winner - (last - first) * share, winner + (last - first) * share
        below, above = self._clipped(below), self._clipped(above)
        if self.step:
            below, above = math.ceil(below), math.floor(above)
        return Span(below, above, logarithmic) if below < above else None

    def fitted(self, number: float) -> float:
        """Return `number`, or the nearest that a whole-numbered parameter takes."""
        if not self.step:
            return number
        nearest = round(number / self.step) * self.step
        return int(min(max(nearest, self._lowest()), self._highest()))

    def _own(self, number: float) -> float:
        """Return the number of the axis itself, not what arithmetic makes of it, so that its cells are found again."""
        return next((own for own in self.values if math.isclose(own, number, rel_tol=1e-9)), self.fitted(number))

    def _neighbours(self, winner: float, *, logarithmic: bool) -> tuple[float, float]:
        place = self.values.index(winner)
        below = self.values[place - 1] if place else None
        above = self.values[place + 1] if place + 1 < len(self.values) else None
        if below is None and above is not None:
            below = winner * winner / above if logarithmic else winner - (above - winner)
        if above is None and below is not None:
            above = winner * winner / below if logarithmic else winner + (winner - below)
        assert below is not None, "a row has two numbers at least"
        assert above is not None, "a row has two numbers at least"
        return self._clipped(below), self._clipped(above)

    def _clipped(self, number: float) -> float:
        return min(max(number, self.low), self.high)

    def _lowest(self) -> float:
        return self.low if math.isinf(self.low) else math.ceil(self.low / self.step) * self.step

    def _highest(self) -> float:
        return self.high if math.isinf(self.high) else math.floor(self.high / self.step) * self.step

    def _is_geometric(self) -> bool:
        """Whether the numbers are evenly spaced by ratio, and not by difference."""
        if len(self.values) < 3 or self.values[0] <= 0 or _are_alike([b - a for a, b in pairwise(self.values)]):
            return False
        return _are_alike([math.log(b / a) for a, b in pairwise(self.values)])

    def _is_skewed(self) -> bool:
        """Whether numbers drawn from a wide span look as if drawn evenly by ratio: by where the middle one lies."""
        first, middle, last = self.values[0], self.values[len(self.values) // 2], self.values[-1]
        if first <= 0 or last / first < 10:
            return False
        return abs(math.log(middle / math.sqrt(first * last))) < abs(math.log(middle / ((first + last) / 2)))


def _are_alike(gaps: Sequence[float]) -> bool:
    """Whether gaps are the same within 15 %, which is what rounding to whole numbers may cost."""
    return max(gaps) <= 1.15 * min(gaps)


def _number(value: AxisValue) -> float:
    assert isinstance(value, (int, float)), "the axes of a row hold numbers alone"
    return value
