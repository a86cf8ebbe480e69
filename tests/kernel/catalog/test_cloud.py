"""The converter, on descriptions of real endpoints chosen for their peculiarities."""

import json
import subprocess
import sys
from datetime import date
from inspect import signature
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cloud_comparison import differences
from studio_kernel.catalog import build
from studio_kernel.catalog.cloud import FactModel, as_text, convert
from studio_kernel.catalog.entries import CatalogFile
from studio_kernel.catalog.inputs import UNITS
from studio_kernel.catalog.loader import load
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.pricing import cost_of
from studio_kernel.domain.quantities import FileFacts, InputFacts
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import AssetRef
from studio_kernel.studio import Studio

SAMPLE = Path(__file__).parents[2] / "data" / "cloud_sample.json"
FACTS: list[dict[str, Any]] = json.loads(SAMPLE.read_text(encoding="utf-8"))
FILE, FINDINGS = convert(msgspec.convert(FACTS, list[FactModel]))


def _card(name: str) -> ModelCard:
    card, mistakes = build.model(f"fal/{name}", FILE.models[f"fal/{name}"], build.Shelf())
    assert mistakes == []
    return card


def _found(name: str) -> dict[str, str]:
    places = {problem.field: problem.message for problem in FINDINGS}
    return {place.removeprefix(f"{name}: "): text for place, text in places.items() if place.startswith(f"{name}: ")}


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact["id"])
def test_nothing_is_lost(fact: dict[str, Any]) -> None:
    assert differences(fact, _card(fact["id"])) == []


def test_what_ships_was_converted_by_this_converter() -> None:
    shipped = load().models
    for name in FILE.models:
        assert shipped[name] == _card(name.removeprefix("fal/"))


def test_the_text_reads_back_as_the_same_entries() -> None:
    assert msgspec.json.decode(as_text(FILE), type=CatalogFile) == FILE


def test_a_size_takes_a_preset_or_two_sides() -> None:
    size = _card("flux_1_dev").parameter("image_size")
    assert (size.type, size.default) == ("size", "landscape_4_3")
    assert size.check("square_hd") == "square_hd"
    assert size.check({"width": 640, "height": 512}) == (640, 512)


def test_a_size_outside_the_presets_is_kept_as_a_default() -> None:
    assert _card("seedream_v4").parameter("image_size").default == (2048, 2048)
    assert "none of its presets" in _found("seedream_v4")["image_size"]


def test_an_incomplete_list_of_choices_stays_open() -> None:
    style = _card("ideogram_v3_reframe").parameter("style_preset")
    assert style.open_choices
    assert style.check("SOMETHING_NEW") == "SOMETHING_NEW"
    assert "only 40" in _found("ideogram_v3_reframe")["style_preset"]


def test_keys_are_left_out_and_noted() -> None:
    card = _card("sora2_text_to_video")
    assert "api_key" not in [parameter.name for parameter in card.parameters]
    assert "keys are never part of a request" in card.note
    assert "secret" in _found("sora2_text_to_video")["api_key"]


def test_a_key_of_ones_own_is_recorded_for_the_engine_and_is_no_parameter() -> None:
    card = _card("sora2_text_to_video")
    assert card.output is not None
    assert card.output["own_keys"] == {"api_key": "openai"}


def test_an_input_called_model_gets_a_name_that_a_request_can_reach() -> None:
    parameter = _card("sora2_text_to_video").parameter("model_version")
    assert (parameter.sent_as, parameter.default) == ("model", "sora-2")


def test_no_shipped_parameter_hides_behind_an_option_of_a_request() -> None:
    options = {
        name for method in (Studio.generate, Studio.submit, Studio.sweep) for name in signature(method).parameters
    }
    taken = options - {"prompt", "parameters", "self"}
    hidden = [f"{card.id}.{p.name}" for card in load().models.values() for p in card.parameters if p.name in taken]
    assert hidden == []


def test_an_id_of_an_earlier_clip_says_which_runs_reported_it() -> None:
    shipped = load().models
    parameter = shipped["fal/sora2_video_to_video_remix"].parameter("video_id")
    assert parameter.from_run == "video_id"
    assert set(parameter.from_models) == {name for name in shipped if name.startswith("fal/sora2_")}


def test_lengths_are_known_to_be_seconds() -> None:
    units = {p.name: p.unit for card in load().models.values() for p in card.parameters if p.name in UNITS}
    assert units == UNITS


def test_the_price_of_a_model_version_follows_its_name() -> None:
    card = load().models["fal/sync_lipsync_2"]
    request = GenerationRequest(card.id, card.default_task, {"model_version": "lipsync-2-pro"})
    facts = InputFacts({"audio_url": FileFacts(seconds=60), "video_url": FileFacts(seconds=60)})
    assert cost_of(card, request, facts).cost_usd == 5.0


@pytest.mark.parametrize("length", ["4", "8", "12"])
@pytest.mark.parametrize(
    ("name", "resolution", "rate"),
    [
        ("text_to_video", None, 0.1),
        ("text_to_video", "720p", 0.1),
        ("text_to_video_pro", None, 0.5),
        ("text_to_video_pro", "720p", 0.3),
        ("text_to_video_pro", "1080p", 0.5),
        ("image_to_video", None, 0.1),
        ("image_to_video", "auto", 0.1),
        ("image_to_video", "720p", 0.1),
        ("image_to_video_pro", None, 0.3),
        ("image_to_video_pro", "auto", 0.3),
        ("image_to_video_pro", "720p", 0.3),
        ("image_to_video_pro", "1080p", 0.5),
    ],
)
def test_sora_costs_what_it_is_said_to(name: str, resolution: str | None, rate: float, length: str) -> None:
    card = load().models[f"fal/sora2_{name}"]
    image = {"image_url": AssetRef("a" * 64, "image/png")} if "image" in name else {}
    values = {"prompt": "a boat", "duration": length, **image, **({"resolution": resolution} if resolution else {})}
    request = GenerationRequest(card.id, card.default_task, card.check(card.default_task, values))
    assert cost_of(card, request).cost_usd == pytest.approx(rate * int(length))


@pytest.mark.parametrize(
    ("name", "resolutions", "resolution", "ratios", "ratio"),
    [
        ("text_to_video", ("720p",), "720p", {"16:9", "9:16"}, "16:9"),
        ("text_to_video_pro", ("720p", "1080p"), "1080p", {"16:9", "9:16"}, "16:9"),
        ("image_to_video", ("auto", "720p"), "auto", {"auto", "16:9", "9:16"}, "auto"),
        ("image_to_video_pro", ("auto", "720p", "1080p"), "auto", {"auto", "16:9", "9:16"}, "auto"),
    ],
)
def test_sora_takes_what_it_is_said_to(
    name: str, resolutions: tuple[str, ...], resolution: str, ratios: set[str], ratio: str
) -> None:
    card = load().models[f"fal/sora2_{name}"]
    assert (card.parameter("resolution").choices, card.parameter("resolution").default) == (resolutions, resolution)
    assert (set(card.parameter("aspect_ratio").choices), card.parameter("aspect_ratio").default) == (ratios, ratio)
    assert (card.parameter("duration").choices, card.parameter("duration").default) == ((4, 8, 12), 4)
    assert card.parameter("prompt").max_length == 5000
    assert card.parameter("delete_video").default is True
    assert card.retired_on == date(2026, 9, 24)


def test_a_sora_remix_takes_a_prompt_and_a_clip_and_nothing_of_its_size() -> None:
    card = load().models["fal/sora2_video_to_video_remix"]
    assert [parameter.name for parameter in card.parameters] == ["prompt", "video_id", "delete_video"]
    assert card.parameter("video_id").required
    assert card.retired_on == date(2026, 9, 24)
    assert card.price is not None
    assert (card.price.unit, card.price.amount_usd) == ("second", 0.1)


def test_the_end_of_a_service_is_read_from_its_note() -> None:
    assert _card("sora2_text_to_video").retired_on == date(2026, 9, 24)
    assert _card("runway_gen3_turbo_image_to_video").retired_on == date(2026, 7, 30)
    assert _card("flux_1_dev").retired_on is None


def test_a_parameter_without_a_type_is_told() -> None:
    assert _card("runway_gen3_turbo_image_to_video").parameter("duration").type == "text"
    assert _found("runway_gen3_turbo_image_to_video")["duration"] == "has no type; taken as text"


def test_files_come_as_files() -> None:
    card = _card("wan_vace_14b")
    kinds = {
        parameter.name: (parameter.type, parameter.multiple) for parameter in card.parameters if parameter.is_media
    }
    assert kinds["video_url"] == ("video", False)
    assert kinds["mask_video_url"] == ("video", False)
    assert kinds["ref_image_urls"] == ("image", True)
    assert _card("flux_3_keyframes").parameter("keyframes").type == "object"


def test_a_file_given_by_address_is_no_default() -> None:
    audio = _card("chatterbox").parameter("audio_url")
    assert audio.default is None
    assert "male_rickmorty.mp3" in audio.description


def test_objects_and_lists_of_them_keep_their_defaults() -> None:
    assert dict(_card("minimax_speech_02_hd").parameter("voice_setting").default)["voice_id"] == "Wise_Woman"  # type: ignore[arg-type]
    loras = _card("flux_1_lora").parameter("loras")
    assert (loras.type, loras.multiple, loras.default, loras.group) == ("object", True, (), "adapters")


def test_standard_parameters_have_the_standard_labels_and_places() -> None:
    card = _card("flux_1_dev")
    assert [(p.title, p.group) for p in card.parameters if p.name in {"prompt", "seed", "guidance_scale"}] == [
        ("Prompt", "prompt"),
        ("Seed", "seed"),
        ("Guidance scale", "sampling"),
    ]
    assert card.check(Task.TEXT_TO_IMAGE, {"prompt": "a boat"})["num_inference_steps"] == 28


def test_what_must_be_given_is_never_folded_away() -> None:
    folded = [
        (name, parameter)
        for name, entry in FILE.models.items()
        for parameter, fields in entry.parameters.items()
        if fields is not None and fields.required is True and fields.group == "advanced"
    ]
    assert folded == []


def test_a_field_the_converter_does_not_know_stops_it() -> None:
    with pytest.raises(msgspec.ValidationError, match="colour"):
        msgspec.convert([{**FACTS[0], "colour": "red"}], list[FactModel])


def test_the_command_writes_the_file_and_lists_what_it_resolved(tmp_path: Path) -> None:
    out = tmp_path / "fal.json"
    command = [sys.executable, "-m", "studio_kernel.catalog.cloud", str(SAMPLE), str(out)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert out.read_text(encoding="utf-8") == as_text(FILE)
    assert f"{len(FACTS)} models, {len(FINDINGS)} inconsistencies" in done.stdout
    assert subprocess.run(command[:3], capture_output=True, timeout=60).returncode == 2
