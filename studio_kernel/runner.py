"""Decides where and when engines work: the flow of one run, and the runner that works inside this process.

`execute` is the flow every runner shares: it takes the events of an engine and turns them into stored files and log
lines. `InlineRunner` calls it on worker threads of this process, as many per engine as the engine has lanes; a worker
process (`studio_kernel.worker`) calls it for all who have the home open. Whatever happens to a run, it ends as a result
in the log.
"""

from __future__ import annotations

import atexit
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from immutabledict import immutabledict

from studio_kernel.assets import AssetStore
from studio_kernel.assets.embed import embed
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.events import WAITING, EngineEvent, Finished, Produced, Progress, Started, Ticket
from studio_kernel.domain.provenance import Provenance
from studio_kernel.domain.runs import RunProgress, RunStatus
from studio_kernel.domain.values import Value
from studio_kernel.engines.base import Engine
from studio_kernel.errors import Cancelled, StudioError
from studio_kernel.follower import Follower
from studio_kernel.jobs import Work
from studio_kernel.live import LiveBoard
from studio_kernel.pace import Countdown, Paces, kind_of
from studio_kernel.presence import Presence
from studio_kernel.previews import PreviewBudget
from studio_kernel.private import told
from studio_kernel.runlog import RunKind, RunLog
from studio_kernel.settings import Home

LIVE_INTERVAL_S = 0.1
"""Progress is shown at most this often: ten times a second is what an eye can use and a notebook can carry."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where a runner puts what comes out: the log, the files, the live board, and what it learns about time."""

    log: RunLog
    assets: AssetStore
    live: LiveBoard
    paces: Paces


class Runner(Protocol):
    """Takes work and sees that each run ends."""

    def submit(self, work: Work) -> None:
        """Log a run as queued and take it; returns at once.

        Raises
        ------
        StudioError
            When it cannot be taken; it is not in the log then.
        """

    def cancel(self, run_ids: Sequence[str]) -> None:
        """Ask for runs of the home to stop, wherever they are."""

    def close(self) -> None:
        """Leave what this process is responsible for in order; may be called twice."""


class InlineRunner:
    """Works inside this process: a queue and worker threads per engine.

    What it is given ends with it: closing cancels what is queued or running. Other processes can see its runs and ask
    for their end.
    """

    def __init__(self, workplace: Workplace, home: Home, follower: Follower) -> None:
        self._workplace = workplace
        self._home = home
        self._follower = follower
        self._lanes: dict[str, _Lanes] = {}
        self._works: dict[str, Work] = {}
        self._presence: Presence | None = None
        self._lock = threading.Lock()
        self._closed = False
        # Worker threads are daemons so that a script can end; at its end they are stopped in good order.
        atexit.register(self.close)

    def submit(self, work: Work) -> None:
        """Log a run as queued and take it; returns at once."""
        run_id, record = work.job.run_id, work.job.record
        with self._lock:
            if self._closed:
                raise StudioError("this studio is closed; open it again with sk.open()")
            self._presence = self._presence or Presence(self._home.locks, "inline")
            self._works[run_id] = work
            lanes = self._lanes.get(work.engine.name)
            if lanes is None:
                lanes = self._lanes[work.engine.name] = _Lanes(work.engine, self._work)
        self._workplace.log.queued(
            run_id,
            record.request,
            engine=record.engine,
            origin=record.origin,
            reserved_for=self._presence.name,
            private=work.private is not None,
        )
        self._follower.listen(run_id, work.cancel_token.cancel)
        lanes.put(work)

    def cancel(self, run_ids: Sequence[str]) -> None:
        """Ask for runs to stop; those of other processes are told through the log."""
        for run_id in run_ids:
            work = self._works.get(run_id)
            if work is not None:
                work.cancel_token.cancel()
            else:
                self._workplace.log.cancel(run_id)

    def close(self) -> None:
        """Cancel what is queued or running, wait for it to end, and free the engines; may be called twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            works, lanes = list(self._works.values()), list(self._lanes.values())
        for work in works:
            work.cancel_token.cancel()
        for lane in lanes:
            lane.close()
        if self._presence is not None:
            self._presence.end()
        atexit.unregister(self.close)

    def _work(self, work: Work) -> None:
        try:
            assert self._presence is not None, "made by submit"
            self._workplace.log.claimed(work.job.run_id, self._presence.name, 1)
            execute(work, self._workplace)
        finally:
            self._works.pop(work.job.run_id, None)
            self._follower.forget(work.job.run_id)


class _Lanes:
    """The worker threads of one engine and the queue in front of them."""

    def __init__(self, engine: Engine, work: Callable[[Work], None]) -> None:
        self._engine = engine
        self._queue: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._work = work
        self._threads = [
            threading.Thread(target=self._run, name=f"studio-{engine.name}-{lane}", daemon=True)
            for lane in range(engine.capabilities.lanes)
        ]
        for thread in self._threads:
            thread.start()

    def put(self, work: Work) -> None:
        self._queue.put(work)

    def close(self) -> None:
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        self._engine.close()

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            self._work(work)


def execute(work: Work, workplace: Workplace) -> None:
    """Do the work until the run is final in the log, or given back because the process ends; raises nothing."""
    desk = _Desk(work, workplace)
    try:
        work.cancel_token.check()
        context = replace(work.context, preview_due=desk.previews.due)
        for event in work.engine.stream(work.job.record.request, context):
            desk.take(event)
        desk.finish(RunStatus.SUCCEEDED)
    except Cancelled:
        desk.give_back() if work.cancel_token.is_left else desk.finish(RunStatus.CANCELLED)
    except StudioError as error:
        desk.finish(RunStatus.FAILED, str(error))
    except Exception as error:
        # The boundary of a run: whatever an engine or a plug-in throws becomes the run's result.
        if work.private is None:
            logger.exception("run %s failed unexpectedly", work.job.run_id)
        else:  # its words could tell what is private
            logger.error("private run %s failed unexpectedly: %s", work.job.run_id, type(error).__name__)
        desk.finish(RunStatus.FAILED, f"{type(error).__name__}: {error}")


class _Desk:
    """Turns the events of one run into files, log lines and live progress."""

    def __init__(self, work: Work, workplace: Workplace) -> None:
        self._work = work
        self._job = work.job
        self._log = workplace.log
        self._assets_store = work.private.assets if work.private else workplace.assets
        self._live = work.private.live if work.private else workplace.live
        self._begun = time.perf_counter()
        self._waited = 0.0
        self._waiting_since: float | None = None
        self._started_at = _now()
        self._shown = 0.0
        self.previews = PreviewBudget()
        self._environment: Mapping[str, Value] = {}
        self._assets: list[Asset] = []
        self._finished = Finished()
        self._paces = workplace.paces
        self._countdown = Countdown()
        self._steps = 0
        self._show(RunProgress(RunStatus.RUNNING, stage="loading"))

    def take(self, event: EngineEvent) -> None:
        """Deal with one event."""
        match event:
            case Started():
                self._environment = event.provenance
                provenance = {} if self._work.private else event.provenance
                self._log.started(self._job.run_id, provenance=provenance)
                self._countdown.learnt = self._paces.of(self._kind)
            case Progress():
                self._progress(event)
            case Ticket():
                self._log.ticket(self._job.run_id, event)
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
        if status is RunStatus.SUCCEEDED:
            self._paces.learn(self._kind, self._steps, self._finished.timings)
        if self._work.private is not None:
            with suppress(OSError):  # a full disk costs what came of the run, not its end
                self._work.private.keep(result)
        said = result if self._work.private is None else told(result)
        self._log.finished(
            result.id,
            status,
            assets=said.assets,
            seed=said.seed,
            elapsed_s=said.elapsed_s,
            cost_usd=said.cost_usd,
            error=said.error,
            outcome=self._outcome(),
        )
        self._live.clear(result.id)
        self._job.record = result
        self._job.progress = replace(
            self._job.progress, status=status, elapsed_s=self._elapsed(), remaining_s=None, error=error
        )
        self._job.done.set()

    def give_back(self) -> None:
        """Leave the run to whoever works here next."""
        self._log.claimed(self._job.run_id, "", self._work.attempt)
        self._live.clear(self._job.run_id)

    def _progress(self, event: Progress) -> None:
        now = time.perf_counter()
        self._count_waiting(now, event.stage == WAITING)
        self._countdown.step(event.step, now)
        self._steps = event.total
        if event.preview is not None:
            self.previews.took(event.preview_s)
        last = event.step == event.total
        if event.preview is None and not last and now - self._shown < LIVE_INTERVAL_S:
            return
        self._shown = now
        preview = event.preview or self._job.progress.preview
        remaining_s = self._countdown.remaining_s(event.step, event.total)
        self._show(
            RunProgress(
                RunStatus.RUNNING, event.step, event.total, event.stage, preview=preview, remaining_s=remaining_s
            )
        )

    def _show(self, progress: RunProgress) -> None:
        self._job.progress = replace(progress, elapsed_s=self._elapsed())
        self._live.write(self._job.run_id, self._job.progress)

    def _store(self, event: Produced) -> None:
        request, context = self._job.record.request, self._work.context
        scheduler = context.schedulers.get(str(request.parameters.get("scheduler")))
        made_by = Provenance(request, self._work.engine.name, self._environment, event.index)
        data = embed(event.data, made_by, scheduler.name if scheduler else "")
        asset = self._assets_store.put(data, index=event.index, seed=event.seed)
        self._assets_store.thumbnail(asset)
        self._assets.append(asset)

    @property
    def _kind(self) -> RunKind:
        return kind_of(self._job.record.request, self._environment.get("device"))

    def _outcome(self) -> dict[str, Value]:
        """Return what the engine measured, as the log keeps it."""
        outcome: dict[str, Value] = {f"{stage}_s": round(s, 4) for stage, s in self._finished.timings.items()}
        if self._finished.peak_memory_bytes is not None:
            outcome["peak_memory_bytes"] = self._finished.peak_memory_bytes
        if self._finished.fallbacks:
            outcome["fallbacks"] = self._finished.fallbacks
        return outcome

    def _count_waiting(self, now: float, waits: bool) -> None:
        if waits and self._waiting_since is None:
            self._waiting_since = now
        elif not waits and self._waiting_since is not None:
            self._waited += now - self._waiting_since
            self._waiting_since = None

    def _elapsed(self) -> float:
        now = time.perf_counter()
        waiting = now - self._waiting_since if self._waiting_since is not None else 0.0
        return now - self._begun - self._waited - waiting


def _now() -> datetime:
    return datetime.now(UTC)
