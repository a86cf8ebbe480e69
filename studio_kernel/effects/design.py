"""The design of a table: which columns are axes, and which rows differ in one of them only.

An axis is a column, or several columns that only ever change together. A block is a set of rows that agree in every
other axis; comparing inside blocks is what pairs seeds with themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from studio_kernel.errors import InvalidRequestError, Problem

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Codes: TypeAlias = NDArray[np.integer[Any]]

Axis: TypeAlias = str | tuple[str, ...]


@dataclass(frozen=True)
class Blocks:
    """A number by block and by value of the axes that are looked at.

    Attributes
    ----------
    values : list
        For each axis that is looked at, its values in the order in which they come.
    numbers : array of shape (blocks, values of the first axis[, values of the second])
        NaN where there is none.
    """

    values: list[list[object]]
    numbers: NDArray[np.float64]

    @property
    def total(self) -> int:
        """Number of blocks."""
        return len(self.numbers)

    @property
    def complete(self) -> NDArray[np.float64]:
        """The blocks that have every number; values that have none in any block do not count, and stay NaN."""
        import numpy as np

        known = np.isfinite(self.numbers)
        around = [tuple(j for j in range(known.ndim) if j != i) for i in range(1, known.ndim)]
        absent = [~known.any(axis=axes) for axes in around]
        forgiven = known.copy()
        for place, gone in enumerate(absent, start=1):
            forgiven.swapaxes(0, place)[gone] = True
        found = self.numbers[forgiven.reshape(self.total, -1).all(axis=1)]
        return found if known.any() else found[:0]


def title(axis: Axis) -> str:
    """Return the name of an axis."""
    return axis if isinstance(axis, str) else " with ".join(axis)


def names(axis: Axis) -> list[str]:
    """Return the columns of an axis."""
    return [axis] if isinstance(axis, str) else list(axis)


def axis_named(name: str, axes: Sequence[Axis]) -> Axis:
    """Return the axis of a title, or the one that a column belongs to.

    Raises
    ------
    InvalidRequestError
        When there is none.
    """
    found = next((axis for axis in axes if name == title(axis) or name in names(axis)), None)
    if found is None:
        known = ", ".join(map(title, axes))
        raise InvalidRequestError([Problem("axis", f"{name!r} is not an axis; there are {known}")], "effects")
    return found


def blocks(frame: pd.DataFrame, axes: Sequence[Axis], looked_at: Sequence[Axis], metric: str) -> Blocks:
    """Return the numbers of a column, sorted into blocks; rows with the same place are averaged."""
    import numpy as np

    frame = frame.reset_index(drop=True)
    number = frame[metric].to_numpy(float, na_value=np.nan)
    levels = [levels_of(frame, axis) for axis in looked_at]
    block = block_of(frame, axes, looked_at)
    shape = (int(block.max(initial=-1)) + 1, *(len(values) for _, values in levels))
    place = (block, *(codes for codes, _ in levels))
    usable = np.isfinite(number)
    sums, counts = np.zeros(shape), np.zeros(shape)
    at = tuple(codes[usable] for codes in place)
    np.add.at(sums, at, number[usable])
    np.add.at(counts, at, 1)
    means = np.divide(sums, counts, out=np.full(shape, np.nan), where=counts > 0)
    return Blocks([values for _, values in levels], means)


def block_of(frame: pd.DataFrame, axes: Sequence[Axis], looked_at: Sequence[Axis]) -> Codes:
    """Return the number of the block of every row: rows of one block differ at most in the axes looked at."""
    import numpy as np

    others = [name for axis in axes if axis not in looked_at for name in names(axis)]
    if not others:
        return np.zeros(len(frame), np.intp)
    return frame.groupby(others, sort=False, dropna=False).ngroup().to_numpy(np.intp)


def levels_of(frame: pd.DataFrame, axis: Axis) -> tuple[Codes, list[object]]:
    """Return the place of every row's value among the values of an axis, and those values as they come."""
    import numpy as np

    columns = names(axis)
    codes = frame.groupby(columns, sort=False, dropna=False).ngroup().to_numpy(np.intp)
    _, first = np.unique(codes, return_index=True)
    rows = frame.iloc[first][columns].itertuples(index=False)
    if isinstance(axis, str):
        return codes, [row[0] for row in rows]
    return codes, [", ".join(map(str, row)) for row in rows]
