"""FLAC and OGG: comments, ``STUDIO`` with our JSON and ``DESCRIPTION`` (RFC 9639, 8.6; Vorbis I, 5; RFC 7845, 5.2).

In OGG the comments are a packet of the stream. They are only written where their page has room for them, so that no
page after it gets another number; only its own checksum changes.
"""

from __future__ import annotations

from studio_kernel.assets.containers.notes import KEY, Notes, OddFileError

FLAC, OGG = b"fLaC", b"OggS"
_NAME = KEY.upper().encode() + b"="
_COMMENTS_BLOCK = 4
_HEADS = b"\x03vorbis", b"OpusTags"


def add_to_flac(data: bytes, notes: Notes) -> bytes:
    """Return a FLAC with the notes inside."""
    blocks, sound = _blocks(data)
    kinds = [kind for kind, _ in blocks]
    if _COMMENTS_BLOCK not in kinds:
        blocks.insert(1, (_COMMENTS_BLOCK, bytes(8)))
    changed = [(kind, _with(body, notes) if kind == _COMMENTS_BLOCK else body) for kind, body in blocks]
    if any(len(body) >= 1 << 24 for _, body in changed):
        raise OddFileError("a block without room")
    last = len(changed) - 1
    packed = [
        bytes((kind | 0x80 * (place == last),)) + len(body).to_bytes(3) + body
        for place, (kind, body) in enumerate(changed)
    ]
    return b"".join([FLAC, *packed, memoryview(data)[sound:]])


def find_in_flac(data: bytes) -> str | None:
    """Return our JSON."""
    return next((_ours(body) for kind, body in _blocks(data)[0] if kind == _COMMENTS_BLOCK), None)


def add_to_ogg(data: bytes, notes: Notes) -> bytes:
    """Return an OGG with the notes inside."""
    begin, lacing, packet, rest, end = _comments_page(data)
    head = next(head for head in _HEADS if packet.startswith(head))
    comments = head + _with(packet[len(head) :], notes)
    own = _lacing(len(comments))
    segments = own + lacing
    if len(segments) > 255:
        raise OddFileError("a page without room")
    page = bytearray(data[begin : begin + 22] + bytes(4) + bytes((len(segments),)) + segments + comments + rest)
    page[22:26] = _checksum(page).to_bytes(4, "little")
    return b"".join([memoryview(data)[:begin], page, memoryview(data)[end:]])


def find_in_ogg(data: bytes) -> str | None:
    """Return our JSON."""
    packet = _comments_page(data)[2]
    head = next(head for head in _HEADS if packet.startswith(head))
    return _ours(packet[len(head) :])


def _blocks(data: bytes) -> tuple[list[tuple[int, bytes]], int]:
    """Return kind and content of the blocks, and where the sound begins."""
    place, blocks, is_last = 4, [], False
    while not is_last:
        size = int.from_bytes(data[place + 1 : place + 4])
        is_last = bool(data[place] & 0x80)
        blocks.append((data[place] & 0x7F, data[place + 4 : place + 4 + size]))
        place += 4 + size
    if place > len(data):
        raise OddFileError("cut short")
    return blocks, place


def _comments(data: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Return the vendor with its length, the comments, and what follows them."""

    def text(place: int) -> tuple[bytes, int]:
        end = place + 4 + int.from_bytes(data[place : place + 4], "little")
        if end > len(data):
            raise OddFileError("comments cut short")
        return data[place + 4 : end], end

    _vendor, place = text(0)
    vendor, count = data[:place], int.from_bytes(data[place : place + 4], "little")
    place, found = place + 4, []
    for _ in range(count):
        comment, place = text(place)
        found.append(comment)
    return vendor, found, data[place:]


def _with(data: bytes, notes: Notes) -> bytes:
    vendor, comments, rest = _comments(data)
    was_ours = any(comment.startswith(_NAME) for comment in comments)
    stale = (_NAME, b"DESCRIPTION=") if was_ours else ()
    kept = [comment for comment in comments if not comment.startswith(stale)]
    kept.append(_NAME + notes.json.encode())
    if not any(comment.upper().startswith(b"DESCRIPTION=") for comment in kept):
        kept.append(b"DESCRIPTION=" + notes.text.encode("utf-8", "replace"))
    packed = [len(comment).to_bytes(4, "little") + comment for comment in kept]
    return b"".join([vendor, len(kept).to_bytes(4, "little"), *packed, rest])


def _ours(data: bytes) -> str | None:
    found = (comment for comment in _comments(data)[1] if comment.startswith(_NAME))
    return next((comment.removeprefix(_NAME).decode() for comment in found), None)


def _comments_page(data: bytes) -> tuple[int, bytes, bytes, bytes, int]:
    """Return where the page with the comments begins, the lacing of what follows them, them, that, and its end."""
    begin = _page(data, 0)[1]
    body, end = _page(data, begin)
    lacing = data[begin + 27 : body]
    length = next((place for place, size in enumerate(lacing) if size < 255), None)
    if data[begin + 5] & 1 or length is None or data[begin + 14 : begin + 18] != data[14:18]:
        raise OddFileError("comments over several pages, or of another stream")
    size = sum(lacing[: length + 1])
    packet = data[body : body + size]
    if not packet.startswith(_HEADS) or end > len(data):
        raise OddFileError("no comments where they must be")
    return begin, lacing[length + 1 :], packet, data[body + size : end], end


def _page(data: bytes, begin: int) -> tuple[int, int]:
    """Return where the content of a page begins and ends."""
    if data[begin : begin + 4] != OGG:
        raise OddFileError("no page where one must be")
    body = begin + 27 + data[begin + 26]
    return body, body + sum(data[begin + 27 : body])


def _lacing(length: int) -> bytes:
    return b"\xff" * (length // 255) + bytes((length % 255,))


def _table() -> list[int]:
    found = []
    for octet in range(256):
        value = octet << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
        found.append(value)
    return found


def _checksum(page: bytes | bytearray) -> int:
    """Return the checksum of a page (RFC 3533, 6): a CRC-32 that runs the other way than `zlib`'s."""
    table, value = _table(), 0
    for octet in page:
        value = (value << 8 & 0xFFFFFFFF) ^ table[value >> 24 ^ octet]
    return value
