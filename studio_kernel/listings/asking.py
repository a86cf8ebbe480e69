"""Asking a service about its models: politely, and with a key only where one is needed.

Nothing asked for here costs anything, so a question may be asked again: after "too many requests" as late as the
service says, and once more when it could not be reached.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from studio_kernel import keys
from studio_kernel.engines.remote.http import Wire
from studio_kernel.errors import (
    AccountError,
    BadAnswerError,
    EndpointGoneError,
    KeyRefusedError,
    RateLimitError,
    ServiceDownError,
    ServiceError,
)

TRIES = 6
WAIT_S = 5.0
"""So long it is waited where a service refuses for now and does not say until when."""
LONGEST_WAIT_S = 120.0
_LONGEST = 300

Say = Callable[[str], None]


class Asking:
    """Questions to one service.

    Parameters
    ----------
    service : str
        Its name.
    scheme : str
        What stands before the key in the header, such as ``Key``.
    say : callable
        Is told in words why something takes longer.
    """

    def __init__(self, service: str, scheme: str, say: Say = lambda _text: None) -> None:
        self.service, self._scheme, self._say = service, scheme, say
        self._wire = Wire(service, self._refusal, follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._wire.close()

    @property
    def has_key(self) -> bool:
        """Whether there is a key of the service."""
        return keys.missing(self.service) is None

    def get(self, url: str, parameters: Mapping[str, Any] | None = None, *, with_key: bool = False) -> dict[str, Any]:
        """Return the object that an address answers with.

        Parameters
        ----------
        with_key : bool
            Whether it needs a key; without that none is sent.

        Raises
        ------
        MissingKeyError
            When it needs one and there is none.
        ServiceError
            When it does not answer, or not with an object.
        """
        headers = {"Authorization": f"{self._scheme} {keys.find(self.service).reveal()}"} if with_key else {}
        for left in reversed(range(TRIES)):
            try:
                return self._object(self._wire.get(url, params=parameters, headers=headers))
            except RateLimitError as error:
                if not left:
                    raise
                pause = min(LONGEST_WAIT_S, WAIT_S if error.retry_after_s is None else error.retry_after_s)
                self._say(f"{self.service} asks to wait {pause:g} s")
            except ServiceDownError:
                if left < TRIES - 1:
                    raise
                pause = 1.0
            time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _object(self, response: httpx.Response) -> dict[str, Any]:
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            text = (
                f"{response.request.url.host} answered with something else than a JSON object: {response.text[:80]!r}"
            )
            raise BadAnswerError(self.service, keys.hide(text))
        return answer

    def _refusal(self, response: httpx.Response) -> ServiceError:
        said, code = _said(response), response.status_code
        at = f"{response.request.url.host} answered {code}{f': {said}' if said else ''}"
        if code == 401:
            return KeyRefusedError(self.service, f"{at}. Set its key anew with 'studio keys set {self.service}'")
        if code in (402, 403):
            return AccountError(self.service, at)
        if code == 404:
            return EndpointGoneError(self.service, at)
        if code == 429:
            return RateLimitError(self.service, at, retry_after_s=_retry_after(response, said))
        return ServiceDownError(self.service, at) if code >= 500 else BadAnswerError(self.service, at)


def _said(response: httpx.Response) -> str:
    """Return what the body of a refusal says, in any of the forms that services use."""
    try:
        body = response.json()
    except ValueError:
        return ""
    error = body.get("error") if isinstance(body, dict) else None
    inner = error.get("message") if isinstance(error, dict) else error
    text = inner or (body.get("detail") or body.get("title") if isinstance(body, dict) else None)
    line = " ".join(keys.hide(str(text or "")).split())
    return line[:_LONGEST].rstrip(". ")


def _retry_after(response: httpx.Response, said: str) -> float | None:
    """Return the seconds that a header names, or the text: Replicate says "resets in ~30s"."""
    try:
        return max(0.0, float(response.headers.get("Retry-After", "")))
    except ValueError:
        found = re.search(r"in ~?(\d+) ?s", said)
        return float(found[1]) if found else None
