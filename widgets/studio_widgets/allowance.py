"""How much one page may ask for: some at once, and so many more every second.

Whoever opens a dashboard can send anything over its websocket, as often as the wire allows; what is written for them
is bounded here.
"""

from __future__ import annotations

import time
from collections.abc import Callable


class Allowance:
    """So many at once, and then so many a second.

    Parameters
    ----------
    at_once : float
        What may be taken at a stroke.
    per_s : float
        What grows again in a second.
    now : callable
        Seconds of a clock that never goes back.

    Examples
    --------
    >>> allowance = Allowance(at_once=2, per_s=1.0, now=lambda: 0.0)
    >>> [allowance.take() for _ in range(3)]
    [True, True, False]
    """

    def __init__(self, at_once: float, per_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self._at_once, self._per_s, self._now = at_once, per_s, now
        self._left, self._at = at_once, now()

    def take(self, count: float = 1.0) -> bool:
        """Take so many, all or nothing; return whether they were there."""
        now = self._now()
        self._left = min(self._at_once, self._left + (now - self._at) * self._per_s)
        self._at = now
        is_there = count <= self._left
        self._left -= count if is_there else 0.0
        return is_there
