"""The gallery without a screen."""

from collections import Counter

import pytest

import studio_kernel as sk
from homes import COLOURS, MODELS, fill
from studio_widgets.gallery.state import PAGE, GalleryState

QUICK = {"model": "procedural", "width": 32, "height": 32, "num_inference_steps": 1, "progress": False}


@pytest.fixture
def ids(home):
    """Run number → id."""
    return fill(home, 450)


@pytest.fixture
def studio(home, ids):
    with sk.open(home) as studio:
        yield studio


@pytest.fixture
def state(studio):
    return GalleryState(studio)


def test_items_are_newest_first_and_read_in_pages(state, ids):
    assert state.total == 450
    assert [item.run for item in state.items(0, 3)] == [ids[449], ids[448], ids[447]]
    assert [item.run for item in state.items(PAGE - 1, PAGE + 1)] == [ids[250], ids[249]]
    assert len(state._pages) == 2


def test_items_end_where_the_runs_end(state, ids):
    assert [item.run for item in state.items(448, 500)] == [ids[1], ids[0]]
    assert state.items(450, 460) == []


def test_filters_restrict_and_count(state):
    state.text = "red"
    state.model = "studio-tiny"
    red = [number for number in range(450) if COLOURS[number % 4] == "red"]
    assert state.total == len(red)
    assert {item.title.split()[1] for item in state.items(0, 20)} == {"red"}
    assert dict(state.models) == Counter(MODELS[number % 2] for number in red)


def test_a_filter_that_changes_is_a_new_version(state):
    before = state.version
    state.text = "boat"
    assert state.version > before


def test_very_long_texts_are_cut(state):
    state.text = "x" * 10_000
    assert len(state.text) == 500


def test_a_new_run_appears_with_the_next_poll(state, studio):
    made = studio.generate("brand new", **QUICK)
    state.poll()
    assert state.total == 451
    first = state.items(0, 1)[0]
    assert (first.run, first.status, first.key) == (made.id, "succeeded", made.assets[0].sha256)


def test_a_run_without_a_picture_is_shown_by_its_status(state, studio):
    made = studio.submit("brand new", **{**QUICK, "step_seconds": 5.0, "progress": None})
    made.cancel()
    made.wait(progress_bar=False)
    state.poll()
    first = state.items(0, 1)[0]
    assert (first.run, first.status, first.key) == (made.id, "cancelled", "")


def test_polling_changes_nothing_when_nothing_was_logged(state):
    state.items(0, 3)
    state.poll()
    before, pages = state.version, dict(state._pages)
    state.poll()
    assert state.version == before
    assert state._pages == pages


def test_opening_shows_the_run_and_its_file(state, ids):
    state.open(ids[449])
    assert state.details.id == ids[449]
    data, media_type = state.file()
    assert data.startswith(b"\x89PNG")
    assert media_type == "image/png"
    state.close()
    assert state.details is None
    assert state.file() == (b"", "image/webp")


def test_several_pictures_of_a_run_are_stepped_through(state, studio):
    made = studio.generate("three of them", num_images=3, **QUICK)
    state.poll()
    state.open(made.id)
    assert state.items(0, 1)[0].files == 3
    seen = [state.file()[0]]
    state.shown = 1
    seen.append(state.file()[0])
    state.shown = 2
    seen.append(state.file()[0])
    assert seen == [studio.assets.path(asset).read_bytes() for asset in made.assets]
    state.star(True)
    assert state.shown == 2
    state.open(state.items(1, 2)[0].run)
    assert state.shown == 0


def test_marks_show_at_once(state, ids):
    state.open(ids[449])
    state.star(True)
    state.rate(4)
    assert (state.details.favourite, state.details.rating) == (True, 4)
    assert state.items(0, 1)[0].favourite
    state.favourite = True
    assert state.total == 1


def test_a_run_can_be_marked_without_looking_at_it(state, ids):
    state.star(True, ids[7])
    state.favourite = True
    assert [item.run for item in state.items(0, 5)] == [ids[7]]


def test_thumbnails_are_given_for_runs_that_were_shown_only(state, studio, ids):
    assert state.thumbnail(ids[449]) is None
    state.items(0, 1)
    studio.generate("brand new", **QUICK)
    state.poll()  # a view asks a moment after the list has changed
    assert state.thumbnail(ids[449]).startswith(b"RIFF")
    assert state.thumbnail("../../etc/passwd") is None


@pytest.mark.parametrize("act", [lambda s: s.open("run-x"), lambda s: s.star(True, "run-x"), lambda s: s.rate(3)])
def test_errors_are_said_in_words_and_go_away(state, ids, act):
    act(state)
    assert state.error
    state.open(ids[1])
    assert state.error == ""


def test_a_log_that_cannot_answer_is_said_in_words(state, studio, ids):
    log = studio.home.root / "live.duckdb"
    log.rename(log.with_suffix(".away"))
    log.mkdir()
    state.text = "boat"
    assert "live.duckdb" in state.error
    assert state.total == 450


def test_a_home_of_many_runs_is_not_read_at_once(tmp_path):
    fill(tmp_path / "large", 5000)
    with sk.open(tmp_path / "large") as studio:
        state = GalleryState(studio)
        assert len(state.items(2500, 2560)) == 60
        assert len(state._pages) == 1
