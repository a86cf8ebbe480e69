"""Numbers of a sweep's pictures: metrics, effects, influence, and the types of its table."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import studio_kernel as sk
from engines import GatedEngine, install_gated
from studio_kernel.domain.measurements import Measurement
from studio_kernel.errors import InvalidInputError, InvalidRequestError
from studio_kernel.metrics.pairs import pixel_difference, similarity
from studio_kernel.metrics.pictures import sharpness
from studio_kernel.runlog import RunLog

BASE = {"model": "procedural", "num_inference_steps": 1, "width": 32, "height": 32}
AXES = {"guidance_scale": [1, 5.5, 9], "seed": [1, 2, 3]}


@pytest.fixture
def studio(home):
    with sk.open(home) as studio:
        yield studio


@pytest.fixture
def sweep(studio):
    return studio.sweep("a boat", axes=AXES, **BASE).wait(progress=False)


def test_axis_columns_have_the_type_of_their_values(studio):
    image = studio.generate("a boat", seed=1, **BASE)
    axes = {
        "seed": [1, 2],
        "guidance_scale": [1, 2.5],
        "prompt": ["a", "b"],
        "image": [image],
        "strength": [None, 0.5],
    }
    frame = studio.sweep(axes=axes, start=False, **BASE).frame()
    types = {name: str(frame[name].dtype) for name in axes}
    assert types == {
        "seed": "int64", "guidance_scale": "float64", "prompt": "str", "image": "str", "strength": "float64",
    }  # fmt: skip
    assert frame["image"][0] == f"image {image.first_asset.sha256[:8]}"
    assert len(frame) == 16


def test_an_axis_without_some_values_keeps_whole_numbers(studio):
    frame = studio.sweep("a boat", axes={"num_inference_steps": [None, 2]}, start=False, model="procedural").frame()
    assert str(frame["num_inference_steps"].dtype) == "Int64"


def test_metrics_are_those_of_the_pictures(sweep):
    table = sweep.metrics()
    assert list(table["guidance_scale"]) == list(sweep.frame()["guidance_scale"])
    assert list(table["sharpness"]) == [sharpness(run.image) for run in sweep.runs]
    assert {"contrast", "colourfulness", "entropy", "file_entropy", "elapsed_s", "cost_usd", "rating"} <= set(table)
    assert table.attrs["units"]["sharpness"] == "grey levels²"
    assert "similarity" not in table


def test_a_reference_can_be_a_run_or_a_picture(sweep, tmp_path):
    first = sweep.runs[0]
    by_run = sweep.metrics(["similarity", "psnr"], reference=first)
    assert by_run["similarity"][0] == pytest.approx(1)
    assert by_run["psnr"][0] == np.inf
    assert (by_run["similarity"][1:] < 0.999).all()
    first.image.save(tmp_path / "first.png")
    for given in (first.image, np.asarray(first.image), tmp_path / "first.png"):
        assert list(sweep.metrics("similarity", reference=given)["similarity"]) == list(by_run["similarity"])


def test_a_reference_of_another_size_is_refused_unless_it_is_to_be_scaled(sweep):
    other = Image.new("RGB", (64, 64))
    with pytest.raises(InvalidInputError, match="32 × 32 and 64 × 64") as caught:
        sweep.metrics("similarity", reference=other)
    assert "similarity of cell 0" in caught.value.__notes__[0]
    assert sweep.metrics("similarity", reference=other, sizes="scale")["similarity"].notna().all()


def test_a_metric_without_its_reference_or_of_no_known_name_is_refused(sweep):
    with pytest.raises(InvalidRequestError, match="similarity needs one: a run or a picture"):
        sweep.metrics("similarity")
    with pytest.raises(InvalidRequestError, match=r"'beauty' is no metric; .*elapsed_s"):
        sweep.metrics(["beauty"])


def test_functions_of_ones_own_are_metrics_too(sweep):
    def width(image):
        return image.width

    table = sweep.metrics({"across": width})
    assert list(table["across"]) == [32.0] * 9
    assert list(sweep.effects(width)["effect"]) == [0.0] * 6


def test_ratings_become_numbers(studio, sweep):
    studio.mark(sweep.runs[4], rating=5)
    assert sweep.metrics("rating")["rating"][4] == 5
    assert sweep.frame()["rating"].notna().sum() == 1


def test_a_number_that_the_log_has_is_not_computed_again(home, studio, sweep):
    digest = sweep.runs[0].first_asset.sha256
    with RunLog(home) as log:
        log.append_measurements([Measurement("sharpness", digest, -1.0)])
    assert sweep.metrics("sharpness")["sharpness"][0] == -1.0


def test_effects_are_paired_by_seed(sweep):
    table = sweep.effects("contrast").set_index(["axis", "value"])
    values = sweep.metrics("contrast").pivot_table(index="seed", columns="guidance_scale", values="contrast")
    expected = (values.sub(values.mean(axis=1), axis=0)).mean()
    assert table.loc["guidance_scale", "effect"].to_dict() == pytest.approx(expected.to_dict())
    assert set(table.loc["guidance_scale", "n"]) == {3}


def test_failed_cells_take_their_block_with_them(home, picture):
    install_gated(home)
    engine = GatedEngine(picture)
    engine.let()
    with sk.open(home, engines=[engine]) as studio:
        axes = {"prompt:boat": ["boat", "fish"], "prompt:good": ["good", "fine", "fail"]}
        sweep = studio.sweep("a good boat", axes=axes, model="gated", seed=1).wait(progress=False)
        table = sweep.effects("cost_usd")
        assert list(table[table["axis"] == "prompt:boat"]["n"]) == [2, 2]
        assert set(table["blocks"]) == {2, 3}
        assert sweep.frame()["cost_usd"].sum() == 1.0


def test_zipped_axes_are_one(studio):
    axes = {("width", "height"): [(32, 32), (64, 48)], "seed": [1, 2]}
    base = {"model": "procedural", "num_inference_steps": 1}
    sweep = studio.sweep("a boat", axes=axes, **base).wait(progress=False)
    assert list(sweep.effects("contrast")["axis"].unique()) == ["width with height", "seed"]
    assert list(sweep.influence()["pairs"]) == [2, 2]


def test_sparse_axes_that_change_alone_stay_apart(studio):
    points = [(1, 1), (5, 1), (1, 2)]
    sweep = studio.sweep("a boat", axes={("guidance_scale", "seed"): points}, start=False, **BASE)
    assert sweep.effects("contrast")["axis"].unique().tolist() == ["guidance_scale", "seed"]


def test_axes_that_change_nothing_have_no_influence(home, picture):
    install_gated(home)
    engine = GatedEngine(picture)
    engine.let()
    with sk.open(home, engines=[engine]) as studio:
        axes = {"prompt": ["a boat", "a fish"], "seed": [1, 2, 3]}
        table = studio.sweep(axes=axes, model="gated").wait(progress=False).influence()
    assert dict(zip(table["axis"], table["pairs"], strict=True)) == {"prompt": 3, "seed": 6}
    assert table["distance"].abs().max() == pytest.approx(0)
    assert set(table["pixel_difference"]) == {0}


def test_influence_is_the_mean_distance_of_pictures(sweep):
    table = sweep.influence().set_index("axis")
    assert table["distance"].is_monotonic_decreasing
    grids = [[run.image for run in sweep.runs if run.request.parameters["guidance_scale"] == g] for g in (1, 5.5, 9)]
    pairs = [(a, b) for images in grids for i, a in enumerate(images) for b in images[i + 1 :]]
    assert table.loc["seed", "distance"] == pytest.approx(np.mean([1 - similarity(a, b) for a, b in pairs]))
    assert table.loc["seed", "pixel_difference"] == pytest.approx(np.mean([pixel_difference(a, b) for a, b in pairs]))


def test_influence_can_be_asked_of_a_number(sweep):
    table = sweep.influence("contrast")
    values = dict(zip(table["axis"], table["difference"], strict=True))
    contrast = sweep.metrics("contrast")
    pairs = [
        abs(a - b)
        for _, group in contrast.groupby("guidance_scale")["contrast"]
        for i, a in enumerate(group)
        for b in list(group)[i + 1 :]
    ]
    assert values["seed"] == pytest.approx(np.mean(pairs))


def test_interactions_and_plots_come_from_the_sweep(sweep):
    table = sweep.interactions("contrast", "guidance_scale", "seed")
    assert len(table) == 9
    assert table["interaction"].sum() == pytest.approx(0)
    assert sweep.plot_interaction("contrast", "guidance_scale", "seed").axes[0].get_ylabel() == "contrast"
    figure = sweep.plot_effects("sharpness")
    assert figure.get_supylabel() == "sharpness (grey levels²)"


def test_a_film_runs_over_the_axis_it_is_told(sweep, tmp_path):
    with Image.open(sweep.film(over="guidance_scale", path=tmp_path / "film.gif")) as film:
        assert film.n_frames == 3


def test_a_film_has_the_facets_it_is_told(studio, tmp_path):
    axes = {"guidance_scale": [1, 9], "scheduler": ["euler", "ddim"]}
    sweep = studio.sweep("a boat", axes=axes, seed=1, **BASE).wait(progress=False)

    def width(name, **sides):
        with Image.open(sweep.film(over="guidance_scale", path=tmp_path / name, **sides)) as film:
            return film.width

    assert width("facets.gif", facets="scheduler") > 1.5 * width("one.gif", at={"scheduler": "euler"})


def test_records_are_told_of_finished_running_and_private_runs_alike(home, picture):
    install_gated(home)
    engine = GatedEngine(picture)
    with sk.open(home, engines=[engine]) as studio:
        done = studio.generate("a boat", seed=1, **BASE)
        private = studio.generate("a secret", seed=1, private=True, **BASE)
        working = studio.submit("a boat", model="gated")
        assert engine.started.wait(60)
        told = studio.records_of([done, private, working])
        assert told == {run.id: run.record for run in (done, private, working)}
        assert told[private.id].request.prompt == "a secret"
        engine.let()
        working.wait(60)


def test_importing_the_studio_loads_none_of_the_heavy_packages():
    heavy = "('av', 'skimage', 'scipy', 'matplotlib', 'pandas', 'numpy')"
    code = f"import sys, studio_kernel; print([name for name in {heavy} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
