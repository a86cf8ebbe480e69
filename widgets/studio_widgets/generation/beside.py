"""A form beside what works on it, such as batches: one that stands elsewhere, or one of its own that is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import ipywidgets

from studio_widgets.frame import panel as parts
from studio_widgets.generation.outcome import Outcome
from studio_widgets.generation.panel import FormView
from studio_widgets.generation.state import GenerationState
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.studio import Studio


class FollowedForm:
    """The form that a panel follows.

    Parameters
    ----------
    studio : Studio
        Opened as an editor.
    form : GenerationState or None
        Shown elsewhere; one of its own when left out.
    task, model : str
        What a form of its own begins with.
    workspace : Workspace or None
        Shared with other panels. With a form of its own there is always one, which both share.

    Attributes
    ----------
    state : GenerationState
        What is asked for.
    workspace : Workspace or None
        For the state of the panel.
    is_own : bool
        Whether it is shown here.
    """

    def __init__(
        self, studio: Studio, form: GenerationState | None, *, task: str, model: str, workspace: Workspace | None
    ) -> None:
        self.is_own = form is None
        self.workspace = workspace or (Workspace() if form is None else None)
        self.state = form or GenerationState(studio, task=task, model=model, attach=False, workspace=self.workspace)

    def beside(self, view: ipywidgets.Widget) -> ipywidgets.Widget:
        """Return a view, with the form on its left when that is shown nowhere else."""
        if not self.is_own:
            return view
        column = parts.styled(ipywidgets.VBox([view, _outcome(self.state)]), "st-column")
        return parts.styled(ipywidgets.HBox([FormView(self.state), column]), "st-split")

    def ticking(self, poll: Callable[[], None]) -> Callable[[], None]:
        """Return what brings a panel up to date, and with it a form of its own."""
        return self._both(poll) if self.is_own else poll

    def look_again(self) -> None:
        """Look whether the model can be used by now; the form elsewhere sees to that itself."""
        if self.is_own:
            self.state.look_again()

    def close(self) -> None:
        """Watch the runs of a form of its own no longer; they go on."""
        if self.is_own:
            self.state.close()

    def _both(self, poll: Callable[[], None]) -> Callable[[], None]:
        def tick() -> None:
            self.state.tick()
            poll()

        return tick


def _outcome(state: GenerationState) -> ipywidgets.Widget:
    """Return what came of the form's own button: out of the way until something has, or was refused."""
    outcome = Outcome(state)

    def show() -> None:
        parts.place(outcome, bool(state.status or state.error or state.result))

    state.observe(lambda _change: show(), ["status", "error", "result"])
    show()
    return outcome
