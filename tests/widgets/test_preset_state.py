"""Presets and styles of a form, without a screen."""

import pytest
from PIL import Image

import studio_kernel as sk
from studio_widgets import PresetPanel
from studio_widgets.generation.state import GenerationState
from studio_widgets.presets.state import PresetState


@pytest.fixture
def studio(home):
    with sk.open(home) as studio:
        yield studio


@pytest.fixture
def form(studio):
    return GenerationState(studio, model="procedural", attach=False)


@pytest.fixture
def state(studio, form):
    return PresetState(studio, form)


def keys(options):
    return [key for _label, key in options]


def test_what_ships_is_offered_those_for_the_task_first(state, form):
    assert {"draft", "portrait", "video-clip"} <= set(keys(state.presets))
    labels = [label for label, _key in state.presets]
    assert labels.index("Product shot") < labels.index("Video clip – text to video")
    assert "film still of ‹prompt›, dusk, long shadows" in preview_of(state, "cinematic")


def preview_of(state, style):
    state.style = style
    return state.preview


def test_applying_changes_what_the_preset_names_and_nothing_else(state, form):
    form.prompt = "a red boat"
    form.set("guidance_scale", 9.0)
    state.preset = "portrait"
    state.apply()
    assert form.values["width"] / form.values["height"] == pytest.approx(0.75, rel=0.1)
    assert (form.prompt, form.values["guidance_scale"]) == ("a red boat", 9.0)
    assert state.told.startswith("Changed: Width 128 px → ")


def test_what_the_model_does_not_take_is_told(state, form):
    state.preset = "draft"
    state.apply()
    assert "Left out: quality (this model has no such setting)." in state.told
    state.apply()
    assert state.told.startswith("Nothing to change.")


def test_undo_goes_back_one_by_one(state, form):
    form.prompt = "a boat"
    before = dict(form.values)
    state.preset = "portrait"
    state.apply()
    state.style = "watercolour"
    state.apply_style()
    assert form.prompt.startswith("watercolour painting of a boat")
    state.undo()
    assert (form.prompt, form.values["width"] != before["width"]) == ("a boat", True)
    state.undo()
    assert form.values == before
    assert not state.can_undo


def test_a_preset_of_another_task_and_model_changes_both_and_undo_changes_them_back(studio, state, form):
    form.prompt = "a boat"
    studio.save_preset("Other", task="image-to-image", model="studio-tiny", values={"strength": 0.3, "seed": 7})
    state.refresh()
    state.preset = "other"
    state.apply()
    assert (form.task, form.model, form.values["strength"], form.values["seed"]) == (
        "image-to-image",
        "studio-tiny",
        0.3,
        7,
    )
    assert not form.random_seed
    assert "Task Text to image → Image to image" in state.told
    assert "Model procedural → studio-tiny" in state.told
    state.undo()
    assert (form.task, form.model, form.prompt, form.random_seed) == ("text-to-image", "procedural", "a boat", True)


def test_a_preset_for_a_model_that_is_gone_is_refused_in_words(studio, state, form):
    studio.save_preset("Gone", model="no-such-model", values={"seed": 1})
    state.refresh()
    state.preset = "gone"
    state.apply()
    assert "no-such-model" in state.error
    assert not state.can_undo


def test_the_form_is_saved_without_prompt_seed_and_files_unless_asked_for(studio, state, form):
    form.task = "image-to-image"
    form.give("image", png())
    form.prompt = "a {red|blue} boat"
    form.set("guidance_scale", 4.5)
    form.set("seed", 7)
    state.name = "Mine"
    state.save()
    saved = studio.catalog.presets["mine"]
    assert (saved.own, saved.task, saved.model, state.preset, state.name) == (True, "image-to-image", "", "mine", "")
    assert saved.values["guidance_scale"] == 4.5
    assert not {"prompt", "seed", "image"} & saved.values.keys()
    assert "Input files are not part of it" in state.told
    form.random_seed = False
    state.name, state.with_prompt, state.with_model = "All of it", True, True
    state.save()
    saved = studio.catalog.presets["all-of-it"]
    assert (saved.values["prompt"], saved.values["seed"], saved.model) == ("a {red|blue} boat", 7, "procedural")


def png():
    import io

    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(buffer, "PNG")
    return buffer.getvalue()


def test_a_name_that_is_taken_is_asked_about(studio, state, form):
    studio.save_preset("Mine", values={"width": 64})
    form.set("width", 256)
    state.name = "mine!"
    state.save()
    assert state.question == "There is a preset “Mine” already. Replace it?"
    state.decline()
    assert studio.catalog.presets["mine"].values["width"] == 64
    state.save()
    state.agree()
    assert studio.catalog.presets["mine"].values["width"] == 256
    assert state.question == ""


def test_a_question_is_over_when_what_it_is_about_changes(studio, state):
    studio.save_preset("Mine", values={})
    state.name = "Mine"
    state.save()
    state.name = "Other"
    assert state.question == ""
    state.agree()
    assert "mine" in studio.catalog.presets
    assert "other" not in studio.catalog.presets


def test_only_own_presets_are_deleted_and_only_after_a_yes(studio, state):
    state.preset = "draft"
    state.delete()
    assert state.question == ""
    studio.save_preset("Mine", values={})
    state.refresh()
    state.preset = "mine"
    state.delete()
    assert "mine" in studio.catalog.presets
    state.agree()
    assert "mine" not in studio.catalog.presets
    assert state.preset == ""


def test_a_style_takes_its_fields_and_the_prompt_of_the_form(state, form):
    form.prompt = "a lighthouse"
    state.style = "photograph"
    state.set_field("light", "moonlight")
    state.apply_style()
    assert form.prompt == "a lighthouse, photograph, 50 mm lens, moonlight, natural colours, fine detail"


def test_a_style_after_a_style_begins_from_what_people_wrote(state, form):
    form.prompt = "a lighthouse"
    for style in ("photograph", "pencil-sketch"):
        state.style = style
        state.apply_style()
    assert form.prompt == "pencil sketch of a lighthouse, hatching, white paper"
    form.prompt = "my own words"
    state.apply_style()
    assert form.prompt == "pencil sketch of my own words, hatching, white paper"


def test_a_field_that_is_missing_is_named_and_the_prompt_stays(state, form):
    form.prompt = "untouched"
    state.style = "product-shot"
    state.apply_style()
    assert "product" in state.error
    assert form.prompt == "untouched"
    state.set_field("product", "a cup")
    state.apply_style()
    assert state.error == ""
    assert form.prompt.startswith("studio photograph of a cup on a white table")


def test_a_prompt_is_saved_as_a_style_with_its_fields(studio, state, form):
    state.name = "Night"
    state.save_style()
    assert "Write a prompt first" in state.error
    form.prompt = "{prompt} at night in {city}"
    state.save_style()
    assert studio.catalog.styles["night"].fields == ("prompt", "city")
    assert state.told == "Saved as the style “Night” with the fields prompt, city."
    state.delete_style()
    state.agree()
    assert "night" not in studio.catalog.styles


def test_what_another_studio_saves_is_offered_at_the_next_look(state, home):
    with sk.open(home) as other:
        other.save_preset("Theirs", values={})
        other.save_style("Theirs", "{prompt}!")
    state.poll()
    assert ("Theirs (own)", "theirs") in state.presets
    assert ("Theirs (own)", "theirs") in state.styles


def controls(widget, kind):
    found = [widget] if type(widget).__name__ == kind else []
    for child in getattr(widget, "children", ()):
        found += controls(child, kind)
    return found


def test_the_bar_shows_the_fields_of_the_style_and_escapes_what_people_wrote(studio, form):
    studio.save_style("<b>x</b>", "<i>{prompt}</i> {colour}", defaults={"colour": "red"})
    panel = PresetPanel(studio, form=form)
    panel.state.style = "b-x-b"
    fields = {each.description: each for each in controls(panel, "Text")}
    assert {"Prompt", "Colour", "Name"} == set(fields)
    assert fields["Colour"].placeholder == "red"
    fields["Colour"].value = "blue"
    assert panel.state.fields["colour"] == "blue"
    assert not any("<i>" in each.value for each in controls(panel, "HTML"))
    panel.close()


def test_buttons_do_what_the_state_does(studio, form):
    panel = PresetPanel(studio, form=form)
    buttons = {each.description: each for each in controls(panel, "Button")}
    assert buttons["Apply"].disabled
    panel.state.preset = "square"
    assert not buttons["Apply"].disabled
    form.set("width", 256)
    buttons["Apply"].click()
    assert form.values["width"] == form.values["height"]
    buttons["Undo"].click()
    assert form.values["width"] == 256
    panel.close()
