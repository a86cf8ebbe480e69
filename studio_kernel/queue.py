"""``studio.queue()``: what is at work and what waits, and what can be done about it.

It is read anew at each look. Changes are lines in the journal, so any program that has the home open can make them and
every worker heeds them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio_kernel.domain.queue import Queue, QueueEntry
from studio_kernel.domain.runs import RunProgress, RunStatus
from studio_kernel.errors import InvalidRequestError, Problem
from studio_kernel.live import LiveBoard
from studio_kernel.run import Run
from studio_kernel.runlog import QueueTail, RunLog

if TYPE_CHECKING:
    import pandas as pd

    from studio_kernel.studio import Studio


MAX_PRIORITY = 100
_NOT_BEGUN = RunProgress(RunStatus.QUEUED)


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A run that has not ended, at one moment.

    Attributes
    ----------
    entry : QueueEntry
        What is known of it; of a private run neither its prompt nor its picture.
    place : int
        In the order of those that wait, from 1; 0 = at work.
    progress : RunProgress
        What it shows.
    """

    entry: QueueEntry
    place: int
    progress: RunProgress


@dataclass(frozen=True, slots=True)
class QueueLook:
    """The queue at one moment.

    Attributes
    ----------
    is_paused : bool
        Nothing new is begun.
    working : tuple of QueueRow
        What is at work.
    waiting : tuple of QueueRow
        What waits, in order; the very same tuple as in the look before as long as nothing was logged.
    """

    is_paused: bool
    working: tuple[QueueRow, ...]
    waiting: tuple[QueueRow, ...]

    def __len__(self) -> int:
        return len(self.working) + len(self.waiting)


class RunQueue:
    """The queue of a home.

    Made by `Studio.queue`, not by hand. What a program does inline is shown and can be cancelled; order and pause are
    heeded by workers.

    Examples
    --------
    >>> queue = studio.queue()  # doctest: +SKIP
    >>> queue.move_first(run)  # doctest: +SKIP
    >>> queue.pause()  # doctest: +SKIP
    """

    def __init__(self, studio: Studio, log: RunLog, live: LiveBoard) -> None:
        self._studio, self._log, self._live = studio, log, live
        self._followed: QueueTail | None = None
        self._waiting: tuple[QueueRow, ...] = ()
        self._lock = threading.Lock()

    # Looking

    @property
    def is_paused(self) -> bool:
        """Whether nothing new is begun."""
        return self._now().is_paused

    @property
    def running(self) -> list[Run]:
        """What is at work."""
        return [Run(self._studio, entry.run_id) for entry in self._now() if entry.owner]

    @property
    def waiting(self) -> list[Run]:
        """What waits, in the order in which one lane would do it."""
        return [Run(self._studio, entry.run_id) for entry in self._now().order()]

    @property
    def singles(self) -> list[Run]:
        """What is at work or waits and is no cell of a sweep, the newest last; without private runs."""
        entries = [e for e in self._now() if e.record.origin.sweep_id is None and not e.is_private]
        return [Run(self._studio, entry.run_id) for entry in sorted(entries, key=lambda entry: entry.run_id)]

    def __iter__(self) -> Iterator[Run]:
        """Iterate over what is at work and then what waits."""
        return iter([Run(self._studio, entry.run_id) for entry, _ in self._entries()])

    def __len__(self) -> int:
        return len(self._now())

    def look(self) -> QueueLook:
        """Return the queue as it is now, with progress and previews.

        Cheap enough to be asked several times a second: the log is read once, and what was appended since after that.
        """
        with self._lock:
            is_new = self._followed is None
            self._followed = self._followed or self._log.queued_runs()
            if self._followed.refresh() or is_new:
                order = enumerate(self._followed.queue.order(), start=1)
                self._waiting = tuple(QueueRow(entry, place, _NOT_BEGUN) for place, entry in order)
            queue, waiting = self._followed.queue, self._waiting
            paused, working = queue.is_paused, [entry for entry in queue if entry.owner]
        return QueueLook(paused, tuple(QueueRow(entry, 0, self._shown(entry)) for entry in working), waiting)

    def frame(self) -> pd.DataFrame:
        """Return the queue as a table, a row a run: place (0 = at work), status, progress and what it is."""
        import pandas as pd

        columns = ["place", "id", "status", "step", "total", "remaining_s", "priority", "sweep_id", "model", "prompt"]
        return pd.DataFrame([self._row(place, entry) for entry, place in self._entries()], columns=columns)

    def __repr__(self) -> str:
        queue = self._now()
        working = sum(1 for entry in queue if entry.owner)
        state = ", paused" if queue.is_paused else ""
        return f"<RunQueue: {working} at work, {len(queue) - working} waiting{state}>"

    def _repr_html_(self) -> str:
        html: str = self.frame().to_html(index=False)
        return html

    # Changing

    def pause(self) -> None:
        """Let workers begin nothing new; what is at work goes on to its end."""
        self._require("pause the queue")
        self._log.queue(paused=True)

    def resume(self) -> None:
        """Go on after `pause`."""
        self._require("resume the queue")
        self._log.queue(paused=False)

    def move_first(self, *runs: Run | str) -> None:
        """Put runs before all others, in this order."""
        self._require("reorder the queue")
        self._log.queue(first=[self._waiting_id(run) for run in runs])

    def move_before(self, run: Run | str, other: Run | str) -> None:
        """Put a run right before another one that waits."""
        self._require("reorder the queue")
        moved, target = self._waiting_id(run), self._waiting_id(other)
        ids = [entry.run_id for entry in self._now().order() if entry.run_id != moved]
        place = ids.index(target)
        self._log.queue(first=[*ids[:place], moved])

    def prioritise(self, run: Run | str, priority: int) -> None:
        """Give a run a rank, -100 … 100: higher goes first, 0 is what every run begins with."""
        self._require("reorder the queue")
        if not -MAX_PRIORITY <= priority <= MAX_PRIORITY:
            text = f"{priority!r} is not between {-MAX_PRIORITY} and {MAX_PRIORITY}"
            raise InvalidRequestError([Problem("priority", text)], "queue")
        self._log.priority(self._waiting_id(run), priority)

    def stop_after_current(self, sweep_id: str | None = None) -> int:
        """Cancel what waits, all or of one sweep, and let what is at work finish; return how many were cancelled."""
        waiting = [entry for entry in self._now() if not entry.owner]
        ids = [e.run_id for e in waiting if sweep_id is None or e.record.origin.sweep_id == sweep_id]
        self._studio.cancel(*ids)
        return len(ids)

    # Inside

    def _now(self) -> Queue:
        known = self._log.queued_runs()
        known.refresh()
        return known.queue

    def _entries(self) -> list[tuple[QueueEntry, int]]:
        queue = self._now()
        working = [(entry, 0) for entry in queue if entry.owner]
        return working + [(entry, place) for place, entry in enumerate(queue.order(), start=1)]

    def _shown(self, entry: QueueEntry) -> RunProgress:
        shown = self._live.read(entry.run_id) if entry.owner else None
        return shown or (RunProgress(RunStatus.RUNNING) if entry.owner else _NOT_BEGUN)

    def _row(self, place: int, entry: QueueEntry) -> dict[str, object]:
        progress = self._shown(entry)
        return {
            "place": place,
            "id": entry.run_id,
            "status": str(progress.status),
            "step": progress.step,
            "total": progress.total,
            "remaining_s": progress.remaining_s,
            "priority": entry.priority,
            "sweep_id": entry.record.origin.sweep_id,
            "model": entry.record.request.model,
            "prompt": entry.record.request.prompt,
        }

    def _waiting_id(self, run: Run | str) -> str:
        run_id = run if isinstance(run, str) else run.id
        entry = self._now().get(run_id)
        problem = "does not wait in the queue" if entry is None else _immovable(entry)
        if problem:
            text = f"{run_id!r} {problem}; studio.queue() shows what waits"
            raise InvalidRequestError([Problem("run", text)], "queue")
        return run_id

    def _require(self, wish: str) -> None:
        self._studio.require_editor(wish)


def _immovable(entry: QueueEntry) -> str:
    """Return why a run cannot be moved in the queue; empty when it can."""
    if entry.owner:
        return "is at work already"
    return "is done inline by the program that asked for it" if entry.reserved_for else ""
