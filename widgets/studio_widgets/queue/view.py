"""The rows of the queue in the page: the kernel's side of ``view.js``."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import anywidget

from studio_widgets.page.scripts import esm
from studio_widgets.queue import intents
from studio_widgets.queue.rows import Item
from studio_widgets.queue.state import QueueState
from studio_widgets.timing import Pulse

_HERE = Path(__file__).parent

INTERVAL_S = 0.2
"""Progress is shown five times a second."""
AGAIN_AFTER_S = 1.0
"""The last message is sent once more, because a busy page may have lost it."""


class Rows(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """Shows a `QueueState`, live also while a cell keeps the kernel busy.

    Everything goes to the page as one message, pictures as its buffers; a picture is sent when it is new.
    """

    _esm = esm(_HERE / "view.js")
    _css = _HERE / "view.css"

    def __init__(self, state: QueueState) -> None:
        super().__init__()
        self._state = state
        self._sent: dict[str, int] = {}
        self._again_at: float | None = time.monotonic()  # again and again until somebody is known to look
        self._is_seen = False
        self._sending = threading.Lock()
        self._pulse = Pulse(self._tick, interval_s=INTERVAL_S)
        state.observe(lambda _change: self._tell(), "moment")
        self.on_msg(self._hear)
        # The next cell may keep the kernel busy before the page can say that somebody looks.
        self._pulse.beat()

    def close(self) -> None:
        """Take it off the screen, for good."""
        self._pulse.stop()
        super().close()

    def _tick(self) -> None:
        self._state.look()
        if self._again_at is not None and time.monotonic() >= self._again_at:
            self._tell(everything=True)
            if self._is_seen:
                self._again_at = None

    def _hear(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        state = self._state
        match intents.read(content):
            case intents.Do("here"):
                self._is_seen = True
                self._pulse.beat()
                self._tell(everything=True)
            case intents.Do(act):
                getattr(state, act)()
            case intents.DoOn(act, key):
                getattr(state, "run_again" if act == "again" else act)(key)
            case intents.Move(key, before):
                state.move(key, before)

    def _tell(self, *, everything: bool = False) -> None:
        """Send what there is, with the pictures that are new."""
        state = self._state
        with self._sending:
            rows = state.rows
            pictures = {row.key: row.preview for row in rows if row.preview}
            new = [run for run, stamp in pictures.items() if everything or self._sent.get(run) != stamp]
            self._sent = pictures
            self._again_at = time.monotonic() + AGAIN_AFTER_S
            message = {
                "kind": "queue",
                "paused": state.paused,
                "canChange": state.can_change,
                "working": state.working,
                "waiting": state.waiting,
                "workers": state.workers,
                "rows": [_told(row) for row in rows],
                "failed": [asdict(failed) for failed in state.failed],
                "question": state.question,
                "askedAbout": state.asked_about,
                "pictures": new,
            }
            self.send(message, buffers=[state.preview(run) for run in new])


def _told(item: Item) -> dict[str, object]:
    """Return a row as the page needs it: it names rows by their keys."""
    return {**asdict(item), "runs": None, "count": item.count}
