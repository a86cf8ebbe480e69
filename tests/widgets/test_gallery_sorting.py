"""The gallery by a number: over what is measured, the others last, and the rest measured in the background."""

import pytest
import traitlets

import studio_kernel as sk
from studio_widgets.gallery.state import GalleryState
from studio_widgets.gallery.view import RunsView
from waiting import until

QUICK = {"model": "procedural", "width": 32, "height": 32, "num_inference_steps": 1, "progress": False}
COUNT = 8


@pytest.fixture
def studio(home):
    with sk.open(home, runner="inline") as studio:
        yield studio


@pytest.fixture
def runs(studio):
    """Ids, the oldest first; the first half is measured."""
    made = [studio.generate("a boat", seed=seed, **QUICK).id for seed in range(COUNT)]
    studio.measure(made[: COUNT // 2], "contrast")
    return made


@pytest.fixture
def state(studio, runs):
    state = GalleryState(studio)
    state.sorted_by = "contrast"
    return state


def by_contrast(studio, runs, *, ascending=False):
    return list(studio.measure(runs, "contrast").sort_values("contrast", ascending=ascending)["id"])


def shown(state):
    return [item.run for item in state.items(0, COUNT)]


def test_measured_runs_come_first_in_order_and_it_is_said_how_many_those_are(state, studio, runs):
    half = COUNT // 2
    assert shown(state)[:half] == by_contrast(studio, runs[:half])
    assert shown(state)[half:] == runs[:3:-1]
    assert state.measured == f"measured {half} of {COUNT}"
    state.lowest_first = True
    assert shown(state)[:half] == by_contrast(studio, runs[:half], ascending=True)
    assert shown(state)[half:] == runs[:3:-1]


def test_each_run_says_its_number(state):
    notes = [item.note for item in state.items(0, COUNT)]
    assert [float(note) for note in notes[:4]] == sorted((float(note) for note in notes[:4]), reverse=True)
    assert notes[4:] == [""] * 4


def test_an_editor_measures_the_rest_in_the_background(state, studio, runs):
    state.measure_rest()
    until(lambda: not state.is_measuring, what="all numbers")
    until(lambda: state.refresh() or state.measured == "", what="the log")
    assert shown(state) == by_contrast(studio, runs)


def test_a_viewer_sorts_by_what_the_log_has_and_measures_nothing(state, home):
    with sk.open(home, mode="viewer") as viewer:
        other = GalleryState(viewer)
        other.sorted_by = "contrast"
        other.measure_rest()
        assert not other.is_measuring
        assert shown(other) == shown(state)


def test_the_run_that_is_looked_at_is_found_where_it_stands(state):
    order = shown(state)
    state.open(order[2])
    assert state.place == 2
    state.step(1)
    assert state.details.id == order[3]
    state.select_between(order[1], order[3])
    assert set(state.selection.runs) == set(order[1:4])


def test_filters_and_pages_of_the_view_follow_the_order(state, studio, runs):
    studio.mark(runs[0], runs[1], runs[6], favourite=True)
    state.favourite = True
    assert shown(state) == [*by_contrast(studio, runs[:2]), runs[6]]
    assert state.measured == "measured 2 of 3"
    view = RunsView(state, "Runs")
    view.push()


def test_what_the_log_knows_sorts_without_measuring(state, studio, runs):
    studio.mark(runs[3], rating=5)
    studio.mark(runs[5], rating=2)
    state.sorted_by = "rating"
    assert shown(state)[:2] == [runs[3], runs[5]]
    assert (state.measured, state.items(0, 1)[0].note) == ("", "5 stars")


def test_nothing_else_can_be_sorted_by(state):
    before = shown(state)
    with pytest.raises(traitlets.TraitError, match="nothing to sort by"):
        state.sorted_by = "psnr"
    assert shown(state) == before
