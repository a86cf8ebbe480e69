"""Sweeps without a screen."""

import pytest
from PIL import Image

import studio_kernel as sk
from engines import GatedEngine, install_gated
from studio_widgets.generation.state import GenerationState
from studio_widgets.sweep.axes import Axis, join, listed
from studio_widgets.sweep.state import SweepState
from studio_widgets.workspace import Workspace
from waiting import until

PROCEDURAL = {"width": 32, "height": 32, "num_inference_steps": 1}


@pytest.fixture
def studio(home):
    with sk.open(home) as studio:
        yield studio


@pytest.fixture
def form(studio):
    form = GenerationState(studio, model="procedural")
    form.prompt = "a red boat"
    form.random_seed = False
    for name, value in {**PROCEDURAL, "seed": 1}.items():
        form.set(name, value)
    return form


@pytest.fixture
def state(studio, form):
    return SweepState(studio, form)


def settled(state):
    until(lambda: not state.doing and state.are_errands_done and not state.is_stale, every=0.01, what="a plan")
    until(lambda: state.problem or (state.plan and state.plan.is_complete), every=0.01, what="a complete plan")
    return state


def polled(state, fact):
    def poll():
        state.poll()
        return fact()

    return until(poll, every=0.02, what="what is shown")


def ran(state):
    settled(state).run()
    polled(state, lambda: state.opened and not state.doing and state.standing in ("done", "failed"))
    return state


def titles(state):
    return [tile.title for tile in state.table.tiles]


def test_a_sweep_without_axes_says_what_to_do(state):
    assert "Add an axis" in state.problem
    state.run()
    assert "Add an axis" in state.error


def test_what_the_model_takes_can_become_an_axis_and_files_cannot(state):
    names = [name for _label, name in state.offered()]
    assert {"guidance_scale", "seed", "scheduler", "model", "prompt"} <= set(names)
    assert not {"image", "mask_image", "loras"} & set(names)
    state.add("seed")
    assert "seed" not in [name for _label, name in state.offered()]
    state.add("seed")
    assert "already" in state.error
    state.add("flux_capacity")
    assert "cannot be an axis" in state.error


def test_another_project_is_planned_for_anew(studio, form):
    workspace = Workspace(project="one")
    state = SweepState(studio, form, workspace=workspace)
    state.add("seed", "1-2")
    settled(state)
    workspace.project = "other"
    assert state.is_stale
    ran(state)
    assert (studio.count(project="other"), studio.count()) == (2, 2)


def test_a_closed_sweep_follows_no_project(studio, form):
    workspace = Workspace()
    state = SweepState(studio, form, workspace=workspace)
    state.add("seed", "1-2")
    settled(state).close()
    workspace.project = "other"
    assert not state.is_stale


def test_values_are_typed_as_rows_of_numbers(state):
    state.add("seed", "1-3, 7")
    state.add("guidance_scale", "2-8[3]")
    settled(state)
    assert state.plan.cells == 12
    assert state.wrong == {}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("seed", "", "no values yet"),
        ("seed", "1-", "is not a number"),
        ("seed", "-5", "-5"),
        ("seed", "1, 2, 1", "twice"),
        ("num_inference_steps", "0", "0"),
        ("scheduler", "euler, warp", "warp"),
        ("model", "procedural, nobody", "nobody"),
        ("prompt:ship", "a, b", "does not contain"),
    ],
)
def test_wrong_values_are_said_at_their_axis(state, name, text, said):
    state.axes = (Axis(name, text),)
    assert said in state.wrong[name]
    assert state.plan is None
    assert not state.can_run


def test_a_form_that_lacks_what_is_an_axis_is_no_problem(state, form):
    form.prompt = ""
    state.add("prompt", "a red boat, sailing\na blue house")
    settled(state)
    assert state.plan.cells == 2
    form.set("num_inference_steps", "many")
    settled(state)
    assert "steps" in state.problem.lower()


def test_words_of_the_prompt_are_an_axis(state):
    state.add_words("red")
    state.write("prompt:red", 'red, blue, "dark green, matt"')
    settled(state)
    assert state.plan.cells == 3
    state.add_words("yellow")
    assert "does not contain" in state.error


def test_choices_are_ticked(state):
    state.add("scheduler")
    texts = [text for _label, text in state.choices("scheduler")]
    state.choose_values("scheduler", texts[:2])
    assert state.chosen_values("scheduler") == tuple(texts[:2])
    assert settled(state).plan.cells == 2
    state.choose_values("scheduler", [])
    assert "no values" in state.wrong["scheduler"]


@pytest.mark.parametrize("texts", [["red"], ["dark blue, matt", "red"], ['say "hi"', "a,b"]])
def test_values_survive_being_listed(texts):
    assert listed(Axis("prompt:x", join(texts))) == tuple(texts)


def test_zipped_axes_move_together_and_need_as_many_values(state):
    state.add("seed", "1-3")
    state.add("guidance_scale", "2, 5")
    for name in ("seed", "guidance_scale"):
        state.zip(name, 1)
    settled(state)
    assert "as many" in state.wrong["guidance_scale"]
    state.write("guidance_scale", "2, 5, 8")
    settled(state)
    assert state.plan.cells == 3


def test_the_first_axis_is_the_outermost(state):
    state.add("seed", "1-2")
    state.add("guidance_scale", "2, 5")
    state.move_axis("guidance_scale", -1)
    assert [axis.name for axis in state.axes] == ["guidance_scale", "seed"]
    state.remove("seed")
    assert [axis.name for axis in state.axes] == ["guidance_scale"]


def test_rules_leave_cells_out_and_wrong_ones_are_said(state):
    state.add("seed", "1-4")
    state.where = "seed < 3"
    settled(state)
    assert state.plan.cells == 2
    state.where = "seed <"
    settled(state)
    assert "cannot be read" in state.problem


def test_seeds_repeat_every_cell(state):
    state.add("guidance_scale", "2, 5")
    state.seeds = 3
    assert settled(state).plan.cells == 6
    state.add("seed", "1, 2")
    settled(state)
    assert "seeds are an axis" in state.problem


def test_what_is_done_already_is_not_planned_again(state):
    state.add("seed", "1-2")
    ran(state)
    state.write("seed", "1-3")
    settled(state)
    assert (state.plan.done, state.plan.to_do) == (2, 1)


def test_a_sweep_runs_and_is_laid_out(state, studio):
    state.add("seed", "1-2")
    state.add("guidance_scale", "2, 5, 8")
    ran(state)
    assert (state.rows, state.columns, state.pages) == (("seed",), ("guidance_scale",), ())
    assert state.table.rows == ("1", "2")
    assert state.table.columns == ("2", "5", "8")
    assert titles(state)[1] == "seed 1, guidance scale 5"
    assert all(state.thumbnail(tile.run) for tile in state.table.tiles)
    assert state.known[0].id == state.opened


def test_axes_are_swapped_put_on_pages_and_shown_at_one_value(state):
    state.add("seed", "1-2")
    state.add("guidance_scale", "2, 5, 8")
    state.add("num_inference_steps", "1, 2")
    ran(state)
    assert (state.rows, state.columns, state.pages) == (("guidance_scale",), ("num_inference_steps",), ("seed",))
    assert state.page_labels == ("seed 1", "seed 2")
    state.swap()
    assert state.table.columns == ("2", "5", "8")
    state.page = 1
    assert all("seed 2" in title for title in titles(state))
    state.place("seed", "rows")
    assert state.rows == ("num_inference_steps", "seed")
    assert state.page_labels == ("",)
    assert len(state.table.tiles) == 12
    state.place("seed", "one")
    assert state.at == {"seed": 1}
    state.show_value("seed", 1)
    assert state.at == {"seed": 2}
    assert len(state.table.tiles) == 6
    assert all("seed 2" in title for title in titles(state))


def test_an_axis_that_is_not_there_is_not_placed(state):
    state.add("seed", "1-2")
    ran(state)
    before = state.table
    state.place("guidance_scale", "rows")
    assert "cannot be put" in state.error
    state.show_value("seed", 9)
    assert "no value" in state.error
    assert state.table == before


def test_places_without_a_cell_say_why(state):
    state.add("seed", "1-2")
    state.add("guidance_scale", "2, 5")
    state.where = "seed == 1 or guidance_scale > 3"
    ran(state)
    missing = next(tile for tile in state.table.tiles if tile.status == "left out")
    assert missing.note == "seed == 1 or guidance_scale > 3"
    assert not missing.run


def test_zipped_axes_are_labelled_together(state):
    state.add("seed", "1-2")
    state.add("guidance_scale", "2, 5")
    for name in ("seed", "guidance_scale"):
        state.zip(name, 1)
    ran(state)
    assert state.table.columns == ("1 · 2", "2 · 5")
    assert [tile.status for tile in state.table.tiles] == ["succeeded"] * 2


def test_more_cells_than_can_be_looked_through_are_said_and_not_shown(state, studio, form):
    big = studio.sweep(
        form.prompt, model="procedural", axes={"seed": "1-50", "guidance_scale": "1-9[50]"}, start=False, **PROCEDURAL
    )
    state._show(big)
    assert "2,500 cells" in state.table.too_many
    assert state.table.tiles == ()
    state.place("seed", "pages")
    assert not state.table.too_many
    assert len(state.page_labels) == 50


def test_a_metric_is_shown_as_number_and_shade(state):
    state.add("seed", "1-3")
    ran(state)
    state.metric = "elapsed_s"
    polled(state, lambda: all(tile.number.endswith(" s") for tile in state.table.tiles))
    state.metric = "brightness"
    polled(
        state,
        lambda: not state.doing and all(tile.number and not tile.number.endswith(" s") for tile in state.table.tiles),
    )
    shades = [tile.shade for tile in state.table.tiles]
    assert (min(shades), max(shades)) == (0.0, 1.0)
    state.metric = "beauty"
    until(lambda: "not one of" in state.error, what="a refusal")  # heard once what is being read just now is read


def test_a_cell_is_chosen_and_handed_to_other_panels(studio, form):
    workspace, shown = Workspace(), []
    workspace.take("show", shown.append)
    state = SweepState(studio, form, workspace=workspace)
    state.add("seed", "1-2")
    ran(state)
    state.choose("nobody")
    state.ask("show")
    assert shown == []
    run = state.table.tiles[1].run
    state.choose(run)
    state.ask("show")
    assert shown == [run]


def test_a_finer_sweep_around_a_cell_is_planned_and_run(state):
    state.add("guidance_scale", "2, 5, 8")
    ran(state)
    state.refine()
    assert "Choose a cell" in state.error
    first = state.opened
    state.choose(state.table.tiles[1].run)
    state.refine(3)
    until(lambda: state.finer is not None and not state.doing)
    assert state.finer.cells == 3
    state.run_finer()
    polled(state, lambda: state.opened != first and state.standing == "done")
    assert len(state.table.tiles) == 3


def test_the_grid_is_saved_and_downloaded(state, tmp_path):
    state.add("seed", "1-2")
    ran(state)
    state.save(str(tmp_path / "grid.png"))
    until(lambda: state.saved)
    with Image.open(state.saved) as picture:
        assert picture.width > 60
    taken = []
    state.download(lambda name, data: taken.append((name, data)))
    until(lambda: taken)
    assert taken[0][1].startswith(b"\x89PNG")


def test_a_sweep_of_the_home_is_opened_again(state, studio, form):
    state.add("seed", "1-2")
    ran(state)
    other = SweepState(studio, form)
    other.open(other.known[0].id)
    polled(other, lambda: other.standing == "done")
    assert other.table.tiles == state.table.tiles
    other.open("")
    assert other.table is None


@pytest.fixture
def gated(home, picture):
    engine = GatedEngine(picture)
    install_gated(home)
    with sk.open(home, engines=[engine]) as studio:
        form = GenerationState(studio, model="gated")
        form.prompt = "a boat"
        yield SweepState(studio, form), engine, studio
        engine.let()


def test_pausing_finishes_what_is_at_work_and_resuming_does_the_rest(gated):
    state, engine, studio = gated
    state.add("seed", "1-3")
    settled(state).run()
    until(engine.started.is_set)
    polled(state, lambda: state.standing == "running" and not state.doing)
    other = studio.submit("another", model="gated")
    state.pause()
    polled(state, lambda: state.standing == "pausing" and not state.doing)
    state.resume()
    assert state.standing == "pausing"
    engine.let(4)
    polled(state, lambda: state.standing == "paused")
    assert state.counts == {"succeeded": 1, "cancelled": 2}
    engine.let()
    assert other.wait(60).status == "succeeded"
    state.resume()
    polled(state, lambda: state.standing == "done")
    assert len(engine.requests) == 4


def test_cancelling_ends_what_is_at_work_too(gated):
    state, engine, _studio = gated
    state.add("seed", "1-3")
    settled(state).run()
    until(engine.started.is_set)
    polled(state, lambda: state.standing == "running" and not state.doing)
    state.cancel()
    polled(state, lambda: state.standing == "paused")
    assert state.counts == {"cancelled": 3}


def test_cells_that_cannot_run_say_why_in_the_plan(home, picture):
    install_gated(home)
    with sk.open(home, engines=[GatedEngine(picture)]) as studio:
        form = GenerationState(studio, model="gated")
        form.prompt = "a boat"
        state = SweepState(studio, form)
        state.add("model", "gated, procedural")
        state.add("guidance_scale", "2, 5")
        assert "cannot be an axis of gated" in state.error
        form.model = "procedural"
        state.add("guidance_scale", "2, 5")
        settled(state)
        assert (state.plan.cells, state.plan.invalid) == (4, 2)
        assert "and 1 more" in state.plan.problems[0]
        assert "guidance_scale" in state.plan.problems[0]
