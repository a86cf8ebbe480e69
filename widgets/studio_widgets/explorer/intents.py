"""What the cards of the explorer may ask for, checked as it comes in: whoever sends it may send anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from studio_widgets.intents import is_id

MAX_PICTURES = 60


@dataclass(frozen=True, slots=True)
class Choose:
    """Open what a card stands for."""

    id: str


@dataclass(frozen=True, slots=True)
class Pictures:
    """The small pictures of these cards."""

    ids: tuple[str, ...]


Intent: TypeAlias = Choose | Pictures


def read(content: Mapping[str, object]) -> Intent | None:
    """Return the intent that a message of the browser states, or `None`."""
    match content:
        case {"kind": "choose", "id": card} if is_id(card):
            return Choose(card)
        case {"kind": "pictures", "ids": list(ids)} if 0 < len(ids) <= MAX_PICTURES and all(map(is_id, ids)):
            return Pictures(tuple(ids))
    return None
