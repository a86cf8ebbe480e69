"""The handle of one run: what a caller holds, in a cell, in a script or awaited.

A handle reads; the run itself lives in the log and with whoever works on it. The same class serves a run of this
process and one of years ago.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from datetime import datetime
from typing import TYPE_CHECKING, Never

from studio_kernel import display
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import RunProgress, RunRecord, RunStatus
from studio_kernel.errors import RunFailedError, RunNotFinishedError

if TYPE_CHECKING:
    from PIL.Image import Image
    from tqdm.asyncio import tqdm_asyncio

    from studio_kernel.jobs import Job
    from studio_kernel.studio import Studio

BAR_DELAY_S = 0.5


class Run:
    """One executed request.

    Made by `Studio`, not by hand.
    """

    def __init__(self, studio: Studio, run_id: str, job: Job | None = None, *, has_ended: bool = False) -> None:
        self._studio = studio
        self._known_job = job
        self._has_ended = has_ended
        self.id = run_id

    @property
    def _job(self) -> Job | None:
        """The job that keeps this handle up to date; `None` for a run that had ended when this handle was made."""
        if self._known_job is None and not self._has_ended:
            self._known_job = self._studio.job_of(self.id)
            self._has_ended = self._known_job is None
        return self._known_job

    @property
    def record(self) -> RunRecord:
        """Everything that is known of the run now, with what people have said about it since."""
        job = self._job
        return job.record if job is not None and not job.done.is_set() else self._studio.record(self.id)

    @property
    def _facts(self) -> RunRecord:
        """What does not change once the run has ended; from memory when it was followed to its end."""
        job = self._job
        return job.record if job is not None else self._studio.record(self.id)

    @property
    def progress(self) -> RunProgress:
        """What the run shows right now."""
        job = self._job
        return job.progress if job is not None else self._studio.progress(self.id)

    @property
    def status(self) -> RunStatus:
        """Where the run stands."""
        return self.progress.status

    @property
    def request(self) -> GenerationRequest:
        """What was asked for, complete: defaults filled in, with its seed."""
        return self._facts.request

    @property
    def seed(self) -> int | None:
        """The seed that was used."""
        return self._facts.seed

    @property
    def created_at(self) -> datetime:
        """When it was asked for; aware, UTC."""
        return self._facts.created_at

    @property
    def elapsed_s(self) -> float | None:
        """Seconds of work, without waiting in the queue; `None` before the end."""
        return self._facts.elapsed_s

    @property
    def cost_usd(self) -> float | None:
        """US dollars billed; `None` when nothing was or it is not known."""
        return self._facts.cost_usd

    @property
    def error(self) -> str | None:
        """Why it failed, in words."""
        return self._facts.error

    @property
    def assets(self) -> tuple[Asset, ...]:
        """The files it made."""
        return self._facts.assets

    @property
    def first_asset(self) -> Asset:
        """The first file it made.

        Raises
        ------
        RunFailedError, RunNotFinishedError
            When there is none.
        """
        record = self._facts
        if record.assets:
            return record.assets[0]
        if not record.status.is_final:
            raise RunNotFinishedError(f"run {self.id} is {record.status}; call .wait() first")
        reason = f": {record.error}" if record.error else ""
        raise RunFailedError(f"run {self.id} {record.status}{reason}")

    @property
    def image(self) -> Image:
        """The first picture it made.

        Raises
        ------
        RunFailedError, RunNotFinishedError
            When there is none.
        """
        return self._studio.store_of(self.first_asset).image(self.first_asset)

    @property
    def images(self) -> list[Image]:
        """All pictures it made, in order."""
        return [self._studio.store_of(asset).image(asset) for asset in self.assets or (self.first_asset,)]

    def wait(self, timeout: float | None = None, *, progress_bar: bool = False) -> Run:
        """Wait for the run to end and return it, also when it failed.

        Parameters
        ----------
        timeout : float or None
            Seconds; `None` = as long as it takes.
        progress_bar : bool
            Show a bar when it takes more than half a second.

        Raises
        ------
        TimeoutError
            When it has not ended by then; the run goes on.
        WorkerError
            When nobody works on it and nobody can be started; the run stays in the queue.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with _Bar(self) if progress_bar else _NoBar() as bar:
            while not self._wait_a_little(bar):
                if deadline is not None and time.monotonic() >= deadline:
                    raise TimeoutError(f"run {self.id} has not ended after {timeout:g} s; it goes on")
        return self

    def cancel(self) -> None:
        """Ask the run to stop; it ends within one denoising step."""
        self._studio.cancel(self.id)

    def __await__(self) -> Generator[object, None, Run]:
        import asyncio

        return asyncio.to_thread(self.wait).__await__()

    def __repr__(self) -> str:
        return display.run_text(self._facts, self.progress)

    def _repr_mimebundle_(self, **_options: object) -> dict[str, str]:
        record = self._facts
        thumbnail = self._studio.thumbnail(record.assets[0]) if record.assets else None
        picture = thumbnail.read_bytes() if thumbnail else None
        return {"text/plain": repr(self), "text/html": display.run_html(record, self.progress, picture)}

    def _wait_a_little(self, bar: _Bar | _NoBar) -> bool:
        job = self._job
        ended = job is None or job.done.wait(bar.interval_s)
        if job is not None and job.trouble is not None and not ended:
            raise job.trouble
        bar.show()
        return ended


class _NoBar:
    """Waits without showing anything."""

    interval_s: float | None = 1.0

    def __enter__(self) -> _NoBar:
        return self

    def __exit__(self, *_exc: object) -> None:
        pass

    def show(self) -> None:
        pass


class _Bar:
    """A tqdm bar that appears only when a run takes long enough to need one."""

    interval_s: float | None = 0.1

    def __init__(self, run: Run) -> None:
        self._run = run
        self._begun = time.monotonic()
        self._bar: tqdm_asyncio[Never] | None = None

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self) -> None:
        if time.monotonic() - self._begun < BAR_DELAY_S:
            return
        progress = self._run.progress
        if self._bar is None:
            from tqdm.auto import tqdm

            self._bar = tqdm(unit="step", desc=progress.stage, mininterval=0.25)
        if self._bar.total is None and progress.total:
            self._bar.reset(progress.total)  # the time per step does not count loading
        self._bar.set_description(progress.stage, refresh=False)
        self._bar.update(progress.step - self._bar.n)
