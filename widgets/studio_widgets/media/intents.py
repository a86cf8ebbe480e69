"""What the view of a file input may ask for, checked as it comes in; what does not read as one of these is dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from studio_widgets.intents import is_id, is_place
from studio_widgets.media.transfer import PART_BYTES

MAX_NAME = 255
MAX_PICTURES = 64


@dataclass(frozen=True, slots=True)
class Begin:
    """A file will come."""

    id: str
    name: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of it."""

    id: str
    number: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Stop:
    """No more of it will come."""

    id: str


@dataclass(frozen=True, slots=True)
class TakeRun:
    """Give the result of a run."""

    run: str


@dataclass(frozen=True, slots=True)
class TakeAway:
    """Take away what stands at a place."""

    place: int


@dataclass(frozen=True, slots=True)
class FromGallery:
    """Choose among earlier results."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """The small pictures of what is given, by the digests of the files."""

    keys: tuple[str, ...]


Intent: TypeAlias = Begin | Part | Stop | TakeRun | TakeAway | FromGallery | Pictures


def read(content: Mapping[str, object], buffers: Sequence[memoryview | bytes]) -> Intent | None:
    """Return the intent that a message of the browser states, or `None`."""
    match content:
        case {"kind": "begin", "id": id_, "name": str(name), "size": size} if is_id(id_) and is_place(size):
            return Begin(id_, _cleaned(name), size)
        case {"kind": "part", "id": id_, "part": number} if is_id(id_) and is_place(number) and _is_part(buffers):
            return Part(id_, number, bytes(buffers[0]))
        case {"kind": "stop", "id": id_} if is_id(id_):
            return Stop(id_)
        case {"kind": "run", "run": run} if is_id(run):
            return TakeRun(run)
        case {"kind": "remove", "place": place} if is_place(place):
            return TakeAway(place)
        case {"kind": "gallery"}:
            return FromGallery()
        case {"kind": "pictures", "keys": list(keys)} if len(keys) <= MAX_PICTURES and all(map(is_id, keys)):
            return Pictures(tuple(keys))
    return None


def _is_part(buffers: Sequence[memoryview | bytes]) -> bool:
    return len(buffers) == 1 and memoryview(buffers[0]).nbytes <= PART_BYTES


def _cleaned(name: str) -> str:
    """Return a file name without what cannot be seen, such as line ends and marks that turn the writing round."""
    return "".join(character for character in name if character.isprintable())[:MAX_NAME].strip()
