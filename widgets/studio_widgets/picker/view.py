"""The list widget: the kernel's side of ``view.js``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from studio_widgets.page.scripts import esm
from studio_widgets.picker import intents
from studio_widgets.picker.filters import FILTERS, SORTS
from studio_widgets.picker.state import PickerState

_HERE = Path(__file__).parent
FOLLOWED = ("version", "chosen", "looked_at", "error", "instead")


class ModelList(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """Shows a `PickerState`: search, filters, and cards of which only the visible ones exist in the page.

    Parameters
    ----------
    state : PickerState
        What it shows and tells what was wished.
    on_close : callable or None
        Called at Escape and when a model was chosen.
    """

    _esm = esm(_HERE / "view.js")
    _css = _HERE / "view.css"
    page: traitlets.Dict[str, object] = traitlets.Dict().tag(sync=True)
    focus = traitlets.Int(0).tag(sync=True)

    def __init__(self, state: PickerState, on_close: Callable[[], None] | None = None) -> None:
        super().__init__()
        self._state = state
        self._on_close = on_close
        self.on_msg(self._hear)
        state.observe(lambda _change: self._show(), FOLLOWED)
        self._show()

    def take_focus(self) -> None:
        """Put the cursor into the search field."""
        self.focus += 1

    def _show(self) -> None:
        with self._state.lock:
            self.page = _page(self._state, can_close=self._on_close is not None)

    def _hear(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        state = self._state
        match intents.read(content):
            case intents.Items(first, last, version):
                items = [asdict(item) for item in state.items(first, last)]
                self.send({"kind": "items", "first": first, "version": version, "items": items})
            case intents.Search(text):
                state.text = text
            case intents.Filter(name, value):
                state.set_filter(name, value)
            case intents.Sort(by):
                state.sort = by
            case intents.Switch("retired", on):
                state.with_retired = on
            case intents.Switch("grouped", on):
                state.is_grouped = on
            case intents.Collapse(creator, on):
                state.collapse(creator, on)
            case intents.Look(model):
                state.look(model)
            case intents.Choose(model):
                state.choose(model)
                self._close_if_chosen()
            case intents.Do(act):
                self._do(act)

    def _do(self, act: intents.Act) -> None:
        if act == "clear":
            self._state.clear()
        elif act == "instead":
            self._state.choose_instead()
            self._close_if_chosen()
        elif act in ("collapse", "expand"):
            self._state.collapse_all(act == "collapse")
        elif self._on_close is not None:
            self._on_close()

    def _close_if_chosen(self) -> None:
        if not self._state.error and self._on_close is not None:
            self._on_close()


def _page(state: PickerState, *, can_close: bool) -> dict[str, object]:
    """Return all but the cards as plain values."""
    return {
        "version": state.version,
        "total": state.total,
        "groups": [[group.creator, group.count, group.is_collapsed] for group in state.groups],
        "facets": {
            name: [[choice.value, choice.label, choice.count] for choice in state.facets.get(name, ())]
            for name in FILTERS
        },
        "filters": state.filtered,
        "sorts": list(SORTS.items()),
        "sort": state.sort,
        "retired": state.with_retired,
        "grouped": state.is_grouped,
        "text": state.text,
        "read_as": state.read_as,
        "chosen": state.chosen,
        "chosen_at": state.chosen_at,
        "looked_at": state.looked_at,
        "facts": state.facts,
        "error": state.error,
        "instead": state.instead,
        "can_close": can_close,
    }
