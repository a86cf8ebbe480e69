"""What the run log can be asked: a method for each question, over one that asks the DuckDB file."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from studio_kernel.domain.assets import Asset
from studio_kernel.domain.boards import Board
from studio_kernel.domain.events import Ticket
from studio_kernel.domain.judging import Vote
from studio_kernel.domain.marks import Project, ProjectCard, Rating
from studio_kernel.domain.measurements import MeasurementKey
from studio_kernel.domain.runs import RunRecord
from studio_kernel.runlog.fold import PAUSE_S
from studio_kernel.runlog.queries import (
    assets,
    boards,
    costs,
    facets,
    judgements,
    ordering,
    projects,
    queued,
    reports,
    runs,
    sweeps,
    tables,
    timings,
)
from studio_kernel.runlog.queries.costs import CostRow
from studio_kernel.runlog.queries.facets import Facets
from studio_kernel.runlog.queries.filters import Cursor, RunFilter, is_uuid
from studio_kernel.runlog.queries.ordering import Order
from studio_kernel.runlog.queries.reports import UsageKey
from studio_kernel.runlog.queries.rows import records
from studio_kernel.runlog.queries.sweeps import SweepContents, SweepRecord
from studio_kernel.runlog.queries.timings import PastRun, RunKind, Timings

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection

Answer = TypeVar("Answer")

_EVERY_RUN = RunFilter()


class AskedLog:
    """A run log, to ask."""

    @abstractmethod
    def _ask(
        self, question: Callable[[DuckDBPyConnection], Answer], *, pause_s: float = PAUSE_S, confined: bool = False
    ) -> Answer:
        """Return the answer to a question.

        Parameters
        ----------
        pause_s : float
            A file that was brought up to date less than this ago is asked as it is.
        confined : bool
            Whether the question is SQL of the user's, which may reach nothing outside the log.
        """

    @abstractmethod
    def _has_runs(self) -> bool:
        """Whether anything was logged here; quick where a question would make the tables of an empty log first."""

    def run(self, run_id: str) -> RunRecord | None:
        """Return a run with everything the log knows about it, also a deleted one; `None` when there is none."""
        if not is_uuid(run_id):
            return None
        found = records(self._ask(lambda connection: runs.by_id(connection, run_id), pause_s=0.0))
        return found[0] if found else None

    def runs_of(self, run_ids: Iterable[str]) -> dict[str, RunRecord]:
        """Return some runs by id, in one question; those that the log does not know are left out."""
        known = [run_id for run_id in run_ids if is_uuid(run_id)]
        found = self._ask(lambda connection: runs.by_ids(connection, known), pause_s=0.0) if known else []
        return {record.id: record for record in records(found)}

    def find(self, part: str, limit: int = 10) -> list[str]:
        """Return the ids that begin or end with `part`, also of deleted runs, newest first."""
        return self._ask(lambda connection: runs.ids_like(connection, part.lower(), limit))

    def runs(
        self, wanted: RunFilter = _EVERY_RUN, *, limit: int | None = 50, before: Cursor | None = None, offset: int = 0
    ) -> list[RunRecord]:
        """Return runs, newest first.

        Parameters
        ----------
        limit : int or None
            How many at most; `None` = all.
        before : Cursor or None
            Only those behind this place: ``Cursor.after(page[-1])`` gives the next page.
        offset : int
            How many to leave out first, for those who jump: 25 ms at 600,000, while a cursor costs nothing.
        """
        return records(self._ask(lambda connection: runs.page(connection, wanted, limit, before, offset)))

    def runs_by(
        self, order: Order, wanted: RunFilter = _EVERY_RUN, *, limit: int | None = 50, offset: int = 0
    ) -> list[RunRecord]:
        """Return runs by a number of theirs; those without one last."""
        return records(self._ask(lambda connection: ordering.page(connection, wanted, order, limit, offset)))

    def place_by(self, order: Order, run_id: str, wanted: RunFilter = _EVERY_RUN) -> int:
        """Return how many runs stand before one in an order."""
        if not is_uuid(run_id):
            return 0
        return self._ask(lambda connection: ordering.place_of(connection, wanted, order, run_id))

    def coverage(self, order: Order, wanted: RunFilter = _EVERY_RUN) -> tuple[int, int]:
        """Return how many runs with something to measure have the number of an order, and how many there are."""
        return self._ask(lambda connection: ordering.coverage(connection, wanted, order))

    def unmeasured(
        self, order: Order, wanted: RunFilter = _EVERY_RUN, *, limit: int = 50, before: Cursor | None = None
    ) -> list[RunRecord]:
        """Return runs with something to measure that nobody has measured, newest first."""
        return records(self._ask(lambda connection: ordering.unmeasured(connection, wanted, order, limit, before)))

    def frame(
        self, wanted: RunFilter = _EVERY_RUN, *, limit: int | None = 50, where: str | None = None
    ) -> pd.DataFrame:
        """Return runs as a table, newest first, a row for each, with ``id`` as first column.

        Parameters
        ----------
        where : str or None
            A further condition in SQL over the columns of the view ``runs``, such as ``"guidance_scale > 4"``.

        Raises
        ------
        RunLogError
            When `where` is no condition, or wants to reach outside the log.
        """

        def answer(connection: DuckDBPyConnection) -> pd.DataFrame:
            if where is not None:
                tables.require_query(connection, f"SELECT * FROM runs WHERE {where}")
            return tables.frame(connection, wanted, limit, where)

        return self._ask(answer, confined=where is not None)

    def count(self, wanted: RunFilter = _EVERY_RUN) -> int:
        """Return how many runs there are."""
        return self._ask(lambda connection: runs.count(connection, wanted))

    def facets(self, wanted: RunFilter = _EVERY_RUN) -> Facets:
        """Return how many runs there are of each model, status, rating and so on."""
        return self._ask(lambda connection: facets.facets(connection, wanted))

    def assets_of(self, ids: Sequence[str]) -> dict[str, tuple[Asset, ...]]:
        """Return the files of some runs, by id."""
        known = [run_id for run_id in ids if is_uuid(run_id)]
        return self._ask(lambda connection: assets.assets_of(connection, known))

    def made_by(self, sha256: str) -> tuple[str, bool] | None:
        """Return the newest run that has a file as its output, and whether it is deleted; one that is not goes first.

        `None` when there is none.
        """
        if not self._has_runs():
            return None
        return self._ask(lambda connection: assets.made_by(connection, sha256), pause_s=0.0)

    def ticket_of(self, run_id: str) -> Ticket | None:
        """Return how to find a run at its remote service; `None` when it was not accepted there."""
        if not is_uuid(run_id):
            return None
        return self._ask(lambda connection: queued.ticket_of(connection, run_id), pause_s=0.0)

    def has_ticket(self, remote_id: str) -> bool:
        """Return whether a job of that name at its service belongs to a run of this home."""
        return self._ask(lambda connection: queued.has_ticket(connection, remote_id), pause_s=0.0)

    def projects(self) -> list[Project]:
        """Return every project, newest first."""
        return self._ask(projects.projects)

    def project_contents(self) -> dict[str, ProjectCard]:
        """Return what is in each project that a run names: counts, costs and covers; its title is not looked up."""
        return self._ask(projects.project_contents) if self._has_runs() else {}

    def sweep_of(self, sweep_id: str) -> SweepRecord | None:
        """Return a sweep that was planned here; `None` when there is none of that id."""
        found = self._ask(lambda connection: sweeps.sweeps(connection, sweep_id, 1), pause_s=0.0)
        return found[0] if found else None

    def sweeps(self, *, limit: int | None = 50) -> list[SweepRecord]:
        """Return sweeps, newest first."""
        return self._ask(lambda connection: sweeps.sweeps(connection, None, limit))

    def sweep_contents(self, sweep_ids: Sequence[str]) -> dict[str, SweepContents]:
        """Return what has become of sweeps, by id; those without runs are left out."""
        known = [sweep_id for sweep_id in sweep_ids if sweep_id]
        if not known or not self._has_runs():
            return {}
        return self._ask(lambda connection: sweeps.sweep_contents(connection, known))

    def succeeded_with(self, digests: Sequence[str], *, batch_size: int | None = None) -> dict[str, str]:
        """Return the newest run that succeeded for each request that has one, digest → id.

        Parameters
        ----------
        batch_size : int or None
            Only runs computed in passes of that size; `None` = of any.
        """
        if not digests or not self._has_runs():
            return {}
        return self._ask(lambda connection: runs.succeeded_with(connection, digests, batch_size), pause_s=0.0)

    def unfinished_with(self, digests: Sequence[str], *, batch_size: int | None = None) -> dict[str, str]:
        """Return the oldest run that waits or is at work for each request that has one, digest → id.

        Parameters
        ----------
        batch_size : int or None
            As for `succeeded_with`.
        """
        if not digests or not self._has_runs():
            return {}
        return self._ask(lambda connection: runs.unfinished_with(connection, digests, batch_size), pause_s=0.0)

    def unclear_with(self, digests: Sequence[str]) -> dict[str, str]:
        """Return the newest run for each request where that may have been billed without a result, digest → id.

        A process has died after it had sent the job and before it knew the service's answer.
        """
        if not digests or not self._has_runs():
            return {}
        return self._ask(lambda connection: runs.unclear_with(connection, digests), pause_s=0.0)

    def reported(
        self, name: str, models: Sequence[str], *, value: str | None = None, limit: int | None = 50
    ) -> list[RunRecord]:
        """Return runs that succeeded and of which the service reported something under a name, newest first.

        Parameters
        ----------
        name : str
            Such as ``video_id``; what was reported is in the provenance of each record.
        models : sequence of str
            Only runs of these.
        value : str or None
            Only those that reported just that.
        """
        if not self._has_runs():
            return []
        asked = self._ask(lambda connection: runs.reported(connection, name, models, value, limit), pause_s=0.0)
        return records(asked)

    def past_runs(self, model: str) -> list[PastRun]:
        """Return what the newest runs of a model took, newest first."""
        return self._ask(lambda connection: timings.past_runs(connection, model)) if self._has_runs() else []

    def costs(self, since: datetime | None = None) -> list[CostRow]:
        """Return what runs cost, added up by quarter of an hour, project, model, engine and sweep.

        Parameters
        ----------
        since : datetime.datetime or None
            Ended, or queued and not ended, then or later; aware.
        """
        return self._ask(lambda connection: costs.costs(connection, since), pause_s=0.0)

    def usage(self, key: UsageKey, since: datetime | None = None, project: str | None = None) -> pd.DataFrame:
        """Return what was used, a row a quarter of an hour (``bin``), project, model or engine, the column ``what``.

        Parameters
        ----------
        since : datetime.datetime or None
            Ended, or queued and not ended, then or later; aware.
        project : str or None
            Only runs of that project.
        """
        return self._ask(lambda connection: reports.usage(connection, key, since, project), pause_s=0.0)

    def models(self, since: datetime | None = None, project: str | None = None) -> pd.DataFrame:
        """Return how models did, the one with the most runs first; parameters as for `usage`."""
        return self._ask(lambda connection: reports.models(connection, since, project), pause_s=0.0)

    def ratings(self) -> dict[str, Rating]:
        """Return what people's stars come to, by model."""
        return self._ask(reports.ratings, pause_s=0.0) if self._has_runs() else {}

    def timings(self, kind: RunKind) -> Timings | None:
        """Return how long runs of a kind took lately; `None` when there were none."""
        return self._ask(lambda connection: timings.timings(connection, kind))

    def votes(self, *, ballot: str | None = None, rater: str | None = None) -> list[Vote]:
        """Return the votes that count, the oldest first: not those taken back, nor those about deleted runs.

        Parameters
        ----------
        ballot, rater : str or None
            Only those of it; `None` = of any.
        """
        return self._ask(lambda connection: judgements.votes(connection, ballot, rater), pause_s=0.0)

    def has_vote(self, vote_id: str) -> bool:
        """Return whether there is a vote of that id, be it that it counts or not."""
        return is_uuid(vote_id) and self._ask(lambda connection: judgements.has_vote(connection, vote_id), pause_s=0.0)

    def marks(self, run_ids: Sequence[str] | None = None, *, limit: int | None = 100) -> pd.DataFrame:
        """Return who said what about runs, the latest first, as in the table ``marks``.

        Parameters
        ----------
        run_ids : sequence of str or None
            Only about these; `None` = about any that is not deleted.
        limit : int or None
            How many at most; `None` = all.
        """
        known = [each for each in run_ids if is_uuid(each)] if run_ids is not None else None
        return self._ask(lambda connection: boards.marks(connection, known, limit), pause_s=0.0)

    def private_among(self, run_ids: Sequence[str]) -> set[str]:
        """Return those of some runs that are private, whoever made them."""
        known = [each for each in run_ids if is_uuid(each)]
        return self._ask(lambda connection: boards.private_among(connection, known), pause_s=0.0) if known else set()

    def boards(self, project: str | None = None) -> list[Board]:
        """Return the boards that were not deleted, the one that changed last first.

        Parameters
        ----------
        project : str or None
            Only those of it.
        """
        return self._ask(lambda connection: boards.boards(connection, project), pause_s=0.0) if self._has_runs() else []

    def measurements(self, sha256s: Sequence[str], metrics: Sequence[str]) -> Mapping[MeasurementKey, float | None]:
        """Return what was measured of some files by some metrics, with whatever they were compared with.

        `None` = it was tried and cannot be measured.
        """
        if not sha256s or not metrics or not self._has_runs():
            return {}
        return self._ask(lambda connection: judgements.measurements(connection, sha256s, metrics), pause_s=0.0)

    def sql(self, query: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> pd.DataFrame:
        """Return the result of a query of your own; ``docs/reference/run-log.md`` lists views, tables and columns.

        Parameters
        ----------
        query : str
            One SELECT. It can read the log and nothing else: no files, no network, no settings.
        parameters : sequence or mapping
            Values for ``?`` or ``$name`` in the query.

        Raises
        ------
        RunLogError
            When it is anything else than one SELECT, or DuckDB cannot answer it; the message says why.
        """

        def answer(connection: DuckDBPyConnection) -> pd.DataFrame:
            tables.require_query(connection, query)
            return tables.table(connection, query, parameters)

        return self._ask(answer, confined=True)
