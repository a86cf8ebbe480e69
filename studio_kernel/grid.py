"""A labelled grid of pictures, drawn by matplotlib: for a notebook, a PNG, a PDF in a paper.

Rows and columns carry the names and values of two axes; a cell without a picture says why.
"""

from __future__ import annotations

import io
import os
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from studio_kernel.domain.values import Value, describe

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL.Image import Image

CELL_INCHES = 1.7
DPI = 120


@dataclass(frozen=True)
class GridCell:
    """A picture, or the words that stand in its place."""

    image: Image | None
    note: str = ""


@dataclass(frozen=True)
class Grid:
    """Pictures by two axes.

    Attributes
    ----------
    row_name, column_name : str or None
        The axes; `None` = a single row or column.
    row_values, column_values : sequence
        Their values, in order.
    cells : mapping
        ``(row value, column value)`` → cell.
    title : str
        Above the grid.
    """

    row_name: str | None
    row_values: Sequence[Value]
    column_name: str | None
    column_values: Sequence[Value]
    cells: Mapping[tuple[Value, Value], GridCell]
    title: str = ""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.row_values), len(self.column_values)

    def figure(self) -> Figure:
        """Return the grid as a matplotlib figure."""
        from matplotlib.figure import Figure

        rows, columns = self.shape
        figure = Figure(figsize=(columns * CELL_INCHES + 1.2, rows * CELL_INCHES + 0.9), dpi=DPI, layout="constrained")
        figure.suptitle(_wrap(self.title, max(24, columns * 18)), fontsize=10)
        all_axes = figure.subplots(rows, columns, squeeze=False)
        for i, row in enumerate(self.row_values):
            for j, column in enumerate(self.column_values):
                self._draw(all_axes[i][j], self.cells.get((row, column), GridCell(None, "no such cell")))
            if self.row_name:
                all_axes[i][0].set_ylabel(self._label(self.row_name, row), fontsize=9)
        if self.column_name:
            for j, column in enumerate(self.column_values):
                all_axes[0][j].set_title(self._label(self.column_name, column), fontsize=9)
        return figure

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the grid to a file; the ending says the format (PNG, PDF, SVG …), and return its path."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        self.figure().savefig(target)
        return target

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.figure().savefig(buffer, format="png")
        return buffer.getvalue()

    @staticmethod
    def _label(name: str, value: Value) -> str:
        return _wrap(f"{name.replace('_', ' ')} {describe(value)}", 22)

    @staticmethod
    def _draw(axes: Axes, cell: GridCell) -> None:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(cell.image is None)
        if cell.image is not None:
            axes.imshow(cell.image, interpolation="nearest", aspect="equal")
        else:
            note = _wrap(cell.note, 20)
            axes.set_aspect("equal")
            axes.text(0.5, 0.5, note, ha="center", va="center", fontsize=7, transform=axes.transAxes)


def _wrap(text: str, width: int) -> str:
    # matplotlib reads $…$ as mathematics; a prompt is not
    return "\n".join(textwrap.wrap(text, width)).replace("$", r"\$")
