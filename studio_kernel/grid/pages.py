"""A grid as a file of figures: one for most formats, as many pages as it takes for PDF."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from studio_kernel.grid import drawing
from studio_kernel.grid.drawing import PAPER, SCREEN, Drawing, Sheet, SideText
from studio_kernel.grid.geometry import GAP, PAD

MAX_PAGE_INCHES = 200.0
"""14,400 units of 1/72 inch: ISO 32000-1:2008, annex C.2, and what readers hold to."""


def write(given: Drawing, path: Path) -> None:
    """Write a drawing in the format that the ending of `path` says.

    Raises
    ------
    OSError
        When it cannot be written.
    """
    import matplotlib as mpl

    # vector formats keep each picture by itself; composed, they would be one bitmap again
    with mpl.rc_context({"image.composite_image": False}):
        if path.suffix.lower() == ".pdf":
            _write_pdf(given, path)
        else:
            canvas = PAPER if path.suffix.lower() in (".svg", ".eps", ".ps") else SCREEN
            drawing.figure(given, canvas).savefig(path)


def _write_pdf(given: Drawing, path: Path) -> None:
    from matplotlib.backends.backend_pdf import PdfPages

    with PdfPages(path) as pdf:
        for page in split(given):
            pdf.savefig(drawing.draw(page))


def split(given: Drawing) -> Iterator[Sheet]:
    """Yield a drawing in sheets that fit a page: as it is, or by facet and by parts of rows and columns."""
    whole = drawing.sheet(given, PAPER, least_px=0)
    if max(whole.size) <= MAX_PAGE_INCHES:
        yield drawing.sheet(given, PAPER)
        return
    rows, columns = _fitting(whole)
    for title, cells in given.panels:
        for top in range(0, len(given.rows.places), rows):
            for left in range(0, len(given.columns.places), columns):
                part = [row[left : left + columns] for row in cells[top : top + rows]]
                yield drawing.sheet(
                    replace(
                        given,
                        panels=[(title, part)],
                        rows=_part(given.rows, top, rows),
                        columns=_part(given.columns, left, columns),
                    ),
                    PAPER,
                )


def _fitting(whole: Sheet) -> tuple[int, int]:
    """Return how many rows and columns a page holds, in parts of about the same size."""
    panel = whole.panel
    width, height = panel.cell[0] + GAP, panel.cell[1] + GAP
    room = MAX_PAGE_INCHES - 6 * PAD
    fit = (room - panel.top - whole.title_height) / height, (room - panel.left) / width
    counts = [(count, max(1, math.floor(most))) for count, most in zip(panel.counts, fit, strict=True)]
    rows, columns = (math.ceil(count / math.ceil(count / most)) for count, most in counts)
    return rows, columns


def _part(side: SideText, start: int, count: int) -> SideText:
    return replace(side, places=side.places[start : start + count])
