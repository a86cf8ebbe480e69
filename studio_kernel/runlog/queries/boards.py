"""Questions about boards and about who marked what; as in `queries`, every value is bound."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from immutabledict import immutabledict

from studio_kernel.domain.boards import Board
from studio_kernel.domain.values import from_json
from studio_kernel.runlog.queries.tables import table

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection

_log = logging.getLogger(__name__)
# Few runs are deleted; to look every mark up among those that are not took ten times as long.
_NOT_SHOWN = "SELECT id FROM run_rows WHERE created_at IS NULL OR deleted"
_COLUMNS = "id, name, runs, project, settings, created_at, changed_at, created_by"


def boards(connection: DuckDBPyConnection, project: str | None) -> list[Board]:
    """Return the boards that were not deleted, the one that changed last first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM boards WHERE coalesce(project = ?, ?) ORDER BY changed_at DESC, id",
        [project, project is None],
    ).fetchall()
    return [board for row in rows if (board := _board(*row)) is not None]


def private_among(connection: DuckDBPyConnection, run_ids: Sequence[str]) -> set[str]:
    """Return those of some runs that are private."""
    rows = connection.execute(
        "SELECT id FROM all_runs WHERE private AND id IN (SELECT unnest(?::UUID[]))", [list(run_ids)]
    ).fetchall()
    return {str(run_id) for (run_id,) in rows}


def marks(connection: DuckDBPyConnection, run_ids: Sequence[str] | None, limit: int | None) -> pd.DataFrame:
    """Return who said what about which runs, the latest first; what is about deleted runs is left out."""
    chosen = "run_id IN (SELECT unnest(?::UUID[]))" if run_ids is not None else "true"
    most = "" if limit is None else f" LIMIT {int(limit)}"
    found = table(
        connection,
        "SELECT run_id, marked_at, coalesce(marked_by, '') AS marked_by, rating, favourite, tags, note FROM marks "
        f"ANTI JOIN ({_NOT_SHOWN}) AS gone ON run_id = gone.id WHERE {chosen} ORDER BY marked_at DESC, run_id{most}",
        [] if run_ids is None else [list(run_ids)],
    )
    return found.astype({"rating": "Int64", "favourite": "boolean"})


def _board(
    board_id: UUID,
    name: str,
    runs: list[UUID],
    project: str | None,
    settings: str | None,
    created_at: datetime,
    changed_at: datetime,
    created_by: str | None,
) -> Board | None:
    """Return a row as a board; `None` for one that this version does not allow, such as a name that is too long."""
    shown = from_json(json.loads(settings)) if settings is not None else None
    try:
        return Board(
            str(board_id),
            name,
            tuple(map(str, runs)),
            project,
            shown if isinstance(shown, immutabledict) else immutabledict(),
            created_at.replace(tzinfo=UTC),
            changed_at.replace(tzinfo=UTC),
            created_by or "",
        )
    except ValueError as error:
        _log.warning("board %s is left out: %s", board_id, error)
        return None
