"""The cells of a sweep in a grid: where each axis goes, which page and which values are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias, get_args

import traitlets

from studio_kernel.domain.sweep import Sweep
from studio_kernel.domain.values import Value
from studio_kernel.errors import StudioError
from studio_kernel.grid.labels import axis_label, value_label, value_labels
from studio_kernel.grid.layout import Layout, Place, arrange
from studio_kernel.outcome import Outcome
from studio_kernel.sweeps import SweepRun
from studio_widgets.cells.shown import ShownCells
from studio_widgets.cells.table import Table, Tile, tile, too_large

Side: TypeAlias = Literal["rows", "columns", "pages", "one"]
"""Where an axis goes: down, across, a page each value, or one value at a time."""

_SIDES = ("rows", "columns", "pages")


class ArrangedCells(ShownCells):
    """The cells of a sweep with its axes anywhere.

    Attributes
    ----------
    rows, columns, pages : tuple of str
        Where the axes of the sweep that is shown were put; see `place`.
    at : dict
        Axis → the value that is shown of it, where only one is.
    page : int
        Which page is shown.
    page_labels : tuple of str
        What the pages are called.
    """

    rows = traitlets.Tuple(read_only=True)
    columns = traitlets.Tuple(read_only=True)
    pages = traitlets.Tuple(read_only=True)
    at: traitlets.Dict[str, Value] = traitlets.Dict(read_only=True)
    page = traitlets.Int(0)
    page_labels = traitlets.Tuple(read_only=True)
    _layout: Layout | None = None

    @property
    def titles(self) -> dict[str, str]:
        """What people call the axes of the sweep that is shown."""
        axes = self._sweep.definition.axes if self._sweep is not None else ()
        return {name: axis_label(name) for name in axes}

    def side_of(self, axis: str) -> Side:
        """Return where an axis is."""
        sides: dict[Side, tuple[str, ...]] = {"rows": self.rows, "columns": self.columns, "pages": self.pages}
        return next((side for side, names in sides.items() if axis in names), "one")

    def values_of(self, axis: str) -> list[tuple[str, int]]:
        """Return (label, place) of the values of an axis of the sweep that is shown."""
        values = self._sweep.definition.axes.get(axis, ()) if self._sweep is not None else ()
        return [(label, place) for place, label in enumerate(value_labels(values))]

    def value_of(self, axis: str) -> int:
        """Return which value is shown of an axis of which one is, by its place among them."""
        values = self._sweep.definition.axes.get(axis, ()) if self._sweep is not None else ()
        return values.index(self.at[axis]) if axis in self.at else 0

    def place(self, axis: str, side: Side) -> None:
        """Put an axis down, across, on pages, or show one value of it."""
        if side not in get_args(Side) or axis not in self.titles:
            self.error = f"{axis!r} cannot be put {side!r}"
            return
        sides = {name: tuple(each for each in getattr(self, name) if each != axis) for name in _SIDES}
        if side != "one":
            sides[side] = (*sides[side], axis)
        at = {name: value for name, value in self.at.items() if name != axis}
        self._attempt(lambda: self._lay_out(sides, at))

    def swap(self) -> None:
        """Put what goes down across, and what goes across down."""
        sides = {"rows": self.columns, "columns": self.rows, "pages": self.pages}
        self._attempt(lambda: self._lay_out(sides, self.at))

    def show_value(self, axis: str, place: int) -> None:
        """Show one value of an axis, by its place among them."""
        values = self._sweep.definition.axes.get(axis, ()) if self._sweep is not None else ()
        if not 0 <= place < len(values):
            self.error = f"{axis!r} has no value {place}"
            return
        sides = {name: tuple(each for each in getattr(self, name) if each != axis) for name in _SIDES}
        self._attempt(lambda: self._lay_out(sides, {**self.at, axis: values[place]}))

    # Inside

    def _opened(self) -> None:
        self._layout = None
        if self._sweep is not None:
            self._lay_out_first(self._sweep.definition)

    def _lay_out_first(self, sweep: Sweep) -> None:
        """Put the last two groups of axes down and across, and give all others pages."""
        layout = arrange(sweep)
        pages = tuple(name for name in layout.fixed if len(sweep.axes[name]) > 1)
        sides = {"rows": layout.sides["rows"], "columns": layout.sides["columns"], "pages": pages}
        try:
            self._lay_out(sides, {}, show=False)
        except StudioError:  # pages that have not every combination
            self._lay_out({**sides, "pages": ()}, {}, show=False)

    def _lay_out(self, sides: Mapping[str, tuple[str, ...]], at: Mapping[str, Value], *, show: bool = True) -> None:
        if self._sweep is None:
            return
        sweep = self._sweep.definition
        layout = arrange(sweep, sides["rows"], sides["columns"], sides["pages"], at)
        pages = layout.values("facets")
        with self.lock, self.hold_trait_notifications():
            self._layout = layout
            for name in _SIDES:
                self.set_trait(name, tuple(sides[name]))
            self.set_trait("at", {name: value for name, value in layout.fixed.items() if len(sweep.axes[name]) > 1})
            self.set_trait("page_labels", tuple(_label(layout.sides["facets"], place) for place in pages))
            self.page = min(self.page, max(0, len(pages) - 1))
        if show:
            self._redraw()

    @traitlets.observe("page")
    def _turn(self, _change: traitlets.Bunch) -> None:
        if not 0 <= self.page < max(1, len(self.page_labels)):
            self.page = 0
        else:
            self._redraw()

    def _arrange(self, sweep: SweepRun, outcomes: Sequence[Outcome]) -> Table | None:
        layout = self._layout
        if layout is None:
            return None
        rows, columns, pages = layout.values("rows"), layout.values("columns"), layout.values("facets")
        names = tuple(sweep.definition.axes)
        found = {tuple(outcome.cell.coordinates[name] for name in names): outcome for outcome in outcomes}
        is_sorted = bool(self.metric and self.order)  # by a number: then over all pages
        shown = pages if is_sorted else pages[min(self.page, len(pages) - 1) :][:1] or ((),)
        large = too_large(len(rows) * len(shown), len(columns))
        places = ((row, column, page) for page in shown for row in rows for column in columns)
        tiles = () if large else tuple(_tile(sweep, layout, found, place) for place in places)
        return Table(
            across=", ".join(map(axis_label, layout.sides["columns"])),
            down=", ".join(map(axis_label, layout.sides["rows"])),
            columns=() if large else tuple(_labels(columns)),
            rows=() if large else tuple(_labels(rows)),
            tiles=tiles,
            too_many=large,
        )


def _tile(
    sweep: SweepRun,
    layout: Layout,
    found: Mapping[tuple[Value, ...], Outcome],
    at: tuple[Place, Place, Place],
) -> Tile:
    row, column, page = at
    coordinates, exists = layout.coordinates({"rows": row, "columns": column, "facets": page})
    title = ", ".join(f"{axis_label(name)} {value_label(value)}" for name, value in coordinates.items())
    if not exists:
        return Tile("", "no such point", title, "these values do not come together")
    outcome = found.get(tuple(coordinates.get(name) for name in sweep.definition.axes))
    if outcome is None:
        rule = sweep.definition.left_out_by(coordinates)
        return Tile("", "left out", title, rule.text if rule else "")
    return tile(outcome, title)


def _labels(places: Sequence[Place]) -> Iterable[str]:
    """Yield what stands beside rows or above columns, as short as they can be told apart."""
    columns = [value_labels(values) for values in zip(*places, strict=True)]
    return [" · ".join(labels) for labels in zip(*columns, strict=True)] if columns else [""] * len(places)


def _label(names: Sequence[str], place: Place) -> str:
    return ", ".join(f"{axis_label(name)} {value_label(value)}" for name, value in zip(names, place, strict=True))
