"""The EXIF field in which A1111 and what came after it keep prompt and settings of a JPEG or WebP: ``UserComment``.

It holds ``UNICODE``, a zero, and the text in UTF-16, highest byte first: so ``piexif`` writes it, which they
use.
"""

from __future__ import annotations

import struct

_EXIF_POINTER, _VERSION, _USER_COMMENT = 0x8769, 0x9000, 0x9286
_LONG, _UNDEFINED = 4, 7
# Exif 2.32 (CIPA DC-008), 4.6: header, a directory that only points to the next, and that one with two fields.
_HEAD = struct.pack(">2sHIHHHIII", b"MM", 42, 8, 1, _EXIF_POINTER, _LONG, 1, 26, 0)
_HEAD += struct.pack(">HHHI4sHH", 2, _VERSION, _UNDEFINED, 4, b"0232", _USER_COMMENT, _UNDEFINED)
_CODE = b"UNICODE\0"


def block(text: str) -> bytes:
    """Return a TIFF block with nothing but a comment in it."""
    comment = _CODE + text.encode("utf-16-be", "replace")
    return _HEAD + struct.pack(">III", len(comment), len(_HEAD) + 12, 0) + comment


def kept(existing: bytes | None) -> bytes | None:
    """Return what a file has already, unless it is what `block` has written for an earlier run."""
    return None if existing is None or existing.startswith(_HEAD) else existing
