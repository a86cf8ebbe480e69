"""What may be given to a parameter that takes a file, decided by the bytes and not by what a browser says of them."""

from __future__ import annotations

from studio_kernel.assets.media import MediaInfo, identify
from studio_kernel.domain.parameters import Parameter
from studio_kernel.errors import InvalidInputError

MAX_UPLOAD_BYTES = 64 * 2**20

_WANTED = {"image": "an image", "mask": "an image", "video": "a video", "audio": "a sound"}
_FOUND = {"image": "an image", "video": "a video", "audio": "a sound"}


def check_size(size_bytes: int) -> None:
    """Refuse a file that is empty or too large.

    Raises
    ------
    InvalidInputError
        Says both numbers.
    """
    if size_bytes <= 0:
        raise InvalidInputError("the file is empty")
    if size_bytes > MAX_UPLOAD_BYTES:
        raise InvalidInputError(f"{size_bytes / 2**20:.0f} MB are more than the {MAX_UPLOAD_BYTES // 2**20} MB allowed")


def check_file(parameter: Parameter, data: bytes) -> MediaInfo:
    """Return what a file is that `parameter` takes; its head is read, nothing is decoded.

    Raises
    ------
    InvalidInputError
        When it is too large, nothing the studio knows, of another kind than is wanted, or has too many pixels.
    """
    check_size(len(data))
    info = identify(data)
    kind = info.media_type.split("/")[0]
    if kind != kind_of(parameter):
        raise InvalidInputError(f"this is {_FOUND[kind]} ({info.media_type}), but {_WANTED[parameter.type]} is wanted")
    if kind == "image":
        _check_pixels(info.width or 0, info.height or 0)
    return info


def _check_pixels(width: int, height: int) -> None:
    """Refuse here what engines would refuse later: a file of a few kilobytes can claim to be any size."""
    from studio_kernel.engines.pictures import MAX_PIXELS

    if width * height > MAX_PIXELS:
        raise InvalidInputError(f"{width} × {height} pixels are more than the {MAX_PIXELS / 1e6:.0f} million allowed")


def kind_of(parameter: Parameter) -> str:
    """Return what kind of file a parameter takes: ``image`` (also for a mask), ``video`` or ``audio``."""
    return "image" if parameter.type == "mask" else parameter.type
