"""What fal means by its errors: each as one of ours, with what to do next and what was paid.

The same code means different things at different addresses, so what was asked for decides first (`Stage`). A result
address answers with the error of the job itself, in one of two forms: a list of what is wrong with the arguments or
the media (`MODEL_ERRORS`), or one text with an ``error_type`` (`REQUEST_ERRORS`). Anything else that goes wrong there
is no word about the job, and asking again may help.

Notes
-----
Types, codes and billing: https://fal.ai/docs/documentation/model-apis/errors and …/request-errors (read 2026-11).
Server errors are not billed. Whether a refusal of content is, is not documented.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from typing import Any

import httpx

from studio_kernel import keys
from studio_kernel.errors import (
    AccountError,
    BadAnswerError,
    ContentRefusedError,
    EndpointGoneError,
    KeyRefusedError,
    LostAnswerError,
    MissingKeyError,
    ParametersRefusedError,
    Problem,
    RateLimitError,
    ResultExpiredError,
    ServiceDownError,
    ServiceError,
)
from studio_kernel.keys import hide

NAME = "fal"
KEYS_PAGE = "https://fal.ai/dashboard/keys"
BILLING_PAGE = "https://fal.ai/dashboard/billing"
LONGEST = 300
LONGEST_WAIT_S = 3600.0

CONTENT = {
    "content_policy_violation": "the request, or what came of it, is against its content policy",
    "no_media_generated": "the model has made nothing of the request",
}
"""Types of refusals of what was asked for, and what to say of them."""
FAILURES = {
    "internal_server_error": "the model has failed",
    "generation_timeout": "the model took longer than fal allows it",
    "downstream_service_error": "the provider of the model has refused or failed",
    "downstream_service_unavailable": "the provider of the model cannot be reached",
    "request_timeout": "the job was not begun in time",
    "startup_timeout": "no machine for the model was ready in time",
    "runner_scheduling_failure": "no machine for the model was found",
    "runner_connection_timeout": "the machine of the model did not answer in time",
    "runner_disconnected": "the machine of the model went away",
    "runner_connection_refused": "the machine of the model did not take the job",
    "runner_connection_error": "the machine of the model was lost",
    "runner_incomplete_response": "the machine of the model broke off its answer",
    "runner_server_error": "the machine of the model has failed",
    "internal_error": "fal itself has failed",
}
"""Types of failures that are nobody's fault here; fal has repeated such jobs already, and does not bill them."""
FILES = ("file_download_error", "image_load_error")
CANCELLED = ("client_cancelled", "client_disconnected")


class FilesRefusedError(ParametersRefusedError):
    """Input files that fal could not fetch; `addresses` are those it was given."""

    addresses: tuple[str, ...] = ()


class AlreadyDoneError(ServiceError):
    """A cancellation that came too late."""


class FalTroubleError(ServiceDownError):
    """fal itself, and nothing on the way to it, answered with an error that says nothing of its reason."""


class Stage(Enum):
    """What was asked for."""

    SUBMIT = auto()
    STATUS = auto()
    RESULT = auto()
    CANCEL = auto()
    UPLOAD = auto()
    PLATFORM = auto()


def stage_of(request: httpx.Request) -> Stage:
    """Return what a request asks for."""
    host, path = request.url.host, request.url.path
    if host == "api.fal.ai":
        return Stage.PLATFORM
    if match := re.search(r"/requests/[^/]+(/status|/cancel)?$", path):
        return {"/status": Stage.STATUS, "/cancel": Stage.CANCEL}.get(match[1] or "", Stage.RESULT)
    if host == "rest.fal.ai" or host.endswith("fal.media") or request.method == "PUT":
        return Stage.UPLOAD
    return Stage.SUBMIT  # whatever the queue is called, so that what may cost money is known as such


def is_paid(request: httpx.Request) -> bool:
    """Whether a request makes fal begin something that costs money."""
    return request.method == "POST" and stage_of(request) is Stage.SUBMIT


def cut(text: object, longest: int = LONGEST) -> str:
    """Return what fal says as part of a sentence of ours: on one line, not long, without keys."""
    line = " ".join(hide(str(text)).split())
    return (line if len(line) <= longest else f"{line[:longest]}…").rstrip(". ")


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer says of an error.

    Attributes
    ----------
    detail : object
        A text, or a list of mappings.
    kind : str
        fal's own name for the error; empty = it has none.
    is_json : bool
        Whether fal answered, and not something on the way to it.
    """

    detail: object
    kind: str
    is_json: bool

    @property
    def items(self) -> list[Mapping[str, Any]]:
        """What is wrong with which argument; empty = it is no such error."""
        if not isinstance(self.detail, list):
            return []
        return [item for item in self.detail if isinstance(item, Mapping)]

    @classmethod
    def of(cls, response: httpx.Response) -> Said:
        """Read an answer, whatever it is."""
        header = response.headers.get("x-fal-error-type", "")
        try:
            body = response.json()
        except ValueError:
            return cls(_without_tags(response.text), header, is_json=False)
        if not isinstance(body, Mapping):
            return cls(body, header, is_json=True)
        error = body.get("error")
        if isinstance(error, Mapping):  # the platform's form
            return cls(error.get("message", ""), str(error.get("type") or header), is_json=True)
        detail = body.get("detail", error or body.get("status") or body)
        return cls(detail, str(body.get("error_type") or header), is_json=True)


def refusal(response: httpx.Response) -> ServiceError:
    """Return what an answer of 400 or more means."""
    stage, said = stage_of(response.request), Said.of(response)
    status = response.status_code
    if status == 401 or said.kind == "auth_error":
        return _of_key(said)
    if stage is Stage.RESULT:
        return _of_result(response, said)
    if stage is Stage.CANCEL and status == 400:
        return AlreadyDoneError(NAME, f"the job has ended already ({cut(said.detail)})")
    if status == 403:
        return _of_account(said)
    if status == 429:
        return RateLimitError(NAME, f"too many requests ({cut(said.detail)})", retry_after_s=retry_after_s(response))
    if said.items or (status in (400, 422) and stage is Stage.SUBMIT):
        return _of_arguments(said)
    if status == 404:
        return _of_unknown(response, stage, said)
    if stage is Stage.SUBMIT:
        return _of_submit(response, said)
    if status >= 500 or status == 408:
        return _down(response, said)
    return ServiceError(NAME, f"it refuses a request with HTTP {status} ({cut(said.detail)}); report this")


def job_failure(kind: str, detail: object) -> ServiceError:
    """Return what the end of a job means that has an error of its own."""
    told = f" ({cut(detail)})" if detail and cut(detail) != kind else ""
    if kind in CANCELLED:
        return ServiceError(NAME, f"the job was cancelled there{told}; run it again if it is wanted", paid="unclear")
    if kind in CONTENT:
        return ContentRefusedError(NAME, f"{CONTENT[kind]}{told}; change the prompt or the input files", paid="unclear")
    if kind in FAILURES:
        return ServiceError(NAME, f"{FAILURES[kind]}: {kind}{told}; run it again later, or try another model")
    if kind == "not_found":
        return EndpointGoneError(NAME, f"it does not know what the job asks for{told}; look for another model")
    if kind == "bad_request":
        return ParametersRefusedError(NAME, f"it refuses the request{told}; change the parameters")
    named = f"{kind}: " if kind else ""
    return ServiceError(
        NAME, f"the job has failed ({named}{cut(detail) or 'it does not say why'}); run it again later", paid="unclear"
    )


def refused(problems: Sequence[Problem]) -> ParametersRefusedError:
    """Return the error of parameters that fal finds wrong."""
    listed = "; ".join(map(str, problems))
    count = "a parameter" if len(problems) == 1 else f"{len(problems)} parameters"
    change = "it" if len(problems) == 1 else "them"
    return ParametersRefusedError(
        NAME, f"it refuses {count}: {listed}; change {change} and run it again", problems=problems
    )


def retry_after_s(response: httpx.Response) -> float | None:
    """Return the seconds to wait that an answer asks for, whether as a number or as a date."""
    told = response.headers.get("retry-after", "").strip()
    try:
        seconds = float(told) if re.fullmatch(r"\d+(\.\d+)?", told) else _until(told, response)
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT_S)


def _until(told: str, response: httpx.Response) -> float:
    moment = parsedate_to_datetime(told)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - (server_time(response) or datetime.now(UTC))).total_seconds()


def server_time(response: httpx.Response) -> datetime | None:
    """Return what time it was for who answered; `None` = it does not say."""
    try:
        moment = parsedate_to_datetime(response.headers.get("date", ""))
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _of_key(said: Said) -> KeyRefusedError:
    try:
        source = keys.find(NAME).source
    except MissingKeyError:  # taken away since it was sent
        source = "FAL_KEY"
    return KeyRefusedError(
        NAME, f"it does not know the key from {source} ({cut(said.detail)}); check it, or get a new one at {KEYS_PAGE}"
    )


def _of_account(said: Said) -> AccountError:
    told = cut(said.detail)
    if "lock" in told.lower() or "balance" in told.lower():
        return AccountError(NAME, f"the account is locked or its balance is used up ({told}); look at {BILLING_PAGE}")
    return AccountError(
        NAME,
        f"the account or its key may not do this ({told}); look at the scopes of the key at {KEYS_PAGE}, and whether "
        f"the model is open to the account",
    )


def _of_unknown(response: httpx.Response, stage: Stage, said: Said) -> ServiceError:
    if stage is Stage.SUBMIT:
        endpoint = response.request.url.path.strip("/")
        return EndpointGoneError(
            NAME,
            f"it has no model {endpoint!r}, or no more ({cut(said.detail)}); choose another, or renew the catalog with "
            f"'studio models refresh'",
        )
    if stage is Stage.STATUS:
        return ResultExpiredError(NAME, f"it does not know the job any more ({cut(said.detail)})", paid="unclear")
    return EndpointGoneError(NAME, f"{response.request.url.host} does not know what was asked for ({cut(said.detail)})")


def _of_submit(response: httpx.Response, said: Said) -> ServiceError:
    """Only 503 says that nothing was taken in; behind the others a job may have been accepted."""
    status, told = response.status_code, cut(said.detail) or "without a word"
    if status == 503:
        return ServiceDownError(
            NAME, f"it does not take jobs now (HTTP 503: {told})", retry_after_s=retry_after_s(response)
        )
    if status >= 500 or status in (408, 499):
        return LostAnswerError(NAME, f"it answered a job with HTTP {status} ({told})", paid="unclear")
    return ServiceError(NAME, f"it refuses the job with HTTP {status} ({told}); change the request")


def _of_result(response: httpx.Response, said: Said) -> ServiceError:
    """Tell the error of a job from trouble on the way to it."""
    status = response.status_code
    if said.items:
        return _of_arguments(said)
    if status == 404 and said.kind in ("", "not_found"):
        return ResultExpiredError(
            NAME,
            f"it has deleted the result ({cut(said.detail)}); it keeps results for an hour to 30 days. Run it again if "
            f"it is wanted",
            paid="yes",
        )
    if status == 499 or (said.kind and said.kind != "auth_error"):
        return job_failure(said.kind or "client_cancelled", said.detail)
    if status == 403:
        return _of_account(said)
    if status == 429:
        return RateLimitError(NAME, f"too many requests ({cut(said.detail)})", retry_after_s=retry_after_s(response))
    if status == 422:
        return _of_arguments(said)
    return _down(response, said)


def _of_arguments(said: Said) -> ServiceError:
    kinds = [str(item.get("type") or "") for item in said.items]
    for known in (CONTENT, FAILURES):
        if match := next((kind for kind in kinds if kind in known), ""):
            return job_failure(match, said.items[kinds.index(match)].get("msg"))
    if not said.items:
        return ParametersRefusedError(NAME, f"it refuses the request ({cut(said.detail)}); change the parameters")
    error = refused([_problem(item) for item in said.items])
    lost = tuple(str(item.get("input")) for item in said.items if item.get("type") in FILES)
    if not lost:
        return error
    files = FilesRefusedError(NAME, error.text, problems=error.problems)
    files.addresses = lost
    return files


def _problem(item: Mapping[str, Any]) -> Problem:
    """Return what is wrong with one argument, by the name that fal has for it."""
    loc = item.get("loc")
    place = [part for part in loc if part != "body"] if isinstance(loc, (list, tuple)) else []
    name = str(place[0]) if place else "request"
    inside = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place[1:])
    return Problem(name, f"{f'at {inside.lstrip(chr(46))} ' if inside else ''}{_sentence(item)}")


_LIMITS: Mapping[str, tuple[str, ...]] = {
    "greater_than": ("must be more than {gt}", "gt"),
    "greater_than_equal": ("must be at least {ge}", "ge"),
    "less_than": ("must be less than {lt}", "lt"),
    "less_than_equal": ("must be at most {le}", "le"),
    "multiple_of": ("must be a multiple of {multiple_of}", "multiple_of"),
    "sequence_too_short": ("needs at least {min_length} items", "min_length"),
    "sequence_too_long": ("takes at most {max_length} items", "max_length"),
    "string_too_long": ("takes at most {max_length} characters", "max_length"),
    "string_too_short": ("needs at least {min_length} characters", "min_length"),
    "one_of": ("must be one of {expected}", "expected"),
    "literal_error": ("must be one of {expected}", "expected"),
    "enum": ("must be one of {expected}", "expected"),
    "image_too_small": ("needs a picture of at least {min_width} × {min_height} pixels", "min_width", "min_height"),
    "image_too_large": ("takes a picture of at most {max_width} × {max_height} pixels", "max_width", "max_height"),
    "file_too_large": ("takes a file of at most {max_size} bytes", "max_size"),
    "audio_duration_too_long": ("takes at most {max_duration} s of sound", "max_duration"),
    "audio_duration_too_short": ("needs at least {min_duration} s of sound", "min_duration"),
    "video_duration_too_long": ("takes at most {max_duration} s of video", "max_duration"),
    "video_duration_too_short": ("needs at least {min_duration} s of video", "min_duration"),
    "unsupported_audio_format": ("takes only {supported_formats}", "supported_formats"),
    "unsupported_image_format": ("takes only {supported_formats}", "supported_formats"),
    "unsupported_video_format": ("takes only {supported_formats}", "supported_formats"),
}
_TEXTS = {
    "missing": "is required",
    "extra_forbidden": "is not known to this model; leave it out",
    "image_load_error": "the picture cannot be read there; save it as PNG or JPEG and give it again",
    "file_download_error": "the file cannot be fetched there; give it again",
    "face_detection_error": "no face was found in it; choose another picture",
    "feature_not_supported": "is not possible with the other settings",
}


def _sentence(item: Mapping[str, Any]) -> str:
    kind, message = str(item.get("type") or ""), cut(item.get("msg") or "is refused")
    context = item.get("ctx")
    context = context if isinstance(context, Mapping) else {}
    if kind in _LIMITS and all(context.get(name) not in (None, []) for name in _LIMITS[kind][1:]):
        values = {name: _listed(context[name]) for name in _LIMITS[kind][1:]}
        return f"{_LIMITS[kind][0].format(**values)}{_given(item)}"
    if kind in _TEXTS:
        return f"{_TEXTS[kind]} (fal says: {message})"
    return f"{message}{_given(item)}"


def _listed(value: object) -> str:
    return cut(", ".join(map(repr, value)) if isinstance(value, (list, tuple)) else value, 160)


def _given(item: Mapping[str, Any]) -> str:
    value = item.get("input")
    if value is None or isinstance(value, (Mapping, list)) or str(value).startswith(("https://", "data:")):
        return ""
    return f", and is {cut(repr(value), 60)}"


def _down(response: httpx.Response, said: Said) -> ServiceDownError:
    host, told = response.request.url.host, cut(said.detail) or "without a word"
    who, kind = ("it", FalTroubleError) if said.is_json else ("something on the way to it", ServiceDownError)
    text = f"{who} answered at {host} with HTTP {response.status_code} ({told})"
    return kind(NAME, text, retry_after_s=retry_after_s(response))


MALFORMED = (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError, AttributeError)
"""What reading an answer raises that is not what it should be."""


def bad_answer(what: str, error: Exception) -> BadAnswerError:
    """Return the error of an answer that is not what it should be."""
    told = f"{error} is missing" if isinstance(error, KeyError) else cut(error)
    return BadAnswerError(NAME, f"its answer to {what} is not what it should be ({told})")


def _without_tags(text: str) -> str:
    return re.sub(r"<[^>]*>", " ", text)
