"""Costs on a screen: sums, days, budgets, and a table of what it was spent on."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import ipywidgets

from studio_kernel.domain.budget import dollars
from studio_widgets.choice import Choice
from studio_widgets.costs import texts
from studio_widgets.costs.state import CostsState, Line
from studio_widgets.costs.view import SortableTable
from studio_widgets.frame import panel as parts
from studio_widgets.frame.still import Still
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.studio import Studio

BY = (("Model", "model"), ("Engine or service", "engine"), ("Project", "project"), ("Day", "day"))
PERIODS = (("This month", "month"), ("Today", "today"), ("Last 30 days", "30 days"), ("Ever", "all"))
COLUMNS = (
    ("what", "What"),
    ("runs", "Runs"),
    ("billed_usd", "Billed"),
    ("estimated_usd", "Estimated, no bill"),
    ("total_usd", "Together"),
    ("committed_usd", "Committed"),
)


class CostsPanel(parts.PanelBox):
    """What was spent in a home, and what is left of its budgets.

    Parameters
    ----------
    studio : Studio
        Editor or viewer.
    workspace : Workspace or None
        Its project is the one whose costs are shown; all when it has none.

    Attributes
    ----------
    state : CostsState
        Everything the panel shows and does.

    Examples
    --------
    >>> CostsPanel(studio)  # doctest: +SKIP
    """

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None) -> None:
        self.state = CostsState(studio, workspace=workspace)
        head, self._beside = parts.head("Costs")
        super().__init__("Costs", head, CostsView(self.state), tick=self.state.poll)
        self.state.workspace.observe(lambda _change: self._show(), "project")
        self._show()

    def still(self) -> Still:
        """Return the sums."""
        state = self.state
        return Still(f"{dollars(state.today.total_usd)} today, {dollars(state.month.total_usd)} this month")

    def _show(self) -> None:
        project = self.state.workspace.project
        self._beside.value = escape(f"project {project}" if project else "all projects")


class CostsView(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """Costs without frame and title."""

    def __init__(self, state: CostsState) -> None:
        self._state = state
        self._error, self._tiles, self._said = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self._chart, self._budgets, self._lines = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self._table = SortableTable("What was spent, by what", COLUMNS, state.sort_by)
        by = Choice(state, "by", "Spent by", lambda: BY)
        period = Choice(state, "period", "Time", lambda: PERIODS)
        table = parts.card(parts.row(parts.field(by), parts.field(period)), self._table)
        budgets = parts.card(ipywidgets.HTML('<div class="so-heading">Budgets</div>'), self._budgets, self._lines)
        days = parts.card(ipywidgets.HTML('<div class="so-heading">By day</div>'), self._chart)
        side = parts.styled(ipywidgets.VBox([days, budgets]), "st-column")
        split = parts.styled(ipywidgets.HBox([side, table]), "st-split", "so-split")
        super().__init__([self._error, self._tiles, self._said, split])
        parts.styled(self, "so-panel")
        state.observe(lambda _change: self._show(), ["version", "rows", "sort", "is_descending", "error"])
        self._show()

    def _show(self) -> None:
        state = self._state
        with state.lock:
            parts.fill(self._error, parts.alert(state.error))
            self._tiles.value = texts.tiles(state.today, state.month, state.total)
            project = f"Only project {state.workspace.project!r}." if state.workspace.project else ""
            said = " ".join(filter(None, (project, texts.accuracy(state.total), texts.free(state.free))))
            parts.fill(self._said, f'<p class="st-sub so-said">{escape(said)}</p>' if said else "")
            self._chart.value = texts.chart(state.days)
            self._budgets.value = texts.budgets(state.budgets, state.warn_at)
            shown = texts.lines(state.lines, state.settings_file)
            if self._lines.value != shown:  # else the page would fold it again
                self._lines.value = shown
            most = max((row.total_usd for row in state.rows), default=0.0) or 1.0
            rows = [_texts(row) for row in state.rows]
            shares = [row.total_usd / most for row in state.rows]
            self._table.show(rows, shares, state.sort, is_descending=state.is_descending)


def _texts(row: Line) -> list[str]:
    amounts = (row.billed_usd, row.estimated_usd, row.total_usd, row.committed_usd)
    return [row.what, f"{row.runs:,}", *(dollars(usd) if usd else "–" for usd in amounts)]
