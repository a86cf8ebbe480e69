"""The whole studio on a screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import ipywidgets
import traitlets

from studio_kernel.domain.tasks import Task
from studio_widgets.app.state import QUICK, TABS, AppState
from studio_widgets.batch.panel import BatchView
from studio_widgets.compare.panel import CompareView
from studio_widgets.costs.panel import CostsView
from studio_widgets.frame import panel as parts
from studio_widgets.frame.lazily import Lazily
from studio_widgets.frame.still import Still
from studio_widgets.gallery.panel import GalleryView
from studio_widgets.generation.outcome import Outcome
from studio_widgets.generation.panel import FormView
from studio_widgets.generation.tips import TipsCard
from studio_widgets.history.panel import HistoryView
from studio_widgets.judge.panel import JudgeView
from studio_widgets.models.panel import ModelsView
from studio_widgets.projects.panel import ProjectBar, ProjectsView
from studio_widgets.queue.panel import QueueView
from studio_widgets.session.panel import SessionStrip
from studio_widgets.sweep.panel import SweepView
from studio_widgets.tabs.view import Tabs

if TYPE_CHECKING:
    from studio_kernel.studio import Studio


class StudioApp(parts.PanelBox):
    """Everything together: the project, the form on the left, and on the right what there is, in tabs.

    Parameters
    ----------
    studio : Studio
        Opened as an editor.
    name : str
        What it shows is kept under this name, so that the same cell shows the same after a restart of the kernel.

    Attributes
    ----------
    state : AppState
        Everything it shows and does.

    Examples
    --------
    >>> import studio_kernel as sk
    >>> StudioApp(sk.open())  # doctest: +SKIP
    """

    def __init__(self, studio: Studio, *, name: str = "app") -> None:
        self.state = AppState(studio, name=name)
        split = Split(self.state)
        projects = Lazily(lambda: ProjectsView(self.state.projects))
        super().__init__(
            "Studio", Bar(self.state), projects, split, tick=self.state.tick, beat=self.state.form.look_again
        )
        traitlets.dlink((self.state, "shows_projects"), (projects, "is_shown"))
        self.state.observe(lambda change: parts.place(split, not change.new), "shows_projects")

    def still(self) -> Still:
        """Return the prompt and the newest results."""
        return Still(self.state.form.prompt, self.state.session.pictures())


class Bar(ipywidgets.HBox):  # type: ignore[misc]  # untyped base
    """Which project is worked in, and what is begun most often."""

    def __init__(self, state: AppState) -> None:
        title = ipywidgets.HTML('<span class="st-title">Studio</span>')
        projects = ipywidgets.ToggleButton(description="Projects", tooltip="All projects")
        traitlets.link((state, "shows_projects"), (projects, "value"))
        offered = {str(task) for task in state.form.tasks()}
        quick = [_quick(state, name, task) for name, task in QUICK.items() if str(task) in offered]
        super().__init__([title, ProjectBar(state.projects), projects, *quick])
        parts.styled(self, "st-row", "sa-bar")


def _quick(state: AppState, name: str, task: Task) -> ipywidgets.Button:
    return parts.button(name, partial(state.begin, task), task.label)


class Split(ipywidgets.HBox):  # type: ignore[misc]  # untyped base
    """The form, and what there is beside it."""

    def __init__(self, state: AppState) -> None:
        beside = parts.styled(ipywidgets.VBox([SessionStrip(state.session), Book(state)]), "st-column", "sa-beside")
        super().__init__([FormView(state.form), beside])
        parts.styled(self, "st-split")


class Book(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """The tabs, and the page that is open; a page is made when it is opened first."""

    def __init__(self, state: AppState) -> None:
        self._state = state
        self._tabs = Tabs("What there is", TABS, lambda key: state.set_trait("tab", key))
        self._pages = {key: Lazily(make) for key, make in _pages(state).items()}
        super().__init__([self._tabs, *self._pages.values()])
        parts.styled(self, "sa-book")
        state.observe(lambda _change: self._turn(), "tab")
        state.queue.observe(lambda _change: self._count(), ["working", "waiting"])
        state.workspace.observe(lambda _change: self._count(), "compared")
        self._turn()
        self._count()

    def _turn(self) -> None:
        self._tabs.chosen = self._state.tab
        for key, page in self._pages.items():
            page.is_shown = key == self._state.tab

    def _count(self) -> None:
        queue, compared = self._state.queue, self._state.workspace.compared
        self._tabs.counts = {"queue": queue.working + queue.waiting, "compare": len(compared)}


def _pages(state: AppState) -> Mapping[str, Callable[[], ipywidgets.Widget]]:
    return {
        "result": lambda: _column(Outcome(state.form), TipsCard(state.form)),
        "queue": lambda: QueueView(state.queue),
        "history": lambda: HistoryView(state.history),
        "gallery": lambda: GalleryView(state.gallery),
        "compare": lambda: CompareView(state.compare),
        "judge": lambda: JudgeView(state.judge),
        "sweeps": lambda: _column(SweepView(state.sweep), BatchView(state.batch)),
        "models": lambda: ModelsView(state.models),
        "costs": lambda: CostsView(state.costs),
    }


def _column(*views: ipywidgets.Widget) -> ipywidgets.VBox:
    return parts.styled(ipywidgets.VBox(list(views)), "st-column")
