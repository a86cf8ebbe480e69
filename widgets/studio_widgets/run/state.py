"""One run without a screen: its files and settings, what people say about it, and which runs are near it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import traitlets

from studio_kernel.domain.parameters import label_of
from studio_kernel.domain.runs import RunRecord
from studio_kernel.domain.values import Value, describe
from studio_kernel.errors import StudioError
from studio_kernel.runlog import RunFilter
from studio_widgets.records import pictured
from studio_widgets.saving.files import RunFiles
from studio_widgets.saving.slices import Slice
from studio_widgets.state import LiveState
from studio_widgets.wording import counted
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.domain.similarity import Similar
    from studio_kernel.studio import Studio

MOST_CELLS = 1000
"""Cells of a sweep that are looked through for neighbours: the newest."""
MOST_NEAR = 12
MOST_SAYINGS = 100
"""Marks of a run that are shown: the newest."""


@dataclass(frozen=True, slots=True)
class Near:
    """A run that is near the one that is looked at.

    Attributes
    ----------
    record : RunRecord
        The run.
    difference : str
        What tells it apart, in words.
    """

    record: RunRecord
    difference: str


@dataclass(frozen=True, slots=True)
class Saying:
    """Something that somebody said about the run.

    Attributes
    ----------
    when, who, what : str
        The time here, the name by their own word, and what they said, in words.
    """

    when: str
    who: str
    what: str


class RunState(LiveState):
    """A run that is looked at.

    Parameters
    ----------
    studio : Studio
        Editor or viewer; both may mark.

    Attributes
    ----------
    details : RunRecord or None
        The run; `open` chooses another.
    shown : int
        Which of its files.
    neighbours : tuple of Near
        Runs of the same sweep in which one axis has another value.
    similar : tuple of Near
        Runs whose settings are most like its own.
    sayings : tuple of Saying
        Who said what about it, the newest first.
    votes : str
        How it did in votes, in words; empty while nobody has voted.

    Examples
    --------
    >>> state = RunState(studio)  # doctest: +SKIP
    >>> state.open(state.newest)  # doctest: +SKIP
    >>> state.rate(4)  # doctest: +SKIP
    """

    details = traitlets.Instance(RunRecord, allow_none=True, read_only=True)
    shown = traitlets.Int(0)
    neighbours = traitlets.Instance(tuple, args=(), read_only=True)
    similar = traitlets.Instance(tuple, args=(), read_only=True)
    sayings = traitlets.Instance(tuple, args=(), read_only=True)
    votes = traitlets.Unicode(read_only=True)

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None) -> None:
        super().__init__(studio, workspace=workspace)
        self._run = ""
        self._files = RunFiles(studio)
        self._near: tuple[str, tuple[Near, ...]] = ("", ())
        self.refresh()

    @property
    def newest(self) -> str:
        """Id of the newest run of the project; empty when there is none."""
        found = self._studio.records(RunFilter(project=self.workspace.project or None), limit=1)
        return found[0].id if found else ""

    @property
    def known_tags(self) -> list[str]:
        """Tags that runs of this home have, to choose from."""
        return sorted(map(str, self._studio.facets().tag))

    def open(self, run: str) -> None:
        """Look at another run; an empty id means at none."""
        with self.lock, self.hold_trait_notifications():
            self._run, self.shown = run, 0
            self.refresh()

    def file(self) -> tuple[bytes, str]:
        """Return bytes and media type of the file that is shown; nothing when there is none."""
        return self._file_of(self.details, self.shown)

    def part(self, run: str, file: int, start: int) -> Slice:
        """Return a part of a file of the run, for keeping it; nothing when there is none."""
        found = Slice()
        try:
            found = self._files.part(run, file, start)
        except (StudioError, OSError) as error:
            self.error = str(error)
        return found

    def thumbnails(self) -> list[bytes]:
        """Return a small picture of every file of the run; no bytes for what is no picture."""
        return self._thumbnails_of(self.details)

    def thumbnail(self, run: str) -> bytes:
        """Return a small picture of a run that is near; nothing when it has none."""
        near = next((each.record for each in (*self.neighbours, *self.similar) if each.record.id == run), None)
        asset = pictured(near)
        return self._thumbnail_of(asset) if asset is not None else b""

    # Marks

    def star(self, on: bool) -> None:
        """Make it a favourite, or no longer."""
        self._mark(favourite=on)

    def rate(self, rating: int) -> None:
        """Give it 1 … 5 stars; 0 takes them away."""
        self._mark(rating=rating)

    def add_tag(self, tag: str) -> None:
        """Give it a tag more."""
        if self.details is not None and tag.strip() not in self.details.tags:
            self._mark(tags=(*self.details.tags, tag.strip()))

    def remove_tag(self, tag: str) -> None:
        """Take a tag from it."""
        if self.details is not None and tag in self.details.tags:
            self._mark(tags=tuple(each for each in self.details.tags if each != tag))

    def write_note(self, text: str) -> None:
        """Keep a note with it; empty takes it away."""
        self._mark(note=text)

    # Inside

    def _mark(self, **said: Any) -> None:
        with self.lock:
            if self.details is not None:
                self._attempt(lambda: self._say(self._run, **said))
                error = self.error
                self.refresh()
                self.error = self.error or error

    def _read(self) -> None:
        record = self.found(self._run) if self._run else None
        self._run = record.id if record is not None else ""
        self.set_trait("details", record)
        self.set_trait("neighbours", self._neighbours(record) if record is not None else ())
        self.set_trait("similar", self._similar_to(record) if record is not None else ())
        self.set_trait("sayings", self._sayings() if record is not None else ())
        self.set_trait("votes", self._voted() if record is not None else "")

    def _neighbours(self, record: RunRecord) -> tuple[Near, ...]:
        sweep, cell = record.origin.sweep_id, record.origin.cell
        if sweep is None or not cell:
            return ()
        cells = self._studio.records(RunFilter(sweep_id=sweep), limit=MOST_CELLS)
        near = [(name, each) for each in cells if (name := _one_apart(cell, each.origin.cell)) and each.id != record.id]
        near.sort(key=lambda found: (found[0], _order(found[1].origin.cell[found[0]])))
        return tuple(Near(each, f"{label_of(name)} {describe(each.origin.cell[name])}") for name, each in near)[
            : 2 * MOST_NEAR
        ]

    def _similar_to(self, record: RunRecord) -> tuple[Near, ...]:
        """Return what is like it; looked for once a run, for it takes longer than anything else here."""
        if self._near[0] != record.id:
            own = {each.record.id for each in self.neighbours}
            found = [
                each for each in self._studio.similar(record.id, MOST_NEAR + len(own)) if each.record.id not in own
            ]
            self._near = record.id, tuple(Near(each.record, _apart(each)) for each in found[:MOST_NEAR])
        return self._near[1]

    def _sayings(self) -> tuple[Saying, ...]:
        rows: Iterable[Any] = self._studio.marks(self._run, limit=MOST_SAYINGS).itertuples()
        return tuple(
            Saying(f"{row.marked_at.to_pydatetime().astimezone():%Y-%m-%d %H:%M}", row.marked_by, row.what)
            for row in rows
        )

    def _voted(self) -> str:
        return votes_in_words(self._run, self._studio.votes().itertuples())


def votes_in_words(run: str, votes: Iterable[Any]) -> str:
    """Return how a run did in votes."""
    won = lost = tied = 0
    for vote in votes:
        if vote.choice == "skip" or run not in (vote.left, vote.right):
            continue
        tied += vote.choice == "tie"
        if vote.choice in ("left", "right"):
            is_better = getattr(vote, vote.choice) == run
            won, lost = won + is_better, lost + (not is_better)
    total = won + lost + tied
    return f"{counted(total, 'vote')}: better {won}, worse {lost}, neither {tied}" if total else ""


def _one_apart(cell: Mapping[str, Value], other: Mapping[str, Value]) -> str:
    """Return the one axis in which two cells differ; empty when there are none or several."""
    names = [name for name in cell if cell[name] != other.get(name)]
    return names[0] if len(names) == 1 and other.keys() == cell.keys() else ""


def _order(value: Value) -> tuple[bool, float, str]:
    is_number = isinstance(value, (int, float))
    return not is_number, float(value) if isinstance(value, (int, float)) else 0.0, describe(value)


def _apart(similar: Similar) -> str:
    names = ", ".join(label_of(name).lower() for name in similar.differs)
    return f"Other {names}" if names else "The same settings"
