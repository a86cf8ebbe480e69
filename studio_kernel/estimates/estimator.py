"""Joins what is known of memory, time and money into the estimate of a run."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

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
from studio_kernel.domain.pricing import InputFacts, cost_of
from studio_kernel.domain.queue import QueueEntry
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.estimates import durations
from studio_kernel.runlog import PastRun, RunLog
from studio_kernel.workshop import Workshop


@dataclass(slots=True)
class Estimator:
    """Estimates the runs of a home.

    Attributes
    ----------
    workshop : Workshop
        Its catalog, engines and files.
    log : RunLog
        Knows how long runs took.
    """

    workshop: Workshop
    log: RunLog
    _past: dict[str, list[PastRun]] = field(default_factory=dict)
    _stamp: str = ""

    def estimate(self, request: GenerationRequest, *, setup: Setup | None = None, batch_size: int = 1) -> Estimate:
        """Return what a complete request would take.

        Parameters
        ----------
        setup : Setup
            How its model would be held; as it is here when left out.
        batch_size : int
            Requests like it in one pass; time and money are those of one of them.
        """
        memory: MemoryEstimate | None = None
        del setup
        time = self.time(request, batch_size)
        if time is not None:
            time = durations.after(time, self.wait_s(request))
        cost = self.cost(request, time)
        images = _images(request)
        return Estimate(memory, time, cost, images, tuple(_warnings(images)))

    def cost(self, request: GenerationRequest, time: TimeEstimate | None = None) -> CostEstimate:
        """Return what a request costs; `time` is how long it takes, for services that charge by that."""
        card = self.workshop.models[request.model]
        is_learnt = time is not None and time.basis is not TimeBasis.PRIOR
        facts = InputFacts(seconds=time.seconds if time and is_learnt else None)
        return cost_of(card, request, facts, is_remote=self._is_remote(card))

    def time(self, request: GenerationRequest, batch_size: int = 1) -> TimeEstimate | None:
        """Return how long a request takes; `None` when nothing is known."""
        card = self.workshop.models[request.model]
        known = durations.learnt(card, request, self._past_runs(request.model), batch_size)
        if known is None and self._is_remote(card):
            return durations.first_guess(durations.REMOTE_PRIOR_S[request.task.makes])
        return known

    def wait_s(self, request: GenerationRequest) -> float:
        """Return how long what is at work and waits on the same engine keeps a new run waiting."""
        card = self.workshop.models[request.model]
        ahead = [entry for entry in self._queue() if entry.record.engine == card.engine and not entry.is_cancelled]
        engine = self.workshop.engine_of(card)
        lanes = engine.capabilities.lanes if engine else 1
        if len(ahead) < lanes:
            return 0.0
        return math.fsum(self._remaining_s(entry) for entry in ahead) / lanes

    def _remaining_s(self, entry: QueueEntry) -> float:
        """Return how long a run of the queue still takes; nothing where that is not known."""
        record = entry.record
        known = (
            self.time(record.request, record.origin.batch_size)
            if record.request.model in self.workshop.models
            else None
        )
        worked = (datetime.now(UTC) - record.started_at).total_seconds() if record.started_at else 0.0
        return max(0.0, known.seconds - worked) if known else 0.0

    def _queue(self) -> Iterable[QueueEntry]:
        known = self.log.queued_runs()
        known.refresh()
        return known.queue

    def _is_remote(self, card: ModelCard) -> bool:
        engine = self.workshop.engine_of(card)
        return engine.capabilities.remote if engine else bool(card.source.endpoint)

    def _past_runs(self, model: str) -> list[PastRun]:
        """Return the newest runs of a model; the log is asked again only when something was logged."""
        stamp = self.log.changed_since(self._stamp)
        if stamp != self._stamp:
            self._past.clear()
            self._stamp = stamp
        if model not in self._past:
            self._past[model] = self.log.past_runs(model)
        return self._past[model]


def _images(request: GenerationRequest) -> int:
    images = request.parameters.get("num_images", 1)
    return images if isinstance(images, int) else 1


def _warnings(images: int) -> list[str]:
    return [f"{images} pictures at once are more than {MANY_IMAGES}"] if images > MANY_IMAGES else []
