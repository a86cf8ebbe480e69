"""Projects without a screen: which there are, which one is worked in, and a form to make and change them.

Which one is worked in is in the workspace, so that everything beside this panel shows that project alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import traitlets

from studio_kernel.domain.marks import PROJECT_SETTINGS, ProjectCard
from studio_kernel.domain.tasks import Task
from studio_kernel.errors import StudioError
from studio_kernel.projects import id_of
from studio_widgets.state import LiveState
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.studio import Studio

MAX_TEXT = 200
"""Of what is searched for."""

Options = Sequence[tuple[str, str]]


class ProjectsState(LiveState):
    """The projects of a home.

    Parameters
    ----------
    studio : Studio
        A viewer can only choose.
    workspace : Workspace
        Its `project` is the one that is worked in.

    Attributes
    ----------
    project : str
        Id of the project that is worked in, the same as in the workspace; empty = all.
    text : str
        Only projects that have this in their title, description or id.
    with_archived : bool
        Also those that were put away.
    every : tuple of ProjectCard
        All projects, the one that changed last first.
    cards : tuple of ProjectCard
        Those of them that are shown.
    is_editing : bool
        Whether the form is open.
    edited : str
        The project that the form changes; empty = it makes a new one.
    title, description, task, model, preset : str
        What is in the form.

    Examples
    --------
    >>> state = ProjectsState(studio)  # doctest: +SKIP
    >>> state.create("Harbour at night")  # doctest: +SKIP
    >>> state.project  # doctest: +SKIP
    'harbour-at-night'
    """

    project = traitlets.Unicode()
    text = traitlets.Unicode()
    with_archived = traitlets.Bool(False)
    every = traitlets.Instance(tuple, args=(), read_only=True)
    cards = traitlets.Instance(tuple, args=(), read_only=True)
    is_editing = traitlets.Bool(False, read_only=True)
    edited = traitlets.Unicode(read_only=True)
    title = traitlets.Unicode()
    description = traitlets.Unicode()
    task = traitlets.Unicode()
    model = traitlets.Unicode()
    preset = traitlets.Unicode()

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None) -> None:
        super().__init__(studio, workspace=workspace)
        traitlets.link((self.workspace, "project"), (self, "project"))
        self.observe(lambda _change: self._pick(), ["text", "with_archived"])
        self.refresh()

    @traitlets.validate("text")
    def _short(self, proposal: dict[str, str]) -> str:
        return proposal["value"][:MAX_TEXT]

    def choose(self, project: str) -> None:
        """Work in a project; an empty id means in all of them."""
        if not project or self.card(project) is not None:
            self.project = project

    def card(self, project: str) -> ProjectCard | None:
        """Return a project and what is in it; `None` when there is none of that id."""
        return next((card for card in self.every if card.project.id == project), None)

    def covers(self, project: str) -> list[bytes]:
        """Return small pictures of the newest files of a project."""
        card = self.card(project)
        return [self._thumbnail_of(asset) for asset in card.covers] if card is not None else []

    # Changing

    def create(self, title: str, description: str = "") -> bool:
        """Make a project and work in it; return whether that was done, else `error` says why."""
        return self._done(lambda: self._create(title, description, {}))

    def archive(self, project: str, archived: bool = True) -> None:
        """Put a project away, or bring it back; its runs stay where they are."""
        if self._done(lambda: self._studio.change_project(project, archived=archived)) and archived:
            with self.lock:
                self.project = "" if self.project == project else self.project

    def edit(self, project: str = "") -> None:
        """Open the form with what a project has; empty, for a new one."""
        card = self.card(project)
        shown = card.project if card is not None else None
        settings = shown.settings if shown is not None else {}
        with self.lock, self.hold_trait_notifications():
            self.error = ""
            self.set_trait("edited", shown.id if shown is not None else "")
            self.title = shown.title if shown is not None else ""
            self.description = shown.description if shown is not None else ""
            for name in PROJECT_SETTINGS:
                self.set_trait(name, str(settings.get(name) or ""))
            self.set_trait("is_editing", True)

    def save(self) -> bool:
        """Do what the form says, and close it; return whether that was done, else `error` says why."""
        done = self._done(self._change if self.edited else self._create_from_form)
        if done:
            self.cancel()
        return done

    def cancel(self) -> None:
        """Close the form."""
        with self.lock:
            self.error = ""
            self.set_trait("is_editing", False)

    # What the form offers

    def tasks(self) -> Options:
        """Return the tasks that a project may begin with."""
        return [("Any task", ""), *((task.label, str(task)) for task in Task)]

    def models(self) -> Options:
        """Return the models that can do the task of the form."""
        cards = self._studio.models.search(task=self.task or None)
        named = sorted((f"{card.name} · {card.creator}", card.id) for card in cards)
        return [("The recommended one", ""), *named]

    def presets(self) -> Options:
        """Return the presets that suit the task and the model of the form."""
        fitting = [
            preset
            for preset in self._studio.catalog.presets.values()
            if _suits(self.task, preset.task) and _suits(self.model, preset.model)
        ]
        return [("None", ""), *sorted((preset.name, preset.id) for preset in fitting)]

    # Inside

    def _read(self) -> None:
        self.set_trait("every", tuple(self._studio.project_cards(archived=True)))
        self._pick()

    def _pick(self) -> None:
        words = self.text.casefold().split()
        found = [card for card in self.every if (self.with_archived or not card.project.archived) and _has(card, words)]
        self.set_trait("cards", tuple(found))

    def _done(self, act: Callable[[], object]) -> bool:
        self._attempt(act)
        failed = self.error
        self.refresh()
        self.error = failed
        return not failed

    def _create_from_form(self) -> None:
        self._create(self.title, self.description, self._settings())

    def _create(self, title: str, description: str, settings: dict[str, str]) -> None:
        title = self._free_title(title)
        taken = self.card(id_of(title))
        if taken is not None:
            raise StudioError(f"{title!r} reads like the project {taken.project.title!r}; choose another title")
        made = self._studio.create_project(title, description=description.strip())
        if any(settings.values()):
            self._studio.change_project(made.id, settings=settings)
        with self.lock:
            self.project = made.id

    def _change(self) -> None:
        title = self._free_title(self.title, but=self.edited)
        self._studio.change_project(
            self.edited, title=title, description=self.description.strip(), settings=self._settings()
        )

    def _settings(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in PROJECT_SETTINGS}

    def _free_title(self, title: str, but: str = "") -> str:
        """Return a title without needless blanks, which no other project has."""
        tidy = " ".join(title.split())
        if not tidy:
            raise StudioError("give the project a title")
        same = (card.project for card in self.every if card.project.title.casefold() == tidy.casefold())
        other = next((project for project in same if project.id != but), None)
        if other is not None:
            where = " among the archived ones" if other.archived else ""
            raise StudioError(f"there is a project {other.title!r} already{where}; choose another title")
        return tidy


def _suits(wanted: str, given: str) -> bool:
    """Whether two names can go together; an empty one goes with any."""
    return not wanted or not given or wanted == given


def _has(card: ProjectCard, words: list[str]) -> bool:
    project = card.project
    text = f"{project.title} {project.description} {project.id}".casefold()
    return all(word in text for word in words)
