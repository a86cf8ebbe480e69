"""The history on a screen: the list of runs in its narrow form, with buttons in each row."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import ipywidgets

from studio_kernel.domain.runs import RunStatus
from studio_widgets.choice import Choice
from studio_widgets.frame import panel as parts
from studio_widgets.frame.still import Still
from studio_widgets.gallery.restricting import Chips, search
from studio_widgets.gallery.view import RunsView
from studio_widgets.history.state import RESTRICTING, HistoryState
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.studio import Studio

COLUMNS = ("picture", "title", "status", "model", "task", "time", "cost", "date", "actions")
ACTIONS = {"show": "View", "download": "Save", "load": "Reuse", "retry": "Retry"}
NOTHING_YET = "Nothing was asked for yet."
NO_MATCH = "No run fits these filters."


class HistoryView(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """The history without frame and title.

    Parameters
    ----------
    state : HistoryState
        What it shows and does.
    """

    def __init__(self, state: HistoryState) -> None:
        self.state = state
        self._message = ipywidgets.HTML()
        self._said = ipywidgets.HTML()
        self._runs = RunsView(state, "History, newest first", columns=COLUMNS)
        self._runs.layout_name = "list"
        status = parts.field(Choice(state, "status", "Status", self._offered, follow=["counts"]))
        filters = parts.styled(parts.row(search(state), status), "sg-filters")
        super().__init__([filters, Chips(state, RESTRICTING), self._message, self._said, self._runs])
        state.observe(lambda _change: self._show(), ["version", "error", "said"])
        self._show()

    def _offered(self) -> list[tuple[str, object]]:
        counted = self.state.counts
        known = [str(status) for status in RunStatus if status in counted]
        return [("All", ""), *((f"{status.capitalize()} ({counted[status]:,})", status) for status in known)]

    def _show(self) -> None:
        state = self.state
        is_new = state.version != self._runs.version
        with self._runs.hold_sync():
            self._runs.total, self._runs.version = state.total, state.version
            self._runs.empty = NO_MATCH if state.active else NOTHING_YET
            self._runs.actions = {name: text for name, text in ACTIONS.items() if self._is_there(name)}
        if is_new:
            self._runs.push()
        parts.fill(self._message, parts.alert(state.error))
        parts.fill(self._said, f'<span role="status">{escape(state.said)}</span>' if state.said else "")

    def _is_there(self, name: str) -> bool:
        """Whether a row may have this button at all: rows keep room for it."""
        workspace = self.state.workspace
        there = {"show": workspace.can("show"), "load": workspace.can("load"), "retry": self.state.can_change}
        return there.get(name, True)


class HistoryPanel(parts.PanelBox):
    """What was asked for, newest first, and what became of it.

    Parameters
    ----------
    studio : Studio
        Editor or viewer; a viewer looks.
    workspace : Workspace or None
        Shared with the panels beside it: the project, and what can be done with a run.

    Attributes
    ----------
    state : HistoryState
        Everything the panel shows and does.

    Examples
    --------
    >>> HistoryPanel(studio)  # doctest: +SKIP
    """

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None) -> None:
        self.state = HistoryState(studio, workspace=workspace)
        head, _beside = parts.head("History")
        super().__init__("History", head, HistoryView(self.state), tick=self.state.poll)

    def still(self) -> Still:
        """Return the newest pictures."""
        return Still(pictures=self.state.newest())
