"""Provenance inside a file: written without touching pixels, frames or samples, and read back.

`studio_kernel.assets.containers` says where each kind of file holds it. BMP and TIFF files, files that are signed (a
change would make the signature invalid) and files that are not quite as their format says stay as they are.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from studio_kernel.assets.containers import boxes, ebml, gif, id3, jpeg, png, riff, vorbis
from studio_kernel.assets.containers.notes import Notes
from studio_kernel.domain.provenance import Provenance, parameters_text


@dataclass(frozen=True, slots=True)
class _Container:
    add: Callable[[bytes, Notes], bytes]
    find: Callable[[bytes], str | None]


_BY_SIGNATURE = {
    png.SIGNATURE: _Container(png.add, png.find),
    jpeg.SIGNATURE: _Container(jpeg.add, jpeg.find),
    gif.SIGNATURE: _Container(gif.add, gif.find),
    ebml.SIGNATURE: _Container(ebml.add, ebml.find),
    id3.SIGNATURE: _Container(id3.add, id3.find),
    vorbis.FLAC: _Container(vorbis.add_to_flac, vorbis.find_in_flac),
    vorbis.OGG: _Container(vorbis.add_to_ogg, vorbis.find_in_ogg),
}
_BY_FORM = {
    b"WEBP": _Container(riff.add_to_webp, riff.find_in_webp),
    b"WAVE": _Container(riff.add_to_wav, riff.find_in_wav),
}
_BOXES = _Container(boxes.add, boxes.find)
_SOUND = _Container(id3.add, id3.find)
_ODD = (ValueError, IndexError, StopIteration, OverflowError, zlib.error)

MAX_FOREIGN_LENGTH = 1 << 20
"""Longer provenance is not believed; ours has a few kilobytes."""


def embed(data: bytes, provenance: Provenance, scheduler_name: str = "") -> bytes:
    """Return a file with its provenance inside; one that cannot hold it, or is odd, comes back as it is."""
    container = _container(data)
    if container is None:
        return data
    ours = json.dumps(provenance.to_json(), sort_keys=True, separators=(",", ":"))
    try:
        marked = container.add(data, Notes(ours, parameters_text(provenance.request, scheduler_name)))
        return marked if container.find(marked) == ours else data
    except _ODD:
        return data


def read(data: bytes) -> Provenance | None:
    """Return the provenance inside a file, or `None` when it holds none of ours."""
    container = _container(data)
    try:
        text = container.find(data) if container else None
    except _ODD:
        return None
    return Provenance.from_json(json.loads(text)) if text else None


def read_any(data: bytes) -> Provenance | None:
    """Return the provenance inside a file of a stranger; `None` also where it is not as this studio writes it."""
    container = _container(data)
    try:
        text = container.find(data) if container else None
        return Provenance.from_json(json.loads(text)) if text and len(text) <= MAX_FOREIGN_LENGTH else None
    except (*_ODD, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _container(data: bytes) -> _Container | None:
    for signature, container in _BY_SIGNATURE.items():
        if data.startswith(signature):
            return container
    if data[:4] == b"RIFF":
        return _BY_FORM.get(data[8:12])
    if data[4:8] == b"ftyp":
        return _BOXES
    is_mp3 = data[:1] == b"\xff" and data[1:2] and data[1] & 0xE6 == 0xE2  # a frame of layer III
    return _SOUND if is_mp3 else None
