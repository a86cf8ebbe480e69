"""What is found in a home by its name: runs, wherever they are, and files, those of private runs too.

Runs are under way here, private or in the log; who asks for one need not know which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from studio_kernel.assets import AssetStore
from studio_kernel.dispatch import Dispatch
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import IMPORT_ENGINE, RunProgress, RunRecord
from studio_kernel.domain.values import AssetRef
from studio_kernel.errors import InvalidInputError, InvalidRequestError, Problem, UnknownRunError
from studio_kernel.jobs import Job
from studio_kernel.orders import Orders
from studio_kernel.private import PrivateSpace
from studio_kernel.publishing import PublishedHome
from studio_kernel.run import Run, id_of
from studio_kernel.watch import Watcher


class FoundHome(PublishedHome):
    """A home whose runs and files are found by their ids and digests."""

    # Made by `Studio`, which opens a home.
    _orders: Orders
    _dispatch: Dispatch
    _watcher: Watcher
    _private: PrivateSpace | None

    # Runs

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

    def job_of(self, run_id: str) -> Job | None:
        """Return the job of a run that has not ended, or that was asked for here."""
        return self._orders.jobs.get(run_id) or self._dispatch.follower.find(run_id)

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
            self._require_request(record, "as Python")
            private = self.is_private(record.id)
            if record.engine == IMPORT_ENGINE and request.model not in self.models:
                text = f"{record.id} is a file that was brought in, and does not say which model here would make it"
                raise InvalidRequestError([Problem("run", text)], "as Python")
        card = self.models[request.model] if request.model in self.models else None  # noqa: SIM401 - no KeyError
        return as_python(request, card, project=project, private=private)

    # Files

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

    def maker_of(self, sha256: str) -> RunRecord | None:
        """Return the newest run that made or brought in a file, by its digest; `None` when there is none."""
        known = self._log.made_by(sha256)
        return self.record(known[0]) if known is not None and not known[1] else None

    def thumbnail(self, asset: Asset) -> Path | None:
        """Return a small WebP picture of a file; `None` for what is no picture."""
        return self.store_of(asset).thumbnail(asset)

    def store_of(self, asset: Asset) -> AssetStore:
        """Return the store that has a file: this home's, or that of the private runs of this studio."""
        space = self._private
        return space.assets if space is not None and space.assets.has(asset) else self.assets

    # Inside

    def _require_request(self, record: RunRecord, wish: str) -> None:
        """Refuse what needs the request of a private run of another studio: nobody else has it."""
        if self.is_private(record.id) or not self._log.private_among([record.id]):
            return
        text = (
            f"{record.id} was private, so the log has neither its prompt nor its settings; only the studio that asked "
            "for it has them, until it closes: do it there, or ask for a new run with studio.generate(prompt)"
        )
        raise InvalidRequestError([Problem("run", text)], wish)

    @property
    def _private_space(self) -> PrivateSpace:
        if self._private is None:
            self._private = PrivateSpace.begin(self.home)
        return self._private
