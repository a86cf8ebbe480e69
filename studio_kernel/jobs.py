"""A run on its way: what handles watch, and what a runner needs to do it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from studio_kernel.domain.runs import RunProgress, RunRecord, RunStatus
from studio_kernel.engines.base import CancelToken, Engine, EngineContext
from studio_kernel.errors import StudioError
from studio_kernel.private import PrivateSpace


@dataclass(eq=False)
class Job:
    """A run that has not ended, as this process sees it.

    Attributes
    ----------
    record : RunRecord
        What is known of the run; replaced as a whole, so any thread may read it.
    progress : RunProgress
        Replaced as a whole at every change.
    done : threading.Event
        Set when the run's final state is in the log.
    trouble : StudioError or None
        Why nobody can work on it at present.
    """

    record: RunRecord
    progress: RunProgress = field(default_factory=lambda: RunProgress(RunStatus.QUEUED))
    done: threading.Event = field(default_factory=threading.Event)
    trouble: StudioError | None = None

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.record.id


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """A job and what it takes to do it.

    Attributes
    ----------
    private : PrivateSpace or None
        Where a private run keeps everything.
    attempt : int
        How often it was begun, this time included; 0 where nobody counts.
    """

    job: Job
    engine: Engine
    context: EngineContext
    private: PrivateSpace | None = None
    attempt: int = 0

    @property
    def batch_size(self) -> int:
        """How many runs are made in one pass with it; 1 = alone."""
        return self.job.record.origin.batch_size

    @property
    def cancel_token(self) -> CancelToken:
        """What stops it."""
        return self.context.cancel
