"""What the picker's view may ask for, checked as it comes in.

A visitor can send anything over the websocket of a dashboard. What does not read as one of these is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from studio_widgets.intents import is_id, is_whole
from studio_widgets.picker.filters import FILTERS, SORTS, is_value
from studio_widgets.picker.state import MAX_TEXT

MAX_ITEMS = 200
MAX_ID = 200
Act = Literal["clear", "instead", "close", "collapse", "expand"]
ACTS: tuple[Act, ...] = ("clear", "instead", "close", "collapse", "expand")


@dataclass(frozen=True, slots=True)
class Items:
    """What stands at the places `first` … `last` − 1."""

    first: int
    last: int
    version: int


@dataclass(frozen=True, slots=True)
class Search:
    """Only models with these words."""

    text: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Only models with this value; empty = any."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Sort:
    """In this order."""

    by: str


@dataclass(frozen=True, slots=True)
class Switch:
    """List retired models, or put models of one creator together."""

    name: Literal["retired", "grouped"]
    on: bool


@dataclass(frozen=True, slots=True)
class Collapse:
    """Show the models of a creator no longer, or again."""

    creator: str
    on: bool


@dataclass(frozen=True, slots=True)
class Choose:
    """Choose a model."""

    model: str


@dataclass(frozen=True, slots=True)
class Look:
    """Tell about a model."""

    model: str


@dataclass(frozen=True, slots=True)
class Do:
    """What needs no more words: see `ACTS`."""

    act: Act


Intent: TypeAlias = Items | Search | Filter | Sort | Switch | Collapse | Choose | Look | Do


def read(content: Mapping[str, object]) -> Intent | None:
    """Return the intent that a message of the browser states, or `None`."""
    match content:
        case {"kind": "items", "first": first, "last": last, "version": version} if (
            is_whole(first) and is_whole(last) and is_whole(version) and 0 <= first < last <= first + MAX_ITEMS
        ):
            return Items(first, last, version)
        case {"kind": "search", "text": str(text)} if len(text) <= MAX_TEXT:
            return Search(text)
        case {"kind": "filter", "name": str(name), "value": str(value)} if (
            name in FILTERS and len(value) <= MAX_TEXT and is_value(name, value)
        ):
            return Filter(name, value)
        case {"kind": "sort", "by": str(by)} if by in SORTS:
            return Sort(by)
        case {"kind": "switch", "name": ("retired" | "grouped") as name, "on": bool(on)}:
            return Switch(name, on)
        case {"kind": "collapse", "creator": str(creator), "on": bool(on)} if len(creator) <= MAX_ID:
            return Collapse(creator, on)
        case {"kind": "choose", "model": model} if is_id(model, MAX_ID):
            return Choose(model)
        case {"kind": "look", "model": model} if is_id(model, MAX_ID):
            return Look(model)
        case {"kind": "do", "act": act}:
            return next((Do(each) for each in ACTS if each == act), None)
    return None
