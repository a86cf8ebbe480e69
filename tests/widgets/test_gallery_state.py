"""The gallery without a screen."""

import pytest

from fake_studio import FakeStudio
from studio_kernel.domain.runs import RunStatus
from studio_widgets.gallery.state import PAGE, GalleryState


@pytest.fixture
def studio(tmp_path):
    return FakeStudio(450, tmp_path)


@pytest.fixture
def state(studio):
    return GalleryState(studio)


def test_items_are_newest_first_and_read_in_pages(state, studio):
    assert state.total == 450
    studio.calls.clear()
    assert [item.run for item in state.items(0, 3)] == ["run-000449", "run-000448", "run-000447"]
    assert [item.run for item in state.items(PAGE - 1, PAGE + 1)] == ["run-000250", "run-000249"]
    assert studio.calls == ["records", "records"]


def test_items_end_where_the_runs_end(state):
    assert [item.run for item in state.items(448, 500)] == ["run-000001", "run-000000"]
    assert state.items(450, 460) == []


def test_filters_restrict_and_count(state):
    state.text = "red"
    state.model = "studio-tiny"
    assert state.total == len([n for n in range(450) if n % 4 == 0])
    assert {item.title.split()[1] for item in state.items(0, 20)} == {"red"}
    assert dict(state.models) == {"studio-tiny": 113}


def test_a_filter_that_changes_is_a_new_version(state):
    before = state.version
    state.text = "boat"
    assert state.version > before


def test_very_long_texts_are_cut(state):
    state.text = "x" * 10_000
    assert len(state.text) == 500


def test_a_new_run_appears_with_the_next_poll(state, studio):
    made = studio.add(status=RunStatus.RUNNING, assets=())
    assert state.total == 450
    state.poll()
    assert state.total == 451
    first = state.items(0, 1)[0]
    assert (first.run, first.status, first.key) == (made.id, "running", "")


def test_polling_reads_nothing_when_nothing_was_logged(state, studio):
    studio.calls.clear()
    before = state.version
    state.poll()
    assert studio.calls == []
    assert state.version == before


def test_opening_shows_the_run_and_its_file(state):
    state.items(0, 1)
    state.open("run-000449")
    assert state.details.id == "run-000449"
    data, media_type = state.file()
    assert data.startswith(b"\x89PNG")
    assert media_type == "image/png"
    state.close()
    assert state.details is None
    assert state.file() == (b"", "image/webp")


def test_marks_show_at_once(state):
    state.open("run-000449")
    state.star(True)
    state.rate(4)
    assert (state.details.favourite, state.details.rating) == (True, 4)
    assert state.items(0, 1)[0].favourite
    state.favourite = True
    assert state.total == 1


def test_a_run_can_be_marked_without_looking_at_it(state):
    state.star(True, "run-000007")
    state.favourite = True
    assert [item.run for item in state.items(0, 5)] == ["run-000007"]


def test_thumbnails_are_given_for_runs_that_were_shown_only(state, studio):
    assert state.thumbnail("run-000449") is None
    state.items(0, 1)
    studio.add()
    state.poll()  # a view asks a moment after the list has changed
    assert state.thumbnail("run-000449").startswith(b"\x89PNG")
    assert state.thumbnail("../../etc/passwd") is None


@pytest.mark.parametrize("act", [lambda s: s.open("run-x"), lambda s: s.star(True, "run-x"), lambda s: s.rate(3)])
def test_errors_are_said_in_words_and_go_away(state, act):
    act(state)
    assert state.error
    state.open("run-000001")
    assert state.error == ""


def test_a_log_that_cannot_answer_is_said_in_words(state, studio):
    studio.broken = "the log cannot be read"
    state.text = "boat"
    assert state.error == "the log cannot be read"
    assert state.total == 450


def test_a_hundred_thousand_runs_are_not_read_at_once(tmp_path):
    state = GalleryState(FakeStudio(100_000, tmp_path))
    assert len(state.items(50_000, 50_060)) == 60
    assert len(state._pages) == 1
