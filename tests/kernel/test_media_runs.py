"""Runs whose results are videos, sounds, and pictures that are no PNGs: handle, card, grid, numbers, exports."""

import json
import math

import pytest

import media
import studio_kernel as sk
from engines import MediaEngine, install_media
from studio_kernel.assets.embed import read
from studio_kernel.display import MOST_INLINE_BYTES
from studio_kernel.errors import RunError


@pytest.fixture
def studio(home):
    install_media(home)
    with sk.open(home, engines=[MediaEngine({"odd": media.film("mp4")[:300], "large": large()})]) as studio:
        yield studio


def large():
    """A film that is too large for a card: what follows its frames is skipped."""
    return media.film("mp4") + (MOST_INLINE_BYTES + 8).to_bytes(4) + b"free" + bytes(MOST_INLINE_BYTES)


def made(studio, kinds):
    return studio.generate(kinds, model="media", progress=False)


@pytest.mark.parametrize("kind", [*media.PICTURES, *media.FILMS, *media.SOUNDS])
def test_every_kind_of_result_is_stored_with_its_provenance(studio, kind):
    run = made(studio, kind)
    assert run.status == "succeeded", run.error
    found = read(run.files[0].read_bytes())
    assert (found.request, found.engine) == (run.request, "media")


def test_a_result_that_is_odd_is_kept_as_it_came(studio):
    run = made(studio, "odd")
    assert run.status == "succeeded"
    assert run.files[0].read_bytes() == media.film("mp4")[:300]
    assert "text/html" in run._repr_mimebundle_()


def test_each_property_gives_the_first_file_of_its_kind(studio):
    run = made(studio, "wav webm jpg png")
    assert run.image.format == "JPEG"
    assert [picture.format for picture in run.images] == ["JPEG", "PNG"]
    assert run.video == run.files[1]
    assert run.audio == run.files[0]


@pytest.mark.parametrize(("kind", "wanted", "place"), [("webm", "image", "video"), ("png", "audio", "image")])
def test_a_run_without_such_a_file_says_what_it_has(studio, kind, wanted, place):
    run = made(studio, kind)
    with pytest.raises(RunError, match=f"made no {wanted} but .*; see run.{place}"):
        getattr(run, wanted)


@pytest.mark.parametrize(("kind", "tag"), [("webm", "<video controls"), ("mp3", "<audio controls")])
def test_the_card_of_a_run_plays_its_file(studio, kind, tag):
    html = made(studio, kind)._repr_mimebundle_()["text/html"]
    assert tag in html
    assert ("poster=" in html) == (kind == "webm")


def test_the_card_of_a_large_video_shows_a_still_and_where_the_file_is(studio):
    run = made(studio, "large")
    html = run._repr_mimebundle_()["text/html"]
    assert "<img src=" in html
    assert "<video" not in html
    assert str(run.video) in html
    assert len(html) < 20_000


def test_a_card_survives_a_file_that_was_taken_away(studio):
    run = made(studio, "webm")
    run.video.unlink()
    assert "no stored file" in run._repr_mimebundle_()["text/html"]


def test_a_grid_shows_a_still_of_a_video_and_names_a_sound(studio, tmp_path):
    sweep = studio.sweep("webm", model="media", axes={"prompt": ["webm", "wav"]}).wait(progress=False)
    grid = sweep.grid()
    assert grid.cells[("webm",)].image.size == (64, 48)
    assert grid.cells[("wav",)].image is None
    assert "audio/wav" in [text.get_text() for text in grid.figure().findobj() if hasattr(text, "get_text")]
    assert grid.save(tmp_path / "grid.png").stat().st_size > 1000


def test_a_video_is_measured_and_a_sound_is_not(studio):
    sweep = studio.sweep("webm", model="media", axes={"prompt": ["webm", "wav"]}).wait(progress=False)
    of_video, of_sound = sweep.metrics("sharpness")["sharpness"]
    assert of_video > 0
    assert math.isnan(of_sound)


def test_the_page_of_a_grid_has_video_still_and_sound(studio, tmp_path):
    sweep = studio.sweep("webm", model="media", axes={"prompt": ["webm", "wav"]}).wait(progress=False)
    page = sweep.grid().save(tmp_path / "out")
    text = (page.parent / "data.js").read_text().removeprefix("window.STUDIO = ").removesuffix(";\n")
    files = [cell["files"][0] for cell in json.loads(text)["cells"].values()]
    assert [file["type"] for file in files] == ["video/webm", "audio/wav"]
    assert (page.parent / files[0]["thumbnail"]).suffix == ".webp"
    assert files[1]["thumbnail"] == ""
