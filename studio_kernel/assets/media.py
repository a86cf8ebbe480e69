"""What a file is, read from its bytes; names and claims are not believed.

Only kinds that cannot carry script are let in: a picture, a video or a sound. SVG and HTML are refused, since a browser
would run what is inside them.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

from studio_kernel.assets.facts import file_facts
from studio_kernel.domain.quantities import FileFacts
from studio_kernel.errors import InvalidInputError

_IMAGES = {
    "PNG": ("image/png", "png"),
    "JPEG": ("image/jpeg", "jpg"),
    "WEBP": ("image/webp", "webp"),
    "GIF": ("image/gif", "gif"),
    "BMP": ("image/bmp", "bmp"),
    "TIFF": ("image/tiff", "tif"),
    "AVIF": ("image/avif", "avif"),
}
_OTHERS = {
    "video/mp4": ("video/mp4", "mp4"),
    "video/quicktime": ("video/quicktime", "mov"),
    "video/webm": ("video/webm", "webm"),
    "audio/wave": ("audio/wav", "wav"),
    "audio/x-wav": ("audio/wav", "wav"),
    "audio/mpeg": ("audio/mpeg", "mp3"),
    "audio/flac": ("audio/flac", "flac"),
    "application/ogg": ("audio/ogg", "ogg"),
    "audio/ogg": ("audio/ogg", "ogg"),
}
EXTENSIONS = dict((*_IMAGES.values(), *_OTHERS.values()))
MEDIA_TYPES = {extension: media_type for media_type, extension in EXTENSIONS.items()}


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a file is.

    Attributes
    ----------
    media_type : str
        Such as ``image/png``.
    width, height : int or None
        Pixels, for pictures and videos.
    """

    media_type: str
    width: int | None = None
    height: int | None = None

    @property
    def extension(self) -> str:
        """The file name ending, without a dot."""
        return EXTENSIONS[self.media_type]


def identify(data: bytes) -> MediaInfo:
    """Return what `data` is.

    Raises
    ------
    InvalidInputError
        When it is no picture, video or sound that the studio knows.
    """
    if not data:
        raise InvalidInputError("the file is empty")
    found = _as_image(data) or _as_other(data)
    if found is None:
        known = ", ".join(sorted(set(EXTENSIONS.values())))
        raise InvalidInputError(f"not a picture, video or sound (begins with {data[:12]!r}); known kinds: {known}")
    return found


def verify_picture(data: bytes) -> None:
    """Decode a whole picture to make sure that it can be used.

    Raises
    ------
    InvalidInputError
        When it is cut short, damaged, or larger than Pillow's safety limit.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as picture:
            picture.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidInputError(f"the picture cannot be read: {error}") from error


def verify(data: bytes, media_type: str) -> None:
    """Make sure that a file is whole: a picture is decoded, a video or sound begun and read to its end.

    Raises
    ------
    InvalidInputError
        When it is cut short or damaged, or a picture larger than Pillow's safety limit.
    """
    if media_type.startswith("image/"):
        verify_picture(data)
    else:
        _verify_clip(data, media_type.split("/")[0])


def _verify_clip(data: bytes, kind: str) -> None:
    import av

    try:
        with av.open(io.BytesIO(data), "r") as clip:
            streams = clip.streams.video if kind == "video" else clip.streams.audio
            if not streams:
                raise InvalidInputError(f"it has no {kind} in it")
            is_decoded = False
            for packet in clip.demux(streams[0]):
                if packet.is_corrupt:
                    raise InvalidInputError(f"the {kind} is cut short or damaged")
                is_decoded = is_decoded or bool(packet.decode())
            if not is_decoded:
                raise InvalidInputError(f"nothing in the {kind} can be decoded")
    except (av.FFmpegError, ValueError) as error:
        if isinstance(error, InvalidInputError):
            raise
        raise InvalidInputError(f"the {kind} cannot be read: {error}") from error


def _as_image(data: bytes) -> MediaInfo | None:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data), formats=list(_IMAGES)) as picture:
            # Phones write several pictures one behind the other, of which the first is a JPEG.
            kind = _IMAGES["JPEG" if picture.format == "MPO" else picture.format or ""]
            return MediaInfo(kind[0], *picture.size)
    except UnidentifiedImageError:
        return None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidInputError(f"the picture cannot be read: {error}") from error


def _as_other(data: bytes) -> MediaInfo | None:
    import puremagic

    try:
        matches = puremagic.magic_string(data)
    except puremagic.PureError:
        return None
    known = (_OTHERS[match.mime_type] for match in matches if match.mime_type in _OTHERS)
    kind = next(known, None)
    if kind is None:
        return None
    facts = file_facts(io.BytesIO(data), kind[0]) if kind[0].startswith("video/") else FileFacts()
    return MediaInfo(kind[0], facts.width, facts.height)
