"""Files as values of the generation panel's form: bytes, the result of a run, and several of them."""

import pytest

import media
import studio_kernel as sk
from engines import GatedEngine, MediaEngine
from studio_kernel.domain.values import AssetRef
from studio_widgets.generation.state import GenerationState

CATALOG = """
models:
  media:
    engine: media
    tasks: [text-to-video, text-to-audio]
    licence: none
    parameters: {prompt: , seed: }
  painter:
    engine: gated
    tasks: [image-to-image, inpainting]
    licence: none
    parameters:
      prompt:
      image:
      mask_image:
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
def state(studio):
    return GenerationState(studio, task="inpainting", model="painter")


@pytest.fixture
def run(studio):
    return studio.generate("wav webm png jpg", model="media", progress=False)


def ref_of(run, place):
    return run.assets[place].ref


@pytest.mark.parametrize(("name", "place"), [("image", 2), ("mask_image", 2), ("clip", 1)])
def test_a_run_gives_its_first_file_of_the_kind(state, run, name, place):
    state.give_run(name, run.id)
    assert state.values[name] == ref_of(run, place)
    assert (state.error, state.wrong) == ("", {})


def test_a_run_without_such_a_file_is_refused_in_words(state, studio):
    run = studio.generate("wav", model="media", progress=False)
    state.give_run("image", run.id)
    assert "the run made no image (audio/wav)" in state.error
    assert state.wrong == {"image": state.error}
    assert state.values["image"] is None


@pytest.mark.parametrize(("name", "run_id"), [("image", "nobody"), ("prompt", "nobody"), ("nothing", "nobody")])
def test_what_is_not_there_is_said(state, name, run_id):
    state.give_run(name, run_id)
    assert state.error


def test_the_next_file_takes_the_mark_away(state, run, picture):
    state.give_run("image", "nobody")
    state.give("image", picture)
    assert (state.error, state.wrong) == ("", {})


def test_a_file_of_another_kind_is_refused_before_it_is_stored(state, studio):
    state.give("image", media.film("webm"))
    assert "a video (video/webm), but an image is wanted" in state.error
    assert list(studio.assets.digests()) == []


def test_several_files_are_added_and_taken_away(state, run, picture):
    state.give("style", picture)
    state.give_run("style", run.id)
    assert state.values["style"][1] == ref_of(run, 2)
    state.give("style", picture)
    assert "at most 2" in state.error
    state.take_away("style", 0)
    assert state.values["style"] == (ref_of(run, 2),)
    state.take_away("style", 0)
    assert state.values["style"] is None


def test_a_mask_is_for_the_input_image(state, picture):
    mask = next(parameter for parameter in state.parameters if parameter.name == "mask_image")
    assert state.giving(mask).picture() is None
    state.give("image", picture)
    assert isinstance(state.giving(mask).picture(), AssetRef)
    assert state.giving(mask).picture() == state.values["image"]


def test_a_file_that_is_given_is_found_in_the_gallery_with_its_source(state, studio, picture):
    state.give("image", picture, "harbour.png")
    [record] = studio.records()
    assert (record.engine, record.provenance["source"]["name"]) == ("import", "harbour.png")
    assert record.assets[0].ref == state.values["image"]


def test_a_mask_is_no_picture_for_the_gallery(state, studio, picture):
    state.give("mask_image", picture, "painted mask")
    assert state.values["mask_image"]
    assert studio.count() == 0
