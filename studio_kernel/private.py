"""Private runs: what they ask for and make is kept beside the log, and goes when their studio closes.

The log gets that there was a run of this model, how long it took and what it cost. Everything else – prompt, inputs,
files, previews, what went wrong – is in a directory of the studio that asked for it, which is deleted when that studio
closes, or by the next process that finds its owner dead.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from immutabledict import immutabledict

from studio_kernel.assets import AssetStore
from studio_kernel.domain.runs import RunRecord, RunStatus
from studio_kernel.domain.values import AssetRef
from studio_kernel.errors import InvalidInputError
from studio_kernel.live import LiveBoard
from studio_kernel.presence import Presence, is_present
from studio_kernel.settings import Home

WITHHELD = "the reason is private; the studio that asked for this run shows it"


class PrivateSpace:
    """A directory for the private runs of one studio.

    Parameters
    ----------
    root : pathlib.Path
        Named after the presence of its owner.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.assets = AssetStore(root / "assets")
        self.live = LiveBoard(root / "live")
        self._presence: Presence | None = None

    @classmethod
    def begin(cls, home: Home) -> PrivateSpace:
        """Make the space of a studio that is open."""
        presence = Presence(home.locks, "private")
        space = cls(home.private / presence.name)
        for directory in (space.assets.root, space.live.root):
            directory.mkdir(parents=True, mode=0o700)
        space.root.chmod(0o700)
        space._presence = presence
        return space

    @classmethod
    def of_run(cls, home: Home, run_id: str) -> PrivateSpace | None:
        """Return the space that holds a run; `None` when its studio has closed."""
        found = next(home.private.glob(f"*/{run_id}.json"), None)
        return cls(found.parent) if found else None

    def keep(self, record: RunRecord) -> None:
        """Write down all of a run; a space that is gone already stays gone."""
        if not self.root.is_dir():
            return
        handle, name = tempfile.mkstemp(dir=self.root, suffix=".new")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(record.to_json(), file)
        Path(name).replace(self.root / f"{record.id}.json")

    def record(self, run_id: str) -> RunRecord | None:
        """Return all of a run; `None` when it is not here."""
        try:
            return RunRecord.from_json(json.loads((self.root / f"{run_id}.json").read_bytes()))
        except (OSError, ValueError):
            return None

    def completed(self, told: RunRecord) -> RunRecord:
        """Return all of a run that has ended, of which the log has told; what it told, when the rest is not here."""
        kept = self.record(told.id)
        return kept if kept is not None and kept.status.is_final else told

    def run_ids(self) -> Iterator[str]:
        """Yield the runs that are kept here."""
        for path in self.root.glob("*.json"):
            yield path.stem

    def reader(self, shared: AssetStore) -> AssetReader:
        """Return what finds files here, or in the store of the home."""
        return AssetReader(self.assets, shared)

    def end(self) -> None:
        """Delete everything."""
        shutil.rmtree(self.root, ignore_errors=True)
        if self._presence is not None:
            self._presence.end()


class AssetReader:
    """Finds a file in the first of two stores that has it."""

    def __init__(self, first: AssetStore, second: AssetStore) -> None:
        self._first, self._second = first, second

    def __call__(self, ref: AssetRef) -> Path:
        """Return where the file is.

        Raises
        ------
        InvalidInputError
            When neither has it.
        """
        try:
            return self._first.path(ref)
        except InvalidInputError:
            return self._second.path(ref)


def orphans(home: Home) -> list[PrivateSpace]:
    """Return the spaces whose studio ended without closing."""
    if not home.private.is_dir():
        return []
    return [PrivateSpace(root) for root in home.private.iterdir() if not is_present(home.locks, root.name)]


def told(record: RunRecord) -> RunRecord:
    """Return what the log may know of a private run."""
    return replace(
        record,
        seed=None,
        assets=(),
        error=WITHHELD if record.status is RunStatus.FAILED else None,
        provenance=immutabledict(),
    )
