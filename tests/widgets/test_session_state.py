"""The session strip without a screen."""

from datetime import UTC, datetime

import pytest

import studio_kernel as sk
from engines import GatedEngine, MediaEngine, install_gated, install_media
from studio_widgets.session import intents
from studio_widgets.session.panel import SessionStrip
from studio_widgets.session.state import LIMIT, SessionState
from studio_widgets.workspace import Workspace


@pytest.fixture
def studio(home, picture):
    install_media(home)
    install_gated(home)
    engine = GatedEngine(picture)
    engine.let()
    with sk.open(home, engines=[MediaEngine(), engine]) as studio:
        yield studio


def made(studio, prompt, model="media", **more):
    return studio.generate(prompt, model=model, progress=False, **more)


def test_what_is_made_after_the_panel_was_opened_appears_newest_first(studio):
    made(studio, "png")
    state = SessionState(studio)
    assert state.results == ()
    first, second = made(studio, "jpg"), made(studio, "webm")
    state.poll()
    assert [result.run for result in state.results] == [second.id, first.id]
    assert [result.kind for result in state.results] == ["video", "image"]


def test_a_session_can_begin_earlier(studio):
    run = made(studio, "png")
    assert [each.run for each in SessionState(studio, since=datetime(2020, 1, 1, tzinfo=UTC)).results] == [run.id]


def test_the_project_of_the_workspace_decides(studio):
    workspace = Workspace()
    state = SessionState(studio, workspace=workspace)
    one, other = made(studio, "png", project="one"), made(studio, "jpg", project="other")
    state.poll()
    assert [result.run for result in state.results] == [other.id, one.id]
    workspace.project = "one"
    assert [result.run for result in state.results] == [one.id]


def test_a_run_that_failed_is_there_with_its_reason(studio):
    state = SessionState(studio)
    made(studio, "fail", model="gated")
    state.poll()
    [result] = state.results
    assert result.error == "the engine could not"
    assert state.thumbnail(result.run) is None


def test_a_run_that_was_cancelled_is_no_result(studio, home, picture):
    state = SessionState(studio)
    run = studio.submit("a boat", model="procedural", step_seconds=5.0)
    run.cancel()
    run.wait(progress_bar=False)
    state.poll()
    assert state.results == ()


def test_only_the_newest_are_kept(studio, monkeypatch):
    monkeypatch.setattr("studio_widgets.session.state.LIMIT", 2)
    state = SessionState(studio)
    runs = [made(studio, "png") for _ in range(3)]
    state.poll()
    assert [result.run for result in state.results] == [runs[2].id, runs[1].id]


def test_choosing_hands_the_run_to_the_form_or_else_to_the_gallery(studio):
    workspace, loaded, shown = Workspace(), [], []
    state = SessionState(studio, workspace=workspace)
    run = made(studio, "png")
    state.poll()
    workspace.take("show", shown.append)
    assert state.does == "show it"
    state.choose(run.id)
    workspace.take("load", loaded.append)
    assert state.does == "load its settings"
    state.choose(run.id)
    assert (shown, loaded, state.chosen) == ([run.id], [run.id], run.id)


def test_a_callable_of_ones_own_comes_first(studio):
    chosen = []
    state = SessionState(studio, on_choose=chosen.append)
    state.workspace.take("load", lambda _run: pytest.fail("loaded"))
    run = made(studio, "png")
    state.poll()
    state.choose(run.id)
    assert chosen == [run.id]


def test_a_run_that_is_not_in_the_strip_is_not_chosen(studio):
    earlier = made(studio, "png")
    chosen = []
    state = SessionState(studio, on_choose=chosen.append)
    state.choose(earlier.id)
    assert (chosen, state.chosen) == ([], "")


def test_thumbnails_are_of_what_is_in_the_strip(studio):
    earlier = made(studio, "png")
    state = SessionState(studio)
    run = made(studio, "wav webm")
    state.poll()
    assert state.thumbnail(run.id)[:4] == b"RIFF"
    assert state.thumbnail(earlier.id) is None


def test_the_strip_shows_results_and_sends_their_pictures(studio):
    state = SessionState(studio)
    row = SessionStrip(state).children[0]
    said = []
    row.send = lambda content, buffers: said.append((content, buffers))  # the wire to the browser
    run = made(studio, "png" + " png" * 3)
    state.poll()
    assert [result["run"] for result in row.results] == [run.id]
    assert row.results[0]["files"] == 4
    row._handle_custom_msg({"kind": "thumbnails", "runs": [run.id, "nobody"]}, [])
    [(content, [data])] = said
    assert content["runs"] == [run.id]
    assert data[:4] == b"RIFF"


def test_what_can_be_done_is_told_when_a_panel_joins(studio):
    state = SessionState(studio)
    row = SessionStrip(state).children[0]
    assert row.does == ""
    state.workspace.take("load", print)
    assert row.does == "load its settings"


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"kind": "choose", "run": 3},
        {"kind": "choose", "run": "x" * 65},
        {"kind": "thumbnails", "runs": []},
        {"kind": "thumbnails", "runs": ["a"] * (LIMIT + 1)},
        {"kind": "thumbnails", "runs": [{}]},
    ],
)
def test_other_messages_are_dropped(content):
    assert intents.read(content) is None
