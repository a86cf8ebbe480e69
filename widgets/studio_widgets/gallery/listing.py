"""A list of runs without a screen: pages of it, small pictures, files in parts. Gallery and history are such lists.

Runs are read in pages when they are asked for, so a home of a million costs no more than one of a hundred.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import traitlets

from studio_kernel.assets.thumbnails import can_be_shown
from studio_kernel.domain.budget import dollars
from studio_kernel.domain.runs import RunRecord, RunStatus
from studio_kernel.errors import StudioError
from studio_kernel.runlog import Order, RunFilter
from studio_widgets.gallery import intents
from studio_widgets.records import pictured
from studio_widgets.saving.files import RunFiles
from studio_widgets.saving.slices import Slice
from studio_widgets.state import LiveState
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.domain.assets import Asset
    from studio_kernel.studio import Studio

PAGE = 200
MOST_PICTURES = 12
"""In the picture of the panel that a notebook keeps."""
MAX_PAGES = 40
MAX_PICTURES = 20_000
MAX_TEXT = 500
_NEAR = 8
"""Runs that began in the same microsecond stand so near to each other."""


@dataclass(frozen=True, slots=True)
class Item:
    """What a tile of the grid, or a row of the list, shows.

    Attributes
    ----------
    run : str
        Id of the run.
    key : str
        Digest of the file of which a picture is shown; empty when there is none.
    kind : str
        What that file is, or else the first: ``image``, ``video``, ``audio``; empty without files.
    title : str
        The prompt, or the task when there is none.
    file, bytes : int
        Place of that file among those of the run, and its length.
    model, task, seed, size, time, cost, date : str
        As they are shown; the date as ISO 8601.
    imported : bool
        It was brought in as a file.
    note : str
        What else there is to say, such as what differs from the run that it is similar to.
    acts : tuple of str
        What can be done with it by a button in its row.
    """

    run: str
    key: str
    kind: str
    title: str
    status: RunStatus
    favourite: bool
    rating: int
    files: int
    file: int = 0
    bytes: int = 0
    model: str = ""
    task: str = ""
    seed: str = ""
    size: str = ""
    time: str = ""
    cost: str = ""
    date: str = ""
    imported: bool = False
    note: str = ""
    acts: tuple[str, ...] = ()


class RunListState(LiveState):
    """Runs of a home under a filter, newest first.

    Attributes
    ----------
    text : str
        Only runs whose prompt has these words in it.
    total : int
        How many runs there are under the filter.
    """

    _order: Order | None = None
    text = traitlets.Unicode()
    total = traitlets.Int(0, read_only=True)

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None) -> None:
        super().__init__(studio, workspace=workspace)
        self._pages: dict[int, list[RunRecord]] = {}
        self._pictures: dict[str, Asset] = {}
        self._files = RunFiles(studio)
        self.workspace.observe(lambda _change: self.refresh(), "project")

    @traitlets.validate("text")
    def _short(self, proposal: dict[str, str]) -> str:
        return proposal["value"][:MAX_TEXT]

    @property
    @abstractmethod
    def filter(self) -> RunFilter:
        """The filter as the run log takes it."""

    @abstractmethod
    def open(self, run: str) -> None:
        """Look at a run; an empty id means no run."""

    def hear(self, intent: intents.Intent) -> None:
        """Do what a view wishes beyond looking and marking; a list that can do more says so."""

    def items(self, first: int, last: int) -> list[Item]:
        """Return what stands at the places `first` … `last` − 1; fewer at the end."""
        with self.lock:
            records = self._records(max(0, first), min(last, self.total))
            self._remember(records)
            return [self._item(record) for record in records]

    def thumbnail(self, run: str) -> bytes | None:
        """Return a WebP picture of a run that `items` has returned, or `None` when it has none."""
        asset = self._pictures.get(run)
        return (self._thumbnail_of(asset) or None) if asset else None

    def key(self, run: str) -> str:
        """Return the key of the picture of a run that `items` has returned; empty when it has none."""
        asset = self._pictures.get(run)
        return asset.sha256 if asset else ""

    def newest(self) -> list[bytes]:
        """Return small pictures of the first runs."""
        runs = [item.run for item in self.items(0, MOST_PICTURES)]
        return [picture for run in runs if (picture := self.thumbnail(run))]

    def part(self, run: str, file: int, start: int) -> Slice:
        """Return a part of a file of a run; nothing when there is none, or when it is too large for a page."""
        found = Slice()
        try:
            found = self._files.part(run, file, start)
        except (StudioError, OSError) as error:
            self.error = str(error)
        return found

    def star(self, on: bool, run: str) -> None:
        """Make a run a favourite, or no longer."""
        self._attempt(lambda: self._mark(run, favourite=on))

    def rate(self, rating: int, run: str) -> None:
        """Give a run 1 … 5 stars; 0 takes them away."""
        self._attempt(lambda: self._mark(run, rating=rating))

    def place_of(self, record: RunRecord) -> int:
        """Return where a run stands in the list, or would stand."""
        newer = self._studio.facets(self._since(record)).total
        first = max(0, newer - _NEAR)
        near = [each.id for each in self._records(first, min(self.total, newer + _NEAR))]
        return first + near.index(record.id) if record.id in near else newer

    def _mark(self, run: str, *, favourite: bool | None = None, rating: int | None = None) -> None:
        self._say(run, favourite=favourite, rating=rating)
        self._read_all()

    def _read(self) -> None:
        self._pages.clear()
        self.set_trait("total", self._studio.facets(self.filter).total)

    def _item(self, record: RunRecord) -> Item:
        return item_of(record)

    def _since(self, record: RunRecord) -> RunFilter:
        at = record.created_at
        return replace(self.filter, since=max(at, self.filter.since) if self.filter.since else at)

    def _records(self, first: int, last: int) -> list[RunRecord]:
        pages = range(first // PAGE, -(-last // PAGE))
        records = [record for number in pages for record in self._page(number)]
        return records[first - (first // PAGE) * PAGE :][: max(0, last - first)]

    def _page(self, number: int) -> list[RunRecord]:
        if number not in self._pages:
            while len(self._pages) >= MAX_PAGES:
                self._pages.pop(next(iter(self._pages)))
            self._pages[number] = self._studio.records(self.filter, limit=PAGE, offset=number * PAGE, order=self._order)
        return self._pages[number]

    def _remember(self, records: list[RunRecord]) -> None:
        """Keep the pictures of runs beyond the next refresh: a view may ask for them a moment later."""
        for record in records:
            asset = pictured(record)
            if asset is not None:
                self._pictures.pop(record.id, None)
                self._pictures[record.id] = asset
        while len(self._pictures) > MAX_PICTURES:
            self._pictures.pop(next(iter(self._pictures)))


def item_of(record: RunRecord, *, note: str = "", acts: tuple[str, ...] = ()) -> Item:
    """Return what a cell shows of a run."""
    request = record.request
    shown = pictured(record) or next(iter(record.assets), None)
    return Item(
        run=record.id,
        key=shown.sha256 if shown and can_be_shown(shown.media_type) else "",
        kind=shown.media_type.split("/")[0] if shown else "",
        title=request.prompt or request.task.label,
        status=record.status,
        favourite=record.favourite,
        rating=record.rating or 0,
        files=len(record.assets),
        file=record.assets.index(shown) if shown else 0,
        bytes=shown.size_bytes if shown else 0,
        model=request.model,
        task=request.task.label,
        seed="" if record.seed is None else str(record.seed),
        size=f"{shown.width} × {shown.height}" if shown and shown.width and shown.height else "",
        time="" if record.elapsed_s is None else f"{record.elapsed_s:.1f} s",
        cost="" if not record.cost_usd else dollars(record.cost_usd),
        date=record.created_at.isoformat(),
        imported=record.is_import,
        note=note,
        acts=acts,
    )


def runs_text(count: int) -> str:
    """Return how many runs, in words."""
    return "1 run" if count == 1 else f"{count:,} runs"
