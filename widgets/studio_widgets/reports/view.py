"""A chart whose parts can be pointed at and chosen, and the button that keeps a table; see ``view.js``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from studio_widgets import exporting
from studio_widgets.intents import is_place
from studio_widgets.page.scripts import esm
from studio_widgets.reports.state import TableState, width_for

_HERE = Path(__file__).parent
_SAVE = Path(exporting.__file__).parent
MOST_PIXELS = 20_000


class Chart(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """The chart of a state, drawn for the width that the page has for it.

    Parameters
    ----------
    state : TableState
        Draws it, and keeps what is chosen.
    """

    _esm = esm(_HERE / "view.js")
    _css = _HERE / "view.css"
    svg = traitlets.Unicode().tag(sync=True)
    marks: traitlets.Dict[str, str] = traitlets.Dict().tag(sync=True)
    chosen = traitlets.Unicode().tag(sync=True)

    def __init__(self, state: TableState) -> None:
        super().__init__()
        self._state = state
        self.on_msg(self._hear)
        state.observe(lambda _change: self._show(), ["svg", "marks", "chosen"])
        self._show()

    def _show(self) -> None:
        with self.hold_sync():
            self.svg, self.marks, self.chosen = self._state.svg, dict(self._state.marks), self._state.chosen

    def _hear(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        match content:
            case {"kind": "width", "pixels": pixels} if is_place(pixels, MOST_PIXELS):
                self._state.width = width_for(pixels)
            case {"kind": "pick", "mark": str(mark)} if mark in self._state.marks:
                self._state.pick(self._state.marks[mark])


class SaveTable(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """A button that keeps the rows that are shown as a file; they are small, so that it is made at once."""

    _esm = _SAVE / "view.js"
    _css = _SAVE / "view.css"
    label = traitlets.Unicode("Download CSV").tag(sync=True)
    primary = traitlets.Bool(False).tag(sync=True)
    hint = traitlets.Unicode().tag(sync=True)
    busy = traitlets.Bool(False).tag(sync=True)
    disabled = traitlets.Bool(False).tag(sync=True)

    def __init__(self, state: TableState) -> None:
        super().__init__()
        self._state = state
        self.on_msg(self._hear)
        state.observe(lambda _change: self._show(), ["rows"])
        self._show()

    def _show(self) -> None:
        self.disabled, self.hint = not self._state.rows, self._state.file_name

    def _hear(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        match content:
            case {"kind": "download"} if not self.disabled:
                said = {"kind": "file", "name": self._state.file_name, "type": "text/csv"}
                self.send(said, buffers=[self._state.csv()])
