"""One run at work: the events of an engine become stored files, log lines and live progress.

Every runner does its runs with `execute`. Whatever happens to a run, it ends as a result in the log.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from traceback import format_exception

from immutabledict import immutabledict

from studio_kernel.assets import AssetStore
from studio_kernel.assets.embed import embed
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.events import (
    WAITING,
    Answered,
    EngineEvent,
    Failed,
    Finished,
    Produced,
    Progress,
    Started,
    Ticket,
)
from studio_kernel.domain.provenance import Provenance
from studio_kernel.domain.runs import RunProgress, RunStatus
from studio_kernel.domain.values import Value
from studio_kernel.engines.base import BatchEngine, CancelToken, EngineContext, Member, MemberEvent
from studio_kernel.errors import Cancelled, EngineError, HomeError, ResultExpiredError, ServiceError, StudioError
from studio_kernel.jobs import Work
from studio_kernel.keys import hide
from studio_kernel.live import LiveBoard
from studio_kernel.pace import Countdown, Paces, kind_of
from studio_kernel.previews import PreviewBudget
from studio_kernel.private import told
from studio_kernel.runlog import RunKind, RunLog
from studio_kernel.worker.info import studio_version

LIVE_INTERVAL_S = 0.1
"""Progress is shown at most this often: ten times a second is what an eye can use and a notebook can carry. Runs that
are made together are shown twice a second, for each writes a file."""

PROBLEMS = "problems"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where a runner puts what comes out: the log, the files, the live board, and what it learns about time."""

    log: RunLog
    assets: AssetStore
    live: LiveBoard
    paces: Paces


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
    desks = [Desk(work, workplace, previews, len(works)) for work in works]
    try:
        _stream(works, desks, release)
    except Cancelled:
        pass
    except StudioError as error:
        _fail(desks, error)
    except Exception as error:  # noqa: BLE001 - told and logged below
        # The boundary of a run: whatever an engine or a plug-in throws becomes the run's result.
        if works[0].private is None:
            told = hide("".join(format_exception(error)))  # a foreign error may hold what was sent, key and all
            logger.error("run %s failed unexpectedly\n%s", works[0].job.run_id, told)
        else:  # its words could tell what is private
            logger.error("private run %s failed unexpectedly: %s", works[0].job.run_id, type(error).__name__)
        _fail(desks, EngineError(f"{type(error).__name__}: {error}"))
    for desk in desks:
        if not desk.has_ended:
            desk.stop()


def _stream(works: Sequence[Work], desks: Sequence[Desk], release: Callable[[], None]) -> None:
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


def _fail(desks: Sequence[Desk], error: StudioError) -> None:
    for desk in desks:
        if not desk.has_ended:
            desk.fail(error)


class Desk:
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
        self._has_ticket = work.context.ticket is not None
        self._answer: Answered | None = None
        self._trouble: Mapping[str, Value] = {}
        self._assets: list[Asset] = []
        self._finished = Finished()
        self._paces = workplace.paces
        self._countdown = Countdown()
        self._steps = 0
        self._batch_size = 1
        self._show(RunProgress(RunStatus.RUNNING, stage="sending" if work.engine.capabilities.remote else "loading"))

    def take(self, event: EngineEvent | Failed) -> None:
        """Deal with one event."""
        match event:
            case Started():
                self._environment = self._surroundings(event.provenance)
                provenance = {} if self.work.private else self._environment
                self._log.started(self._job.run_id, provenance=provenance)
                self._require_a_log()
                self._countdown.learnt = self._paces.of(self._kind)
            case Progress():
                self._progress(event)
            case Ticket():
                self._has_ticket = True
                self._log.ticket(self._job.run_id, event)
            case Answered():
                self._answer = event
            case Produced():
                self._store(event)
            case Finished():
                self._finished = event
                self.finish(RunStatus.SUCCEEDED)
            case Failed():
                self.fail(event.error)

    def _surroundings(self, said: Mapping[str, Value]) -> Mapping[str, Value]:
        """Return what an engine said when it started, with what decides for every engine."""
        return immutabledict({"studio": studio_version(), "model_card": self.work.context.card.digest, **said})

    def _require_a_log(self) -> None:
        """Refuse to send what costs money while nothing can be written: after a kill it would be sent again.

        Raises
        ------
        HomeError
            When the log cannot be written.
        """
        if self.work.engine.capabilities.remote and self._log.pending_events:
            raise HomeError("the log cannot be written, so that a paid job could get lost; nothing was sent. Make room")

    def stop(self) -> None:
        """End a run that was told to stop: for good, or only here because this process ends."""
        if self.work.cancel_token.is_left:
            self.give_back()
        elif self.work.cancel_token.is_cancelled:
            self.finish(RunStatus.CANCELLED)
        else:
            self.finish(RunStatus.FAILED, f"the engine {self.work.engine.name!r} has ended without a result")

    def fail(self, error: StudioError) -> None:
        """Write the end of a run that has no result, and what the service may charge for it."""
        self._trouble = _trouble(error, has_ticket=self._has_ticket, answer=self._answer)
        self.finish(RunStatus.FAILED, hide(str(error)))

    def finish(self, status: RunStatus, error: str | None = None) -> None:
        """Write the run's result."""
        self.has_ended = True
        result = replace(
            self._job.record,
            status=status,
            started_at=self._started_at,
            finished_at=_now(),
            elapsed_s=self._elapsed(),
            seed=self._seed(),
            cost_usd=self._cost_usd(),
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
                RunStatus.RUNNING,
                event.step,
                event.total,
                event.stage,
                preview=preview,
                remaining_s=remaining_s,
                position=event.position,
            )
        )

    def _show(self, progress: RunProgress) -> None:
        self._job.progress = replace(progress, elapsed_s=self._elapsed())
        self._live.write(self._job.run_id, self._job.progress)

    def _store(self, event: Produced) -> None:
        request, context = self._job.record.request, self.work.context
        scheduler = context.schedulers.get(str(request.parameters.get("scheduler")))
        environment = immutabledict({**self._environment, **_of_file(event)})
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
        """Return what the engine measured and the service said, as the log keeps it."""
        outcome: dict[str, Value] = {}
        if self._answer is not None and self.work.private is None:
            outcome |= self._answer.report
        outcome |= {f"{stage}_s": round(s, 4) for stage, s in self._finished.timings.items()}
        outcome |= {name: value for name, value in self._trouble.items() if name != PROBLEMS or not self.work.private}
        if self._finished.peak_memory_bytes is not None:
            outcome["peak_memory_bytes"] = self._finished.peak_memory_bytes
        if self._batch_size > 1:
            outcome["batch_size"] = self._batch_size
        if self._finished.fallbacks:
            outcome["fallbacks"] = self._finished.fallbacks
        return outcome

    def _seed(self) -> int | None:
        """Return the seed really used: a service may choose its own."""
        said = self._answer.report.get("seed") if self._answer else None
        return said if isinstance(said, int) else self._job.record.seed

    def _cost_usd(self) -> float | None:
        expected = self._job.record.estimate
        if self.work.context.ticket is not None and expected is not None and expected.cost_usd == 0:
            return 0.0  # fetched for a run that has failed: what it costs is logged there
        if self._finished.cost_usd is not None or self._answer is None:
            return self._finished.cost_usd
        return self._answer.cost_usd

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


def _of_file(event: Produced) -> dict[str, Value]:
    """Return what is known of the making of one file; what is as usual is left out."""
    batch: dict[str, Value] = {"batch_size": event.batch_size} if event.batch_size > 1 else {}
    return batch | ({"fallbacks": event.fallbacks} if event.fallbacks else {})


def _trouble(error: StudioError, *, has_ticket: bool, answer: Answered | None) -> dict[str, Value]:
    """Return what is to be known of an error beside its words.

    ``may_be_billed``: nobody knows, or nobody has said how much. ``can_be_fetched``: the result is, or may be, at the
    service. ``problems``: parameter → what is wrong with it.
    """
    told = error if isinstance(error, ServiceError) else None
    # Whatever else goes wrong once a service has the job, such as a full disk, is no word about the job.
    paid = told.paid if told else "yes" if answer else "unclear" if has_ticket else "no"
    is_there = has_ticket and (told is None or answer is not None) and not isinstance(error, ResultExpiredError)
    trouble: dict[str, Value] = {}
    if paid == "unclear" or (paid == "yes" and (answer is None or answer.cost_usd is None)):
        trouble["may_be_billed"] = True
    if is_there or (told is not None and told.can_be_fetched):
        trouble["can_be_fetched"] = True
    if told is not None and told.problems:
        trouble[PROBLEMS] = immutabledict({problem.field: problem.message for problem in told.problems})
    return trouble


def _now() -> datetime:
    return datetime.now(UTC)
