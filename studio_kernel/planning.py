"""What a sweep would do: which cells can run, which are done, which are computed together and in what order.

The slowest thing to change goes outermost: cells of one model follow each other, within them those with the same
LoRAs, and within those the ones that one pass through the model can hold. Passes of a group have one size, chosen from
the whole group and not from what is left of it, so that a cell that is computed later comes out the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from studio_kernel.domain import words
from studio_kernel.domain.budget import dollars
from studio_kernel.domain.estimate import FREE, MANY_IMAGES, CostBasis, CostEstimate, TimeEstimate
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.pricing import total_of
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.sweep import Cell
from studio_kernel.engines.base import BatchEngine, Engine
from studio_kernel.estimates.durations import total
from studio_kernel.estimates.estimator import NOTHING_TRACED, Estimator, Traced, images_of
from studio_kernel.outcome import axis_columns
from studio_kernel.runlog import RunLog

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class PlannedCell:
    """One cell before it runs.

    Attributes
    ----------
    cell : Cell
        Its place and coordinates.
    request : GenerationRequest or None
        Complete; `None` when the cell is invalid.
    problem : str
        Why it cannot run; empty when it can.
    done_run_id : str or None
        The run that has its result already.
    live_run_id : str or None
        The run that is at work on it, or waits to be.
    unclear_run_id : str or None
        The run that a service may have done and billed without our knowing: it is not asked for again by itself, only
        with `Studio.retry`.
    group : int or None
        The cells of one group can be computed in the same pass; numbered in the order of work.
    batch_size : int
        How many cells of its group a pass holds; 1 = it is computed alone.
    time : TimeEstimate or None
        How long its share of the pass takes; `None` when nothing is known.
    cost : CostEstimate
        What it costs.
    """

    cell: Cell
    request: GenerationRequest | None
    problem: str = ""
    done_run_id: str | None = None
    live_run_id: str | None = None
    unclear_run_id: str | None = None
    group: int | None = None
    batch_size: int = 1
    time: TimeEstimate | None = None
    cost: CostEstimate = FREE

    @property
    def seconds(self) -> float | None:
        """Median of how long it takes; `None` when nothing is known."""
        return self.time.seconds if self.time else None

    @property
    def cost_usd(self) -> float | None:
        """What it costs; `None` when there is no price."""
        return self.cost.cost_usd

    @property
    def state(self) -> str:
        """``invalid``, ``done``, ``under way``, ``unclear`` or ``to do``."""
        if self.problem:
            return "invalid"
        if self.done_run_id:
            return "done"
        return "under way" if self.live_run_id else "unclear" if self.unclear_run_id else "to do"


@dataclass(frozen=True)
class SweepPlan:
    """What a sweep would do.

    Attributes
    ----------
    cells : tuple of PlannedCell
        In the sweep's order.
    trace : callable
        Returns what dry runs tell of requests in passes of so many. They may take seconds, so it is called only when
        somebody wants to know.
    """

    cells: tuple[PlannedCell, ...]
    trace: Callable[[Sequence[tuple[GenerationRequest, int]]], list[Traced]] = field(repr=False, compare=False)

    @property
    def size(self) -> int:
        """Number of cells."""
        return len(self.cells)

    @cached_property
    def invalid(self) -> tuple[PlannedCell, ...]:
        """Cells that cannot run."""
        return tuple(cell for cell in self.cells if cell.problem)

    @cached_property
    def done(self) -> tuple[PlannedCell, ...]:
        """Cells whose result the home has already."""
        return tuple(cell for cell in self.cells if cell.done_run_id)

    @cached_property
    def under_way(self) -> tuple[PlannedCell, ...]:
        """Cells that a run is at work on, or waits to be, such as those of a sweep that was begun before."""
        return tuple(cell for cell in self.cells if cell.state == "under way")

    @cached_property
    def unclear(self) -> tuple[PlannedCell, ...]:
        """Cells that may have been billed already, though there is no result."""
        return tuple(cell for cell in self.cells if cell.state == "unclear")

    @cached_property
    def to_do(self) -> tuple[PlannedCell, ...]:
        """Cells that would be computed, in the order of work."""
        waiting = [cell for cell in self.cells if cell.state == "to do"]
        return tuple(sorted(waiting, key=lambda planned: (planned.group or 0, planned.cell.index)))

    @property
    def groups(self) -> int:
        """Number of groups that have something to do."""
        return len({cell.group for cell in self.to_do})

    @property
    def passes(self) -> int:
        """Number of passes through a model that it takes to do what is to be done."""
        waiting: dict[int | None, list[int]] = {}
        for planned in self.to_do:
            waiting.setdefault(planned.group, []).append(planned.batch_size)
        return sum(math.ceil(len(sizes) / sizes[0]) for sizes in waiting.values())

    @property
    def model_loads(self) -> int:
        """How often the model changes, the first one included."""
        models = [planned.request.model for planned in self.to_do if planned.request]
        return sum(1 for before, now in zip([None, *models], models, strict=False) if before != now)

    @cached_property
    def times(self) -> tuple[TimeEstimate | None, ...]:
        """How long each cell takes: as runs before it tell, else by the amount of computing."""
        if all(planned.time for planned in self.to_do):
            return tuple(planned.time for planned in self.cells)
        return tuple(
            planned.time or (traced.time(planned.request, planned.batch_size) if planned.request else None)
            for planned, traced in zip(self.cells, self._traced, strict=True)
        )

    @cached_property
    def time(self) -> TimeEstimate | None:
        """How long what is to do takes, one pass after the other; `None` when that is not known of every cell."""
        of_cells = dict(zip((planned.cell.index for planned in self.cells), self.times, strict=True))
        known = [time for planned in self.to_do if (time := of_cells[planned.cell.index]) is not None]
        return total(known) if len(known) == len(self.to_do) else None

    @property
    def seconds(self) -> float | None:
        """Median of `time`."""
        return self.time.seconds if self.time else 0.0 if not self.to_do else None

    @cached_property
    def cost(self) -> CostEstimate:
        """What it costs to do what is to be done: the sum of its cells."""
        return total_of(planned.cost for planned in self.to_do)

    @property
    def cost_usd(self) -> float | None:
        """The amount of `cost`; `None` when a cell has no price."""
        return self.cost.cost_usd

    @cached_property
    def images(self) -> int:
        """How many pictures (clips, sounds) what is to do makes."""
        return sum(images_of(planned.request) for planned in self.to_do if planned.request)

    @cached_property
    def peaks(self) -> tuple[int | None, ...]:
        """Device memory of each cell in bytes; `None` where it needs none here. The first look may take seconds."""
        return tuple(traced.vram_bytes for traced in self._traced)

    @cached_property
    def _traced(self) -> tuple[Traced, ...]:
        asked = [(planned.request, planned.batch_size) for planned in self.cells if planned.request]
        found = iter(self.trace(asked))
        return tuple(next(found) if planned.request else NOTHING_TRACED for planned in self.cells)

    @property
    def vram_bytes(self) -> int | None:
        """Device memory of the cell to do that needs most; `None` where none is needed here."""
        of_cells = dict(zip((planned.cell.index for planned in self.cells), self.peaks, strict=True))
        return max(filter(None, (of_cells[planned.cell.index] for planned in self.to_do)), default=None)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to look at before starting it."""
        found = [f"{self.images} pictures are more than {MANY_IMAGES}"] if self.images > MANY_IMAGES else []
        unknown = sum(1 for planned in self.to_do if planned.cost_usd is None)
        return (*found, *([f"{unknown} cells have no known price"] if unknown else []))

    def frame(self) -> pd.DataFrame:
        """Return the plan as a table, a row a cell: its coordinates, its state and how it would be computed."""
        import pandas as pd

        columns = axis_columns([planned.cell for planned in self.cells])
        prompts = [planned.request.prompt if planned.request else None for planned in self.cells]
        columns.setdefault("prompt", pd.Series(prompts, dtype="str"))
        columns["state"] = pd.Series([planned.state for planned in self.cells], dtype="str")
        columns["reason"] = pd.Series([planned.problem for planned in self.cells], dtype="str")
        columns["group"] = pd.Series([planned.group for planned in self.cells], dtype="Int64")
        columns["batch_size"] = pd.Series([planned.batch_size for planned in self.cells], dtype="int64")
        columns["seconds"] = pd.Series([time.seconds if time else None for time in self.times], dtype="float64")
        columns["vram_bytes"] = pd.Series(self.peaks, dtype="Int64")
        columns["cost_usd"] = pd.Series([planned.cost_usd for planned in self.cells], dtype="float64")
        return pd.DataFrame(columns)

    @property
    def summary(self) -> str:
        """The plan in one line: how many cells there are, what is to do and what is not."""
        unclear = f", {len(self.unclear)} that may have been billed and are not asked for again" if self.unclear else ""
        return (
            f"{self.size} cells, {len(self.to_do)} to do in {self.passes} passes with {self.model_loads} model loads, "
            f"{len(self.under_way)} under way, {len(self.done)} done, {len(self.invalid)} invalid{unclear}"
            f"{self._expected}"
        )

    @property
    def _expected(self) -> str:
        """What is to do takes so long and costs so much, and what to mind about it."""
        time = f"; about {words.duration(self.time.seconds)}" if self.time else ""
        is_free = self.cost.basis is CostBasis.LOCAL
        cost = "" if is_free or self.cost_usd is None else f"; {dollars(self.cost_usd)}"
        return time + cost + "".join(f"; {warning}" for warning in self.warnings)

    def __repr__(self) -> str:
        return f"<SweepPlan: {self.summary}>"

    def _repr_html_(self) -> str:
        html: str = self.frame().to_html(index=False, max_rows=100)
        return f"<p>{self.summary}</p>{html}"


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans the sweeps of a home.

    Attributes
    ----------
    models : mapping
        The catalog.
    engine_of : callable
        Returns the engine that runs a card; `None` when there is none.
    log : RunLog
        Knows what is done and what is under way.
    estimator : Estimator
        Knows what runs take.
    takes_up : callable
        Returns which of some runs that have not ended can be waited for: digest → id in and out.
    """

    models: Mapping[str, ModelCard]
    engine_of: Callable[[ModelCard], Engine | None]
    log: RunLog
    estimator: Estimator
    takes_up: Callable[[Mapping[str, str]], Mapping[str, str]]
    _engines: dict[str, BatchEngine | None] = field(default_factory=dict, init=False, repr=False)

    def plan(
        self,
        checked: Iterable[tuple[Cell, GenerationRequest | None, str]],
        *,
        batch_size: int | None = None,
    ) -> SweepPlan:
        """Return the plan of some cells.

        Parameters
        ----------
        checked : iterable
            Each cell with its complete request, or why it has none.
        batch_size : int or None
            At most so many cells in a pass; `None` = as many as the engine advises. With 1, only results that were
            computed alone count as done.
        """
        rows = list(checked)
        asked = [request.digest for _, request, _ in rows if request is not None]
        size = 1 if batch_size == 1 else None
        live = self.takes_up(self.log.unfinished_with(asked, batch_size=size))
        # Asked second: what ends in between is in both, and not in neither.
        done = self.log.succeeded_with(asked, batch_size=size)
        unclear = self.log.unclear_with(asked) if len(done) < len(asked) else {}
        groups = self._groups([(cell, request) for cell, request, _ in rows if request is not None])
        sizes = [self._size(members, batch_size) for members in groups]
        group_of = {cell.index: n for n, members in enumerate(groups) for cell, _ in members}
        together = [
            (cell.index, request, size)
            for members, size in zip(groups, sizes, strict=True)
            for cell, request in members
        ]
        learnt = self.estimator.times((self.models[request.model], request, size) for _, request, size in together)
        times = {index: time for (index, _, _), time in zip(together, learnt, strict=True)}
        return SweepPlan(
            tuple(
                PlannedCell(cell, None, problem)
                if request is None
                else PlannedCell(
                    cell,
                    request,
                    done_run_id=done.get(request.digest),
                    live_run_id=live.get(request.digest),
                    unclear_run_id=unclear.get(request.digest),
                    group=group_of[cell.index],
                    batch_size=sizes[group_of[cell.index]],
                    time=times[cell.index],
                    cost=self.estimator.cost(self.models[request.model], request, times[cell.index]),
                )
                for cell, request, problem in rows
            ),
            self.estimator.traced,
        )

    def _groups(self, cells: Sequence[tuple[Cell, GenerationRequest]]) -> list[list[tuple[Cell, GenerationRequest]]]:
        """Return the cells by what can be in one pass, those of one model and of the same LoRAs next to each other."""
        groups: dict[tuple[Hashable, ...], list[tuple[Cell, GenerationRequest]]] = {}
        ranks: dict[tuple[Hashable, ...], int] = {}
        for cell, request in cells:
            model, adapters = (request.model, request.task), tuple(lora.id for lora in request.loras)
            key = self._key(request)
            group = (model, adapters, request.loras, cell.index if key is None else ("", key))
            groups.setdefault(group, []).append((cell, request))
            for depth in range(1, len(group) + 1):
                ranks.setdefault(group[:depth], len(ranks))
        order = sorted(groups, key=lambda group: [ranks[group[:depth]] for depth in range(1, len(group) + 1)])
        return [groups[group] for group in order]

    def _key(self, request: GenerationRequest) -> Hashable | None:
        engine = self._batch_engine(request.model)
        return engine.batch_key(request, self.models[request.model]) if engine else None

    def _size(self, members: Sequence[tuple[Cell, GenerationRequest]], limit: int | None) -> int:
        """Return how many of a group go into a pass: as many passes as needed, as equal in size as can be."""
        request = members[0][1]
        engine = self._batch_engine(request.model)
        if engine is None or self._key(request) is None:
            return 1
        most = limit or engine.batch_limit(request)
        return math.ceil(len(members) / math.ceil(len(members) / most))

    def _batch_engine(self, model: str) -> BatchEngine | None:
        """Return the engine of a model if it makes several requests at once; remembered, for asking takes its time."""
        if model not in self._engines:
            engine = self.engine_of(self.models[model])
            self._engines[model] = engine if isinstance(engine, BatchEngine) else None
        return self._engines[model]
