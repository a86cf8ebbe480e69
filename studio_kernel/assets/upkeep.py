"""Looking after an asset store: what files there are, removing some, setting damaged ones aside.

Knows digests and ages, nothing of runs: which files are wanted is for the caller to say. A file is looked at once more,
under the lock that every user of a stored file takes, before it is removed or moved.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from studio_kernel.assets.media import MEDIA_TYPES
from studio_kernel.assets.store import AssetStore
from studio_kernel.domain.values import AssetRef

FileKind = Literal["asset", "thumbnail", "temporary"]
DAMAGED = "damaged"
_THUMBNAIL_ENDING = ".thumb.webp"
_TEMPORARY_BEGINNING = ".new-"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of the store as it was when the store was listed.

    Attributes
    ----------
    digest : str
        Of the asset it is, or shows in small; empty for a temporary file.
    modified : float
        When it was written or last used for a new run, in seconds since 1970.
    """

    path: Path
    kind: FileKind
    digest: str
    size_bytes: int
    modified: float

    @property
    def ref(self) -> AssetRef:
        """The asset as the log names it."""
        return AssetRef(self.digest, MEDIA_TYPES[self.path.suffix.removeprefix(".")])


def listed(store: AssetStore) -> Iterator[StoredFile]:
    """Yield the files of the store that the store itself has made; others are none of its business."""
    for folder in sorted(store.root.glob("??")):
        with suppress(NotADirectoryError), os.scandir(folder) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # removed or renamed since the folder was read
                    found = _stored(entry)
                    if found is not None:
                        yield found


def remove(store: AssetStore, file: StoredFile, *, unused_since: float) -> bool:
    """Remove a file unless it was used since `unused_since` (seconds since 1970); return whether it is gone by this."""
    # Gone already, or open: Windows removes no file that is being read.
    with store.exclusive(), suppress(FileNotFoundError, PermissionError):
        if file.path.stat().st_mtime < unused_since:
            file.path.unlink()
            return True
    return False


def is_sound(file: StoredFile) -> bool:
    """Return whether the bytes of an asset are those it is named by; one that is gone or cannot be read is not."""
    try:
        with file.path.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest() == file.digest
    except OSError:
        return False


def set_aside(store: AssetStore, file: StoredFile) -> Path | None:
    """Move a damaged asset out of the way and return where it is now; `None` when it is sound or gone by now."""
    with store.exclusive():
        if not file.path.exists() or is_sound(file):
            return None
        place = _free_name(store.root / DAMAGED / file.path.name)
        place.parent.mkdir(exist_ok=True)
        file.path.replace(place)
    return place


def _stored(entry: os.DirEntry[str]) -> StoredFile | None:
    state = entry.stat(follow_symlinks=False)
    kind = _kind(entry.name)
    if kind is None or not stat.S_ISREG(state.st_mode):
        return None
    digest = "" if kind == "temporary" else entry.name.split(".")[0]
    return StoredFile(Path(entry.path), kind, digest, state.st_size, state.st_mtime)


def _kind(name: str) -> FileKind | None:
    if name.startswith(_TEMPORARY_BEGINNING):
        return "temporary"
    digest, _, ending = name.partition(".")
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        return None
    if name.endswith(_THUMBNAIL_ENDING):
        return "thumbnail"
    return "asset" if ending in MEDIA_TYPES else None


def _free_name(path: Path) -> Path:
    """Return `path`, or the first like it with a number that nothing has yet."""
    number, place = 1, path
    while place.exists():
        number += 1
        place = path.with_name(f"{path.name}.{number}")
    return place
