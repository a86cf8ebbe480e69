"""A labelled grid of the pictures of a sweep: shown in a notebook, saved as a figure, a page or a film."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from studio_kernel.domain.sweep import Sweep
from studio_kernel.domain.values import AssetRef, Value
from studio_kernel.errors import HomeError, InvalidRequestError, Problem
from studio_kernel.grid import drawing, pages
from studio_kernel.grid.cells import GridCell, Picture
from studio_kernel.grid.drawing import NOTEBOOK, SCREEN, Drawing, SideText
from studio_kernel.grid.labels import axis_label, value_label, value_labels
from studio_kernel.grid.layout import Layout, Names, Place, Side, arrange

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURES = (".png", ".pdf", ".svg", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".eps", ".ps")


def is_page(path: Path) -> bool:
    """Whether what is saved at `path` is a page and no figure: a folder, or ``.html``.

    Raises
    ------
    InvalidRequestError
        For an unknown ending.
    """
    ending = path.suffix.lower()
    if ending in ("", ".html", ".htm") or path.is_dir():
        return True
    if ending not in FIGURES:
        problem = f"{path.name!r} has no known ending; use .png, .pdf, .svg, .html, or a folder"
        raise InvalidRequestError([Problem("path", problem)], "grid")
    return False


@dataclass(frozen=True)
class Grid:
    """The pictures of a sweep, with axes as rows, columns and facets.

    Made by `SweepRun.grid`, not by hand.

    Attributes
    ----------
    sweep : Sweep
        Its axes and rules.
    cells : mapping
        The values of all axes, in the sweep's order → what is there.
    layout : Layout
        Where each axis goes.
    inputs : mapping
        Pictures that are values of axes, for labels of a page.
    """

    sweep: Sweep
    cells: Mapping[Place, GridCell]
    layout: Layout
    inputs: Mapping[AssetRef, Picture] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of one facet."""
        return len(self.rows), len(self.columns)

    @cached_property
    def rows(self) -> tuple[Place, ...]:
        """The values of the axes that go down, a combination each."""
        return self.layout.values("rows")

    @cached_property
    def columns(self) -> tuple[Place, ...]:
        """The values of the axes that go across."""
        return self.layout.values("columns")

    @cached_property
    def facets(self) -> tuple[Place, ...]:
        """The values of the axes that have a panel each."""
        return self.layout.values("facets")

    @property
    def title(self) -> str:
        """What all cells share: the prompt, and the values of axes that are shown at one value only."""
        base, axes = self.sweep.base, self.sweep.axes
        prompt = "" if "prompt" in axes else base.prompt
        shown = [*self.layout.fixed.items()]
        parts = [prompt or ("" if "model" in axes else base.model)]
        parts += [f"{axis_label(name)} {value_label(value)}" for name, value in shown if len(axes[name]) > 1]
        parts += [f"{axis_label(name)} differs" for name in self.layout.following]
        return " · ".join(filter(None, parts))

    def cell(self, row: object = (), column: object = (), facet: object = ()) -> GridCell:
        """Return what is at a row and a column, also when nothing is there.

        Parameters
        ----------
        row, column, facet
            A value, or a tuple of them where a side has several axes.
        """
        places: dict[Side, Place] = {
            "rows": self._place("rows", row),
            "columns": self._place("columns", column),
            "facets": self._place("facets", facet),
        }
        return self._at(places)

    def figure(self) -> Figure:
        """Return the grid as a matplotlib figure, in as many pixels as fit 40 million."""
        return drawing.figure(self.drawing(), SCREEN)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the grid and return the path of what was written.

        The ending says what: ``.png``, ``.pdf``, ``.svg`` and whatever else matplotlib writes; ``.html`` or a folder
        (no ending) for a page in which the axes can be swapped, see `save_html`.

        Pictures of very many cells become smaller: a figure has at most 40 million pixels and 32,000 on a side. A PDF
        that would be wider or higher than 200 inches, which is what the format allows, gets several pages.

        Raises
        ------
        InvalidRequestError
            For an unknown ending, or when less than 6 pixels would be left for a cell.
        HomeError
            When it cannot be written.
        """
        target = Path(path)
        if is_page(target):
            return self.save_html(target)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            pages.write(self.drawing(), target)
        except OSError as error:
            raise HomeError(f"cannot write the grid to {str(target)!r}: {error.strerror or error}") from error
        return target

    def save_html(self, folder: str | os.PathLike[str]) -> Path:
        """Write a page with all cells of the sweep and their files, and return its path.

        It opens from disk and from any web host, fetches nothing from elsewhere, and lets its reader place the axes.

        Parameters
        ----------
        folder : path
            Gets ``index.html`` and everything beside it. A name that ends in ``.html`` is the page itself, and what
            belongs to it goes into a folder beside it that is named after it.

        Raises
        ------
        HomeError
            When it cannot be written.
        """
        from studio_kernel.grid.page import write_page

        return write_page(self, Path(folder))

    def film(self, over: Names, path: str | os.PathLike[str], *, fps: float = 4.0) -> Path:
        """Write a film that runs along axes, with a label in each frame, and return its path.

        Parameters
        ----------
        over : str or sequence of str
            Axes that are not placed; several run like the digits of a counter, the last one fastest.
        path : path
            Ends in ``.gif`` or ``.mp4``.
        fps : float
            Frames a second.

        Raises
        ------
        InvalidRequestError
            For an unknown ending, an axis that is placed, or a rate that is not above 0.
        HomeError
            When it cannot be written.
        """
        from studio_kernel.grid.film import write_film

        return write_film(self._frames(over), Path(path), fps)

    def drawing(self, frame: Place = ()) -> Drawing:
        """Return everything a figure of it shows."""
        panels = [(self._place_label("facets", facet), self._panel(facet, frame)) for facet in self.facets]
        title = " · ".join(filter(None, (self.title, self._place_label("frames", frame))))
        return Drawing(panels, self._side("rows", self.rows), self._side("columns", self.columns), title)

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        drawing.figure(self.drawing(), NOTEBOOK).savefig(buffer, format="png")
        return buffer.getvalue()

    def __repr__(self) -> str:
        rows, columns = self.shape
        facets = f", {len(self.facets)} facets" if self.layout.sides["facets"] else ""
        return f"<Grid: {rows} × {columns} cells{facets}; {self.title}>"

    def _frames(self, over: Names) -> Iterator[Drawing]:
        """Yield the drawing of every frame."""
        sides, at = self.layout.sides, self.layout.at
        layout = arrange(self.sweep, sides["rows"], sides["columns"], sides["facets"], at, over)
        grid = replace(self, layout=layout)
        for frame in layout.values("frames"):
            yield grid.drawing(frame)

    def _panel(self, facet: Place, frame: Place) -> list[list[GridCell]]:
        return [
            [self._at({"rows": row, "columns": column, "facets": facet, "frames": frame}) for column in self.columns]
            for row in self.rows
        ]

    def _at(self, places: Mapping[Side, Place]) -> GridCell:
        coordinates, exists = self.layout.coordinates(places)
        if not exists:
            return GridCell("no such point", coordinates=coordinates)
        cell = self.cells.get(tuple(coordinates[name] for name in self.sweep.axes))
        return cell or self.left_out(coordinates)

    def left_out(self, coordinates: Mapping[str, Value]) -> GridCell:
        """Return what stands where a rule has left a cell out."""
        try:
            rule = self.sweep.left_out_by(coordinates)
        except ValueError as error:
            return GridCell("invalid", str(error), coordinates=coordinates)
        note = f"by the rule “{rule.text}”" if rule else ""
        return GridCell("left out" if rule else "no such point", note, coordinates=coordinates)

    def _place(self, side: Side, given: object) -> Place:
        names = self.layout.sides[side]
        place = given if isinstance(given, tuple) and len(names) != 1 else (given,)
        if place == ((),) or len(place) != len(names):
            if not names and place in ((), ((),), (None,)):
                return ()
            told = f"{given!r} is no place along the {side}, which are {', '.join(names) or 'none'}"
            raise InvalidRequestError([Problem(side, told)], "grid")
        return place

    def _side(self, side: Side, places: tuple[Place, ...]) -> SideText:
        names = self.layout.sides[side]
        return SideText(
            [axis_label(name) for name in names],
            [[self.labels[n][v] for n, v in zip(names, place, strict=True)] for place in places],
        )

    def _place_label(self, side: Side, place: Place) -> str:
        names = self.layout.sides[side] if place else ()
        return " · ".join(f"{axis_label(n)} {self.labels[n][v]}" for n, v in zip(names, place, strict=True))

    @cached_property
    def labels(self) -> dict[str, dict[Value, str]]:
        """The label of every value of every axis."""
        return {name: dict(zip(values, value_labels(values), strict=True)) for name, values in self.sweep.axes.items()}
