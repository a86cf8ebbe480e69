"""One execution of a request, as the log tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from immutabledict import immutabledict

from studio_kernel.domain.assets import Asset
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import Json, Value, from_json, to_json

IMPORT_ENGINE = "import"
"""The engine of a run that stands for a file somebody brought in."""


class RunStatus(StrEnum):
    """Where a run stands; it only ever moves down this list, and the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen."""
        return self in (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED)

    @property
    def rank(self) -> int:
        """0 queued, 1 running, 2 final: a status replaces another only if its rank is higher."""
        return {RunStatus.QUEUED: 0, RunStatus.RUNNING: 1}.get(self, 2)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a run comes from.

    Attributes
    ----------
    project : str or None
        Id of the project it belongs to.
    sweep_id : str or None
        The sweep it is a cell of.
    cell : mapping
        Its coordinates in that sweep, axis name → value.
    parent_id : str or None
        The run it repeats or starts from.
    prompt_template : str or None
        The prompt as it was typed, with its alternatives and wildcards; `None` when the request has it as it is.
    batch_size : int
        How many cells of its sweep are computed in one pass with it, whichever those are; 1 = alone. Changes a
        picture by rounding, so that a cell that is tried again is computed in a pass of the same size.
    """

    project: str | None = None
    sweep_id: str | None = None
    cell: Mapping[str, Value] = field(default_factory=immutabledict)
    parent_id: str | None = None
    prompt_template: str | None = None
    batch_size: int = 1


@dataclass(frozen=True, slots=True)
class RunEstimate:
    """What was expected of a run when it was asked for.

    Attributes
    ----------
    cost_usd : float or None
        US dollars; 0 where nobody charges; `None` = there was no price.
    seconds : float or None
        Of work.
    vram_bytes : int or None
        Highest device memory.
    """

    cost_usd: float | None = None
    seconds: float | None = None
    vram_bytes: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was expected."""
        return self == RunEstimate()


@dataclass(frozen=True, slots=True)
class RunRecord:
    """Everything the log knows about a run.

    Attributes
    ----------
    id : str
        UUID of version 7: unique, and ordered by time.
    created_at, started_at, finished_at : datetime.datetime or None
        Aware, UTC.
    seed : int or None
        The seed really used (a remote service may choose its own).
    elapsed_s : float or None
        Seconds from start to finish, without waiting in the queue.
    cost_usd : float or None
        What was billed; `None` = nothing or not known.
    error : str or None
        Why it failed, in words.
    provenance : mapping
        What else decided the result: engine, versions, device, weights (see `domain.provenance`).
    estimate : RunEstimate or None
        What was expected of it; `None` = nobody said.
    rating, favourite, tags, note
        What people say about it; see `domain.marks.Mark`.
    is_deleted : bool
        Somebody has deleted it: lists leave it out, and it can be restored.
    """

    id: str
    request: GenerationRequest
    engine: str
    status: RunStatus
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    seed: int | None = None
    elapsed_s: float | None = None
    cost_usd: float | None = None
    error: str | None = None
    origin: Origin = Origin()
    provenance: Mapping[str, Value] = field(default_factory=immutabledict)
    assets: tuple[Asset, ...] = ()
    rating: int | None = None
    favourite: bool = False
    tags: tuple[str, ...] = ()
    note: str | None = None
    estimate: RunEstimate | None = None
    is_deleted: bool = False

    @property
    def is_import(self) -> bool:
        """Whether it was brought in as a file, not made here."""
        return self.engine == IMPORT_ENGINE

    def to_json(self) -> dict[str, Json]:
        """Return the record as JSON: times as ISO 8601, the request in its own form, files by digest."""
        return {
            "id": self.id,
            "status": str(self.status),
            "engine": self.engine,
            "request": self.request.to_json(),
            "created_at": self.created_at.isoformat(),
            "started_at": self.started_at.isoformat() if self.started_at else None,
            "finished_at": self.finished_at.isoformat() if self.finished_at else None,
            "seed": self.seed,
            "elapsed_s": self.elapsed_s,
            "cost_usd": self.cost_usd,
            "error": self.error,
            "origin": {
                "project": self.origin.project,
                "sweep_id": self.origin.sweep_id,
                "cell": {name: to_json(value) for name, value in self.origin.cell.items()},
                "parent_id": self.origin.parent_id,
                "prompt_template": self.origin.prompt_template,
                "batch_size": self.origin.batch_size,
            },
            "provenance": {name: to_json(value) for name, value in self.provenance.items()},
            "assets": [asdict(asset) for asset in self.assets],
            "rating": self.rating,
            "favourite": self.favourite,
            "tags": list(self.tags),
            "note": self.note,
            "estimate": asdict(self.estimate) if self.estimate is not None else None,
            "is_deleted": self.is_deleted,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RunRecord:
        """Return the record that `to_json` wrote."""
        origin = data["origin"]
        same: dict[str, Any] = {name: data[name] for name in _SAME}
        times: dict[str, Any] = {name: data[name] and datetime.fromisoformat(data[name]) for name in _TIMES}
        return cls(
            **same,
            **times,
            status=RunStatus(data["status"]),
            request=GenerationRequest.from_json(data["request"]),
            origin=Origin(**{**origin, "cell": _values(origin["cell"])}),
            provenance=_values(data["provenance"]),
            assets=tuple(Asset(**asset) for asset in data["assets"]),
            tags=tuple(data["tags"]),
            estimate=RunEstimate(**data["estimate"]) if data.get("estimate") else None,
            is_deleted=bool(data.get("is_deleted")),
        )


_SAME = ("id", "engine", "seed", "elapsed_s", "cost_usd", "error", "rating", "favourite", "note")
_TIMES = ("created_at", "started_at", "finished_at")


def _values(data: Mapping[str, object]) -> Mapping[str, Value]:
    return immutabledict({name: from_json(value) for name, value in data.items()})


@dataclass(frozen=True, slots=True)
class RunProgress:
    """What a running job shows right now; never part of the log.

    Attributes
    ----------
    status : RunStatus
        As the process that works on it sees it.
    step, total : int
        Denoising steps done and to do; both 0 before the first.
    stage : str
        What is being done, such as ``loading``, ``denoising`` or ``decoding``.
    elapsed_s : float
        Seconds of work since it started; waiting, here or at a service, does not count.
    preview : bytes or None
        A small WebP picture of the state so far.
    error : str or None
        Why it failed, in words.
    remaining_s : float or None
        Seconds of work that are left, as learnt from earlier runs and the steps so far; `None` when nothing is known.
    position : int or None
        Jobs before it in the queue of a service, where that tells.
    """

    status: RunStatus
    step: int = 0
    total: int = 0
    stage: str = ""
    elapsed_s: float = 0.0
    preview: bytes | None = field(default=None, repr=False)
    error: str | None = None
    remaining_s: float | None = None
    position: int | None = None

    @property
    def fraction(self) -> float:
        """Share of the steps done, 0 … 1."""
        return self.step / self.total if self.total else 0.0
