"""Provenance inside a picture: written into a PNG without touching its pixels, and read back.

Two text chunks: ``studio`` holds our JSON, ``parameters`` the text that A1111 and most galleries read.
"""

from __future__ import annotations

import io
import json
import zlib

from studio_kernel.domain.provenance import Provenance, parameters_text

JSON_KEY = "studio"
TEXT_KEY = "parameters"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def embed(data: bytes, provenance: Provenance, scheduler_name: str = "") -> bytes:
    """Return the PNG `data` with its provenance inside; other media come back as they are.

    Notes
    -----
    The chunks stand right after the header chunk. Text outside Latin-1 needs an ``iTXt`` chunk, other text a ``tEXt``
    chunk, which more programs read (W3C Portable Network Graphics, third edition, 11.3.3).
    """
    if not data.startswith(_SIGNATURE):
        return data
    texts = {JSON_KEY: provenance.to_text(), TEXT_KEY: parameters_text(provenance.request, scheduler_name)}
    chunks = b"".join(_text_chunk(key, text) for key, text in texts.items())
    end_of_header = len(_SIGNATURE) + 4 + 4 + int.from_bytes(data[8:12]) + 4
    return data[:end_of_header] + chunks + data[end_of_header:]


def read(data: bytes) -> Provenance | None:
    """Return the provenance inside a picture, or `None` when it holds none of ours."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        text = getattr(picture, "text", {}).get(JSON_KEY)
    return Provenance.from_json(json.loads(text)) if text else None


def _text_chunk(key: str, text: str) -> bytes:
    try:
        return _chunk(b"tEXt", key.encode("latin-1") + b"\0" + text.encode("latin-1"))
    except UnicodeEncodeError:
        return _chunk(b"iTXt", key.encode("latin-1") + b"\0\0\0\0\0" + text.encode("utf-8"))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)
