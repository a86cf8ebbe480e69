"""What a grid and the statistics take of a sweep: its pictures by cell, its axes, the labels of their values.

Joins cells, records and files; grids and statistics themselves know none of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeAlias

from studio_kernel.assets import AssetStore
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.sweep import Sweep
from studio_kernel.domain.values import AssetRef, Value, asset_refs
from studio_kernel.effects.design import Axis
from studio_kernel.grid.cells import GridCell, Picture
from studio_kernel.grid.labels import value_labels
from studio_kernel.grid.layout import Points, points_of
from studio_kernel.outcome import Outcome, text_of

StoreOf: TypeAlias = Callable[[Asset], AssetStore]


def grid_cells(outcomes: Iterable[Outcome], sweep: Sweep, store_of: StoreOf) -> dict[tuple[Value, ...], GridCell]:
    """Return what a grid shows of every cell."""
    return {
        tuple(outcome.cell.coordinates[name] for name in sweep.axes): _grid_cell(outcome, store_of)
        for outcome in outcomes
    }


def inputs(sweep: Sweep, store: AssetStore) -> dict[AssetRef, Picture]:
    """Return the pictures that are values of axes, as far as the store has them."""
    refs = {ref for values in sweep.axes.values() for value in values for ref in asset_refs(value)}
    return {
        ref: Picture(store.path(ref), ref.media_type, store.thumbnail(ref), still=partial(store.still, ref))
        for ref in refs
        if store.has(ref)
    }


def picture_of(asset: Asset, store: AssetStore) -> Picture:
    """Return a stored file as it is drawn."""
    if not store.has(asset):  # a file that somebody took away is a note in its place, not the end of the grid
        return Picture(store.root / asset.sha256, asset.media_type, None, asset.width, asset.height)
    return Picture(
        store.path(asset),
        asset.media_type,
        store.thumbnail(asset),
        asset.width,
        asset.height,
        partial(store.still, asset),
    )


def axes_of(sweep: Sweep) -> list[Axis]:
    """Return the axes of a sweep as statistics see them: those that never change alone are one."""
    return [axis for group in points_of(sweep) for axis in _axes_of(group)]


def labels_of(sweep: Sweep) -> dict[str, dict[object, str]]:
    """Return what plots write for the values of text axes, as they stand in the table."""
    return {
        name: dict(zip(map(text_of, values), value_labels(values), strict=True))
        for name, values in sweep.axes.items()
        if not all(isinstance(value, (int, float)) for value in values if value is not None)
    }


def _axes_of(group: Points) -> list[Axis]:
    if len(group.names) == 1:
        return [group.names[0]]
    alone = [name for name in group.names if len(group.only([n for n in group.names if n != name])) < len(group.points)]
    tied = tuple(name for name in group.names if name not in alone)
    rest: list[Axis] = [tied if len(tied) > 1 else tied[0]] if tied else []
    return [*alone, *rest]


def _grid_cell(outcome: Outcome, store_of: StoreOf) -> GridCell:
    record = outcome.record
    return GridCell(
        outcome.status,
        outcome.error,
        tuple(picture_of(asset, store_of(asset)) for asset in (record.assets if record else ())),
        record.id if record else None,
        outcome.cell.coordinates,
    )
