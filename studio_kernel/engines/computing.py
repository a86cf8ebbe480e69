"""Where heavy computing runs: in a thread of its own, or in the main thread of a process that waits for it.

An engine's events are read in one thread while its computing happens in another. Which one matters on Linux: torch's
OpenMP runtime, libgomp, counts the main thread among its own, so a program that computes elsewhere has a thread too
many for its processors and is slower. A process that exists only to compute therefore offers its main thread:
`MainThread`.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Protocol, TypeAlias

_POLL_S = 0.25
"""How often the main thread looks whether it is to end. Not once for all with a wake-up call: a wait without a time
limit cannot be interrupted on Windows."""

logger = logging.getLogger(__name__)


class Joinable(Protocol):
    """A function at work somewhere."""

    def join(self) -> None:
        """Wait until it has ended."""


Compute: TypeAlias = Callable[[Callable[[], None]], Joinable]
"""Starts a function somewhere else than in the calling thread, and returns at once."""


def in_new_thread(function: Callable[[], None]) -> threading.Thread:
    """Start `function` in a new daemon thread."""
    thread = threading.Thread(target=function, name="studio-pipeline", daemon=True)
    thread.start()
    return thread


class MainThread:
    """Hands functions from any thread to the one that sits in `run`; they are worked on in the order they came.

    Examples
    --------
    >>> import threading
    >>> main, over, seen = MainThread(), threading.Event(), []
    >>> def elsewhere():
    ...     main.compute(lambda: seen.append(threading.current_thread() is threading.main_thread())).join()
    ...     over.set()
    >>> threading.Thread(target=elsewhere).start()
    >>> main.run(until=over)
    >>> seen
    [True]
    """

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[_Handed] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._over = False
        self._home: int | None = None

    def compute(self, function: Callable[[], None]) -> Joinable:
        """Have `function` run in the thread that is, or will be, in `run`.

        After `run` has ended, and when called in that very thread, which would wait for itself, the function gets a
        new thread instead.
        """
        with self._lock:
            if self._over or self._home == threading.get_ident():
                return in_new_thread(function)
            handed = _Handed(function)
            self._waiting.put(handed)
            return handed

    def run(self, until: threading.Event) -> None:
        """Work on what is handed over, at once, until the event is set; what was handed over before that is done."""
        with self._lock:
            self._home, self._over = threading.get_ident(), False
        try:
            while not until.is_set():
                try:
                    self._waiting.get(timeout=_POLL_S).work()
                except queue.Empty:
                    continue
        finally:
            self._end()

    def _end(self) -> None:
        with self._lock:
            self._home, self._over = None, True
        while not self._waiting.empty():
            self._waiting.get().work()


class _Handed:
    """A function that waits for its thread, or is at work in it."""

    def __init__(self, function: Callable[[], None]) -> None:
        self._function = function
        self._ended = threading.Event()

    def work(self) -> None:
        try:
            self._function()
        except Exception:
            # The loop serves others too. Engines hand over functions that keep their errors for their reader.
            logger.exception("a function that was handed to the main thread failed")
        finally:
            self._ended.set()

    def join(self) -> None:
        self._ended.wait()
