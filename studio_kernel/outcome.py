"""What came out of a sweep: every cell with its run, as a table and as the contents of a grid.

Joins the cells of a sweep with the log's records of their runs and the files those made; grids and statistics
themselves are made by parts that know none of these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio_kernel.domain.assets import Asset
from studio_kernel.domain.runs import RunRecord, RunStatus
from studio_kernel.domain.sweep import Cell
from studio_kernel.domain.values import Value, describe

if TYPE_CHECKING:
    import pandas as pd


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
        return tuple(asset for asset in self.record.assets if asset.is_a("image"))


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
    return pd.Series([text_of(value) for value in values], dtype="str")


def text_of(value: Value) -> str | None:
    """Return a value as it stands in a column of text."""
    return None if value is None else describe(value)
