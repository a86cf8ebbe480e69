"""What the gallery's view may ask for, checked as it comes in.

A visitor can send anything over the websocket of a dashboard. What does not read as one of these is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias, TypeGuard

from studio_kernel.domain.marks import MAX_RATING

MAX_ITEMS = 400
MAX_THUMBNAILS = 60
MAX_ID = 64


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


Intent: TypeAlias = Items | Thumbnails | Open | Star | Rate


def read(content: Mapping[str, object]) -> Intent | None:
    """Return the intent that a message of the browser states, or `None`."""
    match content:
        case {"kind": "items", "first": first, "last": last, "version": version} if (
            _whole(first) and _whole(last) and _whole(version) and 0 <= first < last <= first + MAX_ITEMS
        ):
            return Items(first, last, version)
        case {"kind": "thumbnails", "runs": list(runs), "seq": seq} if (
            _whole(seq) and 0 < len(runs) <= MAX_THUMBNAILS and all(map(_id, runs))
        ):
            return Thumbnails(tuple(runs), seq)
        case {"kind": "open", "run": ""}:
            return Open("")
        case {"kind": "open", "run": run} if _id(run):
            return Open(run)
        case {"kind": "star", "run": run, "on": bool(on)} if _id(run):
            return Star(run, on)
        case {"kind": "rate", "run": run, "rating": rating} if (
            _id(run) and _whole(rating) and 0 <= rating <= MAX_RATING
        ):
            return Rate(run, rating)
    return None


def _whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53


def _id(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= MAX_ID
