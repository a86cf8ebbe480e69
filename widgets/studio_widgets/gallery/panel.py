"""The gallery on a screen: filters, the grid or list, the details of one run, and a bar for what is selected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets
import traitlets

from studio_widgets.frame import panel as parts
from studio_widgets.frame.still import Still
from studio_widgets.gallery.bar import SelectionBar
from studio_widgets.gallery.details import Details
from studio_widgets.gallery.restricting import Chips, FilterBar, SortBar
from studio_widgets.gallery.state import RESTRICTING, GalleryState
from studio_widgets.gallery.view import RunsView
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.studio import Studio

NOTHING_YET = "Nothing here yet.\nRuns appear as soon as they are made, wherever they are made."
NO_MATCH = "No run fits these filters."


class GalleryView(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """The gallery without frame and title.

    Parameters
    ----------
    state : GalleryState
        What it shows and does.
    """

    def __init__(self, state: GalleryState) -> None:
        self.state = state
        self._message = ipywidgets.HTML()
        self._runs = RunsView(state, "Runs, newest first", selectable=True)
        self._listed = parts.styled(ipywidgets.VBox([self._runs]), "sg-listed")
        self._main = parts.styled(ipywidgets.HBox([self._listed]), "sg-main")
        self._details: Details | None = None
        self._bar: SelectionBar | None = None
        self._sort: SortBar | None = None
        self._above = [FilterBar(state), Chips(state, RESTRICTING)]
        super().__init__([*self._above, self._message, self._main])
        parts.styled(self, "sg-gallery")
        state.observe(lambda _change: self._build(), ["details", "selected", "said", "doing", "sorted_by"])
        state.observe(lambda _change: self._show(), ["version", "details", "error", "selection", "layout"])
        state.observe(self._reveal, "details")
        self._build()
        self._show()

    def _build(self) -> None:
        """Make what is not seen at first only when it is: a page waits for every widget."""
        state = self.state
        if self._details is None and state.details is not None:
            self._details = Details(state)
            self._main.children = [self._listed, self._details]
        if self._sort is None and state.sorted_by:
            self._sort = SortBar(state)
            self.children = [*self._above, self._sort, self._message, self._main]
        if self._bar is None and (state.selected or state.said or state.doing):
            self._bar = SelectionBar(state)
            self._listed.children = [self._runs, self._bar]

    def _reveal(self, change: traitlets.Bunch) -> None:
        if change.new is not None and (change.old is None or change.old.id != change.new.id):
            self._runs.reveal(self.state.place)

    def _show(self) -> None:
        state = self.state
        is_new = state.version != self._runs.version
        with self._runs.hold_sync():
            self._runs.total, self._runs.version = state.total, state.version
            self._runs.opened = state.details.id if state.details else ""
            self._runs.selection = {"all": state.selection.is_all, "runs": list(state.selection.runs)}
            self._runs.layout_name = state.layout
            self._runs.empty = NO_MATCH if state.active else NOTHING_YET
        if is_new:
            self._runs.push()
        parts.fill(self._message, parts.alert(state.error))


class GalleryPanel(parts.PanelBox):
    """Every run of a home, newest first.

    Parameters
    ----------
    studio : Studio
        Editor or viewer; both can look and mark.
    workspace : Workspace or None
        Shared with the panels beside it: the project, and what can be done with a run.

    Attributes
    ----------
    state : GalleryState
        Everything the panel shows and does.

    Examples
    --------
    >>> GalleryPanel(studio)  # doctest: +SKIP
    """

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None) -> None:
        self.state = GalleryState(studio, workspace=workspace)
        head, _beside = parts.head("Gallery")
        super().__init__("Gallery", head, GalleryView(self.state), tick=self.state.poll)

    def still(self) -> Still:
        """Return the newest pictures."""
        return Still(pictures=self.state.newest())
