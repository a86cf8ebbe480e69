"""What is worked out from the pictures of a comparison: numbers, heat maps, and the order that a number gives."""

import math

import pytest

import studio_kernel as sk
from homes import fill
from studio_widgets.compare.state import CompareState
from studio_widgets.compare.view import Slots
from waiting import until


@pytest.fixture
def ids(home):
    """Twelve runs; each fourth has the same picture."""
    return fill(home, 12)


@pytest.fixture
def state(home, ids):
    with sk.open(home) as studio:
        state = CompareState(studio)
        for run in (ids[0], ids[1], ids[4]):
            state.add(run)
        yield state
        until(lambda: not state.is_working, what="an idle thread")


def done(state):
    until(lambda: not state.is_working, what="everything that was asked for")


def letters(state):
    return [slot.letter for slot in state.slots]


def test_nothing_is_measured_before_it_is_asked_for(state):
    assert not state.is_working
    assert state.numbers == {}
    assert state.heats == {}


def test_each_is_measured_against_the_first(state, ids):
    state.measured = True
    done(state)
    assert state.numbers[ids[4]]["psnr"] == math.inf
    assert state.numbers[ids[1]]["psnr"] < 40
    assert "psnr" not in state.numbers[ids[0]]
    assert state.numbers[ids[0]]["sharpness"] == state.numbers[ids[4]]["sharpness"]


def test_another_run_can_be_what_they_are_held_against(state, ids):
    state.measured = True
    state.reference = ids[1]
    done(state)
    assert state.against == ids[1]
    assert state.numbers[ids[0]]["psnr"] == state.numbers[ids[4]]["psnr"] < 40


def test_what_they_are_held_against_is_the_first_when_the_chosen_one_goes(state, ids):
    state.reference = ids[1]
    state.remove(ids[1])
    assert state.against == ids[0]


def test_slots_are_sorted_by_how_close_they_are_and_keep_letters_and_places(state, ids):
    state.order = "psnr"
    done(state)
    assert letters(state) == ["A", "C", "B"]
    assert [slot.place for slot in state.slots] == [0, 2, 1]
    assert [letter for letter, _record in state.compared] == ["A", "B", "C"]
    state.reverse = True
    assert letters(state) == ["A", "B", "C"]
    state.order = ""
    assert letters(state) == ["A", "B", "C"]


def test_slots_are_sorted_by_what_they_took_without_looking_at_pictures(state):
    state.order = "elapsed_s"
    assert not state.is_working
    assert letters(state) == ["A", "B", "C"]


def test_an_unknown_order_is_refused(state):
    with pytest.raises(Exception, match="nothing to sort by"):
        state.order = "beauty"


def test_heat_maps_are_made_of_all_but_what_they_are_held_against(state, ids):
    state.mode = "heat"
    done(state)
    assert set(state.heats) == {ids[1], ids[4]}
    same, other = state.heats[ids[4]], state.heats[ids[1]]
    assert (same.mean, same.worst) == (0, 0)
    assert other.mean > 0.1
    assert other.data.startswith(b"RIFF")
    assert (other.low, other.high, len(other.colours)) == (0, 1, 17)


def test_another_kind_of_heat_map_has_its_own_scale(state, ids):
    state.mode = "heat"
    state.heat = "delta_e"
    done(state)
    assert "ΔE" in state.heats[ids[1]].unit
    state.mode = "side"
    assert state.heats == {}


def test_a_heat_map_and_the_number_of_the_same_name_are_two_things(state, ids):
    state.measured = True
    state.mode, state.heat = "heat", "delta_e"
    done(state)
    assert state.heats[ids[1]].mean == pytest.approx(state.numbers[ids[1]]["delta_e"], rel=1e-3)


def test_pictures_of_other_sizes_are_measured_as_they_are_aligned(home, state, ids):
    with sk.open(home, runner="inline") as studio:
        other = studio.generate("x", model="procedural", num_inference_steps=1, width=64, height=48, progress=False)
    state.refresh()
    state.add(other.id)
    state.measured = True
    done(state)
    fitted = state.numbers[other.id]["psnr"]
    assert "fitted to its slot" in state.notice
    state.sizes = "crop"
    done(state)
    assert state.numbers[other.id]["psnr"] != fitted
    assert "around its middle" in state.notice


def test_the_page_is_sent_a_heat_map_when_it_asks_for_it(state, ids):
    view = Slots(state)
    sent = []
    view.send = lambda content, buffers=None: sent.append((content, buffers))
    state.mode = "heat"
    done(state)
    assert sent == []
    view._hear(view, {"kind": "heat", "run": ids[1]}, [])
    [(content, [data])] = sent
    assert content["key"] == next(slot for slot in view.slots if slot["run"] == ids[1])["heat"]
    assert data == state.heats[ids[1]].data


def test_the_page_gets_words_for_numbers_and_dots_for_those_to_come(state, ids):
    view = Slots(state)
    state.measured = True
    done(state)
    words = dict(view.numbers[ids[4]])
    assert words["PSNR"] == "∞ dB"
    assert words["SSIM"] == "1"
    assert "PSNR" not in dict(view.numbers[ids[0]])


@pytest.mark.parametrize("content", [
    {"kind": "set", "name": "order", "value": "beauty"},
    {"kind": "set", "name": "mode", "value": "x"},
    {"kind": "set", "name": "measured", "value": 1},
    {"kind": "set", "name": "numbers", "value": {}},
    {"kind": "set", "name": "reference", "value": "../x"},
    {"kind": "heat", "run": 7},
])  # fmt: skip
def test_what_a_page_may_not_set_stays_as_it_is(state, content):
    view = Slots(state)
    view._hear(view, content, [])
    assert (state.order, state.mode, state.measured, state.reference) == ("", "side", False, "")
