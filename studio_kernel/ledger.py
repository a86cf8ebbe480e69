"""What was spent, as a table: by day, project, model, engine or sweep.

The log adds up by quarters of an hour, for a day begins at midnight of this machine and DuckDB only knows UTC; the rest
is done here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Literal

from studio_kernel.errors import InvalidRequestError, Problem
from studio_kernel.runlog import CostRow, RunLog

if TYPE_CHECKING:
    import pandas as pd

By = Literal["day", "project", "model", "engine", "sweep"]
_KEYS: Mapping[str, Callable[[CostRow], str]] = {
    "day": lambda row: row.at.astimezone().date().isoformat(),
    "project": lambda row: row.project or "",
    "model": lambda row: row.model,
    "engine": lambda row: row.engine,
    "sweep": lambda row: row.sweep_id or "",
}
_COLUMNS = ("what", "runs", "billed_usd", "estimated_usd", "total_usd", "committed_usd", "above_usd")


def ledger(
    log: RunLog, by: By = "day", since: date | datetime | None = None, *, project: str | None = None
) -> pd.DataFrame:
    """Return what runs cost, a row a day, project, model, engine or sweep, in that order or by name.

    Parameters
    ----------
    by : {"day", "project", "model", "engine", "sweep"}
        What makes a row.
    since : datetime.date or datetime.datetime or None
        Only what ended (or was asked for, and has not ended) on that day or later; a date is one of this machine.
    project : str or None
        Only runs of that project.

    Raises
    ------
    InvalidRequestError
        For anything else in `by`.
    """
    if by not in _KEYS:
        raise InvalidRequestError([Problem("by", f"{by!r} is not one of {', '.join(_KEYS)}")], "costs")
    rows = (row for row in log.costs(moment(since)) if project in (None, row.project))
    return _table(_groups(rows, _KEYS[by]))


def moment(since: date | datetime | None) -> datetime | None:
    """Return the first moment that is meant, aware; a naive one is of this machine."""
    if since is None or isinstance(since, datetime):
        return since.astimezone() if since is not None else None
    return datetime.combine(since, time()).astimezone()


def _groups(rows: Iterable[CostRow], key: Callable[[CostRow], str]) -> dict[str, list[CostRow]]:
    groups: dict[str, list[CostRow]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _table(groups: Mapping[str, list[CostRow]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame([_line(what, groups[what]) for what in sorted(groups)], columns=list(_COLUMNS))


def _line(what: str, rows: list[CostRow]) -> tuple[str, int, float, float, float, float, float]:
    billed = math.fsum(row.billed_usd for row in rows)
    estimated = math.fsum(row.estimated_usd for row in rows)
    committed = math.fsum(row.committed_usd for row in rows)
    above = math.fsum(row.above_usd for row in rows)
    return what, sum(row.runs for row in rows), billed, estimated, billed + estimated, committed, above
