"""A sweep at work: the plan before it runs, the runs of its cells, the table and the grid after.

A cell is keyed by the digest of its request, so a sweep never computes what the home already has, and starting it
again computes only what is missing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from studio_kernel import measuring, outcome
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import Origin, RunRecord, RunStatus
from studio_kernel.domain.sweep import Cell, Sweep
from studio_kernel.domain.values import describe
from studio_kernel.effects import estimates
from studio_kernel.effects.estimates import CONFIDENCE
from studio_kernel.effects.influence import MAX_PAIRS
from studio_kernel.errors import (
    InvalidInputError,
    InvalidRequestError,
    ModelUnavailableError,
    Problem,
    StudioError,
    UnsafeFileError,
)
from studio_kernel.grid.grid import Grid
from studio_kernel.grid.layout import Names, arrange
from studio_kernel.outcome import Outcome

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from studio_kernel.metrics.pairs import Sizes
    from studio_kernel.run import Run
    from studio_kernel.studio import Studio

REFUSALS = (InvalidRequestError, InvalidInputError, ModelUnavailableError, UnsafeFileError)
"""What an engine's own check says of one request; any other error is about the studio as a whole."""


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
    """

    cell: Cell
    request: GenerationRequest | None
    problem: str = ""
    done_run_id: str | None = None


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """What a sweep would do."""

    cells: tuple[PlannedCell, ...]

    @property
    def size(self) -> int:
        """Number of cells."""
        return len(self.cells)

    @property
    def invalid(self) -> tuple[PlannedCell, ...]:
        """Cells that cannot run."""
        return tuple(cell for cell in self.cells if cell.problem)

    @property
    def done(self) -> tuple[PlannedCell, ...]:
        """Cells whose result the home has already."""
        return tuple(cell for cell in self.cells if cell.done_run_id)

    @property
    def to_do(self) -> tuple[PlannedCell, ...]:
        """Cells that would be computed."""
        return tuple(cell for cell in self.cells if not cell.problem and not cell.done_run_id)

    def require_valid(self) -> None:
        """Raise `InvalidRequestError` when not one cell can run."""
        if len(self.invalid) == len(self.cells):
            reasons = dict.fromkeys(cell.problem for cell in self.cells)
            raise InvalidRequestError([Problem("cells", reason) for reason in list(reasons)[:5]], "sweep")

    def frame(self) -> pd.DataFrame:
        """Return the plan as a table, a row a cell."""
        import pandas as pd

        return pd.DataFrame([{**_columns(planned.cell), **_intention(planned)} for planned in self.cells])

    def __repr__(self) -> str:
        return (
            f"<SweepPlan: {self.size} cells, {len(self.to_do)} to do, "
            f"{len(self.done)} done, {len(self.invalid)} invalid>"
        )

    def _repr_html_(self) -> str:
        html: str = self.frame().to_html(index=False)
        return html


class SweepRun:
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
        done = self._studio.finished([request for request, _ in self._checked if request is not None])
        return SweepPlan(
            tuple(
                PlannedCell(cell, request, problem, done.get(request.digest) if request else None)
                for cell, (request, problem) in zip(self._cells, self._checked, strict=True)
            )
        )

    def start(self) -> SweepRun:
        """Begin every cell that has no result yet; returns at once."""
        plan = self.plan()
        plan.require_valid()
        self._studio.log_sweep(self.id, self.definition, self.project)
        self._refused.clear()
        for planned in plan.cells:
            if planned.request is not None:
                self._begin(planned, planned.request)
        if not self._runs:
            reasons = list(dict.fromkeys(self._refused.values()))
            raise InvalidRequestError([Problem("cells", reason) for reason in reasons[:5]], "sweep")
        return self

    def resume(self) -> SweepRun:
        """Begin the cells that failed, were cancelled or never ran; finished ones stay."""
        return self.start()

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

    def frame(self) -> pd.DataFrame:
        """Return the sweep as a table: a row a cell, its coordinates, its run and how it went.

        Columns of axes have the type of their values: numbers, booleans or text; LoRAs and pictures are text.
        """
        return outcome.frame(self._outcomes(), self.definition)

    def grid(
        self,
        rows: Names = None,
        columns: Names = None,
        *,
        facets: Names = None,
        at: Mapping[str, object] | None = None,
    ) -> Grid:
        """Return the pictures as a labelled grid.

        Parameters
        ----------
        rows, columns, facets : str or sequence of str
            Axes that go down, across, and into a panel each; the outermost first. Left out, the last group of axes
            that is free goes across and the one before it down.
        at : mapping
            Which value to show of other axes; the first when left out, as the title then says.

        Raises
        ------
        InvalidRequestError
            For an axis or a value that the sweep does not have.
        """
        layout = arrange(self.definition, rows, columns, facets, at)
        cells = outcome.grid_cells(self._outcomes(), self.definition, self._studio.store_of)
        return Grid(self.definition, cells, layout, outcome.inputs(self.definition, self._studio.assets))

    def film(
        self,
        rows: Names = None,
        columns: Names = None,
        *,
        over: Names,
        path: str | os.PathLike[str],
        fps: float = 4.0,
        at: Mapping[str, object] | None = None,
    ) -> Path:
        """Write a film of the grid that runs along an axis, and return its path.

        Parameters
        ----------
        rows, columns, at
            As for `grid`; the axes that are free are placed as there.
        over : str or sequence of str
            The axes that change from frame to frame.
        path : path
            Ends in ``.gif`` or ``.mp4``.
        fps : float
            Frames a second.

        Raises
        ------
        InvalidRequestError
            For an unknown axis, value or ending.
        """
        layout = arrange(self.definition, rows, columns, at=at, frames=over)
        sides = layout.sides
        return self.grid(sides["rows"], sides["columns"], at=at).film(over, path, fps=fps)

    def metrics(
        self, names: measuring.Wanted | None = None, *, reference: object = None, sizes: Sizes = "same"
    ) -> pd.DataFrame:
        """Return the numbers of every cell: its coordinates, its run, a column a metric.

        Parameters
        ----------
        names : str, function, list of them, or mapping
            Which, by their names in `studio_kernel.metrics.registry` and ``elapsed_s``, ``cost_usd``, ``rating``; a
            function takes a PIL image and returns a number; a mapping gives functions names. All that is possible
            when left out.
        reference : Run, PIL image, array or path
            What ``similarity``, ``psnr`` and ``pixel_difference`` compare with.
        sizes : {"same", "scale"}
            Whether pictures of another size than the reference are refused, or both scaled to the smaller sides.

        Returns
        -------
        pandas.DataFrame
            NaN where there is no picture; the mean over the pictures of a run that made several. ``attrs["units"]``
            has the units.

        Raises
        ------
        InvalidRequestError
            For an unknown name.
        InvalidInputError
            When a picture cannot be compared with the reference.
        """
        return measuring.measured(
            self._outcomes(), self.definition, self._studio.store_of, names, reference=reference, sizes=sizes
        )

    def effects(
        self,
        metric: measuring.One,
        *,
        reference: object = None,
        sizes: Sizes = "same",
        confidence: float = CONFIDENCE,
    ) -> pd.DataFrame:
        """Return the effect of every value of every axis on a metric, with confidence intervals.

        Parameters
        ----------
        metric : str or function
            One of those of `metrics`; so are `reference` and `sizes`.
        confidence : float
            Of the intervals.

        Returns
        -------
        pandas.DataFrame
            See `studio_kernel.effects.estimates.effects`, and that module for what the intervals assume.
        """
        table, name = self._measured(metric, reference, sizes)
        return estimates.effects(table, outcome.axes_of(self.definition), name, confidence=confidence)

    def interactions(
        self,
        metric: measuring.One,
        a: str,
        b: str,
        *,
        reference: object = None,
        sizes: Sizes = "same",
        confidence: float = CONFIDENCE,
    ) -> pd.DataFrame:
        """Return how far each pair of values of two axes is from the sum of their effects.

        Parameters and columns are those of `effects` and `studio_kernel.effects.estimates.interactions`.
        """
        table, name = self._measured(metric, reference, sizes)
        axes = outcome.axes_of(self.definition)
        return estimates.interactions(table, axes, name, a, b, confidence=confidence)

    def plot_effects(self, metric: measuring.One, *, reference: object = None, sizes: Sizes = "same") -> Figure:
        """Return a main-effects plot: a panel an axis, means with the intervals of their effects."""
        from studio_kernel.effects import plots

        table = self.effects(metric, reference=reference, sizes=sizes)
        return plots.plot_effects(table, label=measuring.label_of(metric), shown=outcome.labels_of(self.definition))

    def plot_interaction(
        self, metric: measuring.One, a: str, b: str, *, reference: object = None, sizes: Sizes = "same"
    ) -> Figure:
        """Return an interaction plot: a line for each value of `b` over those of `a`."""
        from studio_kernel.effects import plots

        table = self.interactions(metric, a, b, reference=reference, sizes=sizes)
        return plots.plot_interaction(table, label=measuring.label_of(metric), shown=outcome.labels_of(self.definition))

    def influence(
        self,
        metric: measuring.One | None = None,
        *,
        reference: object = None,
        sizes: Sizes = "same",
        max_pairs: int = MAX_PAIRS,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Return which axis moved the result most: the mean distance of cells that differ in that axis only.

        Parameters
        ----------
        metric : str or function
            Distance in this number; left out, pictures are compared: ``distance`` is 1 - SSIM, beside it
            ``pixel_difference``, both at 256 pixels on the longest side (a run's first picture, scaled where sizes
            differ).
        max_pairs : int
            An axis that has more pairs is judged by a random sample of so many, as ``pairs`` of ``pairs_total`` says.
        seed : int
            Of that sample.

        Returns
        -------
        pandas.DataFrame
            A row an axis, the most influential first.
        """
        if metric is None:
            return measuring.moved(
                self._outcomes(), self.definition, self._studio.store_of, max_pairs=max_pairs, seed=seed
            )
        table, name = self._measured(metric, reference, sizes)
        return measuring.moved_number(table, self.definition, name, max_pairs=max_pairs, seed=seed)

    def __repr__(self) -> str:
        counts: dict[str, int] = {}
        for run in self.runs:
            counts[str(run.status)] = counts.get(str(run.status), 0) + 1
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

    def _begin(self, planned: PlannedCell, request: GenerationRequest) -> None:
        """Give a cell its run; what its engine refuses stays in the cell."""
        index = planned.cell.index
        current = self._runs.get(index)
        if current is not None and (not current.status.is_final or current.status is RunStatus.SUCCEEDED):
            return
        if planned.done_run_id is not None:
            self._runs[index] = self._studio.run(planned.done_run_id)
            return
        try:
            origin = Origin(self.project, self.id, planned.cell.coordinates)
            self._runs[index] = self._studio.submit_request(request, origin)
        except REFUSALS as error:
            self._refused[index] = _reason(error)

    def _outcomes(self) -> list[Outcome]:
        """Return every cell with its run, as the log has it now."""
        records = self._studio.records_of(self._runs.values())
        return [self._outcome(cell, records) for cell in self._cells]

    def _outcome(self, cell: Cell, records: Mapping[str, RunRecord]) -> Outcome:
        run = self._runs.get(cell.index)
        if run is not None:
            return Outcome(cell, records.get(run.id))
        return Outcome(cell, None, self._refused.get(cell.index) or self._checked[cell.index][1])

    def _measured(self, metric: measuring.One, reference: object, sizes: Sizes) -> tuple[pd.DataFrame, str]:
        table = self.metrics(metric, reference=reference, sizes=sizes)
        return table, measuring.name_of(metric)


def _checked(cell: Cell, results: Iterator[GenerationRequest | StudioError]) -> tuple[GenerationRequest | None, str]:
    if cell.request is None:
        return None, cell.problem
    result = next(results)
    return (None, _reason(result)) if isinstance(result, StudioError) else (result, "")


def _reason(error: StudioError) -> str:
    problems = error.problems if isinstance(error, InvalidRequestError) else ()
    return "; ".join(map(str, problems)) or str(error)


def _columns(cell: Cell) -> dict[str, object]:
    plain = (str, int, float, bool)
    return {
        name: value if isinstance(value, plain) or value is None else describe(value)
        for name, value in cell.coordinates.items()
    }


def _intention(planned: PlannedCell) -> dict[str, object]:
    if planned.problem:
        return {"state": "invalid", "reason": planned.problem}
    return {"state": "done" if planned.done_run_id else "to do", "reason": ""}
