"""The gallery and the history as widgets, without a page."""

import pytest

import studio_kernel as sk
from homes import fill
from studio_widgets import GalleryPanel, HistoryPanel
from studio_widgets.gallery.view import RunsView
from studio_widgets.workspace import Workspace


@pytest.fixture
def ids(home):
    return fill(home, 6)


@pytest.fixture
def studio(home, ids):
    with sk.open(home) as studio:
        yield studio


def inside(widget):
    """Yield every widget of a panel that is shown."""
    if widget.layout.display == "none":
        return
    yield widget
    for child in getattr(widget, "children", ()):
        yield from inside(child)


def buttons(panel):
    return {
        widget.description for widget in inside(panel) if getattr(widget, "description", "") and not widget.disabled
    }


def view_of(panel):
    return next(widget for widget in inside(panel) if isinstance(widget, RunsView))


@pytest.fixture
def gallery(studio):
    return GalleryPanel(studio, workspace=Workspace())


def test_the_view_gets_items_pictures_and_files(gallery, ids, monkeypatch):
    view, said = view_of(gallery), []
    monkeypatch.setattr(view, "send", lambda content, buffers=None: said.append((content, buffers)))
    view._hear(view, {"kind": "items", "first": 0, "last": 4, "version": 9}, [])
    view._hear(view, {"kind": "thumbnails", "runs": [ids[5], "unknown"], "seq": 1}, [])
    view._hear(view, {"kind": "part", "run": ids[5], "file": 0, "start": 0, "seq": 2}, [])
    items, pictures, part = said
    assert [item["run"] for item in items[0]["items"]] == ids[:1:-1]
    assert (pictures[0]["runs"], pictures[1][0][:4]) == ([ids[5]], b"RIFF")
    assert (part[0]["total"], part[1][0][:4]) == (len(part[1][0]), b"\x89PNG")


@pytest.mark.parametrize("content", [{}, {"kind": "act", "name": "retry", "run": "x"}, {"kind": "delete", "run": 7}])
def test_what_a_gallery_does_not_know_does_nothing(gallery, content):
    view = view_of(gallery)
    view._hear(view, content, [])
    assert (gallery.state.error, gallery.state.asks_to_delete) == ("", 0)


def test_what_is_selected_is_told_to_the_view(gallery, ids):
    gallery.state.select(ids[1])
    assert view_of(gallery).selection == {"all": False, "runs": [ids[1]]}
    gallery.state.select_all()
    assert view_of(gallery).selection == {"all": True, "runs": []}


def test_buttons_for_wishes_are_there_while_somebody_takes_them(gallery, ids):
    gallery.state.open(ids[1])
    wishes = {"Load into panel", "Use as input", "Compare"}
    assert not wishes & buttons(gallery)
    asked = []
    for wish in ("load", "input", "compare"):
        gallery.state.workspace.take(wish, asked.append)
    assert wishes <= buttons(gallery)
    next(widget for widget in inside(gallery) if getattr(widget, "description", "") == "Load into panel").click()
    assert asked == [ids[1]]


def test_the_bar_is_there_while_something_is_selected_and_compares_a_few(gallery, ids):
    asked = []
    gallery.state.workspace.take("compare", asked.append)
    assert "Compare" not in buttons(gallery)
    gallery.state.select(ids[1], ids[3])
    assert {"Compare", "Export", "Delete …", "Select all 6"} <= buttons(gallery)
    gallery.state.compare_selected()
    assert asked == [ids[1], ids[3]]


def test_a_viewer_sees_no_button_that_would_be_refused(home, ids):
    with sk.open(home, mode="viewer") as studio:
        panel = GalleryPanel(studio)
        panel.state.open(ids[1])
        panel.state.select(ids[1])
        assert not {"As Python", "Export", "Delete …"} & buttons(panel)
        assert "Retry" not in view_of(HistoryPanel(studio)).actions.values()


def test_a_chip_takes_its_filter_away(gallery):
    gallery.state.text, gallery.state.model = "boat", "procedural"
    assert {"“boat” ✕", "procedural ✕", "Clear all"} <= buttons(gallery)
    next(widget for widget in inside(gallery) if getattr(widget, "description", "") == "“boat” ✕").click()
    assert (gallery.state.text, gallery.state.model) == ("", "procedural")


def test_a_note_that_is_shown_is_not_written(gallery, studio, ids):
    studio.mark(ids[1], note="kept")
    gallery.state.open(ids[1])
    note = next(widget for widget in inside(gallery) if getattr(widget, "description", "") == "Note")
    assert note.value == "kept"
    gallery.state.open(ids[2])
    assert note.value == ""
    assert (studio.record(ids[1]).note, studio.record(ids[2]).note) == ("kept", None)


def test_the_history_is_the_same_view_with_buttons_in_its_rows(studio, ids):
    workspace = Workspace()
    panel = HistoryPanel(studio, workspace=workspace)
    assert view_of(panel).actions == {"download": "Save", "retry": "Retry"}
    GalleryPanel(studio, workspace=workspace)
    assert view_of(panel).actions == {"show": "View", "download": "Save", "retry": "Retry"}
    assert view_of(panel).layout_name == "list"
