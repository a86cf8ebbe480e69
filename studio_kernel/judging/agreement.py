"""How far raters agree: Krippendorff's alpha over the pairs that several of them have judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from studio_kernel.domain.judging import Vote


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far raters agree.

    Attributes
    ----------
    alpha : float or None
        1 = always; 0 = as often as by chance; less = less. `None` where only ties were said: there is nothing to tell
        agreement from chance by.
    pairs : int
        Pairs of runs that at least two of them have judged.
    raters : int
        Who judged one of those.
    """

    alpha: float | None
    pairs: int
    raters: int

    @property
    def text(self) -> str:
        """All of it in words."""
        shared = f"{self.raters} raters, {self.pairs} pair{'s' * (self.pairs != 1)} judged by several"
        if self.alpha is None:
            return f"agreement cannot be told, for all said it is a tie ({shared})"
        return f"agreement {self.alpha:.2f} (Krippendorff's alpha; 1 = full, 0 = by chance; {shared})"


def agreement_of(votes: Iterable[Vote]) -> Agreement | None:
    """Return how far raters agree; `None` when no two have judged the same pair of runs.

    Of several votes of one rater about one pair the last counts, and what was skipped counts as not judged.

    Notes
    -----
    Krippendorff, *Content Analysis*, 4th edition (2019), chapter 12; computed by the package `krippendorff`. For one
    run, for neither and for the other stand −1, 0 and 1 at the interval level, so that a tie and a win differ less than
    two opposite wins. Which of two runs is called the first is arbitrary, and what is expected by chance would depend
    on it: each pair is therefore taken twice, the second time the other way round.
    """
    units = [ratings for ratings in _ratings(votes).values() if len(ratings) > 1]
    if not units:
        return None
    raters = sorted({rater for ratings in units for rater in ratings})
    return Agreement(_alpha(units, raters), len(units), len(raters))


def _ratings(votes: Iterable[Vote]) -> dict[frozenset[str], dict[str, float]]:
    """Return pair → rater → −1, 0 or 1."""
    found: dict[frozenset[str], dict[str, float]] = {}
    for vote in votes:
        if vote.counts:
            first = min(vote.pair)
            number = 0.0 if vote.winner is None else -1.0 if vote.winner == first else 1.0
            found.setdefault(vote.pair, {})[vote.rater] = number
    return found


def _alpha(units: list[dict[str, float]], raters: list[str]) -> float | None:
    import krippendorff
    import numpy as np

    def row(ratings: Mapping[str, float]) -> list[float]:
        return [ratings.get(rater, float("nan")) for rater in raters]

    table = np.array([row(ratings) for ratings in units]).T
    table = np.concatenate([table, -table], axis=1) + 0.0  # no negative zeros, which would be a value of their own
    if not np.nanmax(np.abs(table)):
        return None
    return float(krippendorff.alpha(reliability_data=table, level_of_measurement="interval"))
