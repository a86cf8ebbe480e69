"""JPEG: our JSON in an XMP segment, the text in ``UserComment`` of an EXIF segment, unless the file has its own.

Both stand behind the segments that must come first (JFIF's, and EXIF's own). What follows is not read: the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

from studio_kernel.assets.containers import exif, xmp
from studio_kernel.assets.containers.notes import Notes, OddFileError

SIGNATURE = b"\xff\xd8\xff"
_APP0, _APP1, _APP11, _SCAN = 0xE0, 0xE1, 0xEB, 0xDA
_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_MOST = 0xFFFF - 2


@dataclass(frozen=True, slots=True)
class _Segment:
    marker: int
    body: bytes

    @property
    def data(self) -> bytes:
        return bytes((0xFF, self.marker)) + (len(self.body) + 2).to_bytes(2) + self.body

    def holds(self, beginning: bytes) -> bool:
        return self.marker == _APP1 and self.body.startswith(beginning)


def add(data: bytes, notes: Notes) -> bytes:
    """Return a JPEG with the notes inside."""
    segments, rest = _segments(data)
    if any(segment.marker == _APP11 and segment.body.startswith(b"JP") for segment in segments):
        raise OddFileError("signed (C2PA)")
    tiff, packet = _of(segments, _EXIF), _of(segments, _XMP)
    tiff = exif.kept(tiff) or exif.block(notes.text)
    packet = xmp.packet(notes, packet)
    if len(_XMP) + len(packet) > _MOST:
        raise OddFileError("no room in one segment")
    others = [segment for segment in segments if not segment.holds(_EXIF) and not segment.holds(_XMP)]
    first = [segment for segment in others if segment.marker == _APP0]
    ours = [_Segment(_APP1, _EXIF + tiff)] if len(_EXIF) + len(tiff) <= _MOST else []
    ours.append(_Segment(_APP1, _XMP + packet))
    later = [segment for segment in others if segment.marker != _APP0]
    return data[:2] + b"".join(segment.data for segment in [*first, *ours, *later]) + data[rest:]


def find(data: bytes) -> str | None:
    """Return our JSON."""
    packet = _of(_segments(data)[0], _XMP)
    return xmp.find(packet) if packet else None


def _of(segments: list[_Segment], beginning: bytes) -> bytes | None:
    found = [segment.body.removeprefix(beginning) for segment in segments if segment.holds(beginning)]
    if len(found) > 1:
        raise OddFileError("several segments of one kind")
    return found[0] if found else None


def _segments(data: bytes) -> tuple[list[_Segment], int]:
    """Return the segments up to the first that is not for applications or comments, and where that begins."""
    place, found = 2, []
    while data[place] == 0xFF and (0xE0 <= data[place + 1] <= 0xEF or data[place + 1] == 0xFE):
        size = int.from_bytes(data[place + 2 : place + 4])
        end = place + 2 + size
        if size < 2 or end > len(data):
            raise OddFileError("cut short")
        found.append(_Segment(data[place + 1], data[place + 4 : end]))
        place = end
    if data[place] != 0xFF or data[place + 1] in (0x00, 0xFF):
        raise OddFileError("no segment where one must be")
    return found, place
