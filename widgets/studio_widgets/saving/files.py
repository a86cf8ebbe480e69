"""Files of runs, found once and then read in parts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from studio_kernel.errors import StudioError
from studio_widgets.saving import slices
from studio_widgets.saving.slices import Slice

if TYPE_CHECKING:
    from studio_kernel.studio import Studio

MOST_KNOWN = 12


class RunFiles:
    """Reads files of runs a part at a time; where the last ones are is remembered, as a page asks for many parts.

    Parameters
    ----------
    studio : Studio
        Whose runs.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._known: dict[tuple[str, int], tuple[Path, Slice]] = {}

    def part(self, run: str, file: int, start: int) -> Slice:
        """Return the part of a file that begins at a byte.

        Raises
        ------
        StudioError
            When there is no such run or file, or when it is too large for a page.
        OSError
            When it cannot be read.
        """
        path, about = self._known.get((run, file)) or self._find(run, file)
        return replace(about, data=slices.read(path, start))

    def _find(self, run: str, file: int) -> tuple[Path, Slice]:
        record = self._studio.record(run)
        if file >= len(record.assets):
            raise StudioError(f"run {run} has no file {file + 1}")
        asset = record.assets[file]
        path = self._studio.store_of(asset).path(asset)
        if asset.size_bytes > slices.MOST_BYTES:
            raise StudioError(f"{asset.size_bytes / 2**20:.0f} MB are too many for a page; the file is {path}")
        while len(self._known) >= MOST_KNOWN:
            self._known.pop(next(iter(self._known)))
        about = Slice(total=asset.size_bytes, media_type=asset.media_type, name=slices.name_of(record, asset))
        self._known[run, file] = path, about
        return path, about
