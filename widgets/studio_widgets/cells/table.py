"""What a table of cells shows: labels, and in each place a result or why there is none; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from studio_kernel.outcome import Outcome
from studio_widgets.records import pictured

MOST_CELLS = 2_000
"""In one table; more would be a page that nobody can look through, and a slow one."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One place of a table.

    Attributes
    ----------
    run : str
        Id of its run; empty when it has none.
    status : str
        Of the run; ``planned``, ``invalid``, ``left out`` or ``no such point`` without one.
    title : str
        The coordinates in words.
    note : str
        Why there is no picture.
    key : str
        Digest of the file that is pictured; empty when there is none.
    files : int
        How many files the run made.
    kind : str
        What they are: ``image``, ``video`` or ``audio``.
    number : str
        The metric that is shown, in words; empty when there is none.
    shade : float or None
        Where that stands between the smallest (0) and the largest (1).
    """

    run: str
    status: str
    title: str
    note: str = ""
    key: str = ""
    files: int = 0
    kind: str = ""
    number: str = ""
    shade: float | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """What the colours of cells stand for.

    Attributes
    ----------
    label : str
        What is measured, with its unit.
    low, high : str
        The numbers of the first and the last colour.
    colours : tuple of str
        From `low` to `high`, for CSS.
    """

    label: str
    low: str
    high: str
    colours: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Cells in rows and columns.

    Attributes
    ----------
    across, down : str
        What the columns and the rows are, in words.
    columns, rows : tuple of str
        Their labels.
    tiles : tuple of Tile
        Row by row.
    too_many : str
        Why there are none although there could be.
    scale : Scale or None
        What the colours of the cells stand for.
    flows : bool
        Whether the cells stand one after the other, as many in a row as there is room for; there are no labels then,
        and every cell has its title below it.
    """

    across: str
    down: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    tiles: tuple[Tile, ...]
    too_many: str = ""
    scale: Scale | None = None
    flows: bool = False


def too_large(rows: int, columns: int) -> str:
    """Return why a table of this size is not shown; empty when it is."""
    cells = rows * columns
    return (
        f"{cells:,} cells are more than the {MOST_CELLS:,} that are shown at once: put an axis on pages, or show one "
        "value of it"
        if cells > MOST_CELLS
        else ""
    )


def tile(outcome: Outcome, title: str) -> Tile:
    """Return what stands for a cell of a sweep."""
    record = outcome.record
    picture = pictured(record)
    assets = record.assets if record else ()
    first = picture or (assets[0] if assets else None)
    return Tile(
        run=record.id if record else "",
        status=outcome.status,
        title=title,
        note=outcome.error,
        key=picture.sha256 if picture else "",
        files=len(assets),
        kind=first.media_type.split("/")[0] if first else "",
    )


def counted(outcomes: Mapping[str, int]) -> str:
    """Return how many cells stand how, in words."""
    order = ("succeeded", "running", "queued", "failed", "cancelled", "planned", "invalid")
    names = {"running": "at work", "queued": "waiting", "succeeded": "done", "planned": "not begun"}
    return ", ".join(f"{outcomes[each]:,} {names.get(each, each)}" for each in order if outcomes.get(each))
