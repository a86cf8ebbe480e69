"""The generation panel on a screen: a form on the left, progress and result on the right."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import ipywidgets

from studio_kernel.domain.tasks import Task
from studio_widgets.estimate.panel import Meter
from studio_widgets.estimate.state import EstimateState
from studio_widgets.frame import panel as parts
from studio_widgets.frame.shortcuts import SCOPE
from studio_widgets.frame.still import Still
from studio_widgets.generation.actions import Actions, shortcuts_of
from studio_widgets.generation.form import Form
from studio_widgets.generation.outcome import Outcome
from studio_widgets.generation.state import GenerationState
from studio_widgets.generation.tips import TipsCard

if TYPE_CHECKING:
    from studio_kernel.studio import Studio
    from studio_widgets.workspace import Workspace


class FormView(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """The form and what can be done with it, without a frame.

    Parameters
    ----------
    state : GenerationState
        Shown.
    has_keys : bool
        Whether keys act while the focus is in it; what stands around it may see to that.

    Attributes
    ----------
    estimate : EstimateState
        What the run that the form describes would take.
    """

    def __init__(self, state: GenerationState, *, has_keys: bool = True) -> None:
        self.estimate = EstimateState(state.studio, state)
        # The estimate stands below the button, so that the button stays where it is whatever the estimate says.
        doing = parts.card(Actions(state), Meter(self.estimate, beside_form=True))
        self.form = Form(state, doing)
        super().__init__([self.form])
        parts.styled(self, "st-column")
        if has_keys:
            take_keys(self, state)


class GenerationView(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """The form, what can be done with it and what came of it, without a frame.

    Parameters
    ----------
    state : GenerationState
        Shown.

    Attributes
    ----------
    estimate : EstimateState
        What the run that the form describes would take.
    """

    def __init__(self, state: GenerationState) -> None:
        asking = FormView(state, has_keys=False)
        self.form, self.estimate = asking.form, asking.estimate
        beside = parts.styled(ipywidgets.VBox([Outcome(state), TipsCard(state)]), "st-column", "st-beside")
        super().__init__([parts.styled(ipywidgets.HBox([asking, beside]), "st-split")])
        parts.styled(self, "sf-view")
        take_keys(self, state)


def take_keys(box: ipywidgets.Box, state: GenerationState) -> None:
    """Let keys act while the focus is in a box; a click anywhere in it gives it the focus."""
    box.children = [shortcuts_of(state), *box.children]
    parts.styled(box, SCOPE)


class GenerationPanel(parts.PanelBox):
    """Makes one picture after another.

    Parameters
    ----------
    studio : Studio
        Opened as an editor.
    task, model : str
        What to begin with; the first model that serves the task when none is named.
    workspace : Workspace or None
        Shared with other panels.

    Attributes
    ----------
    state : GenerationState
        Everything the panel shows and does.
    estimate : EstimateState
        What the run that the form describes would take.

    Examples
    --------
    >>> panel = GenerationPanel(studio)  # doctest: +SKIP
    >>> panel.state.prompt = "a red boat on the sea"  # doctest: +SKIP
    """

    def __init__(
        self,
        studio: Studio,
        *,
        task: str = str(Task.TEXT_TO_IMAGE),
        model: str = "",
        workspace: Workspace | None = None,
    ) -> None:
        self.state = GenerationState(studio, task=task, model=model, workspace=workspace)
        head, self._standing = parts.head("Generate")
        self.view = GenerationView(self.state)
        self.estimate = self.view.estimate
        super().__init__("Generate", head, self.view, tick=self.state.tick, beat=self.state.look_again)
        self.state.observe(lambda _change: self._show(), ["status", "model"])
        self._show()

    def still(self) -> Still:
        """Return the prompt and what came of it."""
        return Still(self.state.prompt, self.state.thumbnails())

    def _show(self) -> None:
        self._standing.value = f'<span role="status">{escape(_standing(self.state))}</span>'


def _standing(state: GenerationState) -> str:
    return state.status or (f"ready: {state.model}" if state.model else "")
