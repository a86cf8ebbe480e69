"""The strip widget: the kernel's side of ``view.js``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from studio_widgets.page.scripts import esm
from studio_widgets.session import intents
from studio_widgets.session.state import SessionState

_HERE = Path(__file__).parent
MAX_WORDS = 400


class ResultRow(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """A row of results that scrolls. Pictures are asked for by run and come as buffers.

    Parameters
    ----------
    state : SessionState
        What it shows.
    label : str
        What the row is called for screen readers.
    """

    _esm = esm(_HERE / "view.js")
    _css = _HERE / "view.css"
    results: traitlets.List[dict[str, object]] = traitlets.List().tag(sync=True)
    chosen = traitlets.Unicode().tag(sync=True)
    does = traitlets.Unicode().tag(sync=True)
    label = traitlets.Unicode().tag(sync=True)
    nothing = traitlets.Unicode().tag(sync=True)

    def __init__(self, state: SessionState, label: str = "Newest results") -> None:
        super().__init__(label=label)
        self._state = state
        self.on_msg(self._hear)
        state.observe(lambda _change: self._show(), ["results", "chosen", "version"])
        state.workspace.observe(lambda _change: self._show(), "can_do")
        self._show()

    def _show(self) -> None:
        with self.hold_sync():
            self.results = [_shortened(asdict(result)) for result in self._state.results]
            self.chosen, self.does = self._state.chosen, self._state.does
            self.nothing = self._state.nothing

    def _hear(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        match intents.read(content):
            case intents.Choose(run):
                self._state.choose(run)
            case intents.Thumbnails(runs):
                pictures = {run: data for run in runs if (data := self._state.thumbnail(run))}
                self.send({"kind": "thumbnails", "runs": list(pictures)}, buffers=list(pictures.values()))


def _shortened(result: dict[str, object]) -> dict[str, object]:
    """Return a result whose texts fit a tooltip: sixty prompts are sent whenever one more run has ended."""
    return {name: value[:MAX_WORDS] if isinstance(value, str) else value for name, value in result.items()}
