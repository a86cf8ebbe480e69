"""What every engine is: the protocol, what it is given, how it is told to stop.

An engine is handed a request that has been checked against its model's card, and a context with everything it may
use. It yields events (`domain.events`) and nothing else leaves it. ``tests/contract`` holds every engine to this.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from immutabledict import immutabledict

from studio_kernel.domain.events import EngineEvent, Ticket
from studio_kernel.domain.model import LoraCard, ModelCard, SchedulerCard
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import AssetRef
from studio_kernel.errors import Cancelled


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
    """

    remote: bool = False
    lanes: int = 1
    previews: bool = False
    repeatable: bool = False


def _never() -> bool:
    return False


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
    ticket : Ticket or None
        How the service knows this job, when an earlier process has submitted it: a remote engine takes it up there and
        must not submit it again.
    """

    card: ModelCard
    cancel: CancelToken
    read_asset: Callable[[AssetRef], Path]
    schedulers: Mapping[str, SchedulerCard] = field(default_factory=immutabledict)
    loras: Mapping[str, LoraCard] = field(default_factory=immutabledict)
    preview_due: Callable[[], bool] = _never
    ticket: Ticket | None = None


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
