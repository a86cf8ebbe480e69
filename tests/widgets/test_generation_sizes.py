"""Sizes in the form: what is legal, what is offered, and both sides together."""

import pytest

import studio_kernel as sk
from studio_kernel.domain.parameters import Parameter, standard
from studio_widgets.generation.panel import GenerationView
from studio_widgets.generation.sizes import rule_of
from studio_widgets.generation.state import GenerationState

SIDES = (
    standard("width", default=512, min=256, max=1024, step=32),
    standard("height", default=512, min=256, max=1024, step=32),
)
PAIR = Parameter("image_size", "size", default="square_hd", choices=("square_hd", "portrait_4_3", "1024x1536"))
CATALOG = """
models:
  sided:
    engine: procedural
    tasks: [text-to-image]
    parameters:
      prompt:
      width: {default: 512, min: 256, max: 1024, step: 32}
      height: {default: 512, min: 256, max: 1024, step: 32}
  paired:
    engine: procedural
    tasks: [text-to-image]
    parameters:
      prompt:
      image_size:
        {type: size, group: size, default: square, choices: [square, portrait_4_3], min: 16, max: 2048, step: 16}
"""


@pytest.fixture
def studio(home):
    (home / "catalog").mkdir(parents=True)
    (home / "catalog" / "sizes.yaml").write_text(CATALOG)
    with sk.open(home, runner="inline") as studio:
        yield studio


@pytest.fixture
def state(studio):
    return GenerationState(studio, model="sided")


def test_what_is_legal_is_said_in_words():
    assert rule_of(SIDES).allowed == "256 … 1024 px, multiples of 32"
    assert rule_of([PAIR]).allowed == "Whole numbers of pixels"
    assert rule_of([standard("prompt")]) is None


def test_every_size_that_is_offered_is_legal():
    for preset in rule_of(SIDES).presets(None):
        for parameter in SIDES:
            parameter.check(preset.changes[parameter.name])
    labels = [preset.label for preset in rule_of(SIDES).presets(None)]
    assert labels[0] == "512 × 512 · default"
    assert any(label.endswith("16:9") for label in labels)


def test_named_sizes_are_offered_as_people_write_them():
    labels = {preset.label: preset.changes for preset in rule_of([PAIR]).presets(None)}
    assert labels == {
        "Square HD": {"image_size": "square_hd"},
        "Portrait 4:3": {"image_size": "portrait_4_3"},
        "1024 × 1536": {"image_size": "1024x1536"},
    }


@pytest.mark.parametrize(("pixels", "legal"), [(500, 512), (10, 256), (9999, 1024), (271, 256), (272, 288)])
def test_the_nearest_legal_length(pixels, legal):
    assert rule_of(SIDES).fit("width", pixels) == legal


def test_an_illegal_side_is_kept_and_marked_before_anything_is_sent(state):
    state.set_side("width", 500)
    assert state.values["width"] == 500
    assert state.issues == {"width": "500 is not a multiple of 32; 512 is the nearest that is"}
    state.set_side("width", "wide")
    assert "width" in state.issues
    state.set_side("width", 512)
    assert state.issues == {}


def test_with_a_locked_ratio_the_other_side_follows(state):
    state.choose_size(next(preset for preset in state.sizes() if preset.label.endswith("16:9")))
    ratio = state.sides()[0] / state.sides()[1]
    state.lock_ratio = True
    state.set_side("width", 1024)
    assert state.sides() == (1024, pytest.approx(1024 / ratio, abs=16))
    state.set_side("height", 288)
    assert state.sides()[0] == pytest.approx(288 * ratio, abs=16)


def test_the_ratio_does_not_drift_while_sizes_are_rounded(state):
    state.set_side("height", 384)
    state.lock_ratio = True
    for width in (256, 288, 1024, 256, 512):
        state.set_side("width", width)
    assert state.sides() == (512, 384)


def test_sides_are_swapped_and_a_locked_ratio_with_them(state):
    state.set_side("height", 384)
    state.lock_ratio = True
    state.swap_sides()
    assert state.sides() == (384, 512)
    state.set_side("width", 768)
    assert state.sides() == (768, 1024)


def test_a_side_in_place_of_a_named_size_makes_a_pair(studio):
    state = GenerationState(studio, model="paired")
    assert state.sides() == (None, None)
    state.set_side("width", 640)
    assert state.values["image_size"] == (640, 640)
    state.set_side("height", 481)
    assert "not a multiple of 16" in state.issues["image_size"]
    state.set_side("height", None)
    assert state.values["image_size"] == "square"


def test_the_size_on_the_screen_follows_the_form_and_says_what_is_wrong(state):
    size = GenerationView(state).form._size
    preset, sides, words = size.children
    width, height, swap, lock = sides.children
    assert (preset.label, width.value, words.value) == ("512 × 512 · default", "512", "256 … 1024 px, multiples of 32.")
    width.value = "500"
    assert state.values["width"] == 500
    assert preset.label == "Custom"
    assert words.value.startswith("Width 500 is not a multiple of 32")
    assert "st-wrong" in width._dom_classes
    assert "st-wrong" not in height._dom_classes
    preset.label = next(label for label, _ in preset.options if label.endswith("3:4"))
    assert state.sides() == (int(width.value), int(height.value))
    swap.click()
    assert state.sides()[0] > state.sides()[1]
    lock.value = True
    assert state.lock_ratio
