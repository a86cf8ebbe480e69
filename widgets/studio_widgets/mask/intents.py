"""What the view of a mask editor may ask for, checked as it comes in; what does not read as one of these is dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeGuard, get_args

from studio_widgets.intents import is_id, is_place
from studio_widgets.mask.state import MAX_FEATHER, MAX_STROKE_BYTES

MAX_SIDE = 2**17

Step: TypeAlias = Literal["undo", "redo", "invert", "clear"]


@dataclass(frozen=True, slots=True)
class Stroke:
    """Something was painted: a PNG for the part of the mask from (left, top)."""

    view: str
    left: int
    top: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Change:
    """Change all of it."""

    step: Step


@dataclass(frozen=True, slots=True)
class Feather:
    """Make the edge soft."""

    px: float


@dataclass(frozen=True, slots=True)
class Settle:
    """Nobody paints any more; hand the mask on."""


@dataclass(frozen=True, slots=True)
class Look:
    """A view has appeared and needs picture and mask."""

    view: str


Intent: TypeAlias = Stroke | Change | Feather | Settle | Look


def read(content: Mapping[str, object], buffers: Sequence[memoryview | bytes]) -> Intent | None:
    """Return the intent that a message of the browser states, or `None`."""
    match content:
        case {"kind": "stroke", "view": view, "left": left, "top": top} if (
            is_id(view) and is_place(left, MAX_SIDE - 1) and is_place(top, MAX_SIDE - 1) and _is_stroke(buffers)
        ):
            return Stroke(view, left, top, bytes(buffers[0]))
        case {"kind": "change", "step": step} if _step(step):
            return Change(step)
        case {"kind": "feather", "px": int(px) | float(px)} if not isinstance(px, bool) and 0 < px <= MAX_FEATHER:
            return Feather(float(px))
        case {"kind": "settle"}:
            return Settle()
        case {"kind": "look", "view": view} if is_id(view):
            return Look(view)
    return None


def _is_stroke(buffers: Sequence[memoryview | bytes]) -> bool:
    return len(buffers) == 1 and memoryview(buffers[0]).nbytes <= MAX_STROKE_BYTES


def _step(value: object) -> TypeGuard[Step]:
    return isinstance(value, str) and value in get_args(Step)
