"""A sweep at work: the plan before it runs, the runs of its cells, the table and the grid after.

A cell is keyed by the digest of its request, so a sweep never computes what the home already has, and starting it
again computes only what is missing.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from immutabledict import immutabledict

from studio_kernel.assets import AssetStore
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import Origin, RunRecord, RunStatus
from studio_kernel.domain.sweep import Cell, Sweep
from studio_kernel.domain.values import Value, freeze
from studio_kernel.drafting import template_of
from studio_kernel.errors import InvalidRequestError, Problem, StudioError
from studio_kernel.outcome import Outcome
from studio_kernel.planning import PlannedCell, SweepPlan
from studio_kernel.results import SweepResults
from studio_kernel.run import Run

if TYPE_CHECKING:
    from studio_kernel.numbers import Numbers, Reference
    from studio_kernel.studio import Studio


class SweepRun(SweepResults):
    """One sweep of a home.

    Made by `Studio.sweep`, not by hand.
    """

    def __init__(self, studio: Studio, sweep_id: str, definition: Sweep, project: str | None = None) -> None:
        self._studio = studio
        self.id = sweep_id
        self.definition = definition
        self.project = project
        self._runs: dict[int, Run] = {}
        self._refused: dict[int, str] = {}

    @property
    def size(self) -> int:
        """Number of cells."""
        return self.definition.size

    @property
    def runs(self) -> list[Run]:
        """The runs of the cells that have one, in the sweep's order."""
        return [self._runs[index] for index in sorted(self._runs)]

    def plan(self) -> SweepPlan:
        """Return what starting it now would do."""
        rows = ((cell, request, problem) for cell, (request, problem) in zip(self._cells, self._checked, strict=True))
        return self._studio.planner.plan(rows, batch_size=self.definition.batch_size)

    def require_valid(self) -> None:
        """Raise `InvalidRequestError` when not one cell can run."""
        if all(request is None for request, _ in self._checked):
            raise _refusal(problem for _, problem in self._checked)

    def start(self, *, accept_unknown_price: bool = False) -> SweepRun:
        """Begin every cell that has no result yet; returns at once.

        Parameters
        ----------
        accept_unknown_price : bool
            Begin also cells of which nobody knows what they cost.

        Raises
        ------
        BudgetExceededError
            When what is to do would cost more than a budget of the home allows; nothing is begun then.
        UnknownPriceError
            When a cell has no price and that is not accepted.
        """
        self._require_code()
        self.require_valid()
        plan = self.plan()
        self._studio.require_affordable(self._asked(plan.to_do).items(), accept_unknown_price=accept_unknown_price)
        self._studio.log_sweep(self.id, self.definition, self.project)
        self._refused.clear()
        for planned in plan.done:
            if planned.done_run_id and not self._has_result(planned):
                self._runs[planned.cell.index] = Run(self._studio, planned.done_run_id, has_ended=True)
        for planned in plan.under_way:
            if planned.live_run_id:
                self._runs[planned.cell.index] = self._studio.run(planned.live_run_id)
        for planned in plan.unclear:
            if (unclear := planned.unclear_run_id) is not None:
                fetching = self._studio.fetch(unclear, self._origin(planned))
                self._runs[planned.cell.index] = fetching or Run(self._studio, unclear, has_ended=True)
        self._begin(plan.to_do)
        if not self._runs:
            raise _refusal(self._refused.values())
        return self

    def resume(self, *, accept_unknown_price: bool = False) -> SweepRun:
        """Begin the cells that failed, were cancelled or never ran; finished ones stay.

        What a service has accepted and may still have the result of is fetched there. A cell that may have been billed
        and cannot be fetched stays as it is: `Studio.retry` asks for that again.
        """
        return self.start(accept_unknown_price=accept_unknown_price)

    def refine(
        self, around: Run | str | int | Mapping[str, object], points: int = 5, *, seed: int = 0, start: bool = False
    ) -> SweepRun:
        """Return a finer sweep around one cell, of the same project; only planned unless `start`.

        Axes of numbers get values between the winner's neighbours, groups of several of them a Latin hypercube, and
        everything else is held at the winner's value; seeds and rules stay. `domain.refining.refined` says how.

        Parameters
        ----------
        around : Run, str, int or mapping
            The winner: its run, the id of that, the number of its cell, or its coordinates.
        points : int
            Values of an axis, or points of a group.
        seed : int
            Of the Latin hypercube.

        Raises
        ------
        InvalidRequestError
            When it is no cell of this sweep, or there is nothing to refine.
        """
        sweep = self._studio.refine(self, self._coordinates_of(around), points, seed)
        return sweep.start() if start else sweep

    def wait(self, timeout: float | None = None, *, progress: bool = True) -> SweepRun:
        """Wait for every cell to end; failed cells are results too.

        Parameters
        ----------
        timeout : float or None
            Seconds for the whole sweep; `None` = as long as it takes.
        progress : bool
            Show a bar when it takes more than half a second.

        Raises
        ------
        TimeoutError
            When some cell has not ended by then; the sweep goes on.
        """
        from tqdm.auto import tqdm

        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            for run in tqdm(self.runs, desc="sweep", unit="cell", delay=0.5, disable=not progress):
                run.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
        except KeyboardInterrupt:
            self.cancel()
            raise
        return self

    def cancel(self) -> None:
        """Ask every cell that has not ended to stop."""
        self._studio.cancel(*(run for run in self._runs.values() if not run.status.is_final))

    def __await__(self) -> Generator[object, None, SweepRun]:
        import asyncio

        return asyncio.to_thread(self.wait, progress=False).__await__()

    def __repr__(self) -> str:
        counts: dict[str, int] = {}
        for record in self._studio.records_of(self._runs.values()).values():
            counts[str(record.status)] = counts.get(str(record.status), 0) + 1
        parts = ", ".join(f"{count} {status}" for status, count in counts.items()) or "planned"
        axes = " × ".join(f"{group.title} ({len(group.points)})" for group in self.definition.groups)
        return f"<Sweep {self.id}: {axes}; {parts}>"

    @cached_property
    def _cells(self) -> tuple[Cell, ...]:
        return tuple(self.definition.cells())

    @cached_property
    def _checked(self) -> tuple[tuple[GenerationRequest | None, str], ...]:
        drafts = [cell.request for cell in self._cells if cell.request is not None]
        results = self._studio.complete_each(drafts)
        return tuple(_checked(cell, results) for cell in self._cells)

    def adopt(self, runs: Iterable[RunRecord]) -> SweepRun:
        """Take over the runs that this sweep has made, newest first; of those of a cell, one that succeeded."""
        mine: dict[Mapping[str, Value], RunRecord] = {}
        for record in runs:
            known = mine.setdefault(immutabledict(record.origin.cell), record)
            if known.status is not RunStatus.SUCCEEDED and record.status is RunStatus.SUCCEEDED:
                mine[immutabledict(record.origin.cell)] = record
        for planned in self.plan().cells:
            own, done = mine.get(planned.cell.coordinates), planned.done_run_id
            if own is not None and (own.status is RunStatus.SUCCEEDED or done is None):
                self._runs[planned.cell.index] = Run(self._studio, own.id, has_ended=own.status.is_final)
            elif done is not None:
                self._runs[planned.cell.index] = Run(self._studio, done, has_ended=True)
        return self

    def _coordinates_of(self, around: Run | str | int | Mapping[str, object]) -> Mapping[str, Value]:
        if isinstance(around, Mapping):
            unknown = [name for name in around if name not in self.definition.axes]
            if unknown:
                raise _no_cell(f"{unknown[0]!r} is not an axis; there are {', '.join(self.definition.axes)}")
            return {name: freeze(value) for name, value in around.items()}
        if isinstance(around, int):
            if not 0 <= around < len(self._cells):
                raise _no_cell(f"there is no cell {around}; they are numbered 0 … {len(self._cells) - 1}")
            return self._cells[around].coordinates
        run = self._studio.run(around) if isinstance(around, str) else around
        for index, (request, _) in enumerate(self._checked):
            mine = self._runs.get(index)
            if (mine is not None and mine.id == run.id) or (request is not None and request == run.request):
                return self._cells[index].coordinates
        raise _no_cell(f"run {run.id} is not of this sweep")

    def _has_result(self, planned: PlannedCell) -> bool:
        run = self._runs.get(planned.cell.index)
        return run is not None and run.status is RunStatus.SUCCEEDED

    def _begin(self, cells: Sequence[PlannedCell]) -> None:
        """Give cells their runs; what an engine refuses stays in its cell, cells that ask for the same share a run."""
        asked = self._asked(cells)
        results = dict(zip(asked, self._studio.submit_each(asked.items()), strict=True))
        for planned in cells:
            result = results[planned.request] if planned.request is not None else None
            if isinstance(result, Run):
                self._runs[planned.cell.index] = result
            elif result is not None:
                self._refused[planned.cell.index] = _reason(result)

    def _asked(self, cells: Iterable[PlannedCell]) -> dict[GenerationRequest, Origin]:
        """Return what cells ask for, each request once."""
        asked: dict[GenerationRequest, Origin] = {}
        for planned in cells:
            if planned.request is not None:
                asked.setdefault(planned.request, self._origin(planned))
        return asked

    def _origin(self, planned: PlannedCell) -> Origin:
        return Origin(
            self.project,
            self.id,
            planned.cell.coordinates,
            prompt_template=_template_of(planned.cell, self.definition.base),
            batch_size=planned.batch_size,
        )

    def _require_code(self) -> None:
        """Refuse to begin without the functions that made the cells; a sweep from the log has lost them."""
        lost = self.definition.lost_functions
        if lost:
            raise InvalidRequestError(
                [
                    Problem(
                        "functions",
                        f"sweep {self.id} was planned with {', '.join(lost)}, and the log keeps no functions; plan it "
                        "anew in Python: what is done is not computed again",
                    )
                ],
                "sweep",
            )

    def _outcomes(self) -> list[Outcome]:
        """Return every cell with its run, as the log has it now."""
        records = self._studio.records_of(self._runs.values())
        return [self._outcome(cell, records) for cell in self._cells]

    def _store_of(self, asset: Asset) -> AssetStore:
        return self._studio.store_of(asset)

    def _numbers(self) -> Numbers:
        return self._studio.numbers

    def _reference(self, given: object) -> Reference | None:
        return self._studio.reference(given)

    def _inputs(self) -> AssetStore:
        return self._studio.assets

    def _outcome(self, cell: Cell, records: Mapping[str, RunRecord]) -> Outcome:
        run = self._runs.get(cell.index)
        if run is not None:
            return Outcome(cell, records.get(run.id))
        return Outcome(cell, None, self._refused.get(cell.index) or self._checked[cell.index][1])


def _checked(cell: Cell, results: Iterator[GenerationRequest | StudioError]) -> tuple[GenerationRequest | None, str]:
    if cell.request is None:
        return None, cell.problem
    result = next(results)
    return (None, _reason(result)) if isinstance(result, StudioError) else (result, "")


def _refusal(reasons: Iterable[str]) -> InvalidRequestError:
    return InvalidRequestError([Problem("cells", reason) for reason in list(dict.fromkeys(reasons))[:5]], "sweep")


def _no_cell(message: str) -> InvalidRequestError:
    return InvalidRequestError([Problem("around", message)], "refine")


def _template_of(cell: Cell, base: GenerationRequest) -> str | None:
    """Return the prompt as it was typed: the base's, unless prompts are an axis or an axis has put marks into it."""
    drafts = [draft for draft in (base, cell.request) if draft is not None]
    return next(filter(None, map(template_of, drafts[-1:] if "prompt" in cell.coordinates else drafts)), None)


def _reason(error: StudioError) -> str:
    problems = error.problems if isinstance(error, InvalidRequestError) else ()
    return "; ".join(map(str, problems)) or str(error)
