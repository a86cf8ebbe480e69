"""A grid as a folder: a page in which every axis can be placed anew, its data, the pictures.

The page is plain HTML, CSS and JavaScript beside this module; the data is a script file, since a page opened from disk
may not fetch. It holds all cells of the sweep, and reads their places as `studio_kernel.grid.layout` does. Text of
people is data all the way: the page puts it on screen as text, never as markup.
"""

from __future__ import annotations

import html
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from studio_kernel.domain.values import AssetRef, Json, Value
from studio_kernel.errors import HomeError
from studio_kernel.grid.cells import GridCell, Picture
from studio_kernel.grid.drawing import median_aspect
from studio_kernel.grid.labels import axis_label, value_label
from studio_kernel.grid.layout import Points, points_of

if TYPE_CHECKING:
    from studio_kernel.grid.grid import Grid

PAGE = "page.html"
BESIDE = ("page.css", "page.js")
SMALL_PX = 192
"""Pictures up to this size are their own thumbnails."""
MOST_EMPTY = 20_000
"""Cells that rules have left out of which the page knows the rule; beyond, it says only that a rule did."""


def write_page(
    grid: Grid,
    target: Path,
    *,
    title: str | None = None,
    wording: Callable[[Json], Json] = lambda data: data,
    progress: bool = True,
) -> Path:
    """Write a page and return its path; see `Grid.save_html`.

    Parameters
    ----------
    title : str
        Above it; the prompt when left out.
    wording : callable
        Returns the data of the page as they may be read.
    progress : bool
        Show a bar when it takes longer than a moment.
    """
    is_page = target.suffix.lower() in (".html", ".htm")
    page = target if is_page else target / "index.html"
    folder = target.with_name(f"{target.stem}_files") if is_page else target
    try:
        (folder / "files").mkdir(parents=True, exist_ok=True)
        for name in BESIDE:
            shutil.copyfile(Path(__file__).with_name(name), folder / name)
        base = f"{folder.name}/" if is_page else ""
        data = wording(_data(grid, folder, base, title, progress=progress))
        (folder / "data.js").write_text(_script(data), encoding="ascii")
        markup = Path(__file__).with_name(PAGE).read_text(encoding="utf-8")
        page.write_text(markup.replace("{base}", html.escape(base)), encoding="utf-8")
    except OSError as error:
        raise HomeError(f"cannot write the page to {str(target)!r}: {error.strerror or error}") from error
    return page


def _data(grid: Grid, folder: Path, base: str, title: str | None, *, progress: bool) -> Json:
    from tqdm.auto import tqdm

    sweep, layout = grid.sweep, grid.layout
    groups = points_of(sweep)
    places = {name: {value: i for i, value in enumerate(values)} for name, values in sweep.axes.items()}
    numbers = {name: number for number, name in enumerate(sweep.axes)}
    rules: dict[str, int] = {}
    empty: dict[str, Json] = {}
    cells: dict[str, Json] = {}
    numbered = enumerate(product(*(group.points for group in groups)))
    bar = tqdm(numbered, desc="export", unit="cell", delay=0.5, total=sweep.full_size, disable=not progress)
    for number, points in bar:
        coordinates = tuple(value for point in points for value in point)
        cell = grid.cells.get(coordinates)
        if cell is not None:
            cells[str(number)] = _cell(cell, folder, base)
        elif len(empty) < MOST_EMPTY:
            reason = grid.left_out(dict(zip(sweep.axes, coordinates, strict=True))).reason
            empty[str(number)] = rules.setdefault(reason, len(rules))
        elif len(cells) == len(grid.cells):
            break
    return {
        "title": title or (sweep.base.prompt if "prompt" not in sweep.axes else sweep.base.model),
        "axes": [
            {"label": axis_label(name), "values": [_value(grid, name, value, folder, base) for value in values]}
            for name, values in sweep.axes.items()
        ],
        "groups": [
            {
                "axes": [numbers[name] for name in group.names],
                "points": [[places[n][v] for n, v in zip(group.names, point, strict=True)] for point in group.points],
            }
            for group in groups
        ],
        "cells": cells,
        "empty": empty,
        "reasons": list(rules),
        "sides": {side: [numbers[name] for name in _leading(names, groups)] for side, names in layout.sides.items()},
        "at": {str(numbers[name]): places[name][value] for name, value in layout.fixed.items()},
        "aspect": median_aspect(grid.drawing()),
    }


def _leading(names: Sequence[str], groups: Sequence[Points]) -> list[str]:
    """Return the axes of a side without those that follow from the ones before them, and go where those go."""
    leading: list[str] = []
    for name in names:
        group = next(group for group in groups if name in group.names)
        if not group.follows(name, [other for other in leading if other in group.names]):
            leading.append(name)
    return leading


def _cell(cell: GridCell, folder: Path, base: str) -> Json:
    return {
        "status": cell.status,
        "note": cell.note,
        "run": cell.run_id,
        "files": [copied for picture in cell.pictures for copied in _copied(picture, folder, base)],
    }


def _value(grid: Grid, name: str, value: Value, folder: Path, base: str) -> Json:
    picture = grid.inputs.get(value) if isinstance(value, AssetRef) else None
    shown: dict[str, Json] = {"label": grid.labels[name][value], "full": value_label(value)}
    if picture is not None:
        shown["files"] = list(_copied(picture, folder, base))
    return shown


def _copied(picture: Picture, folder: Path, base: str) -> Iterator[Json]:
    """Copy a file and its thumbnail, unless they are there from an earlier export; nothing for one that is missing."""
    if not picture.path.is_file():
        return
    names: dict[str, Json] = {"type": picture.media_type, "file": "", "thumbnail": ""}
    is_small = picture.is_image and 0 < max(picture.width or 0, picture.height or 0) <= SMALL_PX
    for kind, source in (("file", picture.path), ("thumbnail", None if is_small else picture.thumbnail)):
        if source is None:
            continue
        target = folder / "files" / source.name  # named by the digest of its bytes
        if not target.is_file() or target.stat().st_size != source.stat().st_size:
            shutil.copyfile(source, target)
        names[kind] = f"{base}files/{source.name}"
    yield names


def _script(data: Json) -> str:
    # only ASCII, and "<" escaped: no text can end the script it stands in, or be read in another encoding
    return "window.STUDIO = " + json.dumps(data, separators=(",", ":")).replace("<", "\\u003c") + ";\n"
