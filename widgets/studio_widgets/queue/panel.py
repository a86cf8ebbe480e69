"""The queue on a screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets

from studio_widgets.frame import panel as parts
from studio_widgets.frame.still import Still
from studio_widgets.queue.state import QueueState
from studio_widgets.queue.view import Rows

if TYPE_CHECKING:
    from studio_kernel.studio import Studio
    from studio_widgets.workspace import Workspace


class QueueView(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """What is at work, what waits and what has failed lately."""

    def __init__(self, state: QueueState) -> None:
        self._state = state
        self._error = ipywidgets.HTML()
        self._rows = Rows(state)
        super().__init__([self._error, self._rows])
        state.observe(lambda _change: self._show(), "error")
        self._show()

    def close(self) -> None:
        """Take it off the screen, for good."""
        self._rows.close()
        super().close()

    def _show(self) -> None:
        parts.fill(self._error, parts.alert(self._state.error))


class QueuePanel(parts.PanelBox):
    """The queue of a home: progress, order, pause, cancel, retry.

    Parameters
    ----------
    studio : Studio
        An editor can change the queue, a viewer looks.
    workspace : Workspace or None
        Shared with other panels.

    Attributes
    ----------
    state : QueueState
        Everything the panel shows and does.

    Examples
    --------
    >>> QueuePanel(studio)  # doctest: +SKIP
    """

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None) -> None:
        self.state = QueueState(studio, workspace=workspace)
        head, self._standing = parts.head("Queue")
        self._view = QueueView(self.state)
        super().__init__("Queue", head, self._view, tick=self.state.poll, closing=self._view.close)
        self.state.observe(lambda _change: self._show(), ["working", "waiting", "paused"])
        self._show()

    def still(self) -> Still:
        """Return how things stand."""
        return Still(standing(self.state))

    def _show(self) -> None:
        self._standing.value = f"<span>{standing(self.state)}</span>"


def standing(state: QueueState) -> str:
    """Return how many runs are at work and wait, as a phrase."""
    paused = ", paused" if state.paused else ""
    return f"{state.working} at work, {state.waiting} waiting{paused}"
