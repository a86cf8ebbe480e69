"""What can be seen of a home: its catalog, its files and its log; nothing here asks an engine for anything.

`Studio` is made on top of this: it adds the runs that are under way in this process, and everything that changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

from studio_kernel.assets import AssetStore
from studio_kernel.boards import Boards
from studio_kernel.domain.boards import Board
from studio_kernel.domain.judging import Vote
from studio_kernel.domain.marks import MARKS, Project, ProjectCard, described
from studio_kernel.domain.reported import ReportedChoices
from studio_kernel.domain.runs import RunRecord
from studio_kernel.errors import InvalidRequestError, Problem
from studio_kernel.ledger import By, ledger
from studio_kernel.projects import Projects
from studio_kernel.remembered import remembered
from studio_kernel.reported import ReportedValues
from studio_kernel.reports import By as UsageBy
from studio_kernel.reports import usage
from studio_kernel.run import Run, id_of
from studio_kernel.runlog import Cursor, Facets, Health, Order, RunFilter, RunLog
from studio_kernel.settings import Home
from studio_kernel.sweep_log import SweepCard, SweepLog
from studio_kernel.workshop import Workshop

if TYPE_CHECKING:
    import pandas as pd

    from studio_kernel.catalog.loader import Catalog
    from studio_kernel.catalog.models import Models

Mode = Literal["editor", "viewer"]


class HomeView:
    """A home, to look at.

    Parameters
    ----------
    home : Home
        Exists.
    workshop : Workshop
        Its catalog, engines and files.
    log : RunLog
        Its run log.
    """

    def __init__(self, home: Home, workshop: Workshop, log: RunLog) -> None:
        self.home = home
        self._workshop = workshop
        self._log = log

    @property
    def assets(self) -> AssetStore:
        """The files of this home."""
        return self._workshop.assets

    @property
    def models(self) -> Models:
        """Every model of the catalog, those that ship and those of this home."""
        return self._workshop.models

    @property
    def catalog(self) -> Catalog:
        """Everything the catalog files say: models, schedulers, LoRAs, and mistakes in the user's own files."""
        return self._workshop.catalog

    @property
    def wildcards(self) -> Mapping[str, tuple[str, ...]]:
        """What ``__name__`` in a prompt stands for: name → texts, those that ship and those of this home.

        Examples
        --------
        >>> studio.sweep("a __animal__", axes={"prompt:__animal__": studio.wildcards["animal"]})  # doctest: +SKIP
        """
        return self.catalog.wildcards

    def reported(self, model: str, parameter: str, *, limit: int | None = 50) -> ReportedChoices:
        """Return what a parameter that takes a value of an earlier run can be given, newest first.

        Parameters
        ----------
        model : str
            Catalog id.
        parameter : str
            Such as ``video_id``.

        Raises
        ------
        UnknownModelError
            When there is no such model.
        InvalidRequestError
            When it has no such parameter, or one that takes other values.

        Examples
        --------
        >>> for clip in studio.reported("fal/sora2_video_to_video_remix", "video_id"):  # doctest: +SKIP
        ...     print(clip.value, clip.label)
        """
        found = next((each for each in self.models[model].parameters if each.name == parameter), None)
        if found is None or not found.from_run:
            reason = "not a parameter of this model" if found is None else "takes no value of an earlier run"
            raise InvalidRequestError([Problem(parameter, reason)], f"model {model!r}")
        return ReportedValues(self._workshop, self._log).offer(found, limit)

    def records(
        self,
        where: RunFilter | None = None,
        *,
        limit: int | None = 50,
        before: Cursor | None = None,
        offset: int = 0,
        order: Order | None = None,
    ) -> list[RunRecord]:
        """Return runs as records, newest first, or by a number of theirs.

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
        order : Order
            Sort by what `Studio.order_by` returns; then there is no `before`.
        """
        if order is not None:
            return self._log.runs_by(order, where or RunFilter(), limit=limit, offset=offset)
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

    def count(self, **filters: object) -> int:
        """Return how many runs there are; filters as for `runs`."""
        return self._log.count(RunFilter(**filters))  # type: ignore[arg-type]

    def costs(
        self, by: By = "day", since: date | datetime | None = None, *, project: str | None = None
    ) -> pd.DataFrame:
        """Return what was spent in this home as a table, in US dollars.

        Its columns are what (the day, project, model, engine or sweep), runs, what services billed, what was estimated
        where they did not say, the two together, what is committed to runs that have not ended, and how much more
        services billed than was expected of the same runs.

        Parameters
        ----------
        by : {"day", "project", "model", "engine", "sweep"}
            What makes a row.
        since : datetime.date or datetime.datetime
            Only what ended on that day or later.
        project : str
            Only runs of that project.
        """
        return ledger(self._log, by, since, project=project)

    def usage(
        self, since: date | datetime | None = None, *, by: UsageBy = "day", project: str | None = None
    ) -> pd.DataFrame:
        """Return what was used in this home as a table: runs, files, seconds and US dollars.

        Its columns are ``what`` (the day, project, model or engine), ``runs``, those that ``succeeded``, ``failed`` and
        were ``cancelled``, ``pictures`` (files they made), ``seconds`` of work, ``estimated_usd`` (what was expected of
        those that were charged, or may have been), ``billed_usd`` (what services said), ``total_usd`` (billed, and what
        was expected where they did not say) and ``committed_usd`` (expected of runs that have not ended). Runs that
        were deleted count, files that were brought in do not.

        Parameters
        ----------
        since : datetime.date or datetime.datetime
            Only what ended, or has not ended and was asked for, on that day or later.
        by : {"day", "project", "model", "engine"}
            What makes a row.
        project : str
            Only runs of that project.

        Examples
        --------
        >>> studio.usage(by="model")  # doctest: +SKIP
        """
        return usage(self._log, since, by=by, project=project)

    def votes(self, *, ballot: str | None = None, rater: str | None = None) -> pd.DataFrame:
        """Return the votes that count as a table, the oldest first: who said what about which two runs, and when.

        Votes that were taken back are left out, and those about deleted runs; `sql` finds them in the view ``votes``.

        Parameters
        ----------
        ballot, rater : str
            Only those of it.
        """
        import pandas as pd

        names = [each.name for each in fields(Vote)]
        votes = self._log.votes(ballot=ballot, rater=rater)
        return pd.DataFrame([[getattr(vote, name) for name in names] for vote in votes], columns=names)

    def marks(self, run: Run | str | None = None, *, limit: int | None = 100) -> pd.DataFrame:
        """Return who said what about runs, and when, as a table, the latest first.

        Its columns are those of the table ``marks`` and ``what``: the same in words. Deleted runs are left out.

        Parameters
        ----------
        run : Run or str
            Only about this one, or the one of this id.
        limit : int or None
            At most so many; `None` = all.
        """
        table = self._log.marks(None if run is None else [id_of(run)], limit=limit)
        table["what"] = [described(*said) for said in zip(*(table[name].tolist() for name in MARKS), strict=True)]
        return table

    def boards(self, project: str | None = None) -> list[Board]:
        """Return the boards of this home, or of one of its projects, the one that changed last first.

        Runs of them may have been deleted since: `records` with ``RunFilter(ids=board.runs)`` returns those that are
        there.
        """
        return self._log.boards(project)

    def board(self, id_or_name: str) -> Board:
        """Return one board, by its id or its name.

        Raises
        ------
        UnknownBoardError
            When there is none.
        """
        return Boards(self._log, self.home.locks).find(id_or_name)

    def health(self) -> Health:
        """Return how the run log is doing."""
        return self._log.health()

    def changed_since(self, token: str | None = None) -> str:
        """Return a token that differs from `token` when something was logged since; cheap enough to poll."""
        return self._log.changed_since(token)

    def sweeps(self, *, limit: int | None = 50) -> pd.DataFrame:
        """Return the sweeps of this home as a table, newest first: id, when, cells, axes, model, prompt, project."""
        return self._sweep_log.frame(limit)

    def sweep_cards(self, project: str | None = None, *, limit: int | None = 50) -> list[SweepCard]:
        """Return the sweeps of this home, or of a project, newest first: title, axes, progress and a picture of each.

        Sweeps of no more than a look: `Studio.sweep_of` opens one.
        """
        return self._sweep_log.cards(project, limit)

    def projects(self) -> list[Project]:
        """Return the projects of this home."""
        return self._log.projects()

    def project_cards(self, archived: bool = False) -> list[ProjectCard]:
        """Return every project with its counts, costs and newest pictures, the one that changed last first.

        Projects that nobody has made but that runs name are among them.

        Parameters
        ----------
        archived : bool
            Also those that were put away.
        """
        return Projects(self._log).cards(archived=archived)

    def remembered(self, name: str) -> dict[str, object]:
        """Return what `Studio.remember` kept under a name; nothing when nothing was."""
        return remembered(self.home, name)

    @property
    def _sweep_log(self) -> SweepLog:
        return SweepLog(self._log, str(self.home.root))
