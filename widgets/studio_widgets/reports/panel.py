"""What was used and how models did, on a screen: what restricts it, sums, a chart, and a table that can be sorted."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import ipywidgets

from studio_kernel import report_columns as columns
from studio_kernel.domain.budget import dollars
from studio_widgets.choice import Choice
from studio_widgets.costs.view import SortableTable
from studio_widgets.frame import panel as parts
from studio_widgets.frame.still import Still
from studio_widgets.reports import texts
from studio_widgets.reports.periods import PERIODS
from studio_widgets.reports.state import ReportState, TableState, UsageState
from studio_widgets.reports.view import Chart, SaveTable
from studio_widgets.wording import counted
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.studio import Studio

BY = (("Day", "day"), ("Project", "project"), ("Model", "model"), ("Engine or service", "engine"))


class UsagePanel(parts.PanelBox):
    """Runs, files, time and money of a home, by day, project, model or engine, and what is left of its budgets.

    Parameters
    ----------
    studio : Studio
        Editor or viewer.
    workspace : Workspace or None
        Its project is the one shown.

    Attributes
    ----------
    state : UsageState
        Everything the panel shows and does.

    Examples
    --------
    >>> UsagePanel(studio)  # doctest: +SKIP
    """

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None) -> None:
        self.state = UsageState(studio, workspace=workspace)
        head, _beside = parts.head("Costs and usage")
        super().__init__("Usage", head, UsageView(self.state), tick=self.state.poll)

    def still(self) -> Still:
        """Return the sums."""
        return Still(_summary(self.state))


class ModelReportPanel(parts.PanelBox):
    """How models did: success, time, cost, ratings and votes, a row a model.

    Parameters
    ----------
    studio : Studio
        Editor or viewer.
    workspace : Workspace or None
        Its project is the one shown.

    Attributes
    ----------
    state : ReportState
        Everything the panel shows and does.

    Examples
    --------
    >>> ModelReportPanel(studio)  # doctest: +SKIP
    """

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None) -> None:
        self.state = ReportState(studio, workspace=workspace)
        head, _beside = parts.head("Models in use")
        super().__init__("ModelReport", head, ReportView(self.state), tick=self.state.poll)

    def still(self) -> Still:
        """Return how many there are."""
        return Still(f"{counted(len(self.state.rows), 'model')} made runs")


class TableView(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """What both have: controls, a chart, a table, and the one row that is chosen.

    Parameters
    ----------
    state : TableState
        What is shown.
    controls : list of ipywidgets.Widget
        What restricts it besides time and project.
    caption : str
        What it is a table of.
    above, below : sequence of ipywidgets.Widget
        What stands above the chart and below the table.
    """

    def __init__(
        self,
        state: TableState,
        controls: list[ipywidgets.Widget],
        caption: str,
        *,
        above: Sequence[ipywidgets.Widget] = (),
        below: Sequence[ipywidgets.Widget] = (),
    ) -> None:
        self._state = state
        self._error = ipywidgets.HTML()
        period = Choice(state, "period", "Time", lambda: [(text, name) for name, (text, _days) in PERIODS.items()])
        offered = lambda: [("All projects", ""), *((name, name) for name in state.projects)]  # noqa: E731
        project = Choice(state, "project", "Project", offered, follow=["projects"])
        fields = [parts.field(control) for control in (*controls, period, project)]
        bar = parts.styled(parts.row(*fields, SaveTable(state)), "sr-bar")
        self._only_text = ipywidgets.HTML()
        self._only = parts.styled(parts.row(self._only_text, parts.button("Show all", self._let_go)), "sr-picked")
        named = [(column.key, column.heading) for column in state.COLUMNS]
        nothing = "No runs in this time."
        self._table = SortableTable(caption, named, state.sort_by, nothing=nothing, on_pick=state.pick)
        chart, table = parts.card(Chart(state)), parts.card(self._only, self._table)
        super().__init__([bar, self._error, *above, chart, table, *below])
        parts.styled(self, "sr-panel")
        state.observe(lambda _change: self._show(), ["version", "rows", "chosen", "sort", "is_descending", "error"])

    def _let_go(self) -> None:
        self._state.pick(self._state.chosen)

    def _show(self) -> None:
        state = self._state
        with state.lock:
            parts.fill(self._error, parts.alert(state.error))
            parts.place(self._only, bool(state.chosen))
            self._only_text.value = texts.only(state.chosen, len(state.rows))
            rows, sort = state.rows, state.sort if state.sort != state.name else "runs"
            shown = [[column.shown(row) for column in state.COLUMNS] for row in rows]
            self._table.chosen = state.chosen
            self._table.show(shown, columns.shares(rows, sort), state.sort, is_descending=state.is_descending)


class UsageView(TableView):
    """Costs and usage without frame and title."""

    def __init__(self, state: UsageState) -> None:
        self._usage = state
        self._tiles, self._said, self._budgets = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        by = Choice(state, "by", "By", lambda: BY)
        budgets = parts.card(ipywidgets.HTML('<div class="so-heading">Budgets</div>'), self._budgets)
        super().__init__(state, [by], "What was used", above=[self._tiles, self._said], below=[budgets])
        self._show()

    def _show(self) -> None:
        super()._show()
        with self._state.lock:
            self._tiles.value = texts.tiles(self._usage)
            said = texts.accuracy(self._usage.above_usd)
            parts.fill(self._said, f'<p class="st-sub so-said">{escape(said)}</p>' if said else "")
            self._budgets.value = texts.budgets(self._usage.budgets)


class ReportView(TableView):
    """The models' report without frame and title."""

    def __init__(self, state: ReportState) -> None:
        self._report = state
        offered = lambda: [("All votes", ""), *((name, name) for name in state.ballots)]  # noqa: E731
        ballot = Choice(state, "ballot", "Votes of", offered, follow=["ballots"])
        self._below = ipywidgets.HTML()
        super().__init__(state, [ballot], "How models did", below=[self._below])
        self._show()

    def _show(self) -> None:
        super()._show()
        votes = sum(float(votes) for row in self._state.rows if isinstance(votes := row.get("votes"), (int, float)))
        said = texts.strength(votes, len(self._report.ballots))
        parts.fill(self._below, f'<p class="st-sub sr-note">{escape(said)}</p>' if said else "")


def _summary(state: UsageState) -> str:
    runs, spent = state.total("runs"), dollars(state.total("total_usd"))
    return f"{runs:,.0f} runs, {spent}: {PERIODS[state.period][0].lower()}"
