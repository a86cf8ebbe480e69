"""How many jobs a service is given at a time: as many as settled, fewer while it says that these are too many."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Throttle:
    """Turns at a service, shared by all lanes of its engine.

    A refusal for too many requests halves the number of turns and stops new ones for as long as the service asks;
    each time that all turns of a round went well there is one more, up to the limit.

    Parameters
    ----------
    limit : int
        Turns at a time.
    clock : callable
        Seconds that only rise.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._allowed = limit
        self._taken = 0
        self._well = 0
        self._not_before = 0.0
        self._lock = threading.Lock()

    @property
    def allowed(self) -> int:
        """How many turns there are now."""
        return self._allowed

    def take(self) -> float:
        """Take a turn and return 0, or return how many seconds to wait before asking again."""
        with self._lock:
            pause = self._not_before - self._clock()
            if pause > 0:
                return pause
            if self._taken >= self._allowed:
                return 0.1
            self._taken += 1
            return 0.0

    def give(self) -> None:
        """Give a turn back."""
        with self._lock:
            self._taken -= 1

    def went_well(self) -> None:
        """Note that a job was accepted."""
        with self._lock:
            self._well += 1
            if self._well >= self._allowed and self._allowed < self.limit:
                self._allowed, self._well = self._allowed + 1, 0

    def was_refused(self, pause_s: float) -> None:
        """Note that the service had too many requests, and take no new turn for so long."""
        with self._lock:
            now = self._clock()
            if now >= self._not_before:  # the refusals of one moment are one refusal
                self._allowed, self._well = max(1, self._allowed // 2), 0
            self._not_before = max(self._not_before, now + pause_s)
