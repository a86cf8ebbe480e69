"""Main-effects and interaction plots, of the tables that `estimates` returns."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from itertools import cycle
from numbers import Real
from typing import TYPE_CHECKING, TypeAlias

from immutabledict import immutabledict

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL_INCHES = (2.8, 2.6)
MOST_ACROSS = 4
MARKERS = "os^Dv<>p"
MOST_TICKS = 8

Labels: TypeAlias = Mapping[str, Mapping[object, str]]
_PLAIN: Labels = immutabledict()


def plot_effects(effects: pd.DataFrame, *, label: str = "", shown: Labels = _PLAIN) -> Figure:
    """Return a main-effects plot: a panel an axis, the means with the intervals of their effects.

    Parameters
    ----------
    effects : pandas.DataFrame
        As `studio_kernel.effects.estimates.effects` returns it.
    label : str
        Of the number, with its unit; the name of the metric when left out.
    shown : mapping
        Axis → value → what is written for it, where that is shorter.
    """
    from studio_kernel.figures import NotebookFigure

    axes = list(dict.fromkeys(effects["axis"]))
    across = max(1, min(MOST_ACROSS, len(axes)))
    down = max(1, math.ceil(len(axes) / across))
    width, height = PANEL_INCHES
    figure = NotebookFigure(figsize=(width * across + 0.4, height * down + 0.4), layout="constrained")
    panels = figure.subplots(down, across, sharey=True, squeeze=False).flat
    for panel, axis in zip(panels, axes, strict=False):
        _draw_effects(panel, axis, effects[effects["axis"] == axis], shown.get(axis, {}))
    for panel in list(panels)[len(axes) :]:
        panel.set_visible(False)
    figure.supylabel(label or str(effects.attrs.get("metric", "")), parse_math=False)
    confidence = float(effects.attrs.get("confidence", math.nan))
    figure.suptitle(f"mean and {confidence:.0%} interval of its effect" if confidence else "", fontsize=9)
    return figure


def plot_interaction(interactions: pd.DataFrame, *, label: str = "", shown: Labels = _PLAIN) -> Figure:
    """Return an interaction plot: a line for each value of the second axis over the first.

    Dashed where the two effects would only add up; lines that are not parallel are an interaction.

    Parameters
    ----------
    interactions : pandas.DataFrame
        As `studio_kernel.effects.estimates.interactions` returns it.
    label : str
        Of the number, with its unit; the name of the metric when left out.
    shown : mapping
        Axis → value → what is written for it, where that is shorter.
    """
    from studio_kernel.figures import NotebookFigure

    a, b = interactions.attrs["axes"]
    figure = NotebookFigure(figsize=(5.6, 3.6), layout="constrained")
    panel = figure.subplots()
    for (value, rows), marker in zip(interactions.groupby(b, sort=False, dropna=False), cycle(MARKERS), strict=False):
        x = _places(panel, list(rows[a]), shown.get(a, {}))
        (line,) = panel.plot(
            x, rows["mean"], marker=marker, markersize=4, label=_short(shown.get(b, {}).get(value, value))
        )
        panel.plot(x, rows["additive"], linestyle="--", linewidth=0.8, color=line.get_color(), alpha=0.6)
    panel.set_xlabel(_named(a), parse_math=False)
    panel.set_ylabel(label or str(interactions.attrs["metric"]), parse_math=False)
    legend = panel.legend(title=_named(b), fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    for text in (*legend.get_texts(), legend.get_title()):
        text.set_parse_math(False)
    return figure


def _draw_effects(panel: Axes, axis: str, rows: pd.DataFrame, shown: Mapping[object, str]) -> None:
    x = _places(panel, list(rows["value"]), shown)
    middle = (rows["mean"] - rows["effect"]).mean()
    reach = [(rows["effect"] - rows["low"]).fillna(0), (rows["high"] - rows["effect"]).fillna(0)]
    if math.isfinite(middle):
        panel.axhline(middle, color="0.75", linewidth=0.8, zorder=0)
    panel.errorbar(x, rows["mean"], yerr=reach, marker="o", markersize=4, capsize=3, linewidth=1)
    n, total = int(rows["n"].max()), int(rows["blocks"].iloc[0])
    panel.set_title(f"{n} of {total} blocks", fontsize=7, color="0.4")
    panel.set_xlabel(_named(axis), parse_math=False, fontsize=9)
    panel.tick_params(labelsize=8)


def _places(panel: Axes, values: Sequence[object], shown: Mapping[object, str]) -> list[float]:
    """Return where values stand on the x axis: numbers by size, anything else side by side with their names."""
    if all(isinstance(value, Real) and not isinstance(value, bool) for value in values):
        numbers = [float(value) for value in values]  # type: ignore[arg-type]  # real, as just asked
        if all(map(math.isfinite, numbers)):
            if len(numbers) <= MOST_TICKS:
                panel.set_xticks(numbers, [f"{number:g}" for number in numbers])
            return numbers
    places = [float(place) for place in range(len(values))]
    names = [_short(shown.get(value, value)) for value in values]
    turned = sum(map(len, names)) > 28
    panel.set_xticks(places, names, rotation=45 if turned else 0, ha="right" if turned else "center", parse_math=False)
    return places


def _short(value: object) -> str:
    return textwrap.shorten(str(value), 28, placeholder="…") or str(value)[:28]


def _named(axis: str) -> str:
    return axis.replace("_", " ")
