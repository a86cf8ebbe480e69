"""Decides where and when engines work: the flow of one run, and the runner that works inside this process.

`execute` is the flow every runner shares: it takes the events of an engine and turns them into stored files and log
lines. `InlineRunner` calls it on worker threads of this process, as many per engine as the engine has lanes; a worker
process (`studio_kernel.worker`) calls it for all who have the home open. Whatever happens to a run, it ends as a result
in the log.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

from immutabledict import immutabledict

from studio_kernel.assets import AssetStore
from studio_kernel.assets.embed import embed
from studio_kernel.budgets import Budgets
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.events import WAITING, EngineEvent, Failed, Finished, Produced, Progress, Started, Ticket
from studio_kernel.domain.provenance import Provenance
from studio_kernel.domain.runs import RunProgress, RunRecord, RunStatus
from studio_kernel.domain.values import Value
from studio_kernel.engines.base import BatchEngine, CancelToken, Engine, EngineContext, Member, MemberEvent
from studio_kernel.errors import Cancelled, StudioError
from studio_kernel.follower import Follower
from studio_kernel.jobs import Work
from studio_kernel.live import LiveBoard
from studio_kernel.mending import claiming
from studio_kernel.pace import Countdown, Paces, kind_of
from studio_kernel.passes import Relay, companions
from studio_kernel.presence import Presence
from studio_kernel.previews import PreviewBudget
from studio_kernel.private import told
from studio_kernel.runlog import RunKind, RunLog
from studio_kernel.settings import Home

LIVE_INTERVAL_S = 0.1
"""Progress is shown at most this often: ten times a second is what an eye can use and a notebook can carry. Runs that
are made together are shown twice a second, for each writes a file."""

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

    def submit(self, works: Sequence[Work]) -> None:
        """Log runs as queued, all at once, and take them; returns at once.

        Raises
        ------
        StudioError
            When they cannot be taken; none is in the log then.
        """

    def cancel(self, run_ids: Sequence[str]) -> None:
        """Ask for runs of the home to stop, wherever they are."""

    def close(self) -> None:
        """Leave what this process is responsible for in order; may be called twice."""


def log_queued(log: RunLog, works: Sequence[Work], *, reserved_for: str | None = None) -> None:
    """Log runs as queued, those that are not private in one write."""
    log.queued_together([work.job.record for work in works if work.private is None], reserved_for=reserved_for)
    for record in (work.job.record for work in works if work.private is not None):
        log.queued(
            record.id,
            record.request,
            engine=record.engine,
            origin=record.origin,
            estimate=record.estimate,
            reserved_for=reserved_for,
            private=True,
        )


class InlineRunner:
    """Works inside this process: a queue and worker threads per engine.

    What it is given ends with it: closing cancels what is queued or running. Other processes can see its runs and ask
    for their end.
    """

    def __init__(self, workplace: Workplace, home: Home, follower: Follower, budgets: Budgets) -> None:
        self._workplace = workplace
        self._budgets = budgets
        self._home = home
        self._follower = follower
        self._lanes: dict[str, _Lanes] = {}
        self._works: dict[str, Work] = {}
        self._presence: Presence | None = None
        self._lock = threading.Lock()
        self._closed = False
        # Worker threads are daemons so that a script can end; at its end they are stopped in good order.
        atexit.register(self.close)

    def submit(self, works: Sequence[Work]) -> None:
        """Log runs as queued, all at once, and take them; returns at once."""
        with self._lock:
            if self._closed:
                raise StudioError("this studio is closed; open it again with sk.open()")
            self._presence = self._presence or Presence(self._home.locks, "inline")
            self._works |= {work.job.run_id: work for work in works}
            for engine in {work.engine.name: work.engine for work in works}.values():
                if engine.name not in self._lanes:
                    self._lanes[engine.name] = _Lanes(engine, self._work)
        log_queued(self._workplace.log, works, reserved_for=self._presence.name)
        for work in works:
            self._follower.listen(work.job.run_id, work.cancel_token.cancel)
        for name, lanes in list(self._lanes.items()):
            lanes.put(work for work in works if work.engine.name == name)

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

    def _work(self, works: Sequence[Work], release: Callable[[], None]) -> None:
        run_ids = [work.job.run_id for work in works]
        try:
            admitted = self._claim(works)
            if admitted:
                execute(admitted, self._workplace, release)
        finally:
            for run_id in run_ids:
                self._works.pop(run_id, None)
                self._follower.forget(run_id)

    def _claim(self, works: Sequence[Work]) -> list[Work]:
        """Take works in hand, and return them without those that the budgets of the home forbid, which have ended."""
        assert self._presence is not None, "made by submit"
        if not works[0].engine.capabilities.remote:
            for work in works:
                self._workplace.log.claimed(work.job.run_id, self._presence.name, 1)
            return list(works)
        admitted = []
        for work in works:
            reason = self._claim_remote(work, self._presence.name)
            if reason:
                _Desk(work, self._workplace, PreviewBudget(), 1).finish(RunStatus.FAILED, reason)
            else:
                admitted.append(work)
        return admitted

    def _claim_remote(self, work: Work, owner: str) -> str:
        """Take a work in hand unless the budgets of the home forbid it; return why they do, empty when they do not."""
        record = work.job.record
        usd = record.estimate.cost_usd if record.estimate and not work.cancel_token.is_cancelled else None
        try:
            with claiming(self._home):
                reason = self._budgets.refusal(record.origin, usd)
                if not reason:
                    self._workplace.log.claimed(record.id, owner, 1)
                return reason
        except StudioError as error:
            return str(error)


class _Lanes:
    """The worker threads of one engine and the queue in front of them."""

    def __init__(self, engine: Engine, work: Callable[[Sequence[Work], Callable[[], None]], None]) -> None:
        self._engine = engine
        self._waiting: deque[Work] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._work = work
        self._threads = [
            threading.Thread(target=self._run, name=f"studio-{engine.name}-{lane}", daemon=True)
            for lane in range(engine.capabilities.lanes)
        ]
        for thread in self._threads:
            thread.start()

    def put(self, works: Iterable[Work]) -> None:
        with self._changed:
            self._waiting.extend(works)
            self._changed.notify_all()

    def close(self) -> None:
        """Do what waits, which has been cancelled, and end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._engine.close()

    def _run(self) -> None:
        relay, name = Relay(), threading.current_thread().name
        while works := self._take():
            relay.run(partial(self._work, works), name)
        relay.close()

    def _take(self) -> list[Work]:
        """Return what is to be done together next; nothing when all is done and no more will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if not self._waiting:
                return []
            first = self._waiting.popleft()
            others = companions(first.job.record, self._waiting, _record, self._engine, first.context.card)
            for other in others:
                self._waiting.remove(other)
            return [first, *others]


def _record(work: Work) -> RunRecord:
    return work.job.record


def execute(works: Sequence[Work], workplace: Workplace, release: Callable[[], None]) -> None:
    """Do runs until each is final in the log, or given back because the process ends; raises nothing.

    Parameters
    ----------
    works : sequence of Work
        Several are made together, see `passes.companions`.
    release : callable
        Called when the engine is free, which may be before the files are written.
    """
    previews = PreviewBudget()
    desks = [_Desk(work, workplace, previews, len(works)) for work in works]
    try:
        _stream(works, desks, release)
    except Cancelled:
        pass
    except StudioError as error:
        _fail(desks, str(error))
    except Exception as error:
        # The boundary of a run: whatever an engine or a plug-in throws becomes the run's result.
        if works[0].private is None:
            logger.exception("run %s failed unexpectedly", works[0].job.run_id)
        else:  # its words could tell what is private
            logger.error("private run %s failed unexpectedly: %s", works[0].job.run_id, type(error).__name__)
        _fail(desks, f"{type(error).__name__}: {error}")
    for desk in desks:
        if not desk.has_ended:
            desk.stop()


def _stream(works: Sequence[Work], desks: Sequence[_Desk], release: Callable[[], None]) -> None:
    """Hand the events of an engine to the desks they are for; what was cancelled before is not begun."""
    begun = [desk for work, desk in zip(works, desks, strict=True) if not work.cancel_token.is_cancelled]
    if not begun:
        return
    context = replace(works[0].context, preview_due=begun[0].previews.due, release=release)
    for place, event in _events([desk.work for desk in begun], context):
        for desk in begun if place is None else (begun[place],):
            if not desk.has_ended:
                desk.take(event)


def _events(works: Sequence[Work], context: EngineContext) -> Iterator[MemberEvent]:
    first = works[0]
    if first.batch_size == 1 or not isinstance(first.engine, BatchEngine):
        for event in first.engine.stream(first.job.record.request, context):
            yield 0, event
        return
    members = [Member(work.job.record.request, work.cancel_token) for work in works]
    yield from first.engine.stream_batch(members, replace(context, cancel=CancelToken()), first.batch_size)


def _fail(desks: Sequence[_Desk], error: str) -> None:
    for desk in desks:
        if not desk.has_ended:
            desk.finish(RunStatus.FAILED, error)


class _Desk:
    """Turns the events of one run into files, log lines and live progress."""

    def __init__(self, work: Work, workplace: Workplace, previews: PreviewBudget, together: int) -> None:
        self.work = work
        self._together = together
        self.has_ended = False
        self._job = work.job
        self._log = workplace.log
        self._assets_store = work.private.assets if work.private else workplace.assets
        self._live = work.private.live if work.private else workplace.live
        self._begun = time.perf_counter()
        self._waited = 0.0
        self._waiting_since: float | None = None
        self._started_at = _now()
        self._shown = 0.0
        self.previews = previews
        self._environment: Mapping[str, Value] = {}
        self._assets: list[Asset] = []
        self._finished = Finished()
        self._paces = workplace.paces
        self._countdown = Countdown()
        self._steps = 0
        self._batch_size = 1
        self._show(RunProgress(RunStatus.RUNNING, stage="loading"))

    def take(self, event: EngineEvent | Failed) -> None:
        """Deal with one event."""
        match event:
            case Started():
                self._environment = event.provenance
                provenance = {} if self.work.private else event.provenance
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
                self.finish(RunStatus.SUCCEEDED)
            case Failed():
                self.finish(RunStatus.FAILED, str(event.error))

    def stop(self) -> None:
        """End a run that was told to stop: for good, or only here because this process ends."""
        if self.work.cancel_token.is_left:
            self.give_back()
        elif self.work.cancel_token.is_cancelled:
            self.finish(RunStatus.CANCELLED)
        else:
            self.finish(RunStatus.FAILED, f"the engine {self.work.engine.name!r} has ended without a result")

    def finish(self, status: RunStatus, error: str | None = None) -> None:
        """Write the run's result."""
        self.has_ended = True
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
        if status is RunStatus.SUCCEEDED and self.work.batch_size == 1:
            self._paces.learn(self._kind, self._steps, self._finished.timings)
        if self.work.private is not None:
            with suppress(OSError):  # a full disk costs what came of the run, not its end
                self.work.private.keep(result)
        said = result if self.work.private is None else told(result)
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
        self.has_ended = True
        self._log.claimed(self._job.run_id, "", self.work.attempt)
        self._live.clear(self._job.run_id)

    def _progress(self, event: Progress) -> None:
        now = time.perf_counter()
        self._count_waiting(now, event.stage == WAITING)
        self._countdown.step(event.step, now)
        self._steps = event.total
        if event.preview is not None:
            self.previews.took(event.preview_s)
        last = event.step == event.total
        if event.preview is None and not last and now - self._shown < LIVE_INTERVAL_S * min(self._together, 5):
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
        request, context = self._job.record.request, self.work.context
        scheduler = context.schedulers.get(str(request.parameters.get("scheduler")))
        batch = {"batch_size": event.batch_size} if event.batch_size > 1 else {}
        environment = immutabledict({**self._environment, **batch})
        made_by = Provenance(request, self.work.engine.name, environment, event.index)
        data = embed(event.data, made_by, scheduler.name if scheduler else "")
        asset = self._assets_store.put(data, index=event.index, seed=event.seed)
        self._assets_store.thumbnail(asset)
        self._assets.append(asset)
        self._batch_size = event.batch_size

    @property
    def _kind(self) -> RunKind:
        return kind_of(self._job.record.request, self._environment.get("device"))

    def _outcome(self) -> dict[str, Value]:
        """Return what the engine measured, as the log keeps it."""
        outcome: dict[str, Value] = {f"{stage}_s": round(s, 4) for stage, s in self._finished.timings.items()}
        if self._finished.peak_memory_bytes is not None:
            outcome["peak_memory_bytes"] = self._finished.peak_memory_bytes
        if self._batch_size > 1:
            outcome["batch_size"] = self._batch_size
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
        """Return the seconds of work so far: of runs made together, a share each, so that they can be added up."""
        now = time.perf_counter()
        waiting = now - self._waiting_since if self._waiting_since is not None else 0.0
        return (now - self._begun - self._waited - waiting) / self._together


def _now() -> datetime:
    return datetime.now(UTC)
