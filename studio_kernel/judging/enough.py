"""Whether there are enough votes for an order, and how many are likely missing.

The order of two neighbours is settled when the interval of their difference leaves out 0, so one is better; or when it
lies within `EQUAL`, so that neither is preferred by much. There are enough votes when all neighbours are settled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from studio_kernel.judging.strengths import Strengths

EQUAL_SHARE = 0.6
EQUAL = math.log(EQUAL_SHARE / (1 - EQUAL_SHARE))
"""A difference that is taken for none: the stronger one is preferred in less than 60 of 100 votes."""
_MOST_NAMED = 3
MOST_VOTES = 1000
"""What is far away is not worth a figure: beyond this it is told as "over 1000"."""


@dataclass(frozen=True, slots=True)
class Missing:
    """What is still missing.

    Attributes
    ----------
    votes : int
        About how many, two digits of it; 0 = none.
    text : str
        How many, between whom and why, in words.
    """

    votes: int
    text: str

    def __str__(self) -> str:
        return self.text


def missing(strengths: Strengths, names: Sequence[str], parts: Sequence[Sequence[int]], quantile: float) -> Missing:
    """Return which votes are missing.

    Parameters
    ----------
    strengths : Strengths
        The strongest first.
    names : sequence of str
        Of the groups, in that order.
    parts : sequence of sequence of int
        Groups that votes connect; more than one part: nothing is known of their order.
    quantile : float
        Of the normal distribution, 1.96 for intervals of 95 %.
    """
    if len(names) < 2:
        return Missing(1, "no two groups have been judged yet" if names else "nobody has voted yet")
    open_pairs = [
        (votes, f"{_about(votes)} between {names[at]} and {names[at + 1]}")
        for at in range(len(names) - 1)
        if (votes := _needed(strengths, at, at + 1, quantile))
    ]
    total = _rounded(sum(votes for votes, _ in open_pairs))
    said = []
    if len(parts) > 1:
        total = max(total, len(parts) - 1)
        said.append(f"no vote connects {_listed([_listed([names[n] for n in part]) for part in parts], ' with ')}")
    if open_pairs:
        widest = [text for _, text in sorted(open_pairs, key=lambda pair: -pair[0])]
        rest = f", and {len(widest) - _MOST_NAMED} more pairs" if len(widest) > _MOST_NAMED else ""
        said.append(f"the order is open: {', '.join(widest[:_MOST_NAMED])}{rest}")
    if not said:
        return Missing(0, "enough votes: the order of all neighbours is settled")
    return Missing(total, f"{_about(total)} more vote{'s' * (total != 1)}; {'; '.join(said)}")


def _about(votes: int) -> str:
    return f"over {MOST_VOTES}" if votes > MOST_VOTES else f"about {_rounded(votes)}"


def _rounded(votes: int) -> int:
    """Return a number of votes with the two digits that such a guess is good for, never fewer votes."""
    step = int(10 ** max(0, len(str(votes)) - 2))
    return math.ceil(votes / step) * step


def _needed(strengths: Strengths, one: int, other: int, quantile: float) -> int:
    """Return about how many votes between two neighbours settle their order, if they go on as they did."""
    apart, error = strengths.difference(one, other)
    apart = abs(apart)
    if apart > quantile * error or apart + quantile * error < EQUAL:
        return 0
    wanted = max(apart, EQUAL - apart) / quantile
    chance = 1 / (1 + math.exp(-apart))
    return max(1, math.ceil((wanted**-2 - error**-2) / (chance * (1 - chance))))


def _listed(names: Sequence[str], between: str = ", ") -> str:
    shown = list(names[:_MOST_NAMED]) + ([f"{len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else [])
    return between.join(shown)
