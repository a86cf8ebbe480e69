"""What was used and how models did, without a screen: sorted rows, one that is chosen, a chart, and a file of it.

A chart is drawn only while somebody has a place for it (`width`). What people change is drawn at once; what is logged
meanwhile, in the table at once and in the chart after a rest, as drawing takes a tenth of a second and more.
"""

from __future__ import annotations

import math
import threading
import time
from abc import abstractmethod
from datetime import date, datetime
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

import traitlets

from studio_kernel import report_columns as columns
from studio_kernel.report_columns import Column, Row
from studio_widgets.reports.periods import PERIODS, since
from studio_widgets.state import LiveState
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from studio_kernel.figures import ChartFigure
    from studio_kernel.studio import Studio

By = Literal["day", "project", "model", "engine"]
NO_PROJECT = "no project"
WIDTHS = (320, 420, 540, 660, 800, 960, 1160, 1400)
"""Widths in pixels for which charts are drawn; a page shows the largest that fits."""
REST_S = 5.0
REST_OF_ITS_TIME = 20.0
"""How long a chart rests before it is drawn again by itself: as many times as long as it took, and never shorter than
`REST_S`. So drawing takes at most a twentieth of the time."""
_drawing = threading.Lock()


def width_for(pixels: float) -> int:
    """Return the width that a chart is drawn in where there are so many pixels."""
    return max((width for width in WIDTHS if width <= pixels), default=WIDTHS[0])


class TableState(LiveState):
    """A table of a home, or of one project, over some time.

    Parameters
    ----------
    studio : Studio
        Editor or viewer.
    workspace : Workspace or None
        Whenever its project changes, that is the one shown.

    Attributes
    ----------
    period : {"today", "7 days", "30 days", "90 days", "year", "all"}
        Which runs count.
    project : str
        Only its runs; empty = all.
    projects : tuple of str
        Those that there are.
    sort : str
        A column of the table.
    is_descending : bool
        Largest, or last, first. What has no value is last either way.
    rows : tuple of mapping
        The table, sorted: column → value.
    chosen : str
        Name of the row that people want to see; empty = all.
    width : int
        Pixels for the chart; 0 = nobody looks, and none is drawn.
    svg : str
        The chart.
    marks : mapping
        Part of the chart → name of its row.
    """

    COLUMNS: ClassVar[tuple[Column, ...]]
    FILE: ClassVar[str]

    period = traitlets.Enum(list(PERIODS), "30 days")
    project = traitlets.Unicode()
    projects = traitlets.Instance(tuple, args=(), read_only=True)
    sort = traitlets.Unicode()
    is_descending = traitlets.Bool(True)
    rows = traitlets.Instance(tuple, args=(), read_only=True)
    chosen = traitlets.Unicode()
    width = traitlets.Enum([0, *WIDTHS], 0)
    svg = traitlets.Unicode(read_only=True)
    marks = traitlets.Dict(read_only=True)

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None, **traits: object) -> None:
        super().__init__(studio, workspace=workspace, **traits)
        self._day: date | None = None
        self._table: pd.DataFrame | None = None
        self._is_stale = True
        self._rests_until = 0.0
        self.project = self.project or self.workspace.project
        self.observe(lambda _change: self.refresh(), ["period", "project"])
        self.observe(lambda _change: self._arrange(), ["sort", "is_descending"])
        self.observe(lambda _change: self._draw_anew(), "width")
        self.workspace.observe(lambda change: setattr(self, "project", change.new), "project")

    @property
    def name(self) -> str:
        """The column that names a row."""
        return self.COLUMNS[0].key

    @property
    def shown(self) -> tuple[Row, ...]:
        """The rows that people want to see."""
        return tuple(row for row in self.rows if row[self.name] == self.chosen) if self.chosen else self.rows

    @property
    def first_day(self) -> date | None:
        """The first day that counts; `None` = all do."""
        return since(self.period, _today())

    def refresh(self) -> None:
        """Read again what there is, and draw it."""
        super().refresh()
        self._draw()

    def poll(self) -> None:
        """Read what was logged since, or when a new day has begun; draw it unless that was done just now."""
        if self._day != _today():
            self.refresh()
            return
        super().poll()
        if time.monotonic() >= self._rests_until:
            self._draw()

    def sort_by(self, column: str) -> None:
        """Sort by a column; by the same one again, the other way round. What is no column does nothing."""
        if column not in [each.key for each in self.COLUMNS]:
            return
        with self.lock, self.hold_trait_notifications():
            self.is_descending = not self.is_descending if column == self.sort else column != self.name
            self.sort = column

    def pick(self, name: str) -> None:
        """Show one row alone; the same one again, all. What names no row does nothing."""
        with self.lock:
            if name in [row[self.name] for row in self.rows]:
                self.chosen = "" if name == self.chosen else name

    def csv(self) -> bytes:
        """Return the rows that are shown as CSV: numbers as they are, times in UTC."""
        from studio_kernel.export.table import csv_of

        keys = [column.key for column in self.COLUMNS]
        return csv_of(keys, ([_written(row.get(key)) for key in keys] for row in self.shown))

    @property
    def file_name(self) -> str:
        """What that file is called."""
        return f"{self.FILE}-{_today().isoformat()}.csv"

    @abstractmethod
    def figure(self, width: int = 720) -> ChartFigure:
        """Return the chart, as a figure that a cell shows as well."""

    @abstractmethod
    def _read_table(self) -> pd.DataFrame:
        """Return the table as the kernel has it."""

    def _read(self) -> None:
        self._day = _today()
        self._table = self._read_table()
        named = {project.id for project in self._studio.projects()} | set(self._studio.facets().project)
        self.set_trait("projects", tuple(sorted(named | ({self.project} if self.project else set()))))
        self._sort()

    def _sort(self) -> None:
        rows = columns.rows_of(self._table) if self._table is not None else ()
        rows = columns.in_order(rows, self.sort, is_descending=self.is_descending)
        self._is_stale = self._is_stale or rows != self.rows
        self.set_trait("rows", rows)
        if self.chosen and not self.shown:
            self.chosen = ""

    def _arrange(self) -> None:
        with self.lock:
            self._sort()
        self._draw()

    def _sorted_table(self) -> pd.DataFrame:
        """Return the rows as a table again, in their order."""
        import pandas as pd

        return pd.DataFrame([dict(row) for row in self.rows], columns=[column.key for column in self.COLUMNS])

    def _draw_anew(self) -> None:
        self._is_stale = True
        self._draw()

    def _draw(self) -> None:
        """Draw what has changed where there is a place for it; outside the lock of panels, as it takes a while."""
        if not self.width or not self._is_stale:
            return
        began = time.monotonic()
        self._is_stale = False
        with _drawing:
            drawn = self.figure(self.width)
            svg = drawn.as_svg()
        took = time.monotonic() - began
        self._rests_until = began + took + max(REST_S, REST_OF_ITS_TIME * took)
        with self.lock, self.hold_trait_notifications():
            self.set_trait("svg", svg)
            self.set_trait("marks", drawn.rows)


class UsageState(TableState):
    """What was used: runs, files, time and money by day, project, model or engine, and what is left of the budgets.

    Attributes
    ----------
    by : {"day", "project", "model", "engine"}
        What makes a row.
    budgets : tuple
        What is left, as `Studio.budget_standing` says it.
    above_usd : float or None
        How much more services billed than had been expected of the same runs; `None` = they billed nothing.

    Examples
    --------
    >>> state = UsageState(studio)  # doctest: +SKIP
    >>> state.by, state.period = "model", "all"  # doctest: +SKIP
    >>> [(row["what"], row["runs"], row["total_usd"]) for row in state.rows]  # doctest: +SKIP
    """

    COLUMNS = columns.USAGE
    FILE = "usage"

    by = traitlets.Enum(list(get_args(By)), "day")
    budgets = traitlets.Instance(tuple, args=(), read_only=True)
    above_usd = traitlets.Float(None, allow_none=True, read_only=True)

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None, by: By = "day") -> None:
        super().__init__(studio, workspace=workspace, by=by, sort="what" if by == "day" else "runs")
        self.observe(lambda _change: self._regroup(), "by")
        self.refresh()

    def total(self, column: str) -> float:
        """Return the sum of a column over the rows that are shown."""
        return math.fsum(float(value) for row in self.shown if isinstance(value := row.get(column), (int, float)))

    def figure(self, width: int = 720) -> ChartFigure:
        """Return runs and money as bars."""
        from studio_kernel.charts import usage_figure

        return usage_figure(self._sorted_table(), by=self.by, width=width)

    def _regroup(self) -> None:
        with self.hold_trait_notifications():  # so that what follows the order finds the new rows in it
            self.chosen = ""
            self.sort, self.is_descending = "what" if self.by == "day" else "runs", True
            self.refresh()

    def _read_table(self) -> pd.DataFrame:
        project = self.project or None
        table = self._studio.usage(self.first_day, by=self.by, project=project)
        self.set_trait("budgets", tuple(self._studio.budget_standing(project)))
        costs = self._studio.costs("engine", self.first_day, project=project)
        self.set_trait("above_usd", float(costs["above_usd"].sum()) if costs["billed_usd"].sum() else None)
        return table.assign(what=[str(what or NO_PROJECT) for what in table["what"]])


class ReportState(TableState):
    """How models did: how often they succeed, what they take and cost, and what people think of what they made.

    Attributes
    ----------
    ballot : str
        Only votes of that ballot make strengths; empty = all votes.
    ballots : tuple of str
        Those that there are.

    Examples
    --------
    >>> state = ReportState(studio)  # doctest: +SKIP
    >>> state.sort_by("rating")  # doctest: +SKIP
    >>> [(row["model"], row["rating"]) for row in state.rows]  # doctest: +SKIP
    """

    COLUMNS = columns.MODELS
    FILE = "models"

    ballot = traitlets.Unicode()
    ballots = traitlets.Instance(tuple, args=(), read_only=True)

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None) -> None:
        super().__init__(studio, workspace=workspace, period="all", sort="runs")
        self.observe(lambda _change: self.refresh(), "ballot")
        self.refresh()

    def figure(self, width: int = 720) -> ChartFigure:
        """Return what is known of each model as dots."""
        from studio_kernel.charts import report_figure

        return report_figure(self._sorted_table(), width=width)

    def _read_table(self) -> pd.DataFrame:
        votes = self._studio.votes()
        self.set_trait("ballots", tuple(sorted({str(ballot) for ballot in votes["ballot"] if ballot})))
        ballot = self.ballot or None
        return self._studio.model_report(self.first_day, project=self.project or None, ballot=ballot)


def _written(value: columns.Cell) -> object:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else value


def _today() -> date:
    return datetime.now().astimezone().date()
