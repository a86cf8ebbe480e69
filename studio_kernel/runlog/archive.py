"""Putting away journals that are in both DuckDB files and that nobody writes any more.

They are compressed, about six times smaller, and kept: the DuckDB files can be rebuilt from them.
"""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterable
from pathlib import Path

from filelock import FileLock, Timeout

from studio_kernel.runlog.sources import ARCHIVE_SUFFIX, Source


def put_away(source: Source, done: Path) -> bool:
    """Compress a journal into `done`; `False` when its process still writes it."""
    lock = FileLock(source.path.with_suffix(".lock"), timeout=0, thread_local=False)
    try:
        with lock:
            if not source.path.exists() or source.path.stat().st_size != source.size_bytes:
                return False
            _compress(source, done)
            source.path.unlink()
    except Timeout:
        return False
    source.path.with_suffix(".lock").unlink(missing_ok=True)
    return True


def folded_everywhere(sources: Iterable[Source], *watermarks: dict[str, int]) -> list[Source]:
    """Return the journals that every one of `watermarks` covers to the last byte."""
    return [
        source for source in sources if all(marks.get(source.name, -1) >= source.size_bytes for marks in watermarks)
    ]


def _compress(source: Source, done: Path) -> None:
    done.mkdir(parents=True, exist_ok=True)
    target = done / f"{source.name}-{source.size_bytes}{ARCHIVE_SUFFIX}"
    partial = target.with_suffix(".partial")
    with source.path.open("rb") as journal, gzip.open(partial, "wb") as packed:
        shutil.copyfileobj(journal, packed)
    partial.replace(target)
