"""Keeps the handles of this process up to date with what other processes do.

One thread reads what is appended to the journals and what running jobs show, as long as there is anything to follow. It
is how a notebook sees a run end that a worker did, how a kernel that was restarted finds its runs again, and how a wish
to cancel reaches the process that works.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakValueDictionary

from studio_kernel.domain.runs import RunProgress, RunRecord, RunStatus
from studio_kernel.errors import StudioError
from studio_kernel.jobs import Job
from studio_kernel.live import LiveBoard
from studio_kernel.runlog import RunLog, Tail, decode

FOLLOWING_S = 0.02
LISTENING_S = 0.25
BEAT_S = 1.0

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Watched:
    """What is remembered of a run that is followed, beside its job."""

    live: LiveBoard
    finished: Callable[[RunRecord], RunRecord]
    shown: int | None = None


class Follower:
    """Follows runs that other processes work on.

    Parameters
    ----------
    log : RunLog
        Of the home.
    live : LiveBoard
        Where running jobs of the home show their progress.
    beat : callable
        Called about once a second while runs are followed that have not ended; what it raises becomes the trouble of
        their jobs.
    """

    def __init__(self, log: RunLog, live: LiveBoard, beat: Callable[[], None] = lambda: None) -> None:
        self._log, self._live, self._beat = log, live, beat
        self._jobs: WeakValueDictionary[str, Job] = WeakValueDictionary()
        self._watched: dict[str, _Watched] = {}
        self._running: set[str] = set()
        self._ears: dict[str, Callable[[], None]] = {}
        self._tail: Tail | None = None
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._lock = threading.RLock()
        self._closed = False
        self._beaten = 0.0

    def follow(
        self,
        job: Job,
        *,
        live: LiveBoard | None = None,
        finished: Callable[[RunRecord], RunRecord] = lambda record: record,
    ) -> None:
        """Keep `job` up to date until it has ended; to be called before its run is logged.

        Parameters
        ----------
        live : LiveBoard
            Where it shows its progress, when not where the others do.
        finished : callable
            Is given the record as the log tells it, and returns what the job is to have.
        """
        with self._lock:
            self._jobs[job.run_id] = job
            self._watched[job.run_id] = _Watched(live or self._live, finished)
            if self._closed:
                job.trouble = _closed(job)
            self._go()

    def find(self, run_id: str) -> Job | None:
        """Return the job of a run that has not ended, kept up to date; `None` when it has ended or is not known."""
        with self._lock:
            if (known := self._jobs.get(run_id)) is not None:
                return known
            self._tail = self._tail or self._log.tail()
            record, watermarks = self._log.run_and_watermarks(run_id)
            if record is None or record.status.is_final:
                return None
            self._tail.rewind(watermarks)
            shown = self._live.read(run_id)
            job = Job(record, shown or RunProgress(record.status))
            self.follow(job)
            if record.status is RunStatus.RUNNING:
                self._running.add(run_id)
            return job

    def listen(self, run_id: str, call: Callable[[], None]) -> None:
        """Call `call` when some process asks for the end of a run, until `forget` is called."""
        with self._lock:
            self._ears[run_id] = call
            self._go()

    def forget(self, run_id: str) -> None:
        """Listen no longer."""
        with self._lock:
            self._ears.pop(run_id, None)

    def close(self) -> None:
        """Follow nothing any more, and tell so to whoever waits; may be called twice."""
        with self._lock:
            self._closed = True
            thread = self._thread
            for job in list(self._jobs.values()):
                job.trouble = _closed(job)
        self._wake.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _go(self) -> None:
        """Start the thread when there is none; the tail begins now, so nothing that comes is missed."""
        if self._closed:
            return
        self._tail = self._tail or self._log.tail()
        if self._thread is None:
            self._wake.clear()
            self._thread = threading.Thread(target=self._run, name="studio-follower", daemon=True)
            self._thread.start()
        elif self._jobs:
            self._wake.set()

    def _run(self) -> None:
        while self._round():
            self._wake.wait(FOLLOWING_S if self._jobs else LISTENING_S)
            if not self._closed:
                self._wake.clear()

    def _round(self) -> bool:
        """Take in what is new; whether there is anything left to follow."""
        with self._lock:
            if self._closed or not (self._jobs or self._ears):
                self._thread = self._tail = None
                return False
            try:
                self._hear_all()
                for run_id in list(self._running):
                    self._look(run_id)
                self._forget_dropped()
            except OSError as error:  # such as a home on a disk that is away for a moment
                logger.warning("following the runs of the home is held up: %s", error)
        if self._jobs and time.monotonic() - self._beaten >= BEAT_S:
            self._beaten = time.monotonic()
            self._check_worker()
        return True

    def _hear_all(self) -> None:
        assert self._tail is not None, "made when the thread is started"
        events = self._tail.read()
        if any(event["event"] == "finished" and event.get("id") in self._jobs for event in events):
            self._log.expect(self._tail.positions)  # before anybody is told that a run has ended
        for event in events:
            self._hear(event)

    def _hear(self, event: Mapping[str, Any]) -> None:
        run_id, kind = str(event.get("id")), event["event"]
        if kind == "cancel" and run_id in self._ears:
            self._ears[run_id]()
        job = self._jobs.get(run_id)
        if job is None:
            return
        match kind:
            case "claimed" if event.get("owner"):
                job.record = replace(job.record, status=RunStatus.RUNNING)
                job.progress = RunProgress(RunStatus.RUNNING, stage="loading")
                self._running.add(run_id)
            case "claimed":
                self._running.discard(run_id)
                job.record = replace(job.record, status=RunStatus.QUEUED)
                job.progress = RunProgress(RunStatus.QUEUED)
            case "started":
                job.record = decode.started(job.record, event)
                self._running.add(run_id)
            case "finished":
                self._end(job, event)

    def _end(self, job: Job, event: Mapping[str, Any]) -> None:
        watched = self._watched.pop(job.run_id)
        del self._jobs[job.run_id]
        self._running.discard(job.run_id)
        record = watched.finished(decode.ended(job.record, event))
        job.record = record
        elapsed = record.elapsed_s or 0.0
        job.progress = replace(
            job.progress, status=record.status, elapsed_s=elapsed, remaining_s=None, error=record.error
        )
        job.done.set()

    def _look(self, run_id: str) -> None:
        """Take the progress of a running job that shows something new."""
        job = self._jobs.get(run_id)
        if job is None:
            self._running.discard(run_id)
            return
        watched = self._watched[run_id]
        stamp = watched.live.stamp(run_id)
        if stamp is not None and stamp != watched.shown and (shown := watched.live.read(run_id)) is not None:
            watched.shown, job.progress = stamp, shown

    def _forget_dropped(self) -> None:
        """Forget runs whose handles are gone."""
        if len(self._watched) > len(self._jobs):
            self._watched = {run_id: watched for run_id, watched in self._watched.items() if run_id in self._jobs}

    def _check_worker(self) -> None:
        trouble: StudioError | None = None
        try:
            self._beat()
        except StudioError as error:
            trouble = error
        with self._lock:
            if self._closed:  # while it asked; what `close` has told stays told
                return
            for job in list(self._jobs.values()):
                job.trouble = trouble


def _closed(job: Job) -> StudioError:
    return StudioError(
        f"this studio is closed, and run {job.run_id} goes on without it; open the home again with sk.open() and ask "
        f"for studio.run({job.run_id!r})"
    )
