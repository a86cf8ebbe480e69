"""Several requests handed to an engine at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine_subjects import Subject
from studio_kernel.domain.events import Produced
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.tasks import Task
from studio_kernel.engines.base import BatchEngine, CancelToken, Member, MemberEvent

PROMPTS = ["a red boat", "a blue house on a hill", "a boat"]


def batch_engine(subject: Subject) -> BatchEngine:
    assert isinstance(subject.engine, BatchEngine)
    return subject.engine


def members(requests: Sequence[GenerationRequest]) -> list[Member]:
    return [Member(request, CancelToken()) for request in requests]


def together(subject: Subject, requests: Sequence[GenerationRequest], batch_size: int) -> list[MemberEvent]:
    return list(batch_engine(subject).stream_batch(members(requests), subject.context(), batch_size))


def files_of(events: Sequence[MemberEvent]) -> dict[int, list[Produced]]:
    found: dict[int, list[Produced]] = {}
    for place, event in events:
        if isinstance(event, Produced):
            assert place is not None
            found.setdefault(place, []).append(event)
    return found


def bytes_of(events: Sequence[MemberEvent]) -> list[bytes]:
    """The first file of each member."""
    found = files_of(events)
    return [found[place][0].data for place in sorted(found)]


def different(subject: Subject, count: int, task: Task = Task.TEXT_TO_IMAGE, **values: Any) -> list[GenerationRequest]:
    """Requests that differ in everything that may differ in a pass."""
    return [
        subject.request(
            task,
            seed=7 + n,
            prompt=PROMPTS[n % 3],
            negative_prompt=["", "dark"][n % 2],
            guidance_scale=2.0 + n,
            **values,
        )
        for n in range(count)
    ]
