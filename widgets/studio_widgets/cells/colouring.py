"""Cells coloured, numbered and sorted by a number of theirs; pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from studio_kernel.errors import StudioError
from studio_kernel.measuring import unit_of
from studio_kernel.metrics.registry import metric_names, metric_of
from studio_kernel.outcome import RUN_METRICS
from studio_kernel.settings import Home
from studio_widgets.cells.table import Scale, Table, Tile

COLOURS = ("#083370", "#35456c", "#4f576c", "#666970", "#7d7c78", "#948e77", "#aea371", "#c8b866", "#e5cf52", "#fee838")
"""Cividis, without its darkest tenth, which a dark page would swallow. It is read alike with and without a colour
deficiency and gets steadily lighter (Nuñez, Anderton, Renslow 2018, doi:10.1371/journal.pone.0199239)."""
LONGEST_UNIT = 6
NAMES: Mapping[str, str] = {
    "elapsed_s": "Time",
    "cost_usd": "Cost",
    "psnr": "PSNR",
    "similarity": "SSIM",
    "ms_ssim": "MS-SSIM",
    "delta_e": "Colour difference",
    "phash_distance": "Perceptual hash",
    "lpips": "LPIPS",
    "clip_score": "CLIP score",
    "file_bits_per_pixel": "File size per pixel",
}


def offered(home: Home) -> list[tuple[str, str]]:
    """Return (label, name) of the numbers of a home's cells: what the log knows, then metrics that can be measured."""
    return [(name_of(name), name) for name in (*RUN_METRICS, *metric_names()) if _is_usable(name, home)]


def sortings(home: Home) -> list[tuple[str, str]]:
    """Return (label, name) of what runs of a home can be sorted by; empty = newest first."""
    return [("Newest first", ""), *((label, name) for label, name in offered(home) if not needs_reference(name))]


def needs_reference(metric: str) -> bool:
    """Whether a number is a comparison with another picture."""
    return bool(metric) and metric not in RUN_METRICS and metric_of(metric).kind == "pair"


def name_of(metric: str) -> str:
    """Return what people call a number."""
    return NAMES.get(metric) or metric.replace("_", " ").capitalize()


def words_of(metric: str, value: float, *, with_unit: bool = True) -> str:
    """Return a number as it stands on a cell; a unit that would not fit there is said beside the scale alone."""
    if math.isnan(value):
        return "no number"
    told = ("∞" if value > 0 else "-∞") if math.isinf(value) else f"{value:.3g}"
    unit = unit_of(metric) if with_unit else ""
    unit = unit if len(unit) <= LONGEST_UNIT else ""
    return f"{told} {unit}".rstrip()


def coloured(table: Table, metric: str, numbers: Mapping[str, float], against: str = "") -> Table:
    """Return a table with a number and a shade on each cell whose run has one, and the scale of the colours.

    Parameters
    ----------
    numbers : mapping
        Run → its number; not one where it cannot be measured.
    against : str
        The run that the others are compared with.
    """
    finite = [number for number in numbers.values() if math.isfinite(number)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)

    def dressed(tile: Tile) -> Tile:
        if tile.run and tile.run == against:
            return replace(tile, number="reference")
        number = numbers.get(tile.run)
        if number is None:
            return tile
        shade = None if math.isnan(number) else share(number, low, high)
        return replace(tile, number=words_of(metric, number), shade=shade)

    unit = unit_of(metric)
    label = f"{name_of(metric)} ({unit})" if unit else name_of(metric)
    first, last = (words_of(metric, end, with_unit=False) for end in (low, high))
    scale = Scale(label, first, last, COLOURS) if finite else None
    return replace(table, tiles=tuple(map(dressed, table.tiles)), scale=scale)


def ordered(table: Table, order: str, numbers: Mapping[str, float]) -> Table:
    """Return a table as cells one after the other, sorted by their numbers; those without one last, as they stood.

    Parameters
    ----------
    order : {"", "highest", "lowest"}
        Which comes first; empty = as the axes say.
    """
    if not order or table.too_many:
        return table

    def rank(tile: Tile) -> tuple[bool, float]:
        number = numbers.get(tile.run, math.nan)
        if math.isnan(number):
            return True, 0.0
        return False, -number if order == "highest" else number

    shown = [tile for tile in table.tiles if tile.status not in ("left out", "no such point")]
    return replace(table, across="", down="", columns=(), rows=(), tiles=tuple(sorted(shown, key=rank)), flows=True)


def share(number: float, low: float, high: float) -> float:
    """Return where a number stands between two others, from 0 to 1."""
    if math.isinf(number):
        return 1.0 if number > 0 else 0.0
    return round((number - low) / (high - low), 3) if high > low else 1.0


def _is_usable(metric: str, home: Home) -> bool:
    """Whether a number can be had; one of a package that does not work cannot."""
    try:
        return metric in RUN_METRICS or not metric_of(metric).problem(home)
    except StudioError:
        return False
