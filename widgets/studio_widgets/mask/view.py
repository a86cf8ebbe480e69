"""The mask editor widget: the kernel's side of ``view.js``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from studio_widgets.mask import intents
from studio_widgets.mask.state import MaskState
from studio_widgets.page.scripts import esm
from studio_widgets.timing import Debounced

_HERE = Path(__file__).parent
LONGEST_PREVIEW = 2048
SETTLED_AFTER_S = 0.5


class MaskEditor(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """Paints a mask on a picture; takes no room while there is no picture.

    The mask is handed on a moment after the last stroke, and at once when the pointer or the focus leaves the picture:
    so whoever goes on to press a button finds it there.

    Parameters
    ----------
    state : MaskState
        Holds the mask.
    """

    _esm = esm(_HERE / "view.js")
    _css = _HERE / "view.css"
    size: traitlets.List[int] = traitlets.List([0, 0]).tag(sync=True)
    picture_version = traitlets.Int(0).tag(sync=True)
    coverage = traitlets.Float(0.0).tag(sync=True)
    can_undo = traitlets.Bool(False).tag(sync=True)
    can_redo = traitlets.Bool(False).tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)
    reason = traitlets.Unicode().tag(sync=True)

    def __init__(self, state: MaskState) -> None:
        super().__init__()
        self.state = state
        self._settle_soon = Debounced(lambda _word: state.settle(), SETTLED_AFTER_S)
        self.on_msg(self._hear)
        state.observe(lambda _change: self._show(), ["size", "coverage", "can_undo", "can_redo", "error"])
        state.observe(lambda _change: self._send_patch(), "patch")
        self._show()

    def show_picture(self) -> None:
        """Tell the views that the picture is another one."""
        self.picture_version += 1

    def _show(self) -> None:
        state = self.state
        with self.hold_sync():
            self.size, self.coverage, self.error = list(state.size), state.coverage, state.error
            self.can_undo, self.can_redo = state.can_undo, state.can_redo
        self.layout.display = None if state.size != (0, 0) else "none"

    def _hear(self, _widget: object, content: dict[str, Any], buffers: list[memoryview]) -> None:
        intent = intents.read(content, buffers)
        if isinstance(intent, intents.Look):
            self._send_all(intent.view)
        elif isinstance(intent, intents.Settle):
            self.state.settle()
        elif intent is not None and not self.reason:
            self._do(intent)
            self._settle_soon("")

    def _do(self, intent: intents.Intent) -> None:
        match intent:
            case intents.Stroke(view, left, top, data):
                self.state.paint(data, left, top, view)
            case intents.Change(step):
                getattr(self.state, step)()
                self._answer()
            case intents.Feather(px):
                self.state.feather(px)
                self._answer()

    def _answer(self) -> None:
        """Say that it is done, also where nothing has changed: the view waits for that before it paints on."""
        self.send({"kind": "done"})

    def _send_patch(self) -> None:
        """Send what has changed to all views; the one that painted it leaves it out."""
        patch = self.state.patch
        if patch.box[2]:
            data = patch.png or self.state.region(patch.box)
            self.send({"kind": "patch", "view": "", "by": patch.by, "box": list(patch.box)}, buffers=[data])

    def _send_all(self, view: str) -> None:
        picture = self.state.preview(LONGEST_PREVIEW)
        if picture:
            self.send({"kind": "picture", "view": view}, buffers=[picture])
            box = (0, 0, *self.state.size)
            self.send({"kind": "patch", "view": view, "by": "", "box": list(box)}, buffers=[self.state.region(box)])
