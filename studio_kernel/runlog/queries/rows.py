"""What stands in rows of the log, as values of the domain: times in UTC, mappings as JSON, runs as records."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TypeAlias, cast

from immutabledict import immutabledict

from studio_kernel.domain.assets import Asset
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import Origin, RunEstimate, RunRecord, RunStatus
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import Value, from_json

Row: TypeAlias = "tuple[Mapping[str, object], tuple[Asset, ...]]"

RECORD_COLUMNS = (
    "id", "created_at", "started_at", "finished_at", "status", "engine", "task", "model", "seed", "elapsed_s",
    "cost_usd", "error", "project", "sweep_id", "cell", "parent_id", "prompt_template", "batch_size",
    "parameters", "provenance", "outcome", "rating", "favourite", "tags", "note",
    "estimated_cost_usd", "estimated_s", "estimated_vram_bytes", "deleted",
)  # fmt: skip

_log = logging.getLogger(__name__)


def records(rows: Iterable[Row]) -> list[RunRecord]:
    """Return rows as runs.

    Apart from reading them, for it takes as long again: meanwhile the file is free for one that writes.
    """
    found = (record_of(row, assets) for row, assets in rows)
    return [record for record in found if record is not None]


def record_of(row: Mapping[str, object], assets: tuple[Asset, ...]) -> RunRecord | None:
    """Return a row as a run; `None` for one in words this version does not know, such as the task of a newer one."""
    try:
        request = GenerationRequest(str(row["model"]), Task(str(row["task"])), mapping(row["parameters"]))
    except ValueError as error:
        _log.warning("run %s is left out: %s", row["id"], error)
        return None
    origin = Origin(
        project=cast("str | None", row["project"]),
        sweep_id=cast("str | None", row["sweep_id"]),
        cell=mapping(row["cell"]),
        parent_id=cast("str | None", row["parent_id"]),
        prompt_template=cast("str | None", row["prompt_template"]),
        batch_size=cast(int, row["batch_size"]),
    )
    return RunRecord(
        id=str(row["id"]),
        request=request,
        engine=str(row["engine"]),
        status=RunStatus(str(row["status"])),
        created_at=required(row["created_at"]),
        started_at=aware(row["started_at"]),
        finished_at=aware(row["finished_at"]),
        seed=cast("int | None", row["seed"]),
        elapsed_s=cast("float | None", row["elapsed_s"]),
        cost_usd=cast("float | None", row["cost_usd"]),
        error=cast("str | None", row["error"]),
        origin=origin,
        provenance=immutabledict({**mapping(row["provenance"]), **mapping(row["outcome"])}),
        assets=assets,
        rating=cast("int | None", row["rating"]),
        favourite=bool(row["favourite"]),
        tags=tuple(cast("list[str]", row["tags"])),
        note=cast("str | None", row["note"]),
        estimate=_estimate(row),
        is_deleted=bool(row["deleted"]),
    )


def mapping(text: object) -> Mapping[str, Value]:
    """Return a JSON column as a mapping; an empty one when there is nothing."""
    value = from_json(json.loads(str(text))) if text is not None else None
    return value if isinstance(value, immutabledict) else immutabledict()


def stored(time: datetime) -> datetime:
    """Return a time as the log stores it: in UTC, without saying so."""
    return time.astimezone(UTC).replace(tzinfo=None)


def aware(time: object) -> datetime | None:
    """Return a time of the log as one that says its zone; `None` when there is none."""
    return time.replace(tzinfo=UTC) if isinstance(time, datetime) else None


def required(time: object) -> datetime:
    """Return a time of the log that is always there, as one that says its zone."""
    found = aware(time)
    assert found is not None, "a run that is shown has been queued"
    return found


def _estimate(row: Mapping[str, object]) -> RunEstimate | None:
    found = RunEstimate(
        cast("float | None", row["estimated_cost_usd"]),
        cast("float | None", row["estimated_s"]),
        cast("int | None", row["estimated_vram_bytes"]),
    )
    return None if found.is_empty else found
