"""Sizes in a figure: how wide labels are, where panels and cells lie, how many pixels a picture gets.

Lengths are inches, from the top left corner. What is told apart: `Panel` is one table of cells with its labels, `Sheet`
is one or more of them under a title.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.backends.backend_agg import RendererAgg

CELL_INCHES = 1.7
GAP = 0.05
PAD = 0.12
LABEL_INCHES = 1.6
"""The most that a row label, or a turned column label, gets."""
LINE = 1.25
"""Line height over font size."""
MAX_LINES = 3


@lru_cache(maxsize=1)
def _renderer() -> RendererAgg:
    from matplotlib.backends.backend_agg import RendererAgg

    return RendererAgg(8, 8, 72)  # type: ignore[no-untyped-call]  # at 72 dpi a pixel is a point


@lru_cache(maxsize=20_000)
def text_inches(text: str, points: float) -> float:
    """Return the width of a line of text."""
    from matplotlib.font_manager import FontProperties

    from studio_kernel.fonts import font_families

    font = FontProperties(family=font_families(), size=points)
    width, _, _ = _renderer().get_text_width_height_descent(text, font, ismath=False)  # type: ignore[no-untyped-call]
    return float(width) / 72


def wrapped(text: str, width: float, points: float, lines: int = MAX_LINES) -> list[str]:
    """Return `text` in lines of at most `width` inches, the last one cut short when there are more than `lines`."""
    found: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if text_inches(longer, points) <= width:
            line = longer
            continue
        found += [line] if line else []
        *whole, line = _pieces(word, width, points)
        found += whole
        if len(found) > lines:
            break
    found += [line] if line else []
    if len(found) > lines:
        found = [*found[: lines - 1], _cut(f"{found[lines - 1]} {found[lines]}", width, points)]
    return found or [""]


def fits(text: str, width: float, points: float, lines: int = MAX_LINES) -> bool:
    """Whether `text` can be wrapped without breaking a word."""
    if any(text_inches(word, points) > width for word in text.split()):
        return False
    return len(wrapped(text, width, points, lines + 1)) <= lines


def _pieces(word: str, width: float, points: float) -> list[str]:
    """Return a word, broken where it is too long for a line."""
    pieces = []
    while text_inches(word, points) > width and len(word) > 1:
        size = max(1, min(len(word) - 1, int(len(word) * width / text_inches(word, points))))
        pieces.append(word[:size])
        word = word[size:]
        if len(pieces) > 20:
            break
    return [*pieces, word]


def _cut(text: str, width: float, points: float) -> str:
    text = text[:400]
    while text and text_inches(f"{text}…", points) > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def line_inches(points: float, lines: int = 1) -> float:
    """Return the height of lines of text."""
    return lines * points * LINE / 72


@dataclass(frozen=True)
class Fonts:
    """Sizes of text, in points."""

    label: float

    @property
    def title(self) -> float:
        """Of the title."""
        return self.label * 1.15

    @property
    def note(self) -> float:
        """Inside a cell."""
        return self.label * 0.8

    @property
    def name(self) -> float:
        """Of the names of axes."""
        return self.label * 0.85


@dataclass(frozen=True)
class Level:
    """One axis along a side: its name, and how its labels are set.

    Attributes
    ----------
    labels : list of str
        One for each place along the side.
    size : float
        Height of a level of columns, or width of one of rows; without its name.
    turned : bool
        Whether the labels are turned by 90°.
    """

    name: str
    labels: list[str]
    size: float
    turned: bool = False


@dataclass(frozen=True)
class Panel:
    """A table of cells.

    Attributes
    ----------
    rows, columns : list of Level
        Labels on the left and above.
    counts : tuple of int
        Rows and columns.
    cell : tuple of float
        Width and height of a cell.
    """

    rows: list[Level]
    columns: list[Level]
    counts: tuple[int, int]
    cell: tuple[float, float]
    fonts: Fonts
    has_title: bool

    @property
    def left(self) -> float:
        """Width of the row labels."""
        return sum(level.size + PAD for level in self.rows)

    @property
    def top(self) -> float:
        """Height of the panel's title and the column labels."""
        name = line_inches(self.fonts.name)
        title = line_inches(self.fonts.label) + GAP if self.has_title else 0.0
        names_of_rows = name if self.rows and not self.columns else 0.0
        return title + names_of_rows + sum(level.size + name + GAP for level in self.columns)

    @property
    def width(self) -> float:
        """With labels."""
        return self.left + self.counts[1] * (self.cell[0] + GAP)

    @property
    def height(self) -> float:
        """With labels."""
        return self.top + self.counts[0] * (self.cell[1] + GAP)


def column_level(name: str, labels: list[str], spans: Sequence[int], cell_width: float, fonts: Fonts) -> Level:
    """Return a level of labels above columns, turned where they do not fit.

    Parameters
    ----------
    spans : sequence of int
        How many columns the label at each place stands over.
    """
    widths = [span * (cell_width + GAP) - GAP for span in spans]
    if all(fits(label, width, fonts.label) for label, width in zip(labels, widths, strict=True)):
        lines = max(
            (len(wrapped(label, width, fonts.label)) for label, width in zip(labels, widths, strict=True)), default=1
        )
        return Level(name, labels, line_inches(fonts.label, lines))
    longest = max(text_inches(label, fonts.label) for label in labels)
    return Level(name, labels, min(longest, LABEL_INCHES) + GAP, turned=True)


def row_level(name: str, labels: list[str], fonts: Fonts) -> Level:
    """Return a level of labels beside rows."""
    longest = max((text_inches(label, fonts.label) for label in labels), default=0.0)
    return Level(name, labels, max(min(longest, LABEL_INCHES), min(text_inches(name, fonts.name), LABEL_INCHES)))


def panels_across(count: int, width: float, height: float) -> int:
    """Return how many panels stand side by side, so that the whole comes near to 4 : 3."""

    def shape(across: int) -> float:
        return abs(math.log(across * width / (math.ceil(count / across) * height) / (4 / 3)))

    return min(range(1, count + 1), key=shape)
