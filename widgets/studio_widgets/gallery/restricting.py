"""The bar of filters above the gallery, and the chips that say which of them restrict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import ipywidgets
import traitlets

from studio_widgets.choice import Choice
from studio_widgets.discarding import discard
from studio_widgets.frame import panel as parts
from studio_widgets.gallery import filters
from studio_widgets.gallery.bringing import import_box
from studio_widgets.gallery.listing import RunListState, runs_text
from studio_widgets.gallery.state import GalleryState
from studio_widgets.timing import Debounced

Options = list[tuple[str, object]]


class Restricted(Protocol):
    """A list of runs under filters."""

    total: int

    @property
    def active(self) -> list[tuple[str, str]]:
        """The filters that restrict, each with what it says."""

    def without(self, name: str) -> None:
        """Take one of them away."""

    def without_filters(self) -> None:
        """Take all of them away."""

    def observe(self, handler: Callable[[object], None], names: Sequence[str]) -> None:
        """Hear of changes."""


class FilterBar(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """Search and the filters most used in one row, the others in a second one that folds; and what brings files in."""

    def __init__(self, state: GalleryState) -> None:
        self._state = state
        self._folded: ipywidgets.HBox | None = None
        self._import: ipywidgets.DOMWidget | None = None
        self._unfolded: list[ipywidgets.DOMWidget] = []
        first = [search(state), self._choice("model", "Model", "All models"), self._choice("kind", "Type", "All types")]
        first.append(parts.field(Choice(state, "sorted_by", "Sort by", state.orders)))
        favourite = ipywidgets.ToggleButton(description="♥ Favourites", tooltip="Only favourites")
        traitlets.link((state, "favourite"), (favourite, "value"))
        folded = ipywidgets.ToggleButton(description="More filters", tooltip="Task, rating, tag, date, source")
        folded.observe(lambda change: self._fold(change.new), "value")
        layout = ipywidgets.ToggleButtons(
            options=[("Grid", "grid"), ("List", "list")], tooltips=["As pictures", "As rows"], description="View"
        )
        traitlets.link((state, "layout"), (layout, "value"))
        bring = ipywidgets.ToggleButton(description="Import…", tooltip="Bring in pictures, videos and sounds")
        bring.observe(lambda change: self._unfold_import(change.new), "value")
        parts.place(bring, state.can_change)
        row = parts.row(*first, favourite, folded, bring, parts.styled(layout, "sg-layout"))
        self._row = parts.styled(row, "sg-filters")
        super().__init__([self._row])

    def _fold(self, shown: bool) -> None:
        """Show the second row, made when it is first wanted, or take it away."""
        if self._folded is None:
            self._folded = self._more()
            self._unfold(self._folded)
        parts.place(self._folded, shown)

    def _unfold_import(self, shown: bool) -> None:
        if self._import is None:
            self._import = import_box(self._state)
            self._unfold(self._import)
        parts.place(self._import, shown)

    def _unfold(self, part: ipywidgets.DOMWidget) -> None:
        self._unfolded.append(part)
        self.children = [self._row, *self._unfolded]

    def _more(self) -> ipywidgets.HBox:
        state = self._state
        days = [_day(state, "first_day", "From"), _day(state, "last_day", "To")]

        def show_days(_change: object = None) -> None:
            for day in days:
                parts.place(day, state.period == "days")

        state.observe(show_days, "period")
        show_days()
        period = Choice(state, "period", "Date", _periods)
        shown = [
            self._choice("task", "Task", "All tasks"),
            self._choice("min_rating", "Rating", "Any rating"),
            self._choice("tag", "Tag", "All tags"),
            parts.field(period),
            *days,
            self._choice("source", "Source", "From anywhere"),
        ]
        return parts.styled(parts.row(*shown), "sg-filters")

    def _choice(self, name: str, label: str, everything: str) -> ipywidgets.Dropdown:
        options = partial(_options, self._state, name, everything)
        return parts.field(Choice(self._state, name, label, options, follow=["choices"]))


class SortBar(ipywidgets.HBox):  # type: ignore[misc]  # untyped base
    """Which way runs are sorted, how many have their number, and a way to measure the others."""

    def __init__(self, state: GalleryState) -> None:
        self._state = state
        lowest = ipywidgets.ToggleButton(description="Lowest first", tooltip="The other way round")
        traitlets.link((state, "lowest_first"), (lowest, "value"))
        self._said = parts.styled(ipywidgets.HTML(), "st-sub")
        self._rest = parts.button("Measure the rest", state.measure_rest, "In the background, until all is measured")
        self._stop = parts.button("Stop", state.stop_measuring, "What is measured stays", "st-quiet")
        super().__init__([lowest, self._said, self._rest, self._stop])
        parts.styled(self, "st-row", "sg-sort")
        state.observe(lambda _change: self._show(), ["sorted_by", "measured", "is_measuring"])
        self._show()

    def _show(self) -> None:
        state = self._state
        parts.place(self, bool(state.sorted_by))
        told = state.measured and f"{state.measured[:1].upper()}{state.measured[1:]}; the others stand last"
        more = " …" if state.is_measuring else ""
        self._said.value = f'<span role="status">{told}{more}</span>' if told else ""
        parts.place(self._rest, bool(told) and state.can_change and not state.is_measuring)
        parts.place(self._stop, state.is_measuring)


def search(state: RunListState) -> ipywidgets.Text:
    """Return the field for words of the prompt, joined to the state's `text`."""
    text = ipywidgets.Text(value=state.text, description="Search", placeholder="Words of the prompt")
    later = Debounced(lambda words: state.set_trait("text", words))
    text.observe(lambda change: later(change.new), "value")
    state.observe(lambda change: _follow(text, change.new), "text")
    return parts.field(text)


def _follow(field: ipywidgets.Text, text: str) -> None:
    """Show a text that something else has set; what is being typed only ends in other blanks."""
    if field.value.strip() != text.strip():
        field.value = text


def _options(state: GalleryState, name: str, everything: str) -> Options:
    counted = state.choices.get(name, [])
    nothing: object = 0 if name == "min_rating" else ""
    return [(everything, nothing), *((f"{_label(name, value)} ({count:,})", value) for value, count in counted)]


def _label(name: str, value: object) -> str:
    if name == "min_rating":
        return _stars(value)
    named = {"kind": filters.KINDS, "source": filters.SOURCES}.get(name, {})
    return str(named.get(str(value), value))


def _stars(value: object) -> str:
    least = int(str(value))
    return "★" * least + (" or more" if least < 5 else "")


def _periods() -> Options:
    return [("Any time", ""), *((text, value) for value, text in filters.PERIODS.items())]


def _day(state: GalleryState, name: str, label: str) -> ipywidgets.DatePicker:
    picker = ipywidgets.DatePicker(description=label)
    traitlets.link((state, name), (picker, "value"))
    return parts.styled(parts.field(picker), "sg-day")


class Chips(ipywidgets.HBox):  # type: ignore[misc]  # untyped base
    """How many runs there are, and each filter that restricts them with a way to take it away."""

    def __init__(self, state: Restricted, names: Sequence[str]) -> None:
        self._state = state
        self._count = parts.styled(ipywidgets.HTML(), "st-sub")
        self._chips: dict[tuple[str, str], ipywidgets.Button] = {}
        self._clear = parts.button("Clear all", state.without_filters, "Take all filters away", "st-quiet")
        super().__init__([self._count])
        parts.styled(self, "sg-chips", "st-row")
        state.observe(lambda _change: self._show(), [*names, "version"])
        self._show()

    def _show(self) -> None:
        """Show a chip for each filter; one that says the same stays, as somebody may be about to press it."""
        self._count.value = f'<span role="status">{runs_text(self._state.total)}</span>'
        said = self._state.active
        if said == list(self._chips):
            return
        old = self._chips
        self._chips = {each: old.get(each) or self._chip(*each) for each in said}
        self.children = [self._count, *self._chips.values(), *([self._clear] if len(said) > 1 else [])]
        discard(chip for each, chip in old.items() if each not in self._chips)

    def _chip(self, name: str, text: str) -> ipywidgets.Button:
        return parts.button(
            f"{text} ✕", partial(self._state.without, name), f"Take this filter away: {text}", "st-chip"
        )
