"""Small pictures of stored files, and the still of a video: a frame from its beginning that is not black."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from studio_kernel.errors import InvalidInputError

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from PIL.Image import Image

THUMBNAIL_PX = 192
"""Longest side of a thumbnail; WebP of quality 75, method 2: 9 kB and 3.5 ms of CPU for a textured picture."""
_SEARCHED_S, _SEARCHED_FRAMES = 3.0, 96
_BLACK = 20
"""A mean luma up to this is a black frame; black itself is 16 (ITU-R BT.709-6, 3.4)."""
_SMALL_PX = 32


def can_be_shown(media_type: str) -> bool:
    """Return whether files of a kind have a thumbnail."""
    return media_type.startswith(("image/", "video/"))


def thumbnail(path: Path, media_type: str) -> bytes:
    """Return a WebP picture of a picture or video.

    Raises
    ------
    InvalidInputError
        When it cannot be decoded.
    """
    small = still(path) if media_type.startswith("video/") else _picture(path)
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=75, method=2)
    return buffer.getvalue()


def still(path: Path) -> Image:
    """Return the first frame of a video that is not black, within three seconds; the brightest of them if all are.

    Raises
    ------
    InvalidInputError
        When it has none that can be decoded.
    """
    import av

    try:
        with av.open(str(path)) as film:
            film.streams.video[0].thread_type = "AUTO"
            frame = _first_seen(film.decode(video=0))
            picture: Image = frame.to_image()  # type: ignore[no-untyped-call]
    except (av.FFmpegError, OSError, ValueError, IndexError) as error:
        raise InvalidInputError(f"no frame of the video can be decoded: {error}") from error
    return picture.rotate(frame.rotation, expand=True) if frame.rotation else picture


def _first_seen(frames: Iterator[VideoFrame]) -> VideoFrame:
    brightest, best = None, -1.0
    for number, frame in enumerate(frames):
        light = _light(frame)
        if light > best:
            brightest, best = frame, light
        is_searched = (frame.time or 0) > _SEARCHED_S or number >= _SEARCHED_FRAMES
        if best > _BLACK or is_searched:
            break
    if brightest is None:
        raise InvalidInputError("it has no frame")
    return brightest


def _light(frame: VideoFrame) -> float:
    """Return the mean luma."""
    small = frame.reformat(_SMALL_PX, _SMALL_PX, "yuv420p", dst_color_range="MPEG")
    return float(small.to_ndarray()[:_SMALL_PX].mean())


def _picture(path: Path) -> Image:
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return picture.convert("RGBA" if "A" in picture.getbands() else "RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidInputError(f"the picture cannot be decoded: {error}") from error
