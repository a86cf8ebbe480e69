"""`RunLog`: one object that writes the journal, keeps the DuckDB files up to date and answers questions.

Writing returns as soon as the line is in the journal. Reading first folds what is new, if nobody else is at it, and
then asks ``live.duckdb``.
"""

from __future__ import annotations

import atexit
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID
from weakref import WeakSet

from studio_kernel.domain.assets import Asset
from studio_kernel.domain.boards import Board
from studio_kernel.domain.events import Ticket
from studio_kernel.domain.judging import Vote
from studio_kernel.domain.marks import Mark, Project, ProjectCard, Rating
from studio_kernel.domain.measurements import MAX_TOGETHER, Measurement, MeasurementKey
from studio_kernel.domain.queue import Queue, QueueEntry
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import Origin, RunEstimate, RunRecord, RunStatus
from studio_kernel.domain.sweep import Sweep
from studio_kernel.errors import RunLogError
from studio_kernel.runlog import (
    archive,
    boards,
    database,
    events,
    forking,
    judgements,
    ordering,
    quarantine,
    queries,
    reports,
    schema,
)
from studio_kernel.runlog.background import Background, Duty
from studio_kernel.runlog.database import DatabaseBusy, DatabaseCorrupt
from studio_kernel.runlog.filesystem import network_file_system
from studio_kernel.runlog.fold import PAUSE_S, Folder
from studio_kernel.runlog.journal import Journal
from studio_kernel.runlog.ordering import Order
from studio_kernel.runlog.queries import (
    CostRow,
    Cursor,
    Facets,
    PastRun,
    RunFilter,
    RunKind,
    SweepContents,
    SweepRecord,
    Timings,
)
from studio_kernel.runlog.reports import UsageKey
from studio_kernel.runlog.sources import journals_of
from studio_kernel.runlog.tail import QueueTail, SpendingTail, Tail

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection

Answer = TypeVar("Answer")

READ_WAIT_S = 1.0
OWN_WAIT_S = 10.0
"""How long a question waits for what this process has written itself, or was told of, to be in; a file that somebody
held for so long is not waited for again, until it is free."""
PUBLISH_S = 8.0  # the public file is written at most this often, however many processes there are
_EVERY_RUN = RunFilter()
_NOWHERE = Origin()


def new_run_id() -> str:
    """Return a new id: a UUID of version 7, so that ids sort by time."""
    import uuid_utils

    return str(uuid_utils.uuid7())


@dataclass(frozen=True, slots=True)
class Health:
    """How the run log is doing.

    Attributes
    ----------
    pending : int
        Events that are only in memory, because they cannot be written; normally 0.
    journal_error : str or None
        Why they cannot.
    quarantined : int
        Lines of journals that could not be understood; they are in ``journal/bad/``.
    error : str or None
        Why the DuckDB files could not be brought up to date the last time.
    public_is_busy : bool
        Somebody holds ``runs.duckdb`` open for writing; it is brought up to date afterwards.
    newer_events : bool
        A newer studio writes here too; what it wrote is shown after an update of this one.
    network_file_system : str or None
        The kind of network file system the home is on; locks do not hold there.
    """

    pending: int = 0
    journal_error: str | None = None
    quarantined: int = 0
    error: str | None = None
    public_is_busy: bool = False
    newer_events: bool = False
    network_file_system: str | None = None

    @property
    def is_well(self) -> bool:
        """Whether there is nothing to tell a user."""
        return self == Health(public_is_busy=self.public_is_busy)


class RunLog:
    """The run log of a home.

    Nothing is created or started by opening it; the first event makes a journal, the first question or fold DuckDB
    files, if there is anything to fold. It may be used from several threads, and in forked children.

    Parameters
    ----------
    directory : pathlib.Path
        The home.

    Examples
    --------
    >>> import tempfile
    >>> from studio_kernel.domain.request import GenerationRequest
    >>> with RunLog(Path(tempfile.mkdtemp())) as log:
    ...     run_id = new_run_id()
    ...     log.queued(run_id, GenerationRequest("studio-tiny", parameters={"prompt": "a boat"}), engine="diffusers")
    ...     log.runs(RunFilter(text="boat"))[0].request.prompt
    'a boat'
    """

    def __init__(self, directory: Path) -> None:
        self.directory = Path(directory).absolute()
        live, public = self.directory / "live.duckdb", self.directory / "runs.duckdb"
        self._journal = Journal(self.directory / "journal")
        self._live = Folder(self.directory, live, sibling=public, wait_s=READ_WAIT_S, keeps_bad_lines=True)
        self._public = Folder(self.directory, public, sibling=live, wait_s=0.0, keeps_bad_lines=False)
        self._expected: dict[str, int] = {}
        self._is_held = False  # somebody held the file longer than a question waits
        self._calls: deque[Callable[[], object]] = deque()
        self._background: Background | None = None
        self._mutex = threading.RLock()
        self._network: str | None = None
        forking.register(self)
        _open_logs.add(self)

    def __enter__(self) -> RunLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Writing

    def queued(
        self,
        run_id: str,
        request: GenerationRequest,
        *,
        engine: str,
        origin: Origin = _NOWHERE,
        estimate: RunEstimate | None = None,
        reserved_for: str | None = None,
        private: bool = False,
    ) -> None:
        """Log that a run waits for its turn.

        Parameters
        ----------
        estimate : RunEstimate or None
            What is expected of it; of a private run only the cost is logged.
        reserved_for : str or None
            The only process that will work on it; `None` = any worker.
        private : bool
            Keep its parameters out of the log.

        Raises
        ------
        HomeError
            When nothing can be logged in this home; later events of a run never raise for such a reason.
        ValueError
            When `run_id` is no UUID; so for every other event.
        """
        self._append(
            events.queued(
                run_id, request, engine, origin, estimate=estimate, reserved_for=reserved_for, private=private
            )
        )

    def queued_together(self, records: Sequence[RunRecord], *, reserved_for: str | None = None) -> None:
        """Log that runs wait for their turn, in one write: nobody sees one of them long before the next.

        Raises
        ------
        HomeError
            As for `queued`.
        """
        told = (
            events.queued(run.id, run.request, run.engine, run.origin, estimate=run.estimate, reserved_for=reserved_for)
            for run in records
        )
        if records:
            self._append(*told)

    def claimed(self, run_id: str, owner: str, attempt: int) -> None:
        """Log that `owner` is going to work on a run, for the `attempt`-th time; an empty owner gives it back."""
        self._append(events.claimed(run_id, owner, attempt))

    def cancel(self, run_id: str) -> None:
        """Log that somebody wants a run to stop; who works on it sees it."""
        self._append(events.cancel(run_id))

    def priority(self, run_id: str, rank: int) -> None:
        """Log that a run was moved up or down in the queue; higher goes first."""
        self._append(events.priority(run_id, rank))

    def queue(self, *, paused: bool | None = None, first: Sequence[str] | None = None) -> None:
        """Log that the queue is paused or goes on, or which runs are to go before all others."""
        self._append(events.queue(paused=paused, first=first))

    def retire(self, owner: str, *, at_once: bool = False, successor: str = "") -> None:
        """Log that a worker is asked to end, after what it is at or in the middle of it.

        Parameters
        ----------
        successor : str
            The Python that runs a newer studio, which the worker starts when it ends.
        """
        self._append(events.retire(owner, at_once=at_once, successor=successor))

    def started(self, run_id: str, *, provenance: Mapping[str, object]) -> None:
        """Log that work on a run begins, and what is known by now about what decides its result."""
        self._append(events.started(run_id, provenance))

    def ticket(self, run_id: str, ticket: Ticket) -> None:
        """Log that a remote service has accepted a run, and how to find it there."""
        self._append(events.ticket(run_id, ticket))

    def finished(
        self,
        run_id: str,
        status: RunStatus,
        *,
        assets: Sequence[Asset] = (),
        seed: int | None = None,
        elapsed_s: float | None = None,
        cost_usd: float | None = None,
        error: str | None = None,
        outcome: Mapping[str, object] | None = None,
    ) -> None:
        """Log the end of a run; of several ends of one run the first counts.

        Parameters
        ----------
        status : RunStatus
            A final one.
        assets : sequence of Asset
            Its files; they are in the asset store already.
        seed : int or None
            The seed really used.
        elapsed_s : float or None
            Seconds since it started.
        cost_usd : float or None
            What was billed.
        error : str or None
            Why it failed, in words.
        outcome : mapping or None
            What else is known now, such as timings, peak memory and fallbacks; a `RunRecord` shows it as part of the
            provenance.

        Raises
        ------
        ValueError
            For a status that is not final.
        """
        if not RunStatus(status).is_final:
            raise ValueError(f"{str(status)!r} is not the end of a run; use succeeded, failed or cancelled")
        self._append(
            events.finished(
                run_id,
                RunStatus(status),
                assets=assets,
                seed=seed,
                elapsed_s=elapsed_s,
                cost_usd=cost_usd,
                error=error,
                outcome=outcome or {},
            )
        )

    def imported(
        self,
        run_id: str,
        request: GenerationRequest,
        origin: Origin,
        asset: Asset,
        provenance: Mapping[str, object],
    ) -> None:
        """Log a file that somebody has brought in, as a run that has succeeded, in one write.

        Parameters
        ----------
        request : GenerationRequest
            What made it, as far as it tells.
        asset : Asset
            The file; it is in the asset store already.
        provenance : mapping
            Where it comes from.
        """
        self._append(*events.imported(run_id, request, origin, asset, provenance))

    def mark(self, run_ids: str | Sequence[str], mark: Mark) -> None:
        """Log what somebody says about a run or about several, in one write; for each field the latest counts."""
        if not mark.is_empty:
            self._append(*(events.mark(each, mark) for each in ([run_ids] if isinstance(run_ids, str) else run_ids)))

    def delete(self, run_ids: Sequence[str], *, files: bool = False) -> None:
        """Log that some runs are deleted, in one write: answers leave them out, and what they cost counts on.

        Parameters
        ----------
        files : bool
            Whether their files may go, as far as nothing else refers to them; the next collection takes them.
        """
        self._append(*(events.delete(run_id, on=True, files=files) for run_id in run_ids))

    def restore(self, run_ids: Sequence[str]) -> None:
        """Log that some runs are not deleted any more."""
        self._append(*(events.delete(run_id, on=False, files=False) for run_id in run_ids))

    def project(self, project: Project) -> None:
        """Log a project that was made or changed."""
        self._append(events.project(project))

    def sweep(self, sweep_id: str, sweep: Sweep, project: str | None = None) -> None:
        """Log the plan of a sweep, so that it can be opened again."""
        self._append(events.sweep(sweep_id, sweep, project))

    def append_vote(self, vote: Vote) -> None:
        """Log what somebody said about two runs; not of private ones, which say nothing here."""
        self._append(events.vote(vote))

    def retract_vote(self, vote_id: str) -> None:
        """Log that a vote is taken back, for good."""
        self._append(events.retract(vote_id))

    def append_measurements(self, measured: Sequence[Measurement]) -> None:
        """Log numbers that were measured of files, in one write; of each the latest counts.

        Not of files of private runs, whose digests the log does not have.
        """
        told = [measured[at : at + MAX_TOGETHER] for at in range(0, len(measured), MAX_TOGETHER)]
        if told:
            self._append(*map(events.measure, told))

    def board(self, board: Board) -> None:
        """Log a board that is saved, for the first time or again; not one of private runs."""
        self._append(events.board(board))

    def delete_board(self, board_id: str) -> None:
        """Log that a board is deleted, for good; its runs stay."""
        self._append(events.board_deleted(board_id))

    # Reading

    def run(self, run_id: str) -> RunRecord | None:
        """Return a run with everything the log knows about it, also a deleted one; `None` when there is none."""
        if not _is_uuid(run_id):
            return None
        found = queries.records(self._ask(lambda connection: queries.by_id(connection, run_id), pause_s=0.0))
        return found[0] if found else None

    def runs_of(self, run_ids: Iterable[str]) -> dict[str, RunRecord]:
        """Return some runs by id, in one question; those that the log does not know are left out."""
        known = [run_id for run_id in run_ids if _is_uuid(run_id)]
        found = self._ask(lambda connection: queries.by_ids(connection, known), pause_s=0.0) if known else []
        return {record.id: record for record in queries.records(found)}

    def find(self, part: str, limit: int = 10) -> list[str]:
        """Return the ids that begin or end with `part`, also of deleted runs, newest first."""
        return self._ask(lambda connection: queries.ids_like(connection, part.lower(), limit))

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
        return queries.records(self._ask(lambda connection: queries.page(connection, wanted, limit, before, offset)))

    def runs_by(
        self, order: Order, wanted: RunFilter = _EVERY_RUN, *, limit: int | None = 50, offset: int = 0
    ) -> list[RunRecord]:
        """Return runs by a number of theirs; those without one last."""
        return queries.records(self._ask(lambda connection: ordering.page(connection, wanted, order, limit, offset)))

    def place_by(self, order: Order, run_id: str, wanted: RunFilter = _EVERY_RUN) -> int:
        """Return how many runs stand before one in an order."""
        if not _is_uuid(run_id):
            return 0
        return self._ask(lambda connection: ordering.place_of(connection, wanted, order, run_id))

    def coverage(self, order: Order, wanted: RunFilter = _EVERY_RUN) -> tuple[int, int]:
        """Return how many runs with something to measure have the number of an order, and how many there are."""
        return self._ask(lambda connection: ordering.coverage(connection, wanted, order))

    def unmeasured(
        self, order: Order, wanted: RunFilter = _EVERY_RUN, *, limit: int = 50, before: Cursor | None = None
    ) -> list[RunRecord]:
        """Return runs with something to measure that nobody has measured, newest first."""
        return queries.records(
            self._ask(lambda connection: ordering.unmeasured(connection, wanted, order, limit, before))
        )

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
                _require_query(connection, f"SELECT * FROM runs WHERE {where}")
            return queries.frame(connection, wanted, limit, where)

        return self._ask(answer, confined=where is not None)

    def count(self, wanted: RunFilter = _EVERY_RUN) -> int:
        """Return how many runs there are."""
        return self._ask(lambda connection: queries.count(connection, wanted))

    def facets(self, wanted: RunFilter = _EVERY_RUN) -> Facets:
        """Return how many runs there are of each model, status, rating and so on."""
        return self._ask(lambda connection: queries.facets(connection, wanted))

    def assets_of(self, ids: Sequence[str]) -> dict[str, tuple[Asset, ...]]:
        """Return the files of some runs, by id."""
        known = [run_id for run_id in ids if _is_uuid(run_id)]
        return self._ask(lambda connection: queries.assets_of(connection, known))

    def made_by(self, sha256: str) -> tuple[str, bool] | None:
        """Return the newest run that has a file as its output, and whether it is deleted; one that is not goes first.

        `None` when there is none.
        """
        if not self._has_runs():
            return None
        return self._ask(lambda connection: queries.made_by(connection, sha256), pause_s=0.0)

    def ticket_of(self, run_id: str) -> Ticket | None:
        """Return how to find a run at its remote service; `None` when it was not accepted there."""
        if not _is_uuid(run_id):
            return None
        return self._ask(lambda connection: queries.ticket_of(connection, run_id), pause_s=0.0)

    def has_ticket(self, remote_id: str) -> bool:
        """Return whether a job of that name at its service belongs to a run of this home."""
        return self._ask(lambda connection: queries.has_ticket(connection, remote_id), pause_s=0.0)

    def projects(self) -> list[Project]:
        """Return every project, newest first."""
        return self._ask(queries.projects)

    def project_contents(self) -> dict[str, ProjectCard]:
        """Return what is in each project that a run names: counts, costs and covers; its title is not looked up."""
        return self._ask(queries.project_contents) if self._has_runs() else {}

    def sweep_of(self, sweep_id: str) -> SweepRecord | None:
        """Return a sweep that was planned here; `None` when there is none of that id."""
        found = self._ask(lambda connection: queries.sweeps(connection, sweep_id, 1), pause_s=0.0)
        return found[0] if found else None

    def sweeps(self, *, limit: int | None = 50) -> list[SweepRecord]:
        """Return sweeps, newest first."""
        return self._ask(lambda connection: queries.sweeps(connection, None, limit))

    def sweep_contents(self, sweep_ids: Sequence[str]) -> dict[str, SweepContents]:
        """Return what has become of sweeps, by id; those without runs are left out."""
        known = [sweep_id for sweep_id in sweep_ids if sweep_id]
        if not known or not self._has_runs():
            return {}
        return self._ask(lambda connection: queries.sweep_contents(connection, known))

    def succeeded_with(self, digests: Sequence[str], *, batch_size: int | None = None) -> dict[str, str]:
        """Return the newest run that succeeded for each request that has one, digest → id.

        Parameters
        ----------
        batch_size : int or None
            Only runs computed in passes of that size; `None` = of any.
        """
        if not digests or not self._has_runs():
            return {}
        return self._ask(lambda connection: queries.succeeded_with(connection, digests, batch_size), pause_s=0.0)

    def unfinished_with(self, digests: Sequence[str], *, batch_size: int | None = None) -> dict[str, str]:
        """Return the oldest run that waits or is at work for each request that has one, digest → id.

        Parameters
        ----------
        batch_size : int or None
            As for `succeeded_with`.
        """
        if not digests or not self._has_runs():
            return {}
        return self._ask(lambda connection: queries.unfinished_with(connection, digests, batch_size), pause_s=0.0)

    def unclear_with(self, digests: Sequence[str]) -> dict[str, str]:
        """Return the newest run for each request where that may have been billed without a result, digest → id.

        A process has died after it had sent the job and before it knew the service's answer.
        """
        if not digests or not self._has_runs():
            return {}
        return self._ask(lambda connection: queries.unclear_with(connection, digests), pause_s=0.0)

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
        asked = self._ask(lambda connection: queries.reported(connection, name, models, value, limit), pause_s=0.0)
        return queries.records(asked)

    def past_runs(self, model: str) -> list[PastRun]:
        """Return what the newest runs of a model took, newest first."""
        return self._ask(lambda connection: queries.past_runs(connection, model)) if self._has_runs() else []

    def costs(self, since: datetime | None = None) -> list[CostRow]:
        """Return what runs cost, added up by quarter of an hour, project, model, engine and sweep.

        Parameters
        ----------
        since : datetime.datetime or None
            Ended, or queued and not ended, then or later; aware.
        """
        return self._ask(lambda connection: queries.costs(connection, since), pause_s=0.0)

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
        return self._ask(lambda connection: queries.timings(connection, kind))

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
        return _is_uuid(vote_id) and self._ask(lambda connection: judgements.has_vote(connection, vote_id), pause_s=0.0)

    def marks(self, run_ids: Sequence[str] | None = None, *, limit: int | None = 100) -> pd.DataFrame:
        """Return who said what about runs, the latest first, as in the table ``marks``.

        Parameters
        ----------
        run_ids : sequence of str or None
            Only about these; `None` = about any that is not deleted.
        limit : int or None
            How many at most; `None` = all.
        """
        known = [each for each in run_ids if _is_uuid(each)] if run_ids is not None else None
        return self._ask(lambda connection: boards.marks(connection, known, limit), pause_s=0.0)

    def private_among(self, run_ids: Sequence[str]) -> set[str]:
        """Return those of some runs that are private, whoever made them."""
        known = [each for each in run_ids if _is_uuid(each)]
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
            _require_query(connection, query)
            return queries.table(connection, query, parameters)

        return self._ask(answer, confined=True)

    # Following

    def tail(self) -> Tail:
        """Return a reader of what any process appends from now on."""
        return Tail(self.directory)

    def queued_runs(self) -> QueueTail:
        """Return the queue as it is, ready to be kept up to date."""
        tail = self.tail()

        def answer(connection: DuckDBPyConnection) -> tuple[list[QueueEntry], bool, tuple[str, ...], dict[str, int]]:
            found = queries.unfinished(connection)
            return found, *queries.queue_state(connection), queries.watermarks(connection)

        entries, paused, first, watermarks = self._ask(answer, pause_s=0.0)
        tail.rewind(watermarks)
        queue = Queue()
        for entry in entries:
            queue.add(entry)
        queue.pause(0, paused)
        queue.put_first(0, first)
        return QueueTail(queue, tail)

    def spending(self) -> SpendingTail:
        """Return what was spent and what may yet be, ready to be kept up to date."""
        tail = self.tail()
        spending, watermarks = self._ask(
            lambda connection: (queries.spending(connection), queries.watermarks(connection)), pause_s=0.0
        )
        tail.rewind(watermarks)
        return SpendingTail(spending, tail)

    def run_and_watermarks(self, run_id: str) -> tuple[RunRecord | None, dict[str, int]]:
        """Return a run, and how far each journal had been read for the answer: a `Tail` goes on from there."""
        if not _is_uuid(run_id):
            return None, {}
        rows, watermarks = self._ask(
            lambda connection: (queries.by_id(connection, run_id), queries.watermarks(connection))
        )
        found = queries.records(rows)
        return (found[0] if found else None), watermarks

    def expect(self, positions: Mapping[str, int]) -> None:
        """Let every answer from now on include what other processes have written up to `positions`.

        For those who have heard from a `Tail` that something happened: whoever is told of a result finds it in the log.
        """
        self._expected = dict(positions)

    # Keeping up

    @property
    def pending_events(self) -> int:
        """Number of events that are only in memory, because the disk is full; normally 0."""
        return self._journal.pending

    def health(self) -> Health:
        """Return how the run log is doing."""
        duties = self._background.duties if self._background else ()
        errors = [self._live.error, self._public.error, *(duty.error for duty in duties)]
        return Health(
            pending=self._journal.pending,
            journal_error=self._journal.error,
            quarantined=quarantine.count(self.directory / "journal" / "bad"),
            error=next((error for error in errors if error), None),
            public_is_busy=self._public.is_busy,
            newer_events=self._live.met_newer,
            network_file_system=self._network,
        )

    def changed_since(self, token: str | None) -> str:
        """Return a token of the state of the log, equal to `token` when nothing has changed since.

        A few stat calls, for those who look again and again: take the token, read, and read again once it differs.
        """
        parts = [f"{source.name}:{source.size_bytes}" for source in journals_of(self.directory)]
        with suppress(FileNotFoundError):
            state = self._live.path.stat()
            parts.append(f"{state.st_mtime_ns}:{state.st_size}")
        now = "|".join(parts)
        return token if token == now else now

    def sync(self) -> None:
        """Write everything to the disk, and fold it into both DuckDB files unless somebody else holds them."""
        self._journal.flush()
        self._live.catch_up(pause_s=0.0, lock_wait_s=READ_WAIT_S, limit_s=60.0)
        self._publish()

    def close(self) -> None:
        """Stop the thread, fold what was written and leave the journal; closing twice is the same as once."""
        with self._mutex:
            background, self._background = self._background, None
        if background is None:
            return
        background.stop()
        with suppress(OSError):  # a disk that cannot be synced; what was written is in the journal all the same
            self._journal.close()
            self.sync()
        if self._journal.pending:
            warnings.warn(
                f"{self._journal.pending} events could not be written to {str(self._journal.directory)!r} "
                f"({self._journal.error}) and are lost when this process ends",
                RuntimeWarning,
                stacklevel=2,
            )

    def renew_in_child(self) -> None:
        """Begin anew in a forked child, which has none of its parent's threads."""
        self._mutex, self._background = threading.RLock(), None

    def later(self, call: Callable[[], object]) -> None:
        """Call `call`, such as a question nobody waits for, in the thread of this log, once there is one.

        That is after the first event, and not once the log is closed. A thread of anybody else's that is inside DuckDB
        when the interpreter ends takes the process down.
        """
        self._calls.append(call)

    def _make_calls(self) -> None:
        while self._calls:
            self._calls.popleft()()

    def _has_runs(self) -> bool:
        """Whether anything was logged here; quick where a question would make the tables of an empty log first."""
        return database.is_usable(self._live.path) or bool(journals_of(self.directory))

    def _append(self, *told: events.Event) -> None:
        self._journal.append(*told)
        if self._background is None:
            self._start()

    def _start(self) -> None:
        with self._mutex:
            if self._background is None:
                self._network = network_file_system(self.directory)
                self._background = Background(
                    Duty(self._journal.flush, 0.2),
                    Duty(self._make_calls, 0.2),
                    Duty(self._live.catch_up, 0.5),
                    Duty(lambda: self._publish(PUBLISH_S), 2.0),
                )
        if self._network:
            warnings.warn(
                f"the home {str(self.directory)!r} is on a network file system ({self._network}), where file locks "
                "do not hold; keep it on a local disk",
                RuntimeWarning,
                stacklevel=4,
            )

    def _publish(self, pause_s: float = 0.0) -> None:
        """Bring the public file up to date, and put away journals that are in both files."""
        import duckdb

        if (pause_s and not self._public.is_behind()) or not self._public.catch_up(pause_s=pause_s, limit_s=60.0):
            return
        idle = [source for source in journals_of(self.directory) if source.name != self._journal.open_name]
        if idle:
            with suppress(DatabaseBusy, duckdb.Error, OSError):  # they stay where they are until the next time
                folded = archive.folded_everywhere(idle, self._live.watermarks(), self._public.watermarks())
                for source in folded:
                    archive.put_away(source, self.directory / "journal" / "done")

    def _ask(
        self, question: Callable[[DuckDBPyConnection], Answer], *, pause_s: float = PAUSE_S, confined: bool = False
    ) -> Answer:
        import duckdb

        self._freshen(pause_s)
        damaged = database.identity(self._live.path)
        try:
            try:
                return self._answer(question, confined)
            except DatabaseCorrupt:
                self._live.replace(damaged)
                return self._answer(question, confined)
        except (duckdb.Error, OSError) as error:
            raise RunLogError(str(error)) from error

    def _answer(self, question: Callable[[DuckDBPyConnection], Answer], confined: bool) -> Answer:
        self._live.let_go_first()
        with self._reading(confined) as connection:
            return question(connection)

    def _reading(self, confined: bool) -> AbstractContextManager[DuckDBPyConnection]:
        if not database.is_usable(self._live.path):
            return schema.empty(confined=confined)
        if confined:
            return database.sandboxed(self._live.path, wait_s=READ_WAIT_S)
        return database.attached(self._live.path, read_only=True, wait_s=READ_WAIT_S)

    def _freshen(self, pause_s: float) -> None:
        """Fold what is new before a question; at once and with patience if some of it is our own or was told of."""
        known = dict(self._expected)
        if self._journal.name is not None:
            known[self._journal.name] = self._journal.position
        if all(self._live.has(name, position) for name, position in known.items()):
            self._live.catch_up(pause_s=pause_s)
            return
        self.catch_up()

    def catch_up(self) -> None:
        """Fold what anybody has written by now, with patience: for a look on which it depends what is written next."""
        deadline = time.monotonic() + (0.0 if self._is_held else OWN_WAIT_S)
        self._is_held = False
        while not self._live.catch_up(pause_s=0.0, lock_wait_s=READ_WAIT_S):
            self._is_held = time.monotonic() >= deadline
            if self._is_held or self._live.error is not None:
                return


def _require_query(connection: DuckDBPyConnection, query: str) -> None:
    import duckdb

    statements = connection.extract_statements(query)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise RunLogError(f"only one SELECT is answered, got {query!r}; the log is changed through the studio alone")


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except (ValueError, AttributeError, TypeError):
        return False
    return True


_open_logs: WeakSet[RunLog] = WeakSet()


@atexit.register
def _close_all() -> None:
    """Leave everything in order when the interpreter ends."""
    for log in list(_open_logs):
        log.close()
    database.retire()
