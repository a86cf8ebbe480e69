"""A picture as an export preset wants it: size, format, dots per inch, and what the file says of how it was made.

Pure but for Pillow: bytes in, bytes out.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from studio_kernel.assets.embed import embed
from studio_kernel.domain.presets import ExportPreset
from studio_kernel.domain.provenance import Provenance, parameters_text
from studio_kernel.errors import InvalidInputError

if TYPE_CHECKING:
    from PIL.Image import Image

EXTENSIONS = {"png": "png", "jpeg": "jpg", "webp": "webp", "tiff": "tif"}
WEBP_SIDE = 16_383
"""Pixels that a side of a WebP picture can have (its specification)."""

_IMAGE_DESCRIPTION = 270
"""The TIFF tag that holds a text about the picture."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """A picture that is ready to leave.

    Attributes
    ----------
    data : bytes
        The file.
    extension : str
        Of its name, without a dot.
    note : str
        What should be known about it, such as the dots per inch that it has; empty = nothing.
    """

    data: bytes
    extension: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """How a picture is laid into a preset's frame.

    Attributes
    ----------
    width, height : int
        Pixels of the result.
    picture : (int, int)
        The size that the picture is resized to before it is cut or padded.
    scale : float
        Size of the result over that of the preset's frame, at most 1.
    """

    width: int
    height: int
    picture: tuple[int, int]
    scale: float = 1.0


def is_animated(data: bytes) -> bool:
    """Whether a file has several frames; an `InvalidInputError` when it cannot be read."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as picture:
            return bool(getattr(picture, "is_animated", False))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidInputError(f"the picture cannot be read: {error}") from error


def press(data: bytes, preset: ExportPreset, provenance: Provenance | None = None, scheduler_name: str = "") -> Pressed:
    """Return a picture as `preset` wants it.

    Parameters
    ----------
    data : bytes
        A file with one picture.
    provenance : Provenance
        Goes into the file when the preset says so.
    scheduler_name : str
        The scheduler as people call it.

    Raises
    ------
    InvalidInputError
        When it cannot be decoded, or the format cannot hold it.
    """
    from PIL import Image

    try:
        picture, profile = _decoded(data)
        frame = framed(picture.size, preset)
        shown = _laid(picture, frame, preset)
        return _encoded(shown, frame, preset, profile, provenance if preset.metadata else None, scheduler_name)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidInputError(f"the picture cannot be exported as {preset.name!r}: {error}") from error


def framed(size: tuple[int, int], preset: ExportPreset) -> Frame:
    """Return how a picture of `size` pixels is laid into the frame of `preset`."""
    width, height = preset.width, preset.height
    if preset.turns and width and height and (size[0] > size[1]) != (width > height) and size[0] != size[1]:
        width, height = height, width
    if preset.fit == "inside" or width is None or height is None:
        return _inside(size, width, height, enlarge=preset.enlarge)
    choose = max if preset.fit == "cover" else min
    resize = choose(width / size[0], height / size[1])
    # A picture that is not enlarged keeps its pixels, and the frame around it becomes smaller.
    scale = 1.0 if preset.enlarge else min(1.0, 1 / resize)
    width, height = _whole(width * scale), _whole(height * scale)
    picture = _whole(size[0] * resize * scale), _whole(size[1] * resize * scale)
    if preset.fit == "cover":
        return Frame(min(width, picture[0]), min(height, picture[1]), picture, scale)
    return Frame(max(width, picture[0]), max(height, picture[1]), picture, scale)


def _inside(size: tuple[int, int], width: int | None, height: int | None, *, enlarge: bool) -> Frame:
    bounds = [bound / side for bound, side in ((width, size[0]), (height, size[1])) if bound is not None]
    resize = min(bounds, default=1.0)
    scale = 1.0 if enlarge or resize <= 1 else 1 / resize
    picture = _whole(size[0] * resize * scale), _whole(size[1] * resize * scale)
    return Frame(*picture, picture, scale)


def _whole(pixels: float) -> int:
    return max(1, round(pixels))


def _decoded(data: bytes) -> tuple[Image, bytes | None]:
    """Return a picture the right way up, in a mode that can be resized, and its colour profile."""
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(data)) as opened:
        opened.load()
        profile = opened.info.get("icc_profile")
        picture = ImageOps.exif_transpose(opened)
    if picture.mode in ("RGB", "RGBA", "L", "LA"):
        return picture.copy(), profile
    if picture.mode.startswith("I;16") or picture.mode == "I":
        return picture.convert("I").point(lambda value: value / 256).convert("L"), None
    has_alpha = "transparency" in picture.info or "A" in picture.getbands() or "a" in picture.getbands()
    same_space = picture.mode in ("P", "PA", "1")
    return picture.convert("RGBA" if has_alpha else "RGB"), profile if same_space else None


def _laid(picture: Image, frame: Frame, preset: ExportPreset) -> Image:
    from PIL import Image

    resized = picture if picture.size == frame.picture else picture.resize(frame.picture, Image.Resampling.LANCZOS)
    if resized.size != (frame.width, frame.height):
        left, top = (resized.width - frame.width) // 2, (resized.height - frame.height) // 2
        if preset.fit == "cover":
            resized = resized.crop((left, top, left + frame.width, top + frame.height))
        else:
            resized = _padded(resized, frame, preset.background, (-left, -top))
    if preset.format == "jpeg" and resized.mode in ("RGBA", "LA"):
        resized = _flattened(resized, preset.background)
    return resized


def _padded(picture: Image, frame: Frame, background: str, place: tuple[int, int]) -> Image:
    from PIL import Image

    canvas = Image.new("RGB", (frame.width, frame.height), background)
    coloured = picture.convert("RGBA") if picture.mode in ("RGBA", "LA") else picture.convert("RGB")
    canvas.paste(coloured, place, coloured if coloured.mode == "RGBA" else None)
    return canvas


def _flattened(picture: Image, background: str) -> Image:
    from PIL import Image

    opaque = picture.convert("RGBA")
    canvas = Image.new("RGB", picture.size, background)
    canvas.paste(opaque, (0, 0), opaque)
    return canvas


def _encoded(
    picture: Image,
    frame: Frame,
    preset: ExportPreset,
    profile: bytes | None,
    provenance: Provenance | None,
    scheduler_name: str,
) -> Pressed:
    kind = cast(Literal["png", "jpeg", "webp", "tiff"], preset.format)
    if kind == "webp" and max(picture.size) > WEBP_SIDE:
        raise ValueError(f"WebP holds at most {WEBP_SIDE} pixels a side, not {picture.width} × {picture.height}")
    picture.info = {}  # what the file said of itself goes no further
    options: dict[str, Any] = {"icc_profile": profile} if profile else {}
    if kind in ("jpeg", "webp"):
        options["quality"] = preset.quality
    if kind == "jpeg":
        options["subsampling"] = 0 if preset.quality >= 90 else 2
    if kind == "tiff":
        options["compression"] = "tiff_deflate"
        if provenance is not None:
            text = parameters_text(provenance.request, scheduler_name)
            options["tiffinfo"] = {_IMAGE_DESCRIPTION: text.encode("utf-8", "replace")}
    dpi = max(1, round(preset.dpi * frame.scale)) if preset.dpi is not None else None
    if dpi is not None and kind != "webp":  # which has no place for it
        options["dpi"] = (dpi, dpi)
    buffer = io.BytesIO()
    picture.save(buffer, kind.upper(), **options)
    data = buffer.getvalue()
    if provenance is not None:
        data = embed(data, provenance, scheduler_name)
    return Pressed(data, EXTENSIONS[kind], _note(preset, frame, dpi))


def _note(preset: ExportPreset, frame: Frame, dpi: int | None) -> str:
    if dpi is None or preset.dpi is None or dpi >= preset.dpi:
        return ""
    return f"{frame.width} × {frame.height} pixels print at {dpi} dpi, not {preset.dpi}: it was not enlarged"
