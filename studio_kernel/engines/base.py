"""What every engine is: the protocol, what it is given, how it is told to stop.

An engine is handed a request that has been checked against its model's card, and a context with everything it may
use. It yields events (`domain.events`) and nothing else leaves it. ``tests/contract`` holds every engine to this.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

from immutabledict import immutabledict

from studio_kernel.domain.events import EngineEvent, Failed, Ticket
from studio_kernel.domain.model import LoraCard, ModelCard, SchedulerCard
from studio_kernel.domain.offers import Offer
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import AssetRef, Value
from studio_kernel.errors import Cancelled
from studio_kernel.settings import ServiceSettings


class CancelToken:
    """Tells a working engine to stop; set from any thread, checked by the engine at every step."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._left = False

    def cancel(self) -> None:
        """Ask for a stop; asking twice is the same as once."""
        self._event.set()

    def leave(self) -> None:
        """Ask for a stop here, because this process ends; a job at a remote service goes on and is taken up later."""
        self._left = True
        self._event.set()

    @property
    def is_cancelled(self) -> bool:
        """Whether a stop has been asked for."""
        return self._event.is_set()

    @property
    def is_left(self) -> bool:
        """Whether the stop is only one of this process: a remote engine then leaves the job at its service alone."""
        return self._left

    def wait(self, seconds: float) -> None:
        """Wait, and raise `Cancelled` as soon as a stop has been asked for."""
        self._event.wait(seconds)
        self.check()

    def check(self) -> None:
        """Raise `Cancelled` when a stop has been asked for."""
        if self._event.is_set():
            raise Cancelled("the run was cancelled")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do, as data.

    Attributes
    ----------
    remote : bool
        Works elsewhere: needs no device here, and may cost money.
    lanes : int
        How many requests it works on at a time.
    previews : bool
        Can show the state before the end.
    repeatable : bool
        The same request gives the same bytes on the same machine.
    finds_lost_jobs : bool
        A job whose acceptance was not heard can be looked for at the service (see `EngineContext.sent_at`).
    """

    remote: bool = False
    lanes: int = 1
    previews: bool = False
    repeatable: bool = False
    finds_lost_jobs: bool = False


def _never() -> bool:
    return False


def _never_taken(_remote_id: str) -> bool:
    return False


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class EngineContext:
    """What an engine is given beside the request.

    Attributes
    ----------
    card : ModelCard
        The model; paths in its source are absolute.
    cancel : CancelToken
        To be checked at every step.
    read_asset : callable
        Returns the path of a stored file.
    schedulers : mapping
        Id → card, of every scheduler the request may name.
    loras : mapping
        Id → card, of every LoRA the request names; their files are absolute paths.
    preview_due : callable
        Whether a preview is wanted now; engines make none when it says no.
    release : callable
        To be called from any thread when the engine is free for the next request. What it does after that, such as
        encoding files, is done beside the next one. An engine that never calls it is free when its events are over.
    ticket : Ticket or None
        How the service knows this job, when an earlier process has submitted it: a remote engine takes it up there and
        must not submit it again.
    sent_at : datetime.datetime or None
        After which moment an earlier process may have submitted the job without hearing the answer: the engine looks
        for it at the service before it submits. Only set for engines that find lost jobs.
    is_taken : callable
        Whether a job of that name at the service is known to belong to another run.
    cache : pathlib.Path or None
        A directory of the engine's own for what can be made again, such as where a file was uploaded to; `None` =
        nothing may be kept.
    patience_s : float or None
        How long to wait for a service that accepts nothing; `None` = as long as the engine thinks right.
    providers : tuple of Provider
        The services that have the model, in the order to try them; for the engine that chooses among them.
    earlier : mapping
        The provenance that an earlier process said, where `sent_at` is set.
    """

    card: ModelCard
    cancel: CancelToken
    read_asset: Callable[[AssetRef], Path]
    schedulers: Mapping[str, SchedulerCard] = field(default_factory=immutabledict)
    loras: Mapping[str, LoraCard] = field(default_factory=immutabledict)
    preview_due: Callable[[], bool] = _never
    release: Callable[[], None] = _nothing
    ticket: Ticket | None = None
    sent_at: datetime | None = None
    is_taken: Callable[[str], bool] = _never_taken
    cache: Path | None = None
    patience_s: float | None = None
    providers: tuple[Provider, ...] = ()
    earlier: Mapping[str, Value] = field(default_factory=immutabledict)


@dataclass(frozen=True, slots=True)
class Provider:
    """A service that has a model.

    Attributes
    ----------
    offer : Offer
        How the model is asked for there.
    card : ModelCard
        What the service calls it.
    engine : Engine
        What speaks to the service.
    """

    offer: Offer
    card: ModelCard
    engine: Engine

    def request(self, asked: GenerationRequest, here: ModelCard) -> GenerationRequest:
        """Return the request that does there what `asked` does here.

        Raises
        ------
        InvalidRequestError
            When it cannot be done there.
        """
        return self.offer.request(asked, here, self.card)


@runtime_checkable
class Engine(Protocol):
    """Turns one request into events."""

    @property
    def name(self) -> str:
        """The name cards use in their ``engine`` field."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    def unavailable(self, card: ModelCard) -> str | None:
        """Return why `card` cannot run here and what to do about it, or `None` when it can.

        Quick and light: no heavy import, no network, no weights loaded.
        """

    def check(self, request: GenerationRequest, context: EngineContext) -> None:
        """Refuse what only the engine can know to be wrong, before any work starts; as light as `unavailable`.

        Raises
        ------
        StudioError
            When the request cannot be done.
        """

    def stream(self, request: GenerationRequest, context: EngineContext) -> Iterator[EngineEvent]:
        """Yield the events of one run.

        The request has a seed. Closing the iterator stops the work. A remote engine yields `Started` before it sends
        anything and `Ticket` as soon as the service has accepted: what is found without the one was never sent, and
        what is found with the other is taken up again.

        Raises
        ------
        Cancelled
            When the token was set; at most one step later.
        StudioError
            When the work cannot be finished.
        """

    def close(self) -> None:
        """Free what is held (pipelines, connections); the engine may be used again afterwards."""


@runtime_checkable
class ServiceEngine(Engine, Protocol):
    """An engine of a remote service, which the settings of a home say something about."""

    def configure(self, settings: ServiceSettings) -> None:
        """Take what the home has settled for the service; called once, before anything else is asked of it."""


@dataclass(frozen=True, slots=True)
class Member:
    """One request of several that are made together.

    Attributes
    ----------
    request : GenerationRequest
        With a seed.
    cancel : CancelToken
        Its own: the others go on when it is set.
    """

    request: GenerationRequest
    cancel: CancelToken


MemberEvent: TypeAlias = tuple[int | None, EngineEvent | Failed]
"""An event and the member it is of, by place; `None` = all that have not ended."""


@runtime_checkable
class BatchEngine(Engine, Protocol):
    """An engine that makes the pictures of several requests in one pass through a model.

    A picture does not depend on which requests are in the pass, nor on its place among them, only on how many there
    are: passes that are not full are filled up.
    """

    def batch_key(self, request: GenerationRequest, card: ModelCard) -> Hashable | None:
        """Return what requests that can be made in one pass have in common; `None` = made alone.

        As light as `unavailable`.
        """

    def batch_limit(self, request: GenerationRequest) -> int:
        """Return how many requests like this one a pass should hold at most, ≥ 1.

        It depends on nothing but the request, so that a plan made anywhere is the same.
        """

    def appetite(self, request: GenerationRequest, batch_size: int) -> int:
        """Return how many requests like this one to hand over at once: `batch_size`, or more where that saves loading.

        Known best when the model is loaded; asked before each hand-over.
        """

    def stream_batch(self, members: Sequence[Member], context: EngineContext, batch_size: int) -> Iterator[MemberEvent]:
        """Yield the events of several runs: `Started` and `Progress` of all, the others of one member each.

        A `Progress` with a preview is of the member that it shows. A member's `Produced` and `Finished` come as soon as
        its files are there. A member that cannot be done, though others in its pass can, has `Failed` in their place.

        Parameters
        ----------
        members : sequence of Member
            Of equal `batch_key`; as many as there are, also fewer or more than `batch_size`.
        context : EngineContext
            As for `stream`; its token stops all members.
        batch_size : int
            Requests in each pass.

        Raises
        ------
        Cancelled
            When `context.cancel` or the tokens of all members were set. A single member whose token was set has no
            more events.
        StudioError
            When the work cannot be finished. Members of which `Finished` came are done all the same.
        """
