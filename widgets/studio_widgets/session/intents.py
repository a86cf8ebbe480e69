"""What the view of the strip may ask for, checked as it comes in; what does not read as one of these is dropped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from studio_widgets.intents import is_id
from studio_widgets.session.state import LIMIT


@dataclass(frozen=True, slots=True)
class Choose:
    """Load or show a run."""

    run: str


@dataclass(frozen=True, slots=True)
class Thumbnails:
    """The small pictures of these runs."""

    runs: tuple[str, ...]


Intent: TypeAlias = Choose | Thumbnails


def read(content: Mapping[str, object]) -> Intent | None:
    """Return the intent that a message of the browser states, or `None`."""
    match content:
        case {"kind": "choose", "run": run} if is_id(run):
            return Choose(run)
        case {"kind": "thumbnails", "runs": list(runs)} if 0 < len(runs) <= LIMIT and all(map(is_id, runs)):
            return Thumbnails(tuple(runs))
    return None
