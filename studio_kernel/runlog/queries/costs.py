"""Questions about money: what runs cost, what was spent and what may yet be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from studio_kernel.domain.runs import RunStatus
from studio_kernel.domain.spending import Ending, Spending
from studio_kernel.runlog.queries.rows import required, stored

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class CostRow:
    """What runs of one quarter of an hour, project, model, engine and sweep cost, in US dollars.

    Attributes
    ----------
    at : datetime.datetime
        When the quarter began, in UTC.
    billed_usd : float
        What services said.
    estimated_usd : float
        What was expected of those that ended, may be charged and have no bill.
    committed_usd : float
        What is expected of those that have not ended.
    above_usd : float
        How much more services said than was expected, of those of which both are known; negative = less.
    """

    at: datetime
    project: str | None
    model: str
    engine: str
    sweep_id: str | None
    runs: int
    billed_usd: float
    estimated_usd: float
    committed_usd: float
    above_usd: float


def costs(connection: DuckDBPyConnection, since: datetime | None) -> list[CostRow]:
    """Return what runs cost, the oldest first."""
    rows = connection.execute(
        "SELECT time_bucket(INTERVAL 15 minutes, booked_at) AS bin, "
        "c.project, c.model, c.engine, c.sweep_id, count(*), "
        "fsum(coalesce(billed_usd, 0)), fsum(coalesce(estimated_usd, 0)), fsum(coalesce(committed_usd, 0)), "
        "fsum(coalesce(billed_usd - r.estimated_cost_usd, 0)) "
        "FROM costs c JOIN run_rows r USING (id) "
        "WHERE coalesce(booked_at >= ?, true) GROUP BY ALL ORDER BY ALL",
        [stored(since) if since is not None else None],
    ).fetchall()
    return [CostRow(required(at), *rest) for at, *rest in rows]


def spending(connection: DuckDBPyConnection) -> Spending:
    """Return what was spent and what may yet be."""
    found = Spending()
    ended = connection.execute(
        "SELECT epoch(booked_at), project, sweep_id, coalesce(billed_usd, estimated_usd) FROM costs "
        "WHERE coalesce(billed_usd, estimated_usd, 0) > 0"
    ).fetchall()
    for at, project, sweep_id, usd in ended:
        found.add(at, usd, project, sweep_id)
    # An end may have been folded before its beginning, which another process has written.
    rows = connection.execute(
        "SELECT id, created_at IS NOT NULL, estimated_cost_usd, project, sweep_id, epoch_us(claimed_at), owner, "
        "ticket_at IS NOT NULL, epoch(finished_at), final_status, cost_usd, "
        "coalesce(outcome->>'$.may_be_billed', '') = 'true' "
        "FROM run_rows WHERE finished_at IS NULL OR created_at IS NULL"
    ).fetchall()
    for (
        run_id,
        is_queued,
        usd,
        project,
        sweep_id,
        claimed_us,
        owner,
        has_ticket,
        ended_at,
        status,
        bill,
        unseen,
    ) in rows:
        if is_queued:
            found.queue(str(run_id), usd, project, sweep_id)
        if claimed_us is not None:
            found.claim(str(run_id), claimed_us, owner)
        if has_ticket:
            found.accept(str(run_id))
        if ended_at is not None:
            found.end(str(run_id), Ending(ended_at, RunStatus(status), bill, unseen))
    return found
