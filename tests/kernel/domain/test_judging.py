"""Votes: what a form cannot make is refused, whatever a browser sends."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest

from studio_kernel.domain.judging import Vote
from studio_kernel.domain.measurements import Measurement

ID, LEFT, RIGHT = (f"019a0000-0000-7000-8000-00000000000{i}" for i in range(3))
GOOD = {
    "id": ID, "created_at": datetime.now(UTC), "rater": "Ada", "left": LEFT, "right": RIGHT, "choice": "tie",
}  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"rater": ""}, {"rater": "  "}, {"rater": "x" * 65}, {"rater": 5}, {"rater": None}, {"choice": "both"},
        {"choice": None}, {"ballot": "x" * 65}, {"ballot": None}, {"right": LEFT}, {"right": LEFT.upper()},
        {"left": "nobody"}, {"seconds": -1}, {"seconds": math.nan}, {"seconds": math.inf}, {"seconds": "1"},
        {"seconds": True},
    ],
)  # fmt: skip
def test_a_vote_no_form_can_make_is_refused(wrong):
    with pytest.raises(ValueError, match=r"."):
        Vote(**GOOD | wrong)


def test_names_are_trimmed():
    vote = Vote(**GOOD | {"rater": " Ada ", "ballot": " sharper"})
    assert (vote.rater, vote.ballot) == ("Ada", "sharper")


@pytest.mark.parametrize(
    ("choice", "winner", "counts"),
    [("left", LEFT, True), ("right", RIGHT, True), ("tie", None, True), ("skip", None, False)],
)
def test_a_vote_knows_its_winner_and_whether_it_counts(choice, winner, counts):
    vote = Vote(**GOOD | {"choice": choice})
    assert (vote.winner, vote.counts) == (winner, counts)


def test_a_pair_is_the_same_whichever_side_each_was_on():
    assert Vote(**GOOD).pair == Vote(**GOOD | {"left": RIGHT, "right": LEFT}).pair


def test_what_is_not_a_number_cannot_be_measured():
    assert Measurement("psnr", "ab", math.nan) == Measurement("psnr", "ab", None)
