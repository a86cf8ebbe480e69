"""Judging in a studio: who may vote on what."""

from __future__ import annotations

import pytest

import studio_kernel as sk
from engines import GatedEngine, install_gated
from studio_kernel.errors import InvalidRequestError, UnknownRunError
from studio_kernel.runlog import RunFilter
from waiting import until

QUICK = {"model": "procedural", "width": 64, "height": 64, "num_inference_steps": 1, "progress": False}


@pytest.fixture
def studio(home):
    with sk.open(home, runner="inline") as opened:
        yield opened


@pytest.fixture
def pair(studio):
    return [studio.generate("a red boat", seed=seed, **QUICK) for seed in (1, 2)]


def test_a_vote_is_in_the_table_until_it_is_taken_back(studio, pair):
    one, other = pair
    vote = studio.vote(one, other.id, "right", rater="Ada", ballot="sharper", seconds=2.5)
    [row] = studio.votes().to_dict("records")
    assert {name: row[name] for name in ("id", "rater", "left", "right", "choice", "ballot", "seconds")} == {
        "id": vote.id, "rater": "Ada", "left": one.id, "right": other.id, "choice": "right", "ballot": "sharper",
        "seconds": 2.5,
    }  # fmt: skip
    assert studio.votes(ballot="other").empty
    assert studio.votes(rater="Bob").empty
    studio.retract(vote)
    studio.retract(vote.id)
    assert list(studio.votes().columns) == list(row)
    assert studio.votes().empty


def test_a_viewer_may_vote_and_take_it_back(studio, home, pair):
    with sk.open(home, mode="viewer") as viewer:
        vote = viewer.vote(*(run.id for run in pair), "tie", rater="Bob")
        until(lambda: list(studio.votes()["id"]) == [vote.id])
        viewer.retract(vote)
        assert viewer.votes().empty
    until(lambda: studio.votes().empty)


def test_votes_are_checked(studio, pair):
    for wrong in ({"choice": "both"}, {"rater": " "}, {"seconds": -1}):
        with pytest.raises(InvalidRequestError, match=r"choice 'both'|a rater|seconds -1"):
            studio.vote(*pair, **{"choice": "left", "rater": "Ada"} | wrong)
    with pytest.raises(InvalidRequestError, match="against itself"):
        studio.vote(pair[0], pair[0], "left", rater="Ada")
    with pytest.raises(UnknownRunError):
        studio.vote(pair[0], "0000", "left", rater="Ada")
    with pytest.raises(InvalidRequestError, match="no vote 'nothing'"):
        studio.retract("nothing")
    assert studio.votes().empty


def test_runs_that_have_made_nothing_are_not_judged(home, picture):
    install_gated(home)
    engine = GatedEngine(picture)
    with sk.open(home, runner="inline", engines=[engine]) as studio:
        done, failed, waiting = (studio.submit(prompt, model="gated") for prompt in ("a boat", "fail", "a fox"))
        engine.let(8)
        failed.wait(60)
        for run, reason in ((failed, "it failed"), (waiting, "has made nothing yet")):
            with pytest.raises(InvalidRequestError, match=reason):
                studio.vote(done, run, "left", rater="Ada")


def test_private_and_deleted_runs_are_not_judged(studio, pair):
    private = studio.generate("a secret", private=True, **QUICK)
    with pytest.raises(InvalidRequestError, match="is private"):
        studio.vote(pair[0], private, "left", rater="Ada")
    studio.delete(pair[1])
    with pytest.raises(InvalidRequestError, match="is deleted"):
        studio.vote(*pair, "left", rater="Ada")
    assert studio.sql("SELECT id FROM votes").empty


def settle(studio, duels, prefers, rater="Ada", ballot=""):
    """Judge all that comes, by a rule that says which of two records is better."""
    while (duel := duels.next()) is not None:
        choice = "left" if prefers(duel.left) > prefers(duel.right) else "right"
        duels.tell(studio.vote(duel.left.id, duel.right.id, choice, rater=rater, ballot=ballot))


@pytest.fixture
def sweep(studio):
    axes = {"prompt:boat": ["boat", "ship", "raft"], "seed": [1, 2]}
    quick = {name: value for name, value in QUICK.items() if name != "progress"}
    return studio.sweep("a red boat", axes=axes, **quick).wait(progress=False)


def strength(record):
    return ["raft", "boat", "ship"].index(record.request.prompt.split()[-1])


def test_votes_about_a_sweep_rank_prompts_axes_and_seeds(studio, sweep):
    duels = studio.duels(sweep, rater="Ada", by="prompt:boat", seed=1)
    assert len(duels.candidates) == 6
    settle(studio, duels, strength)
    assert list(studio.ranking("prompt").table["group"]) == ["a red ship", "a red boat", "a red raft"]
    assert list(studio.ranking("prompt:boat", runs=sweep).table["group"]) == ["ship", "boat", "raft"]
    assert list(studio.ranking("prompt:boat").table["group"]) == ["ship", "boat", "raft"]
    assert len(studio.ranking("run").table) == 6
    assert set(studio.ranking("seed").table["group"]) == {1, 2}


def test_an_axis_is_that_of_the_sweep_also_for_cells_that_another_one_made(studio, sweep):
    quick = {name: value for name, value in QUICK.items() if name != "progress"}
    other = studio.sweep("a green boat", axes={"prompt:green boat": ["red ship", "red raft"], "seed": [1]}, **quick)
    other.wait(progress=False)
    assert {run.id for run in other.runs} <= {run.id for run in sweep.runs}
    settle(studio, studio.duels(other, rater="Ada", by="prompt:green boat"), strength)
    ranking = studio.ranking("prompt:green boat", runs=other)
    assert list(ranking.table["group"]) == ["red ship", "red raft"]


def test_a_ballot_a_rater_and_a_choice_of_runs_restrict_what_is_counted(studio, sweep):
    settle(studio, studio.duels(sweep, rater="Ada", by="prompt", ballot="one"), strength, ballot="one")
    settle(studio, studio.duels(sweep, rater="Bob", by="prompt"), lambda run: -strength(run), rater="Bob")
    assert studio.ranking("prompt", ballot="one").table["group"][0] == "a red ship"
    assert studio.ranking("prompt", rater="Bob").table["group"][0] == "a red raft"
    assert studio.ranking("prompt").counted == 24
    assert studio.ranking("prompt").agreement.alpha < 0
    some = [run for run in sweep.runs if "raft" not in run.request.prompt]
    assert set(studio.ranking("prompt", runs=some).table["group"]) == {"a red boat", "a red ship"}
    assert studio.ranking("prompt", runs=RunFilter(text="fox")).counted == 0
    assert studio.ranking("prompt", runs=RunFilter(sweep_id=sweep.id)).counted == 24


def test_a_preset_is_told_by_the_settings_of_a_run(studio):
    parameters = {**QUICK, "num_inference_steps": 2}
    studio.save_preset("Two steps", values={"num_inference_steps": 2})
    studio.save_preset("Two steps guided", values={"num_inference_steps": 2, "guidance_scale": 3.0})
    runs = [
        studio.generate("a boat", seed=1, **{**parameters, "guidance_scale": 3.0}),
        studio.generate("a boat", seed=1, **{**parameters, "guidance_scale": 4.0}),
    ]
    studio.vote(*runs, "left", rater="Ada")
    assert list(studio.ranking("preset").table["group"]) == ["two-steps-guided", "two-steps"]


def test_a_deleted_run_neither_comes_nor_counts(studio, sweep):
    settle(studio, studio.duels(sweep, rater="Ada", by="prompt"), strength)
    studio.delete(*(run for run in sweep.runs if "ship" in run.request.prompt))
    assert set(studio.ranking("prompt").table["group"]) == {"a red boat", "a red raft"}
    assert len(studio.duels(sweep, rater="Bob", by="prompt").candidates) == 4


def test_private_runs_do_not_come(studio, pair):
    studio.generate("a secret", private=True, **QUICK)
    assert {record.id for record in studio.duels(rater="Ada").candidates} == {run.id for run in pair}
    assert {record.id for record in studio.duels([run.id for run in pair], rater="Ada").candidates} == {
        run.id for run in pair
    }


def test_a_group_that_no_run_has_is_refused_with_what_there_is(studio, pair):
    with pytest.raises(InvalidRequestError, match=r"'guidance_scal'.*did you mean 'guidance_scale'"):
        studio.duels(rater="Ada", by="guidance_scal")
    studio.vote(*pair, "left", rater="Ada")
    with pytest.raises(InvalidRequestError, match=r"'colour of the sky'.*they have "):
        studio.ranking("colour of the sky")


def test_a_viewer_may_judge_and_see_the_result(studio, home, pair):
    assert studio.count() == 2, "they are in the log by now"
    with sk.open(home, mode="viewer") as viewer:
        settle(viewer, viewer.duels(rater="Ada"), lambda record: record.seed)
        assert list(viewer.ranking("seed").table["group"]) == [2, 1]


def test_a_studio_without_votes_says_so(studio):
    assert "nobody has voted" in str(studio.ranking())
    assert studio.duels(rater="Ada").next() is None
