"""Putting away journals that are in both DuckDB files and that nobody writes any more.

They are compressed, about six times smaller, and kept: the DuckDB files can be rebuilt from them.
"""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from studio_kernel.runlog.journal import sync_directory
from studio_kernel.runlog.sources import ARCHIVE_SUFFIX, Source


def put_away(source: Source, done: Path) -> None:
    """Compress a journal into `done`, unless its process still writes it."""
    beside = source.path.with_suffix(".lock")
    with suppress(Timeout):
        with FileLock(beside, timeout=0, thread_local=False):
            if source.path.exists() and source.path.stat().st_size == source.size_bytes:
                _compress(source, done)
                source.path.unlink()
        if not source.path.exists():
            beside.unlink(missing_ok=True)


def folded_everywhere(sources: Iterable[Source], *watermarks: dict[str, int]) -> list[Source]:
    """Return the journals that every one of `watermarks` covers to the last byte."""
    return [
        source for source in sources if all(marks.get(source.name, -1) >= source.size_bytes for marks in watermarks)
    ]


def _compress(source: Source, done: Path) -> None:
    done.mkdir(parents=True, exist_ok=True)
    target = done / f"{source.name}-{source.size_bytes}{ARCHIVE_SUFFIX}"
    partial = target.with_suffix(".partial")
    with partial.open("wb") as file:
        with source.path.open("rb") as journal, gzip.open(file, "wb") as packed:
            shutil.copyfileobj(journal, packed)
        file.flush()
        os.fsync(file.fileno())  # the journal is deleted next: what replaces it must survive a power cut
    partial.replace(target)
    sync_directory(done)
