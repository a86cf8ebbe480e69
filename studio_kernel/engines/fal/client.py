"""The fal-client package on our wire.

What the package knows stays in use: addresses, headers, ids, the three ways of uploading, the backup domains. Its wire
is ours, because the package would repeat a submit whose answer was lost (and pay twice), would hide a refusal for a
minute, sends the key to whichever host an upload is to go to, and does not show the headers of an answer. Our errors
are none of those that it repeats.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import fal_client
import httpx
from fal_client import client as package
from fal_client.client import USER_AGENT, BackupDomainTransport, CDNToken, CDNTokenManager

from studio_kernel.engines.fal.refusals import NAME, is_paid, refusal
from studio_kernel.engines.remote.http import IDLE_S, Wire, is_untrusted
from studio_kernel.errors import ServiceDownError, ServiceError

KEY_HOSTS = ("fal.run", "falrun.com", "fal.ai")
"""Domains that may see the key."""
SIDE_ANSWER_S = 15.0
_TOKEN_MARGIN = timedelta(minutes=2)


class FalWire(Wire):
    """Talks to fal, and shows the key to nobody else."""

    def __init__(self, authorization: str, **options: Any) -> None:
        headers = {"Authorization": authorization, "User-Agent": USER_AGENT}
        super().__init__(NAME, refusal, is_paid=is_paid, headers=headers, **options)

    def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
        """Send a request; one to a foreign host goes without the key."""
        if request.headers.get("Authorization", "").startswith("Key ") and not _may_see_key(request.url.host):
            del request.headers["Authorization"]
        try:
            return super().send(request, stream=stream, **options)
        except RuntimeError as error:  # the engine was closed meanwhile; asked again, it makes new connections
            if isinstance(error, ServiceError):
                raise
            raise ServiceDownError(NAME, f"the connections were closed ({error})") from None


def _may_see_key(host: str) -> bool:
    queue = httpx.URL(package.QUEUE_URL_FORMAT).host  # the package lets the environment choose another
    return host == queue or any(host == domain or host.endswith(f".{domain}") for domain in KEY_HOSTS)


class _Lines(httpx.Client):
    """Makes the connections; who shows a wrong certificate was reached, so that is no case for the other domain."""

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        try:
            return super().send(request, **options)
        except httpx.ConnectError as error:
            if is_untrusted(error):
                raise httpx.TransportError(str(error)) from error
            raise


class _Transport(BackupDomainTransport):  # type: ignore[misc]  # the package is not followed
    """Goes to fal's other domain when the first cannot be connected to, and drops idle connections in time."""

    def __init__(self) -> None:
        self._client = _Lines(limits=httpx.Limits(keepalive_expiry=IDLE_S), follow_redirects=False)


class _Tokens(CDNTokenManager):  # type: ignore[misc]  # the package is not followed
    """Gets the tokens for uploads through our wire."""

    def __init__(self, auth: Any, wire: FalWire) -> None:
        super().__init__(auth)
        self._wire = wire

    def _refresh_token(self) -> CDNToken:
        said = self._wire.post(self._url, headers=self._headers, json={}).json()
        ends = datetime.fromisoformat(said["expires_at"])
        ends = ends if ends.tzinfo else ends.replace(tzinfo=UTC)
        return CDNToken(said["token"], said["token_type"], said["base_url"], ends - _TOKEN_MARGIN)


class Client(fal_client.SyncClient):  # type: ignore[misc]  # the package is not followed
    """A client for one key; may be used by several threads.

    Parameters
    ----------
    key : str
        The key; it is not shown by ``repr``.
    """

    @cached_property
    def wire(self) -> FalWire:
        """What every request but those to the CDN goes through."""
        return FalWire(self._auth.header_value, transport=_Transport(), follow_redirects=True)

    @cached_property
    def side_wire(self) -> FalWire:
        """What is asked beside a job, and may not hold it up."""
        return FalWire(self._auth.header_value, answer_s=SIDE_ANSWER_S)

    @property
    def _client(self) -> FalWire:
        return self.wire

    @cached_property
    def _token_manager(self) -> _Tokens:
        return _Tokens(self._auth, self.wire)

    @cached_property
    def _storage(self) -> FalWire:
        return FalWire("")

    def _get_cdn_client(self) -> FalWire:
        token = self._token_manager.get_token()
        self._storage.headers["Authorization"] = f"{token.token_type} {token.token}"
        return self._storage

    def bring(self, path: Path, media_type: str, name: str, life_s: int) -> str:
        """Upload a file and return its address.

        Very large ones go in parts, of which only those that are on their way are in memory.

        Parameters
        ----------
        name : str
            What it is called there.
        life_s : int
            Seconds after which it may be deleted there.
        """
        if path.stat().st_size > package.MULTIPART_THRESHOLD:
            address = package.MultipartUpload.save_file(
                client=self._get_cdn_client(),
                token_manager=self._token_manager,
                file_path=path,
                content_type=media_type,
                object_lifecycle_preference={"expiration_duration_seconds": life_s},
            )
        else:
            lifecycle = package.StorageSettings(expires_in=life_s)
            address = self.upload(path.read_bytes(), media_type, name, lifecycle=lifecycle)
        if not isinstance(address, str) or not address.startswith("https://"):
            raise ValueError(f"an upload has the address {address!r}")
        return address

    def close(self) -> None:
        """Close the connections."""
        self.wire.close()
        self.side_wire.close()
        self._storage.close()
