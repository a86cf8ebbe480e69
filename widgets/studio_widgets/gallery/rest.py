"""Measuring, in the background, what a list of runs is to be sorted by and nobody has measured yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from studio_kernel.errors import StudioError
from studio_kernel.measuring import Measurer
from studio_kernel.numbers import subjects_of
from studio_kernel.runlog import Cursor, Order, RunFilter
from studio_widgets import beside

if TYPE_CHECKING:
    from studio_kernel.studio import Studio

TOGETHER = 20
"""Runs that are measured between two questions to the log."""


class Rest:
    """Measures the runs of a filter that lack a number, the newest first, one picture at a time.

    Parameters
    ----------
    studio : Studio
        Opened as an editor: its numbers go to the log, where whoever shows the list finds them.
    ended : callable
        Called in another thread with why it ended: nothing left, which is empty, or an error in words.
    """

    def __init__(self, studio: Studio, ended: Callable[[str], None]) -> None:
        self._studio = studio
        self._ended = ended
        self._measurer: Measurer | None = None
        self._work: object | None = None
        self._drop: Callable[[], None] = _nothing

    @property
    def is_at_work(self) -> bool:
        """Whether there is more to come."""
        return self._work is not None

    def begin(self, metric: str, order: Order, where: RunFilter) -> None:
        """Begin; what is under way ends where it is."""
        self.stop()
        self._measurer = self._measurer or Measurer(self._studio)
        self._work = work = object()
        self._next(work, metric, order, where, None)

    def stop(self) -> None:
        """Measure no more."""
        self._work = None
        self._drop()

    def _next(self, work: object, metric: str, order: Order, where: RunFilter, before: Cursor | None) -> None:
        if work is not self._work or self._measurer is None:
            return
        try:
            runs = self._studio.unmeasured(order, where, limit=TOGETHER, before=before)
        except (StudioError, OSError) as error:
            self._end(str(error))
            return
        if not runs:
            self._end("")
            return
        behind = Cursor.after(runs[-1])  # what cannot be measured is not tried twice
        subjects = [(subject, None) for run in runs for subject in subjects_of(run)]
        go_on = beside.unasked(lambda _count: self._next(work, metric, order, where, behind))
        self._drop = self._measurer.ask(subjects, [metric], "same", _hear, ended=go_on)

    def _end(self, why: str) -> None:
        self._work = None
        self._ended(why)


def _nothing() -> None:
    pass


def _hear(_told: object) -> None:
    """Take a number: it is read from the log, with all others."""
