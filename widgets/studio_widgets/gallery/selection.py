"""What is selected in a list that may be far longer than what was read of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

MOST_NAMED = 5000
"""Runs that can be selected one by one: their ids go to the page. All of them together need none."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Some runs by name, or all under the filter but some.

    Attributes
    ----------
    runs : tuple of str
        Ids of those that are selected; with `until`, of those that are not.
    until : datetime.datetime or None
        Everything under the filter was selected at this moment. A run that is made later is not meant.
    """

    runs: tuple[str, ...] = ()
    until: datetime | None = None

    def __bool__(self) -> bool:
        return self.is_all or bool(self.runs)

    @property
    def is_all(self) -> bool:
        """Whether everything under the filter is selected, but `runs`."""
        return self.until is not None

    def has(self, run: str) -> bool:
        """Whether a run under the filter is selected."""
        return self.is_all != (run in self.runs)

    def put(self, runs: Iterable[str], *, on: bool) -> Selection:
        """Return the selection with some runs selected, or not."""
        named = dict.fromkeys(self.runs)
        for run in runs:
            if on != self.is_all:
                named[run] = None
            else:
                named.pop(run, None)
        return replace(self, runs=tuple(named))
