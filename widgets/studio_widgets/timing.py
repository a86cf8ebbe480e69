"""Doing things a little later, or again and again.

`Debounced` waits on the kernel's own event loop, where callbacks of widgets run anyway. `Pulse` must go on while a cell
keeps that loop busy, so one thread of this process does it for all panels; it lives only while one is looked at.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable

from studio_widgets import beside

BEATS_LAST_S = 25.0
"""A little more than two beats of the frame (``frame/view.js``)."""
DEAF_AFTER_S = 2.0
"""A loop that did nothing for so long is taken to be kept by a cell: beats cannot be heard then."""

logger = logging.getLogger(__name__)


class Pulse:
    """Calls a function about once a second as long as somebody looks, also while a cell blocks the kernel.

    Parameters
    ----------
    tick : callable
        Called in a thread of its own; must return soon. What it raises is logged and ends nothing.
    interval_s : float
        Seconds between two calls.

    Notes
    -----
    Nobody looks when no beat has come for a while. A kernel that is busy hears no beats: then the loop, which is asked
    to answer at every tick, does not answer either, and the panel is taken to be looked at until it does.
    """

    def __init__(self, tick: Callable[[], None], interval_s: float = 1.0) -> None:
        self._tick = tick
        self._interval_s = interval_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._until = self._heard_at = self._due_at = 0.0

    def beat(self) -> None:
        """Somebody looks: go on, or begin. Outside an event loop nobody can look, and nothing happens."""
        self._loop = _running_loop()
        if self._loop is not None:
            now = time.monotonic()
            self._until, self._heard_at = now + BEATS_LAST_S, now
            _CLOCK.add(self)

    def stop(self) -> None:
        """Call no more until the next beat; a call that is under way ends."""
        self._until = 0.0
        _CLOCK.remove(self)

    def run(self, now: float) -> bool:
        """Call the function if it is time; return whether to go on."""
        self._ask_loop()
        if now - self._heard_at > DEAF_AFTER_S:
            self._until = max(self._until, now + BEATS_LAST_S)
        if now >= self._until:
            return False
        if now >= self._due_at:
            self._due_at = now + self._interval_s
            try:
                self._tick()
            except Exception:  # a boundary: a view that cannot be brought up to date now is tried again
                logger.exception("a panel could not be brought up to date")
        return True

    def _ask_loop(self) -> None:
        if self._loop is None or self._loop.is_closed():
            self._until = 0.0
            self._heard_at = time.monotonic()
        else:
            self._loop.call_soon_threadsafe(self._hear)

    def _hear(self) -> None:
        self._heard_at = time.monotonic()


class _Clock:
    """The thread that ticks for every pulse of the process."""

    STEP_S = 0.1

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pulses: list[Pulse] = []
        self._runs = False

    def add(self, pulse: Pulse) -> None:
        with self._lock:
            if pulse not in self._pulses:
                self._pulses.append(pulse)
            if not self._runs:
                self._runs = True
                beside.start(self._run, "studio-panels")

    def remove(self, pulse: Pulse) -> None:
        with self._lock:
            if pulse in self._pulses:
                self._pulses.remove(pulse)

    def _run(self) -> None:
        while pulses := self._going():
            for pulse in pulses:
                if not pulse.run(time.monotonic()):
                    self.remove(pulse)
            time.sleep(min(self.STEP_S, *(pulse._interval_s for pulse in pulses)))

    def _going(self) -> list[Pulse]:
        with self._lock:
            self._runs = bool(self._pulses)
            return list(self._pulses)


_CLOCK = _Clock()


class Debounced:
    """Calls a function with the last value, once no new value has come for a while.

    Outside an event loop (a script, a test) it calls at once.
    """

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
