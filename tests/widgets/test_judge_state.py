"""Judging without a screen: who, what, which is better, and when the result is seen."""

import json

import pytest

import studio_kernel as sk
from engines import MediaEngine, install_media
from homes import fill
from studio_kernel.assets.embed import read
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import RunStatus
from studio_kernel.runlog import RunFilter, RunLog, new_run_id
from studio_widgets.judge.panel import JudgePanel, JudgeView
from studio_widgets.judge.state import JudgeState
from studio_widgets.workspace import Workspace
from waiting import until

SMALL = {"model": "procedural", "width": 32, "height": 32, "num_inference_steps": 1}
QUICK = SMALL | {"progress": False}


@pytest.fixture
def ids(home):
    return fill(home, 6)


@pytest.fixture
def studio(home, ids):
    with sk.open(home, runner="inline") as studio:
        yield studio


@pytest.fixture
def state(studio, ids):
    """Three runs: three pairs."""
    return JudgeState(studio, runs=ids[:3], by="run", rater="Ada", seed=1)


def at_hand(state):
    return [record.id for record in state._pair]


def said(studio):
    return [(row.rater, row.left, row.right, row.choice, row.ballot) for row in studio.votes().itertuples()]


# Who judges


def test_nobody_judges_without_a_name(studio, ids):
    state = JudgeState(studio, runs=ids[:3])
    state.begin()
    assert (state.stage, state.turn) == ("setup", 0)
    assert "who judges" in state.error
    state.rater = "Ada"
    state.begin()
    assert (state.stage, state.error) == ("judging", "")


def test_a_name_may_not_be_longer_than_a_vote_takes(state):
    state.rater = "x" * 65
    state.begin()
    assert state.stage == "setup"
    assert "64 are the most" in state.error


def test_the_name_of_an_editor_is_there_again_and_a_visitor_is_somebody_else(state, studio, home, ids):
    state.begin()
    assert JudgeState(studio, runs=ids).rater == "Ada"
    with sk.open(home, mode="viewer") as viewer:
        assert JudgeState(viewer, runs=ids).rater == ""


def test_what_is_wrong_is_said_until_it_is_right(studio, ids):
    state = JudgeState(studio, runs=ids[:3])
    state.begin()
    studio.mark(ids[0], rating=3)
    state.poll()
    assert "who judges" in state.error


# What is judged


def test_it_takes_two(studio, ids):
    state = JudgeState(studio, runs=ids[:1], rater="Ada")
    state.begin()
    assert state.stage == "setup"
    assert "takes two" in state.error


def test_runs_are_those_of_a_filter(studio, ids):
    assert len(JudgeState(studio, runs=RunFilter(model="procedural")).candidates) == 3


def test_runs_are_those_of_a_sweep(studio):
    sweep = studio.sweep("a boat", axes={"seed": [1, 2, 3]}, **SMALL).wait(progress=False)
    assert {record.id for record in JudgeState(studio, runs=sweep).candidates} == {run.id for run in sweep.runs}


def test_there_is_everything_and_each_project_tag_and_sweep_to_choose(studio, ids):
    studio.create_project("Harbour")
    runs = [studio.generate("a boat", project="harbour", seed=seed, **QUICK).id for seed in (1, 2)]
    studio.mark(ids[0], tags=["keep"])
    sweep = studio.sweep("a tree", axes={"seed": [1, 2]}, **SMALL).wait(progress=False)
    state = JudgeState(studio)
    keys = [key for _label, key in state.offered]
    assert keys == ["all", "project:harbour", "tag:keep", f"sweep:{sweep.id}"]
    found = {}
    for key in keys:
        state.source = key
        found[key] = {record.id for record in state.candidates}
    assert found["project:harbour"] == set(runs)
    assert found["tag:keep"] == {ids[0]}
    assert found[f"sweep:{sweep.id}"] == {run.id for run in sweep.runs}
    assert found["all"] == {*ids, *runs, *found[f"sweep:{sweep.id}"]}


def test_what_is_compared_can_be_judged(studio, ids):
    workspace = Workspace(compared=tuple(ids[:2]))
    state = JudgeState(studio, workspace=workspace)
    assert state.source == "compared"
    workspace.compared = tuple(ids[:4])
    assert {record.id for record in state.candidates} == set(ids[:4])
    workspace.compared = ()
    assert (state.source, len(state.candidates)) == ("all", 6)


def test_the_project_that_is_worked_in_is_judged_first(studio):
    studio.create_project("Harbour")
    for seed in (1, 2):
        studio.generate("a boat", project="harbour", seed=seed, **QUICK)
    state = JudgeState(studio, workspace=Workspace(project="harbour"))
    assert (state.source, len(state.candidates)) == ("project:harbour", 2)
    assert JudgeState(studio, workspace=Workspace(project="other")).source == "all"


def test_what_cannot_be_judged_is_left_out_and_counted(studio, home, ids):
    failed = new_run_id()
    with RunLog(home) as log:
        log.queued(failed, GenerationRequest("procedural"), engine="procedural")
        log.finished(failed, RunStatus.FAILED, error="out of memory")
    state = JudgeState(studio, runs=[*ids[:2], failed])
    assert {record.id for record in state.candidates} == set(ids[:2])
    assert state.notice == "2 pictures to judge. 1 other run made none that could stand beside them."


def test_films_are_judged_against_films(home):
    install_media(home)
    with sk.open(home, runner="inline", engines=[MediaEngine()]) as studio:
        films = {studio.generate(kind, model="media", progress=False).id for kind in ("webm", "mp4")}
        studio.generate("wav", model="media", progress=False)
        state = JudgeState(studio, rater="Ada")
        state.begin()
        assert {record.id for record in state.candidates} == films
        assert state.kinds == ("video", "video")
        assert state.file("left")


def test_models_are_ranked_where_there_are_several(studio, ids):
    assert JudgeState(studio, runs=ids).by == "model"
    assert JudgeState(studio, runs=ids[::2]).by == "run"


def test_settings_that_differ_can_be_ranked(studio):
    ids = [
        studio.generate("a boat", guidance_scale=scale, seed=seed, **QUICK).id for scale in (2, 5) for seed in (1, 2)
    ]
    until(lambda: studio.count(status="succeeded") == 10)
    state = JudgeState(studio, runs=ids, by="guidance_scale")
    assert ("Guidance scale", "guidance_scale") in state.groupings
    assert state.by == "guidance_scale"


# Judging


@pytest.mark.parametrize("choice", ["left", "right", "tie", "skip"])
def test_what_is_said_is_logged_with_its_sides(state, studio, choice):
    state.ballot = "sharper"
    state.begin()
    left, right = at_hand(state)
    state.vote(choice)
    assert said(studio) == [("Ada", left, right, choice, "sharper")]
    assert studio.votes().seconds[0] >= 0


def test_every_pair_comes_once_and_then_the_result(state, studio):
    state.begin()
    seen = []
    for choice in ("left", "skip", "tie"):
        assert state.ranking is None
        seen.append(frozenset(at_hand(state)))
        state.vote(choice)
    assert len(set(seen)) == 3
    assert (state.stage, state.turn, state.kinds) == ("result", 0, ())
    assert len(said(studio)) == 3
    assert state.ranking.counted == 2


def test_who_comes_back_goes_on_where_they_stopped(state, studio, ids):
    state.begin()
    state.vote("left")
    state.vote("skip")
    again = JudgeState(studio, runs=ids[:3], by="run", rater="Ada")
    again.begin()
    again.vote("right")
    assert again.stage == "result"
    other = JudgeState(studio, runs=ids[:3], by="run", rater="Grace")
    other.begin()
    assert other.stage == "judging"


def test_each_pair_has_a_number_of_its_own(state):
    state.begin()
    numbers = [state.turn]
    for _ in range(2):
        state.vote("left")
        numbers.append(state.turn)
    assert len(set(numbers)) == 3


def test_the_last_vote_is_taken_back_and_its_pair_is_there_again(state, studio):
    state.begin()
    assert not state.can_undo
    state.undo()
    first = at_hand(state)
    state.vote("left")
    second = at_hand(state)
    state.vote("right")
    assert state.progress == "2 judged · 1 pair left"
    state.undo()
    assert at_hand(state) == second
    state.undo()
    assert at_hand(state) == first
    assert said(studio) == []
    assert (state.progress, state.can_undo) == ("0 judged · 3 pairs left", False)


def test_what_was_skipped_is_taken_back_too(state, studio):
    state.begin()
    first = at_hand(state)
    state.vote("skip")
    assert state.progress == "0 judged, 1 skipped · 2 pairs left"
    state.undo()
    assert at_hand(state) == first
    assert said(studio) == []


def test_the_very_last_vote_can_be_taken_back_too(state, studio):
    state.begin()
    for _ in range(3):
        state.vote("left")
    assert state.stage == "result"
    state.undo()
    assert state.stage == "judging"
    assert state.ranking is None
    assert len(said(studio)) == 2


def test_nothing_is_said_before_it_begins(state, studio):
    state.vote("left")
    state.undo()
    assert said(studio) == []


def test_a_viewer_may_vote_and_take_back(home, ids):
    with sk.open(home, mode="viewer") as studio:
        state = JudgeState(studio, runs=ids[:3], rater="A visitor")
        state.begin()
        state.vote("left")
        assert (state.error, len(said(studio))) == ("", 1)
        state.undo()
        assert (state.error, said(studio)) == ("", [])


def test_a_run_that_was_deleted_meanwhile_makes_room_for_another_pair_and_is_not_named(state, studio, ids):
    state.begin()
    gone = at_hand(state)[0]
    studio.delete(gone)
    turn = state.turn
    state.vote("left")
    assert said(studio) == []
    assert "this is another one" in state.error
    assert not any(run in state.error for run in ids)
    assert state.turn != turn
    assert gone not in at_hand(state)


# The result


def test_the_result_is_shown_when_it_is_asked_for_and_hidden_from_who_judges(state):
    state.begin()
    state.vote("left")
    pair = at_hand(state)
    state.show_result()
    assert state.stage == "result"
    assert state.ranking.counted == 1
    assert state.file("left") == b""
    state.go_on()
    assert (state.stage, state.ranking, at_hand(state)) == ("judging", None, pair)
    state.poll()
    assert state.ranking is None


def test_the_result_can_be_seen_without_judging(studio, ids):
    studio.vote(ids[0], ids[1], "left", rater="Grace")
    state = JudgeState(studio, runs=ids)
    state.show_result()
    assert list(state.ranking.table.group) == ["studio-tiny", "procedural"]


def test_votes_of_others_are_seen_in_a_result_that_is_shown(state, studio, ids):
    state.show_result()
    assert state.ranking.counted == 0
    studio.vote(ids[0], ids[1], "right", rater="Grace")
    state.poll()
    assert state.ranking.counted == 1


def test_a_result_is_grouped_anew(studio, ids):
    studio.vote(ids[0], ids[1], "left", rater="Grace")
    state = JudgeState(studio, runs=ids, by="model")
    state.show_result()
    state.by = "run"
    assert set(state.ranking.table.group) == set(ids[:2])


def test_votes_of_another_question_count_for_it_alone(studio, ids):
    studio.vote(ids[0], ids[1], "left", rater="Grace", ballot="sharper")
    state = JudgeState(studio, runs=ids, ballot="prettier")
    state.show_result()
    assert state.ranking.counted == 0


def test_votes_about_other_runs_do_not_count(studio, ids):
    studio.vote(ids[0], ids[5], "left", rater="Grace")
    state = JudgeState(studio, runs=ids[:3])
    state.show_result()
    assert state.ranking.counted == 0


def test_somebody_else_can_judge_then(state):
    state.begin()
    state.vote("left")
    state.stop()
    assert (state.stage, state.turn, state.can_undo) == ("setup", 0, False)
    state.rater = "Grace"
    state.begin()
    assert state.progress == "0 judged · 3 pairs left"


# Blind


@pytest.fixture
def told(studio):
    """Two runs whose files tell everything about them, and which differ in seed and guidance."""
    return [
        studio.generate("a boat", seed=seed, guidance_scale=scale, **QUICK)
        for seed, scale in ((471147, 3.25), (471148, 7.75))
    ]


def widgets_of(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from widgets_of(child)


def test_nothing_that_goes_to_the_page_tells_which_is_which(studio, told, monkeypatch):
    panel = JudgePanel(studio, runs=told, by="guidance_scale", rater="Ada")
    panel.state.show_result()
    panel.state.go_on()
    duel = panel.children[0].children[2].children[2].children[0]
    sent = []
    monkeypatch.setattr(duel, "send", lambda content, buffers: sent.append((content, buffers)))
    for side in ("left", "right"):
        duel._handle_custom_msg({"kind": "file", "turn": duel.turn, "side": side}, [])
    contents = [content for content, _buffers in sent]
    assert contents == [{"kind": "file", "turn": duel.turn, "side": side} for side in ("left", "right")]

    page = json.dumps([each.get_state() for each in widgets_of(panel)], default=str) + str(panel.still())
    page = page.replace(json.dumps(duel._esm), "").replace(json.dumps(duel._css), "")
    for run in told:
        asset = run.assets[0]
        assert read(studio.assets.path(asset).read_bytes()) is not None
        for fact in (run.id, asset.sha256, str(run.seed), "procedural", str(run.request.parameters["guidance_scale"])):
            assert fact not in page, fact
            assert not any(fact.encode() in data for _content, [data] in sent), fact
    assert all(read(data) is None and b"boat" not in data for _content, [data] in sent)


def test_the_bytes_of_a_pair_differ_in_their_pixels_alone(state, studio):
    one, other = (studio.generate("a boat", seed=5, num_images=count, **QUICK) for count in (1, 2))
    assert one.assets[0].sha256 != other.assets[0].sha256, "the same picture, in files that tell their runs"
    state = JudgeState(studio, runs=[one, other], by="run", rater="Ada")
    state.begin()
    assert state.file("left") == state.file("right")


def test_a_prompt_is_shown_only_where_both_have_it(studio, ids, told):
    state = JudgeState(studio, runs=told, rater="Ada")
    state.begin()
    assert state.prompt == "a boat"
    state = JudgeState(studio, runs=ids[:2], rater="Ada")
    state.begin()
    assert state.prompt == ""


def test_a_file_that_is_gone_is_empty_and_not_named(state, studio):
    state.begin()
    for asset in {record.assets[0] for record in state._pair}:
        studio.assets.path(asset).unlink()
    assert state.file("left") == b""
    assert state.error == ""


# The view


def test_the_view_shows_one_of_three(state):
    view = JudgeView(state)
    _error, setup, judging, result = view.children

    def shown():
        return [part for part in (setup, judging, result) if part.layout.display != "none"]

    assert shown() == [setup]
    state.begin()
    assert shown() == [judging]
    assert (judging.children[0].turn, judging.children[0].question) == (state.turn, "Which is better?")
    state.show_result()
    assert shown() == [result]


def test_the_result_is_a_table_with_words_escaped(studio):
    runs = [studio.generate(f"<b>{word}</b>", seed=1, **QUICK) for word in ("one", "two")]
    studio.vote(runs[0], runs[1], "left", rater="Grace")
    state = JudgeState(studio, runs=runs, by="prompt")
    view = JudgeView(state)
    html = view.children[3].children[0].children[1]
    state.show_result()
    assert "<b>" not in html.value
    assert "&lt;b&gt;one" in html.value
    assert "Not enough votes yet" in html.value
    state.by = "run"
    assert html.value.count("<img") == 2
    assert "between #1 and #2" in html.value
    assert not any(run.id in html.value for run in runs)
    state.rater = "Ada"
    state.go_on()
    assert html.value == ""
