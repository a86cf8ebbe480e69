"""What fal does for the life of a job (`engines.remote.job`): take it, tell of it, give its result, end it.

Of the headers that fal knows for a submit only the priority is sent, where one is settled. Time limits are ours, by
cancelling: one of fal's would end a job that waits while this machine is asleep, though waiting costs nothing. fal may
repeat a job that failed on one of its machines: it stays the same request, has one result and is billed once.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any

import httpx
from immutabledict import immutabledict

from studio_kernel import keys
from studio_kernel.domain.events import Ticket
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import Value
from studio_kernel.engines.base import EngineContext
from studio_kernel.engines.fal.refusals import (
    MALFORMED,
    NAME,
    AlreadyDoneError,
    FalTroubleError,
    FilesRefusedError,
    bad_answer,
    job_failure,
)
from studio_kernel.engines.remote.answers import read_answer
from studio_kernel.engines.remote.job import TROUBLE
from studio_kernel.engines.remote.service import JobResult, JobState, Lookup, Payload
from studio_kernel.engines.remote.speech import Listener
from studio_kernel.engines.remote.uploads import Uploads, account_of
from studio_kernel.errors import (
    AccountError,
    BadAnswerError,
    EndpointGoneError,
    KeyRefusedError,
    LostAnswerError,
    MissingKeyError,
    ParametersRefusedError,
    ServiceDownError,
    ServiceError,
    StudioError,
)
from studio_kernel.settings import ServiceSettings

if TYPE_CHECKING:
    from studio_kernel.engines.fal.client import Client
    from studio_kernel.engines.fal.platform import Prices

UNITS, REQUEST_ID = "billable_units", "request_id"
"""What a report has beside the words of the model itself."""
MOST_ODD = 6
"""So many answers about an accepted job may be none before that is the last word on it."""
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True)
class _Account:
    """What belongs to one key."""

    key: keys.Key
    client: Client
    uploads: Uploads
    prices: Prices


@dataclass(slots=True)
class _Followed:
    """What is remembered of a job while it is followed: how far it is, and what its end said."""

    listener: Listener = field(default_factory=Listener)
    error: str = ""
    error_type: str = ""
    odd: int = 0

    def odd_answer(self, what: str, error: Exception) -> ServiceError:
        """Return what to make of an answer about an accepted job that is none: not the last word, at first."""
        self.odd += 1
        bad = bad_answer(what, error) if not isinstance(error, ServiceError) else error
        if self.odd < MOST_ODD:
            return bad if isinstance(bad, ServiceDownError) else ServiceDownError(NAME, bad.text)
        text = f"{bad.text}, {self.odd} times in a row"
        return BadAnswerError(NAME, text, paid="unclear", can_be_fetched=True)


class FalService:
    """fal.ai as a `JobService`.

    Parameters
    ----------
    settings : ServiceSettings or None
        Whether keys of other services may be sent along.
    """

    name = NAME

    def __init__(self, settings: ServiceSettings | None = None) -> None:
        self._settings = settings or ServiceSettings()
        self._lock = threading.Lock()
        self._accounts: list[_Account] = []
        self._following: dict[str, _Followed] = {}
        self._issued: set[str] = set()

    @property
    def provenance(self) -> Mapping[str, Value]:
        """The version of the package that talks to fal."""
        return immutabledict({"fal_client": metadata.version("fal-client")})

    def prepare(self, request: GenerationRequest, context: EngineContext) -> Payload:
        """Return the arguments of a job, with its input files brought to fal."""
        from studio_kernel.engines.fal.wire import Files, body_of

        account = self._there()
        files = Files(account.client, account.uploads, context)
        with _answering("an upload"):
            return body_of(request, context.card, files.address, files.weights)

    def submit(self, payload: Payload, context: EngineContext) -> Ticket:
        """Hand a job over; whatever does not say that it was refused leaves open whether it was accepted."""
        client, card = self._there().client, context.card
        arguments = {**payload, **_own_keys(card, self._settings)}
        try:
            with _answering("a job"):
                handle = client.submit(card.source.endpoint, arguments, priority=self._priority)
                ticket = _ticket(handle)
        except ParametersRefusedError as error:
            raise self._refused(error, context) from None
        except BadAnswerError as error:
            raise LostAnswerError(NAME, f"it may have accepted a job: {error.text}", paid="unclear") from None
        self._claims(ticket.remote_id)
        return ticket

    @property
    def _priority(self) -> str | None:
        return "low" if self._settings.priority == "low" else None

    def look_for(self, payload: Payload, context: EngineContext, since: datetime) -> Lookup:
        """Look through the requests of the account; not finding one says nothing, as running ones may not be listed."""
        from studio_kernel.engines.fal.platform import requests_since

        client, card = self._there().client, context.card
        endpoint, wanted = card.source.endpoint, _comparable(payload, card)
        try:
            with _answering("a question for past requests"):
                past = requests_since(client.wire, endpoint, since)
        except (AccountError, KeyRefusedError, EndpointGoneError, BadAnswerError) as error:
            text = f"whether it has accepted the job is not known, and its list of requests cannot be had: {error.text}"
            raise LostAnswerError(NAME, text, paid="unclear") from None
        for one in past:
            is_it = _ID.fullmatch(one.id) and _comparable(one.arguments, card) == wanted
            if is_it and not context.is_taken(one.id) and self._claims(one.id):
                return Lookup(_ticket(client.get_handle(endpoint, one.id)))
        return Lookup(None)

    def state(self, ticket: Ticket, context: EngineContext) -> JobState:
        """Return how far a job is, with the steps that its log tells of."""
        followed = self._followed(ticket)
        handle = self._handle(ticket, context)
        try:
            said = handle.client.get(handle.status_url, params={"logs": True}).json()
            stage = _STAGES[said["status"]]
        except StudioError:
            raise
        except MALFORMED as error:
            raise followed.odd_answer(f"a question for job {ticket.remote_id}", error) from None
        followed.odd = 0
        followed.error, followed.error_type = str(said.get("error") or ""), str(said.get("error_type") or "")
        step, total = followed.listener.hear(_lines(said.get("logs")))
        position = said.get("queue_position")
        return JobState(stage, position if isinstance(position, int) else None, step, total)

    def result(self, ticket: Ticket, context: EngineContext) -> JobResult:
        """Return the files of a job, what is said beside them, and what they cost."""
        followed = self._followed(ticket)
        try:
            result = self._result(ticket, context, followed)
        except ParametersRefusedError as error:
            self._forget(ticket)
            raise self._refused(error, context) from None
        except TROUBLE:
            raise
        except ServiceError:
            self._forget(ticket)
            raise
        self._forget(ticket)
        return result

    def _result(self, ticket: Ticket, context: EngineContext, followed: _Followed) -> JobResult:
        handle = self._handle(ticket, context)
        try:
            response = handle.client.get(handle.response_url)
            files, report = read_answer(NAME, context.card, response.json())
        except (FalTroubleError, BadAnswerError) as error:
            if followed.error or followed.error_type:
                raise job_failure(followed.error_type, followed.error) from None
            if isinstance(error, BadAnswerError):
                raise
            raise followed.odd_answer("a result", error) from None
        except StudioError:
            raise
        except MALFORMED as error:
            raise followed.odd_answer(f"a question for the result of job {ticket.remote_id}", error) from None
        units = _units(response)
        beside = {REQUEST_ID: ticket.remote_id} | ({} if units is None else {UNITS: units})
        return JobResult(files, immutabledict({**report, **beside}), self._cost(context.card, units))

    def cancel(self, ticket: Ticket, context: EngineContext) -> bool:
        """Ask for the end of a job."""
        try:
            with _answering("a cancellation"):
                self._handle(ticket, context).cancel()
        except AlreadyDoneError:
            return False
        except EndpointGoneError:
            pass
        self._forget(ticket)
        return True

    def close(self) -> None:
        """Close the connections; the service may be used again afterwards."""
        with self._lock:
            accounts, self._accounts = self._accounts, []
        for account in accounts:
            account.client.close()

    def _there(self) -> _Account:
        """Return the account of the key that holds now.

        Raises
        ------
        KeyRefusedError
            When there is none.
        """
        from studio_kernel.engines.fal.client import Client
        from studio_kernel.engines.fal.platform import Prices
        from studio_kernel.engines.fal.wire import LIFE_S

        try:
            key = keys.find(NAME)
        except MissingKeyError as error:
            raise KeyRefusedError(NAME, str(error)) from None
        with self._lock:
            for account in self._accounts:
                if account.key == key:
                    return account
            uploads = Uploads(NAME, account_of(NAME, key.reveal()), LIFE_S)
            self._accounts.append(_Account(key, Client(key=key.reveal()), uploads, Prices()))
            return self._accounts[-1]

    def _handle(self, ticket: Ticket, context: EngineContext) -> Any:
        """Return the package's own handle of a job; its addresses are made of the endpoint, not of what was sent."""
        return self._there().client.get_handle(context.card.source.endpoint, ticket.remote_id)

    def _claims(self, job: str) -> bool:
        """Note that a job belongs to a run of this process; return whether it did not yet."""
        with self._lock:
            is_new = job not in self._issued
            self._issued.add(job)
            return is_new

    def _refused(self, error: ParametersRefusedError, context: EngineContext) -> ServiceError:
        """Return an error about parameters by the names of the request; files that were not read are sent again."""
        from studio_kernel.engines.fal.wire import renamed

        for address in error.addresses if isinstance(error, FilesRefusedError) else ():
            self._there().uploads.forget(address, context.cache)
        return renamed(error, context.card)

    def _followed(self, ticket: Ticket) -> _Followed:
        with self._lock:
            return self._following.setdefault(ticket.remote_id, _Followed())

    def _forget(self, ticket: Ticket) -> None:
        with self._lock:
            self._following.pop(ticket.remote_id, None)

    def _cost(self, card: ModelCard, units: float | None) -> float | None:
        if units is None:
            return None
        account = self._there()
        price = account.prices.unit_price(account.client.side_wire, card.source.endpoint)
        return None if price is None else round(units * price, 6)


_STAGES: Mapping[str, Any] = {"IN_QUEUE": "waiting", "IN_PROGRESS": "working", "COMPLETED": "ended"}


@contextmanager
def _answering(what: str) -> Iterator[None]:
    """Say in our words when an answer is not what it should be."""
    from fal_client import FalClientError

    try:
        yield
    except StudioError:
        raise
    except (*MALFORMED, FalClientError) as error:
        raise bad_answer(what, error) from None


def _ticket(handle: Any) -> Ticket:
    """Return the ticket of a handle.

    Raises
    ------
    ValueError
        When it has no id that can stand in an address.
    """
    if not isinstance(handle.request_id, str) or not _ID.fullmatch(handle.request_id):
        raise ValueError(f"{handle.request_id!r} is no id of a job")
    urls = {"status": handle.status_url, "result": handle.response_url, "cancel": handle.cancel_url}
    return Ticket(handle.request_id, immutabledict({name: str(url) for name, url in urls.items()}))


def _own_keys(card: ModelCard, settings: ServiceSettings) -> dict[str, str]:
    """Return the keys of other services that a model takes, by the fields they go into, where that is wanted."""
    wanted = (card.output or {}).get("own_keys") if settings.own_keys else None
    if not isinstance(wanted, Mapping):
        return {}
    there = {str(name): str(service) for name, service in wanted.items() if keys.missing(str(service)) is None}
    return {name: keys.find(service).reveal() for name, service in there.items()}


def _comparable(arguments: object, card: ModelCard) -> dict[str, Any] | None:
    """Return the arguments of a job without keys, so that those of two jobs can be compared."""
    if not isinstance(arguments, Mapping):
        return None
    own = (card.output or {}).get("own_keys")
    hidden = set(own) if isinstance(own, Mapping) else set()
    return {name: value for name, value in arguments.items() if name not in hidden}


def _lines(logs: object) -> list[str]:
    entries = logs if isinstance(logs, list) else []
    return [str(entry.get("message") or "") if isinstance(entry, Mapping) else str(entry) for entry in entries]


def _units(response: httpx.Response) -> float | None:
    try:
        units = float(response.headers.get("x-fal-billable-units", ""))
    except ValueError:
        return None
    return units if math.isfinite(units) and units >= 0 else None
