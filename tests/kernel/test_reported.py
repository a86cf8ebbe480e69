"""Parameters that take what an earlier run reported, as a remix takes the id of a clip."""

import pytest

import studio_kernel as sk
from engines import PaidEngine
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.errors import InvalidRequestError
from studio_kernel.runlog import new_run_id

CATALOG = """
models:
  clip:
    name: Sora 2 Clip
    engine: paid
    endpoint: tests/clip
    tasks: [text-to-video]
    parameters:
      prompt:
      duration: {type: integer, choices: [4, 8, 12], default: 4, unit: s}
      delete_video: {type: boolean, default: true}
    price: {unit: second, amount_usd: 0.1, as_of: "2026-03", source: tests}
  unnamed-length:
    name: Sora 2 Other
    engine: paid
    endpoint: tests/other
    tasks: [text-to-video]
    parameters: {prompt: , delete_video: {type: boolean, default: true}}
  stranger:
    name: Stranger
    engine: paid
    endpoint: tests/stranger
    tasks: [text-to-video]
    parameters: {prompt: }
  remix:
    name: Sora 2 Remix
    engine: paid
    endpoint: tests/remix
    tasks: [video-to-video]
    parameters:
      prompt:
      video_id:
        type: text
        required: true
        from_run: video_id
        from_models: [clip, unnamed-length, remix]
        from_where: {delete_video: false}
      delete_video: {type: boolean, default: true}
    price: {unit: second, amount_usd: 0.1, as_of: "2026-03", source: tests}
"""


@pytest.fixture
def studio(home, picture):
    (home / "catalog").mkdir(parents=True)
    (home / "catalog" / "own.yaml").write_text(CATALOG, encoding="utf-8")
    with sk.open(home, runner="inline", engines=[PaidEngine(picture)]) as studio:
        yield studio


def logged(studio, model="clip", status="succeeded", reported="v1", assets=(), **parameters):
    """Log a run as the runner does when a service has reported something, and return its id."""
    run_id = new_run_id()
    values = {"prompt": "a red boat", "delete_video": False, **parameters}
    task = studio.models[model].default_task
    studio._log.queued(run_id, GenerationRequest(model, task, values), engine="paid")
    studio._log.started(run_id, provenance={})
    outcome = {"video_id": reported} if reported else {}
    studio._log.finished(run_id, status, outcome=outcome, assets=assets)
    return run_id


def refused(studio, video_id):
    with pytest.raises(InvalidRequestError) as caught:
        studio.request("at night", model="remix", video_id=video_id)
    assert [problem.field for problem in caught.value.problems] == ["video_id"]
    return caught.value.problems[0].message


@pytest.mark.parametrize("given", ["value", "id", "run"])
def test_a_run_its_id_and_what_it_reported_are_the_same_word(studio, given):
    run_id = logged(studio)
    said = {"value": "v1", "id": run_id, "run": studio.run(run_id)}[given]
    assert studio.request("at night", model="remix", video_id=said).parameters["video_id"] == "v1"


def test_without_any_the_first_step_is_said(studio):
    expected = "no Sora videos yet; make one with 'clip' and delete_video=False first"
    assert refused(studio, None) == f"is required; {expected}"
    assert expected in refused(studio, "v9")
    assert studio.reported("remix", "video_id").advice == expected


def test_what_no_run_reported_is_refused_with_what_there_is(studio):
    logged(studio, duration=8)
    message = refused(studio, "v9")
    assert message.startswith("'v9' was reported by no run of this home; there is 'v1' (a red boat · ")
    assert message.endswith(" · 8 s)")


def test_a_clip_that_the_service_has_deleted_is_refused(studio):
    run_id = logged(studio, delete_video=True)
    wanted = (
        f"'v1' cannot be used: its run {run_id} was made with delete_video=True, "
        "and the service keeps it only with delete_video=False"
    )
    assert refused(studio, "v1") == wanted
    assert refused(studio, studio.run(run_id)) == wanted
    advice = studio.reported("remix", "video_id").advice
    assert advice == "the service has kept none of the 1 Sora videos of this home; make one with delete_video=False"


def test_a_run_of_another_model_is_refused(studio):
    run_id = logged(studio, model="stranger")
    assert refused(studio, run_id).startswith(f"run {run_id} of 'stranger' made no Sora video; ")
    assert "was reported by no run" in refused(studio, "v1")


def test_a_run_that_failed_or_reported_nothing_is_refused(studio):
    failed = logged(studio, status="failed")
    silent = logged(studio, reported=None)
    assert "was reported by no run" in refused(studio, failed)
    assert f"run {silent} (succeeded) reported no 'video_id'" in refused(studio, silent)


def test_the_choices_are_the_newest_first_with_what_people_know_them_by(studio):
    logged(studio, reported="old", duration=8)
    logged(studio, reported="gone", delete_video=True)
    logged(studio, reported="new", prompt="x" * 80, duration=12)
    offer = studio.reported("remix", "video_id")
    assert [each.value for each in offer] == ["new", "old"]
    assert [each.seconds for each in offer] == [12, 8]
    assert offer[1].label.startswith("a red boat · 20")
    assert offer[1].label.endswith(" · 8 s")
    assert len(offer[0].label) < 80
    assert offer.advice == ""


def test_so_many_choices_as_asked_for(studio):
    for number in range(4):
        logged(studio, reported=f"v{number}")
    assert [each.value for each in studio.reported("remix", "video_id", limit=2)] == ["v3", "v2"]


@pytest.mark.parametrize("parameter", ["prompt", "unknown"])
def test_only_a_parameter_that_takes_the_word_of_a_run_has_choices(studio, parameter):
    with pytest.raises(InvalidRequestError, match=parameter):
        studio.reported("remix", parameter)


@pytest.mark.parametrize(("duration", "usd"), [(4, 0.4), (8, 0.8), (12, 1.2)])
def test_a_remix_costs_the_seconds_of_its_source(studio, duration, usd):
    logged(studio, duration=duration)
    cost = studio.estimate("at night", model="remix", video_id="v1").cost
    assert cost.cost_usd == pytest.approx(usd)
    assert (cost.units, cost.confidence) == (duration, "high")


def test_a_remix_of_a_remix_costs_the_seconds_of_the_first_clip(studio):
    logged(studio, duration=12)
    logged(studio, model="remix", reported="v2", video_id="v1")
    assert studio.estimate("at night", model="remix", video_id="v2").cost.cost_usd == pytest.approx(1.2)


def test_a_clip_whose_length_nobody_asked_for_is_as_long_as_it_plays(studio, tmp_path):
    clip = tmp_path / "clip.mp4"
    write_clip(clip, seconds=6)
    ref = studio.assets.take(clip, "clip")
    logged(studio, model="unnamed-length", assets=[Asset(ref.sha256, ref.media_type, clip.stat().st_size)])
    assert studio.estimate("at night", model="remix", video_id="v1").cost.cost_usd == pytest.approx(0.6)


def test_the_cells_of_a_sweep_may_be_clips(studio):
    first, _second = logged(studio, reported="a", duration=4), logged(studio, reported="b", duration=12)
    sweep = studio.sweep("at night", model="remix", axes={"video_id": [studio.run(first), "b"]}, start=False)
    assert [cell.request.parameters["video_id"] for cell in sweep.definition.cells()] == ["a", "b"]


def write_clip(path, seconds, rate=10):
    import av
    import numpy as np

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(seconds * rate):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
