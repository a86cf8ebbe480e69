"""Runs in the order of a number: one that the log knows of a run, or one that was measured of its pictures.

As in `queries`, every value is bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio_kernel.runlog.patch import KINDS_OF_MEDIA
from studio_kernel.runlog.queries.filters import Cursor, RunFilter, condition_of
from studio_kernel.runlog.queries.rows import Row
from studio_kernel.runlog.queries.runs import by_ids

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COLUMNS = ("elapsed_s", "cost_usd", "rating")
"""Numbers that the log knows of a run."""


@dataclass(frozen=True, slots=True)
class Order:
    """What runs are sorted by; those without a number come last, whichever way, and of equal ones the newest first.

    Attributes
    ----------
    by : str
        One of `COLUMNS`, or the name under which numbers of a metric are kept. Of a run that made several pictures it
        is the mean of those that were measured.
    highest_first : bool
        Or the lowest.
    of_prompt : bool
        Whether the metric measures how a picture goes with its prompt.
    """

    by: str
    highest_first: bool = True
    of_prompt: bool = False

    @property
    def is_measured(self) -> bool:
        """Whether it is a number of pictures."""
        return self.by not in COLUMNS


def page(
    connection: DuckDBPyConnection, wanted: RunFilter, order: Order, limit: int | None, offset: int = 0
) -> list[Row]:
    """Return runs in an order; `rows.records` makes something of them."""
    where = condition_of(wanted)
    part = "" if limit is None else f"LIMIT {int(limit)} "
    rows = connection.execute(
        f"{_numbered(order)} SELECT id FROM numbered WHERE {where.sql} "
        f"ORDER BY number {_direction(order)} NULLS LAST, created_at DESC, id DESC {part}OFFSET {int(offset)}",
        [*_bound(order), *where.values],
    ).fetchall()
    places = {str(run_id): place for place, (run_id,) in enumerate(rows)}
    return sorted(by_ids(connection, list(places)), key=lambda row: places[str(row[0]["id"])])


def place_of(connection: DuckDBPyConnection, wanted: RunFilter, order: Order, run_id: str) -> int:
    """Return how many runs stand before one of them, or would."""
    row = connection.execute(
        f"{_numbered(order)} SELECT number, created_at FROM numbered WHERE id = ?::UUID", [*_bound(order), run_id]
    ).fetchone()
    if row is None:
        return 0
    number, created_at = row
    where = condition_of(wanted)
    newer = "(created_at > ? OR (created_at = ? AND id > ?::UUID))"
    later = [created_at, created_at, run_id]
    if number is None:
        before, values = f"(number IS NOT NULL OR {newer})", later
    else:
        sign = ">" if order.highest_first else "<"
        before, values = f"(number {sign} ? OR (number = ? AND {newer}))", [number, number, *later]
    counted = connection.execute(
        f"{_numbered(order)} SELECT count(*) FROM numbered WHERE {where.sql} AND {before}",
        [*_bound(order), *where.values, *values],
    ).fetchone()
    return int(counted[0]) if counted else 0


def coverage(connection: DuckDBPyConnection, wanted: RunFilter, order: Order) -> tuple[int, int]:
    """Return how many runs with something to measure were measured, and how many there are."""
    where = condition_of(wanted)
    row = connection.execute(
        f"{_numbered(order)} SELECT count(was_measured), count(*) FROM numbered WHERE {where.sql} AND {_CAN_BE}",
        [*_bound(order), *where.values],
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def unmeasured(
    connection: DuckDBPyConnection, wanted: RunFilter, order: Order, limit: int, before: Cursor | None
) -> list[Row]:
    """Return runs with something to measure that nobody has measured, newest first."""
    where = condition_of(wanted, before)
    rows = connection.execute(
        f"{_numbered(order)} SELECT id FROM numbered WHERE {where.sql} AND {_CAN_BE} AND was_measured IS NULL "
        f"ORDER BY created_at DESC, id DESC LIMIT {int(limit)}",
        [*_bound(order), *where.values],
    ).fetchall()
    return by_ids(connection, [str(run_id) for (run_id,) in rows])


_CAN_BE = f"status = 'succeeded' AND media & {KINDS_OF_MEDIA['image'] | KINDS_OF_MEDIA['video']} <> 0 AND NOT private"


def _numbered(order: Order) -> str:
    """Return the beginning of a query in which ``numbered`` has every run with its number."""
    if not order.is_measured:
        return f"WITH numbered AS NOT MATERIALIZED (SELECT *, {order.by} AS number, true AS was_measured FROM all_runs)"
    if order.of_prompt:
        of_run = "JOIN all_runs AS made ON run_id = made.id"
        against = "reference_sha256 = sha256(coalesce(made.prompt, ''))"
    else:
        of_run, against = "", "reference_sha256 = ''"
    return (
        "WITH measured AS (SELECT run_id AS id, avg(value) AS number, true AS was_measured "
        f"FROM measurements JOIN assets USING (sha256) {of_run} "
        f"WHERE metric = ? AND {against} AND role = 'output' GROUP BY run_id), "
        "numbered AS NOT MATERIALIZED (SELECT * FROM all_runs LEFT JOIN measured USING (id))"
    )


def _bound(order: Order) -> Sequence[object]:
    return [order.by] if order.is_measured else []


def _direction(order: Order) -> str:
    return "DESC" if order.highest_first else "ASC"
