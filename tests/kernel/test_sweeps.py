"""Sweeps as a researcher uses them: plan, run, resume, table, grid."""

import time

import pytest

import studio_kernel as sk
from engines import GatedEngine, install_gated
from studio_kernel.errors import InvalidRequestError, ReadOnlyError

BASE = {"model": "procedural", "num_inference_steps": 1, "width": 32, "height": 32}
AXES = {"guidance_scale": sk.linspace(1, 9, 3), "seed": [1, 2]}


@pytest.fixture
def studio(home):
    with sk.open(home) as studio:
        yield studio


def test_a_sweep_runs_every_combination(studio):
    sweep = studio.sweep("a boat", axes=AXES, **BASE).wait(progress=False)
    frame = sweep.frame()
    assert sweep.size == len(frame) == 6
    assert set(frame["status"]) == {"succeeded"}
    assert list(zip(frame["guidance_scale"], frame["seed"], strict=True)) == [
        (1.0, 1), (1.0, 2), (5.0, 1), (5.0, 2), (9.0, 1), (9.0, 2),
    ]  # fmt: skip
    assert [run.seed for run in sweep.runs] == [1, 2, 1, 2, 1, 2]


def test_cells_without_a_seed_share_one(studio):
    sweep = studio.sweep("a boat", axes={"guidance_scale": [1, 5]}, **BASE).wait(progress=False)
    assert len({run.seed for run in sweep.runs}) == 1


def test_planning_starts_nothing(studio):
    sweep = studio.sweep("a boat", axes=AXES, start=False, **BASE)
    assert len(sweep.plan().to_do) == 6
    assert set(sweep.frame()["status"]) == {"planned"}
    assert studio.runs().empty


def test_finished_cells_are_reused_and_a_wider_axis_computes_only_the_new_ones(studio):
    first = studio.sweep("a boat", axes=AXES, **BASE).wait(progress=False)
    wider = studio.sweep("a boat", axes={**AXES, "seed": [1, 2, 3]}, start=False, **BASE)
    assert (len(wider.plan().done), len(wider.plan().to_do)) == (6, 3)
    wider.start().wait(progress=False)
    assert len(studio.runs(limit=None)) == 9
    assert {run.id for run in first.runs} < {run.id for run in wider.runs}


def test_generate_always_makes_a_new_run(studio):
    studio.sweep("a boat", axes={"seed": [1]}, **BASE).wait(progress=False)
    studio.generate("a boat", seed=1, **BASE)
    assert len(studio.runs()) == 2


def test_a_bad_cell_does_not_stop_the_others_and_says_why(studio):
    sweep = studio.sweep("a boat", axes={"guidance_scale": [5, 99]}, **BASE).wait(progress=False)
    good, bad = sweep.frame().to_dict("records")
    assert good["status"] == "succeeded"
    assert bad["status"] == "invalid"
    assert "99" in bad["error"]
    assert len(sweep.plan().invalid) == 1


def test_a_sweep_without_one_good_cell_is_refused(studio):
    with pytest.raises(InvalidRequestError, match="guidnace_scale"):
        studio.sweep("a boat", axes={"guidnace_scale": [1, 2]}, **BASE)
    assert studio.runs().empty


@pytest.mark.parametrize("axes", [{"seed": []}, {"seed": [1, 1]}])
def test_an_axis_without_values_or_with_repeats_is_refused(studio, axes):
    with pytest.raises(InvalidRequestError, match="seed"):
        studio.sweep("a boat", axes=axes, **BASE)


def test_a_picture_can_be_an_axis(studio):
    one, two = (studio.generate("a boat", seed=seed, **BASE) for seed in (1, 2))
    sweep = studio.sweep("a boat", axes={"image": [one, two]}, seed=3, **BASE).wait(progress=False)
    assert [run.request.task for run in sweep.runs] == ["image-to-image"] * 2
    assert [run.request.inputs["image"] for run in sweep.runs] == [one.first_asset.ref, two.first_asset.ref]


def test_the_model_can_be_an_axis(home, picture):
    install_gated(home)
    engine = GatedEngine(picture)
    engine.let()
    with sk.open(home, engines=[engine]) as studio:
        sweep = studio.sweep("a boat", axes={"model": ["procedural", "gated"]}, num_inference_steps=2, seed=1)
        sweep.wait(progress=False)
        assert list(sweep.frame()["status"]) == ["succeeded", "succeeded"]
        assert [run.request.model for run in sweep.runs] == ["procedural", "gated"]


def test_failed_cells_stay_in_their_place_and_resume_runs_only_them(home, picture):
    install_gated(home)
    engine = GatedEngine(picture)
    engine.let()
    with sk.open(home, engines=[engine]) as studio:
        sweep = studio.sweep(axes={"prompt": ["fail", "a boat"]}, model="gated", seed=1).wait(progress=False)
        assert list(sweep.frame()["status"]) == ["failed", "succeeded"]
        good = sweep.runs[1].id
        sweep.resume().wait(progress=False)
        assert [request.prompt for request in engine.requests] == ["fail", "a boat", "fail"]
        assert sweep.runs[1].id == good


def test_a_cell_its_engine_refuses_does_not_stop_the_others(home, picture):
    install_gated(home)
    engine = GatedEngine(picture)
    engine.let()
    with sk.open(home, engines=[engine]) as studio:
        sweep = studio.sweep(axes={"prompt": ["refuse", "a boat"]}, model="gated", seed=1).wait(progress=False)
        refused, good = sweep.frame().to_dict("records")
        assert (refused["status"], good["status"]) == ("invalid", "succeeded")
        assert "'refuse' is refused" in refused["error"]
        with pytest.raises(InvalidRequestError, match="is refused"):
            studio.sweep(axes={"prompt": ["refuse", "refuse this"]}, model="gated", seed=1)


def test_a_cancelled_sweep_resumes_with_what_is_missing(home, picture):
    install_gated(home)
    engine = GatedEngine(picture)
    with sk.open(home, engines=[engine]) as studio:
        sweep = studio.sweep("a boat", axes={"seed": [1, 2, 3]}, model="gated", num_inference_steps=1)
        engine.let(1)
        sweep.runs[0].wait(60)
        sweep.cancel()
        sweep.wait(60, progress=False)
        assert list(sweep.frame()["status"]) == ["succeeded", "cancelled", "cancelled"]
        engine.let()
        assert set(sweep.resume().wait(progress=False).frame()["status"]) == {"succeeded"}


def test_the_log_knows_which_sweep_a_run_belongs_to(studio):
    sweep = studio.sweep("a boat", axes=AXES, **BASE).wait(progress=False)
    record = sweep.runs[3].record
    assert record.origin.sweep_id == sweep.id
    assert record.origin.cell == {"guidance_scale": 5.0, "seed": 2}
    assert len(studio.runs(sweep_id=sweep.id)) == 6


def test_a_grid_has_labels_and_pictures_by_two_axes(studio, tmp_path):
    sweep = studio.sweep("a boat for $5", axes=AXES, **BASE).wait(progress=False)
    grid = sweep.grid(rows="guidance_scale", columns="seed")
    assert grid.shape == (3, 2)
    (axes,) = grid.figure().axes
    assert [text.get_text() for text in axes.texts] == [
        "a boat for $5", "seed", "1", "2", "guidance scale", "1", "5", "9",
    ]  # fmt: skip
    assert len(axes.images) == 6
    assert grid.save(tmp_path / "out" / "grid.png").stat().st_size > 1000
    assert grid.save(tmp_path / "grid.pdf").read_bytes().startswith(b"%PDF")
    assert "<svg" in grid.save(tmp_path / "grid.svg").read_text()


def test_a_grid_of_more_axes_shows_one_value_of_the_rest(studio):
    axes = {"width": [32, 64], "guidance_scale": [1, 5], "seed": [1, 2]}
    base = {name: value for name, value in BASE.items() if name != "width"}
    sweep = studio.sweep("a boat", axes=axes, **base).wait(progress=False)
    assert sweep.grid().shape == (2, 2)
    assert "width 32" in sweep.grid().title
    wide = sweep.grid(at={"width": 64})
    assert wide.cell(1, 1).image.width == 64


def test_a_cell_without_a_picture_says_why(studio):
    sweep = studio.sweep("a boat", axes={"guidance_scale": [5, 99]}, **BASE).wait(progress=False)
    bad = sweep.grid().cell(column=99)
    assert bad.image is None
    assert bad.status == "invalid"
    assert "99" in bad.note


def test_a_grid_of_an_unknown_axis_or_value_is_refused(studio):
    sweep = studio.sweep("a boat", axes=AXES, **BASE).wait(progress=False)
    with pytest.raises(InvalidRequestError, match="'steps' is not an axis"):
        sweep.grid(rows="steps")
    with pytest.raises(InvalidRequestError, match="no value 7"):
        sweep.grid(rows="guidance_scale", columns=None, at={"seed": 7})


def test_ten_thousand_cells_are_planned_without_being_run(studio):
    axes = {"seed": range(100), "guidance_scale": sk.linspace(1, 20, 100)}
    begun = time.process_time()
    sweep = studio.sweep("a boat", axes=axes, start=False, **BASE)
    assert sweep.plan().size == 10_000
    assert time.process_time() - begun < 20  # a guard against the quadratic, not a measurement: see benchmarks/


def test_a_viewer_cannot_sweep(studio, home):
    with sk.open(home, mode="viewer") as viewer, pytest.raises(ReadOnlyError):
        viewer.sweep("a boat", axes=AXES, **BASE)
