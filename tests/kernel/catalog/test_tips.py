"""Tips: converted from facts, found for a model, and offered only where the model takes them."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import yaml

from studio_kernel.catalog.entries import CatalogFile, TipsEntry
from studio_kernel.catalog.loader import load
from studio_kernel.catalog.tips import Facts, as_text, convert
from studio_kernel.domain.parameters import standard
from studio_kernel.domain.tips import Tips
from user_catalog import load_with, problems_of

SAMPLE = Path(__file__).parents[2] / "data" / "tips_sample.json"
CATALOG = load()
FILE = convert(msgspec.json.decode(SAMPLE.read_bytes(), type=Facts), CATALOG)


def test_what_ships_was_converted_by_this_converter() -> None:
    shipped = yaml.safe_load((Path(__file__).parents[3] / "data" / "catalog" / "tips.yaml").read_text("utf-8"))
    for name, entry in FILE.tips.items():
        assert msgspec.convert(shipped["tips"][name], TipsEntry) == entry


def test_the_text_reads_back_as_the_same_entries() -> None:
    assert msgspec.convert(yaml.safe_load(as_text(FILE)), CatalogFile) == FILE


def test_values_stand_under_our_names() -> None:
    assert FILE.tips["sdxl"].values == {
        "num_inference_steps": 25,
        "guidance_scale": 7.0,
        "width": 1024,
        "height": 1024,
        "scheduler": "dpmpp_2m_karras",
    }
    assert FILE.tips["sdxl"].ranges == {"guidance_scale": (5.0, 8.0)}


def test_guidance_is_what_the_pipeline_calls_it() -> None:
    assert FILE.tips["qwen_image"].values["true_cfg_scale"] == 4.0
    assert "guidance_scale" not in FILE.tips["qwen_image"].values


@pytest.mark.parametrize("name", ["sdxl_turbo", "sd35_large"])
def test_a_sampler_without_an_exact_counterpart_stays_in_words(name: str) -> None:
    assert "scheduler" not in FILE.tips[name].values
    assert any(note.startswith("ComfyUI: sampler euler") for note in FILE.tips[name].notes)


def test_a_size_that_the_pipeline_refuses_stays_in_words() -> None:
    assert not {"width", "height"} & set(FILE.tips["ltx2"].values)
    assert any("1280 × 720" in note for note in FILE.tips["ltx2"].notes)


def test_the_published_figure_is_a_measured_peak_without_offloading() -> None:
    figure = FILE.tips["hunyuanvideo"].vram
    assert figure is not None
    assert (figure.gib, figure.width, figure.height, figure.frames) == (60.1, 768, 512, 121)
    assert (figure.quality, figure.dtype) == ("measured", "bf16")
    assert FILE.tips["sd35_large"].vram is None


def test_other_repositories_count_only_when_they_hold_the_same_model() -> None:
    assert FILE.tips["hunyuanvideo"].hub == ("hunyuanvideo-community/HunyuanVideo", "tencent/HunyuanVideo")
    assert FILE.tips["sd35_large"].hub == ("stabilityai/stable-diffusion-3.5-large",)  # turbo wants other settings


def test_an_unknown_field_of_the_facts_is_refused() -> None:
    facts = json.loads(SAMPLE.read_text("utf-8"))
    facts["models"][0]["recommended"]["vibe"] = "good"
    with pytest.raises(msgspec.ValidationError, match="vibe"):
        msgspec.convert(facts, Facts)


def test_the_command_writes_the_file(tmp_path: Path) -> None:
    out = tmp_path / "tips.yaml"
    command = [sys.executable, "-m", "studio_kernel.catalog.tips", str(SAMPLE), str(out)]
    done = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    assert done.stdout.startswith(f"{len(FILE.tips)} tips")
    assert out.read_text("utf-8") == as_text(FILE)


def test_every_shipped_tip_names_date_and_source() -> None:
    for tips in CATALOG.tips.values():
        assert tips.as_of, tips.id
        assert tips.read_from, tips.id


def test_studio_tiny_takes_everything_it_is_recommended() -> None:
    card = CATALOG.models["studio-tiny"]
    tips = CATALOG.tips_for(card)
    assert tips is not None
    assert tips.offered(card.parameters) == dict(tips.values)
    assert tips.offered_sizes(card.parameters) == [(128, 128)]
    assert len(tips.examples) >= 3


MODELS = """
models:
  by-family: {family: sdxl, file: a.safetensors}
  by-family-below: {family: sdxl-turbo, file: a.safetensors}
  by-hub: {family: sdxl, hub: StabilityAI/sdxl-turbo}
  by-name: {family: sdxl, hub: stabilityai/sdxl-turbo, tips: sdxl_lightning}
  none: {engine: procedural, tasks: [text-to-image], parameters: {prompt: }}
"""


@pytest.mark.parametrize(
    ("model", "tips"),
    [
        ("by-family", "sdxl"),
        ("by-family-below", "sdxl_turbo"),
        ("by-hub", "sdxl_turbo"),
        ("by-name", "sdxl_lightning"),
    ],
)
def test_tips_are_found_by_name_then_repository_then_family(tmp_path: Path, model: str, tips: str) -> None:
    catalog = load_with(tmp_path, mine=MODELS)
    found = catalog.tips_for(catalog.models[model])
    assert found is not None
    assert found.id == tips


def test_a_model_that_nobody_wrote_tips_for_has_none(tmp_path: Path) -> None:
    catalog = load_with(tmp_path, mine=MODELS)
    assert catalog.tips_for(catalog.models["none"]) is None


def test_the_users_own_tips_come_first(tmp_path: Path) -> None:
    own = "tips: {mine: {families: [sdxl], values: {num_inference_steps: 31}}}"
    catalog = load_with(tmp_path, mine=MODELS, tips=own)
    found = catalog.tips_for(catalog.models["by-family"])
    assert catalog.problems == ()
    assert found is not None
    assert found.values == {"num_inference_steps": 31}


def test_mistakes_in_own_tips_are_told_by_field(tmp_path: Path) -> None:
    catalog = load_with(
        tmp_path,
        mine="""
        tips:
          wrong:
            families: [sdxxl]
            values: {num_inference_steps: 0, scheduler: eulr, guidance_scale: 9}
            ranges: {guidance_scale: [2, 4]}
            sizes: [[500, 512]]
            multiple: 8
        models:
          m: {family: sdxl, file: a.safetensors, tips: nothing}
        """,
    )
    told = problems_of(catalog)
    assert set(told) == {
        "mine.yaml: wrong: families[0]",
        "mine.yaml: wrong: values.num_inference_steps",
        "mine.yaml: wrong: values.scheduler",
        "mine.yaml: wrong: values.guidance_scale",
        "mine.yaml: wrong: sizes[0]",
        "mine.yaml: m: tips",
    }


def test_what_a_model_does_not_take_is_not_offered() -> None:
    tips = Tips("t", "T", values={"num_inference_steps": 200, "guidance_scale": 3, "num_frames": 81})
    parameters = [standard("num_inference_steps"), standard("guidance_scale")]
    assert tips.offered(parameters) == {"guidance_scale": 3.0}


def test_sizes_that_a_model_does_not_take_are_not_offered() -> None:
    tips = Tips("t", "T", sizes=((512, 512), (513, 512), (4096, 512)))
    assert tips.offered_sizes([standard("width"), standard("height")]) == [(512, 512)]
    assert tips.offered_sizes([standard("width")]) == []
