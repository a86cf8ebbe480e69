"""A matplotlib figure that a notebook shows by itself.

Figures made without pyplot are not shown by notebooks, and those of pyplot stay in memory until they are closed.
"""

from __future__ import annotations

import io

from matplotlib.figure import Figure


class NotebookFigure(Figure):
    """A figure with a picture for notebooks; everything else as matplotlib has it."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()
