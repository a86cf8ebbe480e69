"""What is asked of the run log once and then kept up to date: each answer comes with where a `Tail` goes on from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from studio_kernel.domain.queue import Queue, QueueEntry
from studio_kernel.domain.runs import RunRecord
from studio_kernel.runlog import fold
from studio_kernel.runlog.asking import AskedLog
from studio_kernel.runlog.queries import costs, queued, runs
from studio_kernel.runlog.queries.filters import is_uuid
from studio_kernel.runlog.queries.rows import records
from studio_kernel.runlog.tail import QueueTail, SpendingTail, Tail

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class FollowedLog(AskedLog):
    """A run log, to ask and to follow.

    Attributes
    ----------
    directory : pathlib.Path
        The home.
    """

    directory: Path

    def tail(self) -> Tail:
        """Return a reader of what any process appends from now on."""
        return Tail(self.directory)

    def queued_runs(self) -> QueueTail:
        """Return the queue as it is, ready to be kept up to date."""
        tail = self.tail()

        def answer(connection: DuckDBPyConnection) -> tuple[list[QueueEntry], bool, tuple[str, ...], dict[str, int]]:
            found = queued.unfinished(connection)
            return found, *queued.queue_state(connection), fold.watermarks(connection)

        entries, paused, first, watermarks = self._ask(answer, pause_s=0.0)
        tail.rewind(watermarks)
        queue = Queue()
        for entry in entries:
            queue.add(entry)
        queue.pause(0, paused)
        queue.put_first(0, first)
        return QueueTail(queue, tail)

    def spending(self) -> SpendingTail:
        """Return what was spent and what may yet be, ready to be kept up to date."""
        tail = self.tail()
        spending, watermarks = self._ask(
            lambda connection: (costs.spending(connection), fold.watermarks(connection)), pause_s=0.0
        )
        tail.rewind(watermarks)
        return SpendingTail(spending, tail)

    def run_and_watermarks(self, run_id: str) -> tuple[RunRecord | None, dict[str, int]]:
        """Return a run, and how far each journal had been read for the answer: a `Tail` goes on from there."""
        if not is_uuid(run_id):
            return None, {}
        rows, watermarks = self._ask(lambda connection: (runs.by_id(connection, run_id), fold.watermarks(connection)))
        found = records(rows)
        return (found[0] if found else None), watermarks
