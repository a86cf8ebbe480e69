"""Projects on a screen: the grid of cards with its form, and a bar that fits above other panels."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import ipywidgets
import traitlets

from studio_widgets.choice import Choice
from studio_widgets.frame import panel as parts
from studio_widgets.frame.still import Still
from studio_widgets.projects.state import ProjectsState
from studio_widgets.projects.view import Cards
from studio_widgets.timing import Debounced
from studio_widgets.wording import counted
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.studio import Studio


class ProjectsPanel(parts.PanelBox):
    """The projects of a home.

    Parameters
    ----------
    studio : Studio
        A viewer can only choose.
    workspace : Workspace or None
        Shared with the panels that show the chosen project.

    Attributes
    ----------
    state : ProjectsState
        Everything the panel shows and does.

    Examples
    --------
    >>> ProjectsPanel(studio)  # doctest: +SKIP
    """

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None) -> None:
        self.state = ProjectsState(studio, workspace=workspace)
        head, self._beside = parts.head("Projects")
        super().__init__("Projects", head, ProjectsView(self.state), tick=self.state.poll)
        self.state.observe(lambda _change: self._show(), "cards")
        self._show()

    def still(self) -> Still:
        """Return the newest picture of each project."""
        pictures = [picture for card in self.state.cards for picture in self.state.covers(card.project.id)[:1]]
        return Still(counted(len(self.state.cards), "project"), [picture for picture in pictures if picture])

    def _show(self) -> None:
        self._beside.value = f'<span role="status">{counted(len(self.state.cards), "project")}</span>'


class ProjectsView(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """Projects without frame and title."""

    def __init__(self, state: ProjectsState) -> None:
        self._state = state
        self._error = ipywidgets.HTML()
        self._form = _Form(state)
        super().__init__([_top(state), self._error, self._form, Cards(state)])
        parts.styled(self, "sj-panel")
        state.observe(lambda _change: self._show(), "error")
        self._show()

    def _show(self) -> None:
        parts.fill(self._error, parts.alert(self._state.error))


class ProjectBar(ipywidgets.HBox):  # type: ignore[misc]  # untyped base
    """The project that is worked in, to choose it and to make a new one; for the top of other panels.

    Parameters
    ----------
    state : ProjectsState
        May be shared with a `ProjectsView`.
    """

    def __init__(self, state: ProjectsState) -> None:
        self._state = state
        chosen = Choice(state, "project", "Project", lambda: _options(state), follow=["every"])
        self._new = parts.button("New project…", lambda: self._ask(True))
        self._title = ipywidgets.Text(placeholder="Title of the new project", tooltip="Title of the new project")
        self._create = parts.button("Create", self._make)
        self._cancel = parts.button("Cancel", lambda: self._ask(False), "", "st-quiet")
        _on_enter(self._title, self._make)
        self._error = ipywidgets.HTML()
        super().__init__([chosen, self._new, self._title, self._create, self._cancel, self._error])
        parts.styled(self, "sj-bar")
        self._ask(False)

    def _ask(self, is_asking: bool) -> None:
        self._title.value = ""
        parts.fill(self._error, "")
        for part in (self._title, self._create, self._cancel):
            parts.place(part, is_asking)
        parts.place(self._new, not is_asking and self._state.can_change)

    def _make(self) -> None:
        if self._state.create(self._title.value):
            self._ask(False)
        else:
            parts.fill(self._error, parts.alert(self._state.error))


class _Form(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """What can be said of a project."""

    def __init__(self, state: ProjectsState) -> None:
        self._state = state
        self._heading = ipywidgets.HTML()
        title = ipywidgets.Text(description="Title", placeholder="What people see")
        description = ipywidgets.Textarea(description="Description", rows=3)
        traitlets.link((state, "title"), (title, "value"))
        traitlets.link((state, "description"), (description, "value"))
        begins = parts.row(
            parts.field(Choice(state, "task", "Begins with task", state.tasks)),
            parts.field(Choice(state, "model", "Model", state.models, follow=["task"])),
            parts.field(Choice(state, "preset", "Preset", state.presets, follow=["task", "model"])),
        )
        save = parts.button("Save", state.save, "", "sj-save")
        cancel = parts.button("Cancel", state.cancel, "", "st-quiet")
        fields = (parts.field(title), parts.field(description), begins, parts.row(save, cancel))
        super().__init__([parts.styled(parts.card(self._heading, *fields), "sj-form")])
        _on_enter(title, state.save)
        state.observe(lambda _change: self._show(), ["is_editing", "edited"])
        self._show()

    def _show(self) -> None:
        parts.place(self, self._state.is_editing)
        heading = "Change the project" if self._state.edited else "New project"
        self._heading.value = f'<div class="sj-heading">{heading}</div>'


def _top(state: ProjectsState) -> ipywidgets.HBox:
    text = ipywidgets.Text(description="Search", placeholder="Title or description")
    search = Debounced(lambda words: state.set_trait("text", words))
    text.observe(lambda change: search(change.new), "value")
    archived = ipywidgets.Checkbox(description="Archived, too", indent=False)
    traitlets.link((state, "with_archived"), (archived, "value"))
    new = parts.button("New project…", state.edit)
    parts.place(new, state.can_change)
    return parts.styled(parts.row(parts.field(text), archived, new), "sj-top")


def _on_enter(field: ipywidgets.Text, act: Callable[[], object]) -> None:
    """Call `act` when Enter is pressed in a field; it has told its value by then."""

    def hear(_field: object, content: dict[str, object], _buffers: object) -> None:
        if content.get("event") == "submit":
            act()

    field.on_msg(hear)


def _options(state: ProjectsState) -> list[tuple[str, str]]:
    named = [(card.project.title, card.project.id) for card in state.every if not card.project.archived]
    return [("All projects", ""), *sorted(named, key=lambda pair: pair[0].casefold())]
