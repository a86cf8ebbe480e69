"""Which models fit what is wanted, in which order, and how many there would be with another value; pure.

A filter is a name and a value; a model is found when its marks (`Entry.marks`) have that value. So counts beside the
values of a filter need one look at each model: they count what fits all the other filters.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from immutabledict import immutabledict

from studio_kernel.catalog.wording import Wording, corrected, vocabulary, words_of
from studio_kernel.domain.budget import dollars
from studio_kernel.domain.marks import Rating
from studio_kernel.domain.tasks import Task
from studio_widgets.picker.entries import BOUNDS_USD, STANDINGS, Entry, Standing, engine_words

FILTERS = ("task", "creator", "engine", "price", "licence", "here")
SORTS: Mapping[str, str] = {
    "recommended": "Recommended first",
    "name": "Name",
    "price": "Price of a run",
    "newest": "Newest in the catalog",
    "rated": "Best rated in this home",
}
_STANDING_ORDER = {standing: place for place, standing in enumerate(STANDINGS)}
_USES = {
    "use:allowed": "Commercial use allowed",
    "use:limited": "Commercial use under conditions",
    "use:refused": "No commercial use",
    "use:unknown": "Commercial use not said",
}
_PRICES = {
    "free": "Free",
    **{f"{bound:g}": f"Up to {dollars(bound)} a run" for bound in BOUNDS_USD},
    "known": "Known price",
    "unknown": "Price not known",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for.

    Attributes
    ----------
    values : mapping
        Name of a filter → its value; a filter that is not in it restricts nothing. A number as ``price`` is the most
        that a run may cost, in US dollars.
    retired : bool
        Whether retired models are among them.
    """

    text: str = ""
    values: Mapping[str, str] = immutabledict()
    sort: str = "recommended"
    retired: bool = False

    @property
    def task(self) -> str:
        """The task that is looked for; empty = any."""
        return self.values.get("task", "")


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a filter, and how many models there are with it under all the other filters."""

    value: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Found:
    """The models that fit, in order.

    Attributes
    ----------
    facets : mapping
        Name of a filter → its values.
    read_as : str
        What the text was taken for, when it was misspelt; else empty.
    """

    entries: tuple[Entry, ...] = ()
    facets: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)
    read_as: str = ""


class Shelf:
    """Entries to search, with what is made of all of them once."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = tuple(entries)
        self._known: frozenset[str] | None = None

    def find(self, wanted: Wanted) -> Found:
        """Return what fits."""
        there = [entry for entry in self.entries if wanted.retired or entry.standing != "retired"]
        words = words_of(wanted.text)
        ranks, read_as = self._ranked(there, words)
        counts: dict[str, Counter[str]] = {name: Counter() for name in FILTERS}
        tests = _tests(wanted.values)
        fitting = []
        for entry in (entry for entry in there if entry.id in ranks):
            failed = [name for name, fits in tests.items() if not fits(entry)]
            if not failed:
                fitting.append(entry)
            for name in FILTERS if not failed else failed if len(failed) == 1 else ():
                counts[name].update(entry.marks[name])
        order = _order(wanted, ranks)
        facets = {name: _choices(name, count, wanted.values.get(name, "")) for name, count in counts.items()}
        return Found(tuple(sorted(fitting, key=order)), facets, read_as)

    def _ranked(self, entries: Sequence[Entry], words: list[str]) -> tuple[dict[str, int], str]:
        """Return the rank of each entry that has the words, or of those that have what they were meant to be."""
        ranks = _ranks(entries, words)
        if ranks or not words:
            return ranks, ""
        meant = corrected(words, self._vocabulary())
        return (_ranks(entries, meant), " ".join(meant)) if meant != words else ({}, "")

    def _vocabulary(self) -> frozenset[str]:
        if self._known is None:
            wordings: list[Wording] = [entry.wording for entry in self.entries]
            self._known = vocabulary(wordings)
        return self._known


def grouped(entries: Sequence[Entry]) -> list[tuple[str, list[Entry]]]:
    """Return entries by creator; creators in the order of the first entry of each."""
    first = {creator: place for place, creator in reversed(list(enumerate(each.card.creator for each in entries)))}
    ordered = sorted(entries, key=lambda entry: first[entry.card.creator])
    return [(creator, list(members)) for creator, members in groupby(ordered, key=lambda entry: entry.card.creator)]


def is_value(name: str, value: str) -> bool:
    """Whether a filter takes a value: any text does, but for the price."""
    return name != "price" or value in ("", *_PRICES) or _bound(value) is not None


def is_recommended(entry: Entry, task: str) -> bool:
    """Whether the catalog calls a model a good first choice for a task, or for any when none is named."""
    return task in entry.card.recommended if task else bool(entry.card.recommended)


def _ranks(entries: Sequence[Entry], words: list[str]) -> dict[str, int]:
    if not words:
        return dict.fromkeys((entry.id for entry in entries), 0)
    found = ((entry.id, entry.wording.rank(words)) for entry in entries)
    return {key: rank for key, rank in found if rank is not None}


def _tests(values: Mapping[str, str]) -> dict[str, Callable[[Entry], bool]]:
    return {name: _test(name, value) for name, value in values.items() if value}


def _test(name: str, value: str) -> Callable[[Entry], bool]:
    bound = _bound(value) if name == "price" else None
    if bound is not None:
        return lambda entry: entry.price.run_usd is not None and entry.price.run_usd <= bound
    return lambda entry: value in entry.marks[name]


def _bound(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _order(wanted: Wanted, ranks: Mapping[str, int]) -> Callable[[Entry], tuple[object, ...]]:
    def name(entry: Entry) -> tuple[object, ...]:
        return entry.card.name.casefold() or entry.id, entry.id

    def price(entry: Entry) -> tuple[object, ...]:
        return entry.price.run_usd is None, entry.price.run_usd or 0.0, *name(entry)

    def newest(entry: Entry) -> tuple[object, ...]:
        return _latest_first(entry.card.as_of), *name(entry)

    def rated(entry: Entry) -> tuple[object, ...]:
        rating = entry.rating or Rating(0.0, 0)  # less than any star
        return -rating.mean, -rating.count, *name(entry)

    def recommended(entry: Entry) -> tuple[object, ...]:
        is_other = not is_recommended(entry, wanted.task)
        standing = _STANDING_ORDER[entry.standing]
        return ranks[entry.id], is_other, standing, entry.card.creator.casefold(), entry.place

    return {"name": name, "price": price, "newest": newest, "rated": rated}.get(wanted.sort, recommended)


def _latest_first(as_of: str) -> tuple[int, ...]:
    """Return what sorts dates of year, month and day, as far as known, the latest first; without a date is last."""
    numbers = [int(part) for part in as_of.split("-") if part.isdigit()]
    return tuple(-number for number in [*numbers, 0, 0, 0][:3])


def _choices(name: str, counts: Mapping[str, int], chosen: str) -> tuple[Choice, ...]:
    """Return the values of a filter that models have, and the one that is chosen whether they have it or not."""
    values = {*counts, *([chosen] if chosen else [])}
    return tuple(Choice(value, _label(name, value), counts.get(value, 0)) for value in sorted(values, key=_place(name)))


def _place(name: str) -> Callable[[str], tuple[object, ...]]:
    fixed: Mapping[str, Sequence[str]] = {
        "task": [str(task) for task in Task],
        "price": list(_PRICES),
        "licence": list(_USES),
        "here": list(STANDINGS),
    }
    order = {value: place for place, value in enumerate(fixed.get(name, ()))}
    return lambda value: (order.get(value, len(order)), _label(name, value).casefold())


def _label(name: str, value: str) -> str:
    if name == "task":
        return Task(value).label if value in list(Task) else value
    if name == "engine":
        return engine_words(value)
    if name == "licence":
        return _USES.get(value, value.removeprefix("is:"))
    if name == "here":
        return STANDINGS[_standing(value)] if value in STANDINGS else value
    if name == "price":
        bound = _bound(value)
        return _PRICES.get(value) or (f"Up to {dollars(bound)} a run" if bound is not None else value)
    return value or "Creator not said"


def _standing(value: str) -> Standing:
    return next(each for each in STANDINGS if each == value)
