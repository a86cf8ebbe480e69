"""Samples, sparse cells, refining and going on with a sweep, through the studio."""

import pytest

import studio_kernel as sk
from studio_kernel.errors import InvalidRequestError, UnknownRunError, UnknownSweepError

BASE = {"model": "procedural", "num_inference_steps": 1, "width": 32, "height": 32}


@pytest.fixture
def studio(home):
    with sk.open(home) as studio:
        yield studio


def settings(sweep, *names):
    return [tuple(planned.request.parameters[name] for name in names) for planned in sweep.plan().cells]


def test_zipped_axes_and_samples_are_groups_among_other_axes(studio):
    samples = sk.latin_hypercube(4, guidance_scale=(1.0, 9.0), num_inference_steps=(1, 4))
    axes = [sk.zipped(scheduler=["euler", "ddim"], width=[32, 64]), samples, {"seed": [1, 2]}]
    base = {"model": "procedural", "height": 32}
    sweep = studio.sweep("a boat", axes=axes, start=False, **base)
    assert sweep.size == 2 * 4 * 2
    assert len(sweep.plan().to_do) == 16
    assert set(settings(sweep, "scheduler", "width")) == {("euler", 32), ("ddim", 64)}
    assert set(settings(sweep, "guidance_scale", "num_inference_steps")) == set(samples.points)


def test_sparse_cells_take_what_they_do_not_name_from_the_base(studio):
    points = [{"prompt:red": "blue"}, {"guidance_scale": 9.0}, {"model": "procedural", "guidance_scale": 2.0}]
    sweep = studio.sweep("a red boat", axes=sk.cells(points), guidance_scale=3.0, start=False, **BASE)
    assert settings(sweep, "prompt", "guidance_scale") == [
        ("a blue boat", 3.0), ("a red boat", 9.0), ("a red boat", 2.0),
    ]  # fmt: skip


def test_rules_see_the_base_where_a_cell_names_nothing(studio):
    points = [{"guidance_scale": 9.0}, {"width": 64}, {"guidance_scale": 1.0}]
    words = {"axes": sk.cells(points), "guidance_scale": 3.0, "start": False, **BASE}
    assert settings(studio.sweep("a boat", where="guidance_scale < 5", **words), "guidance_scale", "width") == [
        (3.0, 64), (1.0, 32),
    ]  # fmt: skip


def test_refining_computes_only_what_is_new(studio):
    axes = {"scheduler": ["euler", "ddim"], "guidance_scale": [1.0, 5.0, 9.0], "seed": [1, 2]}
    sweep = studio.sweep("a boat", axes=axes, project=None, **BASE).wait(progress=False)
    finer = sweep.refine({"scheduler": "ddim", "guidance_scale": 5.0})
    assert finer.definition.axes == {
        "scheduler": ("ddim",), "guidance_scale": (1.0, 3.0, 5.0, 7.0, 9.0), "seed": (1, 2),
    }  # fmt: skip
    assert finer.id != sweep.id
    assert (len(finer.plan().done), len(finer.plan().to_do)) == (6, 4)
    assert set(finer.start().wait(progress=False).frame()["status"]) == {"succeeded"}


def test_a_winner_is_named_by_run_id_cell_or_coordinates(studio):
    sweep = studio.sweep("a boat", axes={"guidance_scale": [1, 5, 9]}, seed=1, **BASE).wait(progress=False)
    run = sweep.runs[1]
    ways = [run, run.id, 1, {"guidance_scale": 5}]
    assert {sweep.refine(way).definition.axes["guidance_scale"] for way in ways} == {(1.0, 3.0, 5.0, 7.0, 9.0)}


def test_a_winner_may_be_a_run_that_another_sweep_has_made(studio):
    studio.sweep("a boat", axes={"guidance_scale": [5]}, seed=1, **BASE).wait(progress=False)
    sweep = studio.sweep("a boat", axes={"guidance_scale": [1, 5, 9]}, seed=1, **BASE).wait(progress=False)
    assert sweep.refine(sweep.runs[1], 3).definition.axes["guidance_scale"] == (1.0, 5.0, 9.0)


def test_a_winner_may_be_a_run_of_the_same_request_before_the_sweep_has_begun(studio):
    run = studio.generate("a boat", guidance_scale=5, seed=1, progress=False, **BASE)
    sweep = studio.sweep("a boat", axes={"guidance_scale": [1, 5, 9]}, seed=1, start=False, **BASE)
    assert sweep.refine(run, 3).definition.axes["guidance_scale"] == (1.0, 5.0, 9.0)


def test_a_refined_sweep_stays_in_its_project_and_keeps_its_rules(studio):
    studio.create_project("Boats")
    axes = {"guidance_scale": [1, 5, 9], "num_inference_steps": [1, 2]}
    base = {"model": "procedural", "width": 32, "height": 32, "project": "boats", "seed": 1}
    sweep = studio.sweep("a boat", axes=axes, where="guidance_scale < 6", start=False, **base)
    finer = sweep.refine({"guidance_scale": 5, "num_inference_steps": 1}, start=True).wait(progress=False)
    assert set(finer.frame()["guidance_scale"]) == {1.0, 3.0, 5.0}
    assert {run.record.origin.project for run in finer.runs} == {"boats"}


def test_the_bounds_of_a_refined_axis_are_those_of_the_model(studio):
    sweep = studio.sweep("a boat", axes={"lora:ink": [3.0, 4.0]}, start=False, **BASE)
    assert sweep.refine(1, 3).definition.axes["lora:ink"] == (3.0, 3.5, 4.0)


@pytest.mark.parametrize(
    ("around", "told"),
    [
        (7, "no cell 7; they are numbered 0 … 2"),
        ({"steps": 3}, "'steps' is not an axis"),
        ({"guidance_scale": 4}, "no cell at"),
    ],
)
def test_what_is_no_cell_cannot_be_refined(studio, around, told):
    sweep = studio.sweep("a boat", axes={"guidance_scale": [1, 5, 9]}, start=False, **BASE)
    with pytest.raises(InvalidRequestError, match=told):
        sweep.refine(around)
    other = studio.generate("a fish", progress=False, **BASE)
    with pytest.raises(InvalidRequestError, match="not of this sweep"):
        sweep.refine(other)
    with pytest.raises(UnknownRunError):
        sweep.refine("0000")


def test_a_sweep_is_opened_again_with_its_runs_and_goes_on(home):
    with sk.open(home) as studio:
        first = studio.sweep("a boat", axes={"guidance_scale": [1, 99, 5], "seed": [1, 2]}, **BASE).wait(progress=False)
        ids = [run.id for run in first.runs]
    with sk.open(home) as studio:
        again = studio.sweep_of(first.id[:-2][-12:] + first.id[-2:])
        assert again.id == first.id
        assert [run.id for run in again.runs] == ids
        assert list(again.frame()["status"]) == ["succeeded"] * 2 + ["invalid"] * 2 + ["succeeded"] * 2
        assert again.grid().shape == (3, 2)
        again.resume().wait(progress=False)
        assert len(studio.runs(limit=None)) == 4


def test_only_what_failed_is_begun_again_when_a_sweep_is_opened_again(home, picture):
    from engines import GatedEngine, install_gated

    install_gated(home)
    engine = GatedEngine(picture)
    engine.let()
    with sk.open(home, engines=[engine]) as studio:
        first = studio.sweep(axes={"prompt": ["fail", "a boat"]}, model="gated", seed=1).wait(progress=False)
    engine = GatedEngine(picture)
    engine.let()
    with sk.open(home, engines=[engine]) as studio:
        again = studio.sweep_of(first.id)
        assert list(again.frame()["status"]) == ["failed", "succeeded"]
        again.resume().wait(progress=False)
        assert [request.prompt for request in engine.requests] == ["fail"]


def test_a_sweep_of_functions_is_opened_to_look_at_and_not_to_go_on(home):
    def double(values):
        return values["width"] // 16

    base = {"model": "procedural", "height": 32, "seed": 1}
    axes = {"width": [32, 64], "num_inference_steps": [double]}
    with sk.open(home) as studio:
        first = studio.sweep("a boat", axes=axes, where=lambda values: values["width"] > 1, **base).wait(progress=False)
    with sk.open(home) as studio:
        again = studio.sweep_of(first.id)
        assert [run.id for run in again.runs] == [run.id for run in first.runs]
        assert again.grid().shape == (2, 1)
        with pytest.raises(InvalidRequestError, match="planned with double, <lambda>, and the log keeps no functions"):
            again.resume()
        assert (
            studio.sweep("a boat", axes=axes, where=first.definition.rules[0].function, resume=True, **base).id
            == first.id
        )


def test_an_unknown_sweep_is_said_to_be_unknown(studio):
    with pytest.raises(UnknownSweepError, match=r"no sweep '0000'.*studio.sweeps\(\) lists them"):
        studio.sweep_of("0000")


def test_sweeps_are_listed_newest_first(studio):
    for seeds in ([1, 2], [1, 2, 3]):
        studio.sweep("a boat", axes={"seed": seeds}, **BASE).wait(progress=False)
    frame = studio.sweeps()
    assert list(frame["cells"]) == [3, 2]
    assert list(frame["axes"]) == ["seed (3)", "seed (2)"]
    assert studio.sweep_of(frame["id"][0]).size == 3


@pytest.mark.parametrize("more", [{}, {"seeds": 2}, {"seeds": 2, "paired": False}])
def test_the_same_words_with_resume_are_the_same_sweep_with_the_seed_chosen_before(studio, more):
    words = {"axes": {"guidance_scale": [1, 5]}, **more, **BASE}
    first = studio.sweep("a boat", resume=True, **words).wait(progress=False)
    again = studio.sweep("a boat", resume=True, **words).wait(progress=False)
    assert again.id == first.id
    assert [run.id for run in again.runs] == [run.id for run in first.runs]
    assert studio.sweep("a boat", **words).wait(progress=False).id != first.id


@pytest.mark.parametrize(
    "more", [{"seed": 5}, {"axes": {"guidance_scale": [1, 6]}}, {"where": "guidance_scale < 3"}, {"width": 64}]
)
def test_other_words_with_resume_are_a_new_sweep(studio, more):
    words = {"axes": {"guidance_scale": [1, 5]}, **BASE}
    first = studio.sweep("a boat", **words).wait(progress=False)
    assert studio.sweep("a boat", resume=True, start=False, **{**words, **more}).id != first.id
