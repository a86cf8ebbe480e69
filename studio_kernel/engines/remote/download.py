"""Fetching the files that a service has made, at once and whole.

A file is asked for without the key of the service: its address may name any host. It is believed only when it has the
length that was announced and is the kind of file that was asked for.
"""

from __future__ import annotations

import base64
import binascii
import io
import time
from collections.abc import Callable
from urllib.parse import unquote_to_bytes, urlsplit

import httpx

from studio_kernel.engines.remote.http import Wire
from studio_kernel.engines.remote.service import MediaKind, RemoteFile
from studio_kernel.errors import BadAnswerError, ResultExpiredError, ServiceDownError, ServiceError, ServiceTimeoutError

LARGEST_BYTES = {"image": 256 * 2**20, "audio": 512 * 2**20, "video": 2**30}
WHOLE_S = 900.0
"""So long one file may take."""
_GONE = (403, 404, 410)
_UNTOLD = ("", "application/octet-stream", "binary/octet-stream")


def fetch(service: str, file: RemoteFile, check: Callable[[], None], whole_s: float = WHOLE_S) -> bytes:
    """Return the bytes of a file.

    Parameters
    ----------
    check : callable
        Called between the parts of the file; what it raises ends the download.
    whole_s : float
        Seconds it may take.

    Raises
    ------
    ServiceDownError
        When it may be tried again.
    ServiceError
        When it cannot be had, or is not what it should be.
    """
    data = _inline(service, file) if file.url.startswith("data:") else _fetched(service, file, check, whole_s)
    _require_whole(service, file.kind, data)
    return data


def _inline(service: str, file: RemoteFile) -> bytes:
    head, comma, body = file.url.partition(",")
    _require_kind(service, file, head[5:].partition(";")[0])
    try:
        if not comma:
            raise ValueError("it has no comma")
        return base64.b64decode(body, validate=True) if head.endswith(";base64") else unquote_to_bytes(body)
    except (binascii.Error, ValueError) as error:
        raise BadAnswerError(service, f"the data address of a file cannot be read ({error})", paid="yes") from None


def _fetched(service: str, file: RemoteFile, check: Callable[[], None], whole_s: float) -> bytes:
    where = urlsplit(file.url)
    if where.scheme != "https" or not where.hostname:
        raise BadAnswerError(
            service, f"the address of a file is {file.url[:80]!r}, which is no https address", paid="yes"
        )
    with (
        Wire(service, lambda response: _refusal(service, response), follow_redirects=True) as wire,
        wire.stream("GET", file.url) as response,
    ):
        _require_kind(service, file, response.headers.get("content-type", ""))
        try:
            return _read(service, file, response, check, whole_s)
        except httpx.HTTPError as error:
            raise ServiceDownError(service, f"a file broke off ({error})", paid="yes") from None


def _read(service: str, file: RemoteFile, response: httpx.Response, check: Callable[[], None], whole_s: float) -> bytes:
    began, largest, data = time.monotonic(), LARGEST_BYTES[file.kind], bytearray()
    for part in response.iter_bytes():
        check()
        data += part
        if len(data) > largest:
            text = f"a file is larger than {largest // 2**20} MiB, the most that is taken for a {file.kind}"
            raise BadAnswerError(service, text, paid="yes")
        if time.monotonic() - began > whole_s:
            raise ServiceTimeoutError(service, f"a file was not there after {whole_s:g} s", paid="yes")
    told = file.size_bytes
    if told and len(data) < told:
        raise ServiceDownError(service, f"a file has {len(data)} bytes of {told}", paid="yes")
    return bytes(data)


def _refusal(service: str, response: httpx.Response) -> ServiceError:
    host, status = response.request.url.host, response.status_code
    if status in _GONE:
        return ResultExpiredError(service, f"the file is not at {host} any more (HTTP {status})", paid="yes")
    return ServiceDownError(service, f"{host} does not give the file (HTTP {status})", paid="yes")


def _require_kind(service: str, file: RemoteFile, media_type: str) -> None:
    """Refuse what says of itself that it is something else, such as a page about an error."""
    told = media_type.partition(";")[0].strip().lower()
    if told not in _UNTOLD and told.partition("/")[0] != file.kind and told != "application/ogg":
        text = f"a file should be {_article(file.kind)} and is of type {told!r}"
        raise BadAnswerError(service, text, paid="yes")


def _require_whole(service: str, kind: MediaKind, data: bytes) -> None:
    """Decode a picture to the last pixel; of a clip only its beginning is looked at, when it is stored."""
    if not data:
        raise ServiceDownError(service, f"{_article(kind)} is empty", paid="yes")
    if kind != "image":
        return
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as picture:
            picture.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadAnswerError(service, f"a picture cannot be read ({error})", paid="yes") from None


def _article(kind: MediaKind) -> str:
    return "an image" if kind == "image" else f"a {kind}" if kind == "video" else "a sound"
