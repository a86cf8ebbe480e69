"""Which two runs are put before a person next."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from studio_kernel.domain.judging import Vote
from studio_kernel.domain.runs import RunRecord
from studio_kernel.judging.ranking import wins_between
from studio_kernel.judging.strengths import Strengths, strengths_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GroupOfRecord: TypeAlias = Callable[[RunRecord], Hashable]

MAX_CANDIDATES = 300
"""Runs that are looked at: among so many are 44,850 pairs, and choosing one takes 0.2 s."""
NEARLY_AS_GOOD = 0.9
"""Of the pairs that say at least this share of what the best one would, one is drawn."""


@dataclass(frozen=True, slots=True)
class Duel:
    """Two runs to be judged.

    Attributes
    ----------
    left, right : RunRecord
        By the side they are to be shown on.
    """

    left: RunRecord
    right: RunRecord


class Duels:
    """The pairs that one person judges, one after the other.

    A pair never comes twice: not one that this person has judged or skipped. Of the others come first those of the
    same prompt and seed, then of the same prompt, then of the same seed; among these, those whose vote would say most:
    of groups whose difference is least known and which are near in strength. The order is otherwise drawn, and so are
    the sides.

    Parameters
    ----------
    candidates : sequence of RunRecord
        Runs that have made something; of more than `MAX_CANDIDATES`, so many are drawn.
    votes : iterable of Vote
        Those given so far, of all raters.
    rater : str
        Who judges.
    by : callable, optional
        Takes a run, returns its group (`None` = it is in none, and left out); only runs of different groups meet. Left
        out: every run is a group of its own.
    seed : int, optional
        Of what is drawn.

    Notes
    -----
    What a vote says is taken to be the variance of the difference of the two strengths times that of the vote, which
    is what it takes off the first, to the first order.
    """

    def __init__(
        self,
        candidates: Sequence[RunRecord],
        votes: Iterable[Vote] = (),
        *,
        rater: str,
        by: GroupOfRecord | None = None,
        seed: int | None = None,
    ) -> None:
        import numpy as np

        self.rater = rater.strip()
        self._random = np.random.default_rng(seed)
        grouped = [(run, group) for run in candidates if (group := by(run) if by else run.id) is not None]
        if len(grouped) > MAX_CANDIDATES:
            drawn = np.sort(self._random.choice(len(grouped), MAX_CANDIDATES, replace=False))
            grouped = [grouped[n] for n in drawn]
        self.candidates = tuple(run for run, _ in grouped)
        numbers: dict[Hashable, int] = {}
        self._group = np.array([numbers.setdefault(group, len(numbers)) for _, group in grouped], dtype=int)
        self._places = {run.id: place for place, run in enumerate(self.candidates)}
        self._pairs = _pairs(self.candidates, self._group)
        self._votes = {vote.id: vote for vote in votes}
        self._strengths: Strengths | None = None

    @property
    def total(self) -> int:
        """Pairs that there are."""
        return int(self._pairs.shape[1])

    @property
    def done(self) -> int:
        """Pairs that this person has judged or skipped."""
        return self.total - self.left

    @property
    def left(self) -> int:
        """Pairs that this person has not seen yet."""
        return int(self._open().sum())

    def tell(self, vote: Vote) -> None:
        """Let it be known that a vote was given, by anybody."""
        self._votes[vote.id] = vote
        self._strengths = None

    def forget(self, vote: Vote | str) -> None:
        """Let it be known that a vote was taken back: the pair may come again."""
        self._votes.pop(vote.id if isinstance(vote, Vote) else vote, None)
        self._strengths = None

    def next(self) -> Duel | None:
        """Return the pair to be judged next; `None` when this person has seen all.

        The same question may be answered otherwise when it is asked again before the vote was told of.
        """
        import numpy as np

        pairs = self._pairs[:, self._open()]
        if not pairs.shape[1]:
            return None
        pairs = pairs[:, pairs[2] == pairs[2].min()]
        worth = self._worth(pairs)
        chosen = pairs[:2, self._random.choice(np.flatnonzero(worth >= NEARLY_AS_GOOD * worth.max()))]
        left, right = self._random.permutation(chosen)
        return Duel(self.candidates[left], self.candidates[right])

    def _open(self) -> NDArray[np.bool_]:
        """Return which pairs this person has not seen."""
        import numpy as np

        seen = np.zeros((len(self.candidates),) * 2, dtype=bool)
        for vote in self._votes.values():
            places = self._places.get(vote.left), self._places.get(vote.right)
            if vote.rater == self.rater and None not in places:
                seen[min(places), max(places)] = True  # type: ignore[type-var]  # neither is None
        found: NDArray[np.bool_] = ~seen[self._pairs[0], self._pairs[1]]
        return found

    def _worth(self, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return how much a vote about each pair would say; runs that were seen less go first within a group."""
        import numpy as np

        strengths = self._known()
        one, other = self._group[pairs[0]], self._group[pairs[1]]
        chance = strengths.chances[one, other]
        shown = np.zeros(len(self.candidates))
        for vote in self._votes.values():
            for run_id in (vote.left, vote.right):
                if run_id in self._places:
                    shown[self._places[run_id]] += 1
        seldom = 1 / (1 + shown[pairs[0]] + shown[pairs[1]])
        found: NDArray[np.float64] = strengths.spread[one, other] * chance * (1 - chance) * seldom**0.5
        return found

    def _known(self) -> Strengths:
        if self._strengths is None:
            groups = int(self._group.max()) + 1
            self._strengths = strengths_of(wins_between(self._votes.values(), self._group_of, groups))
        return self._strengths

    def _group_of(self, run_id: str) -> int | None:
        place = self._places.get(run_id)
        return None if place is None else int(self._group[place])


def _pairs(runs: Sequence[RunRecord], group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the pairs that may meet, shape (3, pairs): two places, and how unlike they are, 0 … 3."""
    import numpy as np

    one, other = np.triu_indices(len(runs), 1)
    prompt, seed, medium = (_numbered([of(run) for run in runs]) for of in (_prompt, _seed, _medium))
    meet = (group[one] != group[other]) & (medium[one] == medium[other])
    one, other = one[meet], other[meet]
    unlike = 2 * (prompt[one] != prompt[other]) + (seed[one] != seed[other])
    return np.stack([one, other, unlike])


def _numbered(values: Iterable[Hashable]) -> NDArray[np.int64]:
    """Return a number for each value, equal for equal ones; what is missing is like nothing else."""
    import numpy as np

    numbers: dict[Hashable, int] = {}
    return np.array(
        [-1 - n if value is None else numbers.setdefault(value, len(numbers)) for n, value in enumerate(values)],
        dtype=int,
    )


def _prompt(run: RunRecord) -> Hashable:
    return run.request.prompt or None


def _seed(run: RunRecord) -> Hashable:
    return run.seed


def _medium(run: RunRecord) -> Hashable:
    """Return the kind of the first file that a run made, such as ``video``."""
    return next((asset.media_type.split("/")[0] for asset in run.assets if asset.role == "output"), None)
