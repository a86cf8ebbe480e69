"""Presets and styles in a frame: the bar, and the form that they go into where that is shown nowhere else."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from studio_kernel.domain.tasks import Task
from studio_widgets.frame import panel as parts
from studio_widgets.generation.beside import FollowedForm
from studio_widgets.generation.state import GenerationState
from studio_widgets.presets.bar import PresetBar
from studio_widgets.presets.state import PresetState
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.studio import Studio


class PresetPanel(parts.PanelBox):
    """Chooses, applies and saves presets and styles of a form.

    Parameters
    ----------
    studio : Studio
        Opened as an editor.
    form : GenerationState or None
        Where they go, such as ``GenerationPanel(studio).state``; one of its own, shown here, when left out.
    task, model : str
        What a form of its own begins with; the first model that serves the task when none is named.
    workspace : Workspace or None
        Shared with other panels.

    Attributes
    ----------
    state : PresetState
        Everything it shows and does.

    Examples
    --------
    >>> PresetPanel(studio, form=panel.state)  # doctest: +SKIP
    """

    def __init__(
        self,
        studio: Studio,
        *,
        form: GenerationState | None = None,
        task: str = str(Task.TEXT_TO_IMAGE),
        model: str = "",
        workspace: Workspace | None = None,
    ) -> None:
        followed = FollowedForm(studio, form, task=task, model=model, workspace=workspace)
        self.state = PresetState(studio, followed.state, workspace=followed.workspace)
        head, self._beside = parts.head("Presets")
        super().__init__(
            "Presets",
            head,
            followed.beside(parts.card(PresetBar(self.state))),
            tick=followed.ticking(self.state.poll),
            beat=followed.look_again,
            closing=followed.close,
        )
        followed.state.observe(lambda _change: self._show(), ["task", "model"])
        self._show()

    def _show(self) -> None:
        self._beside.value = escape(self.state.form.model)
