"""Which axes of a sweep go where in a grid, and which cell then stands in a place.

Axes of one group may have only some combinations (zipped, sparse, sampled). Then only values that occur are shown, an
axis that follows from one that is placed is written beside it, and a place without a point has no cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Literal, TypeAlias

from studio_kernel.domain.sweep import Computed, Sweep
from studio_kernel.domain.values import Value, describe, freeze
from studio_kernel.errors import InvalidRequestError, Problem

Names: TypeAlias = str | Sequence[str] | None
Place: TypeAlias = tuple[Value, ...]
Side: TypeAlias = Literal["rows", "columns", "facets", "frames"]
SIDES: tuple[Side, ...] = ("rows", "columns", "facets", "frames")


@dataclass(frozen=True)
class Points:
    """A group of axes and the combinations of values it has."""

    names: tuple[str, ...]
    points: tuple[Place, ...]

    def where(self, values: Mapping[str, Value]) -> Points:
        """Return those with these values."""
        at = [(place, values[name]) for place, name in enumerate(self.names) if name in values]
        return Points(self.names, tuple(point for point in self.points if all(point[i] == v for i, v in at)))

    def only(self, names: Iterable[str]) -> dict[Place, Place]:
        """Return the combinations of some of the axes, each with the first point that has it."""
        places = [self.names.index(name) for name in names]
        found: dict[Place, Place] = {}
        for point in self.points:
            found.setdefault(tuple(point[place] for place in places), point)
        return found

    def follows(self, name: str, others: Sequence[str]) -> bool:
        """Whether the value of an axis is known from those of others."""
        return bool(others) and len(self.only([*others, name])) == len(self.only(others))


@dataclass(frozen=True)
class Layout:
    """Where each axis goes.

    Attributes
    ----------
    sides : mapping
        The axes of the rows, columns, facets and frames, the outermost first.
    fixed : mapping
        The axes of which one value is shown.
    at : mapping
        Those of them that were asked for.
    groups : tuple of Points
        What the sweep has, less what `fixed` takes away.
    """

    sides: Mapping[Side, tuple[str, ...]]
    fixed: Mapping[str, Value]
    at: Mapping[str, Value]
    groups: tuple[Points, ...]
    order: Mapping[str, Mapping[Value, int]] = field(repr=False)

    def values(self, side: Side) -> tuple[Place, ...]:
        """Return the combinations of values along a side, in order; one empty one when it has no axes."""
        names = self.sides[side]
        parts = [(group, [name for name in names if name in group.names]) for group in self.groups]
        used = [(own, group.only(own)) for group, own in parts if own]
        combined = [
            {
                name: value
                for (own, _), part in zip(used, chosen, strict=True)
                for name, value in zip(own, part, strict=True)
            }
            for chosen in product(*(places for _, places in used))
        ]
        found = [tuple(values[name] for name in names) for values in combined]
        return tuple(sorted(found, key=lambda place: [self.order[n][v] for n, v in zip(names, place, strict=True)]))

    def coordinates(self, places: Mapping[Side, Place]) -> tuple[dict[str, Value], bool]:
        """Return the values of all axes in a place, as far as they are known, and whether the sweep has that point."""
        chosen = dict(self.fixed)
        for side, place in places.items():
            chosen.update(zip(self.sides[side], place, strict=True))
        exists = True
        for known, group, points in self._lookup:
            point = points.get(tuple(chosen[name] for name in known))
            exists = exists and point is not None
            if point is not None:
                chosen.update(zip(group.names, point, strict=True))
        return chosen, exists

    @property
    def following(self) -> tuple[str, ...]:
        """Axes whose value differs from cell to cell without being written anywhere."""
        return tuple(name for group in self.groups for name in group.names if name not in self._told)

    @cached_property
    def _told(self) -> frozenset[str]:
        return frozenset({*self.fixed, *(name for names in self.sides.values() for name in names)})

    @cached_property
    def _lookup(self) -> list[tuple[tuple[str, ...], Points, dict[Place, Place]]]:
        """For each group: the axes that a place tells the values of, and the point that each of their values has."""
        known = [tuple(name for name in group.names if name in self._told) for group in self.groups]
        return [(names, group, group.only(names)) for names, group in zip(known, self.groups, strict=True)]


def arrange(
    sweep: Sweep,
    rows: Names = None,
    columns: Names = None,
    facets: Names = None,
    at: Mapping[str, object] | None = None,
    frames: Names = None,
) -> Layout:
    """Return where every axis of a sweep goes.

    Parameters
    ----------
    rows, columns, facets, frames : str or sequence of str
        Names of axes, the outermost first. Rows and columns that are left out are the last group of axes that is free
        (columns) and the one before it (rows); an empty list places none there.
    at : mapping
        Which value of an axis to show; axes that are neither placed nor named show their first.

    Raises
    ------
    InvalidRequestError
        For an axis or value that the sweep does not have, or an axis that is placed twice.
    """
    asked = {"rows": rows, "columns": columns, "facets": facets, "frames": frames}
    sides: dict[Side, tuple[str, ...] | None] = {side: _names(asked[side]) for side in SIDES}
    at = dict(at or {})
    _require_axes(sweep, [*(name for names in sides.values() for name in names or ()), *at])
    fixed = {name: _value(sweep, name, value) for name, value in at.items()}
    groups = [group.where(fixed) for group in points_of(sweep)]
    empty = next((group for group in groups if not group.points), None)
    if empty is not None:
        told = ", ".join(f"{name} {describe(value)}" for name, value in fixed.items() if name in empty.names)
        raise InvalidRequestError([Problem("at", f"no point of the sweep has {told}")], "grid")
    placed = _with_defaults(sides, groups, set(fixed))
    explicit = dict(fixed)
    for index, group in enumerate(groups):
        groups[index] = _settle(group, placed, fixed)
    order = {name: {value: i for i, value in enumerate(values)} for name, values in sweep.axes.items()}
    return Layout(placed, fixed, explicit, tuple(groups), order)


def points_of(sweep: Sweep) -> tuple[Points, ...]:
    """Return the groups of a sweep with values as they are shown."""
    return tuple(
        Points(group.names, tuple(tuple(_shown(value) for value in point) for point in group.points))
        for group in sweep.groups
    )


def _with_defaults(
    sides: Mapping[Side, tuple[str, ...] | None], groups: Sequence[Points], taken: set[str]
) -> dict[Side, tuple[str, ...]]:
    taken = taken | {name for names in sides.values() for name in names or ()}
    free = [group.names for group in groups if not taken & set(group.names)]
    columns, rows = sides["columns"], sides["rows"]
    if columns is None:
        columns = free.pop() if free else ()
    if rows is None:
        rows = free.pop() if free else ()
    return {"rows": rows, "columns": columns, "facets": sides["facets"] or (), "frames": sides["frames"] or ()}


def _settle(group: Points, placed: dict[Side, tuple[str, ...]], fixed: dict[str, Value]) -> Points:
    """Give each axis of a group that is not placed a place beside the one it follows from, or its first value."""
    for name in group.names:
        everywhere = [n for names in placed.values() for n in names if n in group.names]
        if name in everywhere or name in fixed:
            continue
        for side, names in placed.items():
            own = [n for n in names if n in group.names]
            if group.follows(name, own):
                after = names.index(own[-1]) + 1
                placed[side] = (*names[:after], name, *names[after:])
                break
        else:
            if not group.follows(name, everywhere):
                fixed[name] = group.points[0][group.names.index(name)]
                group = group.where({name: fixed[name]})
    return group


def _names(given: Names) -> tuple[str, ...] | None:
    return (given,) if isinstance(given, str) else None if given is None else tuple(given)


def _require_axes(sweep: Sweep, names: Sequence[str]) -> None:
    for name in names:
        if name not in sweep.axes:
            known = ", ".join(sweep.axes) or "none"
            raise InvalidRequestError([Problem("grid", f"{name!r} is not an axis; there are {known}")], "grid")
        if names.count(name) > 1:
            raise InvalidRequestError([Problem("grid", f"axis {name!r} is placed twice")], "grid")


def _value(sweep: Sweep, name: str, value: object) -> Value:
    values = sweep.axes[name]
    with suppress(TypeError, ValueError):  # what cannot be frozen is on no axis, which is said below
        value = freeze(value)
    found = [known for known in values if known == value]
    if not found:
        shown = ", ".join(describe(known) for known in values[:20]) + (", …" if len(values) > 20 else "")
        raise InvalidRequestError([Problem("at", f"{name} has no value {value!r}; it has {shown}")], "grid")
    return found[0]


def _shown(value: Value | Computed) -> Value:
    return value.label if isinstance(value, Computed) else value
