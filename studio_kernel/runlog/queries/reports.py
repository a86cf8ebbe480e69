"""Questions that add up all runs: what was used, and how models did; as in `queries`, every value is bound.

Counts, times and money are of everything that was made here, also of runs that were deleted since: who deletes a
failure does not undo it. What people say counts of the others alone, and not of private runs. Files that were brought
in were not made here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from studio_kernel.domain.marks import Rating
from studio_kernel.domain.runs import IMPORT_ENGINE
from studio_kernel.runlog.queries.tables import table

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection

UsageKey = Literal["bin", "project", "model", "engine"]
# A day begins at midnight of this machine, of which DuckDB knows nothing: it is made of quarters of an hour later.
_KEYS: Mapping[UsageKey, str] = {
    "bin": "time_bucket(INTERVAL 15 minutes, booked_at)",
    "project": "project",
    "model": "model",
    "engine": "engine",
}

_SAID = "NOT deleted AND NOT private"  # of these runs it counts what people say

# `costs` says what counts as charged; it is small beside the runs, most of which cost nothing.
_RUNS = """
run AS NOT MATERIALIZED (
  SELECT r.id, coalesce(r.finished_at, r.created_at) AS booked_at, r.status, r.project, r.model, r.engine, r.elapsed_s,
    r.estimated_cost_usd AS expected_usd, r.rating, r.favourite, r.deleted, r.private,
    c.billed_usd, c.estimated_usd AS unbilled_usd, c.committed_usd
  FROM all_runs AS r LEFT JOIN costs AS c ON r.id = c.id
  WHERE r.engine <> $imports AND coalesce(coalesce(r.finished_at, r.created_at) >= $since, true)
    AND coalesce(r.project = $project, $project IS NULL)
)
"""


def usage(connection: DuckDBPyConnection, key: UsageKey, since: datetime | None, project: str | None) -> pd.DataFrame:
    """Return what was used, a row a value of `key`, which is the column ``what``."""
    return table(
        connection,
        f"""
        WITH {_RUNS},
        counted AS (
          SELECT {_KEYS[key]} AS what, count(*) AS runs,
            count(*) FILTER (status = 'succeeded') AS succeeded, count(*) FILTER (status = 'failed') AS failed,
            count(*) FILTER (status = 'cancelled') AS cancelled, coalesce(fsum(elapsed_s), 0) AS seconds,
            coalesce(fsum(expected_usd) FILTER (billed_usd IS NOT NULL OR unbilled_usd IS NOT NULL), 0)
              AS estimated_usd,
            coalesce(fsum(billed_usd), 0) AS billed_usd,
            coalesce(fsum(coalesce(billed_usd, unbilled_usd)), 0) AS total_usd,
            coalesce(fsum(committed_usd), 0) AS committed_usd
          FROM run GROUP BY what
        ),
        made AS (
          SELECT {_KEYS[key]} AS what, count(*) AS files FROM assets JOIN run ON run_id = run.id WHERE role = 'output'
          GROUP BY what
        )
        SELECT counted.what, runs, succeeded, failed, cancelled, coalesce(files, 0) AS pictures, seconds,
          estimated_usd, billed_usd, total_usd, committed_usd
        FROM counted LEFT JOIN made ON counted.what IS NOT DISTINCT FROM made.what ORDER BY counted.what
        """,
        _values(since, project),
    )


def models(connection: DuckDBPyConnection, since: datetime | None, project: str | None) -> pd.DataFrame:
    """Return how models did, a row a model, the one with the most runs first."""
    return table(
        connection,
        f"""
        WITH {_RUNS}
        SELECT model, count(*) AS runs, count(*) FILTER (status = 'succeeded') AS succeeded,
          count(*) FILTER (status = 'failed') AS failed, count(*) FILTER (status = 'cancelled') AS cancelled,
          succeeded / nullif(succeeded + failed, 0) AS success_rate,
          median(elapsed_s) FILTER (status = 'succeeded') AS median_s,
          quantile_cont(elapsed_s, 0.9) FILTER (status = 'succeeded') AS p90_s,
          median(coalesce(billed_usd, unbilled_usd)) FILTER (status = 'succeeded') AS median_usd,
          coalesce(fsum(coalesce(billed_usd, unbilled_usd)), 0) AS total_usd,
          avg(rating) FILTER ({_SAID}) AS rating,
          count(rating) FILTER ({_SAID}) AS ratings,
          count(*) FILTER (favourite AND {_SAID}) AS favourites,
          max(booked_at) AS last_used
        FROM run GROUP BY model ORDER BY runs DESC, model
        """,
        _values(since, project),
    )


def ratings(connection: DuckDBPyConnection) -> dict[str, Rating]:
    """Return what people's stars come to, by model; one that nobody rated is not in it.

    The same numbers as of `models`, in a quarter of its time at a million runs.
    """
    rows = connection.execute(
        "SELECT model, avg(rating), count(*) FROM all_runs "
        f"WHERE rating IS NOT NULL AND {_SAID} AND engine <> ? GROUP BY model ORDER BY model",
        [IMPORT_ENGINE],
    ).fetchall()
    return {model: Rating(mean, count) for model, mean, count in rows}


def _values(since: datetime | None, project: str | None) -> dict[str, object]:
    return {
        "imports": IMPORT_ENGINE,
        "since": since.astimezone(UTC).replace(tzinfo=None) if since is not None else None,
        "project": project,
    }
