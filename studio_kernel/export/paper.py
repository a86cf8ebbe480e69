"""Where the pictures of a contact sheet lie: how large a page is, how many go across and down, how large they become.

Lengths are inches as they are before a sheet is fitted into its page; `Plan.scale` says what becomes of an inch. So
pictures and text shrink and grow together, and text is measured once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from studio_kernel.domain.presets import ExportPreset
from studio_kernel.errors import InvalidRequestError, Problem
from studio_kernel.grid.drawing import Canvas
from studio_kernel.grid.geometry import CELL_INCHES, panels_across

A4_INCHES = 210 / 25.4, 297 / 25.4
"""Of ISO 216, to the inch of 25.4 mm: the page of a PDF for which nothing else is said."""
SCREEN_DPI, PRINT_DPI = 120, 150
"""Where a preset says nothing. A PDF keeps pictures without loss: 200 photographs take 112 MB at 300 dpi."""
MARGIN, SPACE = 0.2, 0.12
FOOT = 0.2
"""Room for the number of a page."""
LARGEST = 2.0
"""A picture becomes at most so many times as large as `CELL_INCHES` on a page that has room for more."""
LEAST_CELL_PX = 24
"""Smaller ones could not be told from each other."""


@dataclass(frozen=True)
class Page:
    """A sheet of paper, or the bounds of a picture.

    Attributes
    ----------
    width, height : float
        Inches.
    dpi : float
        Dots per inch.
    """

    width: float
    height: float
    dpi: float


@dataclass(frozen=True)
class Tile:
    """What every place of a sheet has.

    Attributes
    ----------
    picture : float
        Height of the picture; its width is `CELL_INCHES`.
    caption : float
        Height of the lines below.
    """

    picture: float
    caption: float

    @property
    def height(self) -> float:
        """Of both."""
        return self.picture + self.caption


@dataclass(frozen=True)
class Plan:
    """How tiles lie on pages.

    Attributes
    ----------
    page : Page
        Each of them.
    across, down : int
        Tiles of a full page.
    scale : float
        Inches on the page for one of the sheet.
    """

    page: Page
    across: int
    down: int
    scale: float

    @property
    def cell_px(self) -> float:
        """Pixels that a picture has from side to side."""
        return CELL_INCHES * self.scale * self.page.dpi


def plan(
    count: int, tile: Tile, title: float, *, columns: int | None, preset: ExportPreset | None, pages: bool
) -> Plan:
    """Return how so many tiles lie on pages.

    Parameters
    ----------
    count : int
        Tiles, at least one.
    title : float
        Height of what stands above, inches.
    columns : int or None
        Tiles side by side; chosen when left out.
    preset : ExportPreset or None
        Its frame is the page where it fills one, and bounds it else.
    pages : bool
        Whether there may be several.

    Raises
    ------
    InvalidRequestError
        When less than 24 pixels would be left for a picture.
    """
    if columns is not None and columns < 1:
        raise InvalidRequestError([Problem("columns", f"{columns!r} is not at least 1")], "contact sheet")
    found = _on_pages(count, tile, title, columns, preset) if pages else _on_one(count, tile, title, columns, preset)
    if found.cell_px < LEAST_CELL_PX:
        problem = f"{count} pictures leave {found.cell_px:.0f} pixels for each"
        advice = "a .pdf gets several pages; else take fewer, or a larger preset"
        raise InvalidRequestError([Problem("runs", f"{problem}; {advice}")], "contact sheet")
    return found


def width_of(across: int) -> float:
    """Return the width of a sheet with so many tiles side by side."""
    return 2 * MARGIN + across * CELL_INCHES + (across - 1) * SPACE


def height_of(down: int, tile: Tile, title: float, foot: float = 0.0) -> float:
    """Return the height of a sheet with so many rows."""
    return 2 * MARGIN + title + foot + down * tile.height + (down - 1) * SPACE


def _on_one(count: int, tile: Tile, title: float, columns: int | None, preset: ExportPreset | None) -> Plan:
    """Fit everything on one page: that of the preset, or as large as it becomes."""
    if preset is not None and (frame := _frame(preset, SCREEN_DPI)) is not None:
        tries = [_fitted(count, tile, title, columns, page) for page in _turned(frame, preset)]
        return max(tries, key=lambda found: found.scale)
    across = min(columns or panels_across(count, CELL_INCHES + SPACE, tile.height + SPACE), count)
    down = math.ceil(count / across)
    width, height = width_of(across), height_of(down, tile, title)
    return Plan(Page(width, height, _dpi(width, height, preset, SCREEN_DPI)), across, down, 1.0)


def _on_pages(count: int, tile: Tile, title: float, columns: int | None, preset: ExportPreset | None) -> Plan:
    """Fit everything on one page if pictures stay as large as usual there; else on as many as it takes."""
    width, height = A4_INCHES
    page = _frame(preset, PRINT_DPI) if preset is not None else None
    page = page or Page(width, height, _dpi(width, height, preset, PRINT_DPI))
    usual = max(1, int((page.width - 2 * MARGIN + SPACE) / (CELL_INCHES + SPACE)))
    one = _fitted(count, tile, title, columns, page)
    across = min(columns or usual, count)
    scale = min(page.width / width_of(across), page.height / height_of(1, tile, title, FOOT), LARGEST)
    if one.scale >= scale:
        return one
    room = page.height / scale - height_of(0, tile, title, FOOT)
    return Plan(page, across, max(1, int(room / (tile.height + SPACE))), scale)


def _fitted(count: int, tile: Tile, title: float, columns: int | None, page: Page) -> Plan:
    """Return the number of columns that makes pictures largest on one page."""

    def tried(across: int) -> Plan:
        down = math.ceil(count / across)
        scale = min(page.width / width_of(across), page.height / height_of(down, tile, title), LARGEST)
        return Plan(page, across, down, scale)

    choices = [min(columns, count)] if columns else range(1, count + 1)
    return max((tried(across) for across in choices), key=lambda found: found.scale)


def _frame(preset: ExportPreset, dpi: int) -> Page | None:
    """Return the page that a preset wants filled; `None` when it only bounds."""
    if preset.fit == "inside" or preset.width is None or preset.height is None:
        return None
    dots = preset.dpi or dpi
    width, height = preset.width / dots, preset.height / dots
    return Page(width, height, Canvas(dpi=dots).dpi_for(width, height))


def _turned(page: Page, preset: ExportPreset) -> list[Page]:
    return [page, replace(page, width=page.height, height=page.width)] if preset.turns else [page]


def _dpi(width: float, height: float, preset: ExportPreset | None, usual: int) -> float:
    """Return the dots per inch at which a sheet stays within a preset, and within what can be drawn."""
    if preset is None:
        return Canvas(dpi=usual).dpi_for(width, height)
    bounds = [bound / side for bound, side in ((preset.width, width), (preset.height, height)) if bound is not None]
    return min([Canvas(dpi=preset.dpi or usual).dpi_for(width, height), *bounds])
