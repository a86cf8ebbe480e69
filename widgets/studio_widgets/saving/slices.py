"""Reading a file of a run a part at a time, and the name that it gets at somebody's disk."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from pathlib import Path

from studio_kernel.domain.assets import Asset
from studio_kernel.domain.runs import RunRecord
from studio_widgets.records import title_of

SLICE_BYTES = 2**20
MOST_BYTES = 512 * 2**20
"""A page holds a file in memory until it is whole."""
_NAME_CHARACTERS = 48
_ENDINGS = {
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/avif": ".avif",
    "audio/wav": ".wav",
    "audio/x-wav": ".wav",
}


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a file.

    Attributes
    ----------
    total : int
        Bytes of the whole file; 0 when it does not come.
    name : str
        What to save it as.
    """

    data: bytes = b""
    total: int = 0
    media_type: str = ""
    name: str = ""


def read(path: Path, start: int) -> bytes:
    """Return the bytes of one part."""
    with path.open("rb") as file:
        file.seek(start)
        return file.read(SLICE_BYTES)


def name_of(record: RunRecord, asset: Asset) -> str:
    """Return a file name for a file of a run: its prompt, and a piece of its id so that no two are alike."""
    words = "".join(c if c.isalnum() else " " for c in title_of(record)).split()
    stem = "-".join(words).lower()[:_NAME_CHARACTERS].rstrip("-") or "run"
    place = f"-{asset.index + 1}" if len(record.assets) > 1 else ""
    ending = _ENDINGS.get(asset.media_type) or mimetypes.guess_extension(asset.media_type) or ""
    return f"{stem}-{record.id[-8:]}{place}{ending}"
