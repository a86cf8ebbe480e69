"""Export without a screen: what leaves, and the file that comes of it."""

import io
import zipfile

import pytest
from PIL import Image

import studio_kernel as sk
from studio_widgets import ExportPanel
from studio_widgets.exporting.state import ExportState
from waiting import until

QUICK = {"model": "procedural", "num_inference_steps": 1, "width": 64, "height": 48}


@pytest.fixture
def studio(home):
    with sk.open(home) as studio:
        yield studio


@pytest.fixture
def runs(studio):
    return [studio.generate("a boat", seed=seed, **QUICK).id for seed in (1, 2)]


def made(state):
    before = state.made
    state.make()
    until(lambda: state.made > before or state.error)
    return state.take()


def test_the_file_has_the_runs_as_the_preset_wants_them(studio, runs):
    state = ExportState(studio, runs)
    state.preset = "web"
    archive = made(state)
    assert archive.name == "studio-web-2.zip"
    with zipfile.ZipFile(io.BytesIO(archive.data)) as opened:
        assert sorted(name.rsplit(".", 1)[1] for name in opened.namelist()) == ["csv", "webp", "webp"]
    assert state.told.startswith("studio-web-2.zip: ")
    assert state.take() is None


def test_what_leaves_is_summed_up(studio, runs):
    state = ExportState(studio)
    assert (state.summary, state.can_make) == ("Nothing is selected.", False)
    state.select([*runs, runs[0]])
    assert state.runs == tuple(runs)
    assert state.summary.startswith("2 runs, 2 files, ")
    assert state.can_make


def test_a_file_that_is_too_large_is_refused_with_the_command_that_does_it(studio, runs):
    state = ExportState(studio, runs, most_bytes=1000)
    assert made(state) is None
    assert f"export {runs[0]} {runs[1]} --to FOLDER --preset originals" in state.error
    assert str(studio.home.root) in state.error
    assert not state.is_busy


def test_what_cannot_leave_is_said(studio, runs):
    private = studio.generate("a boat", private=True, **QUICK)
    state = ExportState(studio, [private.id])
    assert "private" in state.error
    state.select(["no-such-run"])
    assert "no-such-run" in state.error
    state.select(runs)
    assert state.error == ""


def test_a_run_without_files_is_told_before(studio):
    run = studio.submit("a boat", step_seconds=1.0, **{**QUICK, "num_inference_steps": 50})
    run.cancel()
    assert run.wait(60).assets == ()
    assert ExportState(studio, [run.id]).notes == (f"run {run.id} ({run.status}) has no files",)


def test_another_choice_while_it_works_leaves_the_old_file_behind(studio, runs):
    state = ExportState(studio, runs)
    state.make()
    state.select(runs[:1])
    assert not state.is_busy
    assert made(state).name == "studio-originals-1.zip"
    assert state.made == 1


def test_own_presets_are_offered_and_what_is_gone_is_chosen_no_more(studio, runs, home):
    (home / "catalog").mkdir(exist_ok=True)
    file = home / "catalog" / "mine.yaml"
    file.write_text("export_presets: {tiny: {name: Tiny, format: webp, width: 16}}")
    state = ExportState(studio, runs)
    state.preset = "tiny"
    assert ("Tiny (own)", "tiny") in state.presets
    file.unlink()
    state.refresh()
    assert state.preset == "originals"


def test_the_panel_sends_the_file_once_to_whoever_asked(studio, runs):
    panel = ExportPanel(studio, runs)
    download = find(panel, "ZipButton")
    sent = []
    download.send = lambda content, buffers=None: sent.append((content, buffers))
    for hostile in ({}, {"kind": "run"}, {"kind": ["download"]}, {"kind": None}):
        download._hear(download, hostile, [])
    assert not panel.state.is_busy
    download._hear(download, {"kind": "download"}, [])
    until(lambda: bool(sent))
    assert sent[0][0] == {"kind": "file", "name": "studio-originals-2.zip", "type": "application/zip"}
    assert zipfile.is_zipfile(io.BytesIO(sent[0][1][0]))
    until(lambda: not download.busy)
    panel.close()


def test_a_contact_sheet_may_be_made(studio, runs):
    state = ExportState(studio, runs)
    state.kind, state.format, state.title, state.columns = "sheet", "png", "Harbour", 1
    archive = made(state)
    assert (archive.name, archive.media_type) == ("studio-sheet-2.png", "image/png")
    with Image.open(io.BytesIO(archive.data)) as sheet:
        assert sheet.height > 1.5 * sheet.width
    state.format = "pdf"
    archive = made(state)
    assert archive.data.startswith(b"%PDF")
    assert archive.media_type == "application/pdf"


def test_a_page_may_be_made(studio, runs):
    state = ExportState(studio, runs[:1])
    state.kind, state.title = "page", "Harbour"
    archive = made(state)
    assert (archive.name, archive.media_type) == ("studio-page-1.zip", "application/zip")
    with zipfile.ZipFile(io.BytesIO(archive.data)) as opened:
        names = opened.namelist()
        data = opened.read(next(name for name in names if name.endswith("/head.js"))).decode()
        assert "studio-page-1/index.html" in names
    assert "Harbour" in data
    assert runs[0] in data
    assert runs[1] not in data


def test_a_comparison_may_be_made_of_a_few_runs(studio, runs):
    state = ExportState(studio, runs)
    state.kind = "comparison"
    with zipfile.ZipFile(io.BytesIO(made(state).data)) as opened:
        head = opened.read(next(name for name in opened.namelist() if name.endswith("/head.js"))).decode()
    assert all(run in head for run in runs)


def test_the_same_can_be_sent_as_a_link(studio, runs):
    state = ExportState(studio, runs[:1])
    assert state.link == studio.link(run=runs[0])
    state.select(runs)
    assert state.link == studio.link(runs=runs)
    state.select([])
    assert state.link == ""


def test_the_table_may_be_parquet(studio, runs):
    state = ExportState(studio, runs)
    state.table = "parquet"
    with zipfile.ZipFile(io.BytesIO(made(state).data)) as opened:
        assert "settings.parquet" in opened.namelist()


@pytest.mark.parametrize(("kind", "command"), [("sheet", "export sheet"), ("page", "export gallery")])
def test_what_is_too_large_is_refused_in_every_kind(studio, runs, kind, command):
    state = ExportState(studio, runs, most_bytes=1000)
    state.kind = kind
    assert made(state) is None
    assert f"{command} {runs[0]} {runs[1]} --to" in state.error


def test_the_panel_shows_only_what_belongs_to_the_kind(studio, runs):
    panel = ExportPanel(studio, runs)
    shown = lambda: {each.description for each in every(panel, "Choice") + every(panel, "Text") if is_there(each)}  # noqa: E731
    assert shown() == {"Make", "As", "Table"}
    panel.state.kind = "sheet"
    assert shown() == {"Make", "As", "Format", "Title"}
    assert find(panel, "ZipButton").label == "Download sheet"
    panel.state.kind = "page"
    assert shown() == {"Make", "Title"}
    panel.close()


def test_a_viewer_may_take_files_home(studio, runs, home):
    with sk.open(home, mode="viewer") as viewer:
        assert made(ExportState(viewer, runs)).data


def find(widget, kind):
    if type(widget).__name__ == kind:
        return widget
    return next((found for child in getattr(widget, "children", ()) if (found := find(child, kind))), None)


def every(widget, kind):
    own = [widget] if type(widget).__name__ == kind else []
    return own + [found for child in getattr(widget, "children", ()) for found in every(child, kind)]


def is_there(widget):
    return widget.layout.display != "none"
