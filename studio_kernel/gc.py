"""Removing what nothing refers to any more: ``studio gc``.

A file of the asset store stays if any run refers to it, whatever became of the run, as an output or as an input, or any
sweep, in its base request or on an axis. What refers to what is asked of the whole log; as long as something of the log
cannot be read, no asset is removed and the reason is given.

Between the moment a file is stored, or is used again, and the moment the log says so, its modification time keeps it:
nothing younger than a grace is removed, and nothing that was stored since the first of the runs began that are still at
work, which log their files when they end.

What goes is deleted, not moved to a trash: it is run to get room back, and a trash gives none. ``dry_run`` shows first.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from uuid import UUID

from studio_kernel.assets import AssetStore, upkeep
from studio_kernel.assets.upkeep import StoredFile
from studio_kernel.domain.values import Json
from studio_kernel.errors import HomeError, InvalidRequestError, Problem, ReadOnlyError, RunLogError
from studio_kernel.runlog.upkeep import LogUpkeep, Wanted
from studio_kernel.settings import Home
from studio_kernel.studio import Studio

Kind = Literal["asset", "thumbnail", "temporary", "live"]

GRACE = timedelta(hours=1)
LONGEST_RUN = timedelta(days=7)
"""A run that began longer ago and has not ended is taken for dead; its files are those of a process that was killed."""

FILE_CLOCK = timedelta(seconds=2)
"""Files are stamped by a clock that lags behind the one the log uses: up to 4 ms on Linux, 2 s on FAT file systems."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What was removed, or would be.

    Attributes
    ----------
    removed : mapping
        Kind of file (asset, thumbnail, temporary, live) → the files.
    freed_bytes : int
        Their length together.
    kept : int
        Assets that stay.
    refusal : str
        Why no asset was removed although there may be some to remove; empty when all of the log could be read.
    is_dry : bool
        Whether this is only what would be removed.
    """

    removed: Mapping[Kind, tuple[Path, ...]] = field(default_factory=dict)
    freed_bytes: int = 0
    kept: int = 0
    refusal: str = ""
    is_dry: bool = False

    @property
    def count(self) -> int:
        """Number of files removed, of all kinds."""
        return sum(map(len, self.removed.values()))

    def to_json(self) -> Json:
        """Return the result as JSON."""
        files: Json = {kind: [str(path) for path in paths] for kind, paths in self.removed.items()}
        return {
            "removed": files,
            "freed_bytes": self.freed_bytes,
            "kept": self.kept,
            "refusal": self.refusal,
            "dry_run": self.is_dry,
        }


def collect(studio: Studio, *, grace: timedelta = GRACE, dry_run: bool = False) -> Collected:
    """Remove what nothing refers to: assets and their thumbnails, temporary files, progress of runs that have ended.

    Parameters
    ----------
    grace : datetime.timedelta
        Nothing younger is removed; of two seconds more, since clocks of files are coarse.
    dry_run : bool
        Remove nothing and return what would be.

    Raises
    ------
    ReadOnlyError
        For a viewer.
    HomeError
        When somebody else removes or mends files of this home right now, or it cannot be written.
    InvalidRequestError
        For a negative grace.
    """
    with alone(studio):
        collection = _Collection(studio, grace, dry_run)
        collection.everything()
        return collection.result()


def collect_leftovers(studio: Studio, *, grace: timedelta = GRACE) -> Collected:
    """Remove temporary files and the progress of runs that have ended, and no asset; raises as `collect`."""
    with alone(studio):
        collection = _Collection(studio, grace, False)
        collection.leftovers()
        return collection.result()


@contextmanager
def alone(studio: Studio) -> Iterator[None]:
    """Keep everybody else from removing and mending files of this home; raises as `collect`."""
    from filelock import FileLock, Timeout

    if studio.mode != "editor":
        raise ReadOnlyError("this studio was opened as a viewer and removes nothing; open it with mode='editor'")
    lock = FileLock(studio.home.upkeep_lock, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        root = str(studio.home.root)
        raise HomeError(f"another studio gc or doctor --repair is at work in {root!r}; wait until it is done") from None
    try:
        yield
    finally:
        lock.release()


class _Collection:
    """One collection in one home."""

    def __init__(self, studio: Studio, grace: timedelta, dry_run: bool) -> None:
        if grace < timedelta(0):
            raise InvalidRequestError([Problem("grace", f"{grace!r} is negative; 0 is the least")], "gc")
        self._store: AssetStore = studio.assets
        self._home: Home = studio.home
        self._log = LogUpkeep(studio.home.runlog)
        self._grace_s = (grace + FILE_CLOCK).total_seconds()
        self._stale_before = time.time() - self._grace_s
        self._dry_run = dry_run
        self._removed: dict[Kind, list[Path]] = {"asset": [], "thumbnail": [], "temporary": [], "live": []}
        self._freed_bytes = self._kept = 0
        self._refusal = ""

    def everything(self) -> None:
        """Remove assets that nothing refers to, each with its thumbnail, and what `leftovers` removes."""
        self._go_through(self._wanted())
        self._clear_board()

    def leftovers(self) -> None:
        """Remove temporary files of writers that died, and what is left on the live board."""
        self._go_through(None)
        self._clear_board()

    def result(self) -> Collected:
        """Return what was done."""
        removed = {kind: tuple(paths) for kind, paths in self._removed.items()}
        return Collected(removed, self._freed_bytes, self._kept, self._refusal, self._dry_run)

    def _wanted(self) -> Wanted | None:
        """Return what is referred to; `None` when that cannot be told for sure, and then say why."""
        try:
            wanted = self._log.wanted(datetime.now(UTC) - LONGEST_RUN)
        except RunLogError as error:
            self._refusal = str(error)
            return None
        if not wanted.owners and any(file.kind == "asset" for file in upkeep.listed(self._store)):
            self._refusal = (
                "the log has not a single run, so it may be lost; put its journals back, or delete the assets"
            )
            return None
        return wanted

    def _go_through(self, wanted: Wanted | None) -> None:
        """Look at every file of the store once; assets stay when it is not known what is wanted."""
        before = self._unused_since(wanted)
        thumbnails: list[StoredFile] = []
        spared: set[str] = set()
        for file in upkeep.listed(self._store):
            unknown = wanted is not None and file.digest not in wanted.digests
            if file.kind == "temporary":
                self._take_away(file, self._stale_before)
            elif file.kind == "thumbnail" and unknown:
                thumbnails.append(file)
            elif file.kind == "asset" and not (unknown and self._take_away(file, before)):
                self._kept += 1
                if unknown:
                    spared.add(file.digest)
        for file in thumbnails:
            if file.digest not in spared:
                self._take_away(file, before)

    def _unused_since(self, wanted: Wanted | None) -> float:
        """Return the time since when an asset that nothing refers to must not have been used."""
        if wanted is None or wanted.first_at_work is None:
            return self._stale_before
        # The grace once more, for a clock that was set back between the log line and the file.
        return min(self._stale_before, wanted.first_at_work.timestamp() - self._grace_s)

    def _clear_board(self) -> None:
        by_run = {path: path.stem for path in self._home.live.glob("*") if _is_uuid(path.stem)}
        try:
            ended = self._log.ended(sorted(set(by_run.values()))) if by_run else set()
        except RunLogError as error:
            self._refusal = self._refusal or str(error)
            return
        for path, run_id in by_run.items():
            if run_id in ended:
                self._clear(path)

    def _clear(self, path: Path) -> None:
        try:
            state = path.stat()
            if state.st_mtime >= self._stale_before:
                return
            if not self._dry_run:
                path.unlink()
        except (FileNotFoundError, PermissionError):  # gone already, or open where open files stay
            return
        self._note("live", path, state.st_size)

    def _take_away(self, file: StoredFile, unused_since: float) -> bool:
        """Remove a file of the store if it is old enough; return whether it is gone, or would be."""
        if file.modified >= unused_since:
            return False
        if not self._dry_run and not upkeep.remove(self._store, file, unused_since=unused_since):
            return False
        self._note(file.kind, file.path, file.size_bytes)
        return True

    def _note(self, kind: Kind, path: Path, size_bytes: int) -> None:
        self._removed[kind].append(path)
        self._freed_bytes += size_bytes


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
