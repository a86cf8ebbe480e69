"""The life of a job at a remote service, from request to files.

Three promises are kept here, once for every service. A job is never lost: its ticket is said before anything else is
asked, trouble with the network is waited out, and what was paid for is fetched. A job is never paid twice: only what
was certainly not accepted is sent again, and what may have been is looked for. And a job ends: in time, or by being
cancelled at the service.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from immutabledict import immutabledict

from studio_kernel.domain.events import WAITING, Answered, EngineEvent, Finished, Produced, Progress, Started, Ticket
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.engines.base import EngineContext
from studio_kernel.engines.remote.answers import media_kind
from studio_kernel.engines.remote.download import WHOLE_S, fetch
from studio_kernel.engines.remote.polling import Backoff, Polling
from studio_kernel.engines.remote.service import JobResult, JobService, JobState, MediaKind, Payload, RemoteFile
from studio_kernel.engines.remote.throttle import Throttle
from studio_kernel.errors import (
    Cancelled,
    InsecureConnectionError,
    KeyRefusedError,
    LostAnswerError,
    Paid,
    RateLimitError,
    ServiceDownError,
    ServiceError,
    ServiceTimeoutError,
)
from studio_kernel.settings import ServiceSettings

Got = TypeVar("Got")
OUTAGE_S = 6 * 3600.0
"""So long a job that was accepted waits for a network that is gone: a night, less than any service keeps a result."""
UNSENT_S = 300.0
"""So long a job that was not accepted waits for a service that cannot be reached or has too much to do."""
CHECK_S = 0.1
FILE_S = 1800.0
"""So long a file that was paid for is tried again."""
TROUBLE = (ServiceDownError, RateLimitError, ServiceTimeoutError, InsecureConnectionError)
"""What passes by itself. For a job that is not accepted, a certificate that is wrong does not: nothing is lost yet."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a job waits, in seconds; tests have less of it.

    Attributes
    ----------
    outage_s, unsent_s, file_s : float
        For the network once the job was accepted; for a service that does not accept it; for a file.
    whole_s : float
        For one file, from its first byte to its last.
    first_s : float
        The first wait before something is tried again.
    polling : callable
        Seconds until the next question, of a job that has taken so many.
    """

    outage_s: float = OUTAGE_S
    unsent_s: float = UNSENT_S
    file_s: float = FILE_S
    whole_s: float = WHOLE_S
    first_s: float = 0.5
    polling: Callable[[float], float] | None = None


def stream_job(
    service: JobService,
    request: GenerationRequest,
    context: EngineContext,
    settings: ServiceSettings,
    throttle: Throttle,
    patience: Patience = Patience(),
) -> Iterator[EngineEvent]:
    """Yield the events of a job, as `Engine.stream` does.

    Raises
    ------
    Cancelled
        When the token was set; the service was told, unless only this process ends.
    ServiceError
        When there is no result; says what was paid.
    """
    yield from _Life(service, request, context, settings, throttle, patience).events()


@dataclass(slots=True)
class _Life:
    service: JobService
    request: GenerationRequest
    context: EngineContext
    settings: ServiceSettings
    throttle: Throttle
    patience: Patience
    shown: Progress = field(default_factory=lambda: Progress(0, 0, "sending"))
    has_left_queue: bool = False
    is_done: bool = False

    def events(self) -> Iterator[EngineEvent]:
        self.context.cancel.check()
        if self.context.ticket is not None:
            began = time.monotonic()
            yield self._started()
            result = yield from self._result(self.context.ticket)
        else:
            payload = self.service.prepare(self.request, self.context)
            self._take_turn()
            try:
                began = time.monotonic()
                yield self._started()
                ticket = yield from self._accepted(payload)
                yield ticket
                result = yield from self._result(ticket)
            finally:
                self.throttle.give()
        done, self.is_done = time.monotonic(), True
        yield Answered(result.report, result.cost_usd)
        self.context.release()
        yield from self._files(result)
        yield Finished(timings={"service": done - began, "download": time.monotonic() - done})

    def _started(self) -> Started:
        endpoint = {"endpoint": self.context.card.source.endpoint}
        return Started(immutabledict({"service": self.service.name, **endpoint, **self.service.provenance}))

    # Handing it over

    def _take_turn(self) -> None:
        while (wait_s := self.throttle.take()) > 0:
            self.context.cancel.wait(wait_s)

    def _accepted(self, payload: Payload) -> Generator[EngineEvent, None, Ticket]:
        """Return the ticket of the job: of the one that an earlier process has sent, or of a new one."""
        if self.context.sent_at is not None:
            found = yield from self._looked_for(payload, self.context.sent_at)
            if found is not None:
                return found
        asked_for = self.context.patience_s
        patience_s = self.patience.unsent_s if asked_for is None else asked_for
        while True:
            sent_at = datetime.now(UTC)
            try:
                return (yield from self._insisting(lambda: self._submitted(payload), patience_s))
            except LostAnswerError:
                found = yield from self._looked_for(payload, sent_at)
            if found is not None:
                return found

    def _submitted(self, payload: Payload) -> Ticket:
        try:
            ticket = self.service.submit(payload, self.context)
        except RateLimitError as error:
            self.throttle.was_refused(error.retry_after_s or 1.0)
            raise
        self.throttle.went_well()
        return ticket

    def _looked_for(self, payload: Payload, since: datetime) -> Generator[EngineEvent, None, Ticket | None]:
        """Return the ticket of a job that may have been accepted; `None` when it certainly was not.

        Raises
        ------
        LostAnswerError
            When it is not found, and may be there all the same.
        """
        began, waits, name = time.monotonic(), Backoff(self.patience.first_s, 15.0), self.service.name
        while True:
            look = yield from self._insisting(
                lambda: self.service.look_for(payload, self.context, since), self.patience.outage_s, paid="unclear"
            )
            if look.ticket is not None or look.is_certain:
                return look.ticket
            if time.monotonic() - began > self.settings.lookup_s:
                text = (
                    f"whether it has accepted the job is not known: its answer was lost, and it lists no such job even "
                    f"{self.settings.lookup_s:g} s later. It is not sent again by itself"
                )
                raise LostAnswerError(name, text, paid="unclear")
            yield replace(self.shown, stage=f"looking for the job at {name}")
            self.context.cancel.wait(waits.next_s())

    # Waiting for it

    def _result(self, ticket: Ticket) -> Generator[EngineEvent, None, JobResult]:
        try:
            yield from self._followed(ticket)
            return (yield from self._accepted_answer(lambda: self.service.result(ticket, self.context)))
        except Cancelled:
            if self.context.cancel.is_left or self._is_cancelled_there(ticket):
                raise
            # Too late to be cancelled, so it is paid for: what was made is kept.
            return self.service.result(ticket, self.context)
        except GeneratorExit:
            self._is_cancelled_there(ticket)
            raise

    def _followed(self, ticket: Ticket) -> Iterator[EngineEvent]:
        """Ask until the job has ended, or its time is over."""
        polling = self.patience.polling or Polling(self._kind).wait_s
        limit_s = self.settings.video_timeout_s if self._kind == "video" else self.settings.image_timeout_s
        spent_s, asked_at = 0.0, time.monotonic()
        while True:
            state = yield from self._accepted_answer(lambda: self.service.state(ticket, self.context))
            if state.stage == "ended":
                return
            yield self._progress(state)
            now = time.monotonic()
            # Of one step no more than a minute counts: the rest was an outage, or this machine was asleep.
            spent_s, asked_at = spent_s + min(now - asked_at, 60.0), now
            if spent_s > limit_s and self._is_cancelled_there(ticket):
                raise self._too_late(limit_s)
            self.context.cancel.wait(polling(spent_s))

    @property
    def _kind(self) -> MediaKind:
        return media_kind(self.context.card)

    def _progress(self, state: JobState) -> Progress:
        self.has_left_queue |= state.stage == "working"
        if state.stage == "waiting":
            self.shown = Progress(state.step, state.total, WAITING, position=state.position)
        else:
            self.shown = Progress(state.step, state.total, "working")
        return self.shown

    def _too_late(self, limit_s: float) -> ServiceTimeoutError:
        what = "the job was not done" if self.has_left_queue else "the job did not leave the queue"
        setting = "video_timeout_s" if self._kind == "video" else "image_timeout_s"
        return ServiceTimeoutError(
            self.service.name,
            f"{what} within {limit_s:g} s, and was cancelled there; try again later, or raise {setting} in the table "
            f"[services.{self.service.name}] of settings.toml",
            paid="unclear" if self.has_left_queue else "no",
        )

    def _is_cancelled_there(self, ticket: Ticket) -> bool:
        """Ask the service for the end of the job; return whether that came in time, as far as it says."""
        try:
            return self.service.cancel(ticket, self.context)
        except ServiceError:
            return True

    # Asking again

    def _accepted_answer(self, ask: Callable[[], Got]) -> Generator[EngineEvent, None, Got]:
        """Return what the service says of a job that it has accepted; through an outage of hours, if need be."""
        return (yield from self._insisting(ask, self.patience.outage_s, TROUBLE, paid="unclear"))

    def _insisting(
        self,
        ask: Callable[[], Got],
        patience_s: float,
        trouble: tuple[type[ServiceError], ...] = (ServiceDownError, RateLimitError),
        *,
        paid: Paid = "no",
    ) -> Generator[EngineEvent, None, Got]:
        """Return what `ask` does; while it meets with `trouble`, ask again.

        Parameters
        ----------
        paid : {"no", "unclear", "yes"}
            What is known of the charge when patience ends; unless nothing was, there may be something to fetch.
        """
        began: float | None = None
        waits = Backoff(self.patience.first_s)
        while True:
            try:
                return ask()
            except trouble as error:
                now = time.monotonic()
                began = now if began is None else began
                if now - began > patience_s:
                    raise (error if paid == "no" else error.after_acceptance(paid)) from None
                yield replace(self.shown, stage=f"no answer of {self.service.name}, trying again")
                self._wait(waits.next_s(error.retry_after_s))
            except KeyRefusedError as error:
                raise (error if paid == "no" else error.after_acceptance(paid)) from None

    # Fetching it

    def _files(self, result: JobResult) -> Iterator[EngineEvent]:
        said = result.report.get("seed")
        seed = said if isinstance(said, int) else self.request.seed
        for index, file in enumerate(result.files):
            data = yield from self._insisting(partial(self._fetched, file), self.patience.file_s, TROUBLE, paid="yes")
            yield Produced(data, file.media_type, file.seed if file.seed is not None else seed, index)

    def _fetched(self, file: RemoteFile) -> bytes:
        return fetch(self.service.name, file, self._check, self.patience.whole_s)

    def _check(self) -> None:
        """Raise `Cancelled` when this process ends; what is paid for is fetched even if nobody wants it any more."""
        if self.context.cancel.is_left or not self.is_done:
            self.context.cancel.check()

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._check()
            time.sleep(min(left, CHECK_S))
        self._check()
