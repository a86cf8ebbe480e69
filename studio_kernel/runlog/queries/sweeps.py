"""Questions about sweeps and what has become of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from studio_kernel.domain.assets import Asset
from studio_kernel.domain.sweep import Sweep
from studio_kernel.runlog.patch import KINDS_OF_MEDIA
from studio_kernel.runlog.queries.assets import assets_of, first_shown
from studio_kernel.runlog.queries.filters import Condition
from studio_kernel.runlog.queries.rows import required

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class SweepRecord:
    """A sweep as the log knows it."""

    id: str
    sweep: Sweep
    project: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SweepContents:
    """What has become of a sweep.

    Attributes
    ----------
    cells : mapping
        Status → cells with a run of it; a cell that was tried again may have several.
    cover : Asset or None
        The newest file that can be shown.
    """

    cells: Mapping[str, int]
    cover: Asset | None = None


def sweeps(connection: DuckDBPyConnection, sweep_id: str | None, limit: int | None) -> list[SweepRecord]:
    """Return one sweep, or all, newest first."""
    where = Condition("id = ?", (sweep_id,)) if sweep_id is not None else Condition("true", ())
    rows = connection.execute(
        f"SELECT id, definition, project, created_at FROM sweeps WHERE {where.sql} "
        f"ORDER BY created_at DESC, id{_limit(limit)}",
        where.values,
    ).fetchall()
    return [
        SweepRecord(name, Sweep.from_json(json.loads(definition)), project, required(created_at))
        for name, definition, project, created_at in rows
    ]


def sweep_contents(connection: DuckDBPyConnection, sweep_ids: Sequence[str]) -> dict[str, SweepContents]:
    """Return what has become of some sweeps; those without runs are left out."""
    rows = connection.execute(
        "SELECT sweep_id, status, count(DISTINCT cell), arg_max(id, created_at) FILTER (media & $shown <> 0) "
        "FROM all_runs WHERE sweep_id IN (SELECT unnest($ids::VARCHAR[])) AND NOT deleted "
        "GROUP BY sweep_id, status ORDER BY status = 'succeeded'",
        {"ids": list(sweep_ids), "shown": KINDS_OF_MEDIA["image"] | KINDS_OF_MEDIA["video"]},
    ).fetchall()
    assets = assets_of(connection, [str(newest) for *_, newest in rows if newest is not None])
    cells: dict[str, dict[str, int]] = {}
    covers: dict[str, Asset | None] = {}
    for sweep_id, status, number, newest in rows:
        cells.setdefault(sweep_id, {})[status] = number
        if newest is not None:
            covers[sweep_id] = next(iter(first_shown([assets[str(newest)]], 1)), None)
    return {sweep_id: SweepContents(counted, covers.get(sweep_id)) for sweep_id, counted in cells.items()}


def _limit(limit: int | None) -> str:
    return "" if limit is None else f" LIMIT {int(limit)}"
