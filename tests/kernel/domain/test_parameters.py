import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_kernel.domain.parameters import MAX_SEED, STANDARD, Parameter, standard
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import AssetRef, Lora

PNG = AssetRef("a" * 64, "image/png")


def refused(parameter, value):
    with pytest.raises(ValueError, match=r".") as caught:
        parameter.check(value)
    return str(caught.value)


@given(st.integers(1, 150))
def test_every_whole_number_in_range_is_taken_as_it_is(steps):
    assert standard("num_inference_steps").check(steps) == steps


@given(st.floats(0, 30))
def test_numbers_come_out_as_floats(scale):
    checked = standard("guidance_scale").check(scale)
    assert isinstance(checked, float)
    assert checked == scale


def test_a_whole_number_for_a_float_parameter_has_the_form_of_the_float():
    assert repr(standard("guidance_scale").check(5)) == "5.0"


@pytest.mark.parametrize("value", [0, 151, -3])
def test_out_of_range_says_the_value_and_the_range(value):
    message = refused(standard("num_inference_steps"), value)
    assert str(value) in message
    assert "1 … 150" in message


@pytest.mark.parametrize("value", ["7", True, 2.5, [1], math.nan, math.inf])
def test_what_is_no_whole_number_is_refused(value):
    assert repr(value) in refused(standard("seed"), value) or "number" in refused(standard("seed"), value)


def test_a_whole_float_is_a_whole_number():
    assert standard("seed").check(7.0) == 7


def test_seeds_reach_the_full_32_bits():
    assert standard("seed").check(MAX_SEED) == 2**32 - 1
    assert "4294967295" in refused(standard("seed"), MAX_SEED + 1)


def test_sizes_are_multiples_of_the_step():
    assert "not a multiple of 8" in refused(standard("width"), 130)


@pytest.mark.parametrize("prompt", ["", "   ", "\n"])
def test_an_empty_prompt_is_refused(prompt):
    assert "is empty" in refused(standard("prompt"), prompt)


def test_a_long_text_says_how_long_and_how_long_it_may_be():
    message = refused(standard("prompt", max_length=10), "x" * 11)
    assert "11" in message
    assert "10" in message


def test_a_missing_required_value_is_refused():
    assert refused(standard("image"), None) == "is required"


def test_a_choice_lists_what_there_is():
    parameter = Parameter("scheduler", "text", choices=("ddim", "euler"))
    assert parameter.check("ddim") == "ddim"
    assert "'ddim', 'euler'" in refused(parameter, "DDIM")


def test_a_long_list_of_choices_is_cut():
    assert "(40 in all)" in refused(Parameter("n", "integer", choices=tuple(range(40))), 99)


def test_pictures_must_be_stored_files_of_the_right_kind():
    assert standard("image").check(PNG) == PNG
    assert standard("mask_image").check(PNG) == PNG
    assert "is not an image" in refused(standard("image"), AssetRef("a" * 64, "video/mp4"))
    assert "is not a video" in refused(Parameter("v", "video"), PNG)
    assert "not a stored file" in refused(standard("image"), "boat.png")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("blueprint", Lora("blueprint", 1.0)),
        ("blueprint:0.5", Lora("blueprint", 0.5)),
        (("blueprint", 0.5), Lora("blueprint", 0.5)),
        ("C:/loras/a.safetensors", Lora("C:/loras/a.safetensors", 1.0)),
    ],
)
def test_loras_are_read_as_people_write_them(given, expected):
    assert standard("loras").check([given]) == (expected,)


def test_a_single_lora_may_stand_without_its_list():
    assert standard("loras").check("blueprint:2") == (Lora("blueprint", 2.0),)


def test_a_lora_weight_out_of_range_is_refused():
    assert "-4 … 4" in refused(standard("loras"), "blueprint:5")


def test_too_many_items_are_refused():
    assert "at most 8" in refused(standard("loras"), ["a"] * 9)
    many = Parameter("image_urls", "image", multiple=True, max_items=1)
    assert "at most 1" in refused(many, [PNG, PNG])
    assert many.check(PNG) == (PNG,)


def test_a_size_is_a_preset_or_a_pair():
    size = Parameter("image_size", "size", choices=("square", "landscape"), min=64, max=2048, step=8)
    assert size.check("square") == "square"
    assert size.check((640, 480)) == size.check({"width": 640, "height": 480}) == (640, 480)
    assert "not one of" in refused(size, "round")
    assert "multiple of 8" in refused(size, (641, 480))
    assert "pair" in refused(size, (1, 2, 3))


def test_an_object_keeps_its_values_frozen():
    checked = Parameter("voice_setting", "object").check({"speed": 1, "tags": ["a"]})
    assert checked == {"speed": 1, "tags": ("a",)}
    assert hash(checked) is not None


def test_booleans_are_not_numbers_and_numbers_not_booleans():
    assert Parameter("on", "boolean").check(True) is True
    assert "neither True nor False" in refused(Parameter("on", "boolean"), 1)


def test_every_standard_parameter_accepts_its_own_default():
    for parameter in STANDARD.values():
        if parameter.default is not None:
            assert parameter.check(parameter.default) == parameter.default


def test_every_standard_parameter_says_what_it_is():
    for parameter in STANDARD.values():
        assert parameter.description.endswith("."), parameter.name
        assert parameter.title


def test_strength_belongs_to_tasks_that_start_from_a_picture():
    strength = standard("strength")
    assert strength.serves(Task.INPAINTING)
    assert not strength.serves(Task.TEXT_TO_IMAGE)


def length(type_, **fields):
    return Parameter("duration", type_, unit="s", **fields)


@pytest.mark.parametrize("given", [4, 4.0, "4", "4s", "4 s", " 4 "])
@pytest.mark.parametrize(
    ("parameter", "wanted"),
    [
        (length("integer", choices=(4, 8, 12)), 4),
        (length("number", min=1, max=20), 4.0),
        (length("text", choices=("4", "8")), "4"),
        (length("text", choices=("4s", "6s")), "4s"),
        (length("text", default="8s"), "4s"),
        (length("text"), "4"),
        (length("text", choices=("auto", "5s"), open_choices=True), "4s"),
    ],
)
def test_a_length_is_given_as_people_write_it_and_comes_out_as_the_service_wants_it(given, parameter, wanted):
    assert repr(parameter.check(given)) == repr(wanted)


def test_a_length_is_spelled_as_the_choice_is_even_where_choices_are_spelled_in_several_ways():
    mixed = length("text", choices=("4.0", "8s", "12"))
    assert [mixed.check(each) for each in (4, "8", "12s")] == ["4.0", "8s", "12"]


def test_a_length_chosen_by_the_service_stays_a_word():
    assert length("text", choices=("auto", "4s")).check("auto") == "auto"


@pytest.mark.parametrize("value", ["soon", True, "-4", "4m"])
def test_what_is_no_length_is_refused_in_words(value):
    assert repr(value) in refused(length("integer", min=1, max=20), value)


def test_a_length_that_is_not_offered_is_refused_with_those_that_are():
    assert refused(length("text", choices=("4s", "8s")), 5) == "5 is not one of '4s', '8s'"
    assert "1 … 20 s" in refused(length("number", min=1, max=20), "21s")


def test_a_fraction_of_a_second_is_kept_where_numbers_are_taken():
    assert length("number", min=0.5, max=22).check("0.75s") == 0.75
    assert "whole number" in refused(length("integer", min=1, max=20), "4.5")


@pytest.mark.parametrize(("given", "wanted"), [(2, "2"), (2.0, "2"), (1.5, "1.5"), ("2", "2")])
def test_a_number_is_taken_for_the_choice_that_spells_it(given, wanted):
    assert Parameter("factor", "text", choices=("1", "1.5", "2")).check(given) == wanted


def test_a_number_that_no_choice_spells_is_refused_with_the_choices():
    assert refused(Parameter("factor", "text", choices=("1", "2")), 3) == "3 is not one of '1', '2'"
    assert "is not text" in refused(Parameter("factor", "text", choices=("1", "2")), True)
