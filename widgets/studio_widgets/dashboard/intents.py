"""What the header of a dashboard may ask for, checked as it comes in.

A visitor can send anything over the websocket of a dashboard. What does not read as one of these is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

from studio_kernel.domain.judging import MAX_RATER_LENGTH
from studio_widgets.dashboard.places import MAX_QUERY, PAGES, PageName
from studio_widgets.intents import is_place


@dataclass(frozen=True, slots=True)
class Go:
    """The address of the page says this; `number` counts such messages and comes back with the answer."""

    query: str
    number: int


@dataclass(frozen=True, slots=True)
class Turn:
    """Open a page as it was left."""

    page: PageName


@dataclass(frozen=True, slots=True)
class Introduce:
    """Who looks, by their own word."""

    name: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Go to the first page, and out of the project."""


Intent: TypeAlias = Go | Turn | Introduce | Leave


def read(content: Mapping[str, object]) -> Intent | None:
    """Return the intent that a message of the browser states, or `None`."""
    match content:
        case {"kind": "go", "query": str(query), "number": number} if is_place(number) and len(query) <= 2 * MAX_QUERY:
            return Go(query, number)
        case {"kind": "turn", "page": str(page)} if page in PAGES:
            return Turn(cast("PageName", page))
        case {"kind": "introduce", "name": str(name)} if len(name) <= 2 * MAX_RATER_LENGTH:
            return Introduce(name)
        case {"kind": "leave"}:
            return Leave()
    return None
