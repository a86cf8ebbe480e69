"""What a prediction is given: values as JSON, small files inside it, larger ones as addresses of uploads.

Notes
-----
Files of up to 256 kB may stand in the body as data URLs, larger ones are given by address
(replicate.com/docs/topics/predictions/create-a-prediction, 2026-11).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping

from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import AssetRef, Lora, Value
from studio_kernel.engines.base import EngineContext

LARGEST_DATA_URL = 256_000
"""Bytes of a file that is sent inside the body."""

Upload = Callable[[AssetRef], str]
"""Brings a file to the service and returns its address there."""


def build(request: GenerationRequest, context: EngineContext, upload: Upload) -> dict[str, object]:
    """Return the ``input`` of a prediction, by the names of the service."""
    taken = {parameter.name: parameter for parameter in context.card.parameters_for(request.task)}
    given: dict[str, object] = {}
    for name, value in request.parameters.items():
        parameter = taken.get(name)
        if parameter is None or value is None:
            continue
        key = parameter.sent_as or parameter.name
        given[key] = _size(value) if parameter.type == "size" else _plain(value, context, upload)
    return given


def _plain(value: Value, context: EngineContext, upload: Upload) -> object:
    if isinstance(value, AssetRef):
        return _file(value, context, upload)
    if isinstance(value, Lora):
        return value.id
    if isinstance(value, tuple):
        return [_plain(item, context, upload) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item, context, upload) for key, item in value.items()}
    return value


def _size(value: Value) -> object:
    """Return a size as models at Replicate write one: ``1024x768``, or the name of a preset."""
    return f"{value[0]}x{value[1]}" if isinstance(value, tuple) else value


def _file(ref: AssetRef, context: EngineContext, upload: Upload) -> str:
    path = context.read_asset(ref)
    if path.stat().st_size > LARGEST_DATA_URL:
        return upload(ref)
    return f"data:{ref.media_type};base64,{base64.b64encode(path.read_bytes()).decode()}"
