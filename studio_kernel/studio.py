"""The facade: one object that joins catalog, engines, runner, log and files of a home.

`sk.open()` makes one. Nothing works at import, everything heavy loads on use, and closing is explicit and may be done
twice. A studio opened as a viewer can look and mark and refuses everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from weakref import WeakValueDictionary

from studio_kernel.assets import AssetStore
from studio_kernel.domain.marks import Mark, Project
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import Origin, RunProgress, RunRecord, RunStatus
from studio_kernel.domain.sweep import Sweep
from studio_kernel.domain.tasks import Task
from studio_kernel.drafting import DEFAULT_TASK, Drafting
from studio_kernel.engines.base import CancelToken, Engine, EngineContext
from studio_kernel.engines.registry import EngineRegistry
from studio_kernel.errors import (
    InvalidRequestError,
    ModelUnavailableError,
    Problem,
    ReadOnlyError,
    StudioError,
    UnknownRunError,
)
from studio_kernel.export import export_gallery
from studio_kernel.live import LiveBoard
from studio_kernel.run import Run
from studio_kernel.runlog import Cursor, Facets, Health, RunFilter, RunLog, new_run_id
from studio_kernel.runner import InlineRunner, Job, Runner, Workplace
from studio_kernel.settings import Home
from studio_kernel.sweeps import SweepRun
from studio_kernel.watch import Watcher

if TYPE_CHECKING:
    import os

    import pandas as pd

    from studio_kernel.catalog.loader import Catalog
    from studio_kernel.catalog.models import Models

Mode = Literal["editor", "viewer"]


class Studio:
    """One home, opened.

    Parameters
    ----------
    home : Home
        The directory that holds everything.
    mode : {"editor", "viewer"}
        A viewer looks and marks; anything else raises `ReadOnlyError`.
    engines : iterable of Engine
        Engines of the caller's own; they go before installed ones of the same name.
    """

    def __init__(self, home: Home, *, mode: Mode = "editor", engines: Iterable[Engine] = ()) -> None:
        if mode not in ("editor", "viewer"):
            raise StudioError(f"mode {mode!r} is neither 'editor' nor 'viewer'")
        home.require() if mode == "viewer" else home.prepare()
        self.home = home
        self.mode = mode
        self.assets = AssetStore(home.assets)
        self._engines = EngineRegistry()
        for engine in engines:
            self._engines.register(engine)
        self._log = RunLog(home.runlog)
        self._live = LiveBoard(home.live)
        self._jobs: WeakValueDictionary[str, Job] = WeakValueDictionary()
        self._watcher = Watcher(self.progress)
        self._closed = False

    def __enter__(self) -> Studio:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Studio at {str(self.home.root)!r}, {self.mode}>"

    def close(self) -> None:
        """Stop what works here, write what is left to write, free the engines; may be called twice."""
        if self._closed:
            return
        self._closed = True
        self._watcher.close()
        if "_runner" in self.__dict__:
            self._runner.close()
        self._engines.close()
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
        **parameters: object,
    ) -> Run:
        """Make one run and return at once.

        Parameters
        ----------
        prompt : str
            What the result should show.
        model : str
            Catalog id; the recommended model when left out.
        task : str
            Told from the inputs when left out: a mask means inpainting, an image image-to-image.
        project : str
            Id of a project to put the run in.
        **parameters
            Anything the model takes; `studio.models[id].parameters_for(task)` lists it. Pictures may be paths, bytes,
            PIL images, arrays or earlier runs.

        Raises
        ------
        StudioError
            When the request cannot be done as written; nothing has been started or logged then.
        """
        request = self.request(prompt, model=model, task=task, **parameters)
        return self.submit_request(request, Origin(project=project))

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

    def submit_request(self, request: GenerationRequest, origin: Origin | None = None) -> Run:
        """Make a run of a complete request, as `request` returns it; returns at once."""
        self._require_editor("generate")
        job = self._job(request, origin or Origin())
        self.assets.hold(request.references)
        job.engine.check(request, job.context)
        self._log.queued(job.run_id, request, engine=job.engine.name, origin=job.record.origin)
        self._jobs[job.run_id] = job
        self._runner.submit(job)
        return Run(self, job.run_id, job)

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
        axes: Mapping[str, Sequence[object]],
        model: str | None = None,
        task: Task | str | None = None,
        project: str | None = None,
        start: bool = True,
        **parameters: object,
    ) -> SweepRun:
        """Run a request for every combination of the values of some axes.

        Cells that this home has already are not computed again.

        Parameters
        ----------
        axes : mapping
            Parameter → values; the first axis changes slowest. ``model`` may be an axis.
        start : bool
            `False` only plans it; `SweepRun.start` begins.
        **parameters
            As for `submit`; without a seed, one is chosen for all cells.

        Raises
        ------
        StudioError
            When no cell of it could run.

        Examples
        --------
        >>> sweep = studio.sweep("a red boat", axes={"seed": [1, 2], "guidance_scale": [3, 7]})  # doctest: +SKIP
        >>> sweep.wait().grid(rows="guidance_scale", columns="seed").save("grid.png")  # doctest: +SKIP
        """
        self._require_editor("sweep")
        definition = self._drafting.sweep(model, task, {"prompt": prompt, **parameters}, axes)
        sweep = SweepRun(self, new_run_id(), definition, project)
        sweep.plan().require_valid()
        return sweep.start() if start else sweep

    def cancel(self, run: Run | str) -> None:
        """Ask a run to stop; it ends within one denoising step."""
        self._require_editor("cancel a run")
        self._runner.cancel(_id_of(run))

    # Looking

    @cached_property
    def models(self) -> Models:
        """Every model of the catalog, those that ship and those of this home."""
        from studio_kernel.catalog.models import Models

        engines = {name: partial(self._unavailable, name) for name in self._engines.names}
        return Models(self.catalog.models.values(), engines)

    @cached_property
    def catalog(self) -> Catalog:
        """Everything the catalog files say: models, schedulers, LoRAs, and mistakes in the user's own files."""
        from studio_kernel.catalog.loader import load

        return load(self.home.catalog)

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
        job = self._jobs.get(run_id)
        return Run(self, run_id if job else self.record(run_id).id, job)

    def record(self, run_id: str) -> RunRecord:
        """Return everything the log knows about a run; a part of its id will do when no other has it.

        Raises
        ------
        UnknownRunError
            When there is none of that id.
        """
        record = self._log.run(run_id)
        if record is not None:
            return record
        close = self._log.find(run_id)
        if len(close) == 1:
            return self.record(close[0])
        hint = f"it could be {', '.join(close)}" if close else "studio.runs() lists what there is"
        raise UnknownRunError(f"no run {run_id!r} in {str(self.home.root)!r}; {hint}")

    def records(
        self, where: RunFilter | None = None, *, limit: int | None = 50, before: Cursor | None = None, offset: int = 0
    ) -> list[RunRecord]:
        """Return runs as records, newest first.

        Parameters
        ----------
        where : RunFilter
            Which runs; all when left out.
        limit : int or None
            At most so many; `None` = all.
        before : Cursor
            Only those behind this place: ``Cursor.after(page[-1])`` gives the next page.
        offset : int
            How many to leave out first.
        """
        return self._log.runs(where or RunFilter(), limit=limit, before=before, offset=offset)

    def facets(self, where: RunFilter | None = None) -> Facets:
        """Return how many runs there are of each model, status, rating and so on."""
        return self._log.facets(where or RunFilter())

    def runs(self, *, where: str | None = None, limit: int | None = 50, **filters: object) -> pd.DataFrame:
        """Return runs as a table, newest first, a row a run.

        Parameters
        ----------
        where : str
            A condition in SQL over the columns, such as ``"rating >= 4 AND guidance_scale > 5"``.
        limit : int or None
            At most so many; `None` = all.
        **filters
            Fields of `RunFilter`, such as ``model="studio-tiny"`` or ``favourite=True``.
        """
        return self._log.frame(RunFilter(**filters), where=where, limit=limit)  # type: ignore[arg-type]

    def sql(self, query: str, parameters: Sequence[object] = ()) -> pd.DataFrame:
        """Ask the run log a question in SQL; read-only.

        Examples
        --------
        >>> studio.sql("SELECT model, count(*) AS runs FROM runs GROUP BY model")  # doctest: +SKIP
        """
        return self._log.sql(query, parameters)

    def finished(self, requests: Sequence[GenerationRequest]) -> dict[str, str]:
        """Return which of `requests` this home has a result of: digest → id of the newest run that succeeded."""
        return self._log.succeeded_with([request.digest for request in requests])

    def progress(self, run_id: str) -> RunProgress:
        """Return what a run shows right now, wherever it works."""
        job = self._jobs.get(run_id)
        if job is not None:
            return job.progress
        shown = self._live.read(run_id)
        if shown is not None:
            return shown
        record = self.record(run_id)
        return RunProgress(record.status, elapsed_s=record.elapsed_s or 0.0, error=record.error)

    def watch(self, run: Run | str, callback: Callable[[RunProgress], None]) -> Callable[[], None]:
        """Call `callback` from a background thread whenever a run's progress changes, until it has ended.

        Returns
        -------
        callable
            Ends the watch early.
        """
        return self._watcher.watch(_id_of(run), callback)

    def count(self, **filters: object) -> int:
        """Return how many runs there are; filters as for `runs`."""
        return self._log.count(RunFilter(**filters))  # type: ignore[arg-type]

    def health(self) -> Health:
        """Return how the run log is doing."""
        return self._log.health()

    def changed_since(self, token: str | None = None) -> str:
        """Return a token that differs from `token` when something was logged since; cheap enough to poll."""
        return self._log.changed_since(token)

    # Marking

    def mark(
        self,
        run: Run | str,
        *,
        rating: int | None = None,
        favourite: bool | None = None,
        tags: Sequence[str] | None = None,
        note: str | None = None,
    ) -> None:
        """Say something about a run; what is left out stays as it is.

        Parameters
        ----------
        rating : int
            1 … 5 stars; 0 takes it away.
        favourite : bool
            In the gallery's favourites.
        tags : list of str
            All of its tags; an empty list takes them away.
        note : str
            Free text; empty takes it away.
        """
        try:
            mark = Mark(rating, favourite, tuple(tags) if tags is not None else None, note)
        except ValueError as error:
            raise InvalidRequestError([Problem("mark", str(error))], "mark") from error
        run_id = self.run(_id_of(run)).id
        self._log.mark(run_id, mark)

    def create_project(self, title: str, *, id: str | None = None, description: str = "") -> Project:  # noqa: A002
        """Make a shelf for runs; its id is made from the title when none is given."""
        self._require_editor("create a project")
        slug = id or "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())
        if not slug:
            raise InvalidRequestError([Problem("title", f"{title!r} has no letters or digits")], "project")
        project = Project(slug, title, description, created_at=_now())
        self._log.project(project)
        return project

    def projects(self) -> list[Project]:
        """Return the projects of this home."""
        return self._log.projects()

    # Sharing

    def export_gallery(
        self,
        folder: str | os.PathLike[str],
        *,
        title: str = "Gallery",
        limit: int | None = 1000,
        project: str | None = None,
    ) -> Path:
        """Write the newest runs as one folder that opens from disk or any web host, and return its page."""
        records = self.records(RunFilter(project=project), limit=limit)
        return export_gallery(records, self.assets, folder, title=title)

    # Inside

    def log_sweep(self, sweep_id: str, definition: Sweep, project: str | None) -> None:
        """Write a sweep's definition to the log, so that it can be told later what its runs belong to."""
        self.assets.hold(definition.references)
        self._log.sweep(sweep_id, definition, project)

    @cached_property
    def _drafting(self) -> Drafting:
        return Drafting(self.models, self.assets)

    @cached_property
    def _runner(self) -> Runner:
        return InlineRunner(Workplace(self._log, self.assets, self._live))

    def _require_editor(self, wish: str) -> None:
        if self.mode != "editor":
            raise ReadOnlyError(f"this studio was opened as a viewer and cannot {wish}; open it with mode='editor'")
        if self._closed:
            raise StudioError("this studio is closed; open it again with sk.open()")

    def _job(self, request: GenerationRequest, origin: Origin) -> Job:
        card = self.models[request.model]
        engine = self._engines.get(card.engine)
        context = EngineContext(
            card=card,
            cancel=CancelToken(),
            read_asset=self.assets.path,
            schedulers=self.catalog.schedulers,
            loras=self.catalog.loras,
        )
        record = RunRecord(
            new_run_id(), request, card.engine, RunStatus.QUEUED, _now(), seed=request.seed, origin=origin
        )
        return Job(record, engine, context, RunProgress(RunStatus.QUEUED))

    def _unavailable(self, engine: str, card: ModelCard) -> str | None:
        try:
            return self._engines.get(engine).unavailable(card)
        except ModelUnavailableError as error:
            return str(error)


def open(  # noqa: A001 - reads as sk.open()
    home: str | os.PathLike[str] | None = None,
    *,
    mode: Mode = "editor",
    engines: Iterable[Engine] = (),
) -> Studio:
    """Open a home and return its studio.

    Parameters
    ----------
    home : path, optional
        The directory that holds the studio, made when it does not exist. Left out: the environment variable
        ``STUDIO_HOME``, else ``data/studio`` of a checkout, else the user's data directory.
    mode : {"editor", "viewer"}
        A viewer can look and mark, nothing else.
    engines : iterable of Engine, optional
        Engines of the caller's own; model cards name them in their ``engine`` field.

    Raises
    ------
    HomeError
        When the home cannot be written (or, for a viewer, read).

    Examples
    --------
    >>> import studio_kernel as sk
    >>> studio = sk.open("my-studio")  # doctest: +SKIP
    """
    return Studio(Home.at(home), mode=mode, engines=engines)


def _id_of(run: Run | str) -> str:
    return run.id if isinstance(run, Run) else run


def _now() -> datetime:
    return datetime.now(UTC)
