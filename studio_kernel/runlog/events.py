"""The line format of the journals, version 5: one JSON object a line.

Every line is a patch: ``v`` (format), ``ts`` (microseconds since 1970, rising within a process), ``event`` (one of
`KINDS`), ``id`` of the run, vote or board (or ``key`` of the project or sweep) and what the event says. Patches
commute: whichever order they are folded in, and however often, the same row results. ``v`` stands first in the line, so
that a reader can tell a newer line without understanding it.

`encode` never fails: logging must not end a generation because of an odd value.
"""

from __future__ import annotations

import json
import math
import re
import socket
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Literal, TypeAlias
from uuid import UUID

from studio_kernel.domain.assets import Asset
from studio_kernel.domain.boards import Board
from studio_kernel.domain.events import Ticket
from studio_kernel.domain.judging import Vote
from studio_kernel.domain.marks import Mark, Project
from studio_kernel.domain.measurements import Measurement
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import IMPORT_ENGINE, Origin, RunEstimate, RunStatus
from studio_kernel.domain.sweep import Sweep
from studio_kernel.domain.values import freeze, to_json

VERSION = 5
"""Raised when a reader of the version before would misunderstand a line.

2 brought the queue; 3 deleting, and settings of projects; 4 votes and measurements; 5 boards. A studio of version 2
would put a deletion aside as damage and go on behind it: the run would come back, for good. As it is, it stops there
until it is updated. All other lines are written as 2, so that a worker of that version still hears what newer notebooks
ask of it, also to make room. A mark that says who gave it is such a line too: who does not know of ``by`` reads the
rest of it.
"""

Kind = Literal[
    "queued", "claimed", "started", "ticket", "finished", "cancel", "priority", "mark", "delete",
    "project", "sweep", "queue", "retire", "vote", "retract", "measure", "board", "board-deleted",
]  # fmt: skip
Event: TypeAlias = dict[str, object]

RUN_KINDS: tuple[Kind, ...] = (
    "queued", "claimed", "started", "ticket", "finished", "cancel", "priority", "mark", "delete",
)  # fmt: skip
KEYED_KINDS: tuple[Kind, ...] = ("project", "sweep", "queue", "retire")
JUDGING_KINDS: tuple[Kind, ...] = ("vote", "retract", "measure")
BOARD_KINDS: tuple[Kind, ...] = ("board", "board-deleted")
KINDS = RUN_KINDS + KEYED_KINDS + JUDGING_KINDS + BOARD_KINDS
# The first version that understands such a line.
_NEEDED: Mapping[object, int] = {
    "delete": 3, "project": 3, "vote": 4, "retract": 4, "measure": 4, "board": 5, "board-deleted": 5,
}  # fmt: skip

# The DuckDB type of every field. They equal the types of the columns: a value that does not fit becomes NULL when the
# line is read, where it would fail the whole fold, and every later one, if it were converted only when written.
FIELD_TYPES: Mapping[str, object] = {
    "ts": "BIGINT",
    "event": "VARCHAR",
    "id": "UUID",
    "key": "VARCHAR",
    "engine": "VARCHAR",
    "model": "VARCHAR",
    "task": "VARCHAR",
    "parameters": "JSON",
    "request_digest": "VARCHAR",
    "project": "VARCHAR",
    "sweep_id": "VARCHAR",
    "cell": "JSON",
    "parent_id": "VARCHAR",
    "prompt_template": "VARCHAR",
    "batch_size": "INTEGER",
    "reserved_for": "VARCHAR",
    "private": "BOOLEAN",
    "estimated_cost_usd": "DOUBLE",
    "estimated_s": "DOUBLE",
    "estimated_vram_bytes": "BIGINT",
    "owner": "VARCHAR",
    "attempt": "INTEGER",
    "priority": "INTEGER",
    "host": "VARCHAR",
    "provenance": "JSON",
    "ticket": "JSON",
    "status": "VARCHAR",
    "seed": "UBIGINT",
    "elapsed_s": "DOUBLE",
    "cost_usd": "DOUBLE",
    "error": "VARCHAR",
    "outcome": "JSON",
    "assets": [
        {
            "sha256": "VARCHAR",
            "media_type": "VARCHAR",
            "size_bytes": "BIGINT",
            "width": "INTEGER",
            "height": "INTEGER",
            "index": "INTEGER",
            "seed": "UBIGINT",
            "role": "VARCHAR",
        }
    ],
    "rating": "UTINYINT",
    "favourite": "BOOLEAN",
    "tags": ["VARCHAR"],
    "note": "VARCHAR",
    "by": "VARCHAR",
    "on": "BOOLEAN",
    "files": "BOOLEAN",
    "title": "VARCHAR",
    "description": "VARCHAR",
    "archived": "BOOLEAN",
    "settings": "JSON",
    "definition": "JSON",
    "paused": "BOOLEAN",
    "first": ["VARCHAR"],
    "at_once": "BOOLEAN",
    "successor": "VARCHAR",
    "rater": "VARCHAR",
    "left": "UUID",
    "right": "UUID",
    "choice": "VARCHAR",
    "ballot": "VARCHAR",
    "name": "VARCHAR",
    "runs": ["UUID"],
    "seconds": "DOUBLE",
    "measurements": [
        {
            "metric": "VARCHAR",
            "sha256": "VARCHAR",
            "reference_sha256": "VARCHAR",
            "sizes": "VARCHAR",
            "value": "VARCHAR",  # as text: JSON has no infinite number
        }
    ],
}

LATEST_TS = 4_102_444_800_000_000  # the year 2100; a time beyond it is damage, and one far beyond fails a conversion

_VERSION_PATTERN = re.compile(rb'\s*\{\s*"v"\s*:\s*(\d{1,9})\s*[,}]')
_MAX_DEPTH = 32


def queued(
    run_id: str,
    request: GenerationRequest,
    engine: str,
    origin: Origin,
    *,
    estimate: RunEstimate | None = None,
    reserved_for: str | None = None,
    private: bool = False,
) -> Event:
    """Return the event of a run that waits for its turn.

    Of a private one only engine, model, task and expected cost are told: its parameters, the digest that would confirm
    a guess of them, its coordinates in a sweep, and what follows from its size are left out.
    """
    expected = estimate or RunEstimate()
    told = request.replace(**dict.fromkeys(request.parameters)) if private else request
    return _of_run(
        "queued",
        run_id,
        engine=engine,
        **told.to_json(),
        request_digest=None if private else request.digest,
        project=origin.project,
        sweep_id=origin.sweep_id,
        cell=_object(origin.cell) if origin.cell and not private else None,
        parent_id=origin.parent_id,
        prompt_template=None if private else origin.prompt_template,
        batch_size=origin.batch_size if origin.batch_size > 1 else None,
        reserved_for=reserved_for,
        private=private or None,
        estimated_cost_usd=expected.cost_usd,
        estimated_s=None if private else expected.seconds,
        estimated_vram_bytes=None if private else expected.vram_bytes,
    )


def claimed(run_id: str, owner: str, attempt: int) -> Event:
    """Return the event of a run that `owner` is going to work on; an empty owner gives it back."""
    return _of_run("claimed", run_id, owner=owner, attempt=attempt)


def cancel(run_id: str) -> Event:
    """Return the event of a wish that a run may stop."""
    return _of_run("cancel", run_id)


def priority(run_id: str, rank: int) -> Event:
    """Return the event of a run that is moved up or down in the queue."""
    return _of_run("priority", run_id, priority=rank)


def queue(*, paused: bool | None = None, first: Sequence[str] | None = None) -> Event:
    """Return the event of a queue that is paused or goes on, or of runs that are put first in it."""
    return _event("queue", key="queue", paused=paused, first=list(first) if first is not None else None)


def retire(owner: str, *, at_once: bool = False, successor: str = "") -> Event:
    """Return the event of a worker that is asked to end, after what it is at or in the middle of it."""
    return _event("retire", key=owner, at_once=at_once, successor=successor or None)


def started(run_id: str, provenance: Mapping[str, object]) -> Event:
    """Return the event of a run that is being worked on, here."""
    return _of_run("started", run_id, host=_host(), provenance=_object(provenance))


def ticket(run_id: str, given: Ticket) -> Event:
    """Return the event of a job that a remote service has accepted."""
    return _of_run("ticket", run_id, ticket={"remote_id": given.remote_id, "urls": dict(given.urls)})


def finished(
    run_id: str,
    status: RunStatus,
    *,
    assets: Sequence[Asset],
    seed: int | None,
    elapsed_s: float | None,
    cost_usd: float | None,
    error: str | None,
    outcome: Mapping[str, object],
) -> Event:
    """Return the event of a run that has ended."""
    return _of_run(
        "finished",
        run_id,
        status=str(status),
        seed=seed,
        elapsed_s=elapsed_s,
        cost_usd=cost_usd,
        error=error,
        outcome=_object(outcome) if outcome else None,
        assets=[_asset(asset) for asset in assets] or None,
    )


def imported(
    run_id: str, request: GenerationRequest, origin: Origin, asset: Asset, provenance: Mapping[str, object]
) -> tuple[Event, ...]:
    """Return the events of a file that was brought in.

    The end stands first: what a power cut may leave of them is no run that waits for a worker.
    """
    end = finished(
        run_id,
        RunStatus.SUCCEEDED,
        assets=[asset],
        seed=request.seed,
        elapsed_s=None,
        cost_usd=None,
        error=None,
        outcome={},
    )
    return end, started(run_id, provenance), queued(run_id, request, IMPORT_ENGINE, origin)


def mark(run_id: str, given: Mark) -> Event:
    """Return the event of something said about a run."""
    return _of_run(
        "mark",
        run_id,
        rating=given.rating,
        favourite=given.favourite,
        tags=given.tags,
        note=given.note,
        by=given.by or None,
    )


def delete(run_id: str, on: bool, files: bool) -> Event:
    """Return the event of a run that is deleted, or restored where it is not `on`."""
    return _of_run("delete", run_id, on=on, files=files)


def project(given: Project) -> Event:
    """Return the event of a project made or changed."""
    return _event(
        "project",
        key=given.id,
        title=given.title,
        description=given.description,
        archived=given.archived,
        settings=_object(given.settings),
    )


def sweep(sweep_id: str, given: Sweep, project_id: str | None) -> Event:
    """Return the event of a sweep that was planned."""
    return _event("sweep", key=sweep_id, project=project_id, definition=given.to_json())


def vote(given: Vote) -> Event:
    """Return the event of what somebody said about two runs."""
    return _event(
        "vote",
        id=str(UUID(given.id)),
        rater=given.rater,
        left=given.left,
        right=given.right,
        choice=given.choice,
        ballot=given.ballot or None,
        seconds=given.seconds,
    )


def retract(vote_id: str) -> Event:
    """Return the event of a vote that is taken back."""
    return _event("retract", id=str(UUID(vote_id)))


def measure(measured: Sequence[Measurement]) -> Event:
    """Return the event of numbers that were measured of files."""
    return _event("measure", measurements=[_measurement(each) for each in measured])


def board(given: Board) -> Event:
    """Return the event of a board that is saved, for the first time or again."""
    return _event(
        "board",
        id=str(UUID(given.id)),
        name=given.name,
        runs=list(given.runs),
        project=given.project,
        settings=_object(given.settings) or None,
        by=given.created_by or None,
    )


def board_deleted(board_id: str) -> Event:
    """Return the event of a board that is deleted, for good."""
    return _event("board-deleted", id=str(UUID(board_id)))


def encode(event: Event, ts: int) -> bytes:
    """Return the line of an event; what JSON cannot hold is replaced, never refused."""
    stamped = {"v": _NEEDED.get(event["event"], 2), "ts": ts, **event}
    try:
        text = _dumps(stamped)
    except (TypeError, ValueError, RecursionError):
        text = _dumps(_plain(stamped))
    return text.encode("utf-8", "replace") + b"\n"


def version_of(line: bytes) -> int | None:
    """Return the format version of a line, `None` when it is no line of a journal."""
    match = _VERSION_PATTERN.match(line)
    return int(match[1]) if match else None


def fault(line: bytes) -> str:
    """Return why a line is no event of this version, in words that go on from "it"."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return "is no JSON"
    if not isinstance(event, dict):
        return "is no object"
    if not version_of(line):
        return "does not begin with the version of its format"
    kind, ts = event.get("event"), event.get("ts")
    if kind not in KINDS:
        return f"is of an unknown kind, {kind!r}"
    if not isinstance(ts, int) or not 0 <= ts <= LATEST_TS:
        return f"has no time that can be, {ts!r}"
    return f"lacks what {kind!r} needs, or has a value there that does not fit"


def _of_run(kind: Kind, run_id: str, **fields: object) -> Event:
    return _event(kind, id=str(UUID(run_id)), **fields)


def _event(kind: Kind, **fields: object) -> Event:
    return {"event": kind, **{name: value for name, value in fields.items() if value is not None}}


def _asset(asset: Asset) -> dict[str, object]:
    fields = {name: getattr(asset, name) for name in Asset.__dataclass_fields__}
    return {name: value for name, value in fields.items() if value is not None}


def _measurement(measured: Measurement) -> dict[str, object]:
    told = {
        "metric": measured.metric,
        "sha256": measured.sha256,
        "reference_sha256": measured.reference_sha256,
        "sizes": measured.sizes,
        "value": None if measured.value is None else repr(float(measured.value)),
    }
    return {name: value for name, value in told.items() if value}


def _object(values: Mapping[str, object]) -> dict[str, object]:
    return {str(name): _json(value) for name, value in values.items()}


def _json(value: object) -> object:
    try:
        return to_json(freeze(value))
    except (TypeError, ValueError, RecursionError):
        return _plain(value)


def _plain(value: object, depth: int = 0) -> object:
    """Return `value` with everything that has no JSON form as text, and numbers that are not finite as `None`."""
    if depth > _MAX_DEPTH:
        return "…"
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item, depth + 1) for item in value]
    return str(value)


def _dumps(value: object) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))


@cache
def _host() -> str:
    return socket.gethostname()
