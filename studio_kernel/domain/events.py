"""What an engine says while it works: a request goes in, these come out, in this order.

``Started`` once, then any number of ``Progress``, ``Ticket``, ``Answered`` and ``Produced``, then ``Finished`` once. An
engine that cannot finish raises a `StudioError` instead; one that is told to stop raises `Cancelled`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from immutabledict import immutabledict

from studio_kernel.domain.values import Value
from studio_kernel.errors import StudioError

WAITING = "waiting"
"""The stage of a job that waits at a remote service."""


@dataclass(frozen=True, slots=True)
class Started:
    """Work has begun.

    Attributes
    ----------
    provenance : mapping
        What decides the result beside the request and is known already: device, dtype, versions, weights.
    """

    provenance: Mapping[str, Value] = field(default_factory=immutabledict)


@dataclass(frozen=True, slots=True)
class Progress:
    """A sign of life.

    Attributes
    ----------
    step, total : int
        Steps done and to do.
    stage : str
        Such as ``loading``, ``denoising``, ``decoding``; `WAITING` while a service has the job in its own queue, which
        does not count as work.
    preview : bytes or None
        A small WebP picture.
    preview_s : float
        Seconds it took to make the preview, without what is done once per loaded model.
    position : int or None
        Jobs before it in the queue of a service, where that tells.
    """

    step: int
    total: int
    stage: str = "denoising"
    preview: bytes | None = None
    preview_s: float = 0.0
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """A remote service has accepted the job; with this it can be found again.

    Attributes
    ----------
    remote_id : str
        The job's name at the service.
    urls : mapping
        Where to ask, such as ``status`` and ``result``.
    """

    remote_id: str
    urls: Mapping[str, str] = field(default_factory=immutabledict)


@dataclass(frozen=True, slots=True)
class Answered:
    """A remote service has done the job; its files are still to be fetched.

    What is said here is kept even if the files never come.

    Attributes
    ----------
    report : mapping
        What the service says beside the files, such as its own seed, safety flags or the text it really used.
    cost_usd : float or None
        What it charges; `None` = it does not say.
    """

    report: Mapping[str, Value] = field(default_factory=immutabledict)
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Produced:
    """One finished file.

    Attributes
    ----------
    data : bytes
        The encoded file.
    media_type : str
        What the engine says it is; the asset store reads the bytes itself.
    seed : int or None
        The seed that made it.
    index : int
        Place among the files of the run, from 0.
    batch_size : int
        Pictures in the pass through the model that made it, those of other runs included: their number decides the
        rounding, so it is part of what it takes to repeat the picture.
    fallbacks : tuple of str
        What was done until then to make it fit into memory; as in `Finished`.
    """

    data: bytes
    media_type: str
    seed: int | None = None
    index: int = 0
    batch_size: int = 1
    fallbacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finished:
    """All files are out.

    Attributes
    ----------
    cost_usd : float or None
        What the service billed, where it was not `Answered` before.
    timings : mapping
        Seconds per stage, such as ``{"denoising": 0.51}``.
    peak_memory_bytes : int or None
        Highest device memory in use.
    fallbacks : tuple of str
        What was done to make it fit into memory, each of which can change pixels; an engine says which names it has
        (`engines.diffusers.ladder.Rung`).
    """

    cost_usd: float | None = None
    timings: Mapping[str, float] = field(default_factory=immutabledict)
    peak_memory_bytes: int | None = None
    fallbacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """One of several requests that are made together cannot be done; said in place of its `Finished`.

    An engine that makes one request raises its error instead.

    Attributes
    ----------
    error : StudioError
        Why, with its cause.
    """

    error: StudioError


EngineEvent: TypeAlias = Started | Progress | Ticket | Answered | Produced | Finished
