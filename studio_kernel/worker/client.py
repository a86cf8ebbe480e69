"""The runner of a kernel, a script or the CLI that leaves the work to the worker of the home."""

from __future__ import annotations

from collections.abc import Sequence

from filelock import FileLock

from studio_kernel.domain.runs import RunStatus
from studio_kernel.follower import Follower
from studio_kernel.jobs import Work
from studio_kernel.presence import is_present
from studio_kernel.runlog import RunLog
from studio_kernel.settings import Home
from studio_kernel.worker.launch import Launcher


class WorkerRunner:
    """Puts runs into the queue of the home and sees to it that somebody works there.

    It holds nothing itself: what was submitted goes on when this process ends.
    """

    def __init__(self, home: Home, log: RunLog, follower: Follower, launcher: Launcher) -> None:
        self._home, self._log, self._follower, self._launcher = home, log, follower, launcher

    def submit(self, work: Work) -> None:
        """Put a run into the queue; returns at once, or within a second when a worker has to be started.

        Raises
        ------
        WorkerError
            When there is no worker and none can be started; the run is not in the queue then.
        """
        self._launcher.ensure()
        record, private = work.job.record, work.private
        if private is None:
            self._follower.follow(work.job)
        else:
            private.keep(record)
            self._follower.follow(work.job, live=private.live, finished=lambda told: private.record(told.id) or told)
        self._log.queued(
            record.id,
            record.request,
            engine=record.engine,
            origin=record.origin,
            private=private is not None,
        )
        # One that ended for want of work just now either sees the run in its last look, or is seen to be gone here.
        self._launcher.ensure()

    def cancel(self, run_ids: Sequence[str]) -> None:
        """Ask for runs to stop; where no worker is alive, those that wait end at once."""
        for run_id in run_ids:
            self._log.cancel(run_id)
        if self._launcher.current() is None:
            settle(self._home, self._log)

    def close(self) -> None:
        """Do nothing: what was submitted goes on."""


def claims_lock(home: Home) -> FileLock:
    """Return the lock under which it is decided who does what; held for milliseconds."""
    home.locks.mkdir(parents=True, exist_ok=True)
    return FileLock(home.locks / "claims.lock", timeout=30.0)


def settle(home: Home, log: RunLog) -> None:
    """End the runs that were cancelled and that nobody works on."""
    with claims_lock(home):
        known = log.queued_runs()
        known.refresh()
        for entry in list(known.queue):
            holder = entry.owner or entry.reserved_for
            if entry.is_cancelled and not (holder and is_present(home.locks, holder)):
                log.finished(entry.run_id, RunStatus.CANCELLED)
