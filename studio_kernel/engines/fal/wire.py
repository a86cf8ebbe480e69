"""The form that parameters have in a request to fal: what the card says, and where the input files are.

Small pictures go into the request itself, everything else is uploaded once (`Uploads`).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from immutabledict import immutabledict

from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import AssetRef, Lora, Value
from studio_kernel.engines.base import EngineContext
from studio_kernel.engines.fal.client import Client
from studio_kernel.engines.fal.refusals import refused
from studio_kernel.engines.remote.service import Payload
from studio_kernel.engines.remote.uploads import Uploads
from studio_kernel.errors import InvalidInputError, Problem, ServiceError

INLINE_BYTES = 32 * 1024
"""A picture up to this size is part of the request.

An upload costs two requests, so below some ten kilobytes a third more in the body is the cheaper way; but fal keeps
requests and lists them, so what is larger does not belong there. Sounds and videos are always uploaded: services
behind fal like to fetch them by address.
"""
LIFE_S = 7 * 24 * 3600
"""So long fal keeps what is uploaded: longer than a sweep waits or a laptop is closed, and not for ever."""

Address = Callable[[AssetRef], str]


def wire_name(parameter: Parameter) -> str:
    """Return what the service calls a parameter."""
    return parameter.sent_as or parameter.name


def own_name(card: ModelCard, name: str) -> str:
    """Return what we call what the service calls `name`; its own name when it is none of the card's."""
    for parameter in card.parameters:
        if wire_name(parameter) == name:
            return parameter.name
    return name


def renamed(error: ServiceError, card: ModelCard) -> ServiceError:
    """Return an error about parameters by the names of the request."""
    if not error.problems:
        return error
    return refused([Problem(own_name(card, problem.field), problem.message) for problem in error.problems])


def body_of(request: GenerationRequest, card: ModelCard, address: Address, lora: Callable[[Lora], str]) -> Payload:
    """Return the arguments of a job.

    Parameters
    ----------
    address, lora : callable
        Return where fal finds an input file, and the weights of an adapter.
    """
    body: dict[str, Any] = {}
    inline = (card.output or {}).get("inline_parameter")
    for parameter in card.parameters_for(request.task):
        value = request.parameters.get(parameter.name)
        name = wire_name(parameter)
        # Asked for inline, a result would be kept nowhere at fal: gone when its one answer is lost.
        if value is None or name == inline or (value == () and not parameter.required):
            continue
        body[name] = _sent(parameter, value, address, lora)
    return immutabledict(body)


def _sent(parameter: Parameter, value: Value, address: Address, lora: Callable[[Lora], str]) -> Any:
    if parameter.type == "size" and isinstance(value, tuple) and len(value) == 2:
        return {"width": value[0], "height": value[1]}
    return _plain(value, address, lora)


def _plain(value: Value, address: Address, lora: Callable[[Lora], str]) -> Any:
    if isinstance(value, AssetRef):
        return address(value)
    if isinstance(value, Lora):
        return {"path": lora(value), "scale": value.weight}
    if isinstance(value, tuple):
        return [_plain(item, address, lora) for item in value]
    if isinstance(value, Mapping):
        return {name: _plain(item, address, lora) for name, item in value.items()}
    return value


class Files:
    """Where fal finds the input files of a request.

    Parameters
    ----------
    client : Client
        Brings them there.
    uploads : Uploads
        Which are there already.
    context : EngineContext
        Where they are here.
    """

    def __init__(self, client: Client, uploads: Uploads, context: EngineContext) -> None:
        self._client, self._uploads, self._context = client, uploads, context

    def address(self, ref: AssetRef) -> str:
        """Return the address of a file."""
        path = self._context.read_asset(ref)
        try:
            if ref.media_type.startswith("image/") and path.stat().st_size <= INLINE_BYTES:
                return f"data:{ref.media_type};base64,{base64.b64encode(path.read_bytes()).decode()}"
        except OSError as error:
            raise _unreadable(path, error) from None
        return self._uploaded(ref.sha256, path, ref.media_type)

    def weights(self, lora: Lora) -> str:
        """Return the address of an adapter's weights."""
        card = self._context.loras.get(lora.id)
        where = card.file if card else lora.id
        if where.startswith("https://"):
            return where
        path = Path(where)
        try:
            stat = path.stat()
        except OSError as error:
            raise _unreadable(path, error) from None
        name = hashlib.sha256(f"{where} {stat.st_size} {stat.st_mtime_ns}".encode()).hexdigest()
        return self._uploaded(name, path, "")

    def _uploaded(self, name: str, path: Path, media_type: str) -> str:
        self._context.cancel.check()
        return self._uploads.address(
            name, self._context.cache, self._context.cancel, lambda: self._upload(name, path, media_type)
        )

    def _upload(self, name: str, path: Path, media_type: str) -> str:
        told = f"{name[:16]}{path.suffix if path.suffix.isascii() else ''}"  # nobody there needs the name it has here
        try:
            return self._client.bring(path, media_type or "application/octet-stream", told, LIFE_S)
        except OSError as error:
            if isinstance(error, ServiceError):
                raise
            raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> InvalidInputError:
    return InvalidInputError(f"the input file {path.name!r} cannot be read ({error.strerror or error}); give it again")
