"""The panel around what is made of one form: a heading, the form where it has one of its own, and the cells."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, ClassVar

import ipywidgets

from studio_kernel.domain.tasks import Task
from studio_widgets.cells.state import CellsState
from studio_widgets.frame import panel as parts
from studio_widgets.frame.still import Still
from studio_widgets.generation.beside import FollowedForm
from studio_widgets.generation.state import GenerationState

if TYPE_CHECKING:
    from studio_kernel.studio import Studio
    from studio_widgets.workspace import Workspace


class FollowingPanel(parts.PanelBox):
    """Makes many pictures of what a form says. What is made, and how it looks, its subclasses say.

    Parameters
    ----------
    studio : Studio
        Opened as an editor.
    form : GenerationState or None
        Says what all cells have in common, such as ``GenerationPanel(studio).state``; one of its own, shown here, when
        left out.
    task, model : str
        What a form of its own begins with; the first model that serves the task when none is named.
    workspace : Workspace or None
        Shared with other panels.

    Attributes
    ----------
    state : CellsState
        Everything the panel shows and does.
    """

    NAME: ClassVar[str]
    STATE: ClassVar[Callable[..., CellsState]]
    VIEW: ClassVar[Callable[..., ipywidgets.Widget]]

    def __init__(
        self,
        studio: Studio,
        *,
        form: GenerationState | None = None,
        task: str = str(Task.TEXT_TO_IMAGE),
        model: str = "",
        workspace: Workspace | None = None,
    ) -> None:
        self._form = FollowedForm(studio, form, task=task, model=model, workspace=workspace)
        self.state = type(self).STATE(studio, self._form.state, workspace=self._form.workspace)
        head, self._about = parts.head(self.NAME)
        super().__init__(
            self.NAME,
            head,
            self._form.beside(type(self).VIEW(self.state)),
            tick=self._form.ticking(self.state.poll),
            beat=self._form.look_again,
            closing=self._end,
        )
        self._form.state.observe(lambda _change: self._show(), ["prompt", "model"])
        self._show()

    def still(self) -> Still:
        """Return what is shown and its first pictures."""
        return Still(self.state.caption, self.state.newest())

    def _end(self) -> None:
        self.state.close()
        self._form.close()

    def _show(self) -> None:
        form = self.state.form
        self._about.value = escape(" · ".join(filter(None, [form.model, form.prompt[:120]])))
