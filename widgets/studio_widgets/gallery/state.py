"""The gallery without a screen: which runs, which of them is looked at, which are selected, what is said about them.

Set the filters and read `items`; whatever a click can do, a method here does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import traitlets

from studio_kernel.domain.parameters import label_of
from studio_kernel.domain.runs import RunRecord
from studio_kernel.errors import StudioError
from studio_kernel.metrics.registry import metric_of
from studio_kernel.numbers import subjects_of
from studio_kernel.runlog import Cursor, Facets, Order, RunFilter
from studio_widgets.cells.colouring import sortings, words_of
from studio_widgets.exporting.state import ExportState
from studio_widgets.gallery import filters, intents
from studio_widgets.gallery.listing import PAGE, Item, RunListState, item_of
from studio_widgets.gallery.rest import Rest
from studio_widgets.gallery.selection import MOST_NAMED, Selection
from studio_widgets.gallery.steps import Steps
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.domain.similarity import Similar
    from studio_kernel.studio import Studio

STEP = 10
"""Runs that are changed at a turn of the loop."""
MOST_COMPARED = 12
MOST_EXPORTED = 500
RESTRICTING = (
    "text", "model", "task", "kind", "favourite", "min_rating", "tag", "period", "first_day", "last_day", "source",
    "similar_to",
)  # fmt: skip


class GalleryState(RunListState):
    """Runs of a home under a filter.

    Parameters
    ----------
    studio : Studio
        Editor or viewer; a viewer looks and marks.

    Attributes
    ----------
    text, model, task, kind, tag, source : str
        Only runs whose prompt has these words, of this model, task, kind of file (``image``, ``video``, ``audio``),
        with this tag, ``made`` here or brought in (``import``); empty = all.
    favourite : bool
        Only favourites.
    min_rating : int
        Only with at least so many stars.
    period : str
        ``today``, ``7`` or ``30`` days, or ``days``: from `first_day` to `last_day`, in the time zone of this machine.
    similar_to : str
        Only runs like this one, nearest first; `find_similar` sets it.
    layout : {"grid", "list"}
        How they are shown.
    sorted_by : str
        ``elapsed_s``, ``cost_usd``, ``rating``, or a metric of one picture: runs by that number, those without it last;
        empty = newest first. Numbers are those of the log.
    lowest_first : bool
        The other way round.
    measured : str
        How many runs have the number they are sorted by, in words; empty when all have.
    is_measuring : bool
        Whether `measure_rest` is at work.
    choices : dict
        Filter → (value, number of runs that fit the rest of the filter), for `model`, `task`, `kind`, `tag`, `source`,
        `min_rating` and `favourite`.
    details : RunRecord or None
        The run that is looked at.
    shown : int
        Which of its files.
    place : int
        Where it stands in the list.
    selection : Selection
        What a bulk action means.
    selected : int
        How many runs that are.
    asks_to_delete : int
        How many runs somebody has to say yes or no to; 0 = nothing is asked.
    said : str
        What was done last, in words.
    doing : str
        What is being done, in words.
    can_undo : bool
        Whether the last deletion can be taken back.
    export : ExportState
        Makes one file of what `export_selected` has chosen.

    Examples
    --------
    >>> state = GalleryState(studio)  # doctest: +SKIP
    >>> state.text = "boat"  # doctest: +SKIP
    >>> [item.title for item in state.items(0, 10)]  # doctest: +SKIP
    >>> state.select_all()  # doctest: +SKIP
    >>> state.tag_selected("harbour")  # doctest: +SKIP
    """

    model = traitlets.Unicode()
    task = traitlets.Unicode()
    kind = traitlets.Enum(("", *filters.KINDS), default_value="")
    favourite = traitlets.Bool(False)
    min_rating = traitlets.Int(0, min=0, max=5)
    tag = traitlets.Unicode()
    period = traitlets.Enum(("", *filters.PERIODS), default_value="")
    first_day = traitlets.Instance(date, allow_none=True)
    last_day = traitlets.Instance(date, allow_none=True)
    source = traitlets.Enum(("", *filters.SOURCES), default_value="")
    similar_to = traitlets.Unicode(read_only=True)
    layout = traitlets.Enum(("grid", "list"), default_value="grid")
    sorted_by = traitlets.Unicode()
    lowest_first = traitlets.Bool(False)
    measured = traitlets.Unicode(read_only=True)
    is_measuring = traitlets.Bool(False, read_only=True)
    choices: traitlets.Dict[str, list[tuple[object, int]]] = traitlets.Dict(read_only=True)
    details = traitlets.Instance(RunRecord, allow_none=True, read_only=True)
    shown = traitlets.Int(0)
    place = traitlets.Int(0, read_only=True)
    selection = traitlets.Instance(Selection, args=(), read_only=True)
    selected = traitlets.Int(0, read_only=True)
    asks_to_delete = traitlets.Int(0, read_only=True)
    said = traitlets.Unicode(read_only=True)
    doing = traitlets.Unicode(read_only=True)
    can_undo = traitlets.Bool(False, read_only=True)

    def __init__(
        self,
        studio: Studio,
        *,
        workspace: Workspace | None = None,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        super().__init__(studio, workspace=workspace)
        self._now = now
        self._tags: dict[str, None] = {}
        self._deleted: list[str] = []
        self._similar: dict[str, Similar] = {}
        self._steps = Steps(self._went_well)
        self._rest = Rest(studio, self._rest_ended)
        self._order: Order | None = None
        self.export = ExportState(studio, workspace=self.workspace)
        self.observe(lambda _change: self._restrict(), list(RESTRICTING))
        self.observe(lambda _change: self._sort(), ["sorted_by", "lowest_first"])
        self.workspace.take("show", self.open)
        self.refresh()

    # Filters

    @property
    def filter(self) -> RunFilter:
        """The filter as the run log takes it."""
        return self._filter()

    @property
    def active(self) -> list[tuple[str, str]]:
        """The filters that restrict, each with what it says."""
        said = {
            "text": f"“{self.text.strip()}”" if self.text.strip() else "",
            "model": self.model,
            "task": self.task,
            "kind": filters.KINDS.get(self.kind, ""),
            "favourite": "Favourites" if self.favourite else "",
            "min_rating": f"{'★' * self.min_rating} or more" if 0 < self.min_rating < 5 else "★" * self.min_rating,
            "tag": f"#{self.tag}" if self.tag else "",
            "period": filters.period_text(self.period, self.first_day, self.last_day),
            "source": filters.SOURCES.get(self.source, ""),
            "similar_to": f"Similar to {self.similar_to[-8:]}" if self.similar_to else "",
        }
        return [(name, text) for name, text in said.items() if text]

    def without(self, name: str) -> None:
        """Take one of the `active` filters away."""
        with self.lock, self.hold_trait_notifications():
            for each in ("period", "first_day", "last_day") if name == "period" else (name,):
                default = self.traits()[each].default_value
                self.set_trait(each, None if default is traitlets.Undefined else default)

    def without_filters(self) -> None:
        """Take all filters away."""
        with self.lock, self.hold_trait_notifications():
            for name, _text in self.active:
                self.without(name)

    # Sorting

    def orders(self) -> list[tuple[str, str]]:
        """Return (label, name) of what runs can be sorted by."""
        return sortings(self._studio.home)

    def measure_rest(self) -> None:
        """Measure, in the background, all runs under the filter that lack the number; for editors."""
        if self.can_change and self._order is not None and self._order.is_measured:
            self.set_trait("is_measuring", True)
            self._rest.begin(self.sorted_by, self._order, self.filter)

    def stop_measuring(self) -> None:
        """Measure no more; what is measured stays."""
        self._rest.stop()
        self.set_trait("is_measuring", False)

    def _rest_ended(self, why: str) -> None:
        with self.lock:
            self.set_trait("is_measuring", False)
            self.refresh()
            self.error = why or self.error

    @traitlets.validate("sorted_by")
    def _known_order(self, proposal: traitlets.Bunch) -> str:
        value: str = proposal["value"]
        known = [name for _label, name in self.orders()]
        if value not in known:
            raise traitlets.TraitError(f"{value!r} is nothing to sort by; there are {', '.join(filter(None, known))}")
        return value

    def _sort(self) -> None:
        with self.lock:
            self.stop_measuring()
            number, highest = self.sorted_by, not self.lowest_first
            self._order = self._studio.order_by(number, highest_first=highest) if number else None
            self.refresh()

    def _say_measured(self) -> None:
        told = ""
        if self._order is not None and self._order.is_measured and not self.similar_to:
            known, total = self._studio.coverage(self._order, self.filter)
            told = f"measured {known:,} of {total:,}" if known < total else ""
        self.set_trait("measured", told)

    def _number(self, record: RunRecord) -> str:
        """Return what a run is sorted by, in words; empty when it has no number."""
        name = self.sorted_by
        if self._order is None or self.similar_to:
            return ""
        if not self._order.is_measured:
            value = getattr(record, name)
            return "" if value is None else words_of(name, float(value))
        metric = metric_of(name)
        found = [self._studio.numbers.known(metric, subject) for subject in subjects_of(record)]
        known = [value for value in found if value is not None]
        return words_of(name, sum(known) / len(known)) if known else ""

    # Bringing in

    def bring_in(self, data: bytes, name: str = "") -> None:
        """Bring in a file as a run of its own, with the settings that it carries, and look at it.

        Parameters
        ----------
        name : str
            What the file is called where it comes from.

        Raises
        ------
        InvalidInputError
            When it is no picture, video or sound, is damaged or too large.
        """
        run = self._studio.import_bytes(data, name, self.workspace.project or None)
        self.refresh()
        self.open(run.id)

    # Looking at one

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

    # Selecting

    def select(self, *runs: str, on: bool = True) -> None:
        """Select runs too, or no longer."""
        with self.lock:
            self._select(self.selection.put(runs, on=on))

    def select_between(self, first: str, last: str, *, keep: bool = False) -> None:
        """Select the runs from one to another as they stand in the list; with `keep` also what was selected."""
        self._attempt(lambda: self._select_between(first, last, keep))

    def select_all(self) -> None:
        """Select everything under the filter that there is now; nothing of it is read."""
        with self.lock:
            self._select(Selection(until=datetime.now(UTC)))

    def select_none(self) -> None:
        """Select nothing."""
        with self.lock:
            self._select(Selection())

    def hear(self, intent: intents.Intent) -> None:
        """Do what the view wishes beyond looking and marking."""
        match intent:
            case intents.Select(run, on):
                self.select(run, on=on)
            case intents.Range(first, last, keep):
                self.select_between(first, last, keep=keep)
            case intents.SelectAll():
                self.select_all()
            case intents.SelectNone():
                self.select_none()
            case intents.Delete(run):
                self.ask_to_delete(run)

    # Doing something with all that is selected

    def star_selected(self, on: bool = True) -> None:
        """Make all that is selected favourites, or no longer."""
        self._work("Marking", lambda some: self._mark_each(some, favourite=on))

    def rate_selected(self, rating: int) -> None:
        """Give all that is selected 1 … 5 stars; 0 takes them away."""
        self._work("Rating", lambda some: self._mark_each(some, rating=rating))

    def tag_selected(self, tag: str) -> None:
        """Give all that is selected a tag more."""
        if tag.strip():
            self._work("Tagging", lambda some: self._retag(some, tag, on=True))

    def untag_selected(self, tag: str) -> None:
        """Take a tag from all that is selected."""
        self._work("Taking the tag from", lambda some: self._retag(some, tag, on=False))

    def compare_selected(self) -> None:
        """Hand all that is selected to whoever compares."""
        runs = [record.id for some in self._chunks() for record in some]
        for run in reversed(runs):
            self.workspace.ask("compare", run)

    def export_selected(self) -> None:
        """Choose all that is selected in `export`, which makes one file of it."""
        self._attempt(lambda: self.export.select(self.selected_runs(MOST_EXPORTED)))

    def selected_runs(self, limit: int | None = None) -> list[str]:
        """Return the ids of what is selected, newest first."""
        runs: list[str] = []
        for some in self._chunks():
            runs += [record.id for record in some]
            if limit is not None and len(runs) >= limit:
                return runs[:limit]
        return runs

    def ask_to_delete(self, run: str = "") -> None:
        """Ask for a yes to delete what is selected, or this run when nothing is."""
        if self.can_change:
            with self.lock:
                if run and not self.selection:
                    self._select(Selection((run,)))
                self.set_trait("asks_to_delete", self.selected)

    def keep(self) -> None:
        """Delete nothing after all."""
        self.set_trait("asks_to_delete", 0)

    def delete_selected(self, *, files: bool = False) -> None:
        """Delete all that is selected; with `files`, `studio gc` may free its files. A run at work stays."""
        self._deleted.clear()
        self.set_trait("can_undo", False)
        self.set_trait("asks_to_delete", 0)
        self._work("Deleting", lambda some: self._delete(some, files), self._say_deleted)

    def undo(self) -> None:
        """Bring back what was deleted last."""
        runs = self._deleted[:]
        self._deleted.clear()
        self.set_trait("can_undo", False)

        def work() -> Iterator[None]:
            for first in range(0, len(runs), STEP):
                self._studio.restore(*runs[first : first + STEP])
                yield

        self._begin(work(), lambda: self.set_trait("said", f"{runs_text(len(runs))} restored."))

    def stop(self) -> None:
        """Do no more of what is being done."""
        self._steps.stop()

    # Finding the way from one run to others

    def as_python(self) -> str:
        """Return the text of a cell that makes the run that is looked at again."""
        try:
            return self._studio.as_python(self._looked_at())
        except StudioError as error:
            return f"# {error}"

    def find_similar(self, run: str = "") -> None:
        """Show only the runs whose settings are like those of a run, or of the one that is looked at, nearest first."""
        self._attempt(lambda: self._find_similar(run or self._looked_at().id))

    def refresh_after(self) -> None:
        """Read again, but leave an error as it is."""
        error = self.error
        self.refresh()
        self.error = self.error or error

    # Inside

    def _filter(self, without: str = "") -> RunFilter:
        since, until = filters.bounds(self.period, self.first_day, self.last_day, self._now())
        said = {
            "model": self.model or None,
            "task": self.task or None,
            "favourite": self.favourite or None,
            "min_rating": self.min_rating or None,
            "tag": self.tag or None,
            "kind": self.kind or None,
            "source": self.source or None,
        }
        kept = {name: value for name, value in said.items() if name != without and value is not None}
        project = self.workspace.project or None
        ids = tuple(self._similar) if self.similar_to else None
        return RunFilter(text=self.text.strip(), project=project, since=since, until=until, ids=ids, **kept)  # type: ignore[arg-type]

    def _restrict(self) -> None:
        with self.lock:
            self._select(Selection())
            self.refresh()

    def _read(self) -> None:
        self._pages.clear()
        facets = self._studio.facets(self.filter)
        choices = self._choices(facets)
        self._tags |= dict.fromkeys(str(tag) for tag, _count in choices["tag"])
        details = self._studio.record(self.details.id) if self.details else None
        if details is not None and details.is_deleted:
            details = None
        self.set_trait("total", facets.total)
        self.set_trait("choices", choices)
        self.set_trait("details", details)
        self.set_trait("selected", self._selected_count())
        self._say_measured()
        if details is not None:
            self.set_trait("place", self.place_of(details))

    def _choices(self, facets: Facets) -> dict[str, list[tuple[object, int]]]:
        """Return how many runs each choice would leave: those of the filter without what the choice itself says."""

        def around(name: str) -> Facets:
            return self._studio.facets(self._filter(without=name)) if getattr(self, name) else facets

        rating = around("min_rating").rating
        imported = around("source").engine.get("import", 0)
        return {
            "model": sorted(around("model").model.items()),
            "task": sorted(around("task").task.items()),
            "kind": list(around("kind").kind.items()),
            "tag": sorted(around("tag").tag.items()),
            "source": [("made", around("source").total - imported), ("import", imported)],
            "min_rating": [(least, sum(n for stars, n in rating.items() if stars >= least)) for least in range(1, 6)],
            "favourite": [(True, around("favourite").favourites)],
        }

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

    def place_of(self, record: RunRecord) -> int:
        """Return where a run stands in the list, or would stand."""
        if not self.similar_to and self._order is not None:
            return self._studio.place_by(self._order, record.id, self.filter)
        if not self.similar_to:
            return super().place_of(record)
        near = [each.id for each in self._page(0)]
        return near.index(record.id) if record.id in near else len(near)

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

    def _mark_each(self, records: Iterable[RunRecord], **said: object) -> None:
        self._say(*(record.id for record in records), **said)

    def _select(self, selection: Selection) -> None:
        with self.hold_trait_notifications():
            self.set_trait("selection", selection)
            self.set_trait("selected", self._selected_count())
            self.set_trait("asks_to_delete", 0)

    def _select_between(self, first: str, last: str, keep: bool) -> None:
        with self.lock:
            places = sorted(self.place_of(self._studio.record(run)) for run in (first, last))
            if places[1] - places[0] >= MOST_NAMED:
                raise StudioError(f"at most {MOST_NAMED:,} runs can be selected like this; select all, or filter first")
            runs = [record.id for record in self._records(places[0], min(self.total, places[1] + 1))]
            kept = self.selection if keep else Selection()
            self._select(kept.put(runs, on=True))

    def _selected_count(self) -> int:
        if not self.selection.is_all:
            return len(self.selection.runs)
        everything = self._studio.facets(replace(self.filter, until=self._selected_until())).total
        return max(0, everything - len(self.selection.runs))

    def _selected_until(self) -> datetime | None:
        ends = [end for end in (self.selection.until, self.filter.until) if end]
        return min(ends) if ends else None

    def _chunks(self) -> Iterator[list[RunRecord]]:
        """Yield what is selected, newest first; what is done with it meanwhile does not change what comes."""
        wanted = replace(self.filter, until=self._selected_until())
        if not self.selection.is_all:
            wanted = RunFilter(ids=self.selection.runs)
        left_out = set(self.selection.runs) if self.selection.is_all else set()
        before: Cursor | None = None
        while page := self._studio.records(wanted, limit=STEP, before=before):
            before = Cursor.after(page[-1])
            yield [record for record in page if record.id not in left_out]

    def _work(self, verb: str, act: Callable[[list[RunRecord]], None], then: Callable[[], None] = lambda: None) -> None:
        """Do something with all that is selected, in steps."""
        total, done = self.selected, 0

        def work() -> Iterator[None]:
            nonlocal done
            for some in self._chunks():
                with self.lock:
                    act(some)
                    done += len(some)
                    self.set_trait("doing", f"{verb} {done:,} of {total:,} …")
                yield

        self._begin(work(), then)

    def _begin(self, work: Iterator[None], then: Callable[[], None]) -> None:
        def end() -> None:
            with self.lock:
                self.set_trait("doing", "")
                then()
                self.refresh_after()

        self.set_trait("said", "")
        self._steps.begin(work, end)

    def _delete(self, records: list[RunRecord], files: bool) -> None:
        ended = [record.id for record in records if record.status.is_final]
        self._studio.delete(*ended, files=files)
        self._deleted += ended

    def _say_deleted(self) -> None:
        left = self.selected - len(self._deleted)
        stays = f" {runs_text(left)} not deleted: only what has ended can be." if left > 0 and not self.error else ""
        self.set_trait("said", f"{runs_text(len(self._deleted))} deleted.{stays}")
        self.set_trait("can_undo", bool(self._deleted))
        if self.details is not None and self.details.id in self._deleted:
            self._look_at("")
        self._select(Selection())

    def _find_similar(self, run: str) -> None:
        found = self._studio.similar(run)
        with self.lock:
            self._similar = {each.record.id: each for each in found}
            self.set_trait("similar_to", run)

    def _page(self, number: int) -> list[RunRecord]:
        if not self.similar_to:
            is_new = number not in self._pages
            page = super()._page(number)
            if is_new and self._order is not None and self._order.is_measured:
                assets = [subject.asset for record in page for subject in subjects_of(record)]
                self._studio.numbers.look_up(assets, [metric_of(self.sorted_by)])
            return page
        if not self._pages:  # few enough to be one page, in an order of their own
            near = self._studio.records(self.filter, limit=PAGE)
            self._pages[0] = sorted(near, key=lambda record: self._similar[record.id].distance)
        return self._pages[0] if number == 0 else []

    def _went_well(self, step: Callable[[], None]) -> bool:
        self._attempt(step)
        return not self.error

    def _item(self, record: RunRecord) -> Item:
        similar = self._similar.get(record.id) if self.similar_to else None
        return item_of(record, note=differing(similar.differs) if similar else self._number(record))


def runs_text(count: int) -> str:
    """Return how many runs, in words."""
    return "1 run" if count == 1 else f"{count:,} runs"


def differing(names: tuple[str, ...]) -> str:
    """Return in words what differs from the run that another is similar to."""
    return f"other {', '.join(label_of(name).lower() for name in names)}" if names else "the same settings"
