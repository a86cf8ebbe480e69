"""Questions about what waits or is at work: the queue, and the jobs of remote services."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from studio_kernel.domain.events import Ticket
from studio_kernel.domain.queue import QueueEntry
from studio_kernel.runlog import decode
from studio_kernel.runlog.queries.rows import RECORD_COLUMNS, record_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_QUEUE_COLUMNS = ("owner", "attempt", "priority", "cancel_at", "reserved_for", "private", "ticket")


def unfinished(connection: DuckDBPyConnection) -> list[QueueEntry]:
    """Return every run that has not ended, the oldest first."""
    columns = (*RECORD_COLUMNS, *_QUEUE_COLUMNS)
    rows = connection.execute(
        f"SELECT {', '.join(columns)} FROM all_runs JOIN (SELECT id, claimed_at, owner, cancel_at, reserved_for "
        "FROM run_rows WHERE finished_at IS NULL AND created_at IS NOT NULL) USING (id) ORDER BY created_at, id"
    ).fetchall()
    return [entry for row in rows if (entry := _entry(dict(zip(columns, row, strict=True)))) is not None]


def queue_state(connection: DuckDBPyConnection) -> tuple[bool, tuple[str, ...]]:
    """Return whether the queue is paused, and which runs were put first."""
    row = connection.execute("SELECT coalesce(paused, false), coalesce(first, []) FROM queue").fetchone()
    return (bool(row[0]), tuple(row[1])) if row else (False, ())


def ticket_of(connection: DuckDBPyConnection, run_id: str) -> Ticket | None:
    """Return what the remote service gave for a run."""
    row = connection.execute("SELECT ticket FROM all_runs WHERE id = ?::UUID", [run_id]).fetchone()
    return _ticket(row[0]) if row else None


def has_ticket(connection: DuckDBPyConnection, remote_id: str) -> bool:
    """Return whether a remote service gave that name to one of the runs."""
    query = "SELECT count(*) FROM all_runs WHERE ticket IS NOT NULL AND ticket->>'$.remote_id' = ?"
    row = connection.execute(query, [remote_id]).fetchone()
    return bool(row and row[0])


def _entry(row: Mapping[str, object]) -> QueueEntry | None:
    record = record_of(row, ())
    if record is None:
        return None
    return QueueEntry(
        record,
        owner=cast("str | None", row["owner"]) or "",
        attempt=cast("int | None", row["attempt"]) or 0,
        priority=cast(int, row["priority"]),
        is_cancelled=row["cancel_at"] is not None,
        reserved_for=cast("str | None", row["reserved_for"]),
        is_private=bool(row["private"]),
        has_started=row["started_at"] is not None,
        ticket=_ticket(cast("str | None", row["ticket"])),
    )


def _ticket(text: str | None) -> Ticket | None:
    return decode.ticket_of(json.loads(text)) if text is not None else None
