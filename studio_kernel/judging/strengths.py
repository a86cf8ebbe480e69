"""The Bradley–Terry model: how strong each group is, by how often it was preferred to which other one.

Each group has a strength; the one of strength ``a`` is preferred to one of strength ``b`` with the probability
``1 / (1 + exp(b - a))``. A tie is half a win for each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PRIOR = 0.5
"""Wins and losses that every group is given beforehand, against an imagined one of average strength."""
_MOST_ROUNDS = 1000


@dataclass(frozen=True)
class Strengths:
    """Strengths of some groups.

    Attributes
    ----------
    values : numpy.ndarray
        Shape (groups,), natural logarithms of odds; their mean is 0.
    covariance : numpy.ndarray
        Shape (groups, groups).
    """

    values: NDArray[np.float64]
    covariance: NDArray[np.float64]

    def difference(self, one: int, other: int) -> tuple[float, float]:
        """Return how much stronger one group is than another, and the standard error of that."""
        return float(self.values[one] - self.values[other]), float(self.spread[one, other]) ** 0.5

    @property
    def spread(self) -> NDArray[np.float64]:
        """Variances of the differences of all pairs of groups."""
        own = self.covariance.diagonal()
        found: NDArray[np.float64] = (own[:, None] + own[None, :] - 2 * self.covariance).clip(min=0.0)
        return found

    @property
    def chances(self) -> NDArray[np.float64]:
        """How likely each group (row) is to be preferred to each other one (column)."""
        return _chance(self.values[:, None] - self.values[None, :])


def strengths_of(wins: NDArray[np.float64]) -> Strengths:
    """Return the strengths that explain some votes best.

    Parameters
    ----------
    wins : numpy.ndarray
        Shape (groups, groups): how often the group of the row was preferred to that of the column; may have halves.

    Notes
    -----
    Bradley & Terry, *Rank analysis of incomplete block designs*, Biometrika 39 (1952) 324. The maximum of the
    likelihood is found by iterative Luce spectral ranking (Maystre & Grossglauser, *Fast and accurate inference of
    Plackett–Luce models*, NIPS 2015), by the package `choix`. The covariance is the inverse of the information there.

    A group that has won all or lost all has no finite maximum. So each is given half a win and half a loss against an
    imagined average one, which is a logistic prior (Newman, *Efficient computation of rankings from pairwise
    comparisons*, Journal of Machine Learning Research 24 (2023) 238), here of half the weight. The tests count how
    often the intervals then hold the true strength.
    """
    import numpy as np

    count = len(wins)
    if not count:
        return Strengths(np.zeros(0), np.zeros((0, 0)))
    found = _fitted(wins) if wins.any() else np.zeros(count)
    weights = (wins + wins.T) * _variance(_chance(found[:, None] - found[None, :]))
    information = np.diag(weights.sum(axis=1) + 2 * PRIOR * _variance(_chance(found))) - weights
    centre = np.eye(count) - 1 / count
    return Strengths(centre @ found, centre @ np.linalg.inv(information) @ centre)


def _fitted(wins: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the strengths over that of the imagined average group."""
    import numpy as np
    from choix import ilsr_pairwise_dense  # takes a second to load, so not before there is a vote

    count = len(wins)
    known = np.full((count + 1, count + 1), PRIOR)  # the last one is the imagined one
    known[:count, :count] = wins
    known[count, count] = 0.0
    found: NDArray[np.float64] = ilsr_pairwise_dense(known, max_iter=_MOST_ROUNDS)
    over: NDArray[np.float64] = found[:count] - found[count]
    return over


def _chance(apart: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how likely one is preferred that is so much stronger."""
    import numpy as np

    found: NDArray[np.float64] = 1 / (1 + np.exp(-apart))
    return found


def _variance(chance: NDArray[np.float64]) -> NDArray[np.float64]:
    return chance * (1 - chance)
