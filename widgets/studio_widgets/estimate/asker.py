"""Asks slow questions one at a time, and only the newest of them.

While a slider moves, questions come faster than they can be answered. They wait a moment for a newer one; what is being
answered cannot be stopped, but its answer is dropped when a newer question has come. The thread lives only while there
is something to answer: the runner is for runs, and one of those must not keep an estimate waiting.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from studio_widgets import beside

WAIT_S = 0.08

Q = TypeVar("Q")
A = TypeVar("A")

logger = logging.getLogger(__name__)


class Asker(Generic[Q, A]):
    """Answers the newest question in a thread of its own.

    Parameters
    ----------
    answer : callable
        Takes a question and yields answers, the later ones with more in them.
    tell : callable
        Called from that thread with the question and each answer, as long as no newer question has come.
    fail : callable
        Called in place of it with what was raised.
    wait_s : float
        How long a question waits for a newer one.
    """

    def __init__(
        self,
        answer: Callable[[Q], Iterator[A]],
        tell: Callable[[Q, A], None],
        fail: Callable[[Q, Exception], None],
        wait_s: float = WAIT_S,
    ) -> None:
        self._answer, self._tell, self._fail = answer, tell, fail
        self._wait_s = wait_s
        self._changed = threading.Condition()
        self._newest: tuple[Q, float] | None = None
        self._works = False

    def ask(self, question: Q) -> None:
        """Take a question; the one before it, if any, is not answered any more."""
        with self._changed:
            self._newest = question, time.monotonic() + self._wait_s
            self._changed.notify()
            if not self._works:
                self._works = True
                beside.start(self._run, "studio-estimates")

    def drop(self) -> None:
        """Answer nothing that was asked so far."""
        with self._changed:
            self._newest = None
            self._changed.notify()

    def _run(self) -> None:
        while (asked := self._next()) is not None:
            try:
                for answer in self._answer(asked[0]):
                    if self._newest is not asked:
                        break
                    self._tell(asked[0], answer)
            except Exception as error:
                # The boundary of the thread: whoever asked shows it.
                if self._newest is asked:
                    self._fail(asked[0], error)
                logger.debug("a question could not be answered", exc_info=True)
            with self._changed:
                if self._newest is asked:
                    self._newest = None

    def _next(self) -> tuple[Q, float] | None:
        """Return the newest question once it has waited; `None` when there is none, and the thread ends."""
        with self._changed:
            while self._newest is not None:
                left = self._newest[1] - time.monotonic()
                if left <= 0:
                    return self._newest
                self._changed.wait(left)
            self._works = False
            return None
