"""The runner of a kernel, a script or the CLI that leaves the work to the worker of the home."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from studio_kernel.errors import WorkerError
from studio_kernel.follower import Follower
from studio_kernel.jobs import Work
from studio_kernel.mending import mend
from studio_kernel.runlog import RunLog
from studio_kernel.runner import log_queued
from studio_kernel.worker.launch import Launcher
from studio_kernel.workshop import Workshop


class WorkerRunner:
    """Puts runs into the queue of the home and sees to it that somebody works there.

    It holds nothing itself: what was submitted goes on when this process ends.
    """

    def __init__(self, workshop: Workshop, log: RunLog, follower: Follower, launcher: Launcher) -> None:
        self._workshop, self._log, self._follower, self._launcher = workshop, log, follower, launcher

    def submit(self, works: Sequence[Work]) -> None:
        """Put runs into the queue; returns at once, or within a second when a worker has to be started.

        Raises
        ------
        WorkerError
            When there is no worker and none can be started; the runs are not in the queue then.
        """
        self._launcher.ensure()
        for work in works:
            self._follow(work)
        log_queued(self._log, works)
        # One that ended for want of work just now either sees the run in its last look, or is seen to be gone here.
        # Where none comes up, those who wait for the run are told.
        with suppress(WorkerError):
            self._launcher.ensure()

    def _follow(self, work: Work) -> None:
        if work.private is None:
            self._follower.follow(work.job)
        else:
            work.private.keep(work.job.record)
            self._follower.follow(work.job, live=work.private.live, finished=work.private.completed)

    def cancel(self, run_ids: Sequence[str]) -> None:
        """Ask for runs to stop; where no worker is alive, those that wait end at once."""
        for run_id in run_ids:
            self._log.cancel(run_id)
        if self._launcher.current() is None:
            mend(self._workshop.home, self._log, self._workshop.capabilities)

    def close(self) -> None:
        """Do nothing: what was submitted goes on."""
