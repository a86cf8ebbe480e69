"""GIF: an XMP extension in front of the end (Adobe's XMP Specification part 3, 1.1.2)."""

from __future__ import annotations

from studio_kernel.assets.containers import xmp
from studio_kernel.assets.containers.notes import Notes, OddFileError

SIGNATURE = b"GIF8"
_VERSION = b"GIF89a"
"""The version with extensions; an older file is one of this version too."""
_HEAD = b"\x21\xff\x0bXMP DataXMP"
# Read as the lengths of blocks, a packet leads to some place in here, and from there to the end.
_TAIL = b"\x01" + bytes(range(0xFF, -1, -1)) + b"\0"
_END = b"\x3b"


def add(data: bytes, notes: Notes) -> bytes:
    """Return a GIF with the notes inside."""
    begin = data.find(_HEAD)
    existing = None
    rest = data.removesuffix(_END)
    if begin >= 0:
        if not rest.endswith(_TAIL) or data.find(_HEAD, begin + 1) >= 0:
            raise OddFileError("an XMP extension of another shape")
        existing = rest[begin + len(_HEAD) : -len(_TAIL)]
        rest = rest[:begin]
    elif rest == data:
        raise OddFileError("cut short, or more behind its end")
    return b"".join([_VERSION, rest[len(_VERSION) :], _HEAD, xmp.packet(notes, existing), _TAIL, _END])


def find(data: bytes) -> str | None:
    """Return our JSON."""
    begin = data.find(_HEAD)
    return xmp.find(data[begin:]) if begin >= 0 else None
