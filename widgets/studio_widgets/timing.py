"""Doing things a little later, or again and again, on the kernel's own event loop and without threads.

Outside a kernel (a script, a test) no loop runs: then `Debounced` calls at once and `Pulse` leaves the calling to you.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

BEATS_LAST_S = 25.0
"""A little more than two beats of the frame (``frame/view.js``)."""


class Pulse:
    """Calls a function about once a second as long as somebody looks.

    Parameters
    ----------
    tick : callable
        Must return within milliseconds and raise nothing.
    interval_s : float
        Seconds between two calls.
    """

    def __init__(self, tick: Callable[[], None], interval_s: float = 1.0) -> None:
        self._tick = tick
        self._interval_s = interval_s
        self._until = 0.0
        self._next: asyncio.TimerHandle | None = None

    def beat(self) -> None:
        """Somebody looks: go on, or begin."""
        self._until = time.monotonic() + BEATS_LAST_S
        if self._next is None:
            self._schedule()

    def stop(self) -> None:
        """Call no more until the next beat."""
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _schedule(self) -> None:
        loop = _running_loop()
        self._next = loop.call_later(self._interval_s, self._run) if loop else None

    def _run(self) -> None:
        self._next = None
        if time.monotonic() < self._until:
            self._tick()
            self._schedule()


class Debounced:
    """Calls a function with the last value, once no new value has come for a while."""

    def __init__(self, call: Callable[[str], None], wait_s: float = 0.2) -> None:
        self._call = call
        self._wait_s = wait_s
        self._next: asyncio.TimerHandle | None = None

    def __call__(self, value: str) -> None:
        """Take a value."""
        if self._next is not None:
            self._next.cancel()
        loop = _running_loop()
        if loop is None:
            self._call(value)
        else:
            self._next = loop.call_later(self._wait_s, self._call, value)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
