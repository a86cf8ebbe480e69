"""The handle of one run: what a caller holds, in a cell, in a script or awaited.

A handle reads; the run itself lives in the log and with whoever works on it. The same class serves a run of this
process and one of years ago.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Never

from studio_kernel import display
from studio_kernel.display import Shown
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import RunProgress, RunRecord, RunStatus
from studio_kernel.errors import InvalidInputError, RunError, RunFailedError, RunNotFinishedError

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
        """The first picture it made; a video or a sound is none: see `video`, `audio` and `files`.

        Raises
        ------
        RunFailedError, RunNotFinishedError
            When it made nothing.
        RunError
            When it made something else.
        """
        asset = self.first_of("image")
        return self._studio.store_of(asset).image(asset)

    @property
    def images(self) -> list[Image]:
        """All pictures it made, in order; raises what `image` raises when there is none."""
        self.first_of("image")
        pictures = [asset for asset in self.assets if asset.is_a("image")]
        return [self._studio.store_of(asset).image(asset) for asset in pictures]

    @property
    def video(self) -> Path:
        """Where the first video is that it made; raises as `image` does."""
        return self._path(self.first_of("video"))

    @property
    def audio(self) -> Path:
        """Where the first sound is that it made; raises as `image` does."""
        return self._path(self.first_of("audio"))

    @property
    def files(self) -> list[Path]:
        """Where the files are that it made, in order; they are not to be changed."""
        return [self._path(asset) for asset in self.assets]

    def first_of(self, kind: str) -> Asset:
        """Return the first file that is an ``image``, a ``video`` or ``audio``; raises as `image` does."""
        first = self.first_asset
        found = next((asset for asset in self.assets if asset.is_a(kind)), None)
        if found is None:
            made = first.media_type.split("/")[0]
            other = f"run.{made}" if made in ("image", "video", "audio") else "run.files"
            raise RunError(f"run {self.id} made no {kind} but {first.media_type}; see {other}")
        return found

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
        shown = self._shown(self.assets[0]) if self.assets else None
        html = display.run_html(self._facts, self.progress, shown)
        return {"text/plain": repr(self), "text/html": html}

    def _shown(self, asset: Asset) -> Shown:
        """Return what a card shows of a file; nothing of one that somebody has taken away."""
        try:
            path, thumbnail = self._path(asset), self._studio.thumbnail(asset)
            plays = display.plays_in_card(asset)
            data = path.read_bytes() if plays else None
            return Shown(asset.media_type, str(path), thumbnail.read_bytes() if thumbnail else None, data)
        except (InvalidInputError, OSError) as error:
            return Shown(asset.media_type, str(error))

    def _path(self, asset: Asset) -> Path:
        return self._studio.store_of(asset).path(asset)

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


def id_of(run: Run | str) -> str:
    """Return the id of a run that is named by its handle or by its id."""
    return run.id if isinstance(run, Run) else run


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
