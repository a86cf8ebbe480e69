"""A comparison without a screen: which runs, in which order, how they are arranged, and what differs between them.

The runs themselves are in the workspace, so that any panel beside this one can add to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import traitlets

from studio_kernel.comparing.slots import COLUMNS_FOR, Slot, gone, shown_files, sizes_in_words, slot_of
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.difference import Differences, compare, compare_conditions, settings_of
from studio_kernel.domain.runs import RunRecord
from studio_kernel.errors import StudioError
from studio_kernel.runlog import RunFilter
from studio_widgets.compare.boards import BoardsState
from studio_widgets.compare.numbers import PICTURES, TAKEN, measured_names, orders, rank_of, taken
from studio_widgets.compare.pixels import Found, Pair, Pixels
from studio_widgets.state import NOTHING, LiveState
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.metrics.pairs import Sizes
    from studio_kernel.studio import Studio

MOST = 24
ARRANGEMENTS = {"auto": (0, 0), "1x2": (1, 2), "2x2": (2, 2), "2x3": (2, 3)}
"""Name → rows and columns; more runs than that make more rows."""


_WORKED_OUT = ["mode", "sizes", "heat", "reference", "measured", "order", "reverse"]


class CompareState(LiveState):
    """Up to 24 runs side by side.

    Parameters
    ----------
    studio : Studio
        Editor or viewer.
    workspace : Workspace
        Its `compared` are the runs.

    Attributes
    ----------
    arrangement : {"auto", "1x2", "2x2", "2x3"}
        Rows and columns; more runs make more rows.
    mode : {"side", "slider", "blink", "onion", "heat"}
        Side by side; two on top of each other with a divider, one after the other, or the one let through; or how each
        differs from `against`.
    sizes : {"scale", "crop", "pad"}
        What is done where sizes differ: each fitted to its slot, cut to what all have, or drawn to the same scale.
    heat : {"absolute", "delta_e", "structure"}
        What heat maps show.
    reference : str
        Id of the run that the others are held against; `against` tells which it is when that is not compared.
    measured : bool
        Whether slots show numbers; these are worked out in a thread.
    order : str
        What slots are sorted by, one of `orders`; empty = by nothing.
    reverse : bool
        Sort the other way round.
    numbers : mapping
        Run → metric → its number, as far as they are known; `None` where there is none.
    heats : mapping
        Run → `Heat`, as far as they are known.
    linked : bool
        Zooming and moving one picture does it to all.
    before, after : str
        Ids of the runs on the two sides of the divider; `pair` tells which they are when these are not compared.
    slots : tuple of Slot
        What is to be seen of each run, in order.
    comparison : Differences
        What differs between their settings.
    conditions : Differences
        What differs in what they were made with: versions, device, precision, batch, weights.
    notice : str
        What is to be known of what is shown, such as that the pictures have different sizes.
    boards : BoardsState
        Comparisons that were kept under a name.

    Examples
    --------
    >>> state = CompareState(studio)  # doctest: +SKIP
    >>> state.add(first.id), state.add(second.id)  # doctest: +SKIP
    >>> [row.label for row in state.comparison.differences]  # doctest: +SKIP
    """

    arrangement = traitlets.Enum(list(ARRANGEMENTS), "auto")
    mode = traitlets.Enum(["side", "slider", "blink", "onion", "heat"], "side")
    sizes = traitlets.Enum(["scale", "crop", "pad"], "scale")
    heat = traitlets.Enum(["absolute", "delta_e", "structure"], "absolute")
    reference = traitlets.Unicode()
    measured = traitlets.Bool(False)
    order = traitlets.Unicode()
    reverse = traitlets.Bool(False)
    numbers = traitlets.Dict(read_only=True)
    heats = traitlets.Dict(read_only=True)
    linked = traitlets.Bool(True)
    before = traitlets.Unicode()
    after = traitlets.Unicode()
    slots = traitlets.Instance(tuple, args=(), read_only=True)
    comparison = traitlets.Instance(Differences, args=(), read_only=True)
    conditions = traitlets.Instance(Differences, args=(), read_only=True)
    notice = traitlets.Unicode(read_only=True)

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None) -> None:
        super().__init__(studio, workspace=workspace)
        self._records: dict[str, RunRecord] = {}
        self._files: dict[str, int] = {}
        self._pixels = Pixels(studio, self._show_found)
        self._in_order: tuple[Slot, ...] = ()
        self._heat_pairs: dict[tuple[str, str], Pair] = {}
        self._number_names: tuple[str, ...] = ()
        self._number_pairs: dict[tuple[str, str], Pair] = {}
        self.boards = BoardsState(studio, self, workspace=self.workspace)
        self.workspace.observe(lambda _change: self.refresh(), "compared")
        self.workspace.take("compare", self.add)
        self.observe(lambda _change: self.refresh(), _WORKED_OUT)
        self.refresh()

    @traitlets.validate("order")
    def _known_order(self, proposal: traitlets.Bunch) -> str:
        value: str = proposal["value"]
        if value not in self.orders:
            raise traitlets.TraitError(f"{value!r} is nothing to sort by; there are {', '.join(self.orders)}")
        return value

    @property
    def orders(self) -> dict[str, str]:
        """What slots can be sorted by, name → what people call it; empty = in the order given."""
        return orders(self._studio.home)

    @property
    def runs(self) -> tuple[str, ...]:
        """The ids of the runs, in order."""
        return self._named[:MOST]

    @property
    def grid(self) -> tuple[int, int]:
        """How many columns there are, and how many slots, empty ones too."""
        count = len(self.runs)
        rows, columns = ARRANGEMENTS[self.arrangement]
        columns = columns or (COLUMNS_FOR[count] if count < len(COLUMNS_FOR) else 6 if count > 16 else 4)
        return columns, max(rows * columns, count, 2)

    @property
    def pair(self) -> tuple[str, str]:
        """The runs on the two sides of the divider: those that were chosen, or else the first two."""
        runs = self.runs
        if len(runs) < 2:
            return (runs[0], "") if runs else ("", "")
        before = self.before if self.before in runs else next(run for run in runs if run != self.after)
        after = self.after if self.after in runs and self.after != before else ""
        return before, after or next(run for run in runs if run != before)

    @property
    def against(self) -> str:
        """The run that the others are held against: the one that was chosen, or else the first."""
        return self.reference if self.reference in self.runs else next(iter(self.runs), "")

    @property
    def is_working(self) -> bool:
        """Whether numbers or heat maps are being worked out."""
        return not self._pixels.are_done

    def poll(self) -> None:
        """Refresh if something was logged since, the boards too."""
        super().poll()
        self.boards.poll()

    # What is compared

    def add(self, run: str) -> None:
        """Put a run behind the others; nothing happens when it is there already."""
        self._attempt(lambda: self._add(run, len(self.runs)))

    def put(self, run: str, place: int) -> None:
        """Put a run into the slot at a place, instead of what is there; one that is compared already changes places."""
        self._attempt(lambda: self._put(run, place))

    def remove(self, run: str) -> None:
        """Compare a run no longer."""
        self._change([each for each in self.runs if each != run])

    def swap(self, run: str, other: str) -> None:
        """Let two runs change places."""
        places = {run: other, other: run}
        if {run, other} <= set(self.runs):
            self._change([places.get(each, each) for each in self.runs])

    def move(self, run: str, place: int) -> None:
        """Put a run that is compared at another place; those between move up."""
        if run in self.runs:
            others = [each for each in self.runs if each != run]
            self._change([*others[: max(0, place)], run, *others[max(0, place) :]])

    def clear(self) -> None:
        """Compare nothing."""
        self._change([])

    # What is shown

    def choose_pair(self, before: str, after: str) -> None:
        """Choose what stands on the two sides of the divider; both must be compared, and not be the same."""
        if before in self.runs and after in self.runs and before != after:
            with self.lock, self.hold_trait_notifications():
                self.before, self.after = before, after

    def show_file(self, run: str, index: int) -> None:
        """Show another file of a run that has several."""
        with self.lock:
            record = self._records.get(run)
            if record is not None and 0 <= index < len(shown_files(record)):
                self._files[run] = index
                self.refresh()

    def file(self, run: str, index: int) -> tuple[bytes, str]:
        """Return bytes and media type of a file of a run that is compared; nothing when there is none."""
        record = self._records.get(run)
        files = shown_files(record) if record is not None else []
        if record is None or not 0 <= index < len(files):
            return NOTHING
        return self._file_of(record, record.assets.index(files[index]))

    def still(self, run: str, index: int) -> tuple[str, bytes]:
        """Return digest and a small WebP picture of a file of a run that is compared; nothing when there is none."""
        record = self._records.get(run)
        files = shown_files(record) if record is not None else []
        if not 0 <= index < len(files):
            return "", b""
        return files[index].sha256, self._thumbnail_of(files[index])

    def thumbnail(self, run: str) -> bytes | None:
        """Return a small picture of a run that is compared, or `None` when it has none."""
        record = self._records.get(run)
        files = shown_files(record) if record is not None else []
        return (self._thumbnail_of(files[min(self._files.get(run, 0), len(files) - 1)]) or None) if files else None

    def use(self, run: str) -> None:
        """Put the settings of a run into the form, where there is one."""
        if run in self.runs:
            self.workspace.ask("load", run)

    # Inside

    def _add(self, run: str, place: int) -> None:
        found = self._studio.record(run).id
        if found not in self.runs:
            if len(self.runs) >= MOST:
                raise StudioError(f"{MOST} runs are compared, and no more can be; remove one first")
            self._change([*self.runs[:place], found, *self.runs[place:]])

    def _put(self, run: str, place: int) -> None:
        runs, found = self.runs, self._studio.record(run).id
        if place >= len(runs):
            self.move(found, len(runs)) if found in runs else self._add(found, len(runs))
        elif found in runs:
            self.swap(found, runs[max(0, place)])
        else:
            self._change([*runs[: max(0, place)], found, *runs[max(0, place) + 1 :]])

    def _change(self, runs: list[str]) -> None:
        with self.lock:
            self.error = ""
            self.workspace.compared = tuple(runs)

    def _read(self) -> None:
        runs, named = self.runs, len(self._named)
        self._records = self._found(runs)
        self._files = {run: index for run, index in self._files.items() if run in runs}
        slots = self._in_order = tuple(self._slot(run, place) for place, run in enumerate(runs))
        self._work_out(slots)
        too_many = f"{named} runs were handed over; the first {MOST} are compared." if named > MOST else ""
        self._show_found()
        records = list(self._records.values())
        self.set_trait("comparison", compare(list(map(settings_of, records))))
        self.set_trait("conditions", compare_conditions(records))
        self.set_trait("notice", "\n".join(text for text in (too_many, sizes_in_words(slots, self.sizes)) if text))

    def _found(self, runs: tuple[str, ...]) -> dict[str, RunRecord]:
        """Return what is known of runs, in their order; those that were deleted are left out."""
        if not runs:
            return {}
        logged = {record.id: record for record in self._studio.records(RunFilter(ids=runs), limit=None)}
        # of a private run the log has no settings; the studio that made it has
        return {run: self._in_full(logged[run]) for run in runs if run in logged}

    def _in_full(self, record: RunRecord) -> RunRecord:
        return record if record.request.parameters else self._studio.record(record.id)

    @property
    def _named(self) -> tuple[str, ...]:
        """The runs that the workspace has, each once."""
        return tuple(dict.fromkeys(map(str, self.workspace.compared)))

    def _slot(self, run: str, place: int) -> Slot:
        record = self._records.get(run)
        if record is None:
            return gone(run, place)
        card = self._studio.models.get(record.request.model)
        index = min(self._files.get(run, 0), max(0, len(shown_files(record)) - 1))
        return slot_of(record, place, index, endpoint=card.source.endpoint if card else "")

    # Pixels

    def _work_out(self, slots: tuple[Slot, ...]) -> None:
        """Ask for what is to be seen of the pictures."""
        shown = {slot.run: asset for slot in slots if (asset := self._asset_of(slot)) is not None}
        pictures = {run: asset for run, asset in shown.items() if asset.is_a("image")}
        self._number_names = self._names()
        pairs = self._pairs(pictures, [self.heat]) if self.mode == "heat" else {}
        self._heat_pairs = {place: replace(pair, is_map=True) for place, pair in pairs.items()}
        self._number_pairs = self._pairs(shown, self._number_names)
        self._pixels.want(list(self._heat_pairs.values()), list(self._number_pairs.values()))

    def _names(self) -> tuple[str, ...]:
        """Return the metrics that are shown or sorted by."""
        sorted_by = () if self.order in TAKEN or not self.order else (self.order,)
        return tuple(dict.fromkeys([*(measured_names() if self.measured else ()), *sorted_by]))

    def _pairs(self, shown: Mapping[str, Asset], names: Iterable[str]) -> dict[tuple[str, str], Pair]:
        """Return what is to be found, by run and name; the reference is not held against itself."""
        reference = shown.get(self.against)
        return {
            (run, name): Pair(asset, None if name in PICTURES else reference, self._sizes, name)
            for name in names
            for run, asset in shown.items()
            if name in PICTURES or (reference is not None and run != self.against)
        }

    @property
    def _sizes(self) -> Sizes:
        sizes: Sizes = self.sizes  # type: ignore[assignment]  # the trait allows no other
        return sizes

    def _show_found(self) -> None:
        """Show what is known of numbers and heat maps, and sort by it; also called in the thread that finds them."""
        with self.lock, self.hold_trait_notifications():
            found = self._pixels.found
            numbers: dict[str, dict[str, Found]] = {}
            for (run, name), pair in self._number_pairs.items():
                if pair.key in found:
                    numbers.setdefault(run, {})[name] = found[pair.key]
            heats = {run: found[pair.key] for (run, _), pair in self._heat_pairs.items() if pair.key in found}
            self.set_trait("numbers", numbers)
            self.set_trait("heats", heats)
            self.set_trait("slots", self._sorted(self._in_order))

    @property
    def measured_metrics(self) -> tuple[str, ...]:
        """The metrics whose numbers are worked out: what slots show, and what they are sorted by."""
        return self._number_names

    def heat_key(self, run: str) -> str:
        """Return what the heat map of a run is kept by in a page; empty when there is none to be shown."""
        pair = self._heat_pairs.get((run, self.heat))
        return pair.key if pair else ""

    def _asset_of(self, slot: Slot) -> Asset | None:
        record = self._records.get(slot.run)
        files = shown_files(record) if record is not None else []
        asset = files[slot.index] if slot.index < len(files) else None
        return asset if asset is not None and not asset.is_a("audio") else None

    def _sorted(self, slots: tuple[Slot, ...]) -> tuple[Slot, ...]:
        """Return slots in their order: what the others are held against first where it has no number."""
        if not self.order:
            return slots

        def rank(slot: Slot) -> tuple[bool, bool, float]:
            is_first = slot.run == self.against and self.order not in TAKEN
            return not is_first, *rank_of(self.order, self._number(slot.run), reverse=self.reverse)

        return tuple(sorted(slots, key=rank))

    def _number(self, run: str) -> float | None:
        record = self._records.get(run)
        if self.order in TAKEN:
            return taken(record, self.order) if record is not None else None
        value: float | None = self.numbers.get(run, {}).get(self.order)
        return value

    @property
    def compared(self) -> list[tuple[str, RunRecord]]:
        """Letter and record of the runs whose settings are compared, in their order, however slots are sorted."""
        return [(slot.letter, self._records[slot.run]) for slot in self._in_order if slot.run in self._records]
