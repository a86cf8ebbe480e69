"""A prediction at Replicate, from body to files.

Predictions are never asked to be waited for (``Prefer: wait``): the answer that holds their id would then come up to a
minute later, and a connection that breaks in that minute would take the id with it. The token goes to the interface
alone, never to the hosts that outputs lie on.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx
from immutabledict import immutabledict

from studio_kernel import keys
from studio_kernel.domain.events import Ticket
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import AssetRef, Value
from studio_kernel.engines.base import EngineContext
from studio_kernel.engines.remote.http import Wire
from studio_kernel.engines.remote.service import JobResult, JobState, Lookup, Payload
from studio_kernel.engines.remote.uploads import Uploads, account_of
from studio_kernel.engines.replicate import inputs, listing, outputs
from studio_kernel.engines.replicate.refusals import SERVICE, failure, is_creation, is_object, named, refusal, texts_in
from studio_kernel.errors import (
    BadAnswerError,
    EndpointGoneError,
    KeyRefusedError,
    LostAnswerError,
    MissingKeyError,
    ModelUnavailableError,
    ParametersRefusedError,
)

BASE_URL = "https://api.replicate.com/v1"
FILE_LIFE_S = 6 * 3600.0
"""So long an upload is used again. When the service deletes it, it tells in each answer and in no document; a
prediction that names a file which is gone is refused without a charge, and the file is sent anew the next time."""
MOST_PAGES = 20
"""Pages of a hundred predictions that are looked through for a lost one."""

_VERSION = re.compile(r"[0-9a-f]{64}")
_OFFICIAL = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_ENDED = frozenset({"succeeded", "failed", "canceled", "aborted"})


class ReplicateService:
    """Predictions of one account.

    Parameters
    ----------
    base_url : str
        Another address of the interface; empty = its own.
    settled_s : float
        Seconds after which a prediction that was accepted is taken to stand in the list of all.
    """

    def __init__(self, base_url: str = "", settled_s: float = listing.SETTLED_S) -> None:
        self._base_url = (base_url or BASE_URL).rstrip("/")
        self._settled = timedelta(seconds=settled_s)
        self._wire: Wire | None = None
        self._known: dict[str, Uploads] = {}
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """As in ``engine`` of its cards."""
        return SERVICE

    @property
    def provenance(self) -> Mapping[str, Value]:
        """What is known before a job begins."""
        return immutabledict(service=SERVICE, httpx=httpx.__version__)

    def prepare(self, request: GenerationRequest, context: EngineContext) -> Payload:
        """Return the body of a prediction; uploads its larger files first."""
        version = version_of(context.card)
        body: dict[str, object] = {"version": version} if version else {}
        uploads = self._uploads()
        body["input"] = inputs.build(
            request,
            context,
            lambda ref: uploads.address(ref.sha256, context.cache, context.cancel, lambda: self._upload(ref, context)),
        )
        return body

    def submit(self, payload: Payload, context: EngineContext) -> Ticket:
        """Make a prediction."""
        version = version_of(context.card)
        path = "/predictions" if version else f"/models/{context.card.source.endpoint}/predictions"
        try:
            response = self._send("POST", path, json=payload)
        except ParametersRefusedError as error:
            self._forget_files(payload, context)
            raise named(error, context.card) from None
        try:
            return _ticket(_object(response))
        except BadAnswerError as error:
            raise LostAnswerError(SERVICE, f"it accepted the job and {error.text}", paid="unclear") from None

    def look_for(self, payload: Payload, context: EngineContext, since: datetime) -> Lookup:
        """Look for a prediction of that body among all of the account, the earliest after `since`."""
        given, endpoint = payload["input"], context.card.source.endpoint
        assert is_object(given)
        asked_at = datetime.now(UTC)
        found: list[Mapping[str, object]] = []
        is_certain = asked_at - since >= self._settled
        for prediction in self._listed(since):
            if prediction is None:
                is_certain = False
                continue
            if context.is_taken(str(prediction.get("id"))):
                continue
            like = listing.likeness(prediction, endpoint, given)
            is_certain = is_certain and like != "unclear"
            if like == "same":
                found.append(prediction)
        return Lookup(_ticket(found[-1])) if found else Lookup(None, is_certain)

    def state(self, ticket: Ticket, context: EngineContext) -> JobState:  # noqa: ARG002 - the id says it all
        """Return how far a prediction is."""
        prediction = self._prediction(ticket)
        if prediction.get("status") in _ENDED:
            return JobState("ended")
        if prediction.get("status") == "starting":
            return JobState("waiting")
        step, total = outputs.progress(prediction.get("logs"))
        return JobState("working", step=step, total=total)

    def result(self, ticket: Ticket, context: EngineContext) -> JobResult:
        """Return what came out of a prediction that has ended."""
        prediction = self._prediction(ticket)
        if prediction.get("status") != "succeeded":
            raise failure(prediction)
        return outputs.read(prediction, context.card)

    def cancel(self, ticket: Ticket, context: EngineContext) -> bool:  # noqa: ARG002 - the id says it all
        """Ask for the end of a prediction; return whether that came in time."""
        try:
            prediction = _object(self._send("POST", f"/predictions/{ticket.remote_id}/cancel"))
        except EndpointGoneError:
            return True
        return prediction.get("status") != "succeeded"

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    def _prediction(self, ticket: Ticket) -> Mapping[str, object]:
        return _object(self._send("GET", f"/predictions/{ticket.remote_id}"))

    def _listed(self, since: datetime) -> Iterator[Mapping[str, object] | None]:
        """Yield the predictions after `since`, newest first, and `None` where there are more than are looked at."""
        query: dict[str, str] = {}
        start: datetime | None = None
        for _ in range(MOST_PAGES):
            response = self._send("GET", "/predictions", params=query)
            if start is None:
                start = listing.server_time(since, response.headers.get("date", ""), datetime.now(UTC))
            body = _object(response)
            for prediction in _results(body):
                if (made := listing.created_at(prediction)) is not None and made < start:
                    return
                yield prediction
            following = body.get("next")
            if not following:
                return
            query = dict(httpx.QueryParams(urlsplit(str(following)).query))
        yield None

    def _uploads(self) -> Uploads:
        account = account_of(SERVICE, keys.find(SERVICE).reveal())
        with self._lock:
            return self._known.setdefault(account, Uploads(SERVICE, account, FILE_LIFE_S))

    def _forget_files(self, payload: Payload, context: EngineContext) -> None:
        """Send the files of a refused body again the next time, in case it was refused for one that is gone."""
        for text in texts_in(payload):
            if text.startswith(self._base_url):
                self._uploads().forget(text, context.cache)

    def _upload(self, ref: AssetRef, context: EngineContext) -> str:
        with context.read_asset(ref).open("rb") as file:
            name = f"{ref.sha256[:16]}.{ref.media_type.rpartition('/')[2]}"
            answer = _object(self._send("POST", "/files", files={"content": (name, file, ref.media_type)}))
        urls = answer.get("urls")
        address = urls.get("get") if is_object(urls) else None
        if not isinstance(address, str):
            raise BadAnswerError(SERVICE, "an upload was answered without an address")
        return address

    def _send(self, method: str, path: str, **content: object) -> httpx.Response:
        try:
            key = keys.find(SERVICE)
        except MissingKeyError as error:  # it was there when the job began
            raise KeyRefusedError(SERVICE, str(error)) from None
        headers = {"Authorization": f"Bearer {key.reveal()}"}
        return self._client().request(method, f"{self._base_url}{path}", headers=headers, **content)  # type: ignore[arg-type]

    def _client(self) -> Wire:
        with self._lock:
            if self._wire is None:
                self._wire = Wire(SERVICE, refusal, is_paid=is_creation)
            return self._wire


def version_of(card: ModelCard) -> str:
    """Return the version that a card names; empty = it names an official model, which has none.

    Raises
    ------
    ModelUnavailableError
        When it names neither.
    """
    endpoint = card.source.endpoint
    model, _, version = endpoint.rpartition(":")
    if _VERSION.fullmatch(version) and (not model or _OFFICIAL.fullmatch(model)):
        return version
    if _OFFICIAL.fullmatch(endpoint):
        return ""
    raise ModelUnavailableError(
        f"{endpoint!r} is no model of Replicate; give owner/name for an official model, and owner/name:version with "
        "the 64 characters of a version for any other"
    )


def _ticket(prediction: Mapping[str, object]) -> Ticket:
    identity = prediction.get("id")
    if not isinstance(identity, str) or not identity.isalnum():
        raise BadAnswerError(SERVICE, "it told no id of it")
    return Ticket(identity, immutabledict(page=f"https://replicate.com/p/{identity}"))


def _results(body: Mapping[str, object]) -> list[Mapping[str, object]]:
    results = body.get("results")
    if not isinstance(results, list):
        raise BadAnswerError(SERVICE, "its list of predictions is none")
    return [item for item in results if is_object(item)]


def _object(response: httpx.Response) -> Mapping[str, object]:
    try:
        body = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        body = None
    if not is_object(body):
        raise BadAnswerError(SERVICE, "its answer cannot be read")
    return body
