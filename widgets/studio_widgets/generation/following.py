"""The runs that a form has asked for and that have not ended, in the order in which they were asked for.

One of them is in front: the first that works, else the first that waits. Its progress is what a panel shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from studio_kernel.domain.runs import RunProgress, RunStatus

if TYPE_CHECKING:
    from studio_kernel.run import Run


@dataclass(slots=True, eq=False)
class Followed:
    """A run that is watched.

    Attributes
    ----------
    progress : RunProgress
        What was heard last.
    is_own : bool
        It was asked for here, and not found at work.
    touched : set of str
        Parameters that were changed in the form since.
    unwatch : callable
        Ends the watch.
    """

    run: Run
    asked_at: datetime
    progress: RunProgress
    is_own: bool = True
    touched: set[str] = field(default_factory=set)
    unwatch: Callable[[], None] = lambda: None


class Following:
    """Runs that are watched; not safe for threads, whoever has it holds a lock."""

    def __init__(self) -> None:
        self._all: list[Followed] = []

    @property
    def front(self) -> Followed | None:
        """The run whose progress is shown; `None` when all have ended."""
        working = [each for each in self._all if each.progress.status is RunStatus.RUNNING]
        return next(iter(working or self._all), None)

    @property
    def behind(self) -> tuple[int, int]:
        """How many others wait, and how many others work."""
        others = [each.progress.status for each in self._all if each is not self.front]
        return others.count(RunStatus.QUEUED), others.count(RunStatus.RUNNING)

    def add(self, followed: Followed) -> None:
        """Follow one more; a run of somebody else that was only shown makes room."""
        if followed.is_own:
            for stranger in [each for each in self._all if not each.is_own]:
                self.drop(stranger)
        self._all.append(followed)

    def find(self, run: Run) -> Followed | None:
        """Return what is known of a run; `None` when it is followed no longer."""
        return next((each for each in self._all if each.run is run), None)

    def drop(self, followed: Followed) -> None:
        """Follow a run no longer."""
        self._all.remove(followed)
        followed.unwatch()

    def touch(self, names: Iterable[str]) -> None:
        """Remember which parameters were changed while these runs were under way."""
        for each in self._all:
            each.touched.update(names)

    def runs(self) -> list[Run]:
        """Return all of them, in order."""
        return [each.run for each in self._all]

    def clear(self) -> None:
        """Follow none."""
        for each in list(self._all):
            self.drop(each)
