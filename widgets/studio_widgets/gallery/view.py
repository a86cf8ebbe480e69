"""The widget that shows runs as a grid or a list: the kernel's side of ``view.js``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from studio_widgets.gallery import intents
from studio_widgets.gallery.listing import RunListState
from studio_widgets.page.scripts import esm
from studio_widgets.saving.view import PARTS, answer

_HERE = Path(__file__).parent
AROUND = 40
"""Places before and behind those asked for last that are taken to be near the view."""
MOST_SENT = 20_000
ALL_COLUMNS = (
    "check", "picture", "title", "model", "task", "seed", "size", "time", "cost", "rating", "date", "status",
)  # fmt: skip


class RunsView(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """Shows the runs of a `RunListState`; only the visible part of them exists in the page.

    The view asks for items by place, for thumbnails by run, and for files in parts; all come back as messages, bytes as
    buffers.

    Parameters
    ----------
    state : RunListState
        What is listed. Its methods fulfil what the view wishes; a list that can do more than look has `hear` for it.
    label : str
        What the list is called for screen readers.
    columns : sequence of str
        Of the list; which of them there is room for, the page decides.
    actions : mapping
        Name → text of the buttons in a row.
    selectable : bool
        Whether several runs can be selected.
    """

    _esm = esm(PARTS, *(_HERE / f"{name}.js" for name in ("thumbnails", "playing", "cells", "view")))
    _css = _HERE / "view.css"
    label = traitlets.Unicode().tag(sync=True)
    layout_name = traitlets.Unicode("grid").tag(sync=True)
    columns: traitlets.List[str] = traitlets.List(traitlets.Unicode()).tag(sync=True)
    actions: traitlets.Dict[str, str] = traitlets.Dict().tag(sync=True)
    selectable = traitlets.Bool(False).tag(sync=True)
    total = traitlets.Int(0).tag(sync=True)
    version = traitlets.Int(0).tag(sync=True)
    opened = traitlets.Unicode().tag(sync=True)
    selection: traitlets.Dict[str, object] = traitlets.Dict({"all": False, "runs": []}).tag(sync=True)
    empty = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        state: RunListState,
        label: str,
        *,
        columns: Sequence[str] = ALL_COLUMNS,
        actions: Mapping[str, str] | None = None,
        selectable: bool = False,
    ) -> None:
        super().__init__(label=label, columns=list(columns), actions=dict(actions or {}), selectable=selectable)
        self._state = state
        self._near = (0, AROUND)
        self._sent: dict[str, None] = {}
        self.on_msg(self._hear)

    def push(self) -> None:
        """Send what is near the view without being asked, for a page whose kernel a cell keeps busy cannot ask."""
        first, last = self._near
        items = self._state.items(first, last)
        fresh = {item.key: item.run for item in items if item.key and item.key not in self._sent}
        pictures = {key: data for key, run in fresh.items() if (data := self._state.thumbnail(run))}
        told = {"kind": "items", "first": first, "version": self._state.version, "keys": list(pictures)}
        told |= {"items": [asdict(item) for item in items]}
        self.send(told, buffers=list(pictures.values()))
        self._note(pictures)

    def reveal(self, place: int) -> None:
        """Bring a place of the list into view."""
        self.send({"kind": "reveal", "place": place})

    def _hear(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        match intents.read(content):
            case intents.Items(first, last, version):
                self._near = max(0, first - AROUND), last + AROUND
                items = [asdict(item) for item in self._state.items(first, last)]
                self.send({"kind": "items", "first": first, "version": version, "items": items})
            case intents.Thumbnails(runs, seq):
                self._send_thumbnails(runs, seq)
            case intents.Part() as part:
                answer(self, part, self._state.part)
            case intents.Open(run):
                self._state.open(run)
            case intents.Star(run, on):
                self._state.star(on, run)
            case intents.Rate(run, rating):
                self._state.rate(rating, run)
            case None:
                pass
            case other:
                self._state.hear(other)

    def _send_thumbnails(self, runs: tuple[str, ...], seq: int) -> None:
        pictures = {run: data for run in runs if (data := self._state.thumbnail(run))}
        self.send({"kind": "thumbnails", "seq": seq, "runs": list(pictures)}, buffers=list(pictures.values()))
        self._note(key for run in pictures if (key := self._state.key(run)))

    def _note(self, keys: Iterable[str]) -> None:
        """Remember which pictures the page has been sent."""
        self._sent |= dict.fromkeys(keys)
        while len(self._sent) > MOST_SENT:
            self._sent.pop(next(iter(self._sent)))
