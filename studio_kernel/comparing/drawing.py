"""Pictures beside each other as a figure for print: captions above, heat maps with one colour scale below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from studio_kernel.domain.captions import facts_of, letter_of
from studio_kernel.domain.runs import RunRecord
from studio_kernel.figures import NotebookFigure

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from studio_kernel.metrics.heatmaps import HeatMap

WIDTH_IN = 2.8
"""Of one picture, in inches."""
COLOURS = "magma"


def drawn(records: Sequence[RunRecord], pictures: Sequence[Path], maps: Sequence[HeatMap]) -> NotebookFigure:
    """Return a figure of pictures, and of how each but the first differs from that.

    Parameters
    ----------
    maps : sequence of HeatMap
        Of the second, the third … against the first.
    """
    from PIL import Image

    from studio_kernel.metrics.heatmaps import SCALES

    count = len(records)
    figure = NotebookFigure(figsize=(WIDTH_IN * count + 0.6, WIDTH_IN * 2 + 0.6), layout="constrained")
    axes = figure.subplots(2, count, squeeze=False)
    for place, (record, path) in enumerate(zip(records, pictures, strict=True)):
        with Image.open(path) as picture:
            axes[0, place].imshow(picture.convert("RGB"))
        axes[0, place].set_title(_caption(record, place), fontsize=8)
    for place, heat in enumerate(maps, start=1):
        last = axes[1, place].imshow(heat.values, cmap=COLOURS, vmin=heat.low, vmax=heat.high)
        axes[1, place].set_title(f"{letter_of(place)} against A, mean {heat.mean:.3g} {heat.unit}".rstrip(), fontsize=8)
    figure.colorbar(last, ax=axes[1, :].tolist(), label=SCALES[maps[0].kind].label)
    for ax in axes.flat:
        _bare(ax)
    return figure


def _caption(record: RunRecord, place: int) -> str:
    facts = [words for name, words in facts_of(record, None) if name in ("Time", "Peak memory", "Price")]
    return "\n".join([f"{letter_of(place)} · {record.request.model}", " · ".join(facts)])


def _bare(ax: Axes) -> None:
    ax.set_axis_off()
