"""The pages of a dashboard: each a state and a view, and what of it the address says.

Pages are joined here by name and loaded when somebody goes there: a visitor who never looks at the costs pays nothing
for that page. One whose package is not installed is not among the pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar, TypedDict

import traitlets

from studio_kernel.errors import StudioError, UnknownRunError
from studio_widgets.dashboard.places import PAGES, PageName, Place
from studio_widgets.wording import counted

if TYPE_CHECKING:
    import ipywidgets

    from studio_kernel.studio import Studio
    from studio_widgets.compare.state import CompareState
    from studio_widgets.gallery.state import GalleryState
    from studio_widgets.home.state import HomeState
    from studio_widgets.judge.state import JudgeState
    from studio_widgets.run.state import RunState
    from studio_widgets.state import LiveState
    from studio_widgets.workspace import Workspace


class Said(TypedDict, total=False):
    """What the address of a page says beside the page and the project."""

    run: str
    runs: tuple[str, ...]
    sweep: str
    board: str
    ballot: str
    text: str
    by: str


class Page:
    """A page that is open, or was.

    Parameters
    ----------
    studio : Studio
        Editor or viewer.
    workspace : Workspace
        What all pages share.

    Attributes
    ----------
    state : LiveState
        What it shows and does.
    follows : tuple of str
        The traits of the state on which its address depends.
    """

    at: ClassVar[tuple[str, str]] = ("", "")
    """Where its state and its view are: ``module:name``."""
    follows: ClassVar[tuple[str, ...]] = ()
    state: LiveState

    def __init__(self, studio: Studio, workspace: Workspace) -> None:
        self.studio, self.workspace = studio, workspace
        self.state = _load(self.at[0])(studio, workspace=workspace)  # type: ignore[operator]  # the class of a state

    @classmethod
    def is_there(cls) -> bool:
        """Whether its package is installed."""
        try:
            return all(find_spec(place.partition(":")[0]) is not None for place in cls.at)
        except ModuleNotFoundError:
            return False

    def watch(self, changed: Callable[[object], None]) -> None:
        """Have something called when what the address says of this page may have changed."""
        if self.follows:
            self.state.observe(changed, list(self.follows))

    def view(self) -> ipywidgets.DOMWidget:
        """Make what shows it."""
        made: ipywidgets.DOMWidget = _load(self.at[1])(self.state)  # type: ignore[operator]  # the class of a view
        return made

    def go(self, place: Place) -> None:
        """Show what a place names.

        Raises
        ------
        StudioError
            When there is no such thing; the page then shows what it would show without it.
        """

    def says(self) -> Said:
        """Return what an address must say to show the same."""
        return {}

    def join(self, go: Callable[[Place], None], names: Sequence[PageName]) -> None:
        """Take the way to other places, and the names of the pages that there are."""


class HomePage(Page):
    """What there is, and where to go."""

    at = ("studio_widgets.home.state:HomeState", "studio_widgets.home.panel:HomeView")
    state: HomeState

    def join(self, go: Callable[[Place], None], names: Sequence[PageName]) -> None:
        """Let every kind of thing lead to the page that shows it."""
        space = self.workspace
        ways: dict[str, tuple[PageName, Callable[[str], Place]]] = {
            "project": ("gallery", lambda key: Place("gallery", project=key)),
            "run": ("run", lambda key: Place("run", project=space.project, run=key)),
            "board": ("compare", lambda key: Place("compare", project=space.project, board=key)),
            "sweep": ("sweep", lambda key: Place("sweep", project=space.project, sweep=key)),
        }
        self.state.lead({kind: partial(_walk, go, place) for kind, (page, place) in ways.items() if page in names})


def _walk(go: Callable[[Place], None], place_of: Callable[[str], Place], key: str) -> None:
    go(place_of(key))


class GalleryPage(Page):
    """Every run as a picture."""

    at = ("studio_widgets.gallery.state:GalleryState", "studio_widgets.gallery.panel:GalleryView")
    follows = ("details", "text")
    state: GalleryState

    def go(self, place: Place) -> None:
        """Search, and open a run."""
        self.state.text = place.text
        record = _there(self.state, place.run)
        self.state.open(record)

    def says(self) -> Said:
        """Return the search and the run that is open."""
        details = self.state.details
        return {"run": details.id if details is not None else "", "text": self.state.text}


class RunPage(Page):
    """Everything that is known of one run."""

    at = ("studio_widgets.run.state:RunState", "studio_widgets.run.panel:RunView")
    follows = ("details",)
    state: RunState

    def go(self, place: Place) -> None:
        """Show a run; without one, the newest."""
        self.state.open("")
        self.state.open(_there(self.state, place.run) or self.state.newest)

    def says(self) -> Said:
        """Return the run."""
        return {"run": self.state.details.id if self.state.details is not None else ""}


class ComparePage(Page):
    """Runs side by side."""

    at = ("studio_widgets.compare.state:CompareState", "studio_widgets.compare.panel:CompareView")
    follows = ("slots",)
    state: CompareState

    def watch(self, changed: Callable[[object], None]) -> None:
        """Have something called when other runs are compared, or a board was opened."""
        super().watch(changed)
        self.state.boards.observe(changed, "chosen")

    def go(self, place: Place) -> None:
        """Compare some runs, or those of a board; without either, what was compared before."""
        if place.board:
            self.state.boards.open(place.board)
        elif place.runs:
            self.workspace.compared = place.runs
            missing = [slot.run for slot in self.state.slots if slot.status == "gone"]
            if missing:
                self.workspace.compared = tuple(run for run in place.runs if run not in missing)
                raise StudioError(f"{counted(len(missing), 'run')} of this address cannot be found any more.")

    def says(self) -> Said:
        """Return the board, or the runs where they are none."""
        chosen = self.state.boards.chosen
        return {"board": chosen} if chosen else {"runs": self.state.runs}


class JudgePage(Page):
    """Two at a time, and which is better."""

    at = ("studio_widgets.judge.state:JudgeState", "studio_widgets.judge.panel:JudgeView")
    follows = ("ballot",)
    state: JudgeState

    def go(self, place: Place) -> None:
        """Ask what the address asks; a vote that was begun goes on."""
        if place.ballot != self.state.ballot.strip():
            self.state.stop()
            self.state.ballot = place.ballot

    def says(self) -> Said:
        """Return what is asked."""
        return {"ballot": self.state.ballot.strip()}


class SweepPage(Page):
    """A sweep as a grid whose axes can be swapped."""

    at = ("studio_widgets.explorer.state:ExplorerState", "studio_widgets.explorer.panel:ExplorerView")
    follows = ("sweep",)

    def go(self, place: Place) -> None:
        """Show a sweep, or the list of all."""
        if place.sweep:
            self.studio.sweep_of(place.sweep)
        self.state.set_trait("sweep", place.sweep)

    def says(self) -> Said:
        """Return the sweep."""
        return {"sweep": _text(self.state, "sweep")}


class GroupedPage(Page):
    """A table that is grouped by something."""

    follows = ("by",)

    def go(self, place: Place) -> None:
        """Group as the address says."""
        if place.by and self.state.has_trait("by"):
            try:
                self.state.set_trait("by", place.by)
            except traitlets.TraitError as error:
                raise StudioError(f"This page cannot be grouped by {place.by!r}.") from error

    def says(self) -> Said:
        """Return what it is grouped by."""
        return {"by": _text(self.state, "by")} if self.state.has_trait("by") else {}


class CostsPage(GroupedPage):
    """What was spent."""

    at = ("studio_widgets.reports.state:UsageState", "studio_widgets.reports.panel:UsageView")


class ModelsPage(GroupedPage):
    """How models did."""

    at = ("studio_widgets.reports.state:ReportState", "studio_widgets.reports.panel:ReportView")


KINDS: Mapping[PageName, type[Page]] = {
    "home": HomePage,
    "gallery": GalleryPage,
    "run": RunPage,
    "sweep": SweepPage,
    "compare": ComparePage,
    "judge": JudgePage,
    "costs": CostsPage,
    "models": ModelsPage,
}


def pages_there() -> list[PageName]:
    """Return the pages that can be opened here, in the order of `PAGES`."""
    return [name for name in PAGES if KINDS[name].is_there()]


def _there(state: LiveState, run: str) -> str:
    """Return the id of a run that can be shown; empty for none.

    Raises
    ------
    UnknownRunError
        When there is none, or it was deleted.
    """
    if not run:
        return ""
    record = state.found(run)
    if record is None:
        raise UnknownRunError(f"There is no run {run!r} here; it may have been deleted.")
    return record.id


def _text(state: LiveState, name: str) -> str:
    """Return a trait of a page that is joined by name alone."""
    return str(getattr(state, name) or "")


def _load(place: str) -> object:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
