"""A grid as a matplotlib figure: one set of axes in inches, a picture a cell.

One set and not one for each cell, because making and laying out 1,600 of them takes minutes. Text is never read as
mathematics. A figure has as many pixels as a `Canvas` allows; its cells become smaller, never fewer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from studio_kernel.errors import InvalidInputError, InvalidRequestError, Problem
from studio_kernel.grid.cells import GridCell, Picture
from studio_kernel.grid.geometry import (
    CELL_INCHES,
    GAP,
    LABEL_INCHES,
    PAD,
    Fonts,
    Level,
    Panel,
    column_level,
    line_inches,
    panels_across,
    row_level,
    text_inches,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABEL_POINTS = 9.0
READABLE_PX = 9.0
"""Height of label text below which it grows, as far as its cell has room."""
LEAST_CELL_PX = 6
ASPECTS = (0.4, 2.5)


@dataclass(frozen=True)
class Canvas:
    """How large a figure may be.

    Attributes
    ----------
    dpi : float
        Dots per inch where there is room.
    max_px : int
        Pixels of the whole: at 4 bytes each, drawing needs about three times that.
    max_side_px : int
        Pixels of one side. Agg, which draws for matplotlib, takes up to 65,535; many viewers less.
    """

    dpi: float = 120.0
    max_px: int = 40_000_000
    max_side_px: int = 32_000

    def dpi_for(self, width: float, height: float) -> float:
        """Return the dots per inch at which a figure of so many inches has room."""
        return min(
            self.dpi,
            math.sqrt(self.max_px / (width * height)),
            self.max_side_px / width,
            self.max_side_px / height,
        )


SCREEN = Canvas()
NOTEBOOK = Canvas(max_px=4_000_000)
PAPER = Canvas(dpi=300.0)


@dataclass(frozen=True)
class SideText:
    """The labels along one side: the names of its axes, the outermost first; for each place, a label of each."""

    names: Sequence[str]
    places: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Drawing:
    """Everything a figure shows.

    Attributes
    ----------
    panels : sequence of (title, cells)
        A facet each; cells by row and column.
    rows, columns : SideText
        Labels, the same for every panel.
    title : str
        Above.
    aspect : float
        Height of a cell over its width; 0 = as the pictures have it.
    title_lines : int
        The least room for the title. Frames of a film all have the same.
    """

    panels: Sequence[tuple[str, Sequence[Sequence[GridCell]]]]
    rows: SideText
    columns: SideText
    title: str
    aspect: float = 0.0
    title_lines: int = 0


@dataclass(frozen=True)
class Sheet:
    """A drawing with all its sizes."""

    drawing: Drawing
    panel: Panel
    across: int
    dpi: float
    title: list[str]
    title_height: float

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the figure, inches."""
        return _size(self.panel, len(self.drawing.panels), self.across, self.title_height)

    def corner(self, number: int) -> tuple[float, float]:
        """Return the top left corner of a panel."""
        down, right = divmod(number, self.across)
        return PAD + right * (self.panel.width + 2 * PAD), PAD + self.title_height + down * (
            self.panel.height + 2 * PAD
        )


def sheet(drawing: Drawing, canvas: Canvas = SCREEN, least_px: float = LEAST_CELL_PX) -> Sheet:
    """Return the sizes of a drawing.

    Raises
    ------
    InvalidRequestError
        When there is not room for `least_px` pixels a cell.
    """
    points = LABEL_POINTS
    for _ in range(2):  # labels that grow need room, which can cost some dots per inch again
        made = _sheet(drawing, points, canvas)
        points = max(points, min(READABLE_PX * 72 / made.dpi, made.panel.cell[1] * 72 * 0.5))
    cell_px = min(made.panel.cell) * made.dpi
    if cell_px < least_px:
        rows, columns = made.panel.counts
        problem = f"{len(drawing.panels)} × {rows} × {columns} cells leave {cell_px:.1f} pixels for each"
        advice = "save it as .html or .pdf, or choose some with at="
        raise InvalidRequestError([Problem("grid", f"{problem}; {advice}")], "grid")
    return made


def figure(drawing: Drawing, canvas: Canvas = SCREEN) -> Figure:
    """Return a drawing as a figure.

    Raises
    ------
    InvalidRequestError
        When its cells would be smaller than 6 pixels.
    """
    return draw(sheet(drawing, canvas))


def draw(made: Sheet) -> Figure:
    """Return the figure of a sheet."""
    from studio_kernel.figures import NotebookFigure

    width, height = made.size
    drawn = NotebookFigure(figsize=(width, height), dpi=made.dpi)
    axes = drawn.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    pen = Pen(axes, made.dpi)
    pen.text(width / 2, PAD, "\n".join(made.title), made.panel.fonts.title, va="top")
    for number, (title, cells) in enumerate(made.drawing.panels):
        _draw_panel(pen, made, made.corner(number), title, cells)
    return drawn


@dataclass(frozen=True)
class Pen:
    """Draws on axes whose units are inches, from the top left."""

    axes: Axes
    dpi: float

    def text(self, x: float, y: float, text: str, points: float, **options: Any) -> None:
        """Write text."""
        from studio_kernel.fonts import font_families

        options = {"ha": "center", "va": "center", "linespacing": 1.1, "family": font_families(), **options}
        self.axes.text(x, y, text, fontsize=points, parse_math=False, clip_on=False, **options)

    def picture(self, picture: Picture, left: float, top: float, width: float, height: float) -> None:
        """Draw a picture inside a box, as large as it fits."""
        import numpy as np
        from matplotlib.image import AxesImage

        shown = picture.image(max(1, round(max(width, height) * self.dpi)))
        if shown.mode not in ("RGB", "RGBA"):
            shown = shown.convert("RGBA" if "A" in shown.getbands() or "transparency" in shown.info else "RGB")
        scale = min(width / shown.width, height / shown.height)
        w, h = shown.width * scale, shown.height * scale
        x, y = left + (width - w) / 2, top + (height - h) / 2
        image = AxesImage(self.axes, extent=(x, x + w, y + h, y), interpolation="nearest", origin="upper")
        image.set_data(np.asarray(shown))
        image.set_clip_path(self.axes.patch)
        self.axes.add_image(image)

    def box(self, left: float, top: float, width: float, height: float) -> None:
        """Draw a frame."""
        from matplotlib.patches import Rectangle

        self.axes.add_patch(Rectangle((left, top), width, height, fill=False, edgecolor="0.7", linewidth=0.6))

    def line(self, x: Sequence[float], y: Sequence[float]) -> None:
        """Draw a thin line."""
        self.axes.plot(x, y, color="0.7", linewidth=0.6)


def _sheet(drawing: Drawing, points: float, canvas: Canvas) -> Sheet:
    fonts = Fonts(points)
    counts = len(drawing.rows.places), len(drawing.columns.places)
    cell = (CELL_INCHES, CELL_INCHES * min(max(drawing.aspect or median_aspect(drawing), ASPECTS[0]), ASPECTS[1]))
    columns = [column_level(name, labels, spans, cell[0], fonts) for name, labels, spans in _levels(drawing.columns)]
    rows = [row_level(name, labels, fonts) for name, labels, _ in _levels(drawing.rows)]
    has_titles = any(title for title, _ in drawing.panels)
    panel = Panel(rows, columns, counts, cell, fonts, has_titles)
    across = panels_across(len(drawing.panels), panel.width, panel.height)
    width = max(_size(panel, len(drawing.panels), across, 0)[0] - 2 * PAD, CELL_INCHES)
    title = wrapped(drawing.title, width, fonts.title, 4) if drawing.title else []
    lines = max(len(title), drawing.title_lines)
    title_height = line_inches(fonts.title, lines) + (PAD if lines else 0)
    return Sheet(
        drawing,
        panel,
        across,
        canvas.dpi_for(*_size(panel, len(drawing.panels), across, title_height)),
        title,
        title_height,
    )


def _size(panel: Panel, count: int, across: int, title_height: float) -> tuple[float, float]:
    down = math.ceil(count / across)
    width = across * (panel.width + 2 * PAD)
    return max(width, CELL_INCHES + 2 * PAD), down * (panel.height + 2 * PAD) + title_height


def _levels(side: SideText) -> Iterator[tuple[str, list[str], list[int]]]:
    """Yield each level of a side: its name, the label at each place, and how many places that label stands for."""
    for depth, name in enumerate(side.names):
        labels: list[str] = []
        spans: list[int] = []
        for run in _runs(side, depth):
            labels += [side.places[run[0]][depth]] * len(run)
            spans += [len(run)] * len(run)
        yield name, labels, spans


def _runs(side: SideText, depth: int) -> list[list[int]]:
    """Return the places, in runs that share a label at this depth; the innermost stand alone."""
    if depth == len(side.names) - 1:
        return [[place] for place in range(len(side.places))]
    keys = groupby(range(len(side.places)), key=lambda place: tuple(side.places[place][: depth + 1]))
    return [list(places) for _, places in keys]


def _draw_panel(
    pen: Pen, made: Sheet, corner: tuple[float, float], title: str, cells: Sequence[Sequence[GridCell]]
) -> None:
    panel, (left, top) = made.panel, corner
    if title:
        shown = wrapped(title, panel.width, panel.fonts.label, 1)[0]
        pen.text(left + panel.width / 2, top, shown, panel.fonts.label, va="top", weight="bold")
    x0, y0 = left + panel.left, top + panel.top
    _draw_columns(pen, made, x0, y0)
    _draw_rows(pen, made, left, y0)
    width, height = panel.cell
    for i, row in enumerate(cells):
        for j, cell in enumerate(row):
            _draw_cell(pen, cell, x0 + j * (width + GAP), y0 + i * (height + GAP), width, height, panel.fonts)


def _draw_columns(pen: Pen, made: Sheet, x0: float, y0: float) -> None:
    panel, step = made.panel, made.panel.cell[0] + GAP
    y = y0 - sum(level.size + line_inches(panel.fonts.name) + GAP for level in panel.columns)
    for depth, level in enumerate(panel.columns):
        middle = x0 + panel.counts[1] * step / 2
        pen.text(
            middle,
            y,
            _one(level.name, panel.counts[1] * step, panel.fonts.name),
            panel.fonts.name,
            va="top",
            color="0.4",
        )
        y += line_inches(panel.fonts.name)
        for run in _thinned(_runs(made.drawing.columns, depth), step, panel.fonts, level):
            x, width = x0 + run[0] * step, len(run) * step - GAP
            _draw_column_label(pen, level, level.labels[run[0]], x, y, width, panel.fonts)
            if len(run) > 1:
                pen.line([x, x + width], [y + level.size + GAP / 2] * 2)
        y += level.size + GAP


def _draw_column_label(pen: Pen, level: Level, label: str, x: float, y: float, width: float, fonts: Fonts) -> None:
    if level.turned:
        shown = wrapped(label, LABEL_INCHES, fonts.label, 1)[0]
        pen.text(x + width / 2, y + level.size, shown, fonts.label, va="bottom", rotation=90)
    else:
        pen.text(x + width / 2, y + level.size, "\n".join(wrapped(label, width, fonts.label)), fonts.label, va="bottom")


def _draw_rows(pen: Pen, made: Sheet, left: float, y0: float) -> None:
    panel, step = made.panel, made.panel.cell[1] + GAP
    x = left
    for depth, level in enumerate(panel.rows):
        right = x + level.size
        pen.text(
            right,
            y0 - GAP,
            _one(level.name, level.size + PAD, panel.fonts.name),
            panel.fonts.name,
            ha="right",
            va="bottom",
            color="0.4",
        )
        for run in _thinned(_runs(made.drawing.rows, depth), step, panel.fonts, level):
            y, height = y0 + run[0] * step, len(run) * step - GAP
            lines = max(1, min(8, int(height / line_inches(panel.fonts.label))))
            shown = "\n".join(wrapped(level.labels[run[0]], level.size + 0.02, panel.fonts.label, lines))
            pen.text(right, y + height / 2, shown, panel.fonts.label, ha="right", multialignment="right")
            if len(run) > 1:
                pen.line([right + PAD / 2] * 2, [y, y + height])
        x = right + PAD


def _thinned(runs: list[list[int]], step: float, fonts: Fonts, level: Level) -> list[list[int]]:
    """Return every n-th run where labels would lie over each other."""
    lies_across = level.turned or step < line_inches(fonts.label)
    every = max(1, math.ceil(line_inches(fonts.label) / (step * len(runs[0])))) if lies_across else 1
    return runs[::every]


def _one(text: str, width: float, points: float) -> str:
    return wrapped(text, max(width, text_inches("mmmm", points)), points, 1)[0]


def _draw_cell(pen: Pen, cell: GridCell, left: float, top: float, width: float, height: float, fonts: Fonts) -> None:
    pictures = [picture for picture in cell.pictures if picture.is_shown]
    try:
        _draw_pictures(pen, pictures, left, top, width, height)
    except (OSError, InvalidInputError) as error:
        pictures, cell = [], GridCell("unreadable", str(error))
    if pictures:
        return
    pen.box(left, top, width, height)
    media = ", ".join(dict.fromkeys(picture.media_type for picture in cell.pictures))
    lines = max(1, int(height / line_inches(fonts.note)) - 1)
    note = "\n".join(wrapped(media or cell.reason, width - 2 * GAP, fonts.note, lines))
    pen.text(left + width / 2, top + height / 2, note, fonts.note, color="0.35")


def _draw_pictures(pen: Pen, pictures: Sequence[Picture], left: float, top: float, width: float, height: float) -> None:
    """Draw several pictures of one run as a small table inside their cell."""
    across = math.ceil(math.sqrt(len(pictures)))
    down = math.ceil(len(pictures) / across) if across else 0
    for number, picture in enumerate(pictures):
        i, j = divmod(number, across)
        pen.picture(
            picture,
            left + j * width / across,
            top + i * height / down,
            width / across - (across > 1) * 0.02,
            height / down - (down > 1) * 0.02,
        )


def median_aspect(*drawings: Drawing) -> float:
    """Return the median height of the pictures over their width; 1 when nothing is known."""
    cells = (cell for drawing in drawings for _, rows in drawing.panels for row in rows for cell in row)
    shapes = sorted(
        picture.height / picture.width
        for cell in cells
        for picture in cell.pictures[:1]
        if picture.width and picture.height
    )
    return shapes[len(shapes) // 2] if shapes else 1.0
