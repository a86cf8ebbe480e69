"""Duels: which pairs come, in which order, and what never comes again."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from itertools import combinations

from studio_kernel.domain.assets import Asset
from studio_kernel.domain.judging import Vote
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import RunRecord, RunStatus
from studio_kernel.judging import duels
from studio_kernel.judging.duels import Duels
from studio_kernel.runlog import new_run_id

NOW = datetime.now(UTC)


def run(model="a", prompt="a boat", seed=None, medium="image/png"):
    return RunRecord(
        new_run_id(),
        GenerationRequest(model, parameters={"prompt": prompt}),
        "procedural",
        RunStatus.SUCCEEDED,
        NOW,
        seed=seed,
        assets=(Asset("ab" * 32, medium, 5),),
    )


def model_of(record):
    return record.request.model


def vote(duel, choice="left", rater="Ada"):
    return Vote(new_run_id(), NOW, rater, duel.left.id, duel.right.id, choice)


def judged(asked, choice="tie", rater="Ada"):
    """Judge until nothing comes any more, and return what came."""
    came = []
    while (duel := asked.next()) is not None:
        came.append(duel)
        asked.tell(vote(duel, choice, rater))
        assert len(came) <= asked.total, "a pair came twice"
    return came


def pairs_of(came):
    return [frozenset((duel.left.id, duel.right.id)) for duel in came]


def test_every_pair_comes_once_and_then_none():
    runs = [run() for _ in range(5)]
    asked = Duels(runs, rater="Ada", seed=1)
    assert (asked.total, asked.done, asked.left) == (10, 0, 10)
    came = judged(asked)
    assert set(pairs_of(came)) == {frozenset((a.id, b.id)) for a, b in combinations(runs, 2)}
    assert (asked.total, asked.done, asked.left) == (10, 10, 0)


def test_what_was_skipped_does_not_come_again():
    assert len(judged(Duels([run() for _ in range(4)], rater="Ada"), "skip")) == 6


def test_what_the_rater_has_judged_before_does_not_come_and_what_others_have_does():
    runs = [run() for _ in range(3)]
    earlier = [
        vote(duel, rater=rater) for rater in ("Ada", "Bob") for duel in judged(Duels(runs, rater=rater), rater=rater)
    ]
    assert Duels(runs, earlier, rater="Ada").next() is None
    assert Duels(runs, earlier, rater=" Bob ").next() is None
    assert len(judged(Duels(runs, earlier, rater="Cleo"), rater="Cleo")) == 3


def test_a_vote_that_was_taken_back_lets_its_pair_come_again():
    asked = Duels([run(), run()], rater="Ada")
    given = vote(asked.next())
    asked.tell(given)
    assert asked.next() is None
    asked.forget(given)
    assert asked.next() is not None
    assert asked.done == 0


def test_with_groups_only_runs_of_different_ones_meet():
    runs = [run(model) for model in "aabbc"]
    came = judged(Duels(runs, rater="Ada", by=model_of))
    assert len(came) == 8
    assert all(model_of(duel.left) != model_of(duel.right) for duel in came)
    assert Duels(runs[:2], rater="Ada", by=model_of).next() is None


def test_runs_of_no_group_are_left_out():
    asked = Duels([run("a"), run("b"), run("c")], rater="Ada", by=lambda record: {"a": 1, "b": 2}.get(model_of(record)))
    assert [model_of(record) for record in asked.candidates] == ["a", "b"]
    assert asked.total == 1


def test_the_same_prompt_and_seed_come_before_the_same_prompt_before_the_same_seed_before_others():
    runs = [run(model, prompt, seed) for model in "ab" for prompt in ("boat", "fox") for seed in (1, 2)]
    came = judged(Duels(runs, rater="Ada", by=model_of))
    unlike = [
        2 * (duel.left.request.prompt != duel.right.request.prompt) + (duel.left.seed != duel.right.seed)
        for duel in came
    ]
    assert unlike == sorted(unlike)
    assert Counter(unlike) == {0: 4, 1: 4, 2: 4, 3: 4}


def test_two_runs_without_a_prompt_are_not_taken_for_alike():
    runs = [run("a", ""), run("b", ""), run("a", "fox"), run("b", "fox")]
    assert Duels(runs, rater="Ada", by=model_of).next().left.request.prompt == "fox"


def test_pictures_meet_pictures_and_films_films():
    runs = [run(medium="image/png"), run(medium="image/webp"), run(medium="video/mp4"), run(medium="video/webm")]
    came = judged(Duels(runs, rater="Ada"))
    kinds = [{record.assets[0].media_type.split("/")[0] for record in (duel.left, duel.right)} for duel in came]
    assert sorted(map(sorted, kinds)) == [["image"], ["video"]]


def test_sides_and_order_are_drawn_and_a_seed_draws_them_again():
    runs = [run() for _ in range(8)]

    def drawn(seed):
        return [(duel.left.id, duel.right.id) for duel in judged(Duels(runs, rater="Ada", seed=seed))]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    older = sum(left < right for seed in range(10) for left, right in drawn(seed))
    assert 100 < older < 180, "of 280, each side about as often"


def test_pairs_of_groups_with_few_votes_come_first():
    runs = [run(model) for model in "abc" for _ in range(6)]
    a, b, c = ([record for record in runs if model_of(record) == model] for model in "abc")
    earlier = [vote(duels.Duel(one, other), choice, "Bob") for one, other in zip(a, b, strict=True)
               for choice in ("left", "right", "left", "right")]  # fmt: skip
    earlier += [vote(duels.Duel(each, run("d")), "left", "Bob") for each in c for _ in range(4)]
    asked = Duels(runs, earlier, rater="Ada", by=model_of, seed=1)
    for _ in range(5):
        duel = asked.next()
        assert "c" in (model_of(duel.left), model_of(duel.right))
        asked.tell(vote(duel, "tie"))


def test_of_groups_with_as_many_votes_those_near_in_strength_come_first():
    runs = {model: [run(model) for _ in range(12)] for model in "abc"}
    earlier = [
        vote(duels.Duel(left, right), choice, "Bob")
        for one, other, choices in (("a", "b", ("left", "right")), ("a", "c", ("left",)), ("b", "c", ("left",)))
        for left, right in zip(runs[one], runs[other], strict=True)
        for choice in choices * (2 // len(choices))
    ]
    everything = [record for group in runs.values() for record in group]
    for seed in range(20):
        duel = Duels(everything, earlier, rater="Ada", by=model_of, seed=seed).next()
        assert {model_of(duel.left), model_of(duel.right)} == {"a", "b"}


def test_of_very_many_runs_a_part_is_drawn(monkeypatch):
    monkeypatch.setattr(duels, "MAX_CANDIDATES", 10)
    runs = [run() for _ in range(30)]
    one, other = (Duels(runs, rater="Ada", seed=seed) for seed in (1, 2))
    assert len(one.candidates) == 10
    assert one.candidates != other.candidates


def test_few_candidates_make_no_duel():
    for runs in ([], [run()]):
        assert Duels(runs, rater="Ada").next() is None
        assert Duels(runs, rater="Ada").total == 0
