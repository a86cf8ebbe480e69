"""Does what takes its time beside the kernel's loop, one thing after the other.

Beginning a sweep of thousands of cells takes seconds, and a click must not hold up the kernel for that. The thread
lives only while there is something to do.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from studio_widgets import beside

logger = logging.getLogger(__name__)


class Errands:
    """Calls functions in a thread, in the order in which they were given.

    Parameters
    ----------
    ended : callable
        Called in that thread after each with what it raised, or `None`.
    """

    def __init__(self, ended: Callable[[Exception | None], None]) -> None:
        self._ended = ended
        self._waiting: deque[Callable[[], object]] = deque()
        self._lock = threading.Lock()
        self._works = False

    @property
    def are_done(self) -> bool:
        """Whether there is nothing to do."""
        with self._lock:
            return not self._works

    def send(self, act: Callable[[], object]) -> None:
        """Have something done; returns at once."""
        with self._lock:
            self._waiting.append(act)
            if not self._works:
                self._works = True
                beside.start(self._run, "studio-errands")

    def _run(self) -> None:
        while (act := self._next()) is not None:
            try:
                act()
            except Exception as error:
                # The boundary of the thread: whoever has asked shows it.
                logger.debug("an errand has failed", exc_info=True)
                self._ended(error)
            else:
                self._ended(None)

    def _next(self) -> Callable[[], object] | None:
        with self._lock:
            self._works = bool(self._waiting)
            return self._waiting.popleft() if self._waiting else None
