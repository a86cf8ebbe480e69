"""The gallery without a screen."""

from collections import Counter
from datetime import date, datetime

import pytest

import studio_kernel as sk
from engines import MediaEngine, install_media
from homes import COLOURS, MODELS, fill
from pictures import png
from studio_kernel.runlog import RunFilter
from studio_widgets.gallery import intents
from studio_widgets.gallery.bringing import BringingState
from studio_widgets.gallery.listing import PAGE
from studio_widgets.gallery.state import GalleryState
from studio_widgets.workspace import Workspace

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
    assert dict(state.choices["model"]) == Counter(MODELS[number % 2] for number in red)


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


def test_choices_say_what_is_left_by_each_and_by_the_one_that_is_made(state, studio, ids):
    studio.mark(ids[0], rating=3, tags=["keep"])
    studio.mark(ids[1], rating=5, favourite=True)
    state.min_rating = 4
    assert dict(state.choices["min_rating"]) == {1: 2, 2: 2, 3: 2, 4: 1, 5: 1}
    assert state.choices["tag"] == []
    state.min_rating = 0
    assert state.choices["tag"] == [("keep", 1)]
    assert state.choices["favourite"] == [(True, 1)]
    assert dict(state.choices["kind"]) == {"image": 450}
    assert dict(state.choices["source"]) == {"made": 450, "import": 0}


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("text", "boat", "“boat”"), ("model", "procedural", "procedural"), ("task", "text-to-image", "text-to-image"),
        ("kind", "video", "Videos"), ("favourite", True, "Favourites"), ("min_rating", 4, "★★★★ or more"),
        ("tag", "keep", "#keep"), ("period", "7", "Last 7 days"), ("source", "import", "Imported"),
    ],
)  # fmt: skip
def test_a_filter_that_restricts_is_told_and_can_be_taken_away(state, name, value, text):
    setattr(state, name, value)
    assert state.active == [(name, text)]
    state.without(name)
    assert state.active == []
    assert state.total == 450


def test_all_filters_go_at_once(state):
    state.text, state.tag, state.period, state.first_day = "boat", "x", "days", date(2026, 1, 1)
    assert state.total == 0
    state.without_filters()
    assert (state.total, state.active, state.first_day) == (450, [], None)


@pytest.mark.parametrize(
    ("period", "first", "last", "since", "until"),
    [
        ("today", None, None, "2026-03-10", None),
        ("7", None, None, "2026-03-04", None),
        ("30", None, None, "2026-02-09", None),
        ("days", date(2026, 1, 2), date(2026, 1, 3), "2026-01-02", "2026-01-04"),
        ("days", None, date(2026, 1, 3), None, "2026-01-04"),
        ("days", None, None, None, None),
    ],
)
def test_periods_are_days_of_the_zone_that_people_live_in(studio, period, first, last, since, until):
    zone = datetime.now().astimezone().tzinfo
    state = GalleryState(studio, now=lambda: datetime(2026, 3, 10, 15, 30, tzinfo=zone))
    state.first_day, state.last_day, state.period = first, last, period
    asked = [moment.isoformat()[:16] if moment else None for moment in (state.filter.since, state.filter.until)]
    assert asked == [day and f"{day}T00:00" for day in (since, until)]


def test_a_project_of_the_workspace_restricts(studio):
    made = studio.generate("in the harbour", project="harbour", **QUICK)
    state = GalleryState(studio, workspace=Workspace(project="harbour"))
    assert [item.run for item in state.items(0, 9)] == [made.id]
    state.workspace.project = ""
    assert state.total == 451


def test_a_row_says_what_a_run_was(state, studio):
    studio.generate("a row", seed=7, **QUICK)
    state.poll()
    item = state.items(0, 1)[0]
    assert (item.model, item.task, item.seed, item.size) == ("procedural", "Text to image", "7", "32 × 32")
    assert item.time.endswith(" s")
    assert datetime.fromisoformat(item.date).tzinfo is not None


# Selecting


def test_runs_are_selected_one_by_one_and_taken_back(state, ids):
    state.select(ids[3], ids[5])
    state.select(ids[3], on=False)
    assert (state.selected, state.selected_runs()) == (1, [ids[5]])


def test_a_range_is_what_stands_between_in_the_list(state, ids):
    state.model = MODELS[0]
    state.select_between(ids[100], ids[108])
    assert state.selected_runs() == [ids[n] for n in (108, 106, 104, 102, 100)]
    state.select_between(ids[2], ids[4], keep=True)
    assert state.selected == 7


def test_a_range_that_is_too_long_is_refused(state, ids, monkeypatch):
    monkeypatch.setattr("studio_widgets.gallery.acting.MOST_NAMED", 10)
    state.select_between(ids[0], ids[20])
    assert "at most 10 runs" in state.error
    assert state.selected == 0


def test_everything_is_selected_without_reading_it_and_less_what_is_taken_out(state, ids):
    state.text = "red"
    pages = dict(state._pages)
    state.select_all()
    everything = state.selected
    assert everything == state.total > 100
    assert state._pages == pages
    state.select(state.items(0, 1)[0].run, on=False)
    assert state.selected == everything - 1
    assert len(state.selected_runs()) == everything - 1


def test_a_run_that_comes_later_is_not_among_everything_that_was_selected(state, studio):
    state.select_all()
    made = studio.generate("later", **QUICK)
    state.poll()
    assert (state.total, state.selected) == (451, 450)
    assert made.id not in state.selected_runs()


def test_another_filter_selects_nothing(state, ids):
    state.select(ids[3])
    state.text = "boat"
    assert state.selected == 0


# All that is selected


def test_tags_are_added_to_what_there_is_and_taken_off(state, studio, ids):
    studio.mark(ids[3], tags=["old"])
    state.select(*ids[:50])
    state.tag_selected(" new ")
    assert studio.record(ids[3]).tags == ("old", "new")
    assert studio.count(tag="new") == 50
    assert state.known_tags == ["new", "old"]
    state.untag_selected("new")
    assert (studio.count(tag="new"), studio.record(ids[3]).tags) == (0, ("old",))


def test_everything_selected_becomes_a_favourite(state, studio):
    state.text = "gold"
    state.select_all()
    state.star_selected()
    assert studio.facets(RunFilter(favourite=True)).total == state.total > 50
    state.favourite = True  # what an action takes out of the list is still acted on to its end
    state.select_all()
    state.star_selected(False)
    assert studio.facets(RunFilter(favourite=True)).total == 0


def test_what_is_selected_is_exported(state, ids):
    state.select(*ids[:3])
    state.export_selected()
    assert state.export.runs == (ids[2], ids[1], ids[0])


def test_deleting_asks_first_and_can_be_taken_back(state, studio, ids):
    state.select(*ids[:30])
    state.ask_to_delete()
    assert state.asks_to_delete == 30
    state.keep()
    assert (state.asks_to_delete, state.total) == (0, 450)
    state.ask_to_delete()
    state.delete_selected()
    assert (state.total, state.selected, state.said, state.can_undo) == (420, 0, "30 runs deleted.", True)
    state.undo()
    assert (state.total, state.said, state.can_undo) == (450, "30 runs restored.", False)


def test_deleting_the_run_that_is_looked_at_closes_its_details(state, ids):
    state.open(ids[9])
    state.hear(intents.Delete(ids[9]))
    assert state.asks_to_delete == 1
    state.delete_selected(files=True)
    assert (state.details, state.total) == (None, 449)


def test_a_run_at_work_is_not_deleted_and_that_is_said(state, studio, ids):
    run = studio.submit("slow", **{**QUICK, "step_seconds": 5.0, "progress": None})
    state.refresh()
    state.select(run.id, ids[0])
    state.delete_selected()
    run.cancel()
    run.wait(progress_bar=False)
    assert state.said == "1 run deleted. 1 run not deleted: only what has ended can be."


def test_a_viewer_marks_and_deletes_nothing(home, ids):
    with sk.open(home, mode="viewer") as studio:
        state = GalleryState(studio)
        state.select(ids[0])
        state.tag_selected("seen")
        state.ask_to_delete()
        assert (state.asks_to_delete, state.error) == (0, "")
        state.delete_selected()
        assert "viewer" in state.error
        assert (state.total, studio.record(ids[0]).tags) == (450, ("seen",))


# From one to the next


def test_steps_follow_the_list(state, ids):
    state.open(ids[100])
    assert state.place == 349
    state.step(1)
    assert state.details.id == ids[99]
    state.step(-1)
    state.step(-1)
    assert (state.details.id, state.place) == (ids[101], 348)


def test_steps_end_where_the_list_ends(state, ids):
    state.open(ids[0])
    state.step(1)
    assert state.details.id == ids[0]
    state.open(ids[449])
    state.step(-1)
    assert state.details.id == ids[449]


def test_a_run_that_no_longer_fits_leads_to_its_neighbours(state, ids):
    for number in (10, 20, 30):
        state.star(True, ids[number])
    state.favourite = True
    state.open(ids[20])
    state.star(False)
    assert (state.total, state.details.id) == (2, ids[20])
    state.step(1)
    assert state.details.id == ids[10]


def test_the_workspace_can_show_a_run_here(studio, ids):
    state = GalleryState(studio, workspace=Workspace())
    state.workspace.ask("show", ids[5])
    assert state.details.id == ids[5]


def test_tags_and_notes_of_the_run_that_is_looked_at(state, studio, ids):
    state.open(ids[5])
    state.add_tag("keep")
    state.add_tag("sea")
    state.remove_tag("keep")
    state.write_note("the best")
    assert (state.details.tags, state.details.note) == (("sea",), "the best")
    state.add_tag("x" * 100)
    assert "64 characters" in state.error
    assert studio.record(ids[5]).tags == ("sea",)


def test_a_run_is_told_as_a_cell_of_python(state, studio):
    made = studio.generate("a red boat", seed=3, **QUICK)
    state.open(made.id)
    assert "seed=3" in state.as_python()


def test_similar_settings_are_listed_nearest_first_with_what_differs(state, studio):
    near = studio.generate("a fish", seed=1, **QUICK)
    wider = studio.generate("a fish", seed=2, **{**QUICK, "width": 96})
    made = studio.generate("a fish", seed=2, **QUICK)
    state.find_similar(made.id)
    assert state.active == [("similar_to", f"Similar to {made.id[-8:]}")]
    notes = [(item.run, item.note) for item in state.items(0, 50) if item.run in (near.id, wider.id)]
    assert notes == [(near.id, "the same settings"), (wider.id, "other width")]
    state.open(wider.id)
    state.step(-1)
    assert state.items(state.place, state.place + 1)[0].run == state.details.id
    state.without("similar_to")
    assert (state.total, state.items(0, 1)[0].note) == (453, "")


def test_files_come_in_parts(home):
    install_media(home)
    with sk.open(home, engines=[MediaEngine()]) as studio:
        run = studio.generate("webm wav", model="media", progress=False)
        state = GalleryState(studio)
        whole = run.video.read_bytes()
        part = state.part(run.id, 0, 100)
        assert (part.data, part.total, part.media_type) == (whole[100:], len(whole), "video/webm")
        assert part.name == f"webm-wav-{run.id[-8:]}-1.webm"
        assert state.part(run.id, 7, 0).total == 0
        assert "no file 8" in state.error


def test_a_file_too_large_for_a_page_is_said_to_be_where_it_is(state, ids, monkeypatch):
    monkeypatch.setattr("studio_widgets.saving.slices.MOST_BYTES", 10)
    assert state.part(ids[0], 0, 0).total == 0
    assert "the file is" in state.error


def test_a_file_from_elsewhere_is_looked_at_with_its_source(studio):
    state = GalleryState(studio)
    state.bring_in(png(7), "house.png")
    assert state.details.provenance["source"]["name"] == "house.png"
    assert state.total == 451


def test_what_is_no_picture_is_refused_in_words(studio):
    state = BringingState(GalleryState(studio))
    assert not state.give(b"hello", "notes.txt")
    assert "notes.txt" in state.error
    assert studio.count() == 450
