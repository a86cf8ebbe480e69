"""The dashboard without a screen: which page is open, what its address is, and who looks at it.

All pages live in one kernel and share a workspace, so that a visitor costs one kernel and changes page at once. An
address leads in (`DashboardState.go`), and whatever changes on a page leads to a new one (`place`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import traitlets

from studio_kernel.errors import StudioError
from studio_widgets.dashboard.pages import KINDS, Page, pages_there
from studio_widgets.dashboard.places import PAGES, PageName, Place
from studio_widgets.state import LiveState
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.studio import Studio

logger = logging.getLogger(__name__)

TITLE = "Studio"


class DashboardState(LiveState):
    """The pages of a home.

    Parameters
    ----------
    studio : Studio
        Editor or viewer.
    pages : sequence of str or None
        Keys of `PAGES`: only these; all that there are when left out.
    workspace : Workspace or None
        Shared by the pages; one of its own when left out.

    Attributes
    ----------
    place : Place
        Where it is; `go` goes elsewhere.
    who : str
        Who looks, by their own word.
    names : tuple of str
        The pages that there are.
    title : str
        What it is about: the project, or the home.
    notice : str
        What of an address could not be followed, in words.
    can_go_home : bool
        Whether there is a first page to go back to.

    Examples
    --------
    >>> state = DashboardState(studio)  # doctest: +SKIP
    >>> state.go("?page=gallery&text=boat")  # doctest: +SKIP
    >>> state.page("gallery").state.total  # doctest: +SKIP
    """

    place = traitlets.Instance(Place, args=(), read_only=True)
    who = traitlets.Unicode(read_only=True)
    names = traitlets.Instance(tuple, args=(), read_only=True)
    title = traitlets.Unicode(TITLE, read_only=True)
    notice = traitlets.Unicode(read_only=True)

    def __init__(
        self, studio: Studio, pages: Sequence[str] | None = None, *, workspace: Workspace | None = None
    ) -> None:
        super().__init__(studio, workspace=workspace)
        self.set_trait("names", _chosen(pages))
        self._pages: dict[PageName, Page] = {}
        self._is_going = False
        self.set_trait("who", self.workspace.who)
        self.workspace.observe(lambda change: self.set_trait("who", change.new), "who")
        self.workspace.observe(lambda _change: self._follow(), "project")
        self.refresh()
        self.go(Place(self.names[0]))

    @property
    def can_go_home(self) -> bool:
        """Whether there is a first page to go back to."""
        return "home" in self.names and self.place.page != "home"

    @property
    def counts(self) -> dict[str, int]:
        """Page → a number that stands beside its name."""
        return {"compare": len(self.workspace.compared)}

    def page(self, name: PageName) -> Page:
        """Return a page, which is made when it is asked for first."""
        with self.lock:
            if name not in self._pages:
                made = KINDS[name](self._studio, self.workspace)
                made.watch(lambda _change: self._follow(name))
                made.join(self.go, self.names)
                self._pages[name] = made
                self._take_wishes()
            return self._pages[name]

    # What is done

    def go(self, place: Place | str) -> None:
        """Go to a place, or to what the query of an address names; what of it there is not is said in `notice`."""
        wished = Place.parse(place) if isinstance(place, str) else place
        with self.lock, self.hold_trait_notifications(), self._going():
            problems = list(wished.problems)
            if wished.page not in self.names:
                if wished.page != "home":
                    problems.append(f"There is no page {PAGES[wished.page]!r} here.")
                wished = replace(wished, page=self.names[0])
            if wished.project and not self._has_project(wished.project):
                problems.append(f"There is no project {wished.project!r} here.")
                wished = replace(wished, project="")
            self.workspace.project = wished.project
            self._turn(wished.page, lambda page: page.go(wished), problems)
            self.set_trait("notice", "\n".join(problems))

    def turn_to(self, page: PageName) -> None:
        """Open a page as it was left."""
        if page in self.names:
            with self.lock, self.hold_trait_notifications(), self._going():
                problems: list[str] = []
                self._turn(page, lambda page: page.state.poll(), problems)
                self.set_trait("notice", "\n".join(problems))

    def introduce(self, name: str) -> None:
        """Say who looks; the name goes with every mark and every vote."""
        self._attempt(lambda: self.workspace.set_trait("who", name))

    def poll(self) -> None:
        """Bring up to date what is on the screen."""
        super().poll()
        page = self._pages.get(self.place.page)
        if page is not None:
            page.state.poll()

    # Inside

    @contextmanager
    def _going(self) -> Iterator[None]:
        """While somebody goes somewhere, what changes on the way is no place."""
        self._is_going = True
        try:
            yield
        finally:
            self._is_going = False

    def _turn(self, name: PageName, go: Callable[[Page], None], problems: list[str]) -> None:
        try:
            go(self.page(name))
        except StudioError as error:
            problems.append(str(error))
        except Exception:  # a boundary: a page that cannot be opened must not take the others with it
            logger.exception("the page %r could not be opened", name)
            problems.append(f"The page “{PAGES[name]}” could not be opened. The others can.")
        self._arrive(name)

    def _arrive(self, page: PageName) -> None:
        made = self._pages.get(page)
        said = made.says() if made is not None else {}
        self.set_trait("place", Place(page, project=self.workspace.project, **said))
        self.set_trait("title", self._title())

    def _follow(self, page: PageName | None = None) -> None:
        """Something changed on a page: when it is the one that is open, the address follows."""
        if not self._is_going and page in (None, self.place.page) and self.place.page in self._pages:
            with self.lock:
                self._arrive(self.place.page)

    def _take_wishes(self) -> None:
        """Fulfil what pages ask of each other; the page has to be turned as well."""
        if "run" in self.names:
            self.workspace.take("details", lambda run: self._show("run", run))
        if "gallery" in self.names:
            self.workspace.take("show", lambda run: self._show("gallery", run))
        if "compare" in self.names:
            self.workspace.take("compare", self._compare)

    def _show(self, page: PageName, run: str) -> None:
        self.go(Place(page, project=self.workspace.project, run=run))

    def _compare(self, run: str) -> None:
        """Put a run beside others; the page is not turned, for more may follow."""
        self.page("compare").state.add(run)  # type: ignore[attr-defined]  # the state of this page

    def _has_project(self, project: str) -> bool:
        return any(each.id == project for each in self._studio.projects()) or bool(self._studio.count(project=project))

    def _title(self) -> str:
        chosen = self.workspace.project
        titles = {project.id: project.title for project in self._studio.projects()} if chosen else {}
        return titles.get(chosen, chosen) or TITLE

    def _read(self) -> None:
        self.set_trait("title", self._title())


def _chosen(pages: Sequence[str] | None) -> tuple[PageName, ...]:
    there = pages_there()
    if pages is None:
        return tuple(there)
    unknown = [page for page in pages if page not in there]
    if unknown or not pages:
        raise ValueError(
            f"there is no page {', '.join(map(repr, unknown)) or 'in pages'}; there are {', '.join(there)}"
        )
    return tuple(page for page in there if page in pages)
