"""Which group is the best, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, TypeAlias, cast

from studio_kernel.domain.judging import Vote
from studio_kernel.domain.values import Value, describe
from studio_kernel.errors import InvalidRequestError, Problem
from studio_kernel.judging import enough
from studio_kernel.judging.agreement import Agreement, agreement_of
from studio_kernel.judging.enough import Missing
from studio_kernel.judging.strengths import strengths_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

GroupOf: TypeAlias = Callable[[str], Hashable]
_COLUMNS = ("group", "strength", "low", "high", "win_rate", "wins", "losses", "ties", "votes")
CONFIDENCE = 0.95
_MOST_LETTERS = 48


@dataclass(frozen=True)
class Ranking:
    """Groups by how strong they are.

    Attributes
    ----------
    table : pandas.DataFrame
        A row a group, the strongest first: ``group``, ``strength`` (natural logarithm of odds; the mean of all is 0),
        ``low`` and ``high`` (its interval), ``win_rate`` (share of its votes that it won, ties half), ``wins``,
        ``losses``, ``ties``, ``votes``.
    by : str
        What makes a group.
    confidence : float
        Of the intervals.
    counted : int
        Votes that were counted.
    left_out : int
        Votes that say nothing about groups: both runs are of one, or one run is of none. What was skipped is not among
        them.
    agreement : Agreement or None
        How far raters agree; `None` when no two judged the same pair of runs.
    missing : Missing
        Votes that are likely missing, and why.
    unconnected : tuple of tuple
        Groups that are connected by votes, where they fall into several parts: the order between parts is not known.
    """

    table: pd.DataFrame
    by: str
    confidence: float
    counted: int
    left_out: int
    agreement: Agreement | None
    missing: Missing
    unconnected: tuple[tuple[Hashable, ...], ...] = ()

    @property
    def is_enough(self) -> bool:
        """Whether the order of all neighbours is settled."""
        return not self.missing.votes

    @property
    def notes(self) -> tuple[str, ...]:
        """What should be known about it, in words."""
        said = [f"{self.counted} vote{'s' * (self.counted != 1)}", self.missing.text]
        if self.agreement is not None:
            said.append(self.agreement.text)
        if self.left_out:
            said.append(f"{self.left_out} left out, for they do not tell two groups apart")
        return tuple(said)

    def __str__(self) -> str:
        lines = [self.table.to_string(index=False, float_format="{:.2f}".format)] if len(self.table) else []
        return "\n".join([*lines, *self.notes])

    def __repr__(self) -> str:
        return f"<Ranking by {self.by}: {len(self.table)} groups, {self.counted} votes>"

    def _repr_html_(self) -> str:
        """Return the table with its notes, for notebooks."""
        shown = self.table.assign(group=[_short(group) for group in self.table["group"]])
        table = shown.to_html(index=False, float_format="{:.2f}".format, border=0, escape=True)
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return f"{table if len(shown) else ''}<ul>{notes}</ul>"

    def figure(self) -> Figure:
        """Return the strengths with their intervals as a figure, the strongest on top."""
        from studio_kernel.figures import NotebookFigure

        table = self.table.iloc[::-1]
        figure = NotebookFigure(figsize=(6.4, 1.2 + 0.34 * max(1, len(table))), layout="constrained")
        panel = figure.subplots()
        places = range(len(table))
        errors = [table["strength"] - table["low"], table["high"] - table["strength"]]
        panel.errorbar(table["strength"], places, xerr=errors, fmt="o", capsize=3)
        panel.axvline(0, linewidth=0.8, color="grey", linestyle=":")
        panel.set_yticks(places, [_short(group) for group in table["group"]])
        panel.set_ylim(-0.6, len(table) - 0.4)
        for label in panel.get_yticklabels():
            label.set_parse_math(False)
        panel.set_xlabel(f"strength (log odds) and {self.confidence:.0%} interval")
        panel.set_title(f"{self.by}: {self.counted} votes", fontsize=9, parse_math=False)
        return figure


@dataclass
class _Count:
    """Votes between groups, added up."""

    wins: NDArray[np.float64]
    ties: NDArray[np.float64]
    left_out: int = 0
    counted: int = 0


def rank(votes: Iterable[Vote], group_of: GroupOf, *, confidence: float = CONFIDENCE, by: str = "group") -> Ranking:
    """Return the groups of runs by how strong they are.

    Parameters
    ----------
    votes : iterable of Vote
        The oldest first.
    group_of : callable
        Takes the id of a run, returns its group; `None` = it is in none.
    confidence : float
        Of the intervals, between 0 and 1.
    by : str
        What groups are called.

    Raises
    ------
    InvalidRequestError
        For a confidence that is none.

    Notes
    -----
    The intervals are those of a normal distribution about the estimate (see `strengths_of`), and each stands alone:
    nothing is corrected for looking at many. They assume that votes are independent of each other; where few people
    judge few pairs again and again, the real uncertainty is larger. Ties make them wider than they need be.
    """
    import numpy as np
    from scipy.special import ndtri

    if not 0 < confidence < 1:
        raise InvalidRequestError([Problem("confidence", f"{confidence!r} is not between 0 and 1")], "ranking")
    said = [vote for vote in votes if vote.counts]
    groups = list(dict.fromkeys(g for vote in said for run in (vote.left, vote.right) if _is(g := group_of(run))))
    counted = _count(said, group_of, {group: n for n, group in enumerate(groups)})
    judged = np.flatnonzero((counted.wins + counted.wins.T).sum(axis=1))
    wins, ties = counted.wins[np.ix_(judged, judged)], counted.ties[np.ix_(judged, judged)]
    order = np.argsort(-strengths_of(wins).values, kind="stable")
    wins, ties, groups = wins[np.ix_(order, order)], ties[np.ix_(order, order)], [groups[judged[n]] for n in order]
    strengths, quantile = strengths_of(wins), float(ndtri((1 + confidence) / 2))
    reach = quantile * strengths.covariance.diagonal().clip(min=0.0) ** 0.5
    parts = _parts(wins)
    return Ranking(
        _table(groups, strengths.values, reach, wins, ties),
        by,
        confidence,
        counted.counted,
        counted.left_out,
        agreement_of(said),
        enough.missing(strengths, [_short(group) for group in groups], parts, quantile),
        tuple(tuple(groups[n] for n in part) for part in parts) if len(parts) > 1 else (),
    )


def wins_between(votes: Iterable[Vote], places: Callable[[str], int | None], count: int) -> NDArray[np.float64]:
    """Return how often each of `count` groups was preferred to each other one, ties as half; others are left out."""
    import numpy as np

    wins = np.zeros((count, count))
    for vote in votes:
        left, right = places(vote.left), places(vote.right)
        if vote.counts and left is not None and right is not None and left != right:
            share = {"left": 1.0, "right": 0.0}.get(vote.choice, 0.5)
            wins[left, right] += share
            wins[right, left] += 1 - share
    return wins


def _is(group: Hashable) -> bool:
    return group is not None


def _count(votes: Sequence[Vote], group_of: GroupOf, places: dict[Hashable, int]) -> _Count:
    def place_of(run: str) -> int | None:
        return places.get(group_of(run))

    kept = [vote for vote in votes if _tells(place_of(vote.left), place_of(vote.right))]
    ties = wins_between([vote for vote in kept if vote.winner is None], place_of, len(places)) * 2
    return _Count(wins_between(kept, place_of, len(places)), ties, len(votes) - len(kept), len(kept))


def _tells(left: int | None, right: int | None) -> bool:
    return left is not None and right is not None and left != right


def _parts(wins: NDArray[np.float64]) -> list[list[int]]:
    """Return which groups are connected by votes, the largest part first."""
    import numpy as np
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    if not len(wins):
        return []
    count, labels = connected_components(csr_array(wins + wins.T), directed=False)
    return sorted((np.flatnonzero(labels == n).tolist() for n in range(count)), key=lambda part: (-len(part), part))


def _table(
    groups: Sequence[Hashable],
    strengths: NDArray[np.float64],
    reach: NDArray[np.float64],
    wins: NDArray[np.float64],
    ties: NDArray[np.float64],
) -> pd.DataFrame:
    import pandas as pd

    tied = ties.sum(axis=1)
    won, lost = wins.sum(axis=1) - tied / 2, wins.sum(axis=0) - tied / 2
    total = won + lost + tied
    columns = (
        pd.Series(list(groups), dtype="object").infer_objects(), strengths, strengths - reach, strengths + reach,
        wins.sum(axis=1) / total, won.round().astype(int), lost.round().astype(int), tied.round().astype(int),
        total.round().astype(int),
    )  # fmt: skip
    return pd.DataFrame(dict(zip(_COLUMNS, columns, strict=True)))


def _short(group: Hashable) -> str:
    text = describe(cast("Value", group))
    return text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 1]}…"
