"""Effects and interactions, with intervals.

Cells are compared with those that differ from them in the axis in question only – same seed, same everything else.
A set of such cells is a block. The effect of a value is its mean distance from the mean of its block, and its interval
is Student's t interval of those distances over the blocks.

What that assumes: the distances of different blocks are independent of each other and about normally distributed –
good for seeds, which are drawn; where blocks differ in other axes too, the interval also holds how much the effect
changes along those. Each interval stands alone: nothing is corrected for looking at many of them. Only complete blocks
are used: where a cell of a block has no number, the whole block is left out, so that what failed does not lend its
weight to the others. A value that has no number in any block, such as a setting that a model refuses, takes no part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from studio_kernel.effects import CONFIDENCE
from studio_kernel.effects.design import Axis, axis_named, blocks, title
from studio_kernel.errors import InvalidRequestError, Problem

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


def effects(frame: pd.DataFrame, axes: Sequence[Axis], metric: str, *, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """Return the effect of every value of every axis on a number.

    Parameters
    ----------
    frame : pandas.DataFrame
        A row a cell.
    axes : sequence of str or tuple of str
        Columns that make up a cell; a tuple is columns that only change together, and one axis.
    metric : str
        The column of the number; missing and infinite ones count as missing.
    confidence : float
        Of the intervals, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        A row a value, with the columns ``axis``, ``value``, ``n`` (complete blocks, which are used), ``blocks`` (all
        there are), ``mean`` (over the blocks used), ``effect`` (mean difference from the mean over all values of the
        axis), ``se`` (its standard error), ``low``, ``high`` (its interval), ``p`` (two-sided, of an effect of 0).
        The last four are NaN with fewer than two blocks.
    """
    import pandas as pd

    rows = [row for axis in axes for row in _effects_of(frame, axes, axis, metric, confidence)]
    columns = ["axis", "value", "n", "blocks", "mean", "effect", "se", "low", "high", "p"]
    table = pd.DataFrame(rows, columns=columns)
    table.attrs.update(metric=metric, confidence=confidence)
    return table


def interactions(
    frame: pd.DataFrame, axes: Sequence[Axis], metric: str, a: str, b: str, *, confidence: float = CONFIDENCE
) -> pd.DataFrame:
    """Return how far each pair of values of two axes is from the sum of their effects.

    Parameters as for `effects`; `a` and `b` name two of the axes.

    Returns
    -------
    pandas.DataFrame
        A row a pair: the values in columns named as the axes, ``n`` and ``blocks`` as for `effects`, ``mean``,
        ``additive`` (what the two effects add up to), ``interaction`` (the difference), and ``se``, ``low``, ``high``,
        ``p`` of the interaction.

    Raises
    ------
    InvalidRequestError
        When they are not two axes.
    """
    import numpy as np
    import pandas as pd

    one, other = axis_named(a, axes), axis_named(b, axes)
    if one == other:
        raise InvalidRequestError([Problem("axis", f"{a!r} and {b!r} change together; name two axes")], "interactions")
    sorted_ = blocks(frame, axes, [one, other], metric)
    numbers = sorted_.complete
    additive = _over(numbers, 1) + _over(numbers, 2) - _over(numbers, (1, 2))
    rows = []
    for i, j in np.ndindex(*numbers.shape[1:]):
        place = {title(one): sorted_.values[0][i], title(other): sorted_.values[1][j]}
        counts = {"n": int(np.isfinite(numbers[:, i, j]).sum()), "blocks": sorted_.total}
        estimate = _estimate(numbers[:, i, j] - additive[:, i, j], confidence)
        means = {"mean": _mean(numbers[:, i, j]), "additive": _mean(additive[:, i, j])}
        rows.append({**place, **counts, **means, "interaction": estimate.pop("effect"), **estimate})
    table = pd.DataFrame(rows)
    table.attrs.update(metric=metric, confidence=confidence, axes=(title(one), title(other)))
    return table


def _effects_of(
    frame: pd.DataFrame, axes: Sequence[Axis], axis: Axis, metric: str, confidence: float
) -> list[dict[str, object]]:
    import numpy as np

    sorted_ = blocks(frame, axes, [axis], metric)
    numbers = sorted_.complete
    distances = numbers - _over(numbers, 1)
    return [
        {
            "axis": title(axis),
            "value": value,
            "n": int(np.isfinite(numbers[:, place]).sum()),
            "blocks": sorted_.total,
            "mean": _mean(numbers[:, place]),
            **_estimate(distances[:, place], confidence),
        }
        for place, value in enumerate(sorted_.values[0])
    ]


def _estimate(distances: NDArray[np.float64], confidence: float) -> dict[str, float]:
    """Return the mean of paired differences, with its t interval."""
    import numpy as np
    from scipy import stats

    nothing = dict.fromkeys(("se", "low", "high", "p"), np.nan)
    n, mean = len(distances), _mean(distances)
    if n < 2 or np.isnan(mean):
        return {"effect": mean, **nothing}
    se = float(distances.std(ddof=1) / np.sqrt(n))
    reach = se * float(stats.t.ppf((1 + confidence) / 2, n - 1))
    p = float(2 * stats.t.sf(abs(mean) / se, n - 1)) if se else float(mean == 0)
    return {"effect": mean, "se": se, "low": mean - reach, "high": mean + reach, "p": p}


def _over(numbers: NDArray[np.float64], axis: int | tuple[int, ...]) -> NDArray[np.float64]:
    """Return means, without the values that have no number in any block."""
    import numpy as np

    known = np.isfinite(numbers)
    counts = known.sum(axis=axis, keepdims=True)
    sums = np.where(known, numbers, 0.0).sum(axis=axis, keepdims=True)
    means: NDArray[np.float64] = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    return means


def _mean(numbers: NDArray[np.float64]) -> float:
    return float(numbers.mean()) if len(numbers) else float("nan")
