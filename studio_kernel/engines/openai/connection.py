"""A connection to OpenAI, or to a server that speaks its protocol, that can be ended while it is waited for.

The ``openai`` package repeats requests on its own, paid ones too, and sends no key that would make that harmless
(openai 3.52.0); here it repeats nothing. It also waits for an answer as long as it takes and cannot be told to stop:
a `Watch` stands beside the wait and shuts the socket when the run is cancelled or its time is over.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from studio_kernel import keys
from studio_kernel.engines.base import CancelToken
from studio_kernel.keys import Key
from studio_kernel.settings import ServiceSettings

if TYPE_CHECKING:
    import httpx2
    import openai

SERVICE = "openai"
BASE_URL = "https://api.openai.com/v1"
ADDRESS_VARIABLE = "OPENAI_BASE_URL"
CONNECT_S = 10.0
_LOOK_S = 0.05
_NEW_SOCKET = ("connect_tcp.complete", "start_tls.complete")


@dataclass(frozen=True, slots=True)
class Place:
    """Where requests go, and with which key.

    Attributes
    ----------
    base_url : str
        With the version, such as ``https://api.openai.com/v1``.
    key : Key or None
        `None` = none is sent: local servers want none.
    """

    base_url: str
    key: Key | None = None

    @property
    def is_openai(self) -> bool:
        """Whether it is OpenAI itself."""
        return urlsplit(self.base_url).hostname == urlsplit(BASE_URL).hostname

    @property
    def host(self) -> str:
        """The host, for people."""
        return urlsplit(self.base_url).hostname or self.base_url


def place_of(settings: ServiceSettings) -> Place:
    """Return where requests go: the address in the settings, else in the environment, else OpenAI itself.

    Raises
    ------
    MissingKeyError
        When it is OpenAI itself and there is no key.
    """
    place = Place(address_of(settings))
    if place.is_openai:
        return Place(place.base_url, keys.find(SERVICE))
    if keys.missing(SERVICE) is not None or not _is_private(place.base_url):
        return place
    return Place(place.base_url, keys.find(SERVICE))


def address_of(settings: ServiceSettings) -> str:
    """Return the address that requests go to."""
    return (settings.base_url or os.environ.get(ADDRESS_VARIABLE, "").strip() or BASE_URL).rstrip("/")


def _is_private(base_url: str) -> bool:
    """Return whether nobody between can read what is sent: it is encrypted, or does not leave this machine."""
    where = urlsplit(base_url)
    return where.scheme == "https" or where.hostname in ("localhost", "127.0.0.1", "::1")


class Watch:
    """Ends the connections of a client when the run is cancelled or its time is over.

    A blocking read cannot be told to stop, but a socket that is shut ends it at once.

    Parameters
    ----------
    cancel : CancelToken
        Of the run.
    limit_s : float
        Seconds until the time is over.

    Attributes
    ----------
    limit_s : float
        As given.
    ended : {"", "cancelled", "late"}
        Why it has ended the connections; empty = it has not.
    """

    def __init__(self, cancel: CancelToken, limit_s: float) -> None:
        self.limit_s = limit_s
        self.ended: Literal["", "cancelled", "late"] = ""
        self._cancel = cancel
        self._over = threading.Event()
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Watch:
        threading.Thread(target=self._look, name="openai-watch", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def note(self, request: httpx2.Request) -> None:
        """Have the connection of a request watched; a hook of the client that sends it."""
        request.extensions["trace"] = self._trace

    def _trace(self, name: str, info: Mapping[str, Any]) -> None:
        if name.endswith(_NEW_SOCKET):
            with self._lock:
                self._sockets.append(info["return_value"].get_extra_info("socket"))
            if self.ended:
                self._shut()

    def _look(self) -> None:
        end = time.monotonic() + self.limit_s
        while not self._over.wait(_LOOK_S):
            if self._cancel.is_cancelled or time.monotonic() > end:
                self.ended = "cancelled" if self._cancel.is_cancelled else "late"
                self._shut()
                return

    def _shut(self) -> None:
        with self._lock:
            for each in self._sockets:
                with suppress(OSError):
                    socket.socket.shutdown(each, socket.SHUT_RDWR)  # of a TLS socket too, without a word to the peer


@contextmanager
def client_for(place: Place, watch: Watch) -> Iterator[openai.OpenAI]:
    """Give a client that repeats nothing, follows no redirect, and whose connections `watch` can end."""
    import httpx2
    import openai

    key = place.key
    with (
        httpx2.Client(
            timeout=httpx2.Timeout(watch.limit_s, connect=min(CONNECT_S, watch.limit_s)),
            event_hooks={"request": [watch.note, *([_without_key] if key is None else [])]},
            follow_redirects=False,
        ) as http,
        openai.OpenAI(
            api_key="-" if key is None else key.reveal(),
            base_url=place.base_url,
            max_retries=0,
            http_client=http,
        ) as client,
    ):
        yield client


def _without_key(request: httpx2.Request) -> None:
    """Take out the header that the package sends in any case."""
    request.headers.pop("authorization", None)
