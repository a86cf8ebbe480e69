"""What was used, how models did, and what is left of budgets, as tables that a viewer may see too.

The log adds up; here quarters of an hour become days of this machine, and votes and names are put beside the numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from studio_kernel.domain.budget import Demand
from studio_kernel.errors import InvalidRequestError, Problem
from studio_kernel.ledger import moment
from studio_kernel.runlog import RunLog

if TYPE_CHECKING:
    import pandas as pd

    from studio_kernel.judging.ranking import Ranking

By = Literal["day", "project", "model", "engine"]
WINDOWS: Mapping[str, str] = {"day_usd": "today", "run_usd": "each run", "sweep_usd": "each sweep"}
"""Setting of a budget → the time it is for; those of projects are for all time."""
ALL_TIME = "in all"


class Standing(NamedTuple):
    """A budget and what is left of it, in US dollars.

    Attributes
    ----------
    name : str
        What people call it, such as ``the day's budget``.
    limit_usd, spent_usd : float
        The budget; what runs that have ended cost of it.
    left_usd : float
        What may still be asked for: neither spent nor committed to runs that have not ended; never below 0.
    window : str
        What it is for: ``today``, ``in all``, ``each run``, ``each sweep``.
    """

    name: str
    limit_usd: float
    spent_usd: float
    left_usd: float
    window: str


def usage(
    log: RunLog, since: date | datetime | None = None, *, by: By = "day", project: str | None = None
) -> pd.DataFrame:
    """Return what was used, a row a day, project, model or engine, in that order or by name; see `Studio.usage`.

    Raises
    ------
    InvalidRequestError
        For anything else in `by`.
    """
    if by not in get_args(By):
        raise InvalidRequestError([Problem("by", f"{by!r} is not one of {', '.join(get_args(By))}")], "usage")
    if by == "day":
        return _by_day(log.usage("bin", moment(since), project))
    table = log.usage(by, moment(since), project)
    table["what"] = [what if isinstance(what, str) else "" for what in table["what"]]
    return table.sort_values("what", ignore_index=True)


def model_report(
    log: RunLog, ranked: Callable[[], Ranking], since: date | datetime | None = None, *, project: str | None = None
) -> pd.DataFrame:
    """Return how models did, a row a model, the one with the most runs first; see `Studio.model_report`.

    Parameters
    ----------
    ranked : callable
        Returns the ranking of models by the votes that are meant.
    """
    table = log.models(moment(since), project)
    votes = ranked().table.set_index("group")
    for name, of_votes in (
        ("strength", "strength"),
        ("strength_low", "low"),
        ("strength_high", "high"),
        ("win_rate", "win_rate"),
    ):
        table[name] = table["model"].map(votes[of_votes]).astype(float)
    table["votes"] = table["model"].map(votes["votes"]).fillna(0).astype(int)
    return table


def standing(demands: Iterable[Demand], project: str | None) -> list[Standing]:
    """Return what is left of budgets; of those of projects only that of `project`, where one is given."""
    others = () if project is None else ("projects.",)
    return [
        Standing(
            demand.budget,
            demand.limit_usd,
            demand.spent_usd,
            max(0.0, demand.limit_usd - demand.spent_usd - demand.committed_usd),
            WINDOWS.get(demand.setting, ALL_TIME),
        )
        for demand in demands
        if not demand.setting.startswith(others) or demand.setting == f"projects.{project}"
    ]


def _by_day(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of quarters of an hour as one of days of this machine."""
    if table.empty:
        return table.astype({"what": "str"})
    bins = table["what"].dt.tz_convert("UTC")
    days = _days(bins.iloc[0].to_pydatetime(), bins.iloc[-1].to_pydatetime())
    begins = _stamps([_midnight(day) for day in days])
    which = begins.searchsorted(bins, side="right") - 1
    table["what"] = [days[place].isoformat() for place in which]
    return table.groupby("what", sort=True, as_index=False).sum()


def _days(first: datetime, last: datetime) -> list[date]:
    """Return every day of this machine from one time to another."""
    begin, end = first.astimezone().date(), last.astimezone().date()
    return [begin + timedelta(days=n) for n in range((end - begin).days + 1)]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time()).astimezone(UTC)


def _stamps(times: list[datetime]) -> pd.DatetimeIndex:
    import pandas as pd

    return pd.DatetimeIndex(times)
