"""What comes back of a prediction: files, whatever shape they are in, and what is told beside them.

The output of a model is what its own schema says: an address, a list, an object with addresses in it, or a data URL
in any of these places. Every address in it is a file unless the card's ``output["path"]`` names the ones that count.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterator, Mapping
from typing import cast, get_args
from urllib.parse import urlsplit

from immutabledict import immutabledict

from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.values import Value
from studio_kernel.engines.remote.service import JobResult, MediaKind, RemoteFile
from studio_kernel.engines.replicate.refusals import SERVICE, is_object, said
from studio_kernel.errors import BadAnswerError, ResultExpiredError

_SEED = re.compile(r"\bseed:?\s+(\d+)", re.IGNORECASE)
_BAR = re.compile(r"\d+%\|[^|]*\|\s*(\d+)/(\d+)\s*\[")


def progress(logs: object) -> tuple[int, int]:
    """Return steps done and to do, from the last progress bar in the log of a prediction; (0, 0) when there is none."""
    bars = _BAR.findall(str(logs or ""))
    return (int(bars[-1][0]), int(bars[-1][1])) if bars else (0, 0)


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
    seed = _seed(prediction)
    addresses = list(_addresses(_at(output, card)))
    if not addresses:
        raise BadAnswerError(SERVICE, f"there is no file in the result: {said(output)!r}", paid="yes")
    kind = _declared_kind(card)
    files = tuple(RemoteFile(url, kind or _kind_of(url), seed=seed) for url in addresses)
    return JobResult(files, _report(prediction, seed), _cost(prediction, card))


def _at(output: object, card: ModelCard) -> object:
    """Return the part of an output that the card's path names, such as ``images[].url``; all of it without one."""
    path = str((card.output or {}).get("path") or "")
    if not path:
        return output
    found = [output]
    for step in path.split("."):
        inside = [item.get(step.removesuffix("[]")) for item in found if is_object(item)]
        found = [each for item in inside for each in (item if isinstance(item, list) else [item])]
    return found


def _addresses(output: object) -> Iterator[str]:
    if isinstance(output, str) and output.startswith(("https://", "http://", "data:")):
        yield output
    elif isinstance(output, list):
        for item in output:
            yield from _addresses(item)
    elif is_object(output):
        for item in output.values():
            yield from _addresses(item)


def _declared_kind(card: ModelCard) -> MediaKind | None:
    stated = str((card.output or {}).get("kind") or card.default_task.makes).removesuffix("s")
    return cast(MediaKind, stated) if stated in get_args(MediaKind) else None


def _kind_of(url: str) -> MediaKind:
    media_type = url[5:] if url.startswith("data:") else mimetypes.guess_type(urlsplit(url).path)[0] or ""
    kind = media_type.partition("/")[0]
    return cast(MediaKind, kind) if kind in get_args(MediaKind) else "image"


def _seed(prediction: Mapping[str, object]) -> int | None:
    """Return the seed that was used: what the model has logged, else what it was given."""
    logged = _SEED.findall(str(prediction.get("logs") or ""))
    given = prediction.get("input")
    asked = given.get("seed") if is_object(given) else None
    return int(logged[-1]) if logged else asked if isinstance(asked, int) else None


def _report(prediction: Mapping[str, object], seed: int | None) -> Mapping[str, Value]:
    found: dict[str, Value] = {} if seed is None else {"seed": seed}
    version = prediction.get("version")
    if isinstance(version, str) and version != "hidden":
        found["model_version"] = version
    metrics = prediction.get("metrics")
    for name in ("predict_time", "total_time"):
        value = metrics.get(name) if is_object(metrics) else None
        if isinstance(value, (int, float)):
            found[f"{name}_s"] = float(value)
    return immutabledict(found)


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
