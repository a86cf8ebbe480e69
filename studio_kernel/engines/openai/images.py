"""From a request to the arguments of a call for pictures, and from its answer to files.

Notes
-----
In a mask of OpenAI what is fully transparent is painted anew; in ours that is white. It has to be a PNG of less than
4 MB, as large as the first picture (openai 3.52.0, ``types/image_edit_params.py``).
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from immutabledict import immutabledict
from PIL import Image

from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import AssetRef, Value
from studio_kernel.engines.base import EngineContext
from studio_kernel.engines.openai.connection import SERVICE
from studio_kernel.engines.openai.usage import Tokens
from studio_kernel.engines.pictures import encode_png, read_picture
from studio_kernel.engines.remote.service import JobResult, RemoteFile
from studio_kernel.errors import BadAnswerError, InvalidInputError

if TYPE_CHECKING:
    from openai.types.image_edit_completed_event import ImageEditCompletedEvent
    from openai.types.image_gen_completed_event import ImageGenCompletedEvent
    from openai.types.images_response import ImagesResponse

LARGEST_MASK = 4_000_000
"""Bytes."""
_TAKEN_AS_THEY_ARE = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
_IMAGE, _MASK = "image", "mask"

Upload = tuple[str, bytes, str]
"""Name, content and media type of a file."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call for pictures.

    Attributes
    ----------
    model, prompt : str
        What every call has.
    options : mapping
        Everything else that is no file, by the names of the service.
    images : tuple of Upload
        Pictures to work from; none = one is made from the prompt alone.
    others : mapping
        More files by the names of the service, such as ``mask``.
    """

    model: str
    prompt: str
    options: Mapping[str, object] = field(default_factory=immutabledict)
    images: tuple[Upload, ...] = ()
    others: Mapping[str, Upload] = field(default_factory=immutabledict)

    @property
    def partial_images(self) -> int:
        """How many pictures in between are asked for."""
        value = self.options.get("partial_images")
        return value if isinstance(value, int) and self.options.get("n", 1) == 1 else 0


def build(request: GenerationRequest, context: EngineContext) -> Call:
    """Return the call for a request.

    Raises
    ------
    InvalidInputError
        When a file cannot be read, or the mask does not fit the picture.
    """
    options: dict[str, object] = {}
    images: list[Upload] = []
    others: dict[str, Upload] = {}
    has_mask = any(p.type == "mask" and request.parameters.get(p.name) for p in context.card.parameters)
    for parameter in context.card.parameters_for(request.task):
        value, key = request.parameters.get(parameter.name), parameter.sent_as or parameter.name
        if value is None or parameter.name == "prompt":
            continue
        if not parameter.is_media:
            options[key] = _plain(value, parameter)
        elif parameter.type == "mask":
            others[_MASK] = _mask(value, request, context)
        else:
            refs = [ref for ref in (value if isinstance(value, tuple) else (value,)) if isinstance(ref, AssetRef)]
            files = [_file(ref, parameter.name, context, upright=has_mask and not images) for ref in refs]
            if key == _IMAGE:
                images += files
            else:
                others |= dict.fromkeys([key], files[0]) if files else {}
    return Call(context.card.source.endpoint, request.prompt, immutabledict(options), tuple(images), others)


def _plain(value: Value, parameter: Parameter) -> object:
    if parameter.type == "size" and isinstance(value, tuple):
        return f"{value[0]}x{value[1]}"
    return value


def _file(ref: AssetRef, name: str, context: EngineContext, *, upright: bool) -> Upload:
    """Return a picture as it is sent; one that a mask belongs to is turned as its mask was drawn."""
    path = context.read_asset(ref)
    ending = _TAKEN_AS_THEY_ARE.get(ref.media_type)
    if ending is None or upright:
        return f"{ref.sha256[:16]}.png", encode_png(read_picture(path, name)), "image/png"
    return f"{ref.sha256[:16]}.{ending}", _bytes(path, name), ref.media_type


def _bytes(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInputError(f"{name}: the file is missing; give the picture again") from error


def _mask(value: Value, request: GenerationRequest, context: EngineContext) -> Upload:
    """Return a mask in the form of the service."""
    assert isinstance(value, AssetRef)
    mask = read_picture(context.read_asset(value), "mask_image").convert("L")
    first = next((ref for name, ref in request.inputs.items() if ref != value), None)
    size = mask.size if first is None else read_picture(context.read_asset(first), _IMAGE).size
    if mask.size != size:
        found = f"{mask.width} x {mask.height}, the image is {size[0]} x {size[1]}"
        raise InvalidInputError(f"mask_image: its size is {found}; both must be the same")
    data = transparent_where_white(mask)
    if len(data) >= LARGEST_MASK:
        raise InvalidInputError(f"mask_image: it has {len(data)} bytes as PNG, less than {LARGEST_MASK} are allowed")
    return "mask.png", data, "image/png"


def transparent_where_white(mask: Image.Image) -> bytes:
    """Return a grey mask as a PNG that is transparent where it is lighter than the middle, and black elsewhere."""
    picture = Image.new("RGBA", mask.size, (0, 0, 0, 255))
    picture.putalpha(mask.point(lambda light: 0 if light >= 128 else 255))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


# Answers


def read(answer: ImagesResponse, card: ModelCard) -> JobResult:
    """Return the pictures of an answer.

    Raises
    ------
    BadAnswerError
        When it has none.
    """
    data = getattr(answer, "data", None) or []  # a server that answers with a page gives a text here
    media_type = f"image/{getattr(answer, 'output_format', None) or 'png'}"
    addresses = [f"data:{media_type};base64,{item.b64_json}" if item.b64_json else item.url for item in data]
    files = tuple(RemoteFile(address, "image", media_type) for address in addresses if address)
    if not files or len(files) < len(data):
        raise BadAnswerError(SERVICE, "there are pictures missing in its answer", paid="unclear")
    told: dict[str, Value] = {name: getattr(answer, name) for name in ("size", "quality", "background")}
    told["revised_prompt"] = next((item.revised_prompt for item in data if item.revised_prompt), None)
    return _result(files, told, Tokens.of(answer.usage), card)


def read_streamed(event: ImageGenCompletedEvent | ImageEditCompletedEvent, card: ModelCard) -> JobResult:
    """Return the picture at the end of a stream."""
    media_type = f"image/{event.output_format}"
    file = RemoteFile(f"data:{media_type};base64,{event.b64_json}", "image", media_type)
    told: dict[str, Value] = {name: getattr(event, name, None) for name in ("size", "quality", "background")}
    return _result((file,), told, Tokens.of(getattr(event, "usage", None)), card)


def _result(
    files: Sequence[RemoteFile], told: Mapping[str, Value], tokens: Tokens | None, card: ModelCard
) -> JobResult:
    report = {name: value for name, value in told.items() if value is not None}
    prices = card.price.tokens if card.price is not None else None
    cost = None if tokens is None or prices is None else tokens.cost_usd(prices)
    return JobResult(tuple(files), immutabledict(report | (tokens.report if tokens else {})), cost)
