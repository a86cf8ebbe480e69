"""Boards of a comparison without a screen."""

import pytest

import studio_kernel as sk
from homes import fill
from studio_kernel.errors import UnknownBoardError
from studio_widgets.compare.state import CompareState
from studio_widgets.dashboard.places import Place
from studio_widgets.dashboard.state import DashboardState


@pytest.fixture
def ids(home):
    return fill(home, 6)


@pytest.fixture
def studio(home, ids):
    with sk.open(home) as studio:
        yield studio


@pytest.fixture
def state(studio, ids):
    state = CompareState(studio)
    state.workspace.compared = (ids[0], ids[1])
    return state


def test_a_board_keeps_the_runs_and_how_they_are_shown(state, studio, ids):
    state.mode, state.sizes = "slider", "crop"
    state.boards.save("Cover ideas")
    assert state.boards.said == "Kept as “Cover ideas”."
    other = CompareState(studio)
    other.boards.open("Cover ideas")
    assert other.runs == (ids[0], ids[1])
    assert (other.mode, other.sizes) == ("slider", "crop")


def test_a_board_is_chosen_from_the_list(state, studio):
    state.boards.save("One")
    other = CompareState(studio)
    [board] = other.boards.every
    other.boards.chosen = board.id
    assert other.runs == state.runs


def test_who_keeps_a_board_is_told(state, studio):
    state.workspace.who = "Ada"
    state.boards.save("Hers")
    assert studio.board("Hers").created_by == "Ada"


def test_other_runs_are_no_longer_the_board(state, ids):
    state.boards.save("One")
    state.add(ids[3])
    assert state.boards.chosen == ""


def test_a_board_that_is_open_is_changed_and_another_of_its_name_is_refused(state, studio, ids):
    state.boards.save("One")
    state.mode = "blink"
    state.boards.save("One")
    assert studio.board("One").settings["mode"] == "blink"
    state.workspace.compared = (ids[4],)
    state.boards.save("One")
    assert "there is a board 'One' already" in state.boards.error
    assert studio.board("One").runs == (ids[0], ids[1])


def test_runs_that_were_deleted_are_left_out_and_told(state, studio, ids):
    state.boards.save("One")
    studio.delete(ids[0])
    other = CompareState(studio)
    other.boards.open("One")
    assert other.runs == (ids[1],)
    assert other.boards.said == "1 run of it was deleted."


def test_what_a_board_says_wrongly_of_its_look_is_left_out(studio, ids):
    studio.save_board("Odd", [ids[0]], settings={"mode": "upside down", "order": "nothing", "sizes": "pad"})
    state = CompareState(studio)
    state.boards.open("Odd")
    assert (state.mode, state.order, state.sizes) == ("side", "", "pad")


def test_a_board_that_is_gone_raises(state):
    with pytest.raises(UnknownBoardError):
        state.boards.open("Atlantis")


def test_a_viewer_opens_boards_and_changes_none(home, state, studio, ids):
    state.boards.save("One")
    with sk.open(home, mode="viewer") as viewer:
        seen = CompareState(viewer)
        seen.boards.open("One")
        seen.boards.delete()
        assert "viewer" in seen.boards.error
        seen.boards.save("Two")
        assert "viewer" in seen.boards.error
    assert [board.name for board in studio.boards()] == ["One"]


def test_a_dashboard_leads_to_a_board_and_says_so_when_it_is_gone(home, state, studio, ids):
    state.boards.save("One")
    board = studio.board("One").id
    with sk.open(home, mode="viewer") as viewer:
        dashboard = DashboardState(viewer)
        dashboard.go("?page=compare&board=One")
        assert dashboard.place == Place("compare", board=board)
        assert dashboard.page("compare").state.runs == (ids[0], ids[1])
        dashboard.page("compare").state.add(ids[2])
        assert dashboard.place == Place("compare", runs=tuple(ids[:3]))
        dashboard.go("?page=compare&board=Two")
        assert "no board 'Two'" in dashboard.notice
