"""What torch really allocates on the CPU while something runs, from its own profiler."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile, record_function


@dataclass(frozen=True)
class Allocated:
    """The memory of one run.

    Attributes
    ----------
    peak_bytes : int
        Highest sum of what was allocated since it began.
    stages : dict
        Name of a marked span → the most it took beyond what was there when it began.
    """

    peak_bytes: int
    stages: dict[str, int] = field(default_factory=dict)


def allocated(work: Callable[[], object]) -> Allocated:
    """Run `work` and return what it allocated; spans are marked by `marked`."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True, acc_events=True) as profiler:
        work()
    events = profiler.profiler.kineto_results.events()
    heights = list(_heights(events))
    stages: dict[str, int] = {}
    for event in events:
        if event.name().startswith(_MARK):
            name, begun, ended = event.name().removeprefix(_MARK), event.start_ns(), event.end_ns()
            before = next((height for time, height in reversed(heights) if time < begun), 0)
            inside = [height for time, height in heights if begun <= time <= ended]
            stages[name] = max(stages.get(name, 0), max(inside, default=before) - before)
    return Allocated(max(height for _, height in heights), stages)


def mark(pipe: Any) -> None:
    """Mark the calls of a pipeline's networks."""
    for name, part in pipe.components.items():
        if isinstance(part, torch.nn.Module):
            for way in ("encode", "decode") if hasattr(part, "decode") else ("forward",):
                setattr(part, way, _marked(f"{name}.{way}", getattr(part, way)))


_MARK = "stage "


def _marked(name: str, run: Callable[..., Any]) -> Callable[..., Any]:
    def marked(*args: Any, **named: Any) -> Any:
        with record_function(f"{_MARK}{name}"):
            return run(*args, **named)

    return marked


def _heights(events: Any) -> Iterator[tuple[int, int]]:
    live = 0
    for event in sorted((one for one in events if one.name() == "[memory]"), key=lambda one: one.start_ns()):
        live += event.nbytes()
        yield event.start_ns(), live
