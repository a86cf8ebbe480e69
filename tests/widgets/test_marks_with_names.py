"""What viewers say: under their name, at once, and not more than people do."""

import pytest

import studio_kernel as sk
from homes import fill
from studio_widgets.allowance import Allowance
from studio_widgets.dashboard import intents
from studio_widgets.dashboard.places import MAX_QUERY
from studio_widgets.dashboard.state import DashboardState
from studio_widgets.dashboard.view import STEPS_AT_ONCE, Header
from studio_widgets.gallery.state import GalleryState
from studio_widgets.judge.state import JudgeState
from studio_widgets.run.state import RunState
from studio_widgets.state import TOO_MUCH
from studio_widgets.workspace import MARKS_AT_ONCE, Workspace


@pytest.fixture
def ids(home):
    return fill(home, 6)


@pytest.fixture
def viewer(home, ids):
    with sk.open(home, mode="viewer") as viewer:
        yield viewer


def said(studio):
    return [(row.marked_by, row.what) for row in studio.marks().itertuples()]


def test_every_mark_of_the_gallery_carries_the_name(viewer, ids):
    state = GalleryState(viewer, workspace=Workspace(who="Ada"))
    state.open(ids[0])
    state.star(True)
    state.rate(4)
    state.add_tag("keep")
    state.write_note("the sky")
    state.select(ids[1])
    state.rate_selected(2)
    assert [by for by, _what in said(viewer)] == ["Ada"] * 5


def test_every_mark_of_a_run_carries_the_name_and_is_told_on_its_page(viewer, ids):
    state = RunState(viewer, workspace=Workspace(who="Ada"))
    state.open(ids[0])
    state.rate(3)
    state.star(True)
    state.add_tag("keep")
    state.remove_tag("keep")
    state.write_note("the <b>sky</b>")
    assert len(state.sayings) == 5
    assert {each.who for each in state.sayings} == {"Ada"}
    assert "the <b>sky</b>" in state.sayings[0].what
    assert (state.details.rating, state.details.favourite, state.details.tags) == (3, True, ())


def test_a_run_shows_what_others_say_within_one_look(home, viewer, ids):
    state = RunState(viewer)
    state.open(ids[0])
    with sk.open(home, mode="viewer") as other:
        RunState(other, workspace=Workspace(who="Bob")).open(ids[0])
        other.mark(ids[0], rating=5, by="Bob")
    state.poll()
    assert [(each.who, state.details.rating) for each in state.sayings] == [("Bob", 5)]


def test_votes_about_a_run_are_counted(viewer, ids):
    for choice in ("left", "left", "right", "tie", "skip"):
        viewer.vote(ids[0], ids[1], choice, rater="Ada", ballot=choice)
    state = RunState(viewer)
    state.open(ids[0])
    assert state.votes == "4 votes: better 2, worse 1, neither 1"


def test_neighbours_differ_in_one_setting_of_the_sweep(home):
    with sk.open(home, runner="inline") as studio:
        sweep = studio.sweep(
            "a boat", model="procedural", width=32, height=32, axes={"seed": [1, 2], "guidance_scale": [3, 5, 7]}
        )
        sweep.wait(progress=False)
        run = next(each for each in sweep.runs if dict(each.record.origin.cell) == {"seed": 1, "guidance_scale": 5})
        state = RunState(studio)
        state.open(run.id)
        assert [near.difference for near in state.neighbours] == [
            "Guidance scale 3", "Guidance scale 7", "Seed 2",
        ]  # fmt: skip
        assert not {near.record.id for near in state.similar} & {near.record.id for near in state.neighbours}


def test_a_viewer_marks_only_so_much_at_once_and_an_editor_as_much_as_they_like(home, viewer, ids):
    for studio, refused in ((viewer, True), (sk.open(home), False)):
        workspace = Workspace(who="Ada")
        workspace.allowance = Allowance(2, 0.0)
        state = GalleryState(studio, workspace=workspace)
        for rating in (1, 2, 3):
            state.rate(rating, ids[0])
        assert (state.error == TOO_MUCH) is refused
        assert state.items(5, 6)[0].rating == (2 if refused else 3)


def test_a_bulk_mark_counts_every_run(viewer, ids):
    workspace = Workspace()
    workspace.allowance = Allowance(5, 0.0)
    state = GalleryState(viewer, workspace=workspace)
    state.select_all()
    state.rate_selected(1)
    assert state.error == TOO_MUCH
    assert said(viewer) == []
    assert MARKS_AT_ONCE >= 500  # a selection that people make by hand goes through


def test_a_viewer_votes_only_so_often_and_may_go_on_later(viewer):
    clock = [0.0]
    workspace = Workspace(who="Ada")
    workspace.allowance = Allowance(1, 1.0, now=lambda: clock[0])
    state = JudgeState(viewer, workspace=workspace)
    state.begin()
    state.vote("left")
    before = state.turn
    state.vote("left")
    assert (state.error, len(viewer.votes())) == (TOO_MUCH, 1)
    assert state.turn > before, "the page waits for a turn that it has not answered"
    clock[0] = 2.0
    state.vote("left")
    assert len(viewer.votes()) == 2


def test_another_name_ends_what_was_begun_under_the_first(viewer):
    workspace = Workspace(who="Ada")
    state = JudgeState(viewer, workspace=workspace)
    state.begin()
    workspace.who = "Bob"
    assert (state.stage, state.rater) == ("setup", "Bob")


@pytest.mark.parametrize(
    "content",
    [
        {"kind": "go", "query": 3, "number": 1},
        {"kind": "go", "query": "?page=home"},
        {"kind": "go", "query": "", "number": True},
        {"kind": "go", "query": "", "number": -1},
        {"kind": "go", "query": "x" * (2 * MAX_QUERY + 1), "number": 1},
        {"kind": "turn", "page": "settings"},
        {"kind": "turn", "page": ["home"]},
        {"kind": "introduce", "name": "x" * 200},
        {"kind": "introduce", "name": None},
        {"kind": "submit", "prompt": "a boat"},
        {},
    ],
)
def test_what_no_page_of_ours_sends_is_dropped(content):
    assert intents.read(content) is None


def test_a_page_that_asks_too_often_is_not_heard(viewer):
    state = DashboardState(viewer)
    header = Header(state)
    for number in range(1, 3 * STEPS_AT_ONCE):
        header._hear(header, {"kind": "go", "query": f"?page=gallery&text={number}", "number": number}, [])
    assert STEPS_AT_ONCE <= header.answered < 2 * STEPS_AT_ONCE
