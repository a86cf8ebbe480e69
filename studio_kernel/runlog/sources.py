"""What there is to fold: the journals of a home, and the archived ones.

An archived journal is ``journal/done/<name>-<bytes>.jsonl.gz``. Its length stands in the name, so that one listing
of the directory tells whether a DuckDB file has all of it.
"""

from __future__ import annotations

import gzip
import os
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

JOURNAL_SUFFIX = ".jsonl"
ARCHIVE_SUFFIX = ".jsonl.gz"
_STEP_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Source:
    """One journal.

    Attributes
    ----------
    name : str
        Unique in a home; what watermarks are kept by.
    path : pathlib.Path
        The file, compressed when it is an archive.
    size_bytes : int
        Length of the journal, uncompressed.
    """

    name: str
    path: Path
    size_bytes: int

    @property
    def is_archived(self) -> bool:
        """Whether the file is compressed."""
        return self.path.name.endswith(ARCHIVE_SUFFIX)

    @property
    def is_given_up(self) -> bool:
        """Whether nobody will append to it any more: the lock beside it, which its process holds, is free."""
        lock = self.path.with_suffix(".lock")
        try:
            with FileLock(lock, timeout=0, thread_local=False) if lock.exists() else nullcontext():
                return True
        except (Timeout, OSError):  # its process lives, or nothing can be locked here
            return False

    def read(self, position: int, limit: int) -> bytes:
        """Return whole lines from `position` on: about `limit` bytes, more when the first line is longer.

        A last line that is not complete yet is left out.
        """
        data = self._read(position, limit)
        return data[: data.rfind(b"\n") + 1]

    def torn_line(self, position: int) -> bytes:
        """Return what stands behind the last whole line when nobody will complete it; `position` is where it begins.

        A power cut or a disk that failed leaves one; a process that is killed does not.
        """
        if self.is_archived or not self.is_given_up:
            return b""
        rest = self._read(position, self.size_bytes)
        return b"" if b"\n" in rest else rest  # its process completed it, and ended, since it was listed

    def _read(self, position: int, limit: int) -> bytes:
        with gzip.open(self.path, "rb") if self.is_archived else self.path.open("rb") as file:
            file.seek(position)
            data = file.read(min(limit, self.size_bytes - position))
            while b"\n" not in data and (more := file.read(_STEP_BYTES)):
                data += more
        return data


def journals_of(root: Path) -> list[Source]:
    """Return the journals of a home, oldest first."""
    found = []
    with suppress(FileNotFoundError), os.scandir(root / "journal") as entries:
        for entry in entries:
            if entry.name.endswith(JOURNAL_SUFFIX):
                with suppress(FileNotFoundError):  # archived by another process since
                    size = entry.stat().st_size
                    found.append(Source(entry.name.removesuffix(JOURNAL_SUFFIX), Path(entry.path), size))
    return sorted(found, key=lambda source: source.name)


def archives_of(root: Path) -> list[Source]:
    """Return the archived journals of a home, oldest first."""
    found = []
    with suppress(FileNotFoundError), os.scandir(root / "journal" / "done") as entries:
        for entry in entries:
            name, _, size = entry.name.removesuffix(ARCHIVE_SUFFIX).rpartition("-")
            if entry.name.endswith(ARCHIVE_SUFFIX) and name and size.isdigit():
                found.append(Source(name, Path(entry.path), int(size)))
    return sorted(found, key=lambda source: source.name)


def changed_ns(directory: Path) -> int:
    """Return when a file was last added to `directory` or taken away, in nanoseconds; 0 when it does not exist."""
    try:
        return directory.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def all_of(root: Path) -> list[Source]:
    """Return archives and journals; one that is both, because its archiving was cut off, once."""
    found = {source.name: source for source in archives_of(root)}
    found |= {source.name: source for source in journals_of(root)}
    return [found[name] for name in sorted(found)]
