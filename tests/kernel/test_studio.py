"""The facade with the engine that needs no weights: what a caller sees, in a script and awaited."""

import asyncio
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

import studio_kernel as sk
from engines import GatedEngine, install_gated
from studio_kernel.assets.embed import read
from studio_kernel.errors import (
    HomeError,
    InvalidInputError,
    InvalidRequestError,
    ModelUnavailableError,
    ReadOnlyError,
    RunFailedError,
    RunNotFinishedError,
    StudioError,
    UnknownModelError,
    UnknownRunError,
)

QUICK = {"model": "procedural", "num_inference_steps": 2}


@pytest.fixture
def studio(home):
    with sk.open(home) as studio:
        yield studio


@pytest.fixture
def gated(home, picture):
    install_gated(home)
    engine = GatedEngine(picture)
    with sk.open(home, engines=[engine]) as studio:
        yield studio, engine


def test_generate_returns_a_finished_run_with_a_picture(studio):
    run = studio.generate("a red boat", seed=7, width=64, height=48, **QUICK)
    assert run.status == "succeeded"
    assert run.image.size == (64, 48)
    assert run.seed == 7
    assert run.elapsed_s > 0
    assert run.cost_usd is None
    assert run.request.parameters["guidance_scale"] == 5.0


def test_a_run_is_found_again_with_everything_it_was(studio, home):
    run = studio.generate("a red boat", seed=7, **QUICK)
    studio.close()
    with sk.open(home) as again:
        found = again.run(run.id)
        assert found.request == run.request
        assert found.assets == run.assets
        assert found.status == "succeeded"
        assert found.image.tobytes() == run.image.tobytes()
        assert list(again.runs()["id"]) == [run.id]


def test_the_same_request_gives_the_same_bytes(studio):
    first, second = (studio.generate("a red boat", seed=7, **QUICK) for _ in range(2))
    assert first.id != second.id
    assert first.assets[0].sha256 == second.assets[0].sha256


def test_the_picture_holds_its_provenance(studio):
    run = studio.generate("a red boat", seed=7, **QUICK)
    provenance = read(studio.assets.path(run.first_asset).read_bytes())
    assert provenance.request == run.request
    assert provenance.engine == "procedural"


def test_a_seed_is_chosen_and_recorded(studio):
    first, second = (studio.generate("a red boat", **QUICK) for _ in range(2))
    assert first.seed != second.seed
    again = studio.generate("a red boat", seed=first.seed, **QUICK)
    assert again.assets[0].sha256 == first.assets[0].sha256


def test_several_pictures_come_in_order_with_their_seeds(studio):
    run = studio.generate("a red boat", seed=7, num_images=3, **QUICK)
    assert [(asset.index, asset.seed) for asset in run.assets] == [(0, 7), (1, 8), (2, 9)]
    assert len(run.images) == 3


def test_submit_returns_before_the_work_is_done(gated):
    studio, engine = gated
    run = studio.submit("a boat", model="gated")
    assert engine.started.wait(60)
    assert run.status == "running"
    with pytest.raises(RunNotFinishedError, match="wait"):
        _ = run.image
    engine.let()
    assert run.wait(60).status == "succeeded"
    assert (run.cost_usd, run.record.provenance["fallbacks"]) == (0.25, ("vae_tiling",))


def test_waiting_has_an_end_and_the_run_goes_on(gated):
    studio, engine = gated
    run = studio.submit("a boat", model="gated")
    with pytest.raises(TimeoutError, match="goes on"):
        run.wait(0.05)
    engine.let()
    assert run.wait(60).status == "succeeded"


def test_a_run_can_be_awaited(studio):
    async def main():
        return await studio.submit("a red boat", **QUICK)

    with ThreadPoolExecutor(1) as thread:  # a browser driver keeps an event loop in the main one
        assert thread.submit(asyncio.run, main()).result().status == "succeeded"


def test_a_running_job_is_cancelled_within_a_step(gated):
    studio, engine = gated
    run = studio.submit("a boat", model="gated", num_inference_steps=100)
    engine.let(3)
    assert engine.started.wait(60)
    run.cancel()
    assert run.wait(60).status == "cancelled"
    with pytest.raises(RunFailedError, match="cancelled"):
        _ = run.image


def test_a_queued_job_is_cancelled_without_starting(gated):
    studio, engine = gated
    first, second = (studio.submit("a boat", model="gated", seed=seed) for seed in (1, 2))
    second.cancel()
    engine.let()
    assert (first.wait(60).status, second.wait(60).status) == ("succeeded", "cancelled")
    assert [request.seed for request in engine.requests] == [1]


@pytest.mark.parametrize(("prompt", "error"), [("fail", "the engine could not"), ("break", "ZeroDivisionError: oops")])
def test_a_failed_run_is_a_result(gated, prompt, error):
    studio, engine = gated
    engine.let()
    run = studio.generate(prompt, model="gated")
    assert run.status == "failed"
    assert run.error == error
    assert studio.record(run.id).error == error
    with pytest.raises(RunFailedError, match=error):
        _ = run.image


def test_progress_and_preview_are_seen_by_another_studio_on_the_same_home(gated, home):
    studio, engine = gated
    run = studio.submit("a boat", model="gated", num_inference_steps=10)
    seen = []
    with sk.open(home, mode="viewer") as viewer:
        engine.let(4)
        stop = viewer.watch(run.id, seen.append)
        while not any(progress.step for progress in seen):
            engine.started.wait(0.01)
        assert viewer.progress(run.id).preview == b"preview"
        assert viewer.run(run.id).status == "running"
        stop()
    engine.let()
    assert run.wait(60).status == "succeeded"


def test_closing_cancels_what_is_left_and_may_be_done_twice(gated):
    studio, engine = gated
    run = studio.submit("a boat", model="gated")
    assert engine.started.wait(60)
    studio.close()
    studio.close()
    assert run.record.status == "cancelled"
    assert engine.closed
    with pytest.raises(StudioError, match="closed"):
        studio.submit("a boat", model="gated")


def test_an_image_means_image_to_image_and_a_mask_inpainting(studio):
    first = studio.generate("a red boat", seed=7, width=64, height=64, **QUICK)
    second = studio.generate("a blue boat", image=first, **QUICK)
    assert second.request.task == "image-to-image"
    mask = Image.new("L", (64, 64), 255)
    third = studio.generate("a blue boat", image=first, mask_image=mask, **QUICK)
    assert third.request.task == "inpainting"
    assert third.request.inputs["image"] == first.first_asset.ref


BAD = {
    "an unknown parameter": ({"stepps": 3}, InvalidRequestError, "stepps"),
    "a value out of range": ({"num_inference_steps": 0}, InvalidRequestError, "1 … "),
    "an unknown task": ({"task": "paint"}, InvalidRequestError, "paint"),
    "a task the model lacks": ({"task": "upscale"}, InvalidRequestError, "upscale"),
    "an unknown model": ({"model": "procedurl"}, UnknownModelError, "did you mean 'procedural'"),
    "a missing picture": ({"image": "/no/such.png"}, InvalidInputError, "such.png"),
    "an unreadable picture": ({"image": b"not a picture"}, InvalidInputError, "image"),
    "a model without its key": ({"model": "fal/flux_1_dev"}, ModelUnavailableError, "FAL_KEY"),
    "a value of no known type": ({"seed": object()}, InvalidRequestError, "seed"),
    "a seed beyond 32 bits": ({"seed": 2**32}, InvalidRequestError, "4294967295"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_before_any_work(studio, case):
    changes, error, words = BAD[case]
    with pytest.raises(error, match=words):
        studio.submit("a boat", **{"model": "procedural", **changes})
    assert studio.runs().empty


INDEX = '{"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"]}'


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "model_index.json"),
        ({"model_index.json": INDEX, "unet/config.json": "{}", "unet/diffusion_pytorch_model.bin": "x"}, "safetensors"),
    ],
    ids=["missing weights", "pickled weights"],
)
def test_weights_that_are_missing_or_could_run_code_are_refused(home, files, words):
    (home / "catalog" / "weights").mkdir(parents=True)
    for name, text in files.items():
        path = home / "catalog" / "weights" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (home / "catalog" / "mine.yaml").write_text("models: {mine: {name: Mine, family: sd15, path: weights}}")
    with sk.open(home) as studio:
        with pytest.raises(ModelUnavailableError, match=words):
            studio.submit("a boat", model="mine")
        assert studio.runs().empty


@pytest.mark.parametrize("prompt", [None, "", "  "])
def test_an_empty_prompt_is_refused(studio, prompt):
    with pytest.raises(InvalidRequestError, match="prompt"):
        studio.submit(prompt, model="procedural")


def test_a_home_that_cannot_be_written_is_refused_with_advice(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeError, match="STUDIO_HOME"):
        sk.open(tmp_path / "file" / "home")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs another user to be")
def test_a_home_without_write_permission_is_refused():
    with tempfile.TemporaryDirectory() as parent:  # pytest's own directories are closed to other users
        Path(parent).chmod(0o755)
        closed = Path(parent) / "closed"
        closed.mkdir(mode=0o555)
        script = f"""
import os
import studio_kernel as sk
sk.open({str(Path(parent) / "open")!r}).close()  # everything is imported now, as which user ever
os.setuid(65534)
try:
    sk.open({str(closed)!r})
except sk.StudioError as error:
    print(type(error).__name__, error)
"""
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "HomeError" in done.stdout
    assert "Permission denied" in done.stdout


def test_a_viewer_looks_and_marks_and_nothing_else(studio, home):
    run = studio.generate("a red boat", **QUICK)
    with sk.open(home, mode="viewer") as viewer:
        viewer.mark(run.id, rating=4, favourite=True, tags=["keep"])
        assert viewer.run(run.id).record.rating == 4
        assert list(viewer.runs(favourite=True)["id"]) == [run.id]
        for forbidden in (
            lambda: viewer.submit("a boat", model="procedural"),
            lambda: viewer.sweep("a boat", model="procedural", axes={"seed": [1]}),
            lambda: viewer.cancel(run.id),
            lambda: viewer.create_project("Harbour"),
        ):
            with pytest.raises(ReadOnlyError, match="viewer"):
                forbidden()
    assert studio.run(run.id).record.rating == 4


def test_a_viewer_needs_a_home_that_exists(home):
    with pytest.raises(HomeError, match="no readable home"):
        sk.open(home, mode="viewer")


def test_an_unknown_mode_and_an_unknown_run_are_refused(studio, home):
    with pytest.raises(StudioError, match="'admin'"):
        sk.open(home, mode="admin")
    with pytest.raises(UnknownRunError, match="0000"):
        studio.run("0000")


def test_several_runs_are_marked_at_once_or_none_is(studio):
    runs = [studio.generate(f"boat {number}", **QUICK) for number in range(3)]
    studio.mark(*runs[:2], runs[2].id[-12:], rating=4)
    assert [studio.record(run.id).rating for run in runs] == [4, 4, 4]
    with pytest.raises(UnknownRunError):
        studio.mark(runs[0], "nothing-of-that-name", rating=1)
    assert studio.record(runs[0].id).rating == 4


def test_marks_are_checked_and_seen_at_once(studio):
    run = studio.generate("a red boat", **QUICK)
    studio.mark(run, rating=5, note="the best")
    assert (run.record.rating, run.record.note) == (5, "the best")
    with pytest.raises(InvalidRequestError, match="rating 9"):
        studio.mark(run, rating=9)
    with pytest.raises(UnknownRunError):
        studio.mark("0000", rating=1)


def test_runs_are_a_table_and_sql_answers_questions(studio):
    for seed in range(3):
        studio.generate("a red boat", seed=seed, **QUICK)
    frame = studio.runs(limit=2)
    assert list(frame["seed"]) == [2, 1]
    assert list(studio.runs(where="seed < 2", limit=None)["seed"]) == [1, 0]
    answer = studio.sql("SELECT model, count(*) AS runs FROM runs GROUP BY model")
    assert answer.to_dict("records") == [{"model": "procedural", "runs": 3}]
    with pytest.raises(StudioError):
        studio.sql("DELETE FROM runs")


def test_projects_hold_runs(studio):
    project = studio.create_project("Harbour at dawn")
    run = studio.generate("a red boat", project=project.id, **QUICK)
    studio.generate("a blue boat", **QUICK)
    assert [each.title for each in studio.projects()] == ["Harbour at dawn"]
    assert list(studio.runs(project="harbour-at-dawn")["id"]) == [run.id]


def test_keys_in_the_environment_reach_nothing_that_is_written(home, monkeypatch):
    monkeypatch.setenv("FAL_KEY", "key-id:secret-of-the-user")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-the-user")
    with sk.open(home) as studio:
        run = studio.generate("a red boat", **QUICK)
        studio.export_gallery(home / "gallery")
        shown = repr(run) + str(run._repr_mimebundle_())
    written = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert b"secret-of-the-user" not in written + shown.encode()


def test_a_run_shows_itself_as_a_light_card(studio):
    run = studio.generate("a <b>red</b> boat", width=512, height=512, **QUICK)
    bundle = run._repr_mimebundle_()
    assert "&lt;b&gt;red" in bundle["text/html"]
    assert len(bundle["text/html"]) < 40_000
    assert bundle["text/plain"].startswith(f"Run {run.id} · succeeded · procedural")


def test_a_script_ends_by_itself_with_work_left(home):
    script = f"""
import studio_kernel as sk
studio = sk.open({str(home)!r})
for seed in range(50):
    studio.submit("a boat", model="procedural", seed=seed, step_seconds=0.5)
print("end of script", flush=True)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "end of script\n"
    with sk.open(home) as studio:
        statuses = set(studio.runs(limit=None)["status"])
        assert len(studio.runs(limit=None)) == 50
    assert statuses == {"cancelled"}
