"""The grid widget: the kernel's side of ``view.js``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from studio_widgets.gallery import intents
from studio_widgets.gallery.state import GalleryState

_HERE = Path(__file__).parent


class Grid(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """Shows the runs of a `GalleryState` as a grid of which only the visible part exists in the page.

    The view asks for items by place and for thumbnails by run; both come back as messages, pictures as buffers.
    """

    _esm = _HERE / "view.js"
    _css = _HERE / "view.css"
    total = traitlets.Int(0).tag(sync=True)
    version = traitlets.Int(0).tag(sync=True)
    selected = traitlets.Unicode().tag(sync=True)
    empty = traitlets.Unicode().tag(sync=True)

    def __init__(self, state: GalleryState) -> None:
        super().__init__()
        self._state = state
        self.on_msg(self._hear)

    def _hear(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        match intents.read(content):
            case intents.Items(first, last, version):
                items = [asdict(item) for item in self._state.items(first, last)]
                self.send({"kind": "items", "first": first, "version": version, "items": items})
            case intents.Thumbnails(runs, seq):
                self._send_thumbnails(runs, seq)
            case intents.Open(run):
                self._state.open(run)
            case intents.Star(run, on):
                self._state.star(on, run)
            case intents.Rate(run, rating):
                self._state.rate(rating, run)

    def _send_thumbnails(self, runs: tuple[str, ...], seq: int) -> None:
        pictures = {run: data for run in runs if (data := self._state.thumbnail(run))}
        self.send({"kind": "thumbnails", "seq": seq, "runs": list(pictures)}, buffers=list(pictures.values()))
