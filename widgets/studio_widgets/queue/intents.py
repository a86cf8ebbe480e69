"""What the queue's view may ask for, checked as it comes in: whoever sends it may send anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from studio_widgets.intents import is_id

MAX_KEY = 80
Act = Literal["here", "pause", "resume", "cancel_all", "agree", "decline"]
ActOn = Literal["cancel", "first", "up", "down", "unfold", "retry", "again", "dismiss"]


@dataclass(frozen=True, slots=True)
class Do:
    """Something about the whole queue; ``here`` says only that somebody looks."""

    act: Act


@dataclass(frozen=True, slots=True)
class DoOn:
    """Something about a row, or a run that has failed."""

    act: ActOn
    key: str


@dataclass(frozen=True, slots=True)
class Move:
    """Put a row before another one; before none = to the end."""

    key: str
    before: str


Intent: TypeAlias = Do | DoOn | Move


def read(content: Mapping[str, object]) -> Intent | None:
    """Return the intent that a message of the browser states, or `None`."""
    match content:
        case {"kind": "move", "key": key, "before": before} if is_id(key, MAX_KEY) and (
            before == "" or is_id(before, MAX_KEY)
        ):
            return Move(key, before)
        case {"kind": str(act), "key": key} if act in get_args(ActOn) and is_id(key, MAX_KEY):
            return DoOn(act, key)  # type: ignore[arg-type]  # one of them, as just asked
        case {"kind": str(act)} if act in get_args(Act):
            return Do(act)  # type: ignore[arg-type]  # one of them, as just asked
    return None
