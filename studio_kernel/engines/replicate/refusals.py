"""What the errors of Replicate mean: those of its answers, and those of predictions that have failed.

Notes
-----
Answers follow RFC 7807 (``title``, ``detail``, ``status``); a refused input has ``invalid_fields`` too, with ``field``
such as ``input.aspect_ratio``. The seconds to wait after 429 stand in the text ("resets in ~30s"), a ``Retry-After``
header is not promised (replicate.com/docs/topics/predictions/rate-limits, 2026-11).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TypeGuard

import httpx

from studio_kernel.domain.model import ModelCard
from studio_kernel.errors import (
    AccountError,
    ContentRefusedError,
    EndpointGoneError,
    KeyRefusedError,
    LostAnswerError,
    Paid,
    ParametersRefusedError,
    Problem,
    RateLimitError,
    ResultExpiredError,
    ServiceDownError,
    ServiceError,
)
from studio_kernel.keys import PLACES, hide

SERVICE = "replicate"
LONGEST_TEXT = 300
"""Characters of what the service says that go into a message."""

_RESETS_IN = re.compile(r"resets in ~?\s*(\d+(?:\.\d+)?)\s*s", re.IGNORECASE)
_NAMED = re.compile(r"(?:^|\n)\s*-?\s*input\.(\w+):\s*([^\n]+)")
_NAMED_FIRST = re.compile(r"(\w+) is required")
_CONTENT = re.compile(r"NSFW|flagged as (potentially )?sensitive|\(E005\)|safety (checker|filter)", re.IGNORECASE)


def said(text: object) -> str:
    """Return what the service says as a part of a sentence: one line, without keys, not long."""
    line = " ".join(hide(str(text)).split()).rstrip(".")
    return line if len(line) <= LONGEST_TEXT else f"{line[:LONGEST_TEXT]}…"


def is_object(value: object) -> TypeGuard[Mapping[str, object]]:
    """Return whether a JSON value is an object."""
    return isinstance(value, dict)


def texts_in(value: object) -> Iterator[str]:
    """Yield every text inside a JSON value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from texts_in(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts_in(item)


def is_creation(request: httpx.Request) -> bool:
    """Return whether a request makes a prediction, which costs money."""
    return request.method == "POST" and request.url.path.endswith("/predictions")


def refusal(response: httpx.Response) -> ServiceError:
    """Return what an answer of 400 or more means."""
    body = _body(response)
    text = said(body.get("detail") or body.get("title") or f"it answered {response.status_code}")
    status = response.status_code
    if status == httpx.codes.UNAUTHORIZED:
        website = PLACES[SERVICE].website
        return KeyRefusedError(SERVICE, f"it does not know the key ({text}); copy it again from {website}")
    if status == httpx.codes.PAYMENT_REQUIRED:
        return AccountError(
            SERVICE, f"the account has no credit ({text}); add some at https://replicate.com/account/billing"
        )
    if status == httpx.codes.FORBIDDEN:
        return AccountError(SERVICE, f"the account may not do this ({text})")
    if status == httpx.codes.NOT_FOUND:
        return EndpointGoneError(SERVICE, f"it does not know {response.request.url.path!r} ({text})")
    if status == httpx.codes.GONE:
        return ResultExpiredError(SERVICE, f"it has deleted this ({text})")
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return RateLimitError(SERVICE, f"too many requests ({text})", retry_after_s=_retry_after(response, text))
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        if is_creation(response.request):  # a gateway says this too when what is behind it has accepted
            return LostAnswerError(SERVICE, f"it failed while it took the job ({status}: {text})", paid="unclear")
        return ServiceDownError(SERVICE, f"it has failed ({status}: {text}); try again later")
    if "version does not exist" in text or "Invalid version" in str(body.get("title", "")):
        return EndpointGoneError(SERVICE, f"it has no such version of the model, or not for this account ({text})")
    return ParametersRefusedError(SERVICE, f"it refuses the request: {text}", problems=_problems(body))


def named(error: ParametersRefusedError, card: ModelCard) -> ParametersRefusedError:
    """Return the same error with the parameters called as requests call them."""
    names = {parameter.sent_as or parameter.name: parameter.name for parameter in card.parameters}
    problems = [Problem(names.get(problem.field, problem.field), problem.message) for problem in error.problems]
    return ParametersRefusedError(error.service, error.text, paid=error.paid, problems=problems)


def failure(prediction: Mapping[str, object]) -> ServiceError:
    """Return why a prediction has no result.

    Notes
    -----
    One that was aborted had not begun and is not charged; one that failed or was cancelled may have computed, and
    models that are charged by time charge for that (replicate.com/docs/topics/predictions/lifecycle, 2026-11).
    """
    status = prediction.get("status")
    error = said(prediction.get("error") or "it does not say why")
    if status == "aborted":
        return ServiceError(SERVICE, "the job was given up before it began, its deadline had passed; run it again")
    if status == "canceled":
        return ServiceError(SERVICE, "the job was cancelled at Replicate", paid=_paid(prediction))
    if _CONTENT.search(error):
        text = f"the model refuses the content ({error}); change the prompt or the picture"
        return ContentRefusedError(SERVICE, text, paid=_paid(prediction))
    return ServiceError(SERVICE, f"the model has failed: {error}", paid=_paid(prediction))


def _paid(prediction: Mapping[str, object]) -> Paid:
    return "unclear" if prediction.get("started_at") else "no"


def _body(response: httpx.Response) -> Mapping[str, object]:
    try:
        body = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        return {"detail": response.text}
    return body if is_object(body) else {"detail": body}


def _retry_after(response: httpx.Response, text: str) -> float | None:
    header = response.headers.get("retry-after", "")
    if header.replace(".", "", 1).isdigit():
        return float(header)
    found = _RESETS_IN.search(text)
    return float(found[1]) if found else None


def _problems(body: Mapping[str, object]) -> list[Problem]:
    """Return what is wrong with which input, by the names of the service."""
    fields = body.get("invalid_fields")
    found = [_problem(field) for field in fields if is_object(field)] if isinstance(fields, list) else []
    if found:
        return found
    return [Problem(match[1], said(match[2])) for match in _NAMED.finditer(str(body.get("detail", "")))]


def _problem(field: Mapping[str, object]) -> Problem:
    """Return the problem of one field; what is missing is named in its description alone."""
    name, text = str(field.get("field", "")), said(field.get("description", ""))
    missing = _NAMED_FIRST.match(text)
    if name in ("", "input") and missing:
        name = missing[1]
    return Problem(name.removeprefix("input."), text)
