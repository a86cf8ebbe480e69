"""The control of a form follows from the description of its parameter."""

from datetime import UTC, datetime

import ipywidgets
import pytest

from studio_kernel.domain.parameters import Parameter, standard
from studio_kernel.domain.reported import Reported, ReportedChoices
from studio_kernel.domain.values import AssetRef, Lora
from studio_widgets.generation.controls import control_for

NUMBER = {"min": 0.0, "max": 2.0}


def made(parameter, value=None):
    told = []
    return control_for(parameter, value, told.append, {"ink": "Ink"}), told


@pytest.mark.parametrize(
    ("parameter", "kind"),
    [
        (standard("prompt"), ipywidgets.Textarea),
        (standard("negative_prompt"), ipywidgets.Text),
        (standard("num_inference_steps"), ipywidgets.IntSlider),
        (standard("guidance_scale"), ipywidgets.FloatSlider),
        (standard("seed"), ipywidgets.Text),
        (standard("clip_skip"), ipywidgets.Dropdown),
        (standard("scheduler", choices=("ddim", "euler")), ipywidgets.Dropdown),
        (Parameter("sharp", "boolean"), ipywidgets.Checkbox),
        (Parameter("size", "size", choices=("square", "wide")), ipywidgets.Dropdown),
        (Parameter("size", "size"), ipywidgets.Text),
        (Parameter("extra", "object"), ipywidgets.Text),
        (Parameter("tags", "text", multiple=True), ipywidgets.Text),
    ],
)
def test_each_kind_of_parameter_has_its_control(parameter, kind):
    control, _told = made(parameter)
    assert type(control.widget) is kind
    assert parameter.title in control.widget.description


@pytest.mark.parametrize(
    ("parameter", "shown", "value"),
    [
        (standard("seed"), " 17 ", 17),
        (standard("seed"), "", None),
        (standard("seed"), "many", "many"),
        (Parameter("size", "size"), "640 × 480", (640, 480)),
        (Parameter("size", "size"), "640x480", (640, 480)),
        (Parameter("extra", "object"), '{"a": 1}', {"a": 1}),
        (standard("clip_skip"), 2, 2),
        (standard("num_inference_steps"), 12, 12),
    ],
)
def test_a_change_tells_the_value(parameter, shown, value):
    control, told = made(parameter, parameter.default)
    control.widget.value = "x" if shown == "" else control.widget.value
    told.clear()
    control.widget.value = shown
    assert told == [value]


@pytest.mark.parametrize(
    ("given", "moved", "value"),
    [
        (5.0, 4.999999999999999, 5.0),  # the browser's fractions
        (5.25, 5.299999999999999, 5.25),  # the nearest notch
        (5.0, 7.399999999999999, 7.4),
        (5.25, 5.4, 5.4),
    ],
)
def test_a_slider_tells_of_moves_and_not_of_its_notches(given, moved, value):
    control, told = made(standard("guidance_scale"), given)
    control.widget.value = moved
    assert told == [value]


def test_a_whole_number_beside_the_notches_stays_as_it_was_given():
    control, told = made(standard("width"), 100)
    control.widget.value = 104
    control.widget.value = 112
    assert told == [100, 112]


def test_a_slider_tells_while_it_is_dragged():
    control, _told = made(standard("guidance_scale"), 5.0)
    assert control.widget.continuous_update


def test_showing_a_value_tells_nothing():
    control, told = made(standard("num_inference_steps"), 25)
    control.show(40)
    assert control.widget.value == 40
    assert told == []


def test_a_disabled_control_says_why():
    control, _told = made(standard("negative_prompt"))
    control.disable("Acts only with guidance.")
    assert control.widget.disabled
    assert control.widget.tooltip == "Acts only with guidance."
    control.disable("")
    assert not control.widget.disabled


def test_choices_without_a_default_can_be_left_to_the_model():
    control, _told = made(standard("scheduler", choices=("ddim",), choice_labels=("DDIM",)))
    assert control.widget.options == (("Model default", None), ("DDIM", "ddim"))


def test_a_file_tells_its_bytes_and_is_taken_back(picture):
    control, told = made(standard("image"))
    assert control.widget.accept == "image/*"
    control.state.give(picture, "a.png")
    assert told == [picture]
    control.show(AssetRef("ab" * 32, "image/png"))
    assert [given["name"] for given in control.widget.given] == ["image abababab"]
    control.state.take_away()
    assert told[-1] == b""


def test_lora_rows_are_added_changed_and_removed():
    control, told = made(standard("loras"), ())
    *_rows, add = control.widget.children
    add.click()
    row, add = control.widget.children
    name, weight, remove = row.children
    name.value = "ink"
    weight.value = 0.5
    assert told[-1] == (Lora("ink", 0.5),)
    control.show((Lora("ink", 0.5),))
    assert control.widget.children[0] is row
    remove.click()
    assert told[-1] == ()


def test_no_more_lora_rows_than_the_model_takes():
    control, _told = made(standard("loras", max_items=1), (Lora("ink", 1.0),))
    assert control.widget.children[-1].layout.display == "none"


CLIP = Parameter("video_id", "text", "Clip", required=True, from_run="video_id", from_models=("sora",))
CLIPS = ReportedChoices((Reported("v1", "r1", "sora", "a boat", datetime(2026, 3, 1, tzinfo=UTC), 8.0),))


def picker(offers, value=None):
    told = []
    return control_for(CLIP, value, told.append, {}, lambda: offers[-1]), told


def test_clips_are_picked_by_what_people_know_them_by():
    control, told = picker([CLIPS])
    choices = control.widget.children[0]
    assert [label for label, _value in choices.options] == ["Choose …", CLIPS[0].label]
    choices.value = "v1"
    assert told == ["v1"]


def test_without_clips_a_sentence_stands_in_their_place():
    offers = [ReportedChoices(advice="no Sora videos yet")]
    control, told = picker(offers)
    choices, advice, again = control.widget.children
    assert choices.layout.display == "none"
    assert advice.value == "Clip: no Sora videos yet"
    offers.append(CLIPS)
    again.click()
    assert choices.layout.display is None
    assert advice.value == ""
    assert told == []


@pytest.mark.parametrize(("low", "high", "value"), [(1, 20, 3.5), (0, 30, 7.5), (0, 1, 0.85), (1, 10, 3.0)])
def test_a_slider_shows_the_value_it_has(low, high, value):
    parameter = Parameter("guidance_scale", "number", default=value, min=low, max=high)
    slider = control_for(parameter, value, lambda _value: None, {}).widget

    assert (value - slider.min) / slider.step == pytest.approx(round((value - slider.min) / slider.step))
