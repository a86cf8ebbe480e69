"""The button that downloads what is exported; see ``view.js``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

if TYPE_CHECKING:
    from studio_widgets.exporting.state import ExportState

_HERE = Path(__file__).parent
LABELS = {"files": "Download ZIP", "sheet": "Download sheet", "page": "Download page"}


class ZipButton(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """Has the file of an `ExportState` made and hands it to the browser to keep.

    A single file of a run needs no such button: see `studio_widgets.saving.view.Download`.

    Parameters
    ----------
    state : ExportState
        Makes the file; what goes wrong is found in its `error`.
    label : str
        What the button says; left out, what would be made.
    primary : bool
        It is what the panel is there for, and looks like that.
    """

    _esm = _HERE / "view.js"
    _css = _HERE / "view.css"
    label = traitlets.Unicode().tag(sync=True)
    primary = traitlets.Bool(False).tag(sync=True)
    # Not `tooltip`: views of Jupyter take a widget that has one to have a description as well, and fail.
    hint = traitlets.Unicode().tag(sync=True)
    busy = traitlets.Bool(False).tag(sync=True)
    disabled = traitlets.Bool(False).tag(sync=True)

    def __init__(self, state: ExportState, label: str = "", *, primary: bool = False) -> None:
        super().__init__(label=label, primary=primary)
        self._state, self._fixed = state, label
        self.on_msg(self._hear)
        state.observe(lambda _change: self._show(), ["runs", "preset", "kind", "summary", "is_busy"])
        state.observe(lambda _change: self._give(), "made")
        state.observe(lambda change: self._refuse() if change.new else None, "error")
        self._show()

    def _show(self) -> None:
        state = self._state
        self.busy, self.disabled = state.is_busy, not state.runs or state.chosen is None
        self.hint = state.summary
        self.label = self._fixed or LABELS[state.kind]

    def _give(self) -> None:
        """Send the file to the page that asked for it."""
        archive = self._state.take()
        if archive is not None:
            self.send({"kind": "file", "name": archive.name, "type": archive.media_type}, buffers=[archive.data])

    def _refuse(self) -> None:
        """Tell the page that asked that there will be no file; why stands beside it."""
        self.send({"kind": "failed"})

    def _hear(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        match content:
            case {"kind": "download"} if not self.busy and not self.disabled:
                self._state.make()
