"""What came out of a sweep: every cell with its run, as a table and as the contents of a grid.

Joins the cells of a sweep with the log's records of their runs and the files those made; grids and statistics
themselves are made by parts that know none of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from studio_kernel.assets import AssetStore
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.runs import RunRecord, RunStatus
from studio_kernel.domain.sweep import Cell, Sweep
from studio_kernel.domain.values import AssetRef, Value, asset_refs, describe
from studio_kernel.effects.design import Axis
from studio_kernel.grid.cells import GridCell, Picture
from studio_kernel.grid.labels import value_labels
from studio_kernel.grid.layout import Points, points_of

if TYPE_CHECKING:
    import pandas as pd

StoreOf: TypeAlias = Callable[[Asset], AssetStore]

RUN_METRICS: Mapping[str, str] = {"elapsed_s": "s", "cost_usd": "US$", "rating": "stars"}
"""What the log knows of a run in numbers, with units."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One cell and what became of it.

    Attributes
    ----------
    cell : Cell
        Its coordinates.
    record : RunRecord or None
        Its run, as the log has it now.
    problem : str
        Why it cannot have one.
    """

    cell: Cell
    record: RunRecord | None
    problem: str = ""

    @property
    def status(self) -> str:
        """The status of its run; ``planned`` or ``invalid`` without one."""
        if self.record is not None:
            return str(self.record.status)
        return "invalid" if self.problem else "planned"

    @property
    def error(self) -> str:
        """Why there is no result."""
        return (self.record.error or "") if self.record is not None else self.problem

    @property
    def images(self) -> tuple[Asset, ...]:
        """The pictures its run made."""
        if self.record is None or self.record.status is not RunStatus.SUCCEEDED:
            return ()
        return tuple(asset for asset in self.record.assets if asset.media_type.startswith("image/"))


def frame(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """Return a row a cell: its coordinates, typed, its run and how it went."""
    import pandas as pd

    columns = axis_columns([outcome.cell for outcome in outcomes])
    records = [outcome.record for outcome in outcomes]
    columns["id"] = pd.Series([record.id if record else None for record in records], dtype="str")
    columns["status"] = pd.Series([outcome.status for outcome in outcomes], dtype="str")
    for name in RUN_METRICS:
        columns[name] = pd.Series([getattr(record, name, None) for record in records], dtype="float64")
    columns["error"] = pd.Series([outcome.error for outcome in outcomes], dtype="str")
    return pd.DataFrame(columns)


def axis_columns(cells: Sequence[Cell]) -> dict[str, pd.Series]:
    """Return a column for each axis: numbers, booleans or text, whatever its values are.

    Whole numbers are ``int64``, or ``Int64`` where some cells have none; a mix of kinds, LoRAs and pictures are text.
    """
    names = cells[0].coordinates if cells else ()
    return {name: _typed([cell.coordinates[name] for cell in cells]) for name in names}


def grid_cells(outcomes: Iterable[Outcome], sweep: Sweep, store_of: StoreOf) -> dict[tuple[Value, ...], GridCell]:
    """Return what a grid shows of every cell."""
    return {
        tuple(outcome.cell.coordinates[name] for name in sweep.axes): _grid_cell(outcome, store_of)
        for outcome in outcomes
    }


def inputs(sweep: Sweep, store: AssetStore) -> dict[AssetRef, Picture]:
    """Return the pictures that are values of axes, as far as the store has them."""
    refs = {ref for values in sweep.axes.values() for value in values for ref in asset_refs(value)}
    return {ref: Picture(store.path(ref), ref.media_type, store.thumbnail(ref)) for ref in refs if store.has(ref)}


def axes_of(sweep: Sweep) -> list[Axis]:
    """Return the axes of a sweep as statistics see them: those that never change alone are one."""
    return [axis for group in points_of(sweep) for axis in _axes_of(group)]


def labels_of(sweep: Sweep) -> dict[str, dict[object, str]]:
    """Return what plots write for the values of text axes, as they stand in the table."""
    return {
        name: dict(zip(map(_text, values), value_labels(values), strict=True))
        for name, values in sweep.axes.items()
        if not all(isinstance(value, (int, float)) for value in values if value is not None)
    }


def _axes_of(group: Points) -> list[Axis]:
    if len(group.names) == 1:
        return [group.names[0]]
    alone = [name for name in group.names if len(group.only([n for n in group.names if n != name])) < len(group.points)]
    tied = tuple(name for name in group.names if name not in alone)
    rest: list[Axis] = [tied if len(tied) > 1 else tied[0]] if tied else []
    return [*alone, *rest]


def _grid_cell(outcome: Outcome, store_of: StoreOf) -> GridCell:
    record = outcome.record
    return GridCell(
        outcome.status,
        outcome.error,
        tuple(_picture(asset, store_of(asset)) for asset in (record.assets if record else ())),
        record.id if record else None,
        outcome.cell.coordinates,
    )


def _picture(asset: Asset, store: AssetStore) -> Picture:
    if not store.has(asset):  # a file that somebody took away is a note in its place, not the end of the grid
        return Picture(store.root / asset.sha256, asset.media_type, None, asset.width, asset.height)
    return Picture(store.path(asset), asset.media_type, store.thumbnail(asset), asset.width, asset.height)


def _typed(values: Sequence[Value]) -> pd.Series:
    import pandas as pd

    kinds = {type(value) for value in values if value is not None}
    some_have_none = any(value is None for value in values)
    if kinds == {bool}:
        return pd.Series(values, dtype="boolean" if some_have_none else "bool")
    if kinds == {int}:
        return pd.Series(values, dtype="Int64" if some_have_none else "int64")
    if kinds and kinds <= {int, float}:
        return pd.Series(values, dtype="float64")
    return pd.Series([_text(value) for value in values], dtype="str")


def _text(value: Value) -> str | None:
    return None if value is None else describe(value)
