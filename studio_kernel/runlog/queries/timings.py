"""Questions about time: how long runs took, of a kind or of a model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from studio_kernel.domain.runs import IMPORT_ENGINE
from studio_kernel.domain.values import Value, from_json

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class RunKind:
    """What decides how long a step of a run takes; `None` = not said."""

    model: str
    task: str
    width: int | None
    height: int | None
    num_images: int | None
    device: str | None


@dataclass(frozen=True, slots=True)
class Timings:
    """How long a kind of run takes.

    Attributes
    ----------
    step_s : float
        Seconds a denoising step.
    decoding_s : float
        Seconds from the last step to the picture.
    """

    step_s: float
    decoding_s: float


@dataclass(frozen=True, slots=True)
class PastRun:
    """What is learnt from a run that succeeded.

    Attributes
    ----------
    task : str
        What was asked of the model.
    parameters : mapping
        All of the request.
    batch_size : int
        Cells computed in one pass with it.
    device : str or None
        What it was computed on, as its provenance says.
    elapsed_s : float
        From start to end.
    loading_s, denoising_s, decoding_s : float
        Parts of that; 0 where the engine does not tell.
    """

    task: str
    parameters: Mapping[str, Value]
    batch_size: int
    device: str | None
    elapsed_s: float
    loading_s: float
    denoising_s: float
    decoding_s: float


def timings(connection: DuckDBPyConnection, kind: RunKind, count: int = 30) -> Timings | None:
    """Return the median of the newest runs of a kind that succeeded; `None` when there are none."""
    row = connection.execute(
        """
        SELECT median(denoising_s / num_inference_steps), coalesce(median(decoding_s), 0) FROM (
          SELECT (outcome->>'$.denoising_s')::DOUBLE AS denoising_s, (outcome->>'$.decoding_s')::DOUBLE AS decoding_s,
            num_inference_steps
          FROM all_runs WHERE status = 'succeeded' AND model = $model AND task = $task AND engine <> $imports
            AND width IS NOT DISTINCT FROM $width AND height IS NOT DISTINCT FROM $height
            AND num_images IS NOT DISTINCT FROM $num_images
            AND coalesce(provenance->>'$.device' = $device, $device IS NULL)
            AND num_inference_steps > 0 AND batch_size = 1
          ORDER BY created_at DESC LIMIT $count
        )
        """,
        {**asdict(kind), "count": count, "imports": IMPORT_ENGINE},
    ).fetchone()
    return Timings(row[0], row[1]) if row and row[0] is not None else None


def past_runs(connection: DuckDBPyConnection, model: str, count: int = 200) -> list[PastRun]:
    """Return the newest runs of a model that succeeded, newest first; private ones say nothing and are left out."""
    rows = connection.execute(
        """
        SELECT task, parameters, batch_size, provenance->>'$.device', elapsed_s,
          coalesce((outcome->>'$.loading_s')::DOUBLE, 0), coalesce((outcome->>'$.denoising_s')::DOUBLE, 0),
          coalesce((outcome->>'$.decoding_s')::DOUBLE, 0)
        FROM (
          SELECT task, parameters, batch_size, provenance, elapsed_s, outcome, created_at
          FROM all_runs WHERE status = 'succeeded' AND model = $model AND engine <> $imports
            AND NOT private AND elapsed_s > 0
          ORDER BY created_at DESC LIMIT $count
        ) ORDER BY created_at DESC
        """,
        {"model": model, "count": count, "imports": IMPORT_ENGINE},
    ).fetchall()
    return [PastRun(task, _parameters(text), *rest) for task, text, *rest in rows]


def _parameters(text: str | None) -> Mapping[str, Value]:
    return {name: from_json(value) for name, value in json.loads(text or "{}").items()}
