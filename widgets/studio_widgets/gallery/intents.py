"""What a view of runs may ask for, checked as it comes in.

A visitor can send anything over the websocket of a dashboard. What does not read as one of these is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from studio_kernel.domain.marks import MAX_RATING
from studio_widgets.intents import is_id, is_whole

MAX_ITEMS = 400
MAX_THUMBNAILS = 60
MAX_FILE = 10_000


@dataclass(frozen=True, slots=True)
class Items:
    """What stands at the places `first` … `last` − 1."""

    first: int
    last: int
    version: int


@dataclass(frozen=True, slots=True)
class Thumbnails:
    """The small pictures of these runs."""

    runs: tuple[str, ...]
    seq: int


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes of a file of a run from `start` on, as many as go into one message."""

    run: str
    file: int
    start: int
    seq: int


@dataclass(frozen=True, slots=True)
class Open:
    """Show the details of a run; an empty id closes them."""

    run: str


@dataclass(frozen=True, slots=True)
class Star:
    """Make a run a favourite, or no longer."""

    run: str
    on: bool


@dataclass(frozen=True, slots=True)
class Rate:
    """Give a run 1 … 5 stars, or take them away with 0."""

    run: str
    rating: int


@dataclass(frozen=True, slots=True)
class Select:
    """Select a run too, or no longer."""

    run: str
    on: bool


@dataclass(frozen=True, slots=True)
class Range:
    """Select the runs from one to another as they stand in the list, and with `keep` also what was selected."""

    first: str
    last: str
    keep: bool


@dataclass(frozen=True, slots=True)
class SelectAll:
    """Select everything under the filter."""


@dataclass(frozen=True, slots=True)
class SelectNone:
    """Select nothing."""


@dataclass(frozen=True, slots=True)
class Delete:
    """Ask whether to delete what is selected, or this run when nothing is."""

    run: str


@dataclass(frozen=True, slots=True)
class Act:
    """Do what a button in the row of a run says."""

    name: str
    run: str


Intent: TypeAlias = (
    Items | Thumbnails | Part | Open | Star | Rate | Select | Range | SelectAll | SelectNone | Delete | Act
)


def read(content: Mapping[str, object]) -> Intent | None:
    """Return the intent that a message of the browser states, or `None`."""
    return _look(content) or _mark(content) or _choose(content)


def _look(content: Mapping[str, object]) -> Intent | None:
    match content:
        case {"kind": "items", "first": first, "last": last, "version": version} if (
            is_whole(first) and is_whole(last) and is_whole(version) and 0 <= first < last <= first + MAX_ITEMS
        ):
            return Items(first, last, version)
        case {"kind": "thumbnails", "runs": list(runs), "seq": seq} if (
            is_whole(seq) and 0 < len(runs) <= MAX_THUMBNAILS and all(map(is_id, runs))
        ):
            return Thumbnails(tuple(runs), seq)
        case {"kind": "part", "run": run, "file": file, "start": start, "seq": seq} if (
            is_id(run) and is_whole(file) and 0 <= file < MAX_FILE and is_whole(start) and start >= 0 and is_whole(seq)
        ):
            return Part(run, file, start, seq)
        case {"kind": "open", "run": ""}:
            return Open("")
        case {"kind": "open", "run": run} if is_id(run):
            return Open(run)
    return None


def _mark(content: Mapping[str, object]) -> Intent | None:
    match content:
        case {"kind": "star", "run": run, "on": bool(on)} if is_id(run):
            return Star(run, on)
        case {"kind": "rate", "run": run, "rating": rating} if (
            is_id(run) and is_whole(rating) and 0 <= rating <= MAX_RATING
        ):
            return Rate(run, rating)
        case {"kind": "act", "name": name, "run": run} if is_id(name) and is_id(run):
            return Act(name, run)
        case {"kind": "delete", "run": run} if is_id(run):
            return Delete(run)
    return None


def _choose(content: Mapping[str, object]) -> Intent | None:
    match content:
        case {"kind": "select", "run": run, "on": bool(on)} if is_id(run):
            return Select(run, on)
        case {"kind": "range", "first": first, "last": last, "keep": bool(keep)} if is_id(first) and is_id(last):
            return Range(first, last, keep)
        case {"kind": "select_all"}:
            return SelectAll()
        case {"kind": "select_none"}:
            return SelectNone()
    return None
