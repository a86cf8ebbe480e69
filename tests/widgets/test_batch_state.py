"""Batches without a screen."""

import pytest
import traitlets

import studio_kernel as sk
from engines import GatedEngine, PaidEngine, TogetherEngine, install_gated, install_paid
from studio_widgets.batch.state import BatchState, shape_of
from studio_widgets.generation.state import GenerationState
from studio_widgets.workspace import Workspace
from waiting import until


@pytest.fixture
def engine(picture):
    return TogetherEngine(picture, limit=8)


@pytest.fixture
def studio(home, engine):
    install_gated(home)
    with sk.open(home, engines=[engine]) as studio:
        yield studio
        engine.let()


@pytest.fixture
def form(studio):
    form = GenerationState(studio, model="gated")
    form.prompt = "a boat"
    return form


@pytest.fixture
def state(studio, form):
    return settled(BatchState(studio, form))


def settled(state):
    """Wait until what was asked for beside the kernel is done and the plan is the newest."""
    until(lambda: state.are_errands_done and not state.is_stale and not state.doing, every=0.01, what="a plan")
    until(lambda: state.problem or (state.plan and state.plan.is_complete), every=0.01, what="a complete plan")
    return state


def polled(state, fact):
    def poll():
        state.poll()
        return fact()

    return until(poll, every=0.02, what="what is shown")


def test_size_times_number_is_planned_and_costs_nothing_here(state):
    state.batch_size, state.batches = 3, 2
    settled(state)
    assert state.total == 6
    assert (state.plan.cells, state.plan.to_do, state.plan.passes) == (6, 6, 2)
    assert state.plan.is_free
    assert len(state.seeds) == 2


def test_another_project_is_planned_for_anew_and_gets_the_pictures(studio, form, engine):
    workspace = Workspace()
    state = settled(BatchState(studio, form, workspace=workspace))
    state.batch_size = 2
    settled(state)
    workspace.project = "harbour"
    assert state.is_stale
    settled(state).run()
    engine.let()
    polled(state, lambda: state.standing == "done")
    assert (studio.count(project="harbour"), studio.count()) == (2, 2)


def test_only_one_to_twenty_are_taken(state):
    for name in ("batch_size", "batches"):
        for wrong in (0, 21):
            with pytest.raises(traitlets.TraitError):
                setattr(state, name, wrong)


def test_batches_run_in_passes_of_their_size_and_come_in_order(studio, state, engine):
    state.batch_size, state.batches = 3, 2
    state.set_seed(0, 100)
    state.set_seed(1, 500)
    state.run()
    engine.let()
    polled(state, lambda: state.standing == "done")
    assert engine.passes == [[100, 101, 102], [500, 501, 502]]
    assert state.table.rows == ("Batch 1 · seed 100", "Batch 2 · seed 500")
    assert state.table.columns == ("seed", "+1", "+2")
    assert [tile.title for tile in state.table.tiles][:2] == ["seed 100", "seed 101"]
    assert all(state.thumbnail(tile.run) for tile in state.table.tiles)


def test_pictures_stream_in_batch_by_batch(studio, state, engine):
    state.batch_size, state.batches = 2, 2
    state.run()
    engine.let(4)
    polled(state, lambda: state.counts.get("succeeded") == 2)
    assert [tile.status for tile in state.table.tiles][:2] == ["succeeded"] * 2
    assert state.standing == "running"
    assert not state.table.tiles[3].key


def test_what_is_left_is_cancelled_and_gone_on_with(studio, state, engine):
    state.batch_size, state.batches = 2, 2
    state.run()
    until(engine.started.is_set)
    engine.let(4)
    polled(state, lambda: state.counts.get("succeeded") == 2)
    state.cancel()
    polled(state, lambda: state.standing == "paused")
    state.resume()
    engine.let()
    polled(state, lambda: state.standing == "done")
    assert len(engine.passes) == 3
    assert studio.count(status="succeeded") == 4


def test_a_paused_batch_finishes_the_pass_at_work_alone(studio, state, engine):
    state.batch_size, state.batches = 2, 3
    state.run()
    until(engine.started.is_set)
    polled(state, lambda: state.standing == "running" and not state.doing)
    state.pause()
    polled(state, lambda: state.standing == "pausing" and not state.doing)
    engine.let(4)
    polled(state, lambda: state.standing == "paused")
    assert state.counts == {"succeeded": 2, "cancelled": 4}


def test_again_takes_other_seeds(studio, state, engine):
    engine.let()
    state.batch_size = 2
    state.run()
    polled(state, lambda: state.standing == "done" and not state.doing)
    first, seeds = state.opened, state.seeds
    state.again()
    polled(state, lambda: state.opened != first and state.standing == "done")
    assert state.seeds != seeds
    assert studio.count(status="succeeded") == 4


def test_seeds_of_other_batches_stay_when_their_number_changes(state):
    state.batches = 3
    before = state.seeds
    state.batches = 2
    assert state.seeds == before[:2]
    state.batches = 4
    assert state.seeds[:2] == before[:2]


def test_batches_that_share_seeds_are_refused_and_which_is_said(state):
    state.batch_size, state.batches = 4, 2
    state.set_seed(0, 10)
    state.set_seed(1, 12)
    settled(state)
    assert "batches 1 and 2" in state.problem
    state.run()
    assert state.error == state.problem
    state.set_seed(1, 14)
    settled(state)
    assert not state.problem


def test_a_seed_out_of_range_is_refused(state):
    before = state.seeds
    state.set_seed(0, 2**32)
    assert "not between" in state.error
    assert state.seeds == before


def test_what_is_wrong_with_the_form_is_said_in_place_of_a_plan(state, form):
    form.set("num_inference_steps", "many")
    settled(state)
    assert "steps" in state.problem.lower()
    assert state.plan is None
    assert not state.can_run


def test_more_than_400_pictures_need_a_yes(home, picture):
    engine = PaidEngine(picture, bill=0.0)
    install_paid(home, "run_usd = 1000.0")
    with sk.open(home, engines=[engine]) as studio:
        form = GenerationState(studio, model="paid")
        form.prompt = "a boat"
        form.set("num_images", 41)
        state = settled(BatchState(studio, form))
        state.batch_size = 10
        settled(state)
        assert state.total == 410
        assert state.plan.cost_usd == pytest.approx(205.0)
        assert state.needs_yes
        assert not state.can_run
        state.run()
        assert "need a yes" in state.error
        assert studio.count() == 0
        state.agreed = True
        state.run()
        until(lambda: studio.count() == 10)
        state.cancel()


def test_a_yes_to_many_pictures_holds_for_that_number_only(home, picture):
    engine = PaidEngine(picture)
    install_paid(home)
    with sk.open(home, engines=[engine]) as studio:
        form = GenerationState(studio, model="paid")
        form.prompt = "a boat"
        form.set("num_images", 100)
        state = settled(BatchState(studio, form))
        state.batch_size = 10
        settled(state).agreed = True
        state.batch_size = 12
        assert not settled(state).agreed


def test_a_price_that_nobody_knows_needs_consent(home, picture):
    engine = PaidEngine(picture)
    install_paid(home)
    with sk.open(home, engines=[engine]) as studio:
        form = GenerationState(studio, model="priceless")
        form.prompt = "a boat"
        state = settled(BatchState(studio, form))
        assert state.needs_consent
        state.run()
        until(lambda: state.error)
        assert studio.count() == 0
        form.accept_unknown_price = True
        state.run()
        until(lambda: studio.count() == 4)
        state.cancel()


def test_a_budget_stands_in_the_way_of_all_of_it(home, picture):
    install_paid(home, "sweep_usd = 1.0")
    with sk.open(home, engines=[PaidEngine(picture)]) as studio:
        form = GenerationState(studio, model="paid")
        form.prompt = "a boat"
        state = settled(BatchState(studio, form))
        state.run()
        until(lambda: state.error)
        assert "budget" in state.error
        assert studio.count() == 0


def test_an_unfinished_batch_is_found_again_after_a_restart(home, picture, studio, state, engine):
    state.batch_size, state.batches = 2, 2
    state.set_seed(0, 10)
    state.set_seed(1, 20)
    state.run()
    until(engine.started.is_set)
    polled(state, lambda: not state.doing and state.opened)
    state.cancel()
    polled(state, lambda: state.standing == "paused")
    with sk.open(home, engines=[GatedEngine(picture)]) as later:
        form = GenerationState(later, model="gated", attach=False)
        form.prompt = "something else"
        again = settled(BatchState(later, form))
        assert again.opened == state.opened
        assert again.caption == "a boat"
        assert (again.batch_size, again.batches, again.seeds) == (2, 2, (10, 20))
        assert again.standing == "paused"


def test_a_batch_that_is_done_is_not_shown_again(home, picture, studio, state, engine):
    engine.let()
    state.run()
    polled(state, lambda: state.standing == "done")
    with sk.open(home, engines=[GatedEngine(picture)]) as later:
        again = settled(BatchState(later, GenerationState(later, model="gated", attach=False)))
        assert not again.opened


def test_a_sweep_over_other_things_is_no_batch(studio):
    plain = studio.sweep("a boat", model="gated", axes={"seed": "1-4"}, start=False)
    assert shape_of(plain.definition) is None
    counted = studio.sweep("a boat", model="gated", axes={"seed": [1, 2, 8, 9]}, batch_size=2, start=False)
    assert shape_of(counted.definition) == ((1, 8), 2)
    gap = studio.sweep("a boat", model="gated", axes={"seed": [1, 3]}, batch_size=2, start=False)
    assert shape_of(gap.definition) is None


def test_a_failed_cell_says_why_and_the_others_go_on(studio, form, engine):
    engine.let()
    form.prompt = "fail"
    state = settled(BatchState(studio, form))
    state.batch_size = 2
    state.run()
    polled(state, lambda: state.standing == "failed")
    assert {tile.note for tile in state.table.tiles} == {"the engine could not"}


def test_alternatives_in_the_prompt_multiply_the_batches(form, state):
    form.prompt = "a {red|blue} boat"
    state.batch_size, state.batches = 2, 2
    settled(state)
    assert state.plan.cells == 8
