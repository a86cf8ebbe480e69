"""What is written to the run log: a method for each kind of event, over one that appends them to the journal."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence

from studio_kernel.domain.assets import Asset
from studio_kernel.domain.boards import Board
from studio_kernel.domain.events import Ticket
from studio_kernel.domain.judging import Vote
from studio_kernel.domain.marks import Mark, Project
from studio_kernel.domain.measurements import MAX_TOGETHER, Measurement
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import Origin, RunEstimate, RunRecord, RunStatus
from studio_kernel.domain.sweep import Sweep
from studio_kernel.runlog import events

_NOWHERE = Origin()


class AppendedLog:
    """A run log, to write to."""

    @abstractmethod
    def _append(self, *told: events.Event) -> None:
        """Write events to the journal, in one write."""

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
