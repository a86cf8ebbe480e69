"""The gallery without a screen: which runs, which of them is looked at, which are selected, what is said about them.

Set the filters and read `items`; whatever a click can do, a method does. `LookedAtRuns` in ``looking.py`` has the run
that is looked at, `SelectedRuns` in ``acting.py`` those that are selected; filters and sorting are here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING

import traitlets

from studio_kernel.domain.parameters import label_of
from studio_kernel.domain.runs import RunRecord
from studio_kernel.metrics.registry import metric_of
from studio_kernel.numbers import subjects_of
from studio_kernel.runlog import Facets, Order, RunFilter
from studio_widgets.cells.colouring import sortings, words_of
from studio_widgets.gallery import filters
from studio_widgets.gallery.acting import SelectedRuns
from studio_widgets.gallery.listing import PAGE, Item, item_of
from studio_widgets.gallery.rest import Rest
from studio_widgets.gallery.selection import Selection
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.domain.similarity import Similar
    from studio_kernel.studio import Studio

RESTRICTING = (
    "text", "model", "task", "kind", "favourite", "min_rating", "tag", "period", "first_day", "last_day", "source",
    "similar_to",
)  # fmt: skip


class GalleryState(SelectedRuns):
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

    def __init__(
        self,
        studio: Studio,
        *,
        workspace: Workspace | None = None,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        super().__init__(studio, workspace=workspace)
        self._now = now
        self._similar: dict[str, Similar] = {}
        self._rest = Rest(studio, self._rest_ended)
        self._order: Order | None = None
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

    # Finding the way from one run to others

    def find_similar(self, run: str = "") -> None:
        """Show only the runs whose settings are like those of a run, or of the one that is looked at, nearest first."""
        self._attempt(lambda: self._find_similar(run or self._looked_at().id))

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

    def place_of(self, record: RunRecord) -> int:
        """Return where a run stands in the list, or would stand."""
        if not self.similar_to and self._order is not None:
            return self._studio.place_by(self._order, record.id, self.filter)
        if not self.similar_to:
            return super().place_of(record)
        near = [each.id for each in self._page(0)]
        return near.index(record.id) if record.id in near else len(near)

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

    def _item(self, record: RunRecord) -> Item:
        similar = self._similar.get(record.id) if self.similar_to else None
        return item_of(record, note=differing(similar.differs) if similar else self._number(record))


def differing(names: tuple[str, ...]) -> str:
    """Return in words what differs from the run that another is similar to."""
    return f"other {', '.join(label_of(name).lower() for name in names)}" if names else "the same settings"
