"""What files that others made carry: the text in which most programs keep prompt and settings.

A PNG has it in a text chunk ``parameters``; JPEG, WebP and AVIF in the EXIF field ``UserComment``; a GIF in its
comment. Files come from strangers: every text is bounded before it is unpacked (Pillow: 1 MiB a chunk, 64 MiB in all).
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from studio_kernel.assets.containers.png import TEXT_KEY

if TYPE_CHECKING:
    from PIL.Image import Image

_EXIF_POINTER, _USER_COMMENT = 0x8769, 0x9286
_UNICODE, _ASCII = b"UNICODE\0", b"ASCII\0\0\0"


def settings_text(data: bytes) -> str:
    """Return the text in which a picture keeps its settings; empty when it has none or cannot be read."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as picture:
            return _text_of(picture)
    except (OSError, SyntaxError, ValueError, KeyError, TypeError, Image.DecompressionBombError):
        return ""


def _text_of(picture: Image) -> str:
    told = picture.info.get(TEXT_KEY) or picture.info.get("comment")
    if isinstance(told, str) and told:
        return told
    if isinstance(told, bytes) and told:
        return told.decode("utf-8", "replace")
    comment = picture.getexif().get_ifd(_EXIF_POINTER).get(_USER_COMMENT)
    return _decoded(comment) if isinstance(comment, bytes) else str(comment or "")


def _decoded(comment: bytes) -> str:
    """Return a ``UserComment`` as text; what stands before it tells how it is written (Exif 2.32, 4.6.5)."""
    if comment.startswith(_UNICODE):
        body = comment.removeprefix(_UNICODE)
        # Most write the highest byte first, whatever the order of the file; text in Latin letters tells.
        highest_first = body[:1] == b"\0" or body[1:2] != b"\0"
        return body.decode("utf-16-be" if highest_first else "utf-16-le", "replace")
    return comment.removeprefix(_ASCII).decode("utf-8", "replace").strip("\0")
