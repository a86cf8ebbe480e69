"""The panels around the model picker and the table of models, without a browser."""

import pytest

import studio_kernel as sk
from studio_widgets import ModelPicker, ModelsPanel
from studio_widgets.models.panel import ModelDetails, ModelsView
from studio_widgets.models.state import ModelsState
from studio_widgets.picker.panel import PickerButton, card_html
from studio_widgets.picker.state import PickerState

EVIL = "models: {evil: {name: '<b>', creator: '<i>', family: sd15, file: x.safetensors}}"


@pytest.fixture
def studio(home):
    with sk.open(home) as studio:
        yield studio


def test_the_button_shows_the_card_of_the_chosen_model_and_follows(studio):
    state = PickerState(studio, model="studio-tiny")
    button = PickerButton(state)
    assert "Studio tiny" in button._card.value
    state.chosen = "fal/veo3"
    assert "Veo 3" in button._card.value
    state.chosen = "no-such-model"
    assert "no-such-model" in button._card.value


def test_the_list_is_made_when_it_is_unfolded_and_folds_when_a_model_was_chosen(studio):
    state = PickerState(studio)
    button = PickerButton(state)
    assert button._list is None
    button._change.value = True
    assert button.is_open
    button._list._hear(button._list, {"kind": "choose", "model": "studio-tiny"}, [])
    assert (state.chosen, button.is_open, button._change.value) == ("studio-tiny", False, False)


def test_the_list_stays_open_when_the_choice_is_refused(studio):
    state = PickerState(studio)
    button = PickerButton(state)
    button.is_open = True
    button._list._hear(button._list, {"kind": "choose", "model": "fal/sora2_text_to_video"}, [])
    assert button.is_open
    button._list._hear(button._list, {"kind": "do", "act": "instead"}, [])
    assert (state.chosen, button.is_open) == ("fal/veo3", False)


def test_a_hostile_message_changes_nothing(studio):
    state = PickerState(studio)
    button = PickerButton(state)
    button.is_open = True
    before = state.version
    for message in ({"kind": "filter", "name": "chosen", "value": "x"}, {"kind": "items", "first": 0, "last": 10**9}):
        button._list._hear(button._list, message, [])
    assert (state.version, state.chosen) == (before, "")


def test_a_card_is_escaped(home):
    (home / "catalog").mkdir(parents=True)
    (home / "catalog" / "a.yaml").write_text(EVIL)
    with sk.open(home) as studio:
        html = card_html(PickerState(studio, model="evil").chosen_card)
    assert "&lt;b&gt;" in html
    assert "<i>" not in html


def test_use_is_offered_only_where_somebody_takes_the_model(studio):
    taken = []
    for on_use, display in ((None, "none"), (taken.append, None)):
        state = ModelsState(studio, on_use=on_use)
        shown = ModelDetails(state)
        assert shown.layout.display == "none"
        state.look("studio-tiny")
        assert shown.layout.display is None
        assert shown._use.layout.display == display
    shown._use.click()
    assert taken == ["studio-tiny"]


def test_mistakes_of_catalog_files_are_shown_above_the_table(home):
    (home / "catalog").mkdir(parents=True)
    (home / "catalog" / "a.yaml").write_text("models: {bad: {family: '<none>', file: x.safetensors}}")
    with sk.open(home) as studio:
        view = ModelsView(ModelsState(studio))
    assert "a.yaml" in view._problems.value
    assert "<none>" not in view._problems.value


def test_panels_say_how_many_models_there_are(studio):
    picker, models = ModelPicker(studio, task="upscale"), ModelsPanel(studio)
    assert f"{picker.state.total} models" in picker._count.value
    models.state.text = "studio tiny"
    assert "1 model" in models._count.value
    picker.state.choose("studio-tiny")
    assert "Studio tiny" in picker.still().text
    picker.close()
    models.close()
