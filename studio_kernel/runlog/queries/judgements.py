"""Questions about votes and measurements; as in `queries`, every value is bound."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from studio_kernel.domain.judging import Choice, Vote
from studio_kernel.domain.measurements import MeasurementKey

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_log = logging.getLogger(__name__)

# Votes that count: both runs are in the view `runs`, so neither is deleted.
_VOTES = """
SELECT id, created_at, rater, left_run, right_run, choice, ballot, seconds FROM votes
SEMI JOIN runs AS l ON votes.left_run = l.id SEMI JOIN runs AS r ON votes.right_run = r.id
WHERE NOT retracted
"""


def votes(connection: DuckDBPyConnection, ballot: str | None, rater: str | None) -> list[Vote]:
    """Return the votes that count, the oldest first."""
    rows = connection.execute(
        f"{_VOTES} AND coalesce(ballot = ?, true) AND coalesce(rater = ?, true) ORDER BY created_at, id",
        [ballot, rater],
    ).fetchall()
    return [vote for row in rows if (vote := _vote(*row)) is not None]


def has_vote(connection: DuckDBPyConnection, vote_id: str) -> bool:
    """Return whether there is a vote of that id, be it that it counts or not."""
    row = connection.execute("SELECT count(*) FROM votes WHERE id = ?::UUID", [vote_id]).fetchone()
    return bool(row and row[0])


def measurements(
    connection: DuckDBPyConnection, sha256s: Sequence[str], metrics: Sequence[str]
) -> dict[MeasurementKey, float | None]:
    """Return what was measured of some files by some metrics."""
    rows = connection.execute(
        "SELECT metric, sha256, reference_sha256, sizes, value FROM measurements "
        "WHERE sha256 IN (SELECT unnest(?::VARCHAR[])) AND metric IN (SELECT unnest(?::VARCHAR[]))",
        [list(sha256s), list(metrics)],
    ).fetchall()
    return {MeasurementKey(*key): value for *key, value in rows}


def _vote(
    vote_id: UUID,
    created_at: datetime,
    rater: str,
    left: UUID,
    right: UUID,
    choice: Choice,
    ballot: str,
    seconds: float | None,
) -> Vote | None:
    """Return a row as a vote; `None` for one that this version does not allow, such as a name that is too long."""
    try:
        return Vote(str(vote_id), created_at.replace(tzinfo=UTC), rater, str(left), str(right), choice, ballot, seconds)
    except ValueError as error:
        _log.warning("vote %s is left out: %s", vote_id, error)
        return None
