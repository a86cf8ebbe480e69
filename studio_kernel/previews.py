"""When a run may make a preview: often enough to be watched, seldom enough to cost next to nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

SHARE = 0.03
"""Of the time spent on steps, previews may take so much."""

INTERVAL_S = 0.4
"""They come at most so often, however little they cost: an eye wants no more, and each is written to a file."""


class PreviewBudget:
    """Says when a preview is due in one run, and learns from each what they cost.

    Parameters
    ----------
    clock : callable
        Returns seconds.

    Notes
    -----
    The first preview is always due, because otherwise a run of few long steps would show nothing, and is not counted:
    it can hold work that is done once (the first picture of a process takes several times as long as the next). From
    then on: what the previews since then took, and the next one if it takes as long as the last, is at most `SHARE` of
    the time since the first question that was not spent on previews. Time before the first question, which is asked
    after the first step, is none of the steps' or unknown to be, such as loading, and gives no credit.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._begun: float | None = None
        self._last: float | None = None
        self._cost = self._spent = self._first = 0.0

    def due(self) -> bool:
        """Whether a preview may be made now."""
        now = self._clock()
        if self._begun is None:
            self._begun = now
        if self._last is None:
            return True
        stepping = now - self._begun - self._spent - self._first
        return now - self._last >= INTERVAL_S and self._spent + self._cost <= SHARE * stepping

    def took(self, seconds: float) -> None:
        """Note that a preview was made, and how long that took."""
        if self._last is None:
            self._first = seconds
        else:
            self._spent += seconds
        self._cost = seconds
        self._last = self._clock()
