"""The session strip on a screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets

from studio_widgets.frame import panel as parts
from studio_widgets.session.state import SessionState
from studio_widgets.session.view import ResultRow

if TYPE_CHECKING:
    from studio_kernel.studio import Studio
    from studio_widgets.workspace import Workspace


class SessionStrip(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """The row of newest results, without frame and title.

    Parameters
    ----------
    state : SessionState
        What it shows; whoever shows the strip calls its `poll` about once a second.
    label : str
        What the row is called for screen readers.
    """

    def __init__(self, state: SessionState, label: str = "Newest results") -> None:
        self._state = state
        self._error = ipywidgets.HTML()
        super().__init__([ResultRow(state, label), self._error])
        parts.styled(self, "sn-box")
        state.observe(lambda _change: self._show(), "error")
        self._show()

    def _show(self) -> None:
        parts.fill(self._error, parts.alert(self._state.error))


class SessionPanel(parts.PanelBox):
    """The session strip as a panel of its own.

    Parameters
    ----------
    studio : Studio
        Editor or viewer.
    workspace : Workspace or None
        Shared with the panels beside it.

    Attributes
    ----------
    state : SessionState
        Everything the panel shows and does.
    """

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None) -> None:
        self.state = SessionState(studio, workspace=workspace)
        super().__init__("Session", SessionStrip(self.state), tick=self.state.poll)
