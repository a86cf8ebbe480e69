"""MP3: an ID3v2 tag in front of the sound; a tag that is there takes our frames (ID3v2.3.0 and 2.4.0, 3 and 4.)."""

from __future__ import annotations

from studio_kernel.assets.containers.notes import KEY, Notes, OddFileError

SIGNATURE = b"ID3"
_UTF_16 = b"\1"  # both versions know it; UTF-8 only the newer one
_OURS = b"TXXX", _UTF_16 + f"{KEY}\0".encode("utf-16")
_COMMENT = _UTF_16 + b"eng" + "\0".encode("utf-16")
_MOST = 1 << 28

Frame = tuple[bytes, bytes, bytes]


def add(data: bytes, notes: Notes) -> bytes:
    """Return an MP3 with the notes inside."""
    version, frames, sound = _tag(data)
    was_ours = any(map(_is_ours, frames))
    kept = [frame for frame in frames if not _is_ours(frame) and not (was_ours and frame[0] == b"COMM")]
    if not any(kind == b"COMM" for kind, _, _ in kept):
        kept.insert(0, (b"COMM", b"\0\0", _COMMENT + notes.text.encode("utf-16", "replace")))
    kept.insert(0, (_OURS[0], b"\0\0", _OURS[1] + notes.json.encode("utf-16")))
    body = b"".join(_frame(version, *frame) for frame in kept)
    return b"".join([SIGNATURE, bytes((version, 0, 0)), _syncsafe(len(body)), body, memoryview(data)[sound:]])


def find(data: bytes) -> str | None:
    """Return our JSON."""
    found = [body for kind, flags, body in _tag(data)[1] if _is_ours((kind, flags, body))]
    return found[0][len(_OURS[1]) :].decode("utf-16") if found else None


def _is_ours(frame: Frame) -> bool:
    return frame[0] == _OURS[0] and frame[2].startswith(_OURS[1])


def _tag(data: bytes) -> tuple[int, list[Frame], int]:
    """Return the version, the frames, and where the sound begins; padding is left out."""
    if not data.startswith(SIGNATURE):
        return 3, [], 0
    version, flags = data[3], data[5]
    if version not in (3, 4) or flags:
        raise OddFileError("a tag of another version, or with more than frames")
    place, end, frames = 10, 10 + _number(version=4, octets=data[6:10]), []
    while place < end and data[place]:
        size = _number(version, data[place + 4 : place + 8])
        frames.append((data[place : place + 4], data[place + 8 : place + 10], data[place + 10 : place + 10 + size]))
        place += 10 + size
    if place > end or end > len(data) or any(data[place:end]):
        raise OddFileError("frames that do not fill their tag")
    return version, frames, end


def _number(version: int, octets: bytes) -> int:
    if version == 3:
        return int.from_bytes(octets)
    if max(octets) > 0x7F:
        raise OddFileError("a size that is none")
    return sum(octet << 7 * place for place, octet in enumerate(reversed(octets)))


def _frame(version: int, kind: bytes, flags: bytes, body: bytes) -> bytes:
    size = len(body).to_bytes(4) if version == 3 else _syncsafe(len(body))
    return kind + size + flags + body


def _syncsafe(number: int) -> bytes:
    if number >= _MOST:
        raise OddFileError("a tag without room")
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))
