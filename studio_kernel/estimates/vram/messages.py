"""What a kernel and the tracing process say to each other: one line of JSON each, an answer for every question."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from studio_kernel.domain.estimate import DeviceKind, DeviceMemory
from studio_kernel.estimates.vram.subject import Subject
from studio_kernel.estimates.vram.trace import Trace
from studio_kernel.forms import ready


class Numbered(msgspec.Struct, frozen=True):
    """What every message has."""

    id: int


class AskTrace(msgspec.Struct, frozen=True, tag="trace"):
    """What does this take? `reserved`: also simulate the caching allocator."""

    id: int
    subject: Subject
    reserved: bool = False


class AskDevices(msgspec.Struct, frozen=True, tag="devices"):
    """What memory is there? `pids` are the processes that hold models of the home."""

    id: int
    pids: tuple[int, ...] = ()


class AskSpeed(msgspec.Struct, frozen=True, tag="speed"):
    """How fast does a device compute? The answer is about convolutions."""

    id: int
    device: DeviceKind
    dtype: str


class Traced(msgspec.Struct, frozen=True, tag="traced"):
    """A trace."""

    id: int
    trace: Trace


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """There can be no trace of that subject, however often it is asked for."""

    id: int
    reason: str


class Found(msgspec.Struct, frozen=True, tag="devices"):
    """The devices."""

    id: int
    devices: tuple[DeviceMemory, ...]


class Speed(msgspec.Struct, frozen=True, tag="speed"):
    """Floating-point operations per second."""

    id: int
    flops_per_s: float


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """Something went wrong while the question was answered."""

    id: int
    error: str


Question: TypeAlias = AskTrace | AskDevices | AskSpeed
Answer: TypeAlias = Traced | Refused | Found | Speed | Failed

questions: msgspec.json.Decoder[Question] = msgspec.json.Decoder(ready(Question))
answers: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(ready(Answer))


def line(message: Question | Answer) -> bytes:
    """Return a message as it is sent."""
    return msgspec.json.encode(message) + b"\n"
