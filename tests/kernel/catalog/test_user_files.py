from pathlib import Path

import pytest

from studio_kernel.catalog.loader import load
from studio_kernel.domain.tasks import Task
from user_catalog import load_with, problems_of


def test_three_lines_make_a_usable_model(tmp_path: Path) -> None:
    catalog = load_with(tmp_path, mine="models: {my-sdxl: {family: sdxl, file: big.safetensors}}")
    card = catalog.models["my-sdxl"]
    assert catalog.problems == ()
    assert (card.engine, card.family, card.source.file) == ("diffusers", "sdxl", str(tmp_path / "big.safetensors"))
    assert card.tasks == (Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.INPAINTING)
    assert card.check(Task.TEXT_TO_IMAGE, {"prompt": "a boat"})["width"] == 1024


def test_relative_paths_start_from_the_directory_of_the_file(tmp_path: Path) -> None:
    directory = tmp_path / "catalog"
    directory.mkdir()
    catalog = load_with(directory, a="models: {m: {family: sd15, path: ../weights/m}}")
    assert catalog.models["m"].source.path == str(tmp_path / "weights" / "m")


def test_configuration_files_of_weights_below_are_not_taken_for_catalog_files(tmp_path: Path) -> None:
    weights = tmp_path / "model"
    weights.mkdir()
    (weights / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    (weights / "train.yaml").write_text("steps: 100")
    assert load(tmp_path).problems == ()


def test_what_the_entry_states_comes_before_the_family(tmp_path: Path) -> None:
    catalog = load_with(
        tmp_path,
        mine="""
        models:
          m:
            family: sdxl
            hub: me/model
            tasks: [text-to-image]
            without: [clip_skip]
            schedulers: [euler, ddim]
            parameters:
              num_inference_steps: {default: 12, max: 20}
              scheduler: {default: ddim}
              mood: {type: text, choices: [calm, wild], default: calm}
        """,
    )
    card = catalog.models["m"]
    names = [parameter.name for parameter in card.parameters]
    assert catalog.problems == ()
    assert card.parameter("num_inference_steps").default == 12
    assert card.parameter("num_inference_steps").label == "Steps"
    assert card.parameter("scheduler").choices == ("euler", "ddim")
    assert card.parameter("scheduler").choice_labels == ("Euler", "DDIM")
    assert names[-1] == "mood"
    assert not {"clip_skip", "image", "mask_image", "strength"} & set(names)


def test_an_entry_replaces_the_shipped_one_and_says_so(tmp_path: Path) -> None:
    catalog = load_with(tmp_path, mine="models: {studio-tiny: {family: studio-tiny, path: better, note: Mine.}}")
    card = catalog.models["studio-tiny"]
    assert card.source.path == str(tmp_path / "better")
    assert card.note == "Mine. Replaces the shipped entry (mine.yaml)."
    assert catalog.overridden == {"studio-tiny": "mine.yaml"}


def test_a_wrong_entry_leaves_the_shipped_one_in_place(tmp_path: Path) -> None:
    catalog = load_with(tmp_path, mine="models: {studio-tiny: {family: studio-tiny}, good: {family: sd15, hub: a/b}}")
    assert catalog.models["studio-tiny"] == load().models["studio-tiny"]
    assert "good" in catalog.models
    assert list(problems_of(catalog)) == ["mine.yaml: studio-tiny: path"]


def test_a_users_scheduler_can_be_chosen_with_shipped_models(tmp_path: Path) -> None:
    catalog = load_with(tmp_path, mine="schedulers: {mine: {name: My Euler, class_name: EulerDiscreteScheduler}}")
    scheduler = catalog.models["studio-tiny"].parameter("scheduler")
    assert scheduler.choices[-1] == "mine"
    assert scheduler.choice_labels[-1] == "My Euler"
    assert "mine" not in load().models["studio-tiny"].parameter("scheduler").choices


def test_a_lora_has_its_file_and_family(tmp_path: Path) -> None:
    catalog = load_with(
        tmp_path, mine="loras: {ink: {file: ink.safetensors, family: sdxl-turbo, triggers: [ink drawing]}}"
    )
    lora = catalog.loras["ink"]
    assert (lora.name, lora.file, lora.triggers) == ("ink", str(tmp_path / "ink.safetensors"), ("ink drawing",))
    assert lora.family == "sdxl"


def test_families_based_on_one_another_share_their_loras(tmp_path: Path) -> None:
    catalog = load_with(tmp_path, mine="models: {t: {family: sdxl-turbo, hub: stabilityai/sdxl-turbo}}")
    card = catalog.models["t"]
    assert card.family == "sdxl"
    assert card.check(Task.TEXT_TO_IMAGE, {"prompt": "a"})["num_inference_steps"] == 1
    assert "negative_prompt" not in [parameter.name for parameter in card.parameters]


def test_a_family_may_stand_below_the_one_it_is_used_by(tmp_path: Path) -> None:
    catalog = load_with(
        tmp_path,
        a="models: {m: {family: mine, hub: a/b}}",
        b="families: {mine: {based_on: base}, base: {engine: diffusers, tasks: [inpainting], parameters: {prompt: }}}",
    )
    assert catalog.problems == ()
    assert catalog.models["m"].tasks == (Task.INPAINTING,)
    assert catalog.models["m"].family == "base"


def test_dates_stay_text_and_empty_sections_are_fine(tmp_path: Path) -> None:
    text = "loras:\nmodels:\n  m: {family: sd15, hub: a/b, as_of: 2026-11-21, retired_on: 2030-01-31}\n"
    catalog = load_with(tmp_path, mine=text)
    assert catalog.problems == ()
    assert catalog.models["m"].as_of == "2026-11-21"
    assert str(catalog.models["m"].retired_on) == "2030-01-31"


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "models:\n"])
def test_an_empty_file_is_no_mistake(tmp_path: Path, text: str) -> None:
    assert load_with(tmp_path, mine=text).problems == ()


def test_a_missing_directory_is_no_mistake(tmp_path: Path) -> None:
    assert load(tmp_path / "none").models == load().models


def test_one_scheduler_of_a_group_can_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("models: {m: {family: sd15, hub: a/b, schedulers: [diffusion, -lms, -pndm]}}")
    choices = load(tmp_path).models["m"].parameter("scheduler").choices
    assert "ddim" in choices
    assert not {"lms", "pndm"} & set(choices)


def test_the_user_s_own_models_are_told_apart_with_the_file_they_stand_in(tmp_path: Path) -> None:
    catalog = load_with(tmp_path, mine="models: {my-sdxl: {family: sdxl, file: big.safetensors}}")
    assert dict(catalog.own) == {"my-sdxl": "mine.yaml"}
