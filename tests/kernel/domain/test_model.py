import pytest

from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.parameters import standard
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import AssetRef
from studio_kernel.errors import InvalidRequestError

NAMES = ("prompt", "negative_prompt", "image", "mask_image", "strength", "width", "seed", "guidance_scale", "loras")
CARD = ModelCard(
    "m", "M", "us", "procedural",
    (Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.INPAINTING),
    tuple(standard(name) for name in NAMES),
)  # fmt: skip
PNG = AssetRef("a" * 64, "image/png")


def test_defaults_are_filled_in_and_what_has_none_stays_out():
    checked = CARD.check(Task.TEXT_TO_IMAGE, {"prompt": "a boat"})
    assert checked == {"prompt": "a boat", "width": 512, "guidance_scale": 5.0, "loras": ()}


def test_every_problem_is_told_at_once():
    with pytest.raises(InvalidRequestError) as caught:
        CARD.check(Task.TEXT_TO_IMAGE, {"prompt": " ", "guidance_scale": 99, "widht": 128})
    assert {problem.field for problem in caught.value.problems} == {"prompt", "guidance_scale", "widht"}
    assert "did you mean 'width'" in str(caught.value)


def test_a_parameter_of_another_task_is_refused_by_name():
    with pytest.raises(InvalidRequestError, match="belongs to image-to-image, inpainting"):
        CARD.check(Task.TEXT_TO_IMAGE, {"prompt": "a", "strength": 0.5})


def test_a_task_needs_its_inputs():
    with pytest.raises(InvalidRequestError, match="mask_image: is required"):
        CARD.check(Task.INPAINTING, {"prompt": "a", "image": PNG})


def test_a_task_the_model_does_not_serve_is_refused():
    with pytest.raises(InvalidRequestError, match="'upscale' is not one of this model's tasks"):
        CARD.check(Task.UPSCALE, {})


def test_a_form_gets_the_parameters_of_its_task_in_order():
    names = [parameter.name for parameter in CARD.parameters_for(Task.TEXT_TO_IMAGE)]
    assert names == ["prompt", "negative_prompt", "width", "seed", "guidance_scale", "loras"]
