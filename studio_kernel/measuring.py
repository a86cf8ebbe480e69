"""The pictures of a sweep, measured: metrics by cell, and how far pictures are from each other.

Numbers of stored files are remembered for the rest of the process; a file never changes, so they do not either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from studio_kernel.contents import StoreOf, axes_of
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.sweep import Sweep
from studio_kernel.effects import MAX_PAIRS
from studio_kernel.effects.influence import influence
from studio_kernel.errors import InvalidRequestError, Problem
from studio_kernel.metrics import pairs
from studio_kernel.metrics.arrays import Picture, rgb, scaled
from studio_kernel.metrics.registry import METRICS, Metric, metric_of
from studio_kernel.outcome import RUN_METRICS, Outcome, axis_columns
from studio_kernel.run import Run

if TYPE_CHECKING:
    import pandas as pd
    from PIL.Image import Image

    from studio_kernel.metrics.arrays import Floats
    from studio_kernel.metrics.pairs import Sizes

Function: TypeAlias = "Callable[[Image], float]"
One: TypeAlias = "str | Function"
Wanted: TypeAlias = "str | Function | Iterable[str | Function] | Mapping[str, Function]"

REMEMBERED = 200_000
INFLUENCE_PX = 256
"""Longest side at which pictures are compared for `moved`: SSIM of two colour pictures takes 26 ms of CPU at this
size, 129 ms at 512 pixels, 485 ms at 1,024."""

_known: dict[tuple[object, ...], float] = {}


@dataclass(frozen=True)
class Reference:
    """What pictures are compared with.

    Attributes
    ----------
    picture : picture
        As the metrics take it.
    sha256 : str
        Digest of its file; empty when it is not a stored one.
    sizes : {"same", "scale"}
        What is done where sizes differ.
    """

    picture: Picture
    sha256: str
    sizes: Sizes

    @classmethod
    def of(cls, given: object, sizes: Sizes) -> Reference | None:
        """Return the reference that is a run's first picture, or a picture itself."""
        if given is None:
            return None
        if isinstance(given, Run):
            return cls(given.image, given.first_of("image").sha256, sizes)
        return cls(rgb(given), "", sizes)  # type: ignore[arg-type]  # refused there when it is none


def measured(
    outcomes: Sequence[Outcome],
    store_of: StoreOf,
    wanted: Wanted | None = None,
    *,
    reference: object = None,
    sizes: Sizes = "same",
) -> pd.DataFrame:
    """Return a row a cell: its coordinates, its run and its numbers; see `SweepRun.metrics`.

    Raises
    ------
    InvalidRequestError
        For a name that is no metric, or one that needs a reference when there is none.
    InvalidInputError
        When a picture cannot be compared with the reference.
    """
    import pandas as pd
    from tqdm.auto import tqdm

    compared_with = Reference.of(reference, sizes)
    columns = axis_columns([outcome.cell for outcome in outcomes])
    columns["id"] = pd.Series([outcome.record.id if outcome.record else None for outcome in outcomes], dtype="str")
    chosen = _chosen(wanted, compared_with)
    rows = [
        [_number(outcome, name, metric, store_of, compared_with) for name, metric in chosen.items()]
        for outcome in tqdm(outcomes, desc="measure", unit="cell", delay=0.5)
    ]
    numbers = pd.DataFrame(rows, columns=list(chosen), dtype="float64")
    table = pd.concat([pd.DataFrame(columns), numbers], axis=1)
    table.attrs["units"] = {name: unit_of(name) for name in chosen}
    return table


def unit_of(name: str) -> str:
    """Return the unit of a metric; empty when it has none."""
    return METRICS[name].unit if name in METRICS else RUN_METRICS.get(name, "")


def name_of(metric: One) -> str:
    """Return the column of a metric."""
    return metric if isinstance(metric, str) else getattr(metric, "__name__", "metric")


def label_of(metric: One) -> str:
    """Return the name of a metric with its unit."""
    name = name_of(metric)
    unit = unit_of(name)
    return f"{name.replace('_', ' ')} ({unit})" if unit else name.replace("_", " ")


def moved(
    outcomes: Sequence[Outcome], sweep: Sweep, store_of: StoreOf, *, max_pairs: int = MAX_PAIRS, seed: int = 0
) -> pd.DataFrame:
    """Return how far apart the pictures are that differ in one axis only; see `SweepRun.influence`."""
    import pandas as pd

    shown = [outcome for outcome in outcomes if outcome.images]

    @lru_cache(maxsize=128)
    def small(row: int) -> Floats:
        asset = shown[row].images[0]
        return _small(rgb(store_of(asset).path(asset)))

    def distance(i: int, j: int) -> dict[str, float]:
        one, other = small(i), small(j)
        return {
            "distance": 1 - pairs.similarity(one, other, sizes="scale"),
            "pixel_difference": pairs.pixel_difference(one, other, sizes="scale"),
        }

    frame = pd.DataFrame(axis_columns([outcome.cell for outcome in shown]))
    return influence(frame, axes_of(sweep), distance, max_pairs=max_pairs, seed=seed)


def moved_number(
    table: pd.DataFrame, sweep: Sweep, name: str, *, max_pairs: int = MAX_PAIRS, seed: int = 0
) -> pd.DataFrame:
    """Return the mean difference of a number between cells that differ in one axis only; see `SweepRun.influence`."""
    import numpy as np

    table = table[np.isfinite(table[name])].reset_index(drop=True)
    numbers = table[name].to_numpy(float)

    def difference(i: int, j: int) -> dict[str, float]:
        return {"difference": abs(float(numbers[i] - numbers[j]))}

    return influence(table, axes_of(sweep), difference, max_pairs=max_pairs, seed=seed)


def _chosen(wanted: Wanted | None, reference: Reference | None) -> dict[str, Metric | Function | None]:
    """Return what is to be measured, by the name of its column; `None` stands for what the log knows."""
    if wanted is None:
        kinds = {"picture", "file"} | ({"pair"} if reference else set())
        wanted = [*(metric.name for metric in METRICS.values() if metric.kind in kinds), *RUN_METRICS]
    if isinstance(wanted, Mapping):
        return dict(wanted)
    listed = [wanted] if isinstance(wanted, str) or callable(wanted) else list(wanted)
    chosen: dict[str, Metric | Function | None] = {}
    for item in listed:
        if not isinstance(item, str):
            chosen[name_of(item)] = item
        elif item in RUN_METRICS:
            chosen[item] = None
        else:
            chosen[item] = _metric(item, reference)
    return chosen


def _metric(name: str, reference: Reference | None) -> Metric:
    metric = metric_of(name, RUN_METRICS)
    if metric.kind == "pair" and reference is None:
        raise InvalidRequestError([Problem("reference", f"{name} needs one: a run or a picture")], "metrics")
    return metric


def _number(
    outcome: Outcome, name: str, metric: Metric | Function | None, store_of: StoreOf, reference: Reference | None
) -> float:
    if metric is None:
        value = getattr(outcome.record, name, None)
        return float("nan") if value is None else float(value)
    images = outcome.images
    if not images:
        return float("nan")
    try:
        return sum(_of_asset(asset, metric, store_of, reference) for asset in images) / len(images)
    except Exception as error:
        error.add_note(f"while measuring {name} of cell {outcome.cell.index}")
        raise


def _of_asset(asset: Asset, metric: Metric | Function, store_of: StoreOf, reference: Reference | None) -> float:
    store = store_of(asset)
    if not isinstance(metric, Metric):
        return float(metric(store.image(asset)))
    if metric.kind == "picture":
        return _remembered((metric.name, asset.sha256), lambda: metric.function(store.image(asset)))
    if metric.kind == "file":
        return _remembered((metric.name, asset.sha256), lambda: metric.function(store.path(asset)))
    assert reference is not None, "asked for when the metrics were chosen"
    key = (metric.name, asset.sha256, reference.sha256, reference.sizes) if reference.sha256 else None
    return _remembered(key, lambda: metric.function(store.image(asset), reference.picture, sizes=reference.sizes))


def _remembered(key: tuple[object, ...] | None, compute: Callable[[], float]) -> float:
    if key is None:
        return compute()
    if key not in _known:
        if len(_known) >= REMEMBERED:
            _known.clear()
        _known[key] = compute()
    return _known[key]


def _small(picture: Floats) -> Floats:
    height, width = picture.shape[:2]
    scale = min(1.0, INFLUENCE_PX / max(width, height))
    return scaled(picture, max(1, round(width * scale)), max(1, round(height * scale)))
