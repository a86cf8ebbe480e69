"""Sweeps in a home: planned, refined, found again, and written to the log."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

from studio_kernel.axes import Axes
from studio_kernel.dispatch import RunnerName
from studio_kernel.domain.sweep import Sweep
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import Value
from studio_kernel.drafting import Rules
from studio_kernel.planning import Planner
from studio_kernel.preparing import PreparedHome
from studio_kernel.runlog import RunFilter, SweepRecord, new_run_id
from studio_kernel.sweeps import SweepRun


class SweptHome(PreparedHome):
    """A home in which requests are varied along axes.

    Attributes
    ----------
    runner : {"worker", "inline"}
        Who works.
    """

    runner: RunnerName

    @abstractmethod
    def mend(self) -> list[str]:
        """Deal with runs whose process has died."""

    @abstractmethod
    def _sweep_run(self, sweep_id: str, definition: Sweep, project: str | None) -> SweepRun:
        """Return the handle of a sweep."""

    def sweep(
        self,
        prompt: str | None = None,
        *,
        axes: Axes = (),
        where: Rules = (),
        seeds: int | None = None,
        paired: bool = True,
        exact: bool = False,
        batch_size: int | None = None,
        model: str | None = None,
        task: Task | str | None = None,
        project: str | None = None,
        start: bool = True,
        resume: bool = False,
        accept_unknown_price: bool = False,
        **parameters: object,
    ) -> SweepRun:
        """Run a request for every combination of the values of some axes.

        Cells that this home has already are not computed again.

        Parameters
        ----------
        axes : mapping, or list of mappings and groups
            Axis → values; the first changes slowest. What an axis changes follows from its name: a parameter,
            ``model``, ``engine``, ``prompt:boat`` (replaces ``boat`` in the prompt), ``lora:ID`` (its weight). Several
            names in a tuple are zipped: ``{("scheduler", "num_inference_steps"): [("euler", 20), ("ddim", 50)]}``.
            A function as a value makes it of the cell's other parameters. A text such as ``"1-5"`` or
            ``"0.1-0.9[5]"`` stands for a row of numbers. `zipped`, `cells`, `random_samples` and `latin_hypercube` of
            `studio_kernel` make groups; several parts stand in a list and are multiplied.
        where : str, callable or list of them
            Rules a cell must fulfil, such as ``"guidance_scale < 5 or num_inference_steps >= 20"``.
        seeds : int
            Repeat every cell with so many seeds.
        paired : bool
            Whether those seeds are the same in every cell, so that cells differ in nothing else; `False` gives every
            cell its own.
        exact : bool
            Compute each cell alone, so that it has the very bytes that `generate` makes; slower. Otherwise cells that
            a model can take together are computed together and differ from that by rounding.
        batch_size : int
            At most so many cells together; left out: as many as the engine advises. `exact` is a batch size of 1.
        start : bool
            `False` only plans it; `SweepRun.start` begins.
        resume : bool
            Go on with the newest sweep of this home that was planned in these words, also with the seed that was
            chosen for it; a new one when there is none.
        accept_unknown_price : bool
            Start it although nobody knows what some of its cells cost; budgets cannot count those then.
        **parameters
            As for `submit`; without a seed, one is chosen for all cells. Alternatives ``{red|blue}`` in a prompt are
            axes, the outermost ones, called ``prompt:{red|blue}``; the same ones twice are one axis. The seed of a cell
            chooses among the lines of wildcards ``__animal__``.

        Raises
        ------
        StudioError
            When no cell of it could run, or when what is to do would cost more than a budget of this home allows.

        Examples
        --------
        >>> sweep = studio.sweep("a red boat", axes={"seed": [1, 2], "guidance_scale": [3, 7]})  # doctest: +SKIP
        >>> sweep.wait().grid(rows="guidance_scale", columns="seed").save("grid.png")  # doctest: +SKIP
        """
        self.require_editor("sweep")

        def planned(**more: object) -> Sweep:
            values, size = {"prompt": prompt, **parameters, **more}, 1 if exact else batch_size
            return self._drafting.sweep(
                model, task, values, axes, where=where, seeds=seeds, paired=paired, batch_size=size
            )

        earlier = self._sweep_log.like(planned, has_seed=parameters.get("seed") is not None) if resume else None
        sweep = self._opened(earlier) if earlier else self._sweep_run(new_run_id(), planned(), project)
        sweep.require_valid()
        return sweep.start(accept_unknown_price=accept_unknown_price) if start else sweep

    def refine(self, sweep: SweepRun, around: Mapping[str, Value], points: int, seed: int) -> SweepRun:
        """Return a finer sweep around one cell of another; `SweepRun.refine` is the way to it."""
        self.require_editor("sweep")
        definition = self._drafting.refined(sweep.definition, around, points, seed)
        return self._sweep_run(new_run_id(), definition, sweep.project)

    def sweep_of(self, sweep_id: str) -> SweepRun:
        """Return a sweep of this home, with the runs that it has: to look at, or to `resume`.

        Parameters
        ----------
        sweep_id : str
            A part of it will do when no other has it.

        Raises
        ------
        UnknownSweepError
            When there is none of that id.
        """
        return self._opened(self._sweep_log.find(sweep_id))

    # Inside

    def log_sweep(self, sweep_id: str, definition: Sweep, project: str | None) -> None:
        """Write a sweep's definition to the log, so that it can be told later what its runs belong to."""
        self.assets.hold(definition.references)
        self._log.sweep(sweep_id, definition, project)

    @property
    def planner(self) -> Planner:
        """What plans sweeps in this home."""
        return Planner(self.models, self._workshop.engine_of, self._log, self._estimator, self._taken_up)

    def _taken_up(self, unfinished: Mapping[str, str]) -> Mapping[str, str]:
        """Return which runs that have not ended a sweep can wait for, digest → id."""
        if self.runner == "inline":  # what waits for a worker may wait for long
            return {digest: run_id for digest, run_id in unfinished.items() if run_id in self._orders.jobs}
        if unfinished and self.mode == "editor":
            self.mend()  # what a dead program has left is under way no more
            now = self._log.runs_of(unfinished.values())
            return {digest: run_id for digest, run_id in unfinished.items() if not now[run_id].status.is_final}
        return unfinished

    def _opened(self, record: SweepRecord) -> SweepRun:
        runs = self.records(RunFilter(sweep_id=record.id), limit=None)
        return self._sweep_run(record.id, record.sweep, record.project).adopt(runs)
