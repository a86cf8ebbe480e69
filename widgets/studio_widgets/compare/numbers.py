"""The numbers that slots show and are sorted by: how close a picture is to another, what it is like, what it took."""

from __future__ import annotations

import math
from collections.abc import Mapping

from immutabledict import immutabledict

from studio_kernel.domain.captions import peak_memory_of
from studio_kernel.domain.runs import RunRecord
from studio_kernel.metrics.registry import METRICS
from studio_kernel.settings import Home

PICTURES = ("sharpness", "colourfulness")
"""Of the metrics of one picture, those that say something beside another one."""
NAMES: Mapping[str, str] = immutabledict(
    {
        "psnr": "PSNR",
        "similarity": "SSIM",
        "ms_ssim": "MS-SSIM",
        "delta_e": "Colour difference",
        "phash_distance": "Perceptual hash",
        "lpips": "LPIPS",
    }
)
TAKEN: Mapping[str, str] = immutabledict({"elapsed_s": "Time", "peak_memory_bytes": "Peak memory", "cost_usd": "Price"})
"""What runs took: known without looking at pictures."""


def measured_names() -> tuple[str, ...]:
    """Return the metrics that slots show; those that are slow to begin with only where slots are sorted by them."""
    return (*(metric.name for metric in METRICS.values() if metric.kind == "pair" and metric.is_usual), *PICTURES)


def orders(home: Home) -> dict[str, str]:
    """Return what slots can be sorted by, name → what people call it; without metrics whose weights are missing."""
    pairs = [metric.name for metric in METRICS.values() if metric.kind == "pair" and not metric.problem(home)]
    names = {name: label_of(name) for name in (*pairs, *PICTURES)}
    return {"": "Order given", **names, **TAKEN}


def label_of(name: str) -> str:
    """Return what people call a metric."""
    return NAMES.get(name) or TAKEN.get(name) or name.replace("_", " ").capitalize()


def words_of(name: str, value: float | None) -> str:
    """Return a number with its unit."""
    if value is None or math.isnan(value):
        return "–"
    number = "∞" if math.isinf(value) else f"{value:.4g}"
    return f"{number} {METRICS[name].unit}".rstrip()


def taken(record: RunRecord, name: str) -> float | None:
    """Return what a run took."""
    if name == "peak_memory_bytes":
        memory = peak_memory_of(record)
        return None if memory is None else float(memory)
    value: float | None = getattr(record, name)
    return value


def rank_of(name: str, value: float | None, *, reverse: bool) -> tuple[bool, float]:
    """Return where a number stands in its order: closest, or least, first; what is not known last, either way."""
    if value is None or math.isnan(value):
        return True, 0.0
    ascending = (name in TAKEN or METRICS[name].higher_is == "worse") != reverse
    return False, value if ascending else -value
