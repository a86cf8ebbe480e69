"""Questions about runs: those of a filter, of an id, of a request, or of which a service reported something."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from studio_kernel.domain.runs import IMPORT_ENGINE
from studio_kernel.runlog.queries.assets import assets_of
from studio_kernel.runlog.queries.filters import Condition, Cursor, RunFilter, among, condition_of
from studio_kernel.runlog.queries.rows import RECORD_COLUMNS, Row

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def page(
    connection: DuckDBPyConnection, wanted: RunFilter, limit: int | None, before: Cursor | None, offset: int = 0
) -> list[Row]:
    """Return runs, newest first; `rows.records` makes something of them."""
    return _rows(connection, condition_of(wanted, before), limit, offset)


def reported(
    connection: DuckDBPyConnection, name: str, models: Sequence[str], value: str | None, limit: int | None
) -> list[Row]:
    """Return runs of some models that succeeded and reported something under a name, newest first."""
    path = f'$."{name}"'
    what = "json_extract_string(outcome, ?) = ?" if value is not None else "json_extract_string(outcome, ?) IS NOT NULL"
    parts: list[tuple[str, Sequence[object]]] = [
        ("status = 'succeeded'", ()),
        ("NOT deleted", ()),
        ("list_contains(?::VARCHAR[], model)", [list(models)]),
        (what, [path] if value is None else [path, value]),
    ]
    return _rows(connection, Condition.all_of(parts), limit)


def by_id(connection: DuckDBPyConnection, run_id: str) -> list[Row]:
    """Return one run, also a deleted one, or nothing."""
    return _rows(connection, Condition("id = ?::UUID", (run_id,)), 1)


def by_ids(connection: DuckDBPyConnection, ids: Sequence[str]) -> list[Row]:
    """Return some runs, also deleted ones, newest first."""
    return _rows(connection, Condition.all_of([among(ids)]), None) if ids else []


def ids_like(connection: DuckDBPyConnection, part: str, limit: int) -> list[str]:
    """Return the ids that begin or end with `part`, newest first."""
    rows = connection.execute(
        "SELECT id FROM all_runs WHERE starts_with(id::VARCHAR, ?) OR suffix(id::VARCHAR, ?) "
        "ORDER BY created_at DESC, id DESC LIMIT ?",
        [part, part, limit],
    ).fetchall()
    return [str(run_id) for (run_id,) in rows]


def count(connection: DuckDBPyConnection, wanted: RunFilter) -> int:
    """Return how many runs there are."""
    where = condition_of(wanted)
    row = connection.execute(f"SELECT count(*) FROM all_runs WHERE {where.sql}", where.values).fetchone()
    return int(row[0]) if row else 0


def succeeded_with(
    connection: DuckDBPyConnection, digests: Sequence[str], batch_size: int | None = None
) -> dict[str, str]:
    """Return the newest run that succeeded for each of some requests, by digest.

    What a file says that was brought in is no proof that the request makes it.
    """
    rows = connection.execute(
        "SELECT request_digest, arg_max(id, created_at) FROM runs WHERE status = 'succeeded' AND engine <> $imports "
        "AND request_digest IN (SELECT unnest($digests::VARCHAR[])) "
        "AND coalesce(batch_size = $batch_size, true) GROUP BY request_digest",
        {"digests": list(digests), "batch_size": batch_size, "imports": IMPORT_ENGINE},
    ).fetchall()
    return {digest: str(run_id) for digest, run_id in rows}


def unclear_with(connection: DuckDBPyConnection, digests: Sequence[str]) -> dict[str, str]:
    """Return the newest run for each of some requests where that may have been billed without a result, by digest.

    Among them those whose result may still be at the service.
    """
    rows = connection.execute(
        "SELECT request_digest, arg_max(id, created_at) FROM all_runs "
        "WHERE request_digest IN (SELECT unnest(?::VARCHAR[])) "
        "GROUP BY request_digest "
        "HAVING arg_max(coalesce(outcome->>'$.may_be_billed', outcome->>'$.can_be_fetched', ''), created_at) = 'true'",
        [list(digests)],
    ).fetchall()
    return {digest: str(run_id) for digest, run_id in rows}


def unfinished_with(
    connection: DuckDBPyConnection, digests: Sequence[str], batch_size: int | None = None
) -> dict[str, str]:
    """Return the oldest run that has not ended, and that nobody wants to stop, for each of some requests, by digest."""
    rows = connection.execute(
        "SELECT request_digest, arg_min(id, created_at) FROM runs JOIN (SELECT id FROM run_rows "
        "WHERE finished_at IS NULL AND created_at IS NOT NULL AND cancel_at IS NULL) USING (id) "
        "WHERE request_digest IN (SELECT unnest($digests::VARCHAR[])) "
        "AND coalesce(batch_size = $batch_size, true) GROUP BY request_digest",
        {"digests": list(digests), "batch_size": batch_size},
    ).fetchall()
    return {digest: str(run_id) for digest, run_id in rows}


def newest(columns: str, source: str, where: Condition, limit: int | None, offset: int = 0) -> str:
    """Return the query for the newest runs.

    A page picks its ids first: reading the wide columns for 50 runs only, not for all that the filter lets through,
    halves the time at a million runs.
    """
    order = "ORDER BY created_at DESC, id DESC"
    if limit is None:
        return f"SELECT {columns} FROM {source} WHERE {where.sql} {order} OFFSET {int(offset)}"
    part = f"LIMIT {int(limit)} OFFSET {int(offset)}"
    return (
        f"WITH page AS MATERIALIZED (SELECT id FROM {source} WHERE {where.sql} {order} {part}) "
        f"SELECT {columns} FROM all_runs SEMI JOIN page USING (id) {order}"
    )


def _rows(connection: DuckDBPyConnection, where: Condition, limit: int | None, offset: int = 0) -> list[Row]:
    query = newest(", ".join(RECORD_COLUMNS), "all_runs", where, limit, offset)
    rows = connection.execute(query, where.values).fetchall()
    found = [dict(zip(RECORD_COLUMNS, row, strict=True)) for row in rows]
    assets = assets_of(connection, [str(row["id"]) for row in found])
    return [(row, assets[str(row["id"])]) for row in found]
