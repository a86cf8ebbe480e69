"""The history without a screen."""

import pytest

import studio_kernel as sk
from homes import fill
from studio_widgets.gallery import intents
from studio_widgets.history.state import HistoryState
from studio_widgets.workspace import Workspace
from waiting import until

SLOW = {"model": "procedural", "width": 32, "height": 32, "num_inference_steps": 2, "step_seconds": 5.0}


@pytest.fixture
def ids(home):
    return fill(home, 12)


@pytest.fixture
def studio(home, ids):
    with sk.open(home, runner="inline") as studio:
        yield studio


@pytest.fixture
def cancelled(studio):
    run = studio.submit("given up", **SLOW)
    run.cancel()
    run.wait(progress_bar=False)
    return run


@pytest.fixture
def state(studio):
    return HistoryState(studio)


def test_runs_appear_by_themselves_and_change_their_status(state, studio):
    run = studio.submit("under way", **SLOW)
    until(lambda: state.poll() or state.items(0, 1)[0].status == "running", what="the run at work")
    run.cancel()
    run.wait(progress_bar=False)
    state.poll()
    assert (state.total, state.items(0, 1)[0].status) == (13, "cancelled")


def test_status_and_words_filter_and_are_counted(state, cancelled, studio):
    state.poll()
    assert state.counts == {"succeeded": 12, "cancelled": 1}
    state.status = "cancelled"
    assert [item.run for item in state.items(0, 9)] == [cancelled.id]
    state.text = "boat"
    assert (state.total, state.active) == (0, [("text", "“boat”"), ("status", "Cancelled")])
    state.without_filters()
    assert state.total == 13


def test_a_project_of_the_workspace_restricts(studio):
    assert HistoryState(studio, workspace=Workspace(project="harbour")).total == 0


def test_buttons_are_those_that_do_something(state, cancelled):
    state.poll()
    assert [item.acts for item in state.items(0, 2)] == [("retry",), ("download",)]
    state.workspace.take("load", lambda _run: None)
    state.workspace.take("show", lambda _run: None)
    assert [item.acts for item in state.items(0, 2)] == [("show", "load", "retry"), ("show", "download", "load")]


def test_wishes_go_to_whoever_takes_them(state, ids):
    asked = []
    state.workspace.take("load", asked.append)
    state.workspace.take("show", asked.append)
    state.hear(intents.Act("load", ids[3]))
    state.open(ids[4])
    assert asked == [ids[3], ids[4]]


def test_a_run_that_failed_is_tried_again(state, studio, cancelled):
    state.act("retry", cancelled.id)
    again = studio.record(state.items(0, 1)[0].run)
    studio.cancel(again.id)
    assert again.origin.parent_id == cancelled.id
    assert again.id[-8:] in state.said


@pytest.mark.parametrize("name", ["retry", "delete", "__init__", ""])
def test_what_does_not_fit_a_run_is_not_done(state, ids, name):
    state.act(name, ids[3])
    assert (state.total, state.error) == (12, "")


def test_a_viewer_retries_nothing(home, cancelled):
    with sk.open(home, mode="viewer") as studio:
        state = HistoryState(studio)
        until(lambda: state.poll() or state.total == 13, what="the run in another studio's log")
        state.act("retry", cancelled.id)
        assert (state.items(0, 1)[0].acts, state.total) == ((), 13)


def test_a_run_that_is_not_there_is_said_in_words(state):
    state.act("retry", "nothing")
    assert "no run 'nothing'" in state.error
