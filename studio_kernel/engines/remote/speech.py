"""How far a job is, read out of its log lines: services say it in no other way.

Understood are the bars of tqdm (``25%|██▌   | 7/28 [00:01<00:03]``), ``step 7/28``, ``7/28 steps``, ``7 of 28 steps``
and a share alone (``45%``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_PATTERNS = (
    re.compile(r"\d+%\|[^|]*\|\s*(?P<step>\d+)/(?P<total>\d+)"),
    re.compile(r"\bsteps?[ :#]+(?P<step>\d+)\s*(?:/|of)\s*(?P<total>\d+)", re.IGNORECASE),
    re.compile(r"\b(?P<step>\d+)\s*(?:/|of)\s*(?P<total>\d+)\s+(?:\w+ )?steps?\b", re.IGNORECASE),
)
_SHARE = re.compile(r"(?<![\d.])(?P<step>\d{1,3})(?:\.\d+)?\s?%")
_LONGEST_LINE = 1000
_MOST_STEPS = 100_000


@dataclass(slots=True)
class Listener:
    """Follows the log of one job; a service sends the whole of it each time, and only new lines are read.

    Attributes
    ----------
    step, total : int
        Steps done and to do; 0 of 0 until the log tells.
    """

    step: int = 0
    total: int = 0
    _heard: int = 0

    def hear(self, lines: Sequence[str]) -> tuple[int, int]:
        """Return how far the job is, all lines of its log so far given."""
        if len(lines) < self._heard:  # the log was begun anew: another machine does the job now
            self._heard = 0
        found = progress_of(lines[self._heard :])
        self._heard = len(lines)
        if found is not None:
            self.step, self.total = found
        return self.step, self.total


def progress_of(lines: Iterable[str]) -> tuple[int, int] | None:
    """Return the last (step, total) that some lines tell of; `None` when none does."""
    found = None
    for line in lines:
        for part in line[-_LONGEST_LINE:].split("\r"):
            found = _told(part) or found
    return found


def _told(line: str) -> tuple[int, int] | None:
    for pattern in _PATTERNS:
        matches = list(pattern.finditer(line))
        if matches and (steps := _sensible(matches[-1]["step"], matches[-1]["total"])):
            return steps
    matches = list(_SHARE.finditer(line))
    return _sensible(matches[-1]["step"], "100") if matches else None


def _sensible(step: str, total: str) -> tuple[int, int] | None:
    done, whole = int(step[:9]), int(total[:9])
    return (done, whole) if 0 <= done <= whole and 0 < whole <= _MOST_STEPS else None
