"""Which axis moved the result most: the mean distance of rows that differ in that axis only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from studio_kernel.effects import MAX_PAIRS
from studio_kernel.effects.design import Axis, block_of, title

if TYPE_CHECKING:
    import pandas as pd

    from studio_kernel.effects.design import Codes


def influence(
    frame: pd.DataFrame,
    axes: Sequence[Axis],
    distance: Callable[[int, int], Mapping[str, float]],
    *,
    max_pairs: int = MAX_PAIRS,
    seed: int = 0,
) -> pd.DataFrame:
    """Return how far apart rows are that differ in one axis only, for each axis, the farthest first.

    Parameters
    ----------
    frame : pandas.DataFrame
        A row a cell that can be compared; its columns are named by `axes`, as for `effects`.
    distance : callable
        Takes the places of two rows in `frame`, returns distances by name; axes are sorted by the first.
    max_pairs : int
        An axis with more pairs is judged by a random sample of so many.
    seed : int
        Of that sample.

    Returns
    -------
    pandas.DataFrame
        A row an axis: ``axis``, the mean of each distance, ``pairs`` (compared) and ``pairs_total`` (there are). NaN
        where no two rows differ in that axis only.
    """
    import pandas as pd

    rows = [_influence_of(frame, axes, axis, distance, max_pairs, seed) for axis in axes]
    table = pd.DataFrame(rows)
    measured = [name for name in table.columns if name not in ("axis", "pairs", "pairs_total")]
    table = table[["axis", *measured, "pairs", "pairs_total"]]
    return table.sort_values(measured[:1], ascending=False, kind="stable", ignore_index=True) if measured else table


def _influence_of(
    frame: pd.DataFrame,
    axes: Sequence[Axis],
    axis: Axis,
    distance: Callable[[int, int], Mapping[str, float]],
    max_pairs: int,
    seed: int,
) -> dict[str, object]:
    members = _members(block_of(frame, axes, [axis]))
    total = sum(len(rows) * (len(rows) - 1) // 2 for rows in members)
    distances = [distance(i, j) for i, j in _pairs(members, total, max_pairs, seed)]
    means = {
        name: sum(float(measured[name]) for measured in distances) / len(distances)
        for name in (distances[0] if distances else ())
    }
    return {"axis": title(axis), **means, "pairs": len(distances), "pairs_total": total}


def _members(block: Codes) -> list[Codes]:
    """Return the rows of each block."""
    import numpy as np

    order = np.argsort(block, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(block[order])) + 1)


def _pairs(members: list[Codes], total: int, most: int, seed: int) -> Iterator[tuple[int, int]]:
    """Yield pairs of rows of one block: all, or so many drawn without putting any back."""
    import numpy as np

    ends = np.cumsum([len(rows) * (len(rows) - 1) // 2 for rows in members])
    drawn = np.arange(total) if total <= most else np.random.default_rng(seed).choice(total, most, replace=False)
    for number in np.sort(drawn):
        at = int(np.searchsorted(ends, number, side="right"))
        i, j = _pair(int(number - (ends[at - 1] if at else 0)))
        yield int(members[at][i]), int(members[at][j])


def _pair(number: int) -> tuple[int, int]:
    """Return the pair of a number: (0, 1), (0, 2), (1, 2), (0, 3) …."""
    from math import isqrt

    j = (1 + isqrt(1 + 8 * number)) // 2
    return number - j * (j - 1) // 2, j
