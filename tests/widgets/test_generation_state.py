"""The generation panel without a screen."""

import pytest

import studio_kernel as sk
from engines import GatedEngine, PaidEngine, install_paid
from studio_kernel.domain.values import AssetRef, Lora
from studio_widgets.generation.state import GenerationState
from waiting import until

CATALOG = """
tips:
  for-versatile:
    name: Versatile
    values: {num_inference_steps: 12, guidance_scale: 9, num_frames: 81}
    ranges: {num_inference_steps: [10, 20]}
    sizes: [[512, 768], [500, 500]]
    examples: [a lighthouse at dusk]
    triggers: [watercolor]
models:
  versatile:
    tips: for-versatile
    name: Versatile
    creator: Tests
    engine: gated
    tasks: [text-to-image, image-to-image, inpainting]
    licence: none
    parameters:
      prompt:
      negative_prompt:
      image:
      mask_image:
      strength:
      width:
      height:
      num_inference_steps: {default: 25}
      guidance_scale: {default: 5}
      seed:
      loras:
  quick:
    name: Quick
    creator: Tests
    engine: gated
    tasks: [text-to-image]
    licence: none
    parameters:
      prompt:
      num_inference_steps: {default: 4, max: 8}
      seed:
  remix:
    name: Remix
    engine: gated
    tasks: [video-to-video]
    parameters:
      prompt:
      clip: {type: text, required: true, from_run: clip_id, from_models: [quick]}
  clip-in-text:
    name: Clip in text
    engine: gated
    tasks: [text-to-image]
    parameters:
      prompt:
      duration: {type: text, choices: [4s, 8s], default: 4s, unit: s}
  clip-in-numbers:
    name: Clip in numbers
    engine: gated
    tasks: [text-to-image]
    parameters:
      prompt:
      duration: {type: integer, choices: [4, 8], default: 4, unit: s}
"""


@pytest.fixture
def engine(picture):
    return GatedEngine(picture)


@pytest.fixture
def studio(home, engine):
    (home / "catalog").mkdir(parents=True)
    (home / "catalog" / "panels.yaml").write_text(CATALOG)
    with sk.open(home, engines=[engine]) as studio:
        yield studio


@pytest.fixture
def state(studio):
    state = GenerationState(studio, model="versatile")
    state.prompt = "a red boat"
    return state


def ended(state):
    until(lambda: not state.is_busy, every=0.01, what="the end of the run")


def test_a_state_begins_with_a_usable_model(studio):
    state = GenerationState(studio)
    usable = state.models()
    assert state.model == usable[0].id
    assert {"versatile", "quick"} <= {card.id for card in usable}
    assert "fal" not in {card.engine for card in usable}


def test_a_form_begins_with_the_defaults_of_the_model(state):
    assert state.values["num_inference_steps"] == 25
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
    state.model = "versatile"
    assert state.values["num_inference_steps"] == 8
    assert state.values["guidance_scale"] == 5.0


def test_a_value_the_new_model_refuses_becomes_its_default(state):
    state.set("num_inference_steps", 80)
    state.model = "quick"
    assert state.values["num_inference_steps"] == 4


def test_changing_the_task_shows_its_inputs_and_a_model_that_serves_it(state):
    state.model = "quick"
    state.task = "inpainting"
    assert state.model != "quick"
    assert {"image", "mask_image", "strength"} <= {parameter.name for parameter in state.parameters}
    assert {problem.field for problem in state.resolve().problems} == {"image", "mask_image"}


def test_files_are_stored_and_taken_away(state, picture):
    state.task = "image-to-image"
    state.give("image", picture)
    assert isinstance(state.values["image"], AssetRef)
    assert state.resolve().is_ready
    state.give("image", b"")
    assert state.values["image"] is None


def test_a_file_that_is_no_picture_is_refused_in_words(state):
    state.task = "image-to-image"
    state.give("image", b"MZ")
    assert "image" in state.error
    assert state.values["image"] is None


def test_submit_follows_the_run_to_its_result(state, engine):
    state.submit()
    assert (state.status, state.error) == ("queued", "")
    assert state.is_busy
    assert isinstance(state.values["seed"], int)
    until(lambda: engine.let(1) or state.step >= 3, every=0.15, what="the third step")
    assert (state.status, state.total, state.preview) == ("running", 25, b"preview")
    engine.let()
    ended(state)
    assert state.result.status == "succeeded"
    assert state.result.seed == state.values["seed"]
    assert state.preview == b""
    data, media_type = state.file()
    assert (data[:4], media_type) == (b"\x89PNG", "image/png")


def test_a_failed_run_says_why(state, engine):
    engine.let()
    state.prompt = "fail"
    state.submit()
    ended(state)
    assert "the engine could not" in state.error
    assert state.result.status == "failed"
    assert state.file() == (b"", "image/webp")


def test_cancel_ends_the_run(state):
    state.submit()
    state.cancel()
    ended(state)
    assert state.status == "cancelled"
    state.cancel()


def test_everything_that_is_wrong_is_said_with_the_names_of_the_form(state):
    state.prompt = ""
    state.set("num_inference_steps", 9999)
    state.submit()
    assert "Prompt is required" in state.error
    assert "Steps 9999 is outside 1 … 150" in state.error
    assert state.status == ""


def test_a_refusal_of_the_studio_is_said_in_words(home, studio):
    with sk.open(home, mode="viewer", engines=[GatedEngine(b"")]) as viewer:
        state = GenerationState(viewer, model="quick")
        state.prompt = "a red boat"
        state.submit()
        assert "viewer" in state.error
        assert state.status == ""


def test_an_unknown_model_is_said_in_words_and_mended(state):
    state.model = "versatil"
    assert "did you mean 'versatile'" in state.error
    assert state.parameters == ()
    state.submit()
    assert "unknown model" in state.error
    state.model = "versatile"
    assert state.error == ""


def test_more_can_be_asked_for_while_one_works_and_the_one_at_work_is_shown(state, engine):
    for prompt in ("a red boat", "a blue boat", "a green boat"):
        state.prompt = prompt
        state.submit()
    until(lambda: state.status == "running")
    assert (state._run.request.prompt, state.waiting, state.working) == ("a red boat", 2, 0)
    assert state.standing == ("generating", "2 more wait")
    assert state.can_submit
    engine.let()
    ended(state)
    assert state.result.request.prompt == "a green boat"
    assert (state.status, state.waiting) == ("succeeded", 0)


def test_cancel_stops_the_run_that_is_shown_and_the_next_one_goes_on(state, engine):
    state.submit()
    state.prompt = "a blue boat"
    state.submit()
    until(lambda: state.status == "running")
    state.cancel()
    until(lambda: state.result is not None and state.result.status == "cancelled")
    engine.let()
    ended(state)
    assert (state.result.request.prompt, state.status) == ("a blue boat", "succeeded")


def test_everything_that_was_asked_for_here_is_cancelled_at_once(state):
    for _ in range(3):
        state.submit()
    state.cancel_all()
    ended(state)
    assert (state.status, state.waiting) == ("cancelled", 0)


def test_progress_of_an_earlier_run_is_ignored(state, engine):
    engine.let(25)
    state.submit()
    first = state._run
    ended(state)
    state.submit()
    assert state._run.id != first.id
    state._heard(first, first.progress)  # the last word on a run is said twice, the second time a second later
    assert state.is_busy
    state.cancel()


def test_loras_are_part_of_the_request(state):
    state.set("loras", (Lora("ink", 0.5),))
    assert state.resolve().values["loras"] == (Lora("ink", 0.5),)


def test_a_panel_that_is_opened_later_shows_the_run_at_work_and_its_settings(studio, state, engine):
    state.set("num_inference_steps", 9)
    state.submit()
    until(engine.started.is_set)
    other = GenerationState(studio)
    assert other.is_busy
    assert (other.model, other.prompt, other.values["num_inference_steps"]) == ("versatile", "a red boat", 9)
    engine.let(3)
    until(lambda: other.step)
    engine.let()
    ended(other)
    assert other.result.id == state.result.id


def test_the_run_of_a_neighbour_makes_room_for_ones_own(studio, state, engine):
    state.submit()
    until(engine.started.is_set)
    other = GenerationState(studio)
    assert other.can_submit
    assert other.is_busy
    other.prompt = "a blue boat"
    other.submit()
    assert other.error == ""
    engine.let()
    ended(other)
    ended(state)
    assert other.result.request.prompt == "a blue boat"
    assert state.result.request.prompt == "a red boat"


def test_tips_are_those_of_the_model(state):
    assert state.tips.id == "for-versatile"
    state.model = "quick"
    assert state.tips is None
    state.apply_tips()
    state.use_example(0)
    assert (state.told, state.prompt) == ("", "a red boat")


def test_tips_set_what_the_model_takes_and_say_what_changed(state):
    state.apply_tips()
    assert (state.values["num_inference_steps"], state.values["guidance_scale"]) == (12, 9.0)
    assert "num_frames" not in state.values
    assert state.told == "Changed: Steps 25 → 12, Guidance scale 5 → 9."
    state.apply_tips()
    assert state.told == "It is set like that already."


def test_what_tips_told_is_forgotten_with_the_model(state):
    state.apply_tips()
    state.model = "quick"
    assert state.told == ""


def test_a_recommended_size_is_taken_as_a_whole(state):
    assert state.tips.offered_sizes(state.parameters) == [(512, 768)]
    state.use_size(512, 768)
    assert (state.values["width"], state.values["height"]) == (512, 768)
    assert state.told == "Changed: Height 512 px → 768 px."


def test_an_example_becomes_the_prompt(state):
    state.use_example(0)
    assert state.prompt == "a lighthouse at dusk"


def test_a_trigger_word_is_put_behind_the_prompt_once(state):
    state.add_trigger("watercolor")
    assert state.prompt == "a red boat, watercolor"
    state.add_trigger("Watercolor")
    assert state.prompt == "a red boat, watercolor"
    state.prompt = ""
    state.add_trigger("watercolor")
    assert state.prompt == "watercolor"


def test_a_run_without_a_price_is_made_after_a_yes(home, picture):
    install_paid(home)
    engine = PaidEngine(picture)
    engine.let()
    with sk.open(home, engines=[engine]) as studio:
        state = GenerationState(studio, model="priceless")
        state.prompt = "a red boat"
        state.submit()
        assert "nobody knows what a run of 'priceless' costs" in state.error
        state.accept_unknown_price = True
        state.submit()
        ended(state)
        assert (state.error, str(state.result.status)) == ("", "succeeded")


def test_a_length_goes_from_model_to_model_in_the_spelling_of_each(state):
    state.model = "clip-in-numbers"
    state.set("duration", 8)
    state.model = "clip-in-text"
    assert state.values["duration"] == "8s"
    state.model = "clip-in-numbers"
    assert state.values["duration"] == 8


def test_the_choices_of_a_value_of_an_earlier_run_are_those_of_the_home(state):
    state.task = "video-to-video"
    assert state.model == "remix"
    assert state.offer("clip").advice == "no Quick images yet; make one with 'quick' first"
