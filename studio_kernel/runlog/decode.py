"""From journal lines back to domain values, for those who follow the journals instead of asking DuckDB."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from immutabledict import immutabledict

from studio_kernel.domain.assets import Asset
from studio_kernel.domain.events import Ticket
from studio_kernel.domain.queue import Queue, QueueEntry
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import Origin, RunEstimate, RunRecord, RunStatus
from studio_kernel.domain.spending import Ending, Spending
from studio_kernel.domain.values import Value, from_json
from studio_kernel.runlog.events import Event

_log = logging.getLogger(__name__)


def feed(queue: Queue, event: Event) -> None:
    """Let `queue` know of an event; one that cannot be understood is left out, as folding does."""
    try:
        _feed(queue, event)
    except (KeyError, TypeError, ValueError) as error:
        _log.warning("an event of kind %s is left out of the queue: %s", event.get("event"), error)


def _feed(queue: Queue, event: Mapping[str, Any]) -> None:
    ts, kind = event["ts"], event["event"]
    match kind:
        case "queued":
            queue.add(entry_of(event))
        case "claimed":
            queue.change(ts, kind, event["id"], owner=event["owner"], attempt=event["attempt"])
        case "started":
            queue.change(ts, kind, event["id"], has_started=True)
        case "ticket":
            queue.change(ts, kind, event["id"], ticket=ticket_of(event["ticket"]))
        case "priority":
            queue.change(ts, kind, event["id"], priority=int(event["priority"]))
        case "cancel":
            queue.change(ts, kind, event["id"], is_cancelled=True)
        case "finished":
            queue.end(event["id"])
        case "queue":
            if "paused" in event:
                queue.pause(ts, bool(event["paused"]))
            if "first" in event:
                queue.put_first(ts, event["first"])


def feed_spending(spending: Spending, event: Event) -> None:
    """Let `spending` know of an event; one that cannot be understood is left out, as folding does."""
    try:
        _feed_spending(spending, event)
    except (KeyError, TypeError, ValueError) as error:
        _log.warning("an event of kind %s is left out of what was spent: %s", event.get("event"), error)


def _feed_spending(spending: Spending, event: Mapping[str, Any]) -> None:
    match event["event"]:
        case "queued":
            usd = event.get("estimated_cost_usd")
            spending.queue(event["id"], usd, event.get("project"), event.get("sweep_id"))
        case "claimed":
            spending.claim(event["id"], event["ts"], event["owner"])
        case "ticket":
            spending.accept(event["id"])
        case "finished":
            unseen = bool((event.get("outcome") or {}).get("may_be_billed"))
            ending = Ending(event["ts"] / 1e6, RunStatus(event["status"]), event.get("cost_usd"), unseen)
            spending.end(event["id"], ending)


def entry_of(event: Mapping[str, Any]) -> QueueEntry:
    """Return the run that a ``queued`` event tells of."""
    request = GenerationRequest.from_json(event)
    origin = Origin(
        event.get("project"),
        event.get("sweep_id"),
        _values(event.get("cell") or {}),
        event.get("parent_id"),
        event.get("prompt_template"),
        int(event.get("batch_size") or 1),
    )
    expected = RunEstimate(event.get("estimated_cost_usd"), event.get("estimated_s"), event.get("estimated_vram_bytes"))
    record = RunRecord(
        event["id"],
        request,
        event["engine"],
        RunStatus.QUEUED,
        _time(event),
        seed=request.seed,
        origin=origin,
        estimate=None if expected.is_empty else expected,
    )
    return QueueEntry(record, reserved_for=event.get("reserved_for"), is_private=bool(event.get("private")))


def ended(record: RunRecord, event: Mapping[str, Any]) -> RunRecord:
    """Return `record` with what a ``finished`` event tells."""
    return replace(
        record,
        status=RunStatus(event["status"]),
        finished_at=_time(event),
        seed=event.get("seed", record.seed),
        elapsed_s=event.get("elapsed_s"),
        cost_usd=event.get("cost_usd"),
        error=event.get("error"),
        provenance=immutabledict({**record.provenance, **_values(event.get("outcome") or {})}),
        assets=tuple(Asset(**asset) for asset in event.get("assets") or ()),
    )


def started(record: RunRecord, event: Mapping[str, Any]) -> RunRecord:
    """Return `record` with what a ``started`` event tells."""
    provenance = _values(event.get("provenance") or {})
    return replace(record, status=RunStatus.RUNNING, started_at=_time(event), provenance=provenance)


def ticket_of(data: Mapping[str, Any]) -> Ticket:
    """Return a ticket from its JSON form."""
    return Ticket(str(data["remote_id"]), immutabledict(data["urls"]))


def _values(data: Mapping[str, object]) -> Mapping[str, Value]:
    return immutabledict({name: from_json(value) for name, value in data.items()})


def _time(event: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(event["ts"] / 1e6, UTC)
