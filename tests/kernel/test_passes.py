"""Runs that are made together: what is put into one pass, what becomes of each, and what overlaps."""

import time

import pytest

import studio_kernel as sk
from engines import GatedEngine, TogetherEngine, install_gated
from waiting import until

STEPS = {"model": "gated", "num_inference_steps": 2}


@pytest.fixture
def engine(picture):
    return TogetherEngine(picture)


@pytest.fixture
def studio(home, engine):
    install_gated(home)
    with sk.open(home, engines=[engine]) as studio:
        yield studio
        engine.let()


def test_cells_are_made_in_passes_of_equal_size(studio, engine):
    engine.let()
    sweep = studio.sweep("a boat", axes={"seed": range(1, 10)}, **STEPS).wait(progress=False)
    assert engine.passes == [[1, 2, 3], [4, 5, 6], [7, 8, 9]], "not 4, 4 and 1, most of which would be filled up"
    assert set(sweep.frame()["status"]) == {"succeeded"}
    assert {run.record.provenance["batch_size"] for run in sweep.runs} == {3}
    assert {run.record.origin.batch_size for run in sweep.runs} == {3}


def test_a_plan_groups_what_fits_one_pass_and_keeps_the_size_when_some_are_done(studio, engine):
    engine.let()
    axes = {"seed": [1, 2, 3, 4, 5], "num_inference_steps": [1, 2]}
    plan = studio.sweep("a boat", model="gated", axes=axes, start=False).plan()
    assert [cell.cell.coordinates["num_inference_steps"] for cell in plan.to_do] == [1] * 5 + [2] * 5
    assert (plan.groups, plan.passes, plan.model_loads) == (2, 4, 1)
    assert {cell.batch_size for cell in plan.cells} == {3}
    studio.sweep("a boat", model="gated", axes={**axes, "seed": [1, 2, 3, 4]}).wait(progress=False)
    later = studio.sweep("a boat", model="gated", axes=axes, start=False).plan()
    assert (len(later.done), len(later.to_do)) == (8, 2)
    assert {cell.batch_size for cell in later.cells} == {3}
    assert list(later.frame()["state"]) == ["done"] * 8 + ["to do"] * 2


def test_models_are_outermost_whatever_the_order_of_the_axes(home, picture):
    install_gated(home)
    with sk.open(home, engines=[GatedEngine(picture)]) as studio:
        axes = {"seed": [1, 2], "model": ["gated", "procedural"]}
        plan = studio.sweep("a boat", axes=axes, num_inference_steps=1, start=False).plan()
    assert [cell.request.model for cell in plan.to_do] == ["gated", "gated", "procedural", "procedural"]
    assert plan.model_loads == 2


def test_an_exact_sweep_computes_each_cell_alone_and_takes_nothing_else_for_done(studio, engine):
    engine.let()
    studio.sweep("a boat", axes={"seed": [1, 2]}, **STEPS).wait(progress=False)
    exact = studio.sweep("a boat", axes={"seed": [1, 2, 3]}, exact=True, start=False, **STEPS)
    assert (len(exact.plan().done), exact.plan().passes) == (0, 3)
    exact.start().wait(progress=False)
    assert engine.passes == [[1, 2]]
    assert [request.seed for request in engine.requests] == [1, 2, 3]
    assert all("batch_size" not in run.record.provenance for run in exact.runs)
    again = studio.sweep("a boat", axes={"seed": [1, 2, 3]}, start=False, **STEPS)
    assert len(again.plan().done) == 3, "a result computed alone is as good as any"


def test_the_size_of_a_pass_can_be_limited(studio, engine):
    engine.let()
    studio.sweep("a boat", axes={"seed": [1, 2, 3, 4]}, batch_size=2, **STEPS).wait(progress=False)
    assert engine.passes == [[1, 2], [3, 4]]


def test_a_cell_that_fails_does_not_fail_the_others_of_its_pass(studio, engine):
    engine.let()
    sweep = studio.sweep(axes={"prompt": ["a boat", "fail", "a car"]}, seed=1, **STEPS).wait(progress=False)
    assert list(sweep.frame()["status"]) == ["succeeded", "failed", "succeeded"]
    assert sweep.frame()["error"][1] == "the engine could not"


def test_a_pass_that_breaks_fails_those_that_have_no_result_yet(studio, engine):
    engine.let()
    sweep = studio.sweep(axes={"prompt": ["a boat", "break", "a car"]}, seed=1, **STEPS).wait(progress=False)
    assert list(sweep.frame()["status"]) == ["succeeded", "failed", "failed"]


def test_a_cancelled_cell_does_not_stop_the_others_of_its_pass(studio, engine):
    sweep = studio.sweep("a boat", axes={"seed": [1, 2, 3]}, **STEPS)
    until(lambda: sweep.runs[0].status == "running")
    sweep.runs[1].cancel()
    engine.let()
    assert list(sweep.wait(60, progress=False).frame()["status"]) == ["succeeded", "cancelled", "succeeded"]


def test_a_cancelled_sweep_stops_its_pass_and_what_waits(studio, engine):
    sweep = studio.sweep("a boat", axes={"seed": range(1, 7)}, **STEPS)
    until(lambda: sweep.runs[0].status == "running")
    sweep.cancel()
    assert set(sweep.wait(60, progress=False).frame()["status"]) == {"cancelled"}
    assert len(engine.passes) == 1


def test_time_is_shared_so_that_it_can_be_added_up(studio, engine):
    begun = time.perf_counter()
    sweep = studio.sweep("a boat", axes={"seed": [1, 2, 3, 4]}, **STEPS)
    until(lambda: engine.started.is_set())
    time.sleep(0.2)  # a pass of a known length: four times as much is more than all that the sweep takes
    engine.let()
    sweep.wait(60, progress=False)
    total = sweep.frame()["elapsed_s"].sum()
    assert 0.2 <= total <= time.perf_counter() - begun, "and not four times as long"


def test_the_next_pass_begins_while_the_files_of_the_one_before_are_made(studio, engine):
    engine.may_encode.clear()
    sweep = studio.sweep("a boat", axes={"seed": range(1, 9)}, **STEPS)
    engine.let(2)
    until(lambda: len(engine.passes) == 2, what="a second pass")
    assert not any(run.status.is_final for run in sweep.runs)
    engine.may_encode.set()
    engine.let()
    assert set(sweep.wait(60, progress=False).frame()["status"]) == {"succeeded"}


def test_a_retried_cell_is_made_in_a_pass_of_the_same_size(studio, engine):
    engine.let()
    sweep = studio.sweep("a boat", axes={"seed": [1, 2, 3]}, **STEPS).wait(progress=False)
    again = studio.retry(sweep.runs[1]).wait(60)
    assert again.record.provenance["batch_size"] == 3
    assert engine.passes[-1] == [2]


def test_single_runs_are_never_put_into_a_pass(studio, engine):
    runs = [studio.submit("a boat", seed=seed, **STEPS) for seed in (1, 2)]
    engine.let()
    for run in runs:
        run.wait(60)
    assert engine.passes == []


def test_cells_that_ask_for_the_same_share_one_run(studio, engine):
    def two(_cell):
        return 2

    def double(cell):
        return 2 * cell["seed"]

    engine.let()
    axes = {"num_inference_steps": [two, double], "seed": [1, 2]}
    sweep = studio.sweep("a boat", axes=axes, model="gated").wait(progress=False)
    assert [run.request.parameters["num_inference_steps"] for run in sweep.runs] == [2, 2, 2, 4]
    assert sweep.runs[0].id == sweep.runs[2].id
    assert len(studio.runs()) == 3
    assert set(sweep.frame()["status"]) == {"succeeded"}
