"""Numbers of runs: what is measured, where it is kept, what is told of what cannot be."""

import math
import queue
import threading

import av
import numpy as np
import pytest
from PIL import Image

import studio_kernel as sk
from engines import MediaEngine, install_media
from studio_kernel.errors import InvalidInputError, InvalidRequestError, UnknownRunError
from studio_kernel.measuring import Measurer
from studio_kernel.metrics import registry
from studio_kernel.metrics.pairs import delta_e, psnr
from studio_kernel.metrics.pictures import brightness
from waiting import until

BASE = {"model": "procedural", "num_inference_steps": 1, "width": 32, "height": 32, "progress": False}
KEPT = "SELECT metric, sha256, reference_sha256, sizes, value FROM measurements"


@pytest.fixture
def studio(home):
    install_media(home)
    with sk.open(home, engines=[MediaEngine()]) as studio:
        yield studio


@pytest.fixture
def runs(studio):
    return [studio.generate("a boat", seed=seed, **BASE) for seed in (1, 2, 3)]


def heard_of(measurer, pairs, metrics, sizes="same"):
    """Ask, and return everything that is told, in its order."""
    told = []
    measurer.ask(pairs, metrics, sizes, told.append)
    until(lambda: len(told) == len(pairs) * len(metrics))
    return told


def test_a_table_has_a_row_a_run_and_a_column_a_metric(studio, runs):
    table = studio.measure([runs[0], runs[1].id], ["brightness", "psnr", "elapsed_s"], reference=runs[2])
    assert list(table.columns) == ["id", "brightness", "psnr", "elapsed_s"]
    assert list(table["id"]) == [runs[0].id, runs[1].id]
    assert list(table["psnr"]) == [psnr(run.image, runs[2].image) for run in runs[:2]]
    assert list(table["brightness"]) == [brightness(run.image) for run in runs[:2]]
    assert table.attrs["units"] == {"brightness": "", "psnr": "dB", "elapsed_s": "s"}
    assert table.attrs["notes"] == {}


def test_without_names_the_usual_metrics_are_measured(studio, runs):
    alone, compared = studio.measure(runs[0]), studio.measure(runs[0], reference=runs[1])
    assert "sharpness" in alone
    assert "psnr" not in alone
    assert {"psnr", "similarity", "delta_e", "phash_distance"} <= set(compared)
    assert not {"ms_ssim", "lpips", "clip_score"} & set(compared)


def test_a_number_is_kept_in_the_log_once_for_a_pair(studio, runs):
    studio.measure(runs[0], ["psnr", "contrast"], reference=runs[1])
    studio.measure(runs[1], "psnr", reference=runs[0].id)
    kept = studio.sql(KEPT).sort_values("metric")
    assert list(kept["metric"]) == ["contrast", "psnr"]
    digests = sorted(run.first_asset.sha256 for run in runs[:2])
    assert [*kept[kept["metric"] == "psnr"].iloc[0]] == [
        "psnr", *digests, "", pytest.approx(psnr(runs[0].image, runs[1].image)),
    ]  # fmt: skip


def test_another_studio_takes_the_number_from_the_log(home, studio, runs):
    studio.measure(runs[0], "sharpness")
    runs[0].files[0].unlink()
    with sk.open(home) as other:
        table = other.measure([runs[0].id, runs[1].id], ["sharpness", "contrast"])
    assert table["sharpness"].notna().all()
    assert list(table["contrast"].isna()) == [True, False]
    assert "no stored file" in table.attrs["notes"][runs[0].id]["contrast"]


def test_a_viewer_computes_and_keeps_nothing(home, studio, runs):
    with sk.open(home, mode="viewer") as viewer:
        assert viewer.measure(runs[0].id, "contrast")["contrast"].notna().all()
    assert studio.sql(KEPT).empty


def test_numbers_of_private_runs_are_not_logged(studio, runs):
    private = studio.generate("a secret", seed=9, private=True, **BASE)
    table = studio.measure([private, runs[0]], ["contrast", "psnr"], reference=private)
    assert table.notna().all(axis=None)
    kept = studio.sql(KEPT)
    assert list(kept["metric"]) == ["contrast"]
    assert list(kept["sha256"]) == [runs[0].first_asset.sha256]


def test_what_is_done_where_sizes_differ_is_part_of_the_number(studio, runs):
    small = studio.generate("a boat", seed=5, **{**BASE, "width": 16})
    values = [studio.measure(small, "psnr", reference=runs[0], sizes=sizes)["psnr"][0] for sizes in ("scale", "crop")]
    assert values == [psnr(small.image, runs[0].image, sizes=sizes) for sizes in ("scale", "crop")]
    assert sorted(studio.sql(KEPT)["sizes"]) == ["crop", "scale"]


def test_one_that_cannot_be_measured_is_a_note_and_not_the_end(studio, runs):
    small = studio.generate("a boat", seed=5, **{**BASE, "width": 16})
    table = studio.measure([small, runs[1]], "psnr", reference=runs[0])
    assert math.isnan(table["psnr"][0])
    assert table["psnr"][1] == psnr(runs[1].image, runs[0].image)
    assert "cannot be compared" in table.attrs["notes"][small.id]["psnr"]


def test_what_cannot_be_asked_is_refused_at_once(studio, runs):
    with pytest.raises(InvalidRequestError, match="psnr needs one: a run or a picture"):
        studio.measure(runs, "psnr")
    with pytest.raises(InvalidRequestError, match="clip_score cannot be measured: there is no CLIP model at"):
        studio.measure(runs, "clip_score")
    with pytest.raises(InvalidRequestError, match="'nonsense' is no metric"):
        studio.measure(runs, "nonsense")
    with pytest.raises(UnknownRunError):
        studio.measure(runs, "psnr", reference="no-such-run")
    with pytest.raises(InvalidInputError):
        studio.measure(runs, "psnr", reference=object())


def test_a_picture_is_a_reference_too_and_a_file_is_kept_by_its_bytes(studio, runs, tmp_path):
    grey = Image.new("RGB", (32, 32), "grey")
    expected = delta_e(runs[0].image, grey)
    assert studio.measure(runs[0], "delta_e", reference=grey)["delta_e"][0] == expected
    assert studio.sql(KEPT).empty
    grey.save(tmp_path / "grey.png")
    assert studio.measure(runs[0], "delta_e", reference=tmp_path / "grey.png")["delta_e"][0] == expected
    assert len(studio.sql(KEPT)) == 1


def test_a_video_has_the_mean_over_its_moments(studio):
    run = studio.generate("webm", model="media", progress=False)
    with av.open(str(run.video)) as film:
        shown = [frame.to_image() for frame in film.decode(video=0)]
    table = studio.measure(run, ["brightness", "psnr"], reference=run)
    assert table["brightness"][0] == pytest.approx(np.mean([brightness(frame) for frame in shown]), abs=1e-6)
    assert table["psnr"][0] == math.inf


def test_a_sound_cannot_be_measured_and_says_so(studio):
    run = studio.generate("wav", model="media", progress=False)
    table = studio.measure(run, "brightness")
    assert table.attrs["notes"] == {run.id: {"brightness": "it made only sound"}}


def test_a_metric_of_the_prompt_reads_the_prompt_of_the_run(studio, runs, tmp_path, monkeypatch):
    (tmp_path / "metric_of_letters.py").write_text(
        "from studio_kernel.metrics.registry import Metric\n"
        "def letters(picture, prompt):\n    'Return the length of the prompt.'\n    return len(prompt)\n"
        "LETTERS = Metric('letters', '', 'prompt', letters)\n"
    )
    info = tmp_path / "letters-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: letters\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\nletters = metric_of_letters:LETTERS\n")
    monkeypatch.syspath_prepend(tmp_path)
    registry._installed.cache_clear()
    try:
        assert list(studio.measure(runs[0], "letters")["letters"]) == [len("a boat")]
    finally:
        registry._installed.cache_clear()


def test_a_measurer_tells_every_number_of_every_pair(studio, runs):
    first, second, third = (studio.record(run.id) for run in runs)
    told = heard_of(Measurer(studio), [(first, second), (first, third)], ["psnr", "delta_e"])
    expected = {
        (place, metric.__name__): metric(runs[0].image, other.image)
        for place, other in enumerate(runs[1:])
        for metric in (psnr, delta_e)
    }
    assert {(each.pair, each.metric): each.value for each in told} == expected
    assert {each.problem for each in told} == {""}
    until(lambda: len(studio.sql(KEPT)) == 4)


def test_a_measurer_tells_first_what_is_known(studio, runs):
    first, second, third = (studio.record(run.id) for run in runs)
    studio.measure(third, "psnr", reference=first)
    told = heard_of(Measurer(studio), [(second, first), (third, first)], ["psnr"])
    assert [each.pair for each in told] == [1, 0]


def test_a_measurer_tells_why_there_is_no_number(studio, runs):
    sound = studio.generate("wav", model="media", progress=False)
    record = studio.record(runs[0].id)
    pairs = [(studio.record(sound.id), record), (record, None), (record, record)]
    told = {(each.pair, each.metric): each for each in heard_of(Measurer(studio), pairs, ["psnr", "lpips"])}
    assert "nothing that can be measured" in told[0, "psnr"].problem
    assert "needs one: a run or a picture" in told[1, "psnr"].problem
    assert told[2, "psnr"].value == math.inf
    assert "lpips cannot be measured" in told[2, "lpips"].problem
    assert math.isnan(told[2, "lpips"].value)


def test_a_measurer_computes_so_many_and_tells_how_many_that_were_while_known_ones_are_told_all(studio, runs):
    pairs = [(studio.record(run.id), None) for run in runs]
    studio.measure(runs[0], "contrast")
    told, counted = [], queue.Queue()
    Measurer(studio).ask(pairs, ["contrast"], "same", told.append, most=1, ended=counted.put)
    assert counted.get(timeout=60) == 1
    assert [each.pair for each in told] == [0, 1]


def test_what_was_dropped_is_told_no_more(studio, runs):
    first, second, third = (studio.record(run.id) for run in runs)
    measurer, told, go_on = Measurer(studio), [], threading.Event()

    def heard(each):
        told.append(each)
        go_on.wait(60)

    drop = measurer.ask([(first, second), (first, third)], ["psnr", "delta_e"], "same", heard)
    until(lambda: told)
    drop()
    go_on.set()
    assert len(heard_of(measurer, [(first, third)], ["similarity"])) == 1
    assert len(told) == 1
