"""The whole studio without a screen: the states of all panels, what they share, and what is kept of them.

What people had before them (project, tab, form, what they compare) is kept in the home. So the same cell, run again
after a restart of the kernel, shows the same; runs at work are in the log anyway.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import traitlets

from studio_kernel.domain.runs import RunStatus
from studio_kernel.domain.tasks import Task
from studio_kernel.errors import StudioError
from studio_widgets.batch.state import BatchState
from studio_widgets.compare.state import CompareState
from studio_widgets.costs.state import CostsState
from studio_widgets.gallery.state import GalleryState
from studio_widgets.generation.state import GenerationState
from studio_widgets.history.state import HistoryState
from studio_widgets.judge.state import JudgeState
from studio_widgets.models.state import ModelsState
from studio_widgets.projects.state import ProjectsState
from studio_widgets.queue.state import QueueState
from studio_widgets.session.state import SessionState
from studio_widgets.state import LiveState, PanelState
from studio_widgets.sweep.state import SweepState

if TYPE_CHECKING:
    from studio_kernel.studio import Studio

TABS: Mapping[str, str] = {
    "result": "Result",
    "queue": "Queue",
    "history": "History",
    "gallery": "Gallery",
    "compare": "Compare",
    "judge": "Judge",
    "sweeps": "Sweeps",
    "models": "Models",
    "costs": "Costs",
}
QUICK: Mapping[str, Task] = {"Generate image": Task.TEXT_TO_IMAGE, "Generate video": Task.TEXT_TO_VIDEO}
BUSY = (RunStatus.QUEUED, RunStatus.RUNNING)
KEEP_EVERY_S = 1.0
SESSION = timedelta(hours=12)
"""How far back the newest results go: a session outlives the kernel."""

S = TypeVar("S", bound=PanelState)


class AppState(PanelState):
    """The states of all panels, joined.

    Parameters
    ----------
    studio : Studio
        Opened as an editor.
    name : str
        What is kept is kept under this name; two apps of one home that shall differ need two.

    Attributes
    ----------
    tab : str
        Key of `TABS`.
    shows_projects : bool
        Whether the projects are shown in place of form and tabs.
    workspace : Workspace
        The project that is worked in, and what is compared.
    form : GenerationState
        What is asked for.
    queue, history, gallery, compare, judge, models, costs, projects, session, batch, sweep
        The states of the panels; each is made when it is asked for first.

    Examples
    --------
    >>> app = AppState(studio)  # doctest: +SKIP
    >>> app.form.prompt = "a red boat on the sea"  # doctest: +SKIP
    >>> app.form.submit()  # doctest: +SKIP
    >>> app.tab = "gallery"  # doctest: +SKIP
    """

    tab = traitlets.Enum(list(TABS), "result")
    shows_projects = traitlets.Bool(False)

    def __init__(self, studio: Studio, *, name: str = "app") -> None:
        super().__init__(studio)
        studio.require_editor("be worked with; dashboards show single panels")
        self._name = name
        self._made: dict[type[PanelState], PanelState] = {}
        self._kept: dict[str, object] = {}
        self._keep_at = 0.0
        self.form = GenerationState(studio, workspace=self.workspace)
        self._restore(studio.remembered(name))
        self._join()

    # The panels

    @property
    def queue(self) -> QueueState:
        """What is at work and what waits."""
        return self._state(QueueState)

    @property
    def history(self) -> HistoryState:
        """Every run, as a list."""
        return self._state(HistoryState)

    @property
    def gallery(self) -> GalleryState:
        """Every run, as pictures."""
        return self._state(GalleryState)

    @property
    def compare(self) -> CompareState:
        """Runs side by side."""
        return self._state(CompareState)

    @property
    def judge(self) -> JudgeState:
        """Two runs at a time, blind."""
        return self._state(JudgeState)

    @property
    def costs(self) -> CostsState:
        """What was spent."""
        return self._state(CostsState)

    @property
    def projects(self) -> ProjectsState:
        """The projects of the home."""
        return self._state(ProjectsState)

    @property
    def session(self) -> SessionState:
        """The newest results."""
        since = datetime.now(UTC) - SESSION
        return self._state(
            SessionState,
            lambda: SessionState(self._studio, workspace=self.workspace, since=since, on_choose=self.bring_back),
        )

    @property
    def models(self) -> ModelsState:
        """What there is to work with."""
        return self._state(ModelsState, lambda: ModelsState(self._studio, on_use=self.use_model))

    @property
    def batch(self) -> BatchState:
        """Many pictures of the form at once."""
        return self._state(BatchState, lambda: BatchState(self._studio, self.form, workspace=self.workspace))

    @property
    def sweep(self) -> SweepState:
        """The form for every combination of some values."""
        return self._state(SweepState, lambda: SweepState(self._studio, self.form, workspace=self.workspace))

    # What is done

    def use_model(self, model: str) -> None:
        """Take a model into the form, for the task at hand or else for the one it is meant for."""
        self.form.model = model
        self.shows_projects = False

    def begin(self, task: Task) -> None:
        """Turn the form to a task."""
        self.form.task = str(task)
        self.shows_projects = False

    def bring_back(self, run: str) -> None:
        """Show a result again, and its settings in the form."""
        self.form.attach(self._studio.run(run))
        self._turn_to("result")

    def tick(self) -> None:
        """Bring up to date what is on the screen; to be called about once a second."""
        self.form.tick()
        for state in self._on_screen():
            state.poll()
        self.keep()

    def keep(self, *, at_once: bool = False) -> None:
        """Keep what people have before them, when it has changed; not more than once a second."""
        if not at_once and time.monotonic() < self._keep_at:
            return
        self._keep_at = time.monotonic() + KEEP_EVERY_S
        now = self._to_keep()
        if now != self._kept:
            self._attempt_quietly(lambda: self._studio.remember(self._name, now))
            self._kept = now

    def close(self) -> None:
        """Keep what is there, and watch no longer; runs go on."""
        self.keep(at_once=True)
        self.form.close()

    # Inside

    def _state(self, kind: type[S], make: Callable[[], S] | None = None) -> S:
        with self.lock:
            if kind not in self._made:
                self._made[kind] = make() if make else kind(self._studio, workspace=self.workspace)
                self._take_wishes()
            found = self._made[kind]
        assert isinstance(found, kind)
        return found

    def _on_screen(self) -> list[LiveState]:
        """Return what is seen now, and what counts beside the names of the tabs."""
        shown: list[PanelState] = [self.session, self.queue]
        if self.shows_projects:
            shown.append(self.projects)
        elif self.tab == "sweeps":
            shown += [self.batch, self.sweep]
        elif self.tab != "result":
            shown.append(getattr(self, self.tab))
        return [state for state in shown if isinstance(state, LiveState)]

    def _join(self) -> None:
        """Let what one panel does be seen in the others."""
        self._take_wishes()
        self.workspace.observe(self._follow_project, "project")
        self.form.observe(self._follow_run, "status")

    def _take_wishes(self) -> None:
        """Fulfil here what the panels take for themselves: the tab has to be turned as well."""
        self.workspace.take("show", self._show)
        self.workspace.take("compare", self._compare)

    def _show(self, run: str) -> None:
        self.gallery.open(run)
        self._turn_to("gallery")

    def _compare(self, run: str) -> None:
        self.compare.add(run)
        self._turn_to("compare")

    def _turn_to(self, tab: str) -> None:
        with self.lock:
            self.tab, self.shows_projects = tab, False

    def _follow_run(self, change: traitlets.Bunch) -> None:
        """Show what was just asked for, unless the queue is looked at, which shows it too."""
        begins = change.new in BUSY and change.old not in BUSY
        if begins and self.tab != "queue":
            self._turn_to("result")

    def _follow_project(self, change: traitlets.Bunch) -> None:
        """Begin as the project says."""
        found = next((project for project in self._studio.projects() if project.id == change.new), None)
        if found is not None and found.settings:
            self.form.begin_with(found.settings)

    def _to_keep(self) -> dict[str, object]:
        with self.lock:
            return {
                "project": self.workspace.project,
                "compared": list(self.workspace.compared),
                "tab": self.tab,
                "form": self.form.form_values(),
            }

    def _restore(self, kept: Mapping[str, object]) -> None:
        """Take what was kept as far as it still fits; nothing of it is trusted, for anybody can write that file."""
        self._kept = dict(kept)
        projects = {project.id for project in self._studio.projects() if not project.archived}
        if kept.get("project") in projects:
            self.workspace.project = str(kept["project"])
        if kept.get("tab") in list(TABS):
            self.tab = str(kept["tab"])
        compared = kept.get("compared")
        if isinstance(compared, list):
            self.workspace.compared = tuple(run for run in compared if isinstance(run, str) and self._is_there(run))
        form = kept.get("form")
        if isinstance(form, Mapping) and not self.form.is_busy:
            self.form.restore(form)

    def _is_there(self, run: str) -> bool:
        try:
            self._studio.record(run)
        except StudioError:
            return False
        return True

    def _attempt_quietly(self, act: Callable[[], object]) -> None:
        """Do what may fail without harm: a disk that is full shows elsewhere."""
        try:
            act()
        except (StudioError, OSError, ValueError):
            return
