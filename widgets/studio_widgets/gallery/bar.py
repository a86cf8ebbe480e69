"""The bar that floats over the gallery while runs are selected: what can be done with all of them."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import ipywidgets

from studio_widgets.exporting.panel import ExportView
from studio_widgets.frame import panel as parts
from studio_widgets.gallery.acting import MOST_COMPARED, MOST_EXPORTED
from studio_widgets.gallery.listing import runs_text
from studio_widgets.gallery.selection import Selection
from studio_widgets.gallery.state import GalleryState


class SelectionBar(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """How many are selected, and buttons; below them a question before anything is deleted, and the way back after."""

    def __init__(self, state: GalleryState) -> None:
        self._state = state
        self._exported: Selection | None = None
        self._count = parts.styled(ipywidgets.HTML(), "sg-count")
        self._beside = parts.button("Compare", state.compare_selected, "Put them side by side")
        self._tag = TagField("Add a tag", state.tag_selected)
        star = parts.button("♥ Mark", lambda: state.star_selected(True), "Make them favourites")
        unstar = parts.button("♡ Unmark", lambda: state.star_selected(False), "Favourites no longer")
        self._export_as = ipywidgets.ToggleButton(description="Export", tooltip="One file with all of theirs")
        self._export_as.observe(lambda _change: self._show(), "value")
        self._export: ExportView | None = None
        self._delete = parts.button("Delete …", state.ask_to_delete, "Take them out of every list")
        self._all = parts.button("Select all", state.select_all, "Everything under the filter", "st-quiet")
        none = parts.button("Clear", state.select_none, "Select nothing", "st-quiet")
        self._acts = parts.row(
            self._count, self._beside, self._tag, star, unstar, self._export_as, self._delete, self._all, none
        )
        self._rows = [self._acts, self._question(), self._outcome()]
        super().__init__(self._rows)
        parts.styled(self, "sg-bar")
        state.observe(
            lambda _change: self._show(), ["selected", "asks_to_delete", "said", "doing", "can_undo", "version"]
        )
        state.workspace.observe(lambda _change: self._show(), "can_do")
        self._show()

    def _question(self) -> ipywidgets.HBox:
        self._asked = ipywidgets.HTML()
        keep = parts.button("Keep the files", self._state.delete_selected, "The runs leave every list", "sg-danger")
        free = parts.button(
            "Free the files too",
            lambda: self._state.delete_selected(files=True),
            "The next studio gc removes files that nothing else uses",
            "sg-danger",
        )
        self._asking = parts.row(self._asked, keep, free, parts.button("Cancel", self._state.keep, "Delete nothing"))
        return self._asking

    def _outcome(self) -> ipywidgets.HBox:
        self._said = ipywidgets.HTML()
        self._undo = parts.button("Undo", self._state.undo, "Bring them back")
        self._stop = parts.button("Stop", self._state.stop, "What is done stays done")
        self._telling = parts.row(self._said, self._undo, self._stop)
        return self._telling

    def _show(self) -> None:
        state = self._state
        told = state.doing or state.said
        parts.place(self, bool(state.selected or told))
        parts.place(self._acts, bool(state.selected and not state.asks_to_delete and not state.doing))
        parts.place(self._asking, bool(state.asks_to_delete and not state.doing))
        parts.place(self._telling, bool(told))
        parts.place(self._beside, state.workspace.can("compare") and 0 < state.selected <= MOST_COMPARED)
        parts.place(self._export_as, state.can_change and 0 < state.selected <= MOST_EXPORTED)
        parts.place(self._delete, state.can_change)
        self._show_export()
        parts.place(self._all, 0 < state.selected < state.total)
        parts.place(self._undo, state.can_undo and not state.doing)
        parts.place(self._stop, bool(state.doing))
        self._all.description = f"Select all {state.total:,}"
        self._count.value = f'<span role="status"><b>{state.selected:,}</b> selected</span>'
        self._asked.value = f'<span role="alert">Delete {runs_text(state.asks_to_delete)}?</span>'
        self._said.value = f'<span role="status">{escape(told)}</span>'
        self._tag.offer(state.known_tags)

    def _show_export(self) -> None:
        state = self._state
        shown = bool(self._export_as.value and 0 < state.selected <= MOST_EXPORTED and not state.asks_to_delete)
        if shown and self._export is None:
            self._export = ExportView(state.export)
            self.children = [self._rows[0], self._export, *self._rows[1:]]
        if self._export is not None:
            parts.place(self._export, shown)
        if shown and self._exported != state.selection:
            state.export_selected()
        self._exported = state.selection if shown else None


class TagField(ipywidgets.Combobox):  # type: ignore[misc]  # untyped base
    """A field for a tag, which offers those that there are; Enter gives it."""

    def __init__(self, label: str, give: Callable[[str], None]) -> None:
        super().__init__(description=label, placeholder=label, continuous_update=False, ensure_option=False)
        self._give = give
        self._offered: list[str] = []
        parts.typed(parts.styled(self, "sg-tag-field"))
        self.observe(lambda change: self._take(change.new), "value")

    def offer(self, tags: list[str]) -> None:
        """Offer these."""
        if self._offered != tags:
            self._offered = self.options = tags

    def _take(self, tag: str) -> None:
        if tag.strip():
            self.value = ""
            self._give(tag)
