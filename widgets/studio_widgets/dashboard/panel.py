"""The dashboard on a screen: the header, what could not be followed, and the page that is open."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import ipywidgets

from studio_widgets.dashboard.places import PAGES, PageName
from studio_widgets.dashboard.state import DashboardState
from studio_widgets.dashboard.view import Header
from studio_widgets.frame import panel as parts
from studio_widgets.frame.lazily import Lazily
from studio_widgets.frame.still import Still
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.studio import Studio

logger = logging.getLogger(__name__)


class Dashboard(parts.PanelBox):
    """All there is to look at in a home, page by page.

    Parameters
    ----------
    studio : Studio
        Editor or viewer; nothing on any page lets a viewer do more than look, mark and vote.
    pages : sequence of str or None
        Only these pages, such as ``["gallery"]``; all that there are when left out.
    workspace : Workspace or None
        Shared with other panels.

    Attributes
    ----------
    state : DashboardState
        Everything it shows and does.

    Examples
    --------
    >>> Dashboard(sk.open(mode="viewer"))  # doctest: +SKIP
    >>> Dashboard(sk.open(mode="viewer"), pages=["judge"])  # doctest: +SKIP
    """

    def __init__(
        self, studio: Studio, pages: Sequence[str] | None = None, *, workspace: Workspace | None = None
    ) -> None:
        self.state = DashboardState(studio, pages, workspace=workspace)
        super().__init__("Dashboard", Header(self.state), Notice(self.state), Pages(self.state), tick=self.state.poll)

    def still(self) -> Still:
        """Return which page it is."""
        return Still(f"{self.state.title}: {PAGES[self.state.place.page]}")


class Notice(ipywidgets.HBox):  # type: ignore[misc]  # untyped base
    """What of an address could not be followed, and the way home."""

    def __init__(self, state: DashboardState) -> None:
        self._state = state
        self._text = ipywidgets.HTML()
        self._home = parts.button("Go to the first page", lambda: state.go(""), "What there is here")
        super().__init__([self._text, self._home])
        parts.styled(self, "st-row", "sw-notice")
        state.observe(lambda _change: self._show(), ["notice", "error", "place"])
        self._show()

    def _show(self) -> None:
        state = self._state
        told = "\n".join(text for text in (state.error, state.notice) if text)
        parts.fill(self._text, parts.warning(told))
        parts.place(self._home, bool(state.notice) and state.can_go_home)
        parts.place(self, bool(told))


class Pages(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """The page that is open; each is made when it is opened first."""

    def __init__(self, state: DashboardState) -> None:
        self._state = state
        self._pages: dict[PageName, Lazily] = {name: Lazily(partial(self._make, name)) for name in state.names}
        super().__init__(list(self._pages.values()))
        parts.styled(self, "sw-pages")
        state.observe(lambda _change: self._turn(), "place")
        self._turn()

    def _turn(self) -> None:
        for name, page in self._pages.items():
            page.is_shown = name == self._state.place.page

    def _make(self, name: PageName) -> ipywidgets.DOMWidget:
        try:
            return self._state.page(name).view()
        except Exception:  # a boundary: a page that cannot be shown must not take the others with it
            logger.exception("the page %r could not be shown", name)
            return ipywidgets.HTML(parts.alert(f"The page “{PAGES[name]}” could not be shown. The others can."))
