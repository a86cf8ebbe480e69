"""Sweeps looked into without a screen."""

import pytest

import studio_kernel as sk
from studio_kernel.metrics.registry import METRICS
from studio_widgets.cells.measuring import CellNumbers
from studio_widgets.dashboard.pages import SweepPage
from studio_widgets.dashboard.places import Place
from studio_widgets.explorer.panel import SweepExplorer
from studio_widgets.explorer.state import ExplorerState
from studio_widgets.workspace import Workspace
from waiting import until

QUICK = {"model": "procedural", "width": 32, "height": 32, "num_inference_steps": 1}
AXES = {"seed": [1, 2, 3], "guidance_scale": [2.0, 5.0]}


@pytest.fixture
def editor(home):
    with sk.open(home, runner="inline") as studio:
        yield studio


@pytest.fixture
def sweep(editor):
    return editor.sweep("a red boat", axes=AXES, project="boats", **QUICK).wait(progress=False)


@pytest.fixture
def viewer(home, sweep):
    with sk.open(home, mode="viewer") as studio:
        yield studio


@pytest.fixture
def state(viewer, sweep):
    return opened(ExplorerState(viewer, sweep.id))


def settled(state):
    until(lambda: state.are_errands_done and not state.doing, every=0.01, what="what was asked for")
    return state


def opened(state):
    until(lambda: state.opened and settled(state), every=0.01, what="a sweep")
    return state


def listed(state):
    """Wait until the log has been read, which happens while somebody else writes it a little later."""

    def poll():
        state.refresh()
        return state.sweeps and sum(state.sweeps[0].cells.values()) == state.sweeps[0].size

    until(poll, what="the list")
    return state.sweeps


def measured(state):
    until(lambda: state.table and not state.is_measuring and not state.measured, every=0.01, what="all numbers")
    return state


def numbers(state):
    return [tile.number for tile in state.table.tiles]


def run_at(state, **values):
    return next(
        each.record.id
        for each in state._outcomes
        if all(each.cell.coordinates[name] == value for name, value in values.items())
    )


def test_sweeps_are_listed_with_title_axes_progress_and_a_picture(viewer, sweep):
    [card] = listed(ExplorerState(viewer))
    assert (card.id, card.title, card.size, dict(card.cells)) == (sweep.id, "a red boat", 6, {"succeeded": 6})
    assert card.axes == "seed (3) × guidance scale (2)"
    state = ExplorerState(viewer)
    listed(state)
    assert state.cover(card.id)[8:12] == b"WEBP"


def test_sweeps_of_other_projects_and_without_the_words_are_left_out(viewer):
    state = ExplorerState(viewer, workspace=Workspace(project="houses"))
    assert state.sweeps == ()
    state.workspace.project = "boats"
    assert len(listed(state)) == 1
    state.text = "BOAT guidance"
    assert len(state.sweeps) == 1
    state.text = "ship"
    assert state.sweeps == ()


def test_a_sweep_that_is_not_there_is_said(viewer):
    state = settled(ExplorerState(viewer, "no-such-sweep"))
    assert "no-such-sweep" in state.error
    assert not state.opened


def test_the_sweep_that_is_shown_is_a_trait_that_opens_and_closes(viewer, sweep):
    state = ExplorerState(viewer)
    state.sweep = sweep.id[-8:]
    opened(state)
    assert state.sweep == sweep.id
    state.sweep = ""
    assert not state.opened
    state.sweep = "no-such-sweep"
    settled(state)
    until(lambda: state.sweep == "", every=0.01, what="no sweep")
    assert "no-such-sweep" in state.error


def test_axes_are_swapped_and_slices_are_shown(state):
    assert (state.rows, state.columns) == (("seed",), ("guidance_scale",))
    state.swap()
    assert (len(state.table.rows), len(state.table.columns)) == (2, 3)
    state.place("guidance_scale", "one")
    assert len(state.table.tiles) == 3
    state.show_value("guidance_scale", 1)
    assert all("guidance scale 5" in tile.title for tile in state.table.tiles)


def test_a_viewer_measures_what_the_log_lacks_and_keeps_nothing(state, viewer):
    state.metric = "sharpness"
    measured(state)
    assert all(float(number) > 0 for number in numbers(state))
    assert state.table.scale.label == "Sharpness (grey levels²)"
    assert len(viewer.sql("SELECT * FROM measurements")) == 0
    shades = [tile.shade for tile in state.table.tiles]
    assert (min(shades), max(shades)) == (0.0, 1.0)


def test_a_viewer_measures_so_many_pictures_and_no_more(state, viewer):
    state._numbers = CellNumbers(viewer, state._hear_numbers, most=4)
    state.metric = "contrast"
    until(lambda: not state.is_measuring and "4 of 6" in state.measured, every=0.01, what="the bound")
    assert "a viewer measures at most" in state.measured
    state.measure_rest()
    assert not state.is_measuring
    state.refresh()
    assert sum(bool(number) for number in numbers(state)) == 4


def test_a_viewer_loads_no_networks_for_a_number(state):
    state.metric = "ms_ssim"
    until(lambda: not state.is_measuring and "nothing this slow" in state.measured, every=0.01, what="a refusal")
    assert state.measured.startswith("measured 0 of 5;")


def test_what_was_stopped_is_not_begun_again_until_it_is_asked_for(editor, sweep):
    state = opened(ExplorerState(editor, sweep.id))
    state._numbers = CellNumbers(editor, state._hear_numbers, most=0)
    state.metric = "contrast"
    until(lambda: state.is_incomplete, every=0.01, what="the bound")
    state.stop_measuring()
    state._numbers._left = 100
    state.refresh()
    assert not state.is_measuring
    state.measure_rest()
    measured(state)


def test_numbers_of_the_log_do_not_count_against_the_bound(state, editor, viewer, sweep):
    editor.measure([run.id for run in sweep.runs], "contrast")
    state._numbers = CellNumbers(viewer, state._hear_numbers, most=0)
    state.metric = "contrast"
    assert all(numbers(measured(state)))


def test_an_editor_measures_the_rest_and_it_is_kept(editor, sweep):
    state = opened(ExplorerState(editor, sweep.id))
    state._numbers = CellNumbers(editor, state._hear_numbers, most=2)
    state.metric = "contrast"
    until(lambda: state.is_incomplete and "2 of 6" in state.measured, every=0.01, what="the bound")
    state.measure_rest()
    measured(state)
    until(lambda: len(editor.sql("SELECT * FROM measurements")) == 6, what="the log")


@pytest.mark.parametrize("order", ["highest", "lowest"])
def test_cells_are_sorted_by_their_number_over_all_pages(state, viewer, sweep, order):
    state.place("guidance_scale", "pages")
    state.metric = "colourfulness"
    measured(state)
    state.order = order
    table = viewer.measure([run.id for run in sweep.runs], "colourfulness")
    expected = table.sort_values("colourfulness", ascending=order == "lowest")
    shown = [tile.run for tile in state.table.tiles]
    by_run = dict(zip(expected["id"], expected["colourfulness"], strict=True))
    assert state.table.flows
    assert [by_run[run] for run in shown] == list(expected["colourfulness"])


def test_metrics_of_pairs_compare_with_the_first_cell_until_another_is_chosen(state, viewer):
    state.metric = "psnr"
    assert state.needs_reference
    first = state._outcomes[0].record.id
    assert state.against == first
    measured(state)
    assert numbers(state)[0] == "reference"
    other = state._outcomes[4].record.id
    state.choose(other)
    state.compare_with_chosen()
    measured(state)
    expected = viewer.measure([first], "psnr", reference=other)["psnr"][0]
    assert numbers(state)[0] == f"{expected:.3g} dB"


def test_every_number_that_can_be_had_is_offered_and_others_are_refused(state, home):
    offered = {name for _label, name in state.metrics()}
    assert {"elapsed_s", "rating", *(m.name for m in METRICS.values() if not m.needs)} <= offered
    assert "clip_score" not in offered  # its weights are not there
    state.metric = "beauty"
    assert state.metric == ""
    assert "beauty" in state.error


def test_a_cell_is_seen_with_its_settings_and_what_differs_beside_it(state):
    state.choose(run_at(state, seed=2, guidance_scale=2.0))
    assert dict(state.coordinates) == {"seed": "2", "guidance scale": "2"}
    assert state.file()[1] == "image/png"
    told = [(each.axis, each.text) for each in state.neighbours]
    assert told == [("seed", "2 → 1"), ("seed", "2 → 3"), ("guidance scale", "2 → 5")]
    assert state.neighbours[2].differs == ("Guidance scale: 2 → 5",)
    state.choose(state.neighbours[2].run)
    assert dict(state.coordinates)["guidance scale"] == "5"
    state.choose("")
    assert (state.record, state.neighbours) == (None, ())


def test_neighbours_say_how_far_their_number_is(state, viewer):
    state.metric = "brightness"
    measured(state)
    state.choose(run_at(state, seed=2, guidance_scale=2.0))
    other = state.neighbours[0]
    table = viewer.measure([state.chosen, other.run], "brightness")["brightness"]
    assert other.note == f"Brightness {table[1] - table[0]:+.3g}"


def test_a_viewer_marks_the_cell_it_looks_at(state, viewer):
    state.choose(run_at(state, seed=1, guidance_scale=5.0))
    state.rate(4)
    state.star(True)
    record = viewer.record(state.chosen)
    assert (record.rating, record.favourite) == (4, True)
    assert state.record.rating == 4


def test_selected_cells_go_to_whoever_compares_in_their_order(state):
    runs = [run_at(state, seed=3, guidance_scale=2.0), run_at(state, seed=1, guidance_scale=2.0)]
    asked = []
    state.workspace.take("compare", asked.append)
    for run in (*runs, "no-such-run"):
        state.select(run)
    assert state.selected == tuple(runs)
    state.compare_selected()
    assert asked == runs
    state.select(runs[0], on=False)
    assert state.selected == (runs[1],)


def test_cells_that_others_begin_are_taken_up_while_the_sweep_is_open(editor, home):
    planned = editor.sweep("a blue boat", axes=AXES, start=False, **QUICK)
    editor.log_sweep(planned.id, planned.definition, None)
    with sk.open(home, mode="viewer") as viewer:
        state = opened(ExplorerState(viewer, planned.id))
        assert state.counts == {"planned": 6}
        planned.start().wait(progress=False)

        def poll():
            state.poll()
            return state.counts == {"succeeded": 6}

        until(poll, every=0.05, what="all cells")


def test_going_back_shows_the_list_again(state):
    state.open("")
    assert not state.opened
    assert len(listed(state)) == 1


def test_the_address_of_a_dashboard_opens_a_sweep_and_the_list(viewer, sweep):
    page = SweepPage(viewer, Workspace())
    page.go(Place("sweep", sweep=sweep.id))
    opened(page.state)
    assert page.says() == {"sweep": sweep.id}
    page.go(Place("sweep"))
    assert page.says() == {"sweep": ""}


def test_every_part_of_the_panel_can_be_shown_in_a_notebook(viewer, sweep):
    panel = SweepExplorer(viewer, sweep)
    opened(panel.state)
    panel.state.choose(panel.state._outcomes[0].record.id)
    assert repr(panel)  # which a notebook asks every widget for
    panel.close()
