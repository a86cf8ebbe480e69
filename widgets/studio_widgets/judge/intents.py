"""What the view of a judge may ask for, checked as it comes in.

A visitor can send anything over the websocket of a dashboard. What does not read as one of these is dropped. A wish
names a turn: it is about what was seen, and not about what has come since.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from studio_kernel.domain.judging import Choice
from studio_widgets.intents import is_place

Side: TypeAlias = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class File:
    """The bytes of one side."""

    turn: int
    side: Side


@dataclass(frozen=True, slots=True)
class Say:
    """Which is better."""

    turn: int
    choice: Choice


@dataclass(frozen=True, slots=True)
class Undo:
    """Take back what was said last."""

    turn: int


Intent: TypeAlias = File | Say | Undo


def read(content: Mapping[str, object]) -> Intent | None:
    """Return the intent that a message of the browser states, or `None`."""
    match content:
        case {"kind": "file", "turn": turn, "side": ("left" | "right") as side} if is_place(turn):
            return File(turn, side)
        case {"kind": "vote", "turn": turn, "choice": ("left" | "right" | "tie" | "skip") as choice} if is_place(turn):
            return Say(turn, choice)
        case {"kind": "undo", "turn": turn} if is_place(turn):
            return Undo(turn)
    return None
