"""What presets and styles come to, without files."""

import pytest

from studio_kernel.domain.parameters import Parameter, standard
from studio_kernel.domain.presets import Preset, Style
from studio_kernel.domain.shapes import shaped
from studio_kernel.errors import InvalidRequestError

WIDTH = standard("width", default=1024, max=2048)
HEIGHT = standard("height", default=1024, max=2048)
STEPS = standard("num_inference_steps", default=4, max=5)


def test_what_a_model_does_not_take_is_left_out_and_told():
    preset = Preset("p", "P", values={"guidance_scale": 3, "width": 4096, "mood": "calm"})
    found = preset.applied([standard("guidance_scale"), WIDTH])
    assert found.values == {"guidance_scale": 3.0}
    assert found.left_out == {"width": "4096 is outside 64 … 2048 px", "mood": "this model has no such setting"}


@pytest.mark.parametrize(("factor", "steps"), [(0.5, 2), (1.5, 5), (0.01, 1)])
def test_a_factor_starts_from_the_models_own_default_and_keeps_its_bounds(factor, steps):
    found = Preset("p", "P", factors={"num_inference_steps": factor}).applied([STEPS])
    assert (found.values, found.left_out) == ({"num_inference_steps": steps}, {})


def test_a_factor_without_a_default_to_start_from_is_told():
    found = Preset("p", "P", factors={"seed": 2.0}).applied([standard("seed")])
    assert found.left_out == {"seed": "this model has no default to start from"}


@pytest.mark.parametrize(
    ("parameters", "values"),
    [
        ([WIDTH, HEIGHT], {"width": 840, "height": 1256}),
        ([Parameter("aspect_ratio", "text", choices=("1:1", "2:3"))], {"aspect_ratio": "2:3"}),
        ([Parameter("aspect_ratio", "text", choices=("16:9", "9:16"))], {}),
        ([Parameter("image_size", "text", choices=("auto", "1024x1024", "1024x1536"))], {"image_size": "1024x1536"}),
        ([Parameter("image_size", "size", choices=("square", "portrait_16_9"))], {"image_size": (832, 1248)}),
        ([Parameter("prompt", "text")], {}),
    ],
)
def test_a_shape_is_said_in_the_words_of_each_model(parameters, values):
    assert shaped(parameters, "2:3") == values
    for parameter in parameters:
        if parameter.name in values:
            assert parameter.check(values[parameter.name]) == values[parameter.name]


def test_a_named_size_is_chosen_where_it_has_the_proportions():
    parameter = Parameter("image_size", "size", choices=("square_hd", "portrait_4_3", "portrait_16_9"))
    assert shaped([parameter], "9:16") == {"image_size": "portrait_16_9"}


def test_bounds_shrink_both_sides_of_a_shape():
    sides = [standard(name, default=128, max=256, step=8) for name in ("width", "height")]
    assert shaped(sides, "4:1") == {"width": 256, "height": 64}
    assert shaped(sides, "1:9") == {"width": 64, "height": 256}  # as near as it gets


@pytest.mark.parametrize("shape", ["", "3", "0:1", "wide", "1:2:3"])
def test_a_shape_is_two_numbers(shape):
    with pytest.raises(ValueError, match="width:height"):
        shaped([WIDTH, HEIGHT], shape)


STYLE = Style(
    "s", "Shot", "{a|b} photo of {product} on {surface}, {product} __light__ \\{no}", defaults={"surface": "oak"}
)


def test_the_fields_of_a_style_are_its_gaps_and_not_its_alternatives():
    assert STYLE.fields == ("product", "surface")


def test_a_style_is_filled_with_what_is_given_and_its_defaults():
    assert STYLE.fill({"product": " a cup "}) == "{a|b} photo of a cup on oak, a cup __light__ \\{no}"
    assert STYLE.fill({"product": "{cup|mug}", "surface": "sand"}).startswith("{a|b} photo of {cup|mug} on sand")


def test_what_stands_in_a_field_is_not_taken_for_a_field():
    assert Style("s", "S", "{a} {b}").fill({"a": "{b}", "b": "x"}) == "{b} x"


def test_every_field_that_is_missing_or_unknown_is_named():
    with pytest.raises(InvalidRequestError) as caught:
        Style("s", "S", "{one} {two}").fill({"tow": "x", "one": " "})
    assert [problem.field for problem in caught.value.problems] == ["one", "two", "tow"]
    assert "did you mean 'two'" in str(caught.value)
