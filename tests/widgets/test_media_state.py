"""Panels without a screen whose runs made videos and sounds."""

import pytest

import media
import studio_kernel as sk
import studio_widgets.state
from engines import MediaEngine, install_media
from studio_widgets.gallery.state import GalleryState


@pytest.fixture
def studio(home):
    install_media(home)
    with sk.open(home, engines=[MediaEngine()]) as studio:
        yield studio


def state_of(studio, kinds):
    run = studio.generate(kinds, model="media", progress=False)
    state = GalleryState(studio)
    [item] = state.items(0, 1)
    state.open(run.id)
    return state, item, run


@pytest.mark.parametrize(
    ("kinds", "kind", "place"),
    [("webm", "video", 0), ("wav", "audio", None), ("wav mp4", "video", 1), ("jpg", "image", 0)],
)
def test_a_cell_shows_the_first_file_that_has_a_picture(studio, kinds, kind, place):
    state, item, run = state_of(studio, kinds)
    assert item.kind == kind
    assert item.key == ("" if place is None else run.assets[place].sha256)
    assert bool(state.thumbnail(item.run)) == (place is not None)


def test_a_video_comes_to_the_page_as_it_is(studio):
    state, _, run = state_of(studio, "webm")
    assert state.file() == (run.video.read_bytes(), "video/webm")


def test_a_video_that_is_too_large_for_a_page_is_a_still_and_a_sentence(studio, monkeypatch):
    monkeypatch.setattr(studio_widgets.state, "MOST_PLAYED_BYTES", len(media.film("webm")) // 2)
    state, _, run = state_of(studio, "webm")
    data, media_type = state.file()
    assert (data[:4], media_type) == (b"RIFF", "image/webp")
    assert str(run.video) in state.error
