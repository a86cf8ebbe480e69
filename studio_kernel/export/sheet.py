"""A contact sheet: small pictures of many runs under each other, each with what tells it from the others.

Drawn by matplotlib with the pen of the grid. A picture file is one page; a PDF has as many as it takes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio_kernel.assets.facts import file_facts
from studio_kernel.assets.frames import frames_at
from studio_kernel.contents import StoreOf, picture_of
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.presets import ExportPreset
from studio_kernel.domain.words import duration
from studio_kernel.errors import InvalidInputError, InvalidRequestError, Problem
from studio_kernel.export.captions import Shown
from studio_kernel.export.paper import FOOT, MARGIN, SPACE, Plan, Tile, plan, width_of
from studio_kernel.grid.cells import Picture
from studio_kernel.grid.drawing import ASPECTS, Pen
from studio_kernel.grid.geometry import CELL_INCHES, GAP, line_inches, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

ENDINGS = {".png": "png", ".jpg": "jpg", ".jpeg": "jpg", ".webp": "webp", ".pdf": "pdf"}
LABEL_POINTS, TITLE_POINTS = 7.5, 12.0
MOST_LINES = 9
"""Lines below a picture; a longer caption is cut."""
COMPRESSION = 1
"""Of zlib, 0 … 9: level 6 takes twice as long for a tenth less of a photograph."""
DARK = 0.4
"""Share of full light below which text on a background is light."""


@dataclass(frozen=True)
class Cell:
    """One place of a sheet.

    Attributes
    ----------
    shown : Shown
        The file, or the run without one.
    picture : Picture or None
        What is drawn; `None` when there is nothing to see.
    mark : str
        Written on the picture, such as the length of a video.
    reason : str
        Stands in place of a picture.
    lines : list of str
        Below.
    """

    shown: Shown
    picture: Picture | None
    mark: str
    reason: str
    lines: list[str]


def format_of(path: Path) -> str:
    """Return the format that the ending of a path says.

    Raises
    ------
    InvalidRequestError
        For an unknown ending.
    """
    found = ENDINGS.get(path.suffix.lower())
    if found is None:
        problem = f"{path.name!r} has no known ending; use {', '.join(ENDINGS)}"
        raise InvalidRequestError([Problem("path", problem)], "contact sheet")
    return found


def sheet(
    shown: Sequence[Shown],
    captions: Sequence[Sequence[str]],
    store_of: StoreOf,
    kind: str,
    *,
    columns: int | None = None,
    title: str = "",
    preset: ExportPreset | None = None,
) -> bytes:
    """Return a contact sheet as a file.

    Parameters
    ----------
    shown : sequence of Shown
        In the order in which they are read; at least one.
    captions : sequence of sequence of str
        The lines below each.
    store_of : callable
        Which store has a file.
    kind : {"png", "jpg", "webp", "pdf"}
        The format.
    columns : int or None
        How many side by side; chosen when left out.
    title : str
        Above every page.
    preset : ExportPreset or None
        Size, dots per inch, quality and background of a page.

    Raises
    ------
    InvalidRequestError
        When nothing is shown, or less than 24 pixels would be left for a picture.
    """
    if not shown:
        raise InvalidRequestError([Problem("runs", "there is nothing to show")], "contact sheet")
    cells = [_cell(each, lines, store_of) for each, lines in zip(shown, captions, strict=True)]
    tile = Tile(CELL_INCHES * _aspect(shown), max(_caption_inches(cell.lines) for cell in cells))
    paint = Paint(
        plan(len(cells), tile, _title_inches(title, 1), columns=columns, preset=preset, pages=kind == "pdf"),
        tile,
        title,
        preset.background if preset is not None else "#ffffff",
    )
    if len(paint.title_lines) > 1:  # the width of a page is known only now
        room = _title_inches(title, len(paint.title_lines))
        again = plan(len(cells), tile, room, columns=columns, preset=preset, pages=kind == "pdf")
        paint = replace(paint, plan=again)
    return _written(paint, cells, kind, preset)


@dataclass(frozen=True)
class Paint:
    """Everything that all pages of a sheet have in common."""

    plan: Plan
    tile: Tile
    title: str
    background: str

    @property
    def title_lines(self) -> list[str]:
        """The title as wide as the pictures together."""
        width = width_of(self.plan.across) - 2 * MARGIN
        return wrapped(self.title, width, TITLE_POINTS, 2) if self.title else []

    @property
    def ink(self) -> str:
        """The colour of text on the background."""
        from matplotlib.colors import to_rgb

        red, green, blue = to_rgb(self.background)
        return "0.1" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > DARK else "0.95"

    def page(self, cells: Sequence[Cell], number: int = 1, of: int = 1) -> Figure:
        """Return a page as a figure."""
        from matplotlib.figure import Figure

        page, scale = self.plan.page, self.plan.scale
        # a hair wider than asked, as matplotlib cuts a fraction of a pixel off
        drawn = Figure(figsize=(page.width + 1e-6, page.height + 1e-6), dpi=page.dpi, facecolor=self.background)
        drawn.suppressComposite = True  # in a PDF each picture stays by itself; composed, they would be one bitmap
        axes = drawn.add_axes((0, 0, 1, 1))
        width, height = page.width / scale, page.height / scale
        used = width_of(self.plan.across)
        left = (width - used) / 2
        axes.set(xlim=(-left, width - left), ylim=(height, 0))
        axes.set_axis_off()
        brush = Brush(Pen(axes, page.dpi * scale), scale, self.ink)
        lines = self.title_lines
        top = MARGIN + _title_inches(self.title, len(lines))
        brush.text(MARGIN, MARGIN, "\n".join(lines), TITLE_POINTS, weight="bold")
        for place, cell in enumerate(cells):
            down, across = divmod(place, self.plan.across)
            x, y = MARGIN + across * (CELL_INCHES + SPACE), top + down * (self.tile.height + SPACE)
            brush.cell(cell, x, y, self.tile.picture)
        if of > 1:
            brush.text(used - MARGIN, height - FOOT - MARGIN / 2, f"{number} of {of}", LABEL_POINTS, ha="right")
        return drawn


@dataclass(frozen=True)
class Brush:
    """Draws cells at the scale of a page."""

    pen: Pen
    scale: float
    ink: str

    def text(self, x: float, y: float, text: str, points: float, **options: Any) -> None:
        """Write text from its top left corner."""
        options = {"ha": "left", "va": "top", "color": self.ink, **options}
        self.pen.text(x, y, text, points * self.scale, **options)

    def cell(self, cell: Cell, x: float, y: float, height: float) -> None:
        """Draw a picture, or why there is none, and the lines below."""
        problem = cell.reason
        if cell.picture is not None:
            try:
                self.pen.picture(cell.picture, x, y, CELL_INCHES, height)
            except (OSError, SyntaxError, ValueError, InvalidInputError) as error:
                problem = f"unreadable: {error}"
        if problem:
            self.pen.box(x, y, CELL_INCHES, height)
            lines = max(1, int(height / line_inches(LABEL_POINTS)) - 1)
            note = "\n".join(wrapped(problem, CELL_INCHES - 4 * GAP, LABEL_POINTS, lines))
            middle = x + CELL_INCHES / 2, y + height / 2
            self.text(*middle, note, LABEL_POINTS, ha="center", va="center")
        elif cell.mark:
            plate = {"boxstyle": "round,pad=0.3", "facecolor": "black", "alpha": 0.7, "linewidth": 0}
            self.text(
                x + 2 * GAP, y + height - 2 * GAP, cell.mark, LABEL_POINTS, va="bottom", color="white", bbox=plate
            )
        self.text(x, y + height + GAP, "\n".join(_caption(cell.lines)), LABEL_POINTS)


def _cell(shown: Shown, lines: Sequence[str], store_of: StoreOf) -> Cell:
    """Return what stands for a file: a picture, a frame from the middle of a video, the name of a sound."""
    asset, record = shown.asset, shown.record
    if asset is None:
        reason = f"{record.status}: {record.error}" if record.error else f"{record.status}, no files"
        return Cell(shown, None, "", reason, list(lines))
    store = store_of(asset)
    if not store.has(asset):
        return Cell(shown, None, "", "the file is missing", list(lines))
    picture = picture_of(asset, store)
    if asset.is_a("image"):
        return Cell(shown, picture, "▶" if _moves(picture) else "", "", list(lines))
    seconds = file_facts(picture.path, asset.media_type).seconds
    length = "" if seconds is None else duration(seconds)
    if not asset.is_a("video"):
        named = f"♪ sound {picture.path.suffix.removeprefix('.')}"
        return Cell(shown, None, "", f"{named}, {length}" if length else named, list(lines))
    # without a thumbnail and a size: those of a video stand for its beginning
    middle = replace(picture, thumbnail=None, width=None, height=None, still=partial(_middle, picture.path, seconds))
    return Cell(shown, middle, f"▶ {length}".rstrip(), "", list(lines))


def _middle(path: Path, seconds: float | None) -> Image:
    return frames_at(path, [(seconds or 0.0) / 2])[0]


def _moves(picture: Picture) -> bool:
    """Whether a picture has several frames, of which the first is drawn."""
    from PIL import Image

    try:
        with Image.open(picture.path) as opened:
            return bool(getattr(opened, "is_animated", False))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False  # told where it is drawn


def _aspect(shown: Sequence[Shown]) -> float:
    """Return the median height of the pictures over their width, within bounds."""
    assets: list[Asset] = [each.asset for each in shown if each.asset is not None]
    shapes = sorted(asset.height / asset.width for asset in assets if asset.width and asset.height)
    return min(max(shapes[len(shapes) // 2] if shapes else 1.0, ASPECTS[0]), ASPECTS[1])


def _title_inches(title: str, lines: int) -> float:
    return line_inches(TITLE_POINTS, lines) + SPACE if title else 0.0


def _caption(lines: Sequence[str]) -> list[str]:
    """Return the lines of a caption as wide as a picture, a longer one over up to three."""
    found = [line for text in lines for line in wrapped(text, CELL_INCHES, LABEL_POINTS, 3)]
    return found if len(found) <= MOST_LINES else [*found[: MOST_LINES - 1], "…"]


def _caption_inches(lines: Sequence[str]) -> float:
    return GAP + line_inches(LABEL_POINTS, len(_caption(lines))) if lines else 0.0


def _written(paint: Paint, cells: Sequence[Cell], kind: str, preset: ExportPreset | None) -> bytes:
    buffer = io.BytesIO()
    if kind == "pdf":
        _write_pdf(paint, cells, buffer)
    else:
        quality = {"quality": preset.quality if preset is not None else 90}
        options = {"compress_level": COMPRESSION} if kind == "png" else quality
        paint.page(cells).savefig(buffer, format=kind, pil_kwargs=options)
    return buffer.getvalue()


def _write_pdf(paint: Paint, cells: Sequence[Cell], buffer: io.BytesIO) -> None:
    from matplotlib.backends.backend_pdf import PdfPages

    pages = list(_parts(cells, paint.plan.across * paint.plan.down))
    with PdfPages(buffer, metadata={"Title": paint.title or "Contact sheet"}) as pdf:
        for number, part in enumerate(pages, 1):
            pdf.savefig(paint.page(part, number, len(pages)))


def _parts(cells: Sequence[Cell], size: int) -> Iterator[Sequence[Cell]]:
    for start in range(0, len(cells), size):
        yield cells[start : start + size]
