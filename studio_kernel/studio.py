"""The facade: one object that joins catalog, engines, runner, log and files of a home.

`sk.open()` makes one. Nothing works at import, everything heavy loads on use, and closing is explicit and may be done
twice. A studio opened as a viewer can look and mark and refuses everything else.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from studio_kernel.budgets import Budgets
from studio_kernel.dispatch import Dispatch, RunnerName
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import Origin
from studio_kernel.domain.sweep import Sweep
from studio_kernel.domain.tasks import Task
from studio_kernel.drafting import template_of
from studio_kernel.engines.base import Engine
from studio_kernel.errors import MayBeBilledError, ReadOnlyError, StudioError
from studio_kernel.estimates.estimator import Estimator
from studio_kernel.jobs import Job
from studio_kernel.live import LiveBoard
from studio_kernel.orders import Orders
from studio_kernel.private import PrivateSpace, orphans
from studio_kernel.queue import RunQueue
from studio_kernel.run import Run, id_of
from studio_kernel.runlog import RunLog
from studio_kernel.settings import Home
from studio_kernel.sweeping import SweptHome
from studio_kernel.sweeps import SweepRun
from studio_kernel.view import Mode
from studio_kernel.watch import Watcher
from studio_kernel.workshop import Workshop

if TYPE_CHECKING:
    from studio_kernel.replaying.report import ReplayReport, Tolerance
    from studio_kernel.replaying.source import Replayable

RUNNER_VARIABLE = "STUDIO_RUNNER"


class Studio(SweptHome):
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
        RunLogError
            When the log cannot tell now what was paid for.
        StudioError
            As `submit`.
        """
        self._log.require_own()
        record = self.record(id_of(run))
        self._require_request(record, "retry")
        private = self.is_private(record.id)
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
        self._log.require_own()
        record = self.record(id_of(run))
        self._require_request(record, "fetch")
        private = self.is_private(record.id)
        job = self._orders.fetch(record, replace(origin or record.origin, parent_id=record.id), private=private)
        return self._as_run(job) if job is not None else None

    def cancel(self, *runs: Run | str) -> None:
        """Ask runs to stop, wherever they are; each ends within one denoising step."""
        self.require_editor("cancel a run")
        self._dispatch.cancel([id_of(run) for run in runs])

    def queue(self) -> RunQueue:
        """Return what is at work and what waits, in order, and what can be done about it."""
        return RunQueue(self, self._log, self._live)

    # Looking

    def run(self, run_id: str) -> Run:
        """Return the handle of a run of this home.

        Raises
        ------
        UnknownRunError
            When there is none of that id.
        """
        job = self._orders.jobs.get(run_id)
        return Run(self, run_id if job else self.record(run_id).id, job)

    # Inside

    def mend(self) -> list[str]:
        """Deal with runs whose process has died, as a worker does by itself; return what was done, in words."""
        return self._dispatch.mend()

    def _as_run(self, job: Job) -> Run:
        return Run(self, job.run_id, job)

    def _sweep_run(self, sweep_id: str, definition: Sweep, project: str | None) -> SweepRun:
        return SweepRun(self, sweep_id, definition, project)

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
