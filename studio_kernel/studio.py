"""The facade: one object that joins catalog, engines, runner, log and files of a home.

`sk.open()` makes one. Nothing works at import, everything heavy loads on use, and closing is explicit and may be done
twice. A studio opened as a viewer can look and mark and refuses everything else.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from studio_kernel.assets import AssetStore
from studio_kernel.axes import Axes
from studio_kernel.budgets import Budgets
from studio_kernel.dispatch import Dispatch
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.estimate import Estimate, MemoryEstimate, Setup
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import IMPORT_ENGINE, Origin, RunProgress, RunRecord
from studio_kernel.domain.sweep import Sweep
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import AssetRef, Value
from studio_kernel.drafting import DEFAULT_TASK, Drafting, Rules, template_of
from studio_kernel.engines.base import Engine
from studio_kernel.errors import (
    InvalidInputError,
    InvalidRequestError,
    MayBeBilledError,
    Problem,
    ReadOnlyError,
    StudioError,
    UnknownRunError,
)
from studio_kernel.estimates.estimator import Estimator
from studio_kernel.estimates.vram.subject import Subject
from studio_kernel.jobs import Job
from studio_kernel.live import LiveBoard
from studio_kernel.orders import Orders
from studio_kernel.planning import Planner
from studio_kernel.private import PrivateSpace, is_own, orphans
from studio_kernel.publishing import PublishedHome
from studio_kernel.queue import RunQueue
from studio_kernel.reported import ReportedValues
from studio_kernel.reports import Standing, standing
from studio_kernel.run import Run, id_of
from studio_kernel.runlog import RunFilter, RunLog, SweepRecord, new_run_id
from studio_kernel.settings import Home
from studio_kernel.sweeps import SweepRun
from studio_kernel.view import Mode
from studio_kernel.watch import Watcher
from studio_kernel.workshop import Workshop

if TYPE_CHECKING:
    from studio_kernel.replaying.report import ReplayReport, Tolerance
    from studio_kernel.replaying.source import Replayable

RunnerName = Literal["worker", "inline"]
RUNNER_VARIABLE = "STUDIO_RUNNER"


class Studio(PublishedHome):
    """One home, opened.

    Parameters
    ----------
    home : Home
        The directory that holds everything.
    mode : {"editor", "viewer"}
        A viewer looks and marks; anything else raises `ReadOnlyError`.
    runner : {"worker", "inline"}
        Who works: the worker process of the home, or threads of this process. Engines of the caller's own always work
        in this process.
    engines : iterable of Engine
        Engines of the caller's own; they go before installed ones of the same name.
    """

    def __init__(
        self, home: Home, *, mode: Mode = "editor", runner: RunnerName = "worker", engines: Iterable[Engine] = ()
    ) -> None:
        if mode not in ("editor", "viewer"):
            raise StudioError(f"mode {mode!r} is neither 'editor' nor 'viewer'")
        if runner not in ("worker", "inline"):
            raise StudioError(f"runner {runner!r} is neither 'worker' nor 'inline'")
        home.require() if mode == "viewer" else home.prepare()
        super().__init__(home, Workshop(home, engines), RunLog(home.runlog))
        self.mode = mode
        self.runner = runner
        self._live = LiveBoard(home.live)
        self.budgets = Budgets(self._workshop, self._log)
        self._dispatch = Dispatch(
            self._workshop, self._log, self._live, self.budgets, inline=runner == "inline", revives=mode == "editor"
        )
        self._private: PrivateSpace | None = None
        self._watcher = Watcher()
        self._estimator = Estimator(self._workshop, self._log, self.budgets, inline=runner == "inline")
        self._orders = Orders(
            self._workshop, self._log, self.budgets, self._estimator, self._dispatch, lambda: self._private_space
        )
        self._closed = False
        if mode == "editor":
            for space in orphans(home):
                space.end()

    def __enter__(self) -> Studio:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Studio at {str(self.home.root)!r}, {self.mode}>"

    def close(self) -> None:
        """Stop what works in this process, write what is left to write, free the engines; may be called twice.

        What the worker of the home is at goes on. Private runs end, and everything of them is deleted.
        """
        if self._closed:
            return
        self._closed = True
        self._watcher.close()
        self._end_private()
        self._dispatch.close()
        self._estimator.close()
        self._workshop.close()
        self._log.close()

    # Generating

    def generate(self, prompt: str | None = None, *, progress: bool = True, **parameters: object) -> Run:
        """Make one run, wait for it and return it, also when it failed.

        Parameters
        ----------
        prompt : str
            What the result should show.
        progress : bool
            Show a bar when it takes more than half a second.
        **parameters
            As for `submit`.

        Raises
        ------
        StudioError
            Before any work starts, when the request cannot be done as written.

        Examples
        --------
        >>> run = studio.generate("a red boat on the sea", seed=7)  # doctest: +SKIP
        >>> run.image  # doctest: +SKIP
        """
        run = self.submit(prompt, **parameters)  # type: ignore[arg-type]  # named options are among the parameters
        try:
            return run.wait(progress_bar=progress)
        except KeyboardInterrupt:
            run.cancel()
            raise

    def submit(
        self,
        prompt: str | None = None,
        *,
        model: str | None = None,
        task: Task | str | None = None,
        project: str | None = None,
        private: bool = False,
        accept_unknown_price: bool = False,
        **parameters: object,
    ) -> Run:
        r"""Make one run and return at once.

        Parameters
        ----------
        prompt : str
            What the result should show. The seed chooses among alternatives ``{red|blue}`` and the lines of wildcards
            ``__animal__``; the run keeps this text and the chosen one. ``\{`` is a plain brace.
        model : str
            Catalog id; the recommended model when left out.
        task : str
            Told from the inputs when left out: a mask means inpainting, an image image-to-image.
        project : str
            Id of a project to put the run in.
        private : bool
            Keep prompt, inputs and files out of the log; they are deleted when this studio closes. The log gets the
            model, how long it took and what it cost.
        accept_unknown_price : bool
            Make it although nobody knows what it costs; budgets cannot count it then.
        **parameters
            Anything the model takes; `studio.models[id].parameters_for(task)` lists it. Pictures may be paths, bytes,
            PIL images, arrays or earlier runs.

        Raises
        ------
        StudioError
            When the request cannot be done as written, or would cost more than a budget of this home allows; nothing
            has been started or logged then.
        """
        self.require_editor("generate")
        drafting = self._private_drafting if private else self._drafting
        draft = drafting.draft(model, task, {"prompt": prompt, **parameters})
        # Of a private run no prompt goes anywhere but into its request, which its own space keeps.
        origin = Origin(project=project, prompt_template=None if private else template_of(draft))
        request = drafting.complete(draft)
        return self.submit_request(request, origin, private=private, accept_unknown_price=accept_unknown_price)

    def request(
        self,
        prompt: str | None = None,
        *,
        model: str | None = None,
        task: Task | str | None = None,
        **parameters: object,
    ) -> GenerationRequest:
        """Return the complete, checked request that `submit` would run, without running it.

        Raises
        ------
        StudioError
            When it cannot be done as written.
        """
        return self.complete(self._drafting.draft(model, task, {"prompt": prompt, **parameters}))

    def estimate(
        self,
        prompt: str | GenerationRequest | None = None,
        *,
        model: str | None = None,
        task: Task | str | None = None,
        setup: Setup | None = None,
        **parameters: object,
    ) -> Estimate:
        """Return what a run would take – memory, time and money – without running it.

        Also of a model that cannot be used here, such as one that is not downloaded yet, and without what the model
        requires, such as a prompt.

        Parameters
        ----------
        prompt : str or GenerationRequest
            A complete request, or the prompt of one.
        setup : Setup
            How the model would be held, such as ``Setup(offload="model")``; as it is here when left out.
        model, task, **parameters
            As for `submit`.

        Raises
        ------
        StudioError
            When it cannot be done as written.

        Examples
        --------
        >>> estimate = studio.estimate("a red boat", width=128, height=128)  # doctest: +SKIP
        >>> estimate.vram_bytes, estimate.seconds, estimate.cost_usd  # doctest: +SKIP
        """
        self.require_editor("estimate")
        if isinstance(prompt, GenerationRequest):
            return self._estimator.estimate(prompt, setup=setup)
        draft = self._drafting.draft(model, task, {"prompt": prompt, **parameters})
        return self._estimator.estimate(self._drafting.sketched(draft), setup=setup)

    def estimate_architecture(
        self,
        architecture: str,
        *,
        width: int | None = None,
        height: int | None = None,
        num_frames: int | None = None,
        num_images: int = 1,
        guided: bool = True,
        setup: Setup | None = None,
    ) -> MemoryEstimate:
        """Return the memory of a well-known model, whether or not it is on this machine or could run here.

        Parameters
        ----------
        architecture : str
            Such as ``flux1-dev`` or ``wan22-ti2v-5b``; a name that is not known is answered with all of them.
        width, height, num_frames : int or None
            The model's usual ones when left out.
        guided : bool
            With classifier-free guidance.
        setup : Setup
            How it would be held; resident, in its usual precision, on the device here when left out.

        Raises
        ------
        ModelUnavailableError
            When there is none of that name.
        """
        self.require_editor("estimate")
        subject = Subject(
            architecture=architecture,
            width=width,
            height=height,
            num_frames=num_frames,
            num_images=num_images,
            is_guided=guided,
        )
        return self._estimator.architecture(subject, setup)

    def submit_request(
        self,
        request: GenerationRequest,
        origin: Origin | None = None,
        *,
        private: bool = False,
        accept_unknown_price: bool = False,
    ) -> Run:
        """Make a run of a complete request, as `request` returns it; returns at once."""
        self.require_editor("generate")
        place = origin or Origin()
        return self._as_run(
            self._orders.place(request, place, private=private, accept_unknown_price=accept_unknown_price)
        )

    def require_affordable(
        self, asked: Iterable[tuple[GenerationRequest, Origin]], *, accept_unknown_price: bool = False
    ) -> None:
        """Refuse runs that together would cost more than a budget allows, or whose price nobody knows.

        Raises
        ------
        BudgetExceededError, UnknownPriceError
            As `Budgets.require`.
        """
        self._orders.require_affordable(asked, accept_unknown_price=accept_unknown_price)

    def budget_standing(self, project: str | None = None) -> list[Standing]:
        """Return every budget of this home and what is left of it; nothing when none is set.

        Parameters
        ----------
        project : str
            Of the budgets of projects only this one's; those of all that the settings or the home name when left out.

        Raises
        ------
        SettingsError
            When the home's settings cannot be understood.

        Examples
        --------
        >>> for name, limit, spent, left, window in studio.budget_standing():  # doctest: +SKIP
        ...     print(f"{name}, {window}: {left:.2f} $ of {limit:.2f} $ left")
        """
        projects = [each.id for each in self.projects()] if project is None else [project]
        return standing(self.budgets.standing(projects), project)

    def submit_each(self, asked: Iterable[tuple[GenerationRequest, Origin]]) -> Iterator[Run | StudioError]:
        """Make runs of complete requests, logged together; yield each run, or what its engine says against it."""
        self.require_editor("generate")
        for result in self._orders.place_each(asked):
            yield result if isinstance(result, StudioError) else self._as_run(result)

    def retry(self, run: Run | str, *, accept_unknown_price: bool = False, may_pay_twice: bool = False) -> Run:
        """Make a run of the same request, in the same place of its project and sweep; returns at once.

        What a service has accepted, and may still have the result of, is fetched from there and not asked for again. A
        private run is tried again in private, by the studio that asked for it.

        Parameters
        ----------
        may_pay_twice : bool
            Ask for it again although nobody knows whether it was charged, or although its result could be fetched.

        Raises
        ------
        MayBeBilledError
            When that needs a yes.
        InvalidRequestError
            For a private run of another studio.
        StudioError
            As `submit`.
        """
        record = self.record(id_of(run))
        private = is_own(self._private, self._log, record.id, "retry")
        origin = replace(record.origin, parent_id=record.id)
        if not may_pay_twice:
            if (fetching := self._orders.fetch(record, origin, private=private)) is not None:
                return self._as_run(fetching)
            if record.provenance.get("may_be_billed"):
                raise MayBeBilledError(
                    f"run {record.id} may have been charged already; look at your account at the service, then say "
                    "may_pay_twice=True (--may-pay-twice) to ask for it again"
                )
        return self.submit_request(record.request, origin, private=private, accept_unknown_price=accept_unknown_price)

    def replay(
        self,
        what: Replayable,
        *,
        tolerance: Tolerance | None = None,
        batch_size: int | None = None,
        accept: bool = False,
        accept_unknown_price: bool = False,
        progress: bool = True,
    ) -> ReplayReport:
        """Make a recorded result again, as a new run, and say whether it repeats and which recorded input differs.

        Parameters
        ----------
        what : Run, RunRecord, str, path or Provenance
            A run or its id; or the path of a file that holds its provenance, which this home need not know.
        tolerance : Tolerance
            How far results may be apart that count as repeated; `Tolerance` says what is usual, and why.
        batch_size : int
            Compute it in a pass of so many; left out: as was recorded, where the engine can. 1 = alone.
        accept : bool
            Ask a service that takes no seed, although it chooses at random and charges for it.
        accept_unknown_price : bool
            As for `submit`.
        progress : bool
            Show a bar when it takes more than half a second.

        Raises
        ------
        ReplayRefusedError
            When it cannot be made again here: it does not tell how it was made, its model or its inputs are not here.
        RunFailedError
            When the new run failed.
        StudioError
            As `submit`.

        Examples
        --------
        >>> print(studio.replay(run))  # doctest: +SKIP
        >>> studio.replay("boat.png").verdict  # doctest: +SKIP
        'identical'
        """
        from studio_kernel.replaying.replay import Consent, replay
        from studio_kernel.replaying.report import Tolerance

        self.require_editor("replay a run")
        consent = Consent(accept, accept_unknown_price)
        usual = tolerance or Tolerance()
        return replay(self, what, tolerance=usual, batch_size=batch_size, consent=consent, progress=progress)

    def fetch(self, run: Run | str, origin: Origin | None = None) -> Run | None:
        """Make a run that fetches what a service may still have of a failed one; `None` when there is nothing to fetch.

        It costs nothing: what the service charges belongs to the run that asked for it.

        Parameters
        ----------
        origin : Origin
            Its place, such as a cell of a sweep; that of the failed run when left out.
        """
        self.require_editor("fetch")
        record = self.record(id_of(run))
        private = is_own(self._private, self._log, record.id, "fetch")
        job = self._orders.fetch(record, replace(origin or record.origin, parent_id=record.id), private=private)
        return self._as_run(job) if job is not None else None

    def complete(self, draft: GenerationRequest) -> GenerationRequest:
        """Return `draft` with defaults filled in, values in their canonical form and a seed chosen.

        Raises
        ------
        StudioError
            When it cannot be done as written.
        """
        return self._drafting.complete(draft)

    def complete_each(self, drafts: Iterable[GenerationRequest]) -> Iterator[GenerationRequest | StudioError]:
        """Yield each draft complete, or why it cannot be done."""
        return self._drafting.complete_each(drafts)

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
        sweep = self._opened(earlier) if earlier else SweepRun(self, new_run_id(), planned(), project)
        sweep.require_valid()
        return sweep.start(accept_unknown_price=accept_unknown_price) if start else sweep

    def refine(self, sweep: SweepRun, around: Mapping[str, Value], points: int, seed: int) -> SweepRun:
        """Return a finer sweep around one cell of another; `SweepRun.refine` is the way to it."""
        self.require_editor("sweep")
        definition = self._drafting.refined(sweep.definition, around, points, seed)
        return SweepRun(self, new_run_id(), definition, sweep.project)

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

    def cancel(self, *runs: Run | str) -> None:
        """Ask runs to stop, wherever they are; each ends within one denoising step."""
        self.require_editor("cancel a run")
        self._dispatch.cancel([id_of(run) for run in runs])

    def queue(self) -> RunQueue:
        """Return what is at work and what waits, in order, and what can be done about it."""
        return RunQueue(self, self._log, self._live)

    # Looking

    def default_model(self, task: Task | None = None) -> ModelCard:
        """Return the model meant for `task` when none is named; text to image when no task is named either."""
        return self._drafting.default_model(task or DEFAULT_TASK)

    def run(self, run_id: str) -> Run:
        """Return the handle of a run of this home.

        Raises
        ------
        UnknownRunError
            When there is none of that id.
        """
        job = self._orders.jobs.get(run_id)
        return Run(self, run_id if job else self.record(run_id).id, job)

    def record(self, run_id: str) -> RunRecord:
        """Return everything the log knows about a run; a part of its id will do when no other has it.

        Raises
        ------
        UnknownRunError
            When there is none of that id.
        """
        record = (self._private and self._private.record(run_id)) or self._log.run(run_id)
        if record is not None:
            return record
        close = self._log.find(run_id)
        if len(close) == 1:
            return self.record(close[0])
        hint = f"it could be {', '.join(close)}" if close else "studio.runs() lists what there is"
        raise UnknownRunError(f"no run {run_id!r} in {str(self.home.root)!r}; {hint}")

    def ids_named(self, runs: Iterable[Run | str]) -> list[str]:
        """Return the whole ids of some runs, in their order; those of this process are known without the log.

        Raises
        ------
        UnknownRunError
            When there is none of that id.
        """
        names = [id_of(run) for run in runs]
        asked = [name for name in names if self._orders.jobs.get(name) is None]
        logged = self._log.runs_of(asked) if len(asked) > 1 else {}
        return [self.record(name).id if name in asked and name not in logged else name for name in names]

    def records_named(self, runs: Iterable[Run | str]) -> list[RunRecord]:
        """Return everything that is known of some runs, in their order; parts of ids will do, as for `record`.

        Raises
        ------
        UnknownRunError
            When there is none of that id.
        """
        names = [id_of(run) for run in runs]
        logged = self._log.runs_of(names) if len(names) > 1 else {}
        return [(not self.is_private(name) and logged.get(name)) or self.record(name) for name in names]

    def records_of(self, runs: Iterable[Run]) -> dict[str, RunRecord]:
        """Return everything that is known of some runs now, by id: as `Run.record`, but the log is asked once."""
        jobs = {run.id: self._orders.jobs.get(run.id) for run in runs}
        found = {run_id: job.record for run_id, job in jobs.items() if job is not None and not job.done.is_set()}
        if self._private is not None:
            private = ((run_id, self._private.record(run_id)) for run_id in jobs.keys() - found.keys())
            found |= {run_id: record for run_id, record in private if record is not None}
        return found | self._log.runs_of(jobs.keys() - found.keys())

    def asset(self, sha256: str) -> AssetRef:
        """Return a file of this home, or of a private run of this studio, by its digest: an input of a request.

        Raises
        ------
        InvalidInputError
            When there is none.

        Examples
        --------
        >>> studio.generate("at night", image=studio.asset(run.first_asset.sha256))  # doctest: +SKIP
        """
        if self._private is not None:
            with suppress(InvalidInputError):
                return self._private.assets.find(sha256)
        return self.assets.find(sha256)

    def has_file(self, ref: AssetRef) -> bool:
        """Return whether this home, or a private run of this studio, has a file."""
        try:
            self.asset(ref.sha256)
        except InvalidInputError:
            return False
        return True

    def works_elsewhere(self, model: str) -> bool:
        """Whether a model of the catalog is computed by a service."""
        return self._workshop.works_elsewhere(self.models[model])

    def maker_of(self, sha256: str) -> RunRecord | None:
        """Return the newest run that made or brought in a file, by its digest; `None` when there is none."""
        known = self._log.made_by(sha256)
        return self.record(known[0]) if known is not None and not known[1] else None

    def as_python(self, run: Run | RunRecord | GenerationRequest | str, project: str | None = None) -> str:
        """Return the text of a cell that does the same, to be run where this home is open as ``studio``.

        Only what differs from the model's defaults is in it, with the model and the seed. Inputs are named by their
        files in this home.

        Parameters
        ----------
        run : Run, RunRecord, GenerationRequest or str
            A run or its id, or a complete request.
        project : str
            Id of the project to put the run in; that of the run when left out.

        Examples
        --------
        >>> print(studio.as_python(run))  # doctest: +SKIP
        """
        from studio_kernel.as_python import as_python

        private = False
        if isinstance(run, GenerationRequest):
            request = run
        else:
            record = run if isinstance(run, RunRecord) else self.record(id_of(run))
            request, project = record.request, project or record.origin.project
            private = is_own(self._private, self._log, record.id, "as Python")
            if record.engine == IMPORT_ENGINE and request.model not in self.models:
                text = f"{record.id} is a file that was brought in, and does not say which model here would make it"
                raise InvalidRequestError([Problem("run", text)], "as Python")
        card = self.models[request.model] if request.model in self.models else None  # noqa: SIM401 - no KeyError
        return as_python(request, card, project=project, private=private)

    def is_private(self, run_id: str) -> bool:
        """Whether a run is a private one of this studio."""
        return self._private is not None and self._private.record(run_id) is not None

    def progress(self, run_id: str) -> RunProgress:
        """Return what a run shows right now, wherever it works."""
        job = self.job_of(run_id)
        if job is not None:
            return job.progress
        record = self.record(run_id)
        return RunProgress(record.status, elapsed_s=record.elapsed_s or 0.0, error=record.error)

    def watch(self, run: Run | str, callback: Callable[[RunProgress], None]) -> Callable[[], None]:
        """Call `callback` from a background thread whenever a run's progress changes, until it has ended.

        Returns
        -------
        callable
            Ends the watch early.
        """
        run_id = id_of(run)
        job = self.job_of(run_id)  # held as long as the watch, so that it is followed all the time
        return self._watcher.watch(run_id, lambda: job.progress if job else self.progress(run_id), callback)

    # Inside

    def log_sweep(self, sweep_id: str, definition: Sweep, project: str | None) -> None:
        """Write a sweep's definition to the log, so that it can be told later what its runs belong to."""
        self.assets.hold(definition.references)
        self._log.sweep(sweep_id, definition, project)

    def thumbnail(self, asset: Asset) -> Path | None:
        """Return a small WebP picture of a file; `None` for what is no picture."""
        return self.store_of(asset).thumbnail(asset)

    def mend(self) -> list[str]:
        """Deal with runs whose process has died, as a worker does by itself; return what was done, in words."""
        return self._dispatch.mend()

    def store_of(self, asset: Asset) -> AssetStore:
        """Return the store that has a file: this home's, or that of the private runs of this studio."""
        space = self._private
        return space.assets if space is not None and space.assets.has(asset) else self.assets

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

    @property
    def _drafting(self) -> Drafting:
        return Drafting(self.models, self.assets, self.wildcards, ReportedValues(self._workshop, self._log))

    @property
    def _private_drafting(self) -> Drafting:
        return replace(self._drafting, assets=self._private_space.assets)

    @property
    def _private_space(self) -> PrivateSpace:
        if self._private is None:
            self._private = PrivateSpace.begin(self.home)
        return self._private

    def _opened(self, record: SweepRecord) -> SweepRun:
        runs = self.records(RunFilter(sweep_id=record.id), limit=None)
        return SweepRun(self, record.id, record.sweep, record.project).adopt(runs)

    def _as_run(self, job: Job) -> Run:
        return Run(self, job.run_id, job)

    def job_of(self, run_id: str) -> Job | None:
        """Return the job of a run that has not ended, or that was asked for here."""
        return self._orders.jobs.get(run_id) or self._dispatch.follower.find(run_id)

    def _end_private(self) -> None:
        if self._private is not None:
            unfinished = [run_id for run_id in self._private.run_ids() if not self.progress(run_id).status.is_final]
            self._dispatch.cancel(unfinished)
            self._private.end()

    def require_editor(self, wish: str) -> None:
        """Raise `ReadOnlyError` in a viewer, and `StudioError` when this studio is closed."""
        if self.mode != "editor":
            raise ReadOnlyError(f"this studio was opened as a viewer and cannot {wish}; open it with mode='editor'")
        if self._closed:
            raise StudioError("this studio is closed; open it again with sk.open()")


def open(  # noqa: A001 - reads as sk.open()
    home: str | os.PathLike[str] | None = None,
    *,
    runner: RunnerName | None = None,
    mode: Mode = "editor",
    engines: Iterable[Engine] = (),
) -> Studio:
    """Open a home and return its studio.

    Parameters
    ----------
    home : path, optional
        The directory that holds the studio, made when it does not exist. Left out: the environment variable
        ``STUDIO_HOME``, else ``data/studio`` of a checkout, else the user's data directory.
    runner : {"worker", "inline"}, optional
        ``worker``: the worker process of the home works, started when it is needed; what was submitted goes on when
        this process ends, and models stay loaded for the next one. ``inline``: threads of this process work, and
        what is unfinished ends with it. Left out: the environment variable ``STUDIO_RUNNER``, else ``worker``.
    mode : {"editor", "viewer"}
        A viewer can look and mark, nothing else.
    engines : iterable of Engine, optional
        Engines of the caller's own; model cards name them in their ``engine`` field. They work in this process.

    Raises
    ------
    HomeError
        When the home cannot be written (or, for a viewer, read).

    Examples
    --------
    >>> import studio_kernel as sk
    >>> studio = sk.open("my-studio")  # doctest: +SKIP
    """
    chosen = runner or os.environ.get(RUNNER_VARIABLE) or "worker"
    return Studio(Home.at(home), mode=mode, runner=chosen, engines=engines)  # type: ignore[arg-type]  # checked there
