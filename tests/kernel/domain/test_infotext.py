"""The settings text of A1111, read."""

import pytest

from studio_kernel.domain import infotext
from studio_kernel.domain.model import SchedulerCard
from studio_kernel.domain.provenance import parameters_text
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.tasks import Task

CARDS = [
    SchedulerCard("euler_a", "Euler a", "X", {}, aliases=("Euler ancestral",)),
    SchedulerCard("dpmpp_2m", "DPM++ 2M", "X", {}),
    SchedulerCard("dpmpp_2m_karras", "DPM++ 2M Karras", "X", {}),
]


def settings(line, prompt="a boat"):
    return infotext.read(f"{prompt}\n{line}").parameters(CARDS)


def test_what_the_studio_writes_is_read_back():
    request = GenerationRequest(
        "tiny",
        parameters={
            "prompt": "a boat,\nred: very", "negative_prompt": "x, y: z", "num_inference_steps": 20, "seed": 5,
            "guidance_scale": 7.5, "scheduler": "dpmpp_2m", "width": 64, "height": 32,
        },
    )  # fmt: skip
    told = infotext.read(parameters_text(request, "DPM++ 2M"))
    assert told.parameters(CARDS) == dict(request.parameters)
    assert (told.task, told.fields["Model"]) == (Task.TEXT_TO_IMAGE, "tiny")


@pytest.mark.parametrize(
    ("sampler", "scheduler"),
    [
        ("Sampler: DPM++ 2M Karras", "dpmpp_2m_karras"),
        ("Sampler: DPM++ 2M, Schedule type: Karras", "dpmpp_2m_karras"),
        ("Sampler: DPM++ 2M", "dpmpp_2m"),
        ("Sampler: DPM++ 2M, Schedule type: Automatic", None),
        ("Sampler: Euler a, Schedule type: Automatic", "euler_a"),
        ("Sampler: euler ancestral", "euler_a"),
        ("Sampler: Euler a, Schedule type: Polyexponential", None),
        ("Sampler: Restart", None),
    ],
)
def test_a_scheduler_is_told_only_where_the_catalog_knows_it(sampler, scheduler):
    assert settings(f"Steps: 20, {sampler}, Seed: 1, CFG scale: 7").get("scheduler") == scheduler


def test_a_strength_means_an_input_picture_unless_it_is_of_a_second_pass():
    line = "Steps: 20, Seed: 1, Size: 8x8, Denoising strength: 0.4"
    plain, second = infotext.read(f"a\n{line}"), infotext.read(f"a\n{line}, Hires upscale: 2")
    assert (plain.task, plain.parameters()["strength"]) == (Task.IMAGE_TO_IMAGE, 0.4)
    assert (second.task, second.parameters().get("strength")) == (Task.TEXT_TO_IMAGE, None)
    assert infotext.read(f"a\n{line}, Mask blur: 4").task is Task.INPAINTING


def test_json_that_civitai_adds_and_quoted_values_do_not_break_the_line():
    line = (
        'Steps: 20, Hires prompt: "a, b: c", Seed: 9, Hashes: {"model": "ab, Seed: 3", "lora:x": "c"}, Size: 8x16, '
        'Civitai resources: [{"type": "x, Steps: 4"}]'
    )
    told = infotext.read(f"a boat\n{line}")
    assert told.fields["Hires prompt"] == "a, b: c"
    assert (told.fields["Seed"], told.fields["Size"]) == ("9", "8x16")


@pytest.mark.parametrize("text", ["", "a boat, 8k: yes, mood: calm", "a\nSteps: 1, Seed: 2", "x" * (1 << 18) + "y"])
def test_a_text_without_a_line_of_settings_is_none(text):
    assert infotext.read(text) is None


def test_numbers_that_cannot_be_are_left_out():
    line = f"Steps: -4, CFG scale: nan, Seed: {2**64}, Size: 99999999x1, Sampler: x"
    assert settings(line) == {"prompt": "a boat"}


def test_lines_after_the_negative_prompt_belong_to_it():
    told = infotext.read("a\nb\nNegative prompt: c\nd\nSteps: 1, Seed: 2, Size: 3x4")
    assert (told.prompt, told.negative_prompt) == ("a\nb", "c\nd")
