"""A comparison without a screen."""

import pytest

import studio_kernel as sk
from homes import fill
from studio_kernel.comparing.page import table_of
from studio_kernel.comparing.slots import GONE
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import RunEstimate, RunStatus
from studio_kernel.runlog import RunLog, new_run_id
from studio_widgets.compare.panel import CompareView
from studio_widgets.compare.state import MOST, CompareState
from studio_widgets.workspace import Workspace

QUICK = {"model": "procedural", "num_inference_steps": 1, "progress": False}


@pytest.fixture
def ids(home):
    return fill(home, 30)


@pytest.fixture
def studio(home, ids):
    with sk.open(home) as studio:
        yield studio


@pytest.fixture
def state(studio):
    return CompareState(studio)


@pytest.fixture
def three(state, ids):
    for run in ids[:3]:
        state.add(run)
    return state


def letters(state):
    return {slot.run: slot.letter for slot in state.slots}


def test_runs_are_compared_in_the_order_they_were_added(three, ids):
    assert three.workspace.compared == tuple(ids[:3])
    assert [slot.letter for slot in three.slots] == ["A", "B", "C"]


def test_a_run_is_compared_once(three, ids):
    three.add(ids[1])
    assert three.runs == tuple(ids[:3])


def test_a_run_that_is_not_there_is_refused_in_words(state):
    state.add("no-such-run")
    assert "no-such-run" in state.error
    assert state.runs == ()


def test_no_more_than_the_most_are_compared(state, ids):
    for run in ids[: MOST + 1]:
        state.add(run)
    assert len(state.runs) == MOST
    assert "remove one first" in state.error


def test_too_many_that_are_handed_over_are_cut_and_it_is_said(state, ids):
    state.workspace.compared = tuple(ids)
    assert len(state.slots) == MOST
    assert "the first 24 are compared" in state.notice


def test_a_run_handed_over_twice_stands_there_once(state, ids):
    state.workspace.compared = (ids[0], ids[0], ids[1])
    assert [slot.run for slot in state.slots] == ids[:2]


def test_other_panels_hand_runs_over_by_the_workspace(studio, ids):
    workspace = Workspace()
    state = CompareState(studio, workspace=workspace)
    workspace.ask("compare", ids[4])
    workspace.compared = (*workspace.compared, ids[5])
    assert [slot.run for slot in state.slots] == ids[4:6]


def test_a_removed_run_leaves_the_order_of_the_others(three, ids):
    three.remove(ids[1])
    assert three.runs == (ids[0], ids[2])


def test_two_runs_change_places(three, ids):
    three.swap(ids[0], ids[2])
    assert three.runs == (ids[2], ids[1], ids[0])
    three.swap(ids[0], ids[9])
    assert three.runs == (ids[2], ids[1], ids[0])


@pytest.mark.parametrize(("place", "order"), [(0, [2, 0, 1]), (1, [0, 2, 1]), (9, [0, 1, 2])])
def test_a_run_is_moved_and_those_between_move_up(three, ids, place, order):
    three.move(ids[2], place)
    assert three.runs == tuple(ids[each] for each in order)


def test_a_run_dropped_on_a_slot_takes_its_place(three, ids):
    three.put(ids[7], 1)
    assert three.runs == (ids[0], ids[7], ids[2])


def test_a_run_dropped_on_an_empty_slot_is_added(three, ids):
    three.put(ids[7], 5)
    assert three.runs == (*ids[:3], ids[7])


def test_a_compared_run_dropped_on_another_slot_changes_places(three, ids):
    three.put(ids[0], 2)
    assert three.runs == (ids[2], ids[1], ids[0])


def test_a_run_that_is_not_there_changes_nothing_when_it_is_dropped(three, ids):
    three.put("nothing", 0)
    assert three.runs == tuple(ids[:3])
    assert "nothing" in three.error


def test_clear_leaves_nothing(three):
    three.clear()
    assert three.slots == ()


@pytest.mark.parametrize(
    ("arrangement", "count", "grid"),
    [
        ("auto", 0, (2, 2)),
        ("auto", 1, (2, 2)),
        ("auto", 2, (2, 2)),
        ("auto", 3, (3, 3)),
        ("auto", 4, (2, 4)),
        ("auto", 5, (3, 5)),
        ("auto", 8, (4, 8)),
        ("auto", 24, (6, 24)),
        ("1x2", 1, (2, 2)),
        ("2x2", 2, (2, 4)),
        ("2x3", 2, (3, 6)),
        ("2x3", 8, (3, 8)),
    ],
)
def test_slots_are_arranged(state, ids, arrangement, count, grid):
    state.arrangement = arrangement
    state.workspace.compared = tuple(ids[:count])
    assert state.grid == grid


def test_the_divider_stands_between_the_first_two_until_others_are_chosen(three, ids):
    assert three.pair == (ids[0], ids[1])
    three.choose_pair(ids[2], ids[0])
    assert three.pair == (ids[2], ids[0])
    three.remove(ids[2])
    assert three.pair == (ids[1], ids[0])
    three.choose_pair(ids[1], ids[1])
    three.choose_pair(ids[1], ids[20])
    assert three.pair == (ids[1], ids[0])


def test_one_run_has_no_pair(state, ids):
    assert state.pair == ("", "")
    state.add(ids[0])
    assert state.pair == (ids[0], "")


def test_slots_say_how_a_run_was_made(studio, state):
    run = studio.generate("a boat", seed=5, width=64, height=32, **QUICK)
    state.add(run.id)
    [slot] = state.slots
    facts = dict(slot.facts)
    assert (slot.model, slot.where, slot.kind, slot.title) == ("procedural", "here", "image", "a boat")
    assert (facts["Engine"], facts["Seed"], facts["Size"], facts["Price"]) == ("procedural", "5", "64 × 32", "free")
    assert facts["Time"].endswith(" s")


def test_a_run_of_a_service_says_which_what_it_costs_and_its_memory(home, state):
    run = new_run_id()
    with RunLog(home) as log:
        log.queued(run, GenerationRequest("fal/flux_1_dev"), engine="fal", estimate=RunEstimate(cost_usd=0.02))
        outcome = {"service": "fal", "peak_memory_bytes": 3 * 2**30}
        log.finished(run, RunStatus.SUCCEEDED, outcome=outcome)
    state.add(run)
    [slot] = state.slots
    assert slot.where == "at fal"
    assert dict(slot.facts)["Price"] == "about 0.02 $"
    assert dict(slot.facts)["Peak memory"] == "3.0 GiB"
    assert "nothing to look at" in slot.note


def test_a_run_that_was_charged_for_was_not_made_here(home, state):
    run = new_run_id()
    with RunLog(home) as log:
        log.queued(run, GenerationRequest("own"), engine="painter")
        log.finished(run, RunStatus.SUCCEEDED, cost_usd=0.4)
    state.add(run)
    assert state.slots[0].where == "at painter"


def test_a_run_that_failed_says_why_in_place_of_a_picture(home, state):
    run = new_run_id()
    with RunLog(home) as log:
        log.queued(run, GenerationRequest("procedural"), engine="procedural")
        log.finished(run, RunStatus.FAILED, error="out of memory")
    state.add(run)
    assert state.slots[0].note == "failed: out of memory"


def test_a_run_that_is_gone_says_so_and_the_others_are_compared(three, ids):
    three.workspace.compared = (ids[0], "deleted", ids[1])
    assert [slot.note for slot in three.slots] == ["", GONE, ""]
    assert [letter for letter, _record in three.compared] == ["A", "C"]
    assert len(three.comparison.differences[0].cells) == 2


def test_a_run_that_is_deleted_leaves_an_empty_place(three, ids, studio):
    studio.delete(ids[1])
    three.poll()
    assert [slot.note for slot in three.slots] == ["", GONE, ""]
    assert three.file(ids[1], 0)[0] == b""


def test_a_private_run_is_compared_too(state, studio):
    run = studio.generate("a boat", private=True, width=32, height=32, **QUICK)
    state.add(run.id)
    assert state.slots[0].title == "a boat"
    assert state.file(run.id, 0)[1] == "image/png"


def test_pictures_of_different_sizes_are_said_to_be(studio, state, ids):
    state.add(ids[0])
    assert state.notice == ""
    state.add(studio.generate("a boat", width=64, height=32, **QUICK).id)
    assert "B 64 × 32; A 96 × 96" in state.notice


def test_what_differs_is_told(three):
    assert [row.name for row in three.comparison.differences] == ["model", "prompt", "seed"]


def test_files_come_on_demand_and_only_of_what_is_compared(three, ids, studio):
    data, media_type = three.file(ids[0], 0)
    assert media_type == "image/png"
    assert data == studio.assets.path(studio.record(ids[0]).assets[0]).read_bytes()
    assert three.file(ids[0], 1)[0] == b""
    assert three.file(ids[9], 0)[0] == b""
    assert three.thumbnail(ids[0])
    assert three.thumbnail(ids[9]) is None


def test_a_run_of_several_files_shows_one_that_is_chosen(studio, state):
    run = studio.generate("boats", width=32, height=32, seed=3, num_images=3, **QUICK)
    state.add(run.id)
    state.show_file(run.id, 2)
    [slot] = state.slots
    assert (slot.index, slot.files, dict(slot.facts)["Seed"]) == (2, 3, "5")
    assert slot.key == run.assets[2].sha256
    state.show_file(run.id, 3)
    assert state.slots[0].index == 2


def test_settings_are_handed_to_the_form_only_of_what_is_compared(three, ids):
    loaded = []
    three.workspace.take("load", loaded.append)
    three.use(ids[1])
    three.use(ids[9])
    assert loaded == [ids[1]]


def test_a_run_that_ends_is_seen(studio, home, state):
    run = new_run_id()
    with RunLog(home) as log:
        log.queued(run, GenerationRequest("procedural"), engine="procedural")
        state.add(run)
        assert state.slots[0].note == "This run is queued."
        log.finished(run, RunStatus.CANCELLED)
    state.poll()
    assert state.slots[0].note == "This run is cancelled."


def test_a_viewer_can_compare(home, ids):
    with sk.open(home, mode="viewer") as studio:
        state = CompareState(studio)
        state.add(ids[0])
        assert state.runs == (ids[0],)


def test_the_table_escapes_what_comes_from_outside(studio, state):
    for prompt in ("<b>a boat</b>", "<img src=x onerror=alert(1)>"):
        state.add(studio.generate(prompt, width=32, height=32, seed=1, **QUICK).id)
    html = table_of(state.comparison, [letter for letter, _record in state.compared])
    assert "<b>" not in html
    assert "<img" not in html
    assert "<ins>" in html


def test_the_table_says_when_nothing_differs(studio, state):
    for _ in range(2):
        state.add(studio.generate("a boat", width=32, height=32, seed=1, **QUICK).id)
    html = table_of(state.comparison, [letter for letter, _record in state.compared])
    assert "Nothing in the settings differs" in html


def test_the_view_follows_the_state(three, ids):
    view = CompareView(three)
    slots = view.children[2]
    assert [slot["letter"] for slot in slots.slots] == ["A", "B", "C"]
    assert not slots.can_use
    three.workspace.take("load", print)
    assert slots.can_use
    three.mode = "slider"
    three.choose_pair(ids[2], ids[1])
    assert (slots.mode, slots.before, slots.after) == ("slider", ids[2], ids[1])


def test_what_was_said_about_the_last_act_outlasts_a_look_at_the_log(state):
    state.add("nothing of that name")
    said = state.error
    assert "nothing of that name" in said
    state.poll()
    assert state.error == said
