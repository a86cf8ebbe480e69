"""Joins what is known of memory, time and money into the estimate of a run.

`Estimator.estimate` may take seconds the first time, because a pipeline is traced; `Estimator.at_hand` neither starts
nor reads anything and tells what is known already.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from studio_kernel.budgets import Budgets, Purchase
from studio_kernel.domain.estimate import (
    MANY_IMAGES,
    CostEstimate,
    Estimate,
    MemoryEstimate,
    Setup,
    TimeBasis,
    TimeEstimate,
)
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.pricing import price_warnings
from studio_kernel.domain.quantities import ASSUMED_COMPUTE_S
from studio_kernel.domain.queue import QueueEntry
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import Origin, RunEstimate
from studio_kernel.domain.values import AssetRef, Value
from studio_kernel.errors import ModelUnavailableError
from studio_kernel.estimates import durations
from studio_kernel.estimates.memory import Case, Memories, shape_of
from studio_kernel.estimates.vram.subject import Subject
from studio_kernel.estimates.vram.trace import Trace, Untraceable
from studio_kernel.estimates.vram.tracer import Tracer
from studio_kernel.runlog import PastRun, RunLog
from studio_kernel.workshop import Workshop

LOOK_AGAIN_S = 60.0
"""So often, at most, the log is asked how long runs of a model take while runs are submitted; it takes the time of a
run some 15 ms."""
UNKNOWN_AGAIN_S = 1.0
"""The same as long as it has no answer."""


@dataclass(frozen=True, slots=True)
class Traced:
    """What a dry run tells of requests of one shape.

    Attributes
    ----------
    vram_bytes : int or None
        Device memory of a pass; `None` where none is needed here.
    """

    vram_bytes: int | None = None
    flops_per_s: float | None = None
    case: Case | None = None

    def time(self, request: GenerationRequest, batch_size: int) -> TimeEstimate | None:
        """Return how long a first run should take, by the amount of computing; `None` when that is not known."""
        if self.case is None or self.flops_per_s is None or not isinstance(self.case.trace, Trace):
            return None
        return durations.by_computing(self.case.trace, request, self.flops_per_s, batch_size)


NOTHING_TRACED = Traced()


class Estimator:
    """Estimates the runs of a home; may be used from any thread.

    Parameters
    ----------
    workshop : Workshop
        Its catalog, engines and files.
    log : RunLog
        Knows how long runs took.
    budgets : Budgets
        Knows what runs cost, and what may be spent.
    inline : bool
        Whether models are loaded into this process.
    """

    def __init__(self, workshop: Workshop, log: RunLog, budgets: Budgets, *, inline: bool) -> None:
        self._workshop, self._log, self._budgets, self._inline = workshop, log, budgets, inline
        self._times: dict[tuple[str, frozenset[tuple[str, Value]], float, int], TimeEstimate | None] = {}
        self._past: dict[str, list[PastRun]] = {}
        self._peaks: dict[Hashable, int | None] = {}
        self._stamp = ""
        self._looked_at: dict[str, float] = {}

    def estimate(self, request: GenerationRequest, *, setup: Setup | None = None, batch_size: int = 1) -> Estimate:
        """Return what a complete request would take.

        Parameters
        ----------
        setup : Setup
            How its model would be held; as it is here when left out.
        batch_size : int
            Requests like it in one pass; time and money are those of one of them.
        """
        card = self._workshop.models[request.model]
        memories = self._memories()
        case = memories.case(card, request, setup, batch_size)
        memory = memories.estimate(case) if case else None
        if memory is not None and setup is None:
            self._peaks[shape_of(request, batch_size)] = memory.vram_bytes
        duration = self.time(request, batch_size)
        if duration is None and case is not None:
            duration = Traced(None, self._speed_of(case), case).time(request, batch_size)
        if duration is not None:
            duration = durations.after(duration, self.wait_s(request))
        cost = self.cost(card, request, duration)
        images = images_of(request)
        said = (*self._warnings(card, memory, images), *self._warnings_of_money(request, cost))
        return Estimate(memory, duration, cost, images, said)

    def architecture(self, subject: Subject, setup: Setup | None = None) -> MemoryEstimate:
        """Return the memory of a call of an architecture that ships.

        Raises
        ------
        ModelUnavailableError
            When none of that name ships, or it cannot be traced.
        """
        memories = self._memories()
        case = memories.case_of_architecture(subject, setup)
        if isinstance(case.trace, Untraceable):
            raise ModelUnavailableError(f"architecture {subject.architecture!r}: {case.trace.reason}")
        return case.estimate(case.trace)

    def time(self, request: GenerationRequest, batch_size: int = 1) -> TimeEstimate | None:
        """Return how long a request takes, as runs before it tell; `None` when nothing is known."""
        return self.times([(self._workshop.models[request.model], request, batch_size)])[0]

    def times(self, asked: Iterable[tuple[ModelCard, GenerationRequest, int]]) -> list[TimeEstimate | None]:
        """Return how long each of some requests takes in a pass of so many; the log is looked at once."""
        self._follow_the_log()
        return [self._time(card, request, batch_size) for card, request, batch_size in asked]

    def known(self, card: ModelCard, request: GenerationRequest, batch_size: int = 1) -> TimeEstimate | None:
        """Return how long a request takes as far as that is known without looking into the log."""
        return self._time(card, request, batch_size) if card.id in self._past else None

    def cost(
        self,
        card: ModelCard,
        request: GenerationRequest,
        time: TimeEstimate | None = None,
        *,
        read: Callable[[AssetRef], Path] | None = None,
    ) -> CostEstimate:
        """Return what a request costs.

        Parameters
        ----------
        time : TimeEstimate or None
            How long it takes, for services that charge by that.
        read : callable
            Where its files are; the home's when left out.
        """
        is_learnt = time is not None and time.basis is not TimeBasis.PRIOR
        seconds = time.seconds if time and is_learnt else None
        return self._budgets.cost_of(card, request, read=read, seconds=seconds)

    def traced(self, asked: Sequence[tuple[GenerationRequest, int]]) -> list[Traced]:
        """Return what dry runs tell of some requests in passes of so many; equal ones are traced once."""
        memories = self._memories()
        known: dict[Hashable, Traced] = {}

        def told(request: GenerationRequest, batch_size: int) -> Traced:
            shape = shape_of(request, batch_size)
            if shape not in known:
                case = memories.case(self._workshop.models[request.model], request, batch_size=batch_size)
                known[shape] = Traced(memories.peak(case), self._speed_of(case), case) if case else NOTHING_TRACED
                self._peaks[shape] = known[shape].vram_bytes
            return known[shape]

        return [told(request, batch_size) for request, batch_size in asked]

    def at_hand(
        self, card: ModelCard, request: GenerationRequest, origin: Origin, cost_usd: float | None
    ) -> RunEstimate:
        """Return what is expected of a run, as far as it is known without looking, for the log to keep.

        The looking is done beside the work, for the runs after it.
        """
        self._look_later(card.id)
        known = self.known(card, request, origin.batch_size)
        peak = self._peaks.get(shape_of(request, origin.batch_size))
        return RunEstimate(cost_usd, known.seconds if known else None, peak)

    def wait_s(self, request: GenerationRequest) -> float:
        """Return how long what is at work and waits on the same engine keeps a new run waiting."""
        card = self._workshop.models[request.model]
        ahead = [entry for entry in self._queue() if entry.record.engine == card.engine and not entry.is_cancelled]
        engine = self._workshop.engine_of(card)
        lanes = engine.capabilities.lanes if engine else 1
        if len(ahead) < lanes:
            return 0.0
        self._follow_the_log()
        models = self._workshop.models
        known = (entry for entry in ahead if entry.record.request.model in models)
        return math.fsum(self._remaining_s(models[entry.record.request.model], entry) for entry in known) / lanes

    def close(self) -> None:
        """End what was started; may be called twice."""
        if "_tracer" in self.__dict__:
            self._tracer.close()

    @cached_property
    def _tracer(self) -> Tracer:
        return Tracer(self._workshop.home, own_pids=lambda: [os.getpid()] if self._inline else [])

    def _memories(self) -> Memories:
        usual = "auto" if self._inline else self._workshop.home.settings().worker.device
        return Memories(self._tracer, self._workshop.catalog, usual)

    def _speed_of(self, case: Case) -> float | None:
        return self._tracer.speed(case.device) if case.device and isinstance(case.trace, Trace) else None

    def _remaining_s(self, card: ModelCard, entry: QueueEntry) -> float:
        """Return how long a run of the queue still takes; nothing where that is not known."""
        record = entry.record
        known = self._time(card, record.request, record.origin.batch_size)
        worked = (datetime.now(UTC) - record.started_at).total_seconds() if record.started_at else 0.0
        return max(0.0, known.seconds - worked) if known else 0.0

    def _queue(self) -> Iterable[QueueEntry]:
        known = self._log.queued_runs()
        known.refresh()
        return known.queue

    def _time(self, card: ModelCard, request: GenerationRequest, batch_size: int) -> TimeEstimate | None:
        key, times = (request.model, *durations.kind_of(card, request), batch_size), self._times
        if key not in times:  # another thread may begin a new mapping meanwhile
            past = self._past_runs(request.model)
            times[key] = durations.learnt(card, request, past, batch_size) or self._assumed(card, request)
        return times[key]

    def _assumed(self, card: ModelCard, request: GenerationRequest) -> TimeEstimate | None:
        if not self._workshop.works_elsewhere(card):
            return None
        return durations.first_guess(ASSUMED_COMPUTE_S[request.task.makes])

    def _follow_the_log(self) -> None:
        """Forget what was learnt when something was logged since."""
        stamp = self._log.changed_since(self._stamp)
        if stamp != self._stamp:
            self._past, self._times, self._stamp = {}, {}, stamp

    def _look_later(self, model: str) -> None:
        """Read what runs of a model took, in the thread of the log; not often."""
        now = time.monotonic()
        pause = LOOK_AGAIN_S if self._past.get(model) else UNKNOWN_AGAIN_S
        if now - self._looked_at.get(model, float("-inf")) >= pause:
            self._looked_at[model] = now

            def look() -> None:
                stamp, found = self._stamp, self._log.past_runs(model)
                if stamp == self._stamp:  # nobody has looked in the meantime, who knows more
                    self._past, self._times = {**self._past, model: found}, {}

            self._log.later(look)

    def _past_runs(self, model: str) -> list[PastRun]:
        past = self._past
        if model not in past:
            past[model] = self._log.past_runs(model)
        return past[model]

    def _warnings_of_money(self, request: GenerationRequest, cost: CostEstimate) -> Iterable[str]:
        yield from price_warnings(cost, datetime.now(UTC).date())
        if cost.cost_usd != 0:
            judgement = self._budgets.judge([Purchase(request, Origin(), cost)], accept_unknown_price=True)
            yield from judgement.warnings
            if judgement.refusal is not None:
                yield str(judgement.refusal)

    def _warnings(self, card: ModelCard, memory: MemoryEstimate | None, images: int) -> Iterable[str]:
        status = self._workshop.models.status(card)
        if not status.selectable:
            yield f"it cannot run here now: {status.reason}"
        if memory and memory.fit and memory.fit.verdict == "does not fit":
            room = "more than this device has" if _is_too_large(memory) else "more than is free now"
            yield f"it needs {room}"
        if images > MANY_IMAGES:
            yield f"{images} pictures at once are more than {MANY_IMAGES}"
        if memory:
            yield from memory.warnings


def images_of(request: GenerationRequest) -> int:
    """Return how many pictures (clips, sounds) a request makes."""
    images = request.parameters.get("num_images", 1)
    return images if isinstance(images, int) else 1


def _is_too_large(memory: MemoryEstimate) -> bool:
    return memory.fit is not None and memory.vram_bytes > memory.fit.device.total_bytes
