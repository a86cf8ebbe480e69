"""The dashboard without a screen: addresses lead in and out, pages share what they show, one that fails fails alone."""

import pytest

import studio_kernel as sk
from homes import fill
from studio_widgets.dashboard.places import PAGES, Place
from studio_widgets.dashboard.state import DashboardState


@pytest.fixture
def ids(home):
    return fill(home, 12)


@pytest.fixture
def studio(home, ids):
    with sk.open(home) as studio:
        yield studio


@pytest.fixture
def viewer(home, studio):
    with sk.open(home, mode="viewer") as viewer:
        yield viewer


@pytest.fixture
def state(viewer):
    return DashboardState(viewer)


def test_it_begins_on_the_first_page(state):
    assert state.place == Place()
    assert state.page("home").state.newest


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_for_a_viewer_without_a_complaint(state, page):
    if page in state.names:
        state.go(f"?page={page}")
        assert state.place.page == page
        assert state.notice == ""
        assert state.page(page).state.error == ""
        assert state.page(page).view() is not None


def test_an_address_leads_to_the_run_it_names(state, ids):
    state.go(f"?page=gallery&run={ids[3]}&text=boat")
    gallery = state.page("gallery").state
    assert (gallery.details.id, gallery.text) == (ids[3], "boat")
    state.go(f"?page=run&run={ids[4]}")
    assert state.page("run").state.details.id == ids[4]


def test_what_is_done_on_a_page_is_in_the_address(state, ids):
    state.go("?page=gallery")
    gallery = state.page("gallery").state
    gallery.open(ids[5])
    assert state.place == Place("gallery", run=ids[5])
    gallery.text = "boat"
    assert state.place.text == "boat"
    assert Place.parse(state.place.query()) == state.place


def test_a_page_that_is_not_open_does_not_change_the_address(state, ids):
    state.go("?page=gallery")
    state.go("?page=judge")
    state.page("gallery").state.open(ids[0])
    assert state.place == Place("judge")


def test_a_page_is_left_and_found_as_it_was(state, ids):
    state.go(f"?page=gallery&run={ids[2]}")
    state.turn_to("judge")
    state.turn_to("gallery")
    assert state.place == Place("gallery", run=ids[2])


def test_a_run_that_is_gone_is_told_and_leads_home(state, studio, ids):
    studio.delete(ids[1])
    for page in ("run", "gallery"):
        state.go(f"?page={page}&run={ids[1]}")
        assert "may have been deleted" in state.notice
        assert state.can_go_home
    state.go("")
    assert (state.notice, state.can_go_home) == ("", False)


def test_what_an_address_says_wrongly_is_told(state):
    state.go("?page=nowhere&project=atlantis&run=<b>")
    assert state.place == Place()
    for told in ("'nowhere'", "'atlantis'", "run cannot be"):
        assert told in state.notice


def test_a_project_holds_on_every_page(studio, viewer):
    studio.create_project("Harbour")
    studio.generate("a boat", model="procedural", project="harbour", width=64, height=64, progress=False)
    state = DashboardState(viewer)
    state.go("?page=gallery&project=harbour")
    assert (state.title, state.page("gallery").state.total) == ("Harbour", 1)
    state.turn_to("home")
    assert len(state.page("home").state.newest) == 1
    assert state.place == Place("home", project="harbour")


def test_runs_are_gathered_from_the_gallery_and_compared_by_address(state, ids):
    state.go("?page=gallery")
    workspace = state.workspace
    workspace.ask("compare", ids[0])
    workspace.ask("compare", ids[1])
    assert (state.place.page, state.counts["compare"]) == ("gallery", 2)
    state.turn_to("compare")
    assert state.place == Place("compare", runs=(ids[0], ids[1]))
    state.go(f"?page=compare&runs={ids[7]},{ids[8]}")
    assert state.page("compare").state.runs == (ids[7], ids[8])


def test_runs_of_an_address_that_are_gone_are_counted(state, ids):
    state.go(f"?page=compare&runs={ids[0]},01931c2e-7b1a-7000-8000-0123456789ab")
    assert "1 run of this address cannot be found" in state.notice
    assert state.page("compare").state.runs == (ids[0],)


def test_an_address_leads_to_a_sweep_and_says_so_when_it_is_gone(studio, viewer):
    made = studio.sweep("a boat", model="procedural", width=32, height=32, axes={"seed": [1, 2]}).wait(progress=False)
    state = DashboardState(viewer)
    state.go(f"?page=sweep&sweep={made.id}")
    assert state.place == Place("sweep", sweep=made.id)
    state.go("?page=sweep&sweep=0192ffff")
    assert "no sweep '0192ffff'" in state.notice


def test_only_the_pages_that_were_asked_for_are_there(viewer):
    state = DashboardState(viewer, ["judge"])
    assert (state.names, state.place.page, state.can_go_home) == (("judge",), "judge", False)
    state.go("?page=gallery")
    assert state.place.page == "judge"
    assert "no page 'Gallery'" in state.notice
    with pytest.raises(ValueError, match="there is no page 'settings'"):
        DashboardState(viewer, ["settings"])


def test_a_name_is_shared_by_all_pages_and_checked(state):
    state.introduce("  Ada   Lovelace ")
    assert state.who == state.workspace.who == "Ada Lovelace"
    assert state.page("judge").state.rater == "Ada Lovelace"
    for wrong in ("x" * 65, "a\x00b"):
        state.introduce(wrong)
        assert state.who == "Ada Lovelace"
        assert "A name has at most 64 characters" in state.error


def test_a_page_that_fails_says_so_and_the_others_go_on(state, ids, monkeypatch):
    monkeypatch.setattr("studio_widgets.judge.state.JudgeState.refresh", lambda _self: 1 / 0)
    state.go("?page=judge")
    assert "“Blind vote” could not be opened" in state.notice
    state.go(f"?page=gallery&run={ids[0]}")
    assert (state.notice, state.page("gallery").state.details.id) == ("", ids[0])
