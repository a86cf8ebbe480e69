"""What the view of a comparison may ask for, checked as it comes in.

A visitor can send anything over the websocket of a dashboard. What does not read as one of these is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from studio_widgets.intents import is_id, is_place

MAX_PLACE = 64
MOST_NAME = 40
SETTINGS = {
    "arrangement": ("auto", "1x2", "2x2", "2x3"),
    "mode": ("side", "slider", "blink", "onion", "heat"),
    "sizes": ("scale", "crop", "pad"),
    "heat": ("absolute", "delta_e", "structure"),
}


@dataclass(frozen=True, slots=True)
class File:
    """The bytes of a file of a run."""

    run: str
    index: int


@dataclass(frozen=True, slots=True)
class Still:
    """A small picture of a file of a run."""

    run: str
    index: int


@dataclass(frozen=True, slots=True)
class ShowFile:
    """Show another file of a run."""

    run: str
    index: int


@dataclass(frozen=True, slots=True)
class Put:
    """A run was dropped on the slot at a place."""

    run: str
    place: int


@dataclass(frozen=True, slots=True)
class Move:
    """Put a run that is compared at another place."""

    run: str
    place: int


@dataclass(frozen=True, slots=True)
class Swap:
    """Let two runs change places."""

    run: str
    other: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Which runs are on the two sides of the divider."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Act:
    """Do something with one run."""

    act: Literal["remove", "use"]
    run: str


@dataclass(frozen=True, slots=True)
class HeatMap:
    """How a run differs from the one that the others are held against, as a picture."""

    run: str


@dataclass(frozen=True, slots=True)
class Setting:
    """How the comparison looks."""

    name: Literal["arrangement", "mode", "sizes", "heat", "linked", "measured", "reverse", "reference", "order"]
    value: str | bool


@dataclass(frozen=True, slots=True)
class Clear:
    """Compare nothing."""


Intent: TypeAlias = File | Still | ShowFile | Put | Move | Swap | Pair | Act | HeatMap | Setting | Clear


def read(content: Mapping[str, object]) -> Intent | None:
    """Return the intent that a message of the browser states, or `None`."""
    match content:
        case {"kind": "file", "run": run, "index": index} if is_id(run) and is_place(index, MAX_PLACE):
            return File(run, index)
        case {"kind": "still", "run": run, "index": index} if is_id(run) and is_place(index, MAX_PLACE):
            return Still(run, index)
        case {"kind": "show_file", "run": run, "index": index} if is_id(run) and is_place(index, MAX_PLACE):
            return ShowFile(run, index)
        case {"kind": "put", "run": run, "place": place} if is_id(run) and is_place(place, MAX_PLACE):
            return Put(run, place)
        case {"kind": "move", "run": run, "place": place} if is_id(run) and is_place(place, MAX_PLACE):
            return Move(run, place)
        case {"kind": "swap", "run": run, "other": other} if is_id(run) and is_id(other):
            return Swap(run, other)
        case {"kind": "pair", "before": before, "after": after} if is_id(before) and is_id(after):
            return Pair(before, after)
        case {"kind": ("remove" | "use") as act, "run": run} if is_id(run):
            return Act(act, run)
        case {"kind": "heat", "run": run} if is_id(run):
            return HeatMap(run)
        case {"kind": "set", "name": name, "value": value}:
            return _setting(name, value)
        case {"kind": "clear"}:
            return Clear()
    return None


def _setting(name: object, value: object) -> Setting | None:
    match name, value:
        case ("linked" | "measured" | "reverse") as switch, bool():
            return Setting(switch, value)
        case ("arrangement" | "mode" | "sizes" | "heat") as choice, str() if value in SETTINGS[choice]:
            return Setting(choice, value)
        case "reference", str() if is_id(value):
            return Setting("reference", value)
        case "order", str() if len(value) <= MOST_NAME:
            return Setting("order", value)
    return None
