"""Questions about the files of runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

from studio_kernel.domain.assets import Asset

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def assets_of(connection: DuckDBPyConnection, ids: Sequence[str]) -> dict[str, tuple[Asset, ...]]:
    """Return the files of some runs, outputs first, in the order in which they were made."""
    if not ids:
        return {}
    names = [part.name for part in fields(Asset)]
    rows = connection.execute(
        f"SELECT run_id, {', '.join(names)} FROM assets WHERE run_id BETWEEN ?::UUID AND ?::UUID "
        "AND run_id IN (SELECT unnest(?::UUID[])) ORDER BY run_id, role <> 'output', role, index, sha256",
        [min(ids), max(ids), list(ids)],
    ).fetchall()
    found: dict[str, list[Asset]] = {run_id: [] for run_id in ids}
    for run_id, *values in rows:
        found[str(run_id)].append(Asset(**dict(zip(names, values, strict=True))))
    return {run_id: tuple(assets) for run_id, assets in found.items()}


def made_by(connection: DuckDBPyConnection, sha256: str) -> tuple[str, bool] | None:
    """Return the newest run that has a file as its output, one that is not deleted first, and whether it is."""
    row = connection.execute(
        "SELECT id, deleted FROM all_runs SEMI JOIN (SELECT run_id FROM assets WHERE sha256 = ? AND role = 'output') "
        "AS made ON all_runs.id = made.run_id ORDER BY deleted, created_at DESC, id DESC LIMIT 1",
        [sha256],
    ).fetchone()
    return (str(row[0]), bool(row[1])) if row else None


def first_shown(of_runs: Iterable[Sequence[Asset]], count: int) -> tuple[Asset, ...]:
    """Return the first files that can be shown."""
    outputs = (asset for assets in of_runs for asset in assets if asset.role == "output")
    return tuple(asset for asset in outputs if asset.media_type.startswith(("image/", "video/")))[:count]
