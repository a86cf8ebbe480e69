"""Rankings: a known order is found again, intervals hold what they should, and what is not known is said."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from scipy.special import expit, ndtri

from studio_kernel.domain.judging import Vote
from studio_kernel.errors import InvalidRequestError
from studio_kernel.judging.agreement import agreement_of
from studio_kernel.judging.ranking import rank
from studio_kernel.judging.strengths import strengths_of
from studio_kernel.runlog import new_run_id

RUNS = {f"{name}{number}": new_run_id() for name in "abcde" for number in range(3)}
GROUPS = {run_id: name[0] for name, run_id in RUNS.items()}


def vote(left, right, choice="left", rater="Ada"):
    """Return a vote about runs by their short names."""
    return Vote(new_run_id(), datetime.now(UTC), rater, RUNS[left], RUNS[right], choice)


def votes_of(text):
    """Return votes such as ``"a0>b1 b0=c0"``."""
    return [vote(pair[:2], pair[3:], {">": "left", "<": "right", "=": "tie", "?": "skip"}[pair[2]]) for pair in text]


def ranked(*text, **options):
    return rank(votes_of(" ".join(text).split()), GROUPS.get, **options)


def drawn(true, count, rng):
    """Return how often each was preferred to each other one, in so many votes about pairs that are drawn."""
    i, j = np.triu_indices(len(true), 1)
    of_pair = rng.multinomial(count, np.full(len(i), 1 / len(i)))
    won = rng.binomial(of_pair, expit(true[i] - true[j]))
    wins = np.zeros((len(true), len(true)))
    wins[i, j], wins[j, i] = won, of_pair - won
    return wins


@pytest.mark.parametrize("count", [40, 300])
@pytest.mark.parametrize("true", [(1.0, 0.3, -0.3, -1.0), (2.0, 0.0, 0.0, -2.0), (1.5, -1.5)])
def test_intervals_hold_the_true_strength_as_often_as_they_say(true, count):
    true, rng, held = np.array(true), np.random.default_rng(7), []
    for _ in range(250):
        found = strengths_of(drawn(true, count, rng))
        reach = ndtri(0.975) * found.covariance.diagonal() ** 0.5
        held.append(abs(found.values - true) <= reach)
    assert 0.92 < np.mean(held) < 0.995


def test_a_known_order_is_found_again():
    true, rng = np.array([1.5, 0.75, 0.0, -0.75, -1.5]), np.random.default_rng(3)
    found = [strengths_of(drawn(true, 400, rng)) for _ in range(60)]
    assert np.mean([np.all(np.diff(each.values) < 0) for each in found]) > 0.9
    assert abs(np.mean([each.values for each in found], axis=0) - true).max() < 0.1


def test_votes_simulated_one_by_one_give_the_known_order_and_are_enough():
    rng, true = np.random.default_rng(5), dict(zip("abc", (1.5, 0.0, -1.5), strict=True))
    said = []
    for _ in range(300):
        left, right = rng.choice(list(RUNS)[:9], 2, replace=False)
        prefers = rng.random() < expit(true[left[0]] - true[right[0]])
        said.append(vote(left, right, "left" if prefers else "right"))
    found = rank(said, GROUPS.get)
    assert list(found.table["group"]) == ["a", "b", "c"]
    assert found.is_enough
    assert found.counted + found.left_out == 300


def test_the_table_counts_wins_losses_and_ties():
    table = ranked("a0>b0 a1>b1 b0>a0 a0=b0 a0?b0").table.set_index("group")
    counts = table[["wins", "losses", "ties", "votes"]].to_dict("index")
    assert counts == {
        "a": {"wins": 2, "losses": 1, "ties": 1, "votes": 4},
        "b": {"wins": 1, "losses": 2, "ties": 1, "votes": 4},
    }
    assert list(table["win_rate"]) == [2.5 / 4, 1.5 / 4]
    assert table["strength"].sum() == pytest.approx(0)
    assert (table["low"] < table["strength"]).all()
    assert (table["strength"] < table["high"]).all()


def test_the_side_on_which_a_run_was_shown_makes_no_difference():
    one, other = ranked("a0>b0 b0>c0 a0=c0"), ranked("b0<a0 c0<b0 c0=a0")
    assert one.table.equals(other.table)


def test_one_that_always_won_has_a_finite_strength():
    table = ranked("a0>b0 " * 20).table
    assert np.isfinite(table[["strength", "low", "high"]].to_numpy()).all()
    assert table["strength"][0] > 1


def test_a_higher_confidence_makes_wider_intervals():
    wide, narrow = (ranked("a0>b0 b0>a0 a0>b0", confidence=confidence).table for confidence in (0.99, 0.5))
    assert ((wide["high"] - wide["low"]) > (narrow["high"] - narrow["low"])).all()
    with pytest.raises(InvalidRequestError, match=r"95\.0 is not between"):
        ranked("a0>b0", confidence=95.0)


def test_votes_within_a_group_or_about_runs_of_no_group_are_left_out_and_said():
    only = {RUNS["a0"]: 1, RUNS["a1"]: 1, RUNS["b0"]: 2}
    found = rank(votes_of(["a0>a1", "a0>b0", "a0>c0", "c0>b0"]), only.get)
    assert (found.counted, found.left_out) == (1, 3)
    assert list(found.table["group"]) == [1, 2]
    assert "3 left out" in str(found)


def test_without_votes_there_is_an_empty_table_and_it_is_said():
    for found in (ranked(), ranked("a0?b0"), ranked("a0>a1")):
        assert found.table.empty
        assert not found.is_enough
        assert "nobody has voted" in found.missing.text
        assert "nobody has voted" in found._repr_html_()
        found.figure()._repr_png_()


def test_few_votes_are_not_enough_and_it_is_said_between_whom():
    found = ranked("a0>b0 b0>a0 a0>b0")
    assert not found.is_enough
    assert f"about {found.missing.votes} more votes" in found.missing.text
    assert f"{found.missing.votes} between a and b" in found.missing.text


def test_a_guess_of_many_missing_votes_has_two_digits():
    missing = ranked("a0>b0 b0>a0 a0=b0 a0>b0 b0>c0 c0>b0 b0>c0 b0>c0 c0>b0").missing
    assert missing.votes > 100
    assert missing.votes % 10 == 0
    assert f"about {missing.votes} more votes" in missing.text


def test_values_of_a_parameter_are_named_as_people_read_them():
    values = {RUNS["a0"]: 9.0, RUNS["b0"]: 3.5}
    text = rank(votes_of(["a0>b0"]), values.get).missing.text
    assert "between 9 and 3.5" in text


def test_a_clear_order_and_a_clear_tie_are_both_enough():
    assert ranked("a0>b0 " * 20).is_enough
    assert ranked("a0>b0 b0>a0 " * 60).is_enough, "neither is preferred by much"
    assert not ranked("a0>b0 b0>a0 " * 5).is_enough


def test_about_as_many_votes_as_are_said_to_be_missing_settle_the_order():
    few = ranked("a0>b0 a0>b0 a0>b0 b0>a0 b0>a0 " * 2)
    scaled = math.ceil((10 + few.missing.votes) / 5)
    assert 20 < few.missing.votes < 400
    assert ranked("a0>b0 a0>b0 a0>b0 b0>a0 b0>a0 " * math.ceil(scaled * 1.1)).is_enough
    assert not ranked("a0>b0 a0>b0 a0>b0 b0>a0 b0>a0 " * (scaled // 2)).is_enough


def test_groups_that_no_vote_connects_are_said():
    found = ranked("a0>b0 " * 30, "c0>d0 " * 30)
    assert {frozenset(part) for part in found.unconnected} == {frozenset("ab"), frozenset("cd")}
    assert not found.is_enough
    assert "no vote connects" in found.missing.text
    assert ranked("a0>b0 b0>c0").unconnected == ()


def test_names_of_groups_are_escaped():
    found = rank(votes_of(["a0>b0"]), lambda run: "<b>$x_1$" if run == RUNS["a0"] else "b")
    assert "<b>" not in found._repr_html_()
    found.figure()._repr_png_()


def test_raters_who_always_agree_have_an_agreement_of_one():
    said = [vote("a0", other, rater=rater) for other in ("b0", "c0", "d0") for rater in ("Ada", "Bob")]
    assert agreement_of(said) is not None
    assert (agreement_of(said).alpha, agreement_of(said).pairs, agreement_of(said).raters) == (1.0, 3, 2)
    turned = [vote(other, "a0", "right", rater="Cleo") for other in ("b0", "c0")]
    assert (agreement_of([*said, *turned]).alpha, agreement_of([*said, *turned]).raters) == (1.0, 3)


def test_raters_who_contradict_each_other_have_less_than_chance():
    said = [vote("a0", other, "left", "Ada") for other in ("b0", "c0")]
    said += [vote("a0", other, "right", "Bob") for other in ("b0", "c0")]
    assert agreement_of(said).alpha < 0


def test_a_tie_is_nearer_to_a_win_than_a_defeat():
    def alpha(second):
        first = [vote("a0", "b0", "left", "Ada"), vote("a0", "c0", "left", "Ada")]
        return agreement_of([*first, vote("a0", "b0", "left", "Bob"), vote("a0", "c0", second, "Bob")]).alpha

    assert alpha("left") > alpha("tie") > alpha("right")


def test_there_is_no_agreement_without_a_pair_that_two_have_judged():
    assert agreement_of([vote("a0", "b0"), vote("a0", "c0", rater="Bob")]) is None
    assert agreement_of([vote("a0", "b0"), vote("a0", "b0", "skip", "Bob")]) is None
    assert agreement_of([]) is None


def test_the_last_vote_of_a_rater_about_a_pair_counts_for_agreement():
    said = [vote("a0", "b0", "left", "Ada"), vote("a0", "b0", "right", "Bob"), vote("a0", "b0", "left", "Bob")]
    assert agreement_of(said).alpha == 1.0


def test_nothing_but_ties_is_no_agreement_that_could_be_told():
    said = agreement_of([vote("a0", "b0", "tie", rater) for rater in ("Ada", "Bob")])
    assert said.alpha is None
    assert "cannot be told" in said.text
