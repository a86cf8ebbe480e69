"""The generation panel without a screen."""

import pytest

from fake_studio import FakeStudio
from studio_kernel.domain.runs import RunProgress, RunStatus
from studio_kernel.domain.values import AssetRef, Lora
from studio_widgets.generation.state import GenerationState

PNG = b"\x89PNG rest"


@pytest.fixture
def studio(tmp_path):
    return FakeStudio(3, tmp_path)


@pytest.fixture
def state(studio):
    state = GenerationState(studio)
    state.prompt = "a red boat"
    return state


def test_a_state_begins_with_a_usable_model_and_its_defaults(state):
    assert state.model == "studio-tiny"
    assert state.values["num_inference_steps"] == 25
    assert [card.id for card in state.models()] == ["studio-tiny", "quick"]
    assert "image" not in [parameter.name for parameter in state.parameters]


def test_resolve_is_what_would_be_asked_for(state):
    state.set("num_inference_steps", 9)
    snapshot = state.resolve()
    assert snapshot.is_ready
    assert snapshot.values["prompt"] == "a red boat"
    assert snapshot.values["num_inference_steps"] == 9
    assert "seed" not in snapshot.values
    assert snapshot == state.resolve()


def test_a_fixed_seed_is_asked_for(state):
    state.random_seed = False
    state.set("seed", 7)
    assert state.resolve().values["seed"] == 7


def test_a_negative_prompt_without_guidance_is_left_out_with_the_reason(state):
    state.negative_prompt = "fog"
    assert state.resolve().values["negative_prompt"] == "fog"
    state.set("guidance_scale", 1.0)
    snapshot = state.resolve()
    assert "negative_prompt" not in snapshot.values
    assert "above 1" in snapshot.disabled["negative_prompt"]


def test_changing_the_model_keeps_what_it_also_takes(state):
    state.set("num_inference_steps", 6)
    state.set("guidance_scale", 3.0)
    state.model = "quick"
    assert state.values == {"num_inference_steps": 6, "seed": None}
    state.set("num_inference_steps", 8)
    state.model = "studio-tiny"
    assert state.values["num_inference_steps"] == 8
    assert state.values["guidance_scale"] == 5.0


def test_a_value_the_new_model_refuses_becomes_its_default(state):
    state.set("num_inference_steps", 80)
    state.model = "quick"
    assert state.values["num_inference_steps"] == 4


def test_changing_the_task_shows_its_inputs_and_a_model_that_serves_it(state):
    state.model = "quick"
    state.task = "inpainting"
    assert state.model == "studio-tiny"
    assert {"image", "mask_image", "strength"} <= {parameter.name for parameter in state.parameters}
    assert {problem.field for problem in state.resolve().problems} == {"image", "mask_image"}


def test_files_are_stored_and_taken_away(state):
    state.task = "image-to-image"
    state.give("image", PNG)
    assert isinstance(state.values["image"], AssetRef)
    assert state.resolve().is_ready
    state.give("image", b"")
    assert state.values["image"] is None


def test_a_file_that_is_no_picture_is_refused_in_words(state):
    state.task = "image-to-image"
    state.give("image", b"MZ")
    assert "not a picture" in state.error
    assert state.values["image"] is None


def test_submit_follows_the_run_to_its_result(state, studio):
    state.submit()
    assert (state.status, state.error) == ("queued", "")
    assert state.is_busy
    assert state.values["seed"] == 4242
    studio.tell(state._run, RunProgress(RunStatus.RUNNING, 3, 25, "denoising", 0.4, b"webp"))
    assert (state.step, state.total, state.stage, state.preview) == (3, 25, "denoising", b"webp")
    studio.tell(state._run, RunProgress(RunStatus.SUCCEEDED, 25, 25))
    assert not state.is_busy
    assert state.result.status == "succeeded"
    assert state.preview == b""
    assert state.file()[0].startswith(b"\x89PNG")


def test_a_failed_run_says_why(state, studio):
    state.submit()
    studio.tell(state._run, RunProgress(RunStatus.FAILED, error="the device ran out of memory"))
    assert state.error == "the device ran out of memory"
    assert state.result.status == "failed"
    assert state.file() == (b"", "image/webp")


def test_cancel_ends_the_run(state):
    state.submit()
    state.cancel()
    assert state.status == "cancelled"
    state.cancel()


def test_everything_that_is_wrong_is_said_with_the_names_of_the_form(state):
    state.prompt = ""
    state.set("num_inference_steps", 9999)
    state.submit()
    assert "Prompt is required" in state.error
    assert "Steps 9999 is outside 1 … 150" in state.error
    assert state.status == ""


def test_a_refusal_of_the_studio_is_said_in_words(state, studio):
    studio.broken = "the weights are missing; run make setup"
    state.submit()
    assert state.error == "the weights are missing; run make setup"


def test_an_unknown_model_is_said_in_words_and_mended(state):
    state.model = "studio-tinny"
    assert "did you mean 'studio-tiny'" in state.error
    assert state.parameters == ()
    state.submit()
    assert "unknown model" in state.error
    state.model = "studio-tiny"
    assert state.error == ""


def test_a_second_submit_waits_for_the_first(state):
    state.submit()
    state.submit()
    assert "not finished" in state.error


def test_progress_of_an_earlier_run_is_ignored(state, studio):
    state.submit()
    first = state._run
    studio.tell(first, RunProgress(RunStatus.SUCCEEDED, 25, 25))
    state.submit()
    studio.tell(first, RunProgress(RunStatus.SUCCEEDED, 25, 25))
    assert state.status == "queued"


def test_loras_are_part_of_the_request(state):
    state.set("loras", (Lora("ink", 0.5),))
    assert state.resolve().values["loras"] == (Lora("ink", 0.5),)
