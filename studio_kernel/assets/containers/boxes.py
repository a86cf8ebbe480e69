"""MP4, MOV and AVIF: an XMP box at the end of the file, where it moves nothing that another box points to.

``uuid`` boxes at the outermost level are skipped by whoever does not know them (ISO/IEC 14496-12, 4.2; the id is that
of Adobe's XMP Specification part 3, 1.2.7). An index of fragments (``mfra``) is looked for at the very end and stays
there.
"""

from __future__ import annotations

from studio_kernel.assets.containers import xmp
from studio_kernel.assets.containers.notes import Notes, OddFileError

_XMP_ID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_C2PA_ID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")

Box = tuple[bytes, int, int]


def add(data: bytes, notes: Notes) -> bytes:
    """Return a file with the notes inside."""
    boxes = _boxes(data)
    if any(_id(data, box) == _C2PA_ID for box in boxes):
        raise OddFileError("signed (C2PA)")
    end = boxes.pop()[1] if boxes[-1][0] == b"mfra" else len(data)
    existing = None
    if any(_id(data, box) == _XMP_ID for box in boxes[:-1]):
        raise OddFileError("an XMP box before others")
    begin = end
    if _id(data, boxes[-1]) == _XMP_ID:
        begin = boxes[-1][1]
        existing = data[begin + 24 : end]
    body = b"uuid" + _XMP_ID + xmp.packet(notes, existing)
    return b"".join([memoryview(data)[:begin], (len(body) + 4).to_bytes(4), body, memoryview(data)[end:]])


def find(data: bytes) -> str | None:
    """Return our JSON."""
    packets = [data[box[1] + 24 : box[2]] for box in _boxes(data) if _id(data, box) == _XMP_ID]
    return next((found for packet in packets if (found := xmp.find(packet))), None)


def _boxes(data: bytes) -> list[Box]:
    """Return kind, begin and end of every outermost box."""
    place, found = 0, []
    while place < len(data):
        size, kind = int.from_bytes(data[place : place + 4]), data[place + 4 : place + 8]
        if size == 1:
            size = int.from_bytes(data[place + 8 : place + 16])
        if size < 8:  # 0 = up to the end, whatever is appended
            raise OddFileError("a box without an end")
        found.append((kind, place, place + size))
        place += size
    if place != len(data) or not found:
        raise OddFileError("boxes that do not fill the file")
    return found


def _id(data: bytes, box: Box) -> bytes:
    kind, begin, end = box
    is_plain = kind == b"uuid" and end - begin >= 24 and data[begin : begin + 4] != b"\0\0\0\1"
    return data[begin + 8 : begin + 24] if is_plain else b""
