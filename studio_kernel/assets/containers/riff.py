"""RIFF: WebP with XMP and EXIF chunks, WAV with an XMP chunk and the text as the comment of its ``INFO`` list.

Chunks are appended, and the size in the head is set. A plain WebP first becomes an extended one, whose head says which
chunks there are (WebP Container Specification, RFC 9649, 2.7); XMP in WAV is Adobe's XMP Specification part 3, 1.1.7.
"""

from __future__ import annotations

from studio_kernel.assets.containers import exif, xmp
from studio_kernel.assets.containers.notes import Notes, OddFileError

Body = bytes | memoryview  # a view of what stays: it may be large
Chunk = tuple[bytes, Body]
_ALPHA, _EXIF_FLAG, _XMP_FLAG = 0x10, 0x08, 0x04
_MOST = 0xFFFFFFFF


def add_to_webp(data: bytes, notes: Notes) -> bytes:
    """Return a WebP with the notes inside."""
    chunks = _chunks(data)
    if any(kind == b"C2PA" for kind, _ in chunks):
        raise OddFileError("signed (C2PA)")
    kept = [chunk for chunk in chunks if chunk[0] not in (b"VP8X", b"EXIF", b"XMP ")]
    head = bytearray(_one(chunks, b"VP8X") or _extended_head(*chunks[0]))
    head[0] |= _EXIF_FLAG | _XMP_FLAG
    tiff = exif.kept(_one(chunks, b"EXIF")) or exif.block(notes.text)
    packet = xmp.packet(notes, _one(chunks, b"XMP "))
    return _riff(b"WEBP", [(b"VP8X", bytes(head)), *kept, (b"EXIF", tiff), (b"XMP ", packet)])


def find_in_webp(data: bytes) -> str | None:
    """Return our JSON."""
    packet = _one(_chunks(data), b"XMP ")
    return xmp.find(packet) if packet else None


def add_to_wav(data: bytes, notes: Notes) -> bytes:
    """Return a WAV with the notes inside."""
    chunks = _chunks(data)
    packet = xmp.packet(notes, _one(chunks, b"_PMX"))
    was_ours = find_in_wav(data) is not None
    lists = [body for kind, body in chunks if _is_info(kind, body)]
    info = [chunk for body in lists for chunk in _walked(body, 4) if chunk[0] != b"ICMT" or not was_ours]
    if not any(kind == b"ICMT" for kind, _ in info):
        info.append((b"ICMT", notes.text.encode("utf-8", "replace") + b"\0"))
    kept = [chunk for chunk in chunks if chunk[0] != b"_PMX" and not _is_info(*chunk)]
    comments = b"".join([b"INFO", *(part for chunk in info for part in _parts(*chunk))])
    return _riff(b"WAVE", [*kept, (b"LIST", comments), (b"_PMX", packet)])


def find_in_wav(data: bytes) -> str | None:
    """Return our JSON."""
    packet = _one(_chunks(data), b"_PMX")
    return xmp.find(packet) if packet else None


def _is_info(kind: bytes, body: Body) -> bool:
    return kind == b"LIST" and body[:4] == b"INFO"


def _chunks(data: bytes) -> list[Chunk]:
    if int.from_bytes(data[4:8], "little") + 8 != len(data):
        raise OddFileError("not as long as it says")
    return _walked(data, 12)


def _walked(data: Body, place: int) -> list[Chunk]:
    """Return the chunks from a place to the end."""
    data = memoryview(data)
    found: list[Chunk] = []
    while place < len(data):
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        found.append((bytes(data[place : place + 4]), data[place + 8 : place + 8 + size]))
        place += 8 + size + size % 2
    if place != len(data):
        raise OddFileError("chunks that do not fill the file")
    return found


def _one(chunks: list[Chunk], kind: bytes) -> bytes | None:
    found = [body for name, body in chunks if name == kind]
    if len(found) > 1:
        raise OddFileError(f"several chunks {kind!r}")
    return bytes(found[0]) if found else None


def _extended_head(kind: bytes, body: Body) -> bytes:
    """Return the extended head that a plain WebP can do without."""
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width, height = (int.from_bytes(body[i : i + 2], "little") & 0x3FFF for i in (6, 8))
        flags = 0
    elif kind == b"VP8L" and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        flags = _ALPHA if bits >> 28 & 1 else 0
    else:
        raise OddFileError(f"begins with {kind!r}")
    return bytes((flags, 0, 0, 0)) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")


def _riff(form: bytes, chunks: list[Chunk]) -> bytes:
    packed = [part for chunk in chunks for part in _parts(*chunk)]
    size = 4 + sum(map(len, packed))
    if size > _MOST:
        raise OddFileError("no room for more")
    return b"".join([b"RIFF", size.to_bytes(4, "little"), form, *packed])


def _parts(kind: bytes, body: Body) -> list[Body]:
    return [kind, len(body).to_bytes(4, "little"), body, b"\0" * (len(body) % 2)]
