"""What is written beside a grid."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_kernel.domain.values import AssetRef, Lora
from studio_kernel.grid.labels import axis_label, value_label, value_labels

BOAT = "a long prompt about a red boat on the sea at sunset, oil on canvas"


def test_long_texts_show_only_the_words_that_differ():
    assert value_labels([BOAT, BOAT.replace("red", "very dark blue")]) == ["…red…", "…very dark blue…"]


def test_differences_in_several_places_are_all_shown():
    other = BOAT.replace("red", "blue").replace("canvas", "wood")
    assert value_labels([BOAT, other]) == ["…red…canvas", "…blue…wood"]


def test_a_text_that_has_nothing_of_its_own_shows_its_end():
    assert value_labels([BOAT, f"{BOAT}, framed"]) == ["…canvas", "…, framed"]


def test_short_texts_stay_whole():
    assert value_labels(["a red boat", "a blue boat"]) == ["a red boat", "a blue boat"]


def test_words_are_found_in_scripts_without_blanks():
    texts = [f"海の上の{colour}い船、夕焼け、油絵、とても詳細な絵です、高品質な作品" for colour in "赤青"]
    assert value_labels(texts) == ["…赤…", "…青…"]


def test_numbers_and_loras_and_pictures_are_readable():
    assert value_labels([1.0, 2.5]) == ["1", "2.5"]
    assert value_label((Lora("/some/where/ink-style.safetensors", 0.8), Lora("glow"))) == "ink-style × 0.8 + glow × 1"
    assert value_label(AssetRef("ab" * 32, "image/png")) == "image abababab"
    assert value_label(None) == "not given"
    assert value_label(()) == "none"


def test_numbers_that_differ_beyond_six_digits_are_told_apart():
    assert value_labels([1.0000001, 1.0000002]) == ["1.0000001", "1.0000002"]


def test_line_breaks_and_control_characters_have_no_place_in_a_label():
    assert value_label("a\nboat\x00 \u202eon\ud800") == "a boat on"


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("num_inference_steps", "steps"),
        ("guidance_scale", "guidance scale"),
        ("clip_skip", "CLIP skip"),
        ("motion_strength", "motion strength"),
        ("prompt:red boat", "prompt “red boat”"),
        ("lora:ink", "LoRA ink"),
    ],
)
def test_names_of_axes_are_readable(name, label):
    assert axis_label(name) == label


@given(st.lists(st.text(min_size=30, max_size=60), min_size=2, max_size=5, unique_by=value_label))
def test_labels_tell_values_apart(texts):
    assert len(set(value_labels(texts))) == len(texts)
