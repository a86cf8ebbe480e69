"""What a remote service does for `job.stream`, and the words they exchange."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from immutabledict import immutabledict

from studio_kernel.domain.events import Ticket
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import Value
from studio_kernel.engines.base import EngineContext

MediaKind = Literal["image", "video", "audio"]
Payload: TypeAlias = Mapping[str, object]
"""The JSON body that a service is sent; input files are addresses in it, and keys never are."""


@dataclass(frozen=True, slots=True)
class JobState:
    """How far a job is.

    Attributes
    ----------
    stage : {"waiting", "working", "ended"}
        ``ended`` says nothing of success: the result does.
    position : int or None
        Jobs before it in the service's own queue.
    step, total : int
        Steps done and to do, where the service tells.
    """

    stage: Literal["waiting", "working", "ended"]
    position: int | None = None
    step: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file that a job has made.

    Attributes
    ----------
    url : str
        An ``https:`` address, or a ``data:`` one that holds the file.
    kind : {"image", "video", "audio"}
        What it should be.
    media_type : str
        What the service says it is; empty = nothing.
    size_bytes : int or None
        How long the service says it is.
    seed : int or None
        What made it, where the service tells.
    """

    url: str
    kind: MediaKind
    media_type: str = ""
    size_bytes: int | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class JobResult:
    """What became of a job that has succeeded.

    Attributes
    ----------
    files : tuple of RemoteFile
        In order; at least one.
    report : mapping
        What the service says beside them, such as ``seed``, ``has_nsfw_concepts`` or ``revised_prompt``.
    cost_usd : float or None
        What it charges; `None` = it does not say.
    """

    files: tuple[RemoteFile, ...]
    report: Mapping[str, Value] = field(default_factory=immutabledict)
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Lookup:
    """What came of looking for a job whose acceptance was not heard.

    Attributes
    ----------
    ticket : Ticket or None
        The job.
    is_certain : bool
        When there is none: it was never accepted, since the service lists every job at once.
    """

    ticket: Ticket | None
    is_certain: bool = False


class JobService(Protocol):
    """A service that takes jobs, works on them, and keeps what comes out for a while.

    Every method raises `ServiceError`, with what was paid, and nothing else of its own. None repeats a request by
    itself: `job.stream` knows what may be repeated. All may be called from several threads.
    """

    @property
    def name(self) -> str:
        """As in ``engine`` of its cards, such as ``fal``."""

    @property
    def provenance(self) -> Mapping[str, Value]:
        """What is known before a job begins, such as the version of the client."""

    def prepare(self, request: GenerationRequest, context: EngineContext) -> Payload:
        """Return the body of a job; uploads its files first. Nothing is charged."""

    def submit(self, payload: Payload, context: EngineContext) -> Ticket:
        """Hand a job over.

        Raises
        ------
        LostAnswerError
            When the service may have accepted it all the same; any other error means that it has not.
        RateLimitError, ServiceDownError
            When it has not been accepted, and may be later.
        """

    def look_for(self, payload: Payload, context: EngineContext, since: datetime) -> Lookup:
        """Look for a job with that body that was accepted after `since`."""

    def state(self, ticket: Ticket, context: EngineContext) -> JobState:
        """Return how far a job is.

        Raises
        ------
        ServiceDownError, RateLimitError
            When it may be asked again.
        """

    def result(self, ticket: Ticket, context: EngineContext) -> JobResult:
        """Return what came out of a job that has ended.

        Raises
        ------
        ServiceDownError, RateLimitError
            When it may be asked again.
        ServiceError
            Any other: how the job has failed, and what was paid.
        """

    def cancel(self, ticket: Ticket, context: EngineContext) -> bool:
        """Ask for the end of a job; return whether that came in time (`False` = it is done, and its result is there).

        A job that the service does not know any more was in time.
        """
