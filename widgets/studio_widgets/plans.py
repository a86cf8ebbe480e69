"""The plan of a sweep in numbers and words, as panels show it before it runs; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from studio_kernel.domain import words
from studio_kernel.domain.budget import dollars
from studio_kernel.domain.estimate import MANY_IMAGES, CostBasis
from studio_kernel.domain.values import describe
from studio_kernel.planning import SweepPlan

MOST_REASONS = 5
NO_PRICE = "price not known"


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """What starting a sweep now would do.

    Attributes
    ----------
    cells, to_do, done, under_way, unclear, invalid : int
        How many cells there are in all and of each kind.
    images : int
        How many pictures (clips, sounds) would be made.
    passes, model_loads : int
        Passes through a model, and how often the model changes.
    cost_usd : float or None
        What is to do costs; `None` = nobody knows.
    is_free : bool
        It runs here.
    unpriced : int
        Cells whose price nobody knows.
    seconds : float or None
        How long what is to do takes; `None` = not known.
    vram_bytes : int or None
        Device memory of the cell that needs most; `None` where none is needed here, or before that is known.
    is_complete : bool
        Time and memory have been looked at.
    problems : tuple of str
        Cells that cannot run and why, the first few different ones.
    """

    cells: int
    to_do: int
    done: int
    under_way: int
    unclear: int
    invalid: int
    images: int
    passes: int
    model_loads: int
    cost_usd: float | None
    is_free: bool
    unpriced: int
    seconds: float | None = None
    vram_bytes: int | None = None
    is_complete: bool = False
    problems: tuple[str, ...] = ()

    @property
    def is_many(self) -> bool:
        """Whether so many pictures would be made that it needs a yes."""
        return self.images > MANY_IMAGES


def facts_of(plan: SweepPlan) -> Iterator[PlanFacts]:
    """Yield what is known of a plan at once, and then with what may take seconds to find out."""
    yield _facts(plan, is_complete=False)
    yield _facts(plan, is_complete=True)


def _facts(plan: SweepPlan, *, is_complete: bool) -> PlanFacts:
    is_timed = is_complete or all(planned.time for planned in plan.to_do)
    return PlanFacts(
        cells=plan.size,
        to_do=len(plan.to_do),
        done=len(plan.done),
        under_way=len(plan.under_way),
        unclear=len(plan.unclear),
        invalid=len(plan.invalid),
        images=plan.images,
        passes=plan.passes,
        model_loads=plan.model_loads,
        cost_usd=plan.cost_usd,
        is_free=plan.cost.basis is CostBasis.LOCAL,
        unpriced=sum(1 for planned in plan.to_do if planned.cost_usd is None),
        seconds=plan.seconds if is_timed else None,
        vram_bytes=plan.vram_bytes if is_complete else None,
        is_complete=is_complete,
        problems=tuple(_problems(plan)),
    )


def _problems(plan: SweepPlan) -> Iterator[str]:
    """Yield each reason once, with the first cell that it is about and how many there are."""
    by_reason: dict[str, list[str]] = {}
    for planned in plan.invalid:
        where = ", ".join(f"{name} {describe(value)}" for name, value in planned.cell.coordinates.items())
        by_reason.setdefault(planned.problem, []).append(where)
    for reason, cells in list(by_reason.items())[:MOST_REASONS]:
        more = f" and {len(cells) - 1:,} more" if len(cells) > 1 else ""
        yield f"{cells[0]}{more}: {reason}"
    if len(by_reason) > MOST_REASONS:
        yield f"and {len(by_reason) - MOST_REASONS} other reasons"


def line(facts: PlanFacts | None, *, is_stale: bool) -> str:
    """Return the plan as a line of HTML that is busy while a newer one is made; nothing before the first."""
    shown = "".join(f"<span>{escape(text)}</span>" for text in _parts(facts)) if facts else ""
    busy = is_stale or (facts is not None and not facts.is_complete)
    updating = f'<span class="se-updating">{"updating" if facts else "planning"} …</span>' if busy else ""
    flag = "true" if is_stale else "false"
    return f'<div class="se-line" role="status" aria-busy="{flag}">{shown}{updating}</div>'


def _parts(facts: PlanFacts) -> Iterator[str]:
    yield f"{facts.cells:,} cell{'' if facts.cells == 1 else 's'}"
    yield f"{facts.to_do:,} to do"
    for number, what in (
        (facts.done, "done already"),
        (facts.under_way, "under way"),
        (facts.unclear, "may have been billed and are not asked for again"),
        (facts.invalid, "cannot run"),
    ):
        if number:
            yield f"{number:,} {what}"
    if facts.images != facts.to_do:
        yield f"{facts.images:,} results"
    if facts.to_do:
        yield from _takes(facts)


def _takes(facts: PlanFacts) -> Iterator[str]:
    if 1 < facts.passes < facts.to_do or (facts.passes == 1 < facts.to_do):
        yield f"in {facts.passes:,} pass{'' if facts.passes == 1 else 'es'}"
    if facts.model_loads > 1:
        yield f"{facts.model_loads} model loads"
    if facts.seconds is not None:
        yield f"about {words.duration(facts.seconds)}"
    elif facts.is_complete:
        yield "time not known"
    yield "free: runs here" if facts.is_free else NO_PRICE if facts.cost_usd is None else dollars(facts.cost_usd)
    if facts.vram_bytes is not None:
        yield f"{words.size(facts.vram_bytes)} of device memory"
