"""Earlier results as inputs: which are offered, and what choosing one does."""

import pytest

import studio_kernel as sk
from engines import GatedEngine, MediaEngine
from studio_widgets.generation.state import GenerationState
from studio_widgets.media.choosing import EarlierView
from studio_widgets.media.panel import MediaInput
from studio_widgets.session.view import ResultRow
from studio_widgets.workspace import Workspace

CATALOG = """
models:
  media:
    engine: media
    tasks: [text-to-video, text-to-audio]
    parameters: {prompt: , seed: }
  painter:
    engine: gated
    tasks: [image-to-image]
    parameters:
      prompt:
      image:
      style: {type: image, label: Styles, multiple: true, max_items: 2}
      clip: {type: video, label: Clip}
"""


@pytest.fixture
def studio(home, picture):
    (home / "catalog").mkdir(parents=True)
    (home / "catalog" / "here.yaml").write_text(CATALOG)
    with sk.open(home, engines=[GatedEngine(picture), MediaEngine()]) as studio:
        yield studio


@pytest.fixture
def workspace():
    return Workspace()


@pytest.fixture
def form(studio, workspace):
    return GenerationState(studio, task="image-to-image", model="painter", workspace=workspace)


@pytest.fixture
def control(form):
    """Return the control of a parameter, joined to the form as the form on a screen joins it."""

    def make(name):
        parameter = next(each for each in form.parameters if each.name == name)
        made = MediaInput(parameter, form.values.get(name), form.giving(parameter))
        form.observe(lambda _change: made.show(form.values.get(name)), "values")
        return made

    return make


def made(studio, kinds, **more):
    return studio.generate(kinds, model="media", progress=False, **more)


def runs(state):
    return [result.run for result in state.earlier.results]


def inside(widget, kind):
    found = [widget] if isinstance(widget, kind) else []
    for child in getattr(widget, "children", ()):
        found += inside(child, kind)
    return found


def test_only_runs_with_a_file_of_the_kind_are_offered_newest_first(studio, control):
    first, film, second = made(studio, "png"), made(studio, "webm"), made(studio, "jpg wav")
    state = control("image").state
    state.ask_gallery()
    assert runs(state) == [second.id, first.id]
    clip = control("clip").state
    clip.ask_gallery()
    assert runs(clip) == [film.id]


def test_words_and_the_project_narrow_it(studio, control, workspace):
    one, other = made(studio, "png", project="one"), made(studio, "jpg png", project="other")
    state = control("image").state
    state.ask_gallery()
    state.earlier.text = "jpg"
    assert runs(state) == [other.id]
    workspace.project = "one"
    assert runs(state) == []
    assert state.earlier.nothing == "There is no earlier image in this project whose prompt has these words."
    state.earlier.text = ""
    assert runs(state) == [one.id]


def test_choosing_gives_the_file_and_folds_away(studio, control, form):
    run = made(studio, "png")
    state = control("image").state
    state.ask_gallery()
    state.earlier.choose(run.id)
    assert form.values["image"] == run.assets[0].ref
    assert state.earlier is None


def test_what_is_not_offered_cannot_be_chosen(studio, control, form):
    film = made(studio, "webm")
    state = control("image").state
    state.ask_gallery()
    state.earlier.choose(film.id)
    assert form.values["image"] is None
    assert state.earlier is not None


def test_several_are_chosen_one_after_the_other_until_there_is_no_room(studio, control, form):
    first, second = made(studio, "png"), made(studio, "jpg")
    state = control("style").state
    state.ask_gallery()
    state.earlier.choose(first.id)
    assert state.earlier is not None
    state.earlier.choose(second.id)
    assert form.values["style"] == (first.assets[0].ref, second.assets[0].ref)
    assert state.earlier is None


def test_the_button_unfolds_a_row_below_the_input_and_folds_it(studio, control):
    run = made(studio, "png")
    one = control("image")
    one.view._handle_custom_msg({"kind": "gallery"}, [])
    [row] = inside(one.widget, ResultRow)
    assert one.view.choosing
    assert [result["run"] for result in row.results] == [run.id]
    assert (row.label, row.does) == ("Earlier results", "use it as the input")
    one.view._handle_custom_msg({"kind": "gallery"}, [])
    assert not inside(one.widget, EarlierView)
    assert not one.view.choosing


def test_a_row_that_is_folded_follows_no_project(studio, control, workspace):
    one = control("image")
    one.state.ask_gallery()
    earlier, version = one.state.earlier, one.state.earlier.version
    one.widget.close()
    workspace.project = "other"
    assert (one.state.earlier, earlier.version) == (None, version)


def test_an_input_that_is_disabled_offers_nothing(control):
    one = control("image")
    one.state.ask_gallery()
    one.disable("not with this model")
    assert one.state.earlier is None
    one.view._handle_custom_msg({"kind": "gallery"}, [])
    assert one.state.earlier is None
