"""What becomes of runs whose process has died.

A dead process is known by its free lock. A local run is queued again, and a job that a remote service has accepted is
taken up there. One that may have been sent without an answer is looked for at the service; where that is not possible
it ends as failed, because sending it again could pay for it twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from filelock import FileLock, Timeout

from studio_kernel.domain.queue import Queue, QueueEntry
from studio_kernel.domain.runs import RunStatus
from studio_kernel.engines.base import Capabilities
from studio_kernel.errors import WorkerError
from studio_kernel.live import LiveBoard
from studio_kernel.presence import is_present
from studio_kernel.private import orphans
from studio_kernel.runlog import RunLog
from studio_kernel.settings import Home

CLAIMS_WAIT_S = 30.0
MAX_ATTEMPTS = 3
"""A run that has cost so many workers their lives is not begun again."""


@contextmanager
def claiming(home: Home) -> Iterator[None]:
    """Be the only one to decide who does what; for milliseconds.

    Raises
    ------
    WorkerError
        When somebody else has not let go for half a minute.
    """
    home.locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home.locks / "claims.lock", timeout=CLAIMS_WAIT_S, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise WorkerError(
            f"the queue of {str(home.root)!r} has been held for {CLAIMS_WAIT_S:g} s by a process that does not go on; "
            "end it, or continue it if it was stopped"
        ) from error
    try:
        yield
    finally:
        lock.release()


def is_looked_for(entry: QueueEntry, engine: Capabilities) -> bool:
    """Return whether a service may have a run without our knowing, and can be asked for it."""
    return entry.ticket is None and entry.has_started and engine.remote and engine.finds_lost_jobs


def mend(home: Home, log: RunLog, capabilities: Callable[[str], Capabilities]) -> list[str]:
    """Deal with every run of a home that is in the hands of a dead process; return what was done, in words."""
    mender = Mender(home, log, LiveBoard(home.live), capabilities, requeues=home.settings().worker.requeues)
    with claiming(home):
        known = log.queued_runs()
        known.refresh()
        return mender.mend(known.queue)


@dataclass(frozen=True, slots=True)
class Mender:
    """Deals with the runs of the dead; to be used under the claims lock.

    Attributes
    ----------
    capabilities : callable
        Returns what the engine of a name can do.
    requeues : bool
        Whether local runs are queued again; else they end as failed.
    """

    home: Home
    log: RunLog
    live: LiveBoard
    capabilities: Callable[[str], Capabilities]
    requeues: bool

    def mend(self, queue: Queue) -> list[str]:
        """Deal with every run of `queue` that is in the hands of a dead process; return what was done, in words."""
        return [done for entry in list(queue) if (done := self._mend(entry))] + self._forget_private(queue)

    def _mend(self, entry: QueueEntry) -> str | None:
        holder = entry.owner or entry.reserved_for
        if holder and is_present(self.home.locks, holder):
            return None
        if entry.is_cancelled and not (entry.ticket and entry.owner):
            return self._end(entry, RunStatus.CANCELLED, None)
        if not holder:
            return None
        if (problem := self._problem(entry)) is not None:
            return self._end(entry, RunStatus.FAILED, f"interrupted: {problem}", self._may_be_billed(entry))
        if not entry.owner:  # a job at a service whose program has gone: any worker may take it up
            return None
        self.log.claimed(entry.run_id, "", entry.attempt)
        self.live.clear(entry.run_id)
        return f"run {entry.run_id} is queued again"

    def _problem(self, entry: QueueEntry) -> str | None:
        """Return why the run cannot be begun again; `None` when it can."""
        if entry.ticket is not None or is_looked_for(entry, self.capabilities(entry.record.engine)):
            return None
        if self._may_be_billed(entry):
            return (
                "the process that sent it to the service died before the service had answered; it may have been "
                "billed, look there before you run it again"
            )
        if entry.reserved_for is not None:
            return "the program that asked for it ended before it was finished"
        if entry.attempt >= MAX_ATTEMPTS:
            return f"the worker died {entry.attempt} times while it was at it"
        return None if self.requeues else "the worker died while it was at it"

    def _may_be_billed(self, entry: QueueEntry) -> bool:
        """Whether a service may be at work on the run without our knowing its name there."""
        return entry.ticket is None and entry.has_started and self.capabilities(entry.record.engine).remote

    def _end(self, entry: QueueEntry, status: RunStatus, error: str | None, may_be_billed: bool = False) -> str:
        self.log.finished(entry.run_id, status, error=error, outcome={"may_be_billed": True} if may_be_billed else None)
        self.live.clear(entry.run_id)
        return f"run {entry.run_id} is {status}" + (f": {error}" if error else "")

    def _forget_private(self, queue: Queue) -> list[str]:
        """Delete what dead studios have left of private runs, and end those: nobody could see what came of them."""
        found = []
        for space in orphans(self.home):
            for run_id in space.run_ids():
                entry = queue.get(run_id)
                if entry is not None and not entry.is_cancelled:
                    self.log.cancel(run_id)
            space.end()
            found.append("a private space whose studio is gone was deleted")
        return found
