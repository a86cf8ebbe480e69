"""What was spent, without a screen: sums, a table of what it was spent on, days, and the budgets.

All amounts are US dollars. Only services charge; what runs on this machine is free and is said to be.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Literal, get_args

import traitlets

from studio_kernel.runlog import RunFilter
from studio_widgets.costs.lines import lines_for
from studio_widgets.state import LiveState
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from studio_kernel.settings import BudgetSettings
    from studio_kernel.studio import Studio

By = Literal["day", "project", "model", "engine"]
Period = Literal["today", "month", "30 days", "all"]
Column = Literal["what", "runs", "billed_usd", "estimated_usd", "total_usd", "committed_usd"]
DAYS_SHOWN = 30
NO_PROJECT = "no project"


@dataclass(frozen=True, slots=True)
class Line:
    """What something cost.

    Attributes
    ----------
    what : str
        A day, project, model or engine; empty for a sum.
    runs : int
        That cost money, or may yet.
    billed_usd : float
        What services said.
    estimated_usd : float
        What was expected of those that ended and have no bill.
    committed_usd : float
        What is expected of those that have not ended.
    above_usd : float
        How much more was billed than had been expected of the same runs.
    """

    what: str = ""
    runs: int = 0
    billed_usd: float = 0.0
    estimated_usd: float = 0.0
    committed_usd: float = 0.0
    above_usd: float = 0.0

    @property
    def total_usd(self) -> float:
        """Billed and estimated together: what counts as spent."""
        return self.billed_usd + self.estimated_usd


class CostsState(LiveState):
    """What was spent in a home, or in the project of the workspace.

    Parameters
    ----------
    studio : Studio
        Editor or viewer.

    Attributes
    ----------
    by : {"day", "project", "model", "engine"}
        What makes a row of the table.
    period : {"today", "month", "30 days", "all"}
        Which runs the table counts; of those that ended then.
    sort : str
        A column of the table.
    is_descending : bool
        Largest, or last, first.
    today, month, total : Line
        Sums; a day and a month begin at midnight of this machine.
    rows : tuple of Line
        The table, sorted.
    days : tuple of Line
        The last thirty days, oldest first, also those on which nothing was spent.
    budgets : tuple of Demand
        Every budget of the home, with what is spent and committed of it.
    warn_at : float
        From which share of a budget on it is warned of.
    free : tuple of (str, int)
        Engines that have charged for nothing, and how many runs they made.
    lines : str
        What `settings_file` would say to have the budgets there are, or an example when there are none.

    Examples
    --------
    >>> state = CostsState(studio)  # doctest: +SKIP
    >>> state.by = "model"  # doctest: +SKIP
    >>> [(row.what, row.total_usd) for row in state.rows]  # doctest: +SKIP
    """

    by = traitlets.Enum(list(get_args(By)), "model")
    period = traitlets.Enum(list(get_args(Period)), "month")
    sort = traitlets.Enum(list(get_args(Column)), "total_usd")
    is_descending = traitlets.Bool(True)
    today = traitlets.Instance(Line, args=(), read_only=True)
    month = traitlets.Instance(Line, args=(), read_only=True)
    total = traitlets.Instance(Line, args=(), read_only=True)
    rows = traitlets.Instance(tuple, args=(), read_only=True)
    days = traitlets.Instance(tuple, args=(), read_only=True)
    budgets = traitlets.Instance(tuple, args=(), read_only=True)
    warn_at = traitlets.Float(read_only=True)
    free = traitlets.Instance(tuple, args=(), read_only=True)
    lines = traitlets.Unicode(read_only=True)

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None) -> None:
        super().__init__(studio, workspace=workspace)
        self._stamp: tuple[float, date] | None = None
        self.observe(lambda _change: self.refresh(), ["by", "period"])
        self.observe(lambda _change: self._sort(), ["sort", "is_descending"])
        self.workspace.observe(lambda _change: self.refresh(), "project")
        self.refresh()

    @property
    def settings_file(self) -> str:
        """Where the budgets are written down; the file belongs to whoever uses the home."""
        return str(self._studio.home.settings_file)

    def poll(self) -> None:
        """Refresh if something was logged, the settings were changed, or a new day has begun."""
        if self._stamp != self._now():
            self.refresh()
        else:
            super().poll()

    def sort_by(self, column: str) -> None:
        """Sort the table by one of its columns; by the same one again, the other way round."""
        with self.lock, self.hold_trait_notifications():
            self.is_descending = not self.is_descending if column == self.sort else column != "what"
            self.sort = column

    def _read(self) -> None:
        self._stamp = self._now()
        project, today = self.workspace.project or None, _today()
        every_day = _lines(self._studio.costs("day", project=project))
        since = {"today": today, "month": today.replace(day=1), "30 days": today - timedelta(days=DAYS_SHOWN - 1)}
        self.set_trait("today", _sum(line for line in every_day if line.what == today.isoformat()))
        self.set_trait("month", _sum(line for line in every_day if line.what >= since["month"].isoformat()))
        self.set_trait("total", _sum(every_day))
        self.set_trait("days", _days(every_day, today))
        found = _lines(self._studio.costs(self.by, since.get(self.period), project=project))
        self.set_trait("rows", tuple(replace(line, what=line.what or NO_PROJECT) for line in found))
        self._sort()
        self._read_free(project)
        self._read_budgets(project)

    def _read_free(self, project: str | None) -> None:
        made = self._studio.facets(RunFilter(project=project)).engine
        charging = {line.what for line in _lines(self._studio.costs("engine"))}
        self.set_trait("free", tuple((name, runs) for name, runs in made.items() if name not in charging))

    def _read_budgets(self, project: str | None) -> None:
        settings = self._studio.home.settings().budget
        self.set_trait("warn_at", settings.warn_at)
        self.set_trait("budgets", tuple(self._studio.budgets.standing(self._of_interest(project, settings))))
        self.set_trait("lines", lines_for(settings, project))

    def _of_interest(self, project: str | None, settings: BudgetSettings) -> list[str]:
        """Return the project that is worked in, or else all that have spent something."""
        if project is not None or settings.project_usd is None:
            return [project] if project else []
        return [line.what for line in _lines(self._studio.costs("project")) if line.what]

    def _sort(self) -> None:
        by_name = sorted(self.rows, key=lambda line: line.what)
        self.set_trait("rows", tuple(sorted(by_name, key=self._place, reverse=self.is_descending)))

    def _place(self, line: Line) -> tuple[float, str]:
        value = getattr(line, self.sort)
        return (0.0, value) if isinstance(value, str) else (float(value), "")

    def _now(self) -> tuple[float, date]:
        try:
            changed_at = self._studio.home.settings_file.stat().st_mtime
        except OSError:
            changed_at = 0.0
        return changed_at, _today()


def _lines(frame: pd.DataFrame) -> list[Line]:
    amounts = ("billed_usd", "estimated_usd", "committed_usd", "above_usd")
    rows = frame.to_dict("records")
    return [Line(str(row["what"]), int(row["runs"]), *(float(row[name]) for name in amounts)) for row in rows]


def _sum(lines: Iterable[Line]) -> Line:
    found = list(lines)

    def added(name: str) -> float:
        return math.fsum(getattr(line, name) for line in found)

    runs = sum(line.runs for line in found)
    amounts = map(added, ("billed_usd", "estimated_usd", "committed_usd", "above_usd"))
    return Line("", runs, *amounts)


def _days(lines: Iterable[Line], today: date) -> tuple[Line, ...]:
    known = {line.what: line for line in lines}
    names = [(today - timedelta(days=ago)).isoformat() for ago in reversed(range(DAYS_SHOWN))]
    return tuple(known.get(name, Line(name)) for name in names)


def _today() -> date:
    return datetime.now().astimezone().date()
