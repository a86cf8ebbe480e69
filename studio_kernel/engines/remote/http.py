"""Talking HTTP to a service: one client whose every failure is a `ServiceError`, and whose answers end in time.

`Wire` is an ``httpx.Client``, so it serves wherever one is wanted, also inside the client package of a service. It
repeats nothing: what may be repeated depends on what was asked, and `job` knows that.
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import httpx

from studio_kernel.errors import (
    BadAnswerError,
    InsecureConnectionError,
    LostAnswerError,
    ServiceDownError,
    ServiceError,
    ServiceTimeoutError,
)
from studio_kernel.keys import hide

CONNECT_S = 10.0
SILENCE_S = 60.0
"""So long an answer may stand still."""
ANSWER_S = 180.0
"""So long an answer may take as a whole: one that comes drop by drop would never end otherwise."""
LARGEST_ANSWER = 64 * 2**20
"""Bytes of an answer that is kept in memory; pictures inside JSON are smaller."""
IDLE_S = 2.0
"""An idle connection is not used again after that: a service that has just closed it would look like a lost answer."""
TIMEOUT = httpx.Timeout(SILENCE_S, connect=CONNECT_S)

Refusal = Callable[[httpx.Response], ServiceError]
"""Says what an answer of 400 or more means."""


class Wire(httpx.Client):
    """A client for one service.

    Parameters
    ----------
    service : str
        Its name, for errors.
    refusal : callable
        What its answers of 400 or more mean.
    is_paid : callable
        Whether a request makes the service do something that costs money: when its answer is lost, that is a
        `LostAnswerError`.
    answer_s : float
        Seconds an answer may take.
    **options
        As for ``httpx.Client``; redirects are not followed unless asked for.
    """

    def __init__(
        self,
        service: str,
        refusal: Refusal,
        *,
        is_paid: Callable[[httpx.Request], bool] = lambda _request: False,
        answer_s: float = ANSWER_S,
        **options: Any,
    ) -> None:
        own = {"timeout": TIMEOUT, "limits": httpx.Limits(keepalive_expiry=IDLE_S), "verify": trust()}
        super().__init__(**{**own, **options})
        self._service, self._refusal, self._is_paid, self._answer_s = service, refusal, is_paid, answer_s

    def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
        """Send a request and return its whole answer.

        Raises
        ------
        ServiceError
            For whatever goes wrong, and for an answer of 400 or more.
        """
        request.extensions["timeout"] = _bounded(request.extensions.get("timeout"))
        try:
            response = super().send(request, stream=True, **options)
            if stream and response.is_success:
                return response
            response = self._whole(response)
        except ServiceError:
            raise
        except httpx.HTTPError as error:
            raise self._failure(request, error) from None
        if response.is_error:
            raise self._refusal(response)
        return response

    def _whole(self, response: httpx.Response) -> httpx.Response:
        """Return a response with all of its body, read within the time that it may take."""
        began, parts, size = time.monotonic(), [], 0
        try:
            for part in response.iter_bytes():
                parts.append(part)
                size += len(part)
                if time.monotonic() - began > self._answer_s:
                    text = f"an answer has not ended after {self._answer_s:g} s"
                    raise self._if_lost(response) or ServiceTimeoutError(self._service, text)
                if size > LARGEST_ANSWER:
                    text = f"an answer is larger than {LARGEST_ANSWER // 2**20} MiB"
                    raise self._if_lost(response) or BadAnswerError(self._service, text)
        finally:
            response.close()
        decoded = {"content-encoding", "content-length", "transfer-encoding"}
        headers = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in decoded]
        return httpx.Response(response.status_code, headers=headers, content=b"".join(parts), request=response.request)

    def _if_lost(self, response: httpx.Response) -> LostAnswerError | None:
        if response.is_error or not self._is_paid(response.request):
            return None
        return LostAnswerError(self._service, f"the answer of {response.request.url.host} did not end", paid="unclear")

    def _failure(self, request: httpx.Request, error: httpx.HTTPError) -> ServiceError:
        host = request.url.host
        if is_untrusted(error):
            return InsecureConnectionError(
                self._service,
                f"the certificate of {host} cannot be trusted ({hide(str(error))}); nothing was sent to it. Check the "
                "clock of this machine and the proxy or virus scanner between it and the network",
            )
        said = hide(str(error)) or type(error).__name__
        if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)):
            return ServiceDownError(self._service, f"{host} cannot be reached ({said})")
        if self._is_paid(request):
            return LostAnswerError(self._service, f"the answer of {host} was lost ({said})", paid="unclear")
        return ServiceDownError(self._service, f"the connection to {host} broke ({said})")


def trust() -> ssl.SSLContext:
    """Return what certificates are held against: the environment's, or those that ship with httpx."""
    return _trust(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@lru_cache(maxsize=4)
def _trust(_file: str | None, _directory: str | None) -> ssl.SSLContext:
    return httpx.create_ssl_context()  # takes 20 ms, too long for every client


def _bounded(timeout: dict[str, float | None] | None) -> dict[str, float | None]:
    """Return timeouts of which none is endless, as client packages like to ask for."""
    asked = timeout or {}
    bounds = TIMEOUT.as_dict()
    return {name: min(bound, asked[name]) if asked.get(name) else bound for name, bound in bounds.items()}  # type: ignore[type-var]


def is_untrusted(error: BaseException | None) -> bool:
    """Return whether a failure comes from a certificate that cannot be trusted."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
