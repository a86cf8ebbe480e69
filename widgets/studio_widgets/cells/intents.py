"""What the view of a table may ask for, checked as it comes in: whoever sends it may send anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from studio_widgets.intents import is_id

MAX_THUMBNAILS = 60


@dataclass(frozen=True, slots=True)
class Here:
    """Somebody looks, and the last message was of this number; 0 = there was none."""

    number: int


@dataclass(frozen=True, slots=True)
class Thumbnails:
    """The small pictures of these runs."""

    runs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choose:
    """Choose the cell of a run; none with an empty id."""

    run: str


@dataclass(frozen=True, slots=True)
class Select:
    """Select the cell of a run too, or no longer."""

    run: str
    on: bool


Intent: TypeAlias = Here | Thumbnails | Choose | Select


def read(content: Mapping[str, object]) -> Intent | None:
    """Return the intent that a message of the browser states, or `None`."""
    match content:
        case {"kind": "here", "number": int(number)} if not isinstance(number, bool):
            return Here(number)
        case {"kind": "thumbnails", "runs": list(runs)} if 0 < len(runs) <= MAX_THUMBNAILS and all(map(is_id, runs)):
            return Thumbnails(tuple(runs))
        case {"kind": "choose", "run": run} if run == "" or is_id(run):
            return Choose(str(run))
        case {"kind": "select", "run": run, "on": bool(on)} if is_id(run):
            return Select(run, on)
    return None
