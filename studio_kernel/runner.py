"""Decides where and when engines work: jobs, the flow of one run, and the runner that works inside this process.

`execute` is the flow every runner shares: it takes the events of an engine and turns them into stored files and log
lines. `InlineRunner` calls it on worker threads of this process, as many per engine as the engine has lanes. Whatever
happens to a run, it ends as a result in the log.
"""

from __future__ import annotations

import atexit
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from immutabledict import immutabledict

from studio_kernel.assets import AssetStore
from studio_kernel.assets.embed import embed
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.events import EngineEvent, Finished, Produced, Progress, Started, Ticket
from studio_kernel.domain.provenance import Provenance
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import RunProgress, RunRecord, RunStatus
from studio_kernel.domain.values import Value
from studio_kernel.engines.base import CancelToken, Engine, EngineContext
from studio_kernel.errors import Cancelled, StudioError
from studio_kernel.live import LiveBoard
from studio_kernel.previews import PreviewBudget
from studio_kernel.runlog import RunLog

LIVE_INTERVAL_S = 0.1
"""Progress is shown at most this often: ten times a second is what an eye can use and a notebook can carry."""

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class Job:
    """A run on its way through a runner.

    Attributes
    ----------
    record : RunRecord
        What is known of the run; replaced as a whole when it ends, so any thread may read it.
    progress : RunProgress
        Replaced as a whole at every change.
    done : threading.Event
        Set when the run's final state is in the log.
    """

    record: RunRecord
    engine: Engine
    context: EngineContext
    progress: RunProgress = field(default_factory=lambda: RunProgress(RunStatus.QUEUED))
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.record.id

    @property
    def request(self) -> GenerationRequest:
        """What is asked for."""
        return self.record.request

    @property
    def cancel_token(self) -> CancelToken:
        """What stops it."""
        return self.context.cancel


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where a runner puts what comes out: the log, the files, the live board."""

    log: RunLog
    assets: AssetStore
    live: LiveBoard


class Runner(Protocol):
    """Takes jobs and sees that each one ends."""

    def submit(self, job: Job) -> None:
        """Take a job that is in the log as queued; returns at once."""

    def cancel(self, run_id: str) -> bool:
        """Ask for a run to stop; whether this runner has it."""

    def close(self) -> None:
        """Cancel what is queued or running, wait for it to end, and free everything; may be called twice."""


class InlineRunner:
    """Works inside this process: a queue and worker threads per engine."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        self._lanes: dict[str, _Lanes] = {}
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._closed = False
        # Worker threads are daemons so that a script can end; at its end they are stopped in good order.
        atexit.register(self.close)

    def submit(self, job: Job) -> None:
        """Take a job that is in the log as queued; returns at once."""
        with self._lock:
            if self._closed:
                raise StudioError("this studio is closed; open it again with sk.open()")
            self._jobs[job.run_id] = job
            lanes = self._lanes.get(job.engine.name)
            if lanes is None:
                lanes = self._lanes[job.engine.name] = _Lanes(job.engine, self._work)
        lanes.put(job)

    def cancel(self, run_id: str) -> bool:
        """Ask for a run to stop; whether this runner has it."""
        job = self._jobs.get(run_id)
        if job is None:
            return False
        job.cancel_token.cancel()
        return True

    def close(self) -> None:
        """Cancel what is queued or running, wait for it to end, and free the engines; may be called twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            jobs, lanes = list(self._jobs.values()), list(self._lanes.values())
        for job in jobs:
            job.cancel_token.cancel()
        for lane in lanes:
            lane.close()
        atexit.unregister(self.close)

    def _work(self, job: Job) -> None:
        try:
            execute(job, self._workplace)
        finally:
            self._jobs.pop(job.run_id, None)
            job.done.set()


class _Lanes:
    """The worker threads of one engine and the queue in front of them."""

    def __init__(self, engine: Engine, work: Callable[[Job], None]) -> None:
        self._engine = engine
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._work = work
        self._threads = [
            threading.Thread(target=self._run, name=f"studio-{engine.name}-{lane}", daemon=True)
            for lane in range(engine.capabilities.lanes)
        ]
        for thread in self._threads:
            thread.start()

    def put(self, job: Job) -> None:
        self._queue.put(job)

    def close(self) -> None:
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        self._engine.close()

    def _run(self) -> None:
        while (job := self._queue.get()) is not None:
            self._work(job)


def execute(job: Job, workplace: Workplace) -> None:
    """Work on one job until it is final in the log; raises nothing."""
    desk = _Desk(job, workplace)
    try:
        job.cancel_token.check()
        context = replace(job.context, preview_due=desk.previews.due)
        for event in job.engine.stream(job.request, context):
            desk.take(event)
        desk.finish(RunStatus.SUCCEEDED)
    except Cancelled:
        desk.finish(RunStatus.CANCELLED)
    except StudioError as error:
        desk.finish(RunStatus.FAILED, str(error))
    except Exception as error:
        # The boundary of a run: whatever an engine or a plug-in throws becomes the run's result.
        logger.exception("run %s failed unexpectedly", job.run_id)
        desk.finish(RunStatus.FAILED, f"{type(error).__name__}: {error}")


class _Desk:
    """Turns the events of one run into files, log lines and live progress."""

    def __init__(self, job: Job, workplace: Workplace) -> None:
        self._job = job
        self._place = workplace
        self._begun = time.perf_counter()
        self._started_at = _now()
        self._shown = 0.0
        self.previews = PreviewBudget()
        self._environment: Mapping[str, Value] = {}
        self._assets: list[Asset] = []
        self._finished = Finished()
        self._show(RunProgress(RunStatus.RUNNING, stage="loading"))

    def take(self, event: EngineEvent) -> None:
        """Deal with one event."""
        match event:
            case Started():
                self._environment = event.provenance
                self._place.log.started(self._job.run_id, provenance=event.provenance)
            case Progress():
                self._progress(event)
            case Ticket():
                self._place.log.ticket(self._job.run_id, event)
            case Produced():
                self._store(event)
            case Finished():
                self._finished = event

    def finish(self, status: RunStatus, error: str | None = None) -> None:
        """Write the run's result."""
        result = replace(
            self._job.record,
            status=status,
            started_at=self._started_at,
            finished_at=_now(),
            elapsed_s=self._elapsed(),
            cost_usd=self._finished.cost_usd,
            error=error,
            provenance=immutabledict({**self._environment, **self._outcome()}),
            assets=tuple(self._assets),
        )
        self._place.log.finished(
            result.id,
            status,
            assets=result.assets,
            seed=result.seed,
            elapsed_s=result.elapsed_s,
            cost_usd=result.cost_usd,
            error=error,
            outcome=self._outcome(),
        )
        self._place.live.clear(result.id)
        self._job.record = result
        self._job.progress = replace(self._job.progress, status=status, elapsed_s=self._elapsed(), error=error)

    def _progress(self, event: Progress) -> None:
        now = time.perf_counter()
        if event.preview is not None:
            self.previews.took(event.preview_s)
        last = event.step == event.total
        if event.preview is None and not last and now - self._shown < LIVE_INTERVAL_S:
            return
        self._shown = now
        preview = event.preview or self._job.progress.preview
        self._show(RunProgress(RunStatus.RUNNING, event.step, event.total, event.stage, preview=preview))

    def _show(self, progress: RunProgress) -> None:
        self._job.progress = replace(progress, elapsed_s=self._elapsed())
        self._place.live.write(self._job.run_id, self._job.progress)

    def _store(self, event: Produced) -> None:
        request, context = self._job.request, self._job.context
        scheduler = context.schedulers.get(str(request.parameters.get("scheduler")))
        made_by = Provenance(request, self._job.engine.name, self._environment, event.index)
        data = embed(event.data, made_by, scheduler.name if scheduler else "")
        asset = self._place.assets.put(data, index=event.index, seed=event.seed)
        self._place.assets.thumbnail(asset)
        self._assets.append(asset)

    def _outcome(self) -> dict[str, Value]:
        """Return what the engine measured, as the log keeps it."""
        outcome: dict[str, Value] = {f"{stage}_s": round(s, 4) for stage, s in self._finished.timings.items()}
        if self._finished.peak_memory_bytes is not None:
            outcome["peak_memory_bytes"] = self._finished.peak_memory_bytes
        if self._finished.fallbacks:
            outcome["fallbacks"] = self._finished.fallbacks
        return outcome

    def _elapsed(self) -> float:
        return time.perf_counter() - self._begun


def _now() -> datetime:
    return datetime.now(UTC)
