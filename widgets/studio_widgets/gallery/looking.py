"""A list of runs in which one is looked at: its files, its place in the list, and what is said about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import traitlets

from studio_kernel.domain.runs import RunRecord
from studio_kernel.errors import StudioError
from studio_widgets.gallery.listing import RunListState
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.studio import Studio


class LookedAtRuns(RunListState):
    """Runs of a home under a filter, and the one that is looked at.

    Attributes
    ----------
    details : RunRecord or None
        The run that is looked at.
    shown : int
        Which of its files.
    place : int
        Where it stands in the list.
    """

    details = traitlets.Instance(RunRecord, allow_none=True, read_only=True)
    shown = traitlets.Int(0)
    place = traitlets.Int(0, read_only=True)

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None) -> None:
        super().__init__(studio, workspace=workspace)
        self._tags: dict[str, None] = {}

    def open(self, run: str) -> None:
        """Look at a run; an empty id closes the details."""
        self._attempt(lambda: self._look_at(run))

    def close(self) -> None:
        """Look at no run."""
        self.open("")

    def step(self, by: int) -> None:
        """Look at the next run of the list (1), or at the one before (-1)."""
        self._attempt(lambda: self._step(by))

    def file(self, index: int | None = None) -> tuple[bytes, str]:
        """Return bytes and media type of a file of the run that is looked at; nothing when there is none."""
        return self._file_of(self.details, self.shown if index is None else index)

    def thumbnails(self) -> list[bytes]:
        """Return a small picture of every file of the run that is looked at; no bytes for what is no picture."""
        return self._thumbnails_of(self.details)

    def as_python(self) -> str:
        """Return the text of a cell that makes the run that is looked at again."""
        try:
            return self._studio.as_python(self._looked_at())
        except StudioError as error:
            return f"# {error}"

    # Marks

    def star(self, on: bool, run: str = "") -> None:
        """Make a run, or the one that is looked at, a favourite, or no longer."""
        self._attempt(lambda: self._mark(run or self._looked_at().id, favourite=on))

    def rate(self, rating: int, run: str = "") -> None:
        """Give a run, or the one that is looked at, 1 … 5 stars; 0 takes them away."""
        self._attempt(lambda: self._mark(run or self._looked_at().id, rating=rating))

    def add_tag(self, tag: str) -> None:
        """Give the run that is looked at a tag more."""
        self._attempt(lambda: self._retag([self._looked_at()], tag, on=True))
        self.refresh_after()

    def remove_tag(self, tag: str) -> None:
        """Take a tag from the run that is looked at."""
        self._attempt(lambda: self._retag([self._looked_at()], tag, on=False))
        self.refresh_after()

    def write_note(self, text: str) -> None:
        """Keep a note with the run that is looked at; empty takes it away."""
        self._attempt(lambda: self._say(self._looked_at().id, note=text))
        self.refresh_after()

    @property
    def known_tags(self) -> list[str]:
        """Tags that runs of this home have, to choose from."""
        return sorted(self._tags)

    def refresh_after(self) -> None:
        """Read again, but leave an error as it is."""
        error = self.error
        self.refresh()
        self.error = self.error or error

    # Inside

    def _look_at(self, run: str) -> None:
        with self.lock, self.hold_trait_notifications():
            record = self._studio.record(run) if run else None
            if record is None or self.details is None or record.id != self.details.id:
                self.shown = 0
            if record is not None:
                self.set_trait("place", self.place_of(record))
            self.set_trait("details", record)

    def _step(self, by: int) -> None:
        record = self._looked_at()
        place = self.place_of(record)
        is_here = [each.id for each in self._records(place, min(self.total, place + 1))] == [record.id]
        place += by if is_here or by < 0 else by - 1
        found = self._records(place, min(self.total, place + 1)) if place >= 0 else []
        if found:
            self._look_at(found[0].id)

    def _looked_at(self) -> RunRecord:
        if self.details is None:
            raise StudioError("open a run first, or name one")
        return self.details

    def _retag(self, records: Iterable[RunRecord], tag: str, *, on: bool) -> None:
        runs_with: dict[tuple[str, ...], list[str]] = {}
        for record in records:
            tags = (*(each for each in record.tags if each != tag.strip()), *([tag.strip()] if on else []))
            if tags != record.tags:
                runs_with.setdefault(tags, []).append(record.id)
        for tags, runs in runs_with.items():
            self._say(*runs, tags=tags)
