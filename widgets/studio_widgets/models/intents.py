"""What the table's view may ask for, checked as it comes in; what does not read as one of these is dropped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from studio_widgets.intents import is_whole
from studio_widgets.models.rows import COLUMNS

MAX_ROWS = 200
MAX_ID = 200


@dataclass(frozen=True, slots=True)
class Rows:
    """What stands at the places `first` … `last` − 1."""

    first: int
    last: int
    version: int


@dataclass(frozen=True, slots=True)
class Sort:
    """By this column; once more, the other way round."""

    column: str


@dataclass(frozen=True, slots=True)
class Look:
    """Show the details of a model; an empty id closes them."""

    model: str


Intent: TypeAlias = Rows | Sort | Look


def read(content: Mapping[str, object]) -> Intent | None:
    """Return the intent that a message of the browser states, or `None`."""
    match content:
        case {"kind": "rows", "first": first, "last": last, "version": version} if (
            is_whole(first) and is_whole(last) and is_whole(version) and 0 <= first < last <= first + MAX_ROWS
        ):
            return Rows(first, last, version)
        case {"kind": "sort", "column": str(column)} if column in COLUMNS:
            return Sort(column)
        case {"kind": "look", "model": str(model)} if len(model) <= MAX_ID:
            return Look(model)
    return None
