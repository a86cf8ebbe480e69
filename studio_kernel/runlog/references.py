"""What the runs and sweeps of a log refer to: the stored files that must stay.

A run refers to its outputs, and to every file named anywhere in what was asked for or reported; a sweep to those in its
definition. Rows count whatever their state: a run that failed, or of which only the end was logged, keeps its files,
and so does one that was deleted, unless it was said that its files may go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# The one JSON form of an `AssetRef`. In text that somebody wrote, a prompt for example, the quotes are escaped.
_IN_JSON = r'"\$asset"\s*:\s*"([0-9a-f]{64})"'
_JSON_COLUMNS = {
    "run_rows": ("parameters", "cell", "provenance", "outcome", "ticket"),
    "sweeps": ("definition",),
}
_GIVEN_UP = "coalesce(deleted AND frees_files, false)"
_FETCHED_AT_ONCE = 100_000


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """One run or sweep that refers to a file.

    Attributes
    ----------
    sha256 : str
        Digest of the file.
    owner : {"run", "sweep"}
        What refers to it.
    id : str
        Which one.
    is_output : bool
        Whether it made the file; else the file was given.
    """

    sha256: str
    owner: str
    id: str
    is_output: bool


def digests(connection: DuckDBPyConnection) -> set[str]:
    """Return the digest of every file that a run or a sweep refers to."""
    found: set[str] = set()
    answer = connection.execute(f"SELECT DISTINCT sha256 FROM ({_everything()})")
    while rows := answer.fetchmany(_FETCHED_AT_ONCE):
        found.update(sha256 for (sha256,) in rows)
    return found


def to(connection: DuckDBPyConnection, wanted: Sequence[str]) -> list[Reference]:
    """Return who refers to some files, by digest."""
    rows = connection.execute(
        f"SELECT DISTINCT sha256, owner, id, is_output FROM ({_everything()}) WHERE sha256 IN (SELECT unnest(?))",
        [list(wanted)],
    ).fetchall()
    return sorted(Reference(*row) for row in rows)


def ended(connection: DuckDBPyConnection, ids: Sequence[str]) -> set[str]:
    """Return those of some runs that have ended."""
    rows = connection.execute(
        "SELECT id FROM run_rows WHERE finished_at IS NOT NULL AND id IN (SELECT unnest(?::UUID[]))", [list(ids)]
    ).fetchall()
    return {str(run_id) for (run_id,) in rows}


def first_at_work(connection: DuckDBPyConnection, since: datetime) -> datetime | None:
    """Return when the first of the runs began that began after `since` and have not ended; `None` without any."""
    row = connection.execute(
        "SELECT min(started_at) FROM run_rows WHERE finished_at IS NULL AND started_at >= ?",
        [since.astimezone(UTC).replace(tzinfo=None)],
    ).fetchone()
    return row[0].replace(tzinfo=UTC) if row and row[0] is not None else None


def count(connection: DuckDBPyConnection) -> int:
    """Return how many runs and sweeps there are, whatever is known of them."""
    row = connection.execute("SELECT (SELECT count(*) FROM run_rows) + (SELECT count(*) FROM sweeps)").fetchone()
    return int(row[0]) if row else 0


def _everything() -> str:
    """Return the query for all references: sha256, owner, id, is_output."""
    parts = [
        "SELECT sha256, 'run' AS owner, run_id::VARCHAR AS id, role = 'output' AS is_output "
        f"FROM assets ANTI JOIN (SELECT id FROM run_rows WHERE {_GIVEN_UP}) AS given_up ON run_id = given_up.id"
    ]
    parts += [
        f"SELECT unnest(regexp_extract_all({column}, '{_IN_JSON}', 1)), '{owner}', id::VARCHAR, false "
        f"FROM {table} WHERE contains({column}::VARCHAR, '$asset') AND {kept}"
        for table, owner, kept in (("run_rows", "run", f"NOT {_GIVEN_UP}"), ("sweeps", "sweep", "true"))
        for column in _JSON_COLUMNS[table]
    ]
    return " UNION ALL ".join(parts)
