"""Matplotlib figures that show themselves: in a notebook as a picture, in a page as an SVG in the page's colours.

Figures made without pyplot are not shown by notebooks, and those of pyplot stay in memory until they are closed.
"""

from __future__ import annotations

import io
import threading
from types import MappingProxyType

from matplotlib import rc_context
from matplotlib.figure import Figure

from studio_kernel.svg import themed

INK, DIM, LINE, GROUND = "#222222", "#5f5f63", "#d0d0d4", "#f1f1f4"
FIRST, SECOND, THIRD = "#5b4bd6", "#c2571a", "#8f8f96"
"""Three colours that also people tell apart who see few: they differ in lightness, and in blue against yellow."""
THEME = MappingProxyType(
    {
        INK: "chart-ink",
        DIM: "chart-dim",
        LINE: "chart-line",
        GROUND: "chart-ground",
        FIRST: "chart-first",
        SECOND: "chart-second",
        THIRD: "chart-third",
    }
)
"""Colour of a chart → CSS variable that replaces it in a page."""
_PIXELS_AN_INCH = 72
_writing = threading.Lock()


class NotebookFigure(Figure):
    """A figure with a picture for notebooks; everything else as matplotlib has it."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()


class ChartFigure(NotebookFigure):
    """A figure that can also stand in a page, where people point at its parts.

    Parameters
    ----------
    width, height : float
        Of the SVG, in pixels of a page.
    label : str
        What it shows, in a sentence.

    Attributes
    ----------
    told : dict
        Id (`Artist.set_gid`) of a part → what it says when it is pointed at.
    rows : dict
        Id of a part → the row of the table that it stands for, by its first column.
    """

    def __init__(self, width: float, height: float, label: str) -> None:
        inches = (width / _PIXELS_AN_INCH, height / _PIXELS_AN_INCH)
        super().__init__(figsize=inches, layout="constrained")
        self.label = label
        self.told: dict[str, str] = {}
        self.rows: dict[str, str] = {}

    def as_svg(self) -> str:
        """Return it as SVG for the inside of an HTML page.

        The page sets its colours by the variables that `THEME` names, and its font; without them it is drawn for a
        light page. Parts in `told` have the class ``chart-mark``, their id as ``data-mark``, and a title.
        """
        buffer = io.BytesIO()
        # the settings are of the whole process; a salt makes the same figure the same text
        with _writing, rc_context({"svg.fonttype": "none", "svg.hashsalt": "chart"}):
            self.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        return themed(buffer.getvalue(), colours=THEME, told=self.told, label=self.label)
