"""What comes back of a prediction: files, whatever shape they are in, and what is told beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from immutabledict import immutabledict

from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.values import Value
from studio_kernel.engines.remote.answers import read_answer
from studio_kernel.engines.remote.service import JobResult
from studio_kernel.engines.remote.speech import progress_of
from studio_kernel.engines.replicate.refusals import SERVICE, is_object
from studio_kernel.errors import ResultExpiredError

_SEED = re.compile(r"\bseed:?\s+(\d+)", re.IGNORECASE)


def progress(logs: object) -> tuple[int, int]:
    """Return steps done and to do, as the log of a prediction tells; (0, 0) when it does not."""
    return progress_of(str(logs or "").splitlines()) or (0, 0)


def read(prediction: Mapping[str, object], card: ModelCard) -> JobResult:
    """Return what came out of a prediction that has succeeded.

    Raises
    ------
    ResultExpiredError
        When the service has deleted it, an hour after its end.
    BadAnswerError
        When there is no file in it.
    """
    output = prediction.get("output")
    if output is None and prediction.get("data_removed"):
        raise ResultExpiredError(
            SERVICE, "it has deleted the result, as it does an hour after the end; run it again", paid="yes"
        )
    files, told = read_answer(SERVICE, card, output)
    seed = _seed(prediction)
    seeded = tuple(file if file.seed is not None else replace(file, seed=seed) for file in files)
    return JobResult(seeded, immutabledict(dict(told) | _report(prediction, seed)), _cost(prediction, card))


def _seed(prediction: Mapping[str, object]) -> int | None:
    """Return the seed that was used: what the model has logged, else what it was given."""
    logged = _SEED.findall(str(prediction.get("logs") or ""))
    given = prediction.get("input")
    asked = given.get("seed") if is_object(given) else None
    return int(logged[-1]) if logged else asked if isinstance(asked, int) else None


def _report(prediction: Mapping[str, object], seed: int | None) -> dict[str, Value]:
    found: dict[str, Value] = {} if seed is None else {"seed": seed}
    version = prediction.get("version")
    if isinstance(version, str) and version != "hidden":
        found["model_version"] = version
    metrics = prediction.get("metrics")
    for name in ("predict_time", "total_time"):
        value = metrics.get(name) if is_object(metrics) else None
        if isinstance(value, (int, float)):
            found[f"{name}_s"] = float(value)
    return found


def _cost(prediction: Mapping[str, object], card: ModelCard) -> float | None:
    """Return what is charged, where the metrics of a prediction count what the card has a plain price for."""
    price, metrics = card.price, prediction.get("metrics")
    if price is None or price.amount_usd is None or not is_object(metrics):
        return None
    if price.variants or price.extras or price.factors or price.further_usd is not None:
        return None
    counted = metrics.get(_METRICS.get(price.unit, ""))
    return counted * price.amount_usd if isinstance(counted, (int, float)) else None


_METRICS: Mapping[str, str] = {"compute_second": "predict_time", "image": "image_count"}
"""Unit of a price → what counts it among the metrics of a prediction."""
