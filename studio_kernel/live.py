"""What running jobs show right now: one small file a run, replaced atomically, never part of the log.

Whoever works on a run writes here; anyone who has the home open reads. Files go when the run ends, for then the log
tells the rest.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec

from studio_kernel.domain.runs import RunProgress
from studio_kernel.forms import ready


class LiveBoard:
    """Progress and previews of running jobs under one directory.

    Parameters
    ----------
    root : pathlib.Path
        Holds ``<run>.json`` and ``<run>.webp``.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, run_id: str, progress: RunProgress) -> None:
        """Show `progress`; a disk that is full or gone costs the picture, not the run."""
        with suppress(OSError):
            if progress.preview is not None:
                _replace_file(self.root / f"{run_id}.webp", progress.preview)
            _replace_file(self.root / f"{run_id}.json", msgspec.json.encode(replace(progress, preview=None)))

    def read(self, run_id: str) -> RunProgress | None:
        """Return what the run shows now, or `None` when nobody works on it."""
        try:
            progress = msgspec.json.decode((self.root / f"{run_id}.json").read_bytes(), type=ready(RunProgress))
        except (OSError, msgspec.DecodeError):
            return None
        with suppress(OSError):
            return replace(progress, preview=(self.root / f"{run_id}.webp").read_bytes())
        return progress

    def stamp(self, run_id: str) -> int | None:
        """Return what differs once the run shows something new; `None` when it shows nothing."""
        try:
            return (self.root / f"{run_id}.json").stat().st_mtime_ns
        except OSError:
            return None

    def clear(self, run_id: str) -> None:
        """Take the run off the board."""
        for ending in ("json", "webp"):
            with suppress(OSError):
                (self.root / f"{run_id}.{ending}").unlink()


def _replace_file(path: Path, data: bytes) -> None:
    fresh = path.with_suffix(".new")  # one process works on a run, so no two writers share this name
    fresh.write_bytes(data)
    fresh.replace(path)
