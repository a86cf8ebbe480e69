"""A comparison on a screen: the slots, and below them what differs in the settings."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import ipywidgets

from studio_kernel.comparing.page import CONDITIONS, table_of
from studio_widgets.compare.bar import BoardsBar
from studio_widgets.compare.state import CompareState
from studio_widgets.compare.view import Slots
from studio_widgets.frame import panel as parts
from studio_widgets.frame.still import Still
from studio_widgets.wording import counted
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.studio import Studio


class ComparePanel(parts.PanelBox):
    """Runs side by side.

    Parameters
    ----------
    studio : Studio
        Editor or viewer.
    workspace : Workspace or None
        Shared with other panels, which can then hand runs over.

    Attributes
    ----------
    state : CompareState
        Everything the panel shows and does.

    Examples
    --------
    >>> panel = ComparePanel(studio)  # doctest: +SKIP
    >>> panel.state.add(run.id)  # doctest: +SKIP
    """

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None) -> None:
        self.state = CompareState(studio, workspace=workspace)
        head, self._beside = parts.head("Compare")
        super().__init__("Compare", head, CompareView(self.state), tick=self.state.poll)
        self.state.observe(lambda _change: self._show(), "slots")
        self._show()

    def still(self) -> Still:
        """Return what is compared."""
        pictures = [picture for run in self.state.runs if (picture := self.state.thumbnail(run))]
        return Still(_counted(len(self.state.runs)), pictures)

    def _show(self) -> None:
        self._beside.value = f'<span role="status">{_counted(len(self.state.runs))}</span>'


class CompareView(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """A comparison without frame and title."""

    def __init__(self, state: CompareState) -> None:
        self._state = state
        self._error = ipywidgets.HTML()
        self._notice = ipywidgets.HTML()
        self._table = ipywidgets.HTML()
        super().__init__([BoardsBar(state.boards), self._error, Slots(state), self._notice, self._table])
        parts.styled(self, "sc-panel")
        state.observe(lambda _change: self._show(), ["error", "notice", "comparison", "conditions", "slots"])
        self._show()

    def _show(self) -> None:
        state = self._state
        parts.fill(self._error, parts.alert(state.error))
        parts.fill(self._notice, _notice(state.notice))
        letters = [letter for letter, _record in state.compared]
        made_with = table_of(state.conditions, letters, CONDITIONS)
        parts.fill(self._table, table_of(state.comparison, letters) + made_with)


def _counted(count: int) -> str:
    return counted(count, "run") if count else "nothing yet"


def _notice(text: str) -> str:
    return f'<div class="sc-notice" role="status">{escape(text)}</div>' if text else ""
