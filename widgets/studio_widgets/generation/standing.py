"""How far a run is, as words and HTML; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio_kernel.domain import words
from studio_kernel.domain.events import WAITING
from studio_kernel.domain.runs import RunStatus

if TYPE_CHECKING:
    from studio_widgets.generation.state import GenerationState


def bar_of(step: int, total: int) -> str:
    """Return a bar; one that only moves while nothing is known of the steps."""
    value = f'max="{total}" value="{step}"' if total else ""
    return f'<progress class="st-progress" {value} aria-label="Progress"></progress>'


def stage_of(run: GenerationState) -> str:
    """Return what is being done, as a phrase."""
    if run.status == RunStatus.QUEUED:
        return "waiting for its turn"
    if run.stage == WAITING:
        return f"waiting in the service's queue{_before(run.position)}"
    stage = run.stage or run.status
    return f"{stage}, step {run.step} of {run.total}" if run.step else stage


def time_of(run: GenerationState) -> str:
    """Return how long ago it was asked for, and what is left where that is known."""
    left = f", about {words.duration(run.remaining_s)} left" if run.remaining_s else ""
    return f"{_clock(run.passed_s)}{left}"


def _before(position: int | None) -> str:
    if position is None:
        return ""
    return f", {position} before it" if position else ", next"


def _clock(seconds: float) -> str:
    """Return a time that goes on, down to the second."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
