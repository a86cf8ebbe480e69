"""PNG: text chunks right after the header chunk, ``studio`` with our JSON and ``parameters`` as A1111 writes it.

Text outside Latin-1 needs an ``iTXt`` chunk, other text a ``tEXt`` chunk, which more programs read (W3C Portable
Network Graphics, third edition, 11.3.3).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from studio_kernel.assets.containers.notes import KEY, Notes, OddFileError

TEXT_KEY = "parameters"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST_TEXT = 4 << 20
_KINDS = b"tEXt", b"zTXt", b"iTXt"


def add(data: bytes, notes: Notes) -> bytes:
    """Return a PNG with the notes inside."""
    chunks = list(_chunks(data))
    if any(kind == b"caBX" for kind, _, _ in chunks):
        raise OddFileError("signed (C2PA)")
    header_end = chunks[0][2]
    ours = _text_chunk(KEY, notes.json) + _text_chunk(TEXT_KEY, notes.text)
    return data[:header_end] + ours + _without_ours(data, header_end, chunks[1:])


def find(data: bytes) -> str | None:
    """Return our JSON, also where another program has compressed it."""
    texts = (_text(kind, data[begin + 8 : end - 4]) for kind, begin, end in _chunks(data))
    return next((text for text in texts if text), None)


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, begin and end of every chunk, up to the last one."""
    place, kind = len(SIGNATURE), b""
    while kind != b"IEND":
        begin, kind = place, data[place + 4 : place + 8]
        place += 12 + int.from_bytes(data[begin : begin + 4])
        if len(kind) < 4 or place > len(data):
            raise OddFileError("cut short")
        yield kind, begin, place


def _text(kind: bytes, body: bytes) -> str:
    """Return the text of a chunk that is named as ours."""
    name, _, rest = body.partition(b"\0")
    if name != KEY.encode() or kind not in _KINDS:
        return ""
    if kind == b"tEXt":
        return rest.decode("latin-1")
    if kind == b"zTXt":
        return _inflated(rest[1:]).decode("latin-1")
    _language, _keyword, text = rest[2:].split(b"\0", 2)
    return (_inflated(text) if rest[0] else text).decode()


def _inflated(packed: bytes) -> bytes:
    """Return what was compressed, up to a bound: files come from strangers, and a small chunk can hold gigabytes."""
    text = zlib.decompressobj()
    found = text.decompress(packed, _MOST_TEXT)
    if text.unconsumed_tail:
        raise OddFileError("a text of more than a few megabytes")
    return found


def _without_ours(data: bytes, begin: int, chunks: list[tuple[bytes, int, int]]) -> bytes:
    """Return the rest of a file without what was written into it for an earlier run."""
    keys = [data[b + 8 : e].partition(b"\0")[0] if k in _KINDS else b"" for k, b, e in chunks]
    if KEY.encode() not in keys:
        return data[begin:]
    drop = {KEY.encode(), TEXT_KEY.encode()}
    return b"".join(data[b:e] for key, (_, b, e) in zip(keys, chunks, strict=True) if key not in drop)


def _text_chunk(key: str, text: str) -> bytes:
    try:
        return _chunk(b"tEXt", key.encode("latin-1") + b"\0" + text.encode("latin-1"))
    except UnicodeEncodeError:
        return _chunk(b"iTXt", key.encode("latin-1") + b"\0\0\0\0\0" + text.encode("utf-8"))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)
