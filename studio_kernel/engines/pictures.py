"""Pictures going into and coming out of engines.

The one place where an input file becomes a picture (upright, RGB, of a bearable size) and a picture becomes the bytes
of an event. The idea to know: an input image and its mask are brought to a size by the same cut, so they stay aligned.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError

from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import AssetRef
from studio_kernel.engines.base import EngineContext
from studio_kernel.errors import InvalidInputError

MAX_PIXELS = 64_000_000
"""Pictures with more pixels are refused: decoded they would take 200 MB and more."""

PREVIEW_SIZE = 192
"""Longest side of a preview in pixels."""

_PNG_LEVEL = 4  # a 1024 x 1024 photo: half the time of Pillow's default 6, files 1-2 % larger


def read_picture(path: Path | BinaryIO, name: str) -> Image.Image:
    """Return the picture in a file: upright, transparency on white, mode RGB.

    Parameters
    ----------
    path : pathlib.Path or file object
        Any format that Pillow reads.
    name : str
        The parameter it was given as, for messages.

    Raises
    ------
    InvalidInputError
        When there is no readable picture in it, or one with more than `MAX_PIXELS` pixels.
    """
    try:
        with Image.open(path) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise InvalidInputError(_too_large(name, f"{opened.width} x {opened.height} pixels"))
            upright = ImageOps.exif_transpose(opened)
            upright.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidInputError(_too_large(name, "a file that says it is larger")) from error
    except FileNotFoundError as error:
        raise InvalidInputError(f"{name}: the file is missing; give the picture again") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        reason = "not a picture" if isinstance(error, UnidentifiedImageError) else str(error)
        raise InvalidInputError(f"{name}: cannot be read as a picture ({reason}); give a PNG, JPEG or WebP") from error
    return _flattened(upright)


def _too_large(name: str, found: str) -> str:
    return f"{name}: {found}, at most {MAX_PIXELS // 1_000_000} million pixels are read; make it smaller first"


def _flattened(picture: Image.Image) -> Image.Image:
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return picture.convert("RGB")


def read_inputs(request: GenerationRequest, context: EngineContext) -> dict[str, Image.Image]:
    """Return every picture `request` takes as input, by parameter; the mask is grey, the others RGB.

    Raises
    ------
    InvalidInputError
        When one cannot be read, or the mask has another size than the image.
    """
    inputs = {
        name: read_picture(context.read_asset(value), name)
        for name, value in request.parameters.items()
        if isinstance(value, AssetRef) and value.media_type.startswith("image/")
    }
    image, mask = inputs.get("image"), inputs.get("mask_image")
    if mask is not None:
        inputs["mask_image"] = mask.convert("L")
        if image is not None and mask.size != image.size:
            found = f"{mask.width} x {mask.height}, the image is {image.width} x {image.height}"
            raise InvalidInputError(f"mask_image: its size is {found}; both must be the same")
    return inputs


def output_size(request: GenerationRequest, image: Image.Image, multiple: int = 8) -> tuple[int, int]:
    """Return (width, height) of a result made from `image`.

    The request's own width and height where it names them; else the image's, rounded down to `multiple`.
    """

    def side(name: str, given: int) -> int:
        asked = request.parameters.get(name)
        return asked if isinstance(asked, int) else max(multiple, given - given % multiple)

    return side("width", image.width), side("height", image.height)


def fit(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return `picture` filling `size` (width, height) without distortion: what stands over is cut at both ends."""
    return picture if picture.size == size else ImageOps.fit(picture, size, Image.Resampling.LANCZOS)


def keep_unmasked(result: Image.Image, image: Image.Image, mask: Image.Image) -> Image.Image:
    """Return `result` where `mask` is white, exactly `image` where it is black, a mixture where it is grey."""
    return Image.composite(result, image, mask)


def encode_png(picture: Image.Image) -> bytes:
    """Return `picture` as a PNG file."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=_PNG_LEVEL)
    return buffer.getvalue()


def encode_preview(picture: Image.Image) -> bytes:
    """Return `picture` as a small WebP file, at most `PREVIEW_SIZE` pixels wide and high; it is never enlarged."""
    small = picture.copy()
    small.thumbnail((PREVIEW_SIZE, PREVIEW_SIZE))
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=70, method=0)
    return buffer.getvalue()


def image_seeds(request: GenerationRequest) -> list[int]:
    """Return the seed of each picture of `request`: picture i has (seed + i) modulo 2**32."""
    count = request.parameters.get("num_images", 1)
    return [((request.seed or 0) + i) % 2**32 for i in range(count if isinstance(count, int) else 1)]
