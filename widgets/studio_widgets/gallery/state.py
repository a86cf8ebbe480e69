"""The gallery without a screen: which runs, which of them is looked at, what is said about it.

Set the filters and read `items`; whatever a click can do, a method here does. Runs are read in pages when they are
asked for, so a home of a million costs no more than one of a hundred.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import traitlets

from studio_kernel.assets.thumbnails import can_be_shown
from studio_kernel.domain.runs import RunRecord, RunStatus
from studio_kernel.errors import StudioError
from studio_kernel.runlog import RunFilter
from studio_widgets.state import PanelState

if TYPE_CHECKING:
    from studio_kernel.domain.assets import Asset
    from studio_kernel.studio import Studio

PAGE = 200
MAX_PAGES = 40
MAX_PICTURES = 20_000
MAX_TEXT = 500


@dataclass(frozen=True, slots=True)
class Item:
    """What a cell of the grid shows.

    Attributes
    ----------
    run : str
        Id of the run.
    key : str
        Digest of the file of which the cell shows a picture; empty when there is none.
    kind : str
        What that file is, or else the first: ``image``, ``video``, ``audio``; empty without files.
    title : str
        The prompt, or the task when there is none.
    """

    run: str
    key: str
    kind: str
    title: str
    status: RunStatus
    favourite: bool
    rating: int
    files: int


class GalleryState(PanelState):
    """Runs of a home under a filter.

    Parameters
    ----------
    studio : Studio
        Editor or viewer.

    Attributes
    ----------
    text : str
        Only runs whose prompt has this in it.
    model : str
        Only runs of this model; empty = all.
    favourite : bool
        Only favourites.
    total : int
        How many runs there are under the filter.
    models : list of (str, int)
        Models and how many of their runs fit the rest of the filter.
    version : int
        Rises whenever what `items` returns may have changed.
    details : RunRecord or None
        The run that is looked at.
    shown : int
        Which of its files.

    Examples
    --------
    >>> state = GalleryState(studio)  # doctest: +SKIP
    >>> state.text = "boat"  # doctest: +SKIP
    >>> [item.title for item in state.items(0, 10)]  # doctest: +SKIP
    """

    text = traitlets.Unicode()
    model = traitlets.Unicode()
    favourite = traitlets.Bool(False)
    total = traitlets.Int(0, read_only=True)
    models: traitlets.List[tuple[str, int]] = traitlets.List(read_only=True)
    version = traitlets.Int(0, read_only=True)
    details = traitlets.Instance(RunRecord, allow_none=True, read_only=True)
    shown = traitlets.Int(0)

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self._pages: dict[int, list[RunRecord]] = {}
        self._pictures: dict[str, Asset] = {}
        self._token: str | None = None
        self.observe(lambda _change: self.refresh(), ["text", "model", "favourite"])
        self.refresh()

    @traitlets.validate("text")
    def _short(self, proposal: dict[str, str]) -> str:
        return proposal["value"][:MAX_TEXT]

    @property
    def filter(self) -> RunFilter:
        """The filter as the run log takes it."""
        return RunFilter(model=self.model or None, text=self.text.strip(), favourite=self.favourite or None)

    def refresh(self) -> None:
        """Read again what there is."""
        self._attempt(self._read)

    def poll(self) -> None:
        """Refresh if something was logged since; cheap when nothing was."""
        self._attempt(self._read_if_changed)

    def items(self, first: int, last: int) -> list[Item]:
        """Return what stands at the places `first` … `last` − 1; fewer at the end."""
        with self._lock:
            records = self._records(max(0, first), min(last, self.total))
            self._remember(records)
        return [_item(record) for record in records]

    def thumbnail(self, run: str) -> bytes | None:
        """Return a WebP picture of a run that `items` has returned, or `None` when it has none."""
        asset = self._pictures.get(run)
        path = self._studio.assets.thumbnail(asset) if asset else None
        return path.read_bytes() if path else None

    def open(self, run: str) -> None:
        """Look at a run; an empty id closes the details."""
        self._attempt(lambda: self._look_at(run))

    def close(self) -> None:
        """Look at no run."""
        self.open("")

    def file(self, index: int | None = None) -> tuple[bytes, str]:
        """Return bytes and media type of a file of the run that is looked at; nothing when there is none."""
        return self._file_of(self.details, self.shown if index is None else index)

    def thumbnails(self) -> list[bytes]:
        """Return a small picture of every file of the run that is looked at; no bytes for what is no picture."""
        return self._thumbnails_of(self.details)

    def star(self, on: bool, run: str = "") -> None:
        """Make a run, or the one that is looked at, a favourite, or no longer."""
        self._attempt(lambda: self._mark(run, favourite=on))

    def rate(self, rating: int, run: str = "") -> None:
        """Give a run, or the one that is looked at, 1 … 5 stars; 0 takes them away."""
        self._attempt(lambda: self._mark(run, rating=rating))

    def _look_at(self, run: str) -> None:
        record = self._studio.record(run) if run else None
        with self.hold_trait_notifications():
            if record is None or self.details is None or record.id != self.details.id:
                self.shown = 0
            self.set_trait("details", record)

    def _mark(self, run: str, *, favourite: bool | None = None, rating: int | None = None) -> None:
        self._studio.mark(run or self._looked_at(), favourite=favourite, rating=rating)
        self._read()

    def _read_if_changed(self) -> None:
        if self._studio.changed_since(self._token) != self._token:
            self._read()

    def _read(self) -> None:
        with self._lock:
            self._token = self._studio.changed_since(self._token)
            self._pages.clear()
            total, models = self._counts()
            details = self._studio.record(self.details.id) if self.details else None
        with self.hold_trait_notifications():
            self.set_trait("total", total)
            self.set_trait("models", models)
            self.set_trait("details", details)
            self.set_trait("version", self.version + 1)

    def _looked_at(self) -> str:
        if self.details is None:
            raise StudioError("open a run first, or name one")
        return self.details.id

    def _counts(self) -> tuple[int, list[tuple[str, int]]]:
        total = self._studio.facets(self.filter).total
        any_model = replace(self.filter, model=None)
        return total, sorted(self._studio.facets(any_model).model.items())

    def _records(self, first: int, last: int) -> list[RunRecord]:
        pages = range(first // PAGE, -(-last // PAGE))
        records = [record for number in pages for record in self._page(number)]
        return records[first - (first // PAGE) * PAGE :][: max(0, last - first)]

    def _page(self, number: int) -> list[RunRecord]:
        if number not in self._pages:
            while len(self._pages) >= MAX_PAGES:
                self._pages.pop(next(iter(self._pages)))
            self._pages[number] = self._studio.records(self.filter, limit=PAGE, offset=number * PAGE)
        return self._pages[number]

    def _remember(self, records: list[RunRecord]) -> None:
        """Keep the pictures of runs beyond the next refresh: a view may ask for them a moment later."""
        for record in records:
            asset = _pictured(record)
            if asset is not None:
                self._pictures.pop(record.id, None)
                self._pictures[record.id] = asset
        while len(self._pictures) > MAX_PICTURES:
            self._pictures.pop(next(iter(self._pictures)))


def _pictured(record: RunRecord) -> Asset | None:
    return next((asset for asset in record.assets if can_be_shown(asset.media_type)), None)


def _item(record: RunRecord) -> Item:
    picture = _pictured(record)
    files = [picture] if picture else record.assets
    return Item(
        run=record.id,
        key=picture.sha256 if picture else "",
        kind=files[0].media_type.split("/")[0] if files else "",
        title=record.request.prompt or record.request.task.label,
        status=record.status,
        favourite=record.favourite,
        rating=record.rating or 0,
        files=len(record.assets),
    )
