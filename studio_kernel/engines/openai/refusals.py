"""What the errors of the ``openai`` package mean; the one place where they become errors of the studio."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from studio_kernel.domain.model import ModelCard
from studio_kernel.engines.openai.connection import SERVICE, Place, Watch
from studio_kernel.engines.remote.http import is_untrusted
from studio_kernel.errors import (
    AccountError,
    BadAnswerError,
    Cancelled,
    ContentRefusedError,
    EndpointGoneError,
    InsecureConnectionError,
    KeyRefusedError,
    LostAnswerError,
    Paid,
    ParametersRefusedError,
    Problem,
    RateLimitError,
    ServiceDownError,
    ServiceError,
    ServiceTimeoutError,
)
from studio_kernel.keys import PLACES, hide

if TYPE_CHECKING:
    import openai

LONGEST_TEXT = 300
_CONTENT = frozenset({"moderation_blocked", "content_policy_violation", "content_filter"})
_BALANCE = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_UNSENT = frozenset({"ConnectError", "ConnectTimeout", "ProxyError", "PoolTimeout"})
"""Failures of the transport before anything was sent, by name: the transport is the package's own choice."""


def said(text: object) -> str:
    """Return what the service says as a part of a sentence: one line, without keys, not long."""
    line = " ".join(hide(str(text)).split()).rstrip(".")
    return line if len(line) <= LONGEST_TEXT else f"{line[:LONGEST_TEXT]}…"


@contextmanager
def translated(place: Place, watch: Watch, *, is_paid: bool, card: ModelCard | None = None) -> Iterator[None]:
    """Raise what goes wrong inside as errors of the studio.

    Parameters
    ----------
    is_paid : bool
        What is asked for costs money.
    card : ModelCard or None
        Whose parameters are meant when the service refuses one.
    """
    import httpx2
    import openai

    try:
        yield
    except (openai.OpenAIError, httpx2.HTTPError, json.JSONDecodeError, UnicodeDecodeError, ServiceError) as error:
        if watch.ended == "cancelled":
            charge = f"; {place.host} may charge for what it has begun" if is_paid else ""
            raise Cancelled(f"the run was cancelled{charge}") from None
        if isinstance(error, ServiceError) and not watch.ended:
            raise
        raise _meaning(error, place, watch, is_paid=is_paid, card=card) from None


def _meaning(error: Exception, place: Place, watch: Watch, *, is_paid: bool, card: ModelCard | None) -> ServiceError:
    import openai

    unclear: Paid = "unclear" if is_paid else "no"
    if watch.ended == "late" or isinstance(error, openai.APITimeoutError):
        if _was_unsent(error):
            return _unreachable(error, place)
        text = f"{place.host} has not answered within {watch.limit_s:g} s; try again later"
        setting = ", or raise image_timeout_s in the table [services.openai] of settings.toml" if is_paid else ""
        return ServiceTimeoutError(SERVICE, text + setting, paid=unclear)
    if isinstance(error, openai.APIStatusError):
        return _refusal(error, place, unclear, card)
    if isinstance(error, openai.APIConnectionError):
        return _broken(error, place, is_paid=is_paid)
    if isinstance(error, openai.APIError) and error.code in _CONTENT:
        return _content_refused(error.message, "no")
    if isinstance(error, openai.APIError) and not isinstance(error, openai.APIResponseValidationError):
        return ServiceError(SERVICE, f"it has failed while it worked: {said(error.message)}", paid=unclear)
    return BadAnswerError(SERVICE, f"the answer of {place.host} cannot be read ({said(error)})", paid=unclear)


def _refusal(error: openai.APIStatusError, place: Place, unclear: Paid, card: ModelCard | None) -> ServiceError:
    status, code, text = error.status_code, error.code or "", said(_message(error))
    if code in _CONTENT:
        return _content_refused(text, "no")
    if code in _BALANCE or status == 402:
        website = "https://platform.openai.com/settings/organization/billing"
        return AccountError(SERVICE, f"the account has no credit left ({text}); add some at {website}")
    if status == 401:
        return _key_refused(place, text)
    if status == 403:
        return AccountError(SERVICE, f"the account may not use this ({text})")
    if status == 404:
        return EndpointGoneError(SERVICE, f"{place.host} does not know it ({text})")
    if status == 429:
        return RateLimitError(SERVICE, f"too many requests ({text})", retry_after_s=_retry_after(error))
    if status >= 500 or status == 408:
        return ServiceDownError(SERVICE, f"it has failed ({status}: {text}); try again later", paid=unclear)
    if status < 400:
        return BadAnswerError(SERVICE, f"{place.host} sends requests elsewhere (HTTP {status}); check its address")
    return ParametersRefusedError(SERVICE, f"it refuses the request: {text}", problems=_problems(error, card))


def _content_refused(text: str, paid: Paid) -> ContentRefusedError:
    return ContentRefusedError(
        SERVICE, f"it refuses the content ({said(text)}); change the prompt or picture", paid=paid
    )


def _key_refused(place: Place, text: str) -> KeyRefusedError:
    if place.key is None:
        return KeyRefusedError(
            SERVICE,
            f"{place.host} wants a key ({text}) and none was sent: set OPENAI_API_KEY, and reach the server by https "
            "or on this machine, for keys are sent nowhere else",
        )
    website = PLACES[SERVICE].website
    return KeyRefusedError(SERVICE, f"{place.host} does not know the key ({text}); copy it again from {website}")


def _broken(error: openai.APIConnectionError, place: Place, *, is_paid: bool) -> ServiceError:
    if is_untrusted(error):
        return InsecureConnectionError(
            SERVICE,
            f"the certificate of {place.host} cannot be trusted ({said(error.__cause__)}); nothing was sent to it. "
            "Check the clock of this machine and the proxy or virus scanner between it and the network",
        )
    if _was_unsent(error):
        return _unreachable(error, place)
    text = f"the answer of {place.host} was lost ({said(error.__cause__ or error)})"
    if is_paid:
        return LostAnswerError(SERVICE, f"{text}; it keeps no pictures that could be fetched", paid="unclear")
    return ServiceDownError(SERVICE, text)


def _was_unsent(error: BaseException | None) -> bool:
    while error is not None:
        if type(error).__name__ in _UNSENT:
            return True
        error = error.__cause__
    return False


def _unreachable(error: Exception, place: Place) -> ServiceDownError:
    return ServiceDownError(SERVICE, f"{place.host} cannot be reached ({said(error.__cause__ or error)})")


def _message(error: openai.APIStatusError) -> object:
    body = error.body
    return body.get("message") or error.message if isinstance(body, Mapping) else error.message


def _retry_after(error: openai.APIStatusError) -> float | None:
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = error.response.headers.get(name, "")
        if value.replace(".", "", 1).isdigit():
            return float(value) * scale
    return None


def _problems(error: openai.APIStatusError, card: ModelCard | None) -> list[Problem]:
    """Return the parameter that is wrong, by the name that requests use; lists are meant by ``image[0]``."""
    if not error.param:
        return []
    sent = str(error.param).partition("[")[0]
    names = {p.sent_as or p.name: p.name for p in (card.parameters if card else ())}
    return [Problem(names.get(sent, sent), said(_message(error)))]
