"""The columns of the tables: how each is called and how its values are read; and the order of rows. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from immutabledict import immutabledict

from studio_kernel.domain.budget import dollars
from studio_kernel.domain.words import duration

if TYPE_CHECKING:
    import pandas as pd

Cell: TypeAlias = str | float | datetime | None
Row: TypeAlias = Mapping[str, Cell]
UNKNOWN = "–"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    key : str
        As the kernel calls it.
    heading : str
        As people do.
    text : callable
        What is read of a value that there is.
    """

    key: str
    heading: str
    text: Callable[[Any], str]

    def shown(self, row: Row) -> str:
        """Return what is read of a row's value; a dash where there is none."""
        value = row.get(self.key)
        return UNKNOWN if value is None else self.text(value)


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _share(value: float) -> str:
    return f"{100 * value:.0f} %" if value in (0, 1) else f"{min(99.9, max(0.1, 100 * value)):.1f} %"


def _money(value: float) -> str:
    return dollars(value) if value else UNKNOWN


def _time(value: float) -> str:
    return duration(value) if value else UNKNOWN


def _stars(value: float) -> str:
    return f"{value:.1f}"


def _signed(value: float) -> str:
    return f"{value:+.2f}"


def _moment(value: datetime) -> str:
    return f"{value.astimezone():%Y-%m-%d %H:%M}"


USAGE = (
    Column("what", "What", str),
    Column("runs", "Runs", _whole),
    Column("succeeded", "Succeeded", _whole),
    Column("failed", "Failed", _whole),
    Column("cancelled", "Cancelled", _whole),
    Column("pictures", "Files", _whole),
    Column("seconds", "Time", _time),
    Column("estimated_usd", "Estimated", _money),
    Column("billed_usd", "Billed", _money),
    Column("total_usd", "Spent", _money),
    Column("committed_usd", "Committed", _money),
)
MODELS = (
    Column("model", "Model", str),
    Column("runs", "Runs", _whole),
    Column("success_rate", "Succeeded", _share),
    Column("failed", "Failed", _whole),
    Column("median_s", "Time", _time),
    Column("p90_s", "9 of 10 within", _time),
    Column("median_usd", "Cost of a run", _money),
    Column("total_usd", "Spent", _money),
    Column("rating", "Rating", _stars),
    Column("ratings", "Rated", _whole),
    Column("favourites", "Favourites", _whole),
    Column("strength", "Strength", _signed),
    Column("votes", "Votes", _whole),
    Column("last_used", "Last used", _moment),
)


def rows_of(table: pd.DataFrame) -> tuple[Row, ...]:
    """Return the rows of a table with plain values; what is missing is `None`."""
    names = [str(name) for name in table.columns]
    return tuple(
        immutabledict(zip(names, map(_plain, values), strict=True)) for values in table.itertuples(index=False)
    )


def in_order(rows: Iterable[Row], column: str, *, is_descending: bool) -> tuple[Row, ...]:
    """Return rows by a column; those without a value last either way, those that are equal by their first column."""
    by_name = sorted(rows, key=lambda row: str(next(iter(row.values()), "")))
    known = [row for row in by_name if row.get(column) is not None]
    known.sort(key=lambda row: _place(row[column]), reverse=is_descending)
    return (*known, *(row for row in by_name if row.get(column) is None))


def shares(rows: Sequence[Row], column: str) -> list[float]:
    """Return how large each row's number is beside the largest, 0 … 1; nothing where a column has other values."""
    values = [row.get(column) for row in rows]
    numbers = [value if isinstance(value, (int, float)) else 0.0 for value in values]
    most = max(numbers, default=0.0)
    return [max(0.0, number / most) if most > 0 else 0.0 for number in numbers]


def _place(value: Cell) -> tuple[float, str]:
    if isinstance(value, datetime):
        return value.timestamp(), ""
    return (0.0, value.casefold()) if isinstance(value, str) else (float(value or 0.0), "")


def _plain(value: Any) -> Cell:
    """Return a value of pandas or NumPy as one of Python."""
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        if math.isnan(value.timestamp()):  # NaT
            return None
        plain = value.to_pydatetime() if hasattr(value, "to_pydatetime") else value
        return (plain if plain.tzinfo else plain.replace(tzinfo=UTC)).astimezone(UTC)
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, (int, float)):
        return value if math.isfinite(value) else None
    return None if value is None else str(value)
