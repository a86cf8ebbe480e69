"""Sweeps and batches given to people elsewhere: a link, and a folder that opens without a server."""

import re

import ipywidgets
import pytest

import studio_kernel as sk
from engines import GatedEngine, install_gated
from exported import texts_of
from studio_widgets import BatchPanel, SweepPanel
from studio_widgets.batch.state import BatchState
from studio_widgets.cells.panel import Share
from studio_widgets.generation.state import GenerationState
from studio_widgets.snippet.link import DashboardLink
from studio_widgets.sweep.state import SweepState
from waiting import until

QUICK = {"model": "procedural", "num_inference_steps": 1, "width": 32, "height": 32}


@pytest.fixture
def studio(home):
    with sk.open(home, runner="inline") as studio:
        yield studio


@pytest.fixture
def sweeps(studio):
    axes = ({"seed": [1, 2]}, {"guidance_scale": [2, 5]})
    return [studio.sweep("a red boat", axes=each, **QUICK).wait(progress=False).id for each in axes]


def opened(state, sweep):
    state.open(sweep)
    return rested(state)


def rested(state):
    until(lambda: state.are_errands_done and not state.doing, every=0.01, what="what was asked for")
    return state


@pytest.fixture(params=[SweepState, BatchState])
def state(request, studio, sweeps):
    state = request.param(studio, GenerationState(studio, model="procedural"))
    return opened(rested(state), sweeps[0])


def test_its_address_in_the_dashboards_is_found(state, studio, sweeps):
    assert state.link == ""
    state.make_link()
    assert state.link == studio.link(sweep=sweeps[0])


def test_it_is_written_as_a_folder_beside_the_kernel(state, sweeps, tmp_path):
    state.save_folder(str(tmp_path / "out"))
    assert state.doing == "writing the folder"
    rested(state)
    assert (state.folder, state.error) == (str(tmp_path / "out"), "")
    assert "a red boat" in texts_of(tmp_path / "out" / "index.html")


def test_a_sweep_under_way_is_shared_with_the_cells_there_are(home, picture, tmp_path):
    engine = GatedEngine(picture)
    install_gated(home)
    with sk.open(home, engines=[engine]) as studio:
        sweep = studio.sweep("a boat", model="gated", axes={"seed": [1, 2]})
        engine.let(4)  # as many steps as a run has
        until(lambda: sweep.outcomes()[0].status == "succeeded")
        state = opened(SweepState(studio, GenerationState(studio, model="gated")), sweep.id)
        state.save_folder(str(tmp_path / "out"))
        rested(state)
        engine.let()
    told = texts_of(tmp_path / "out" / "index.html")
    found = re.findall(r'"status":"(\w+)"', told)
    assert found[0] == "succeeded"
    assert found[1:] in (["queued"], ["running"])


def test_a_folder_without_a_name_is_named_by_the_sweep_and_lies_where_the_kernel_works(
    state, sweeps, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    state.save_folder()
    rested(state)
    assert state.folder == str(tmp_path / f"sweep-{sweeps[0][-8:]}")
    assert (tmp_path / f"sweep-{sweeps[0][-8:]}" / "index.html").is_file()


def test_a_folder_that_cannot_be_written_is_said(state, tmp_path):
    state.save_folder(str(tmp_path / "out"))
    rested(state)
    (tmp_path / "file").write_text("no folder")
    state.save_folder(str(tmp_path / "file" / "out"))
    rested(state)
    assert "cannot write the page" in state.error
    assert state.folder == ""


def test_an_address_that_is_none_is_said(state, studio):
    studio.home.settings_file.write_text('[dashboards]\naddress = "example.org"\n')
    state.make_link()
    assert "begins with https" in state.error
    assert state.link == ""


def test_what_was_shared_is_not_said_of_another_sweep(state, sweeps, tmp_path):
    state.make_link()
    state.save_folder(str(tmp_path / "out"))
    rested(state)
    opened(state, sweeps[0])
    assert state.link
    assert state.folder
    opened(state, sweeps[1])
    assert (state.link, state.folder) == ("", "")


def test_nothing_is_shared_where_nothing_is_open(state, tmp_path):
    state.open("")
    state.make_link()
    state.save_folder(str(tmp_path / "out"))
    rested(state)
    assert (state.link, state.folder) == ("", "")
    assert not (tmp_path / "out").exists()


def test_a_viewer_has_the_link_and_writes_no_folder(home, sweeps, tmp_path):
    with sk.open(home, mode="viewer") as viewer:
        panel = SweepPanel(viewer, form=GenerationState(viewer, model="procedural", attach=False))
        state = opened(panel.state, sweeps[0])
        state.save_folder(str(tmp_path / "out"))
        rested(state)
        assert not (tmp_path / "out").exists()
        assert "Save as folder" not in shown(panel)
        press(panel, "Link")
        assert state.link == viewer.link(sweep=sweeps[0])
        viewer.home.settings_file.write_text("[dashboards]\naddress = 7\n")
        press(panel, "Link")
        [alert] = [html.value for html in inside(share_of(panel), ipywidgets.HTML) if "alert" in html.value]
        assert "address" in alert


@pytest.mark.parametrize("kind", [SweepPanel, BatchPanel])
def test_the_row_is_there_when_a_sweep_is_open_and_says_what_was_done(kind, studio, sweeps, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    panel = kind(studio, form=GenerationState(studio, model="procedural"))
    rested(panel.state)
    assert not {"Link", "Save as folder"} & shown(panel)
    opened(panel.state, sweeps[0])
    assert {"Link", "Save as folder"} <= shown(panel)
    [link] = inside(panel, DashboardLink)
    assert link.layout.display == "none"
    press(panel, "Link")
    assert link.layout.display is None
    assert [each.code for each in link.children if hasattr(each, "code")] == [studio.link(sweep=sweeps[0])]
    press(panel, "Save as folder")
    rested(panel.state)
    told = [html.value for html in inside(share_of(panel), ipywidgets.HTML) if "status" in html.value]
    assert len(told) == 1
    assert str(tmp_path / f"sweep-{sweeps[0][-8:]}") in told[0]
    panel.close()


def inside(widget, kind=ipywidgets.Widget):
    found = [widget] if isinstance(widget, kind) else []
    return found + [each for child in getattr(widget, "children", ()) for each in inside(child, kind)]


def shown(widget):
    """What the buttons say that are not out of the way."""
    if widget.layout.display == "none":
        return set()
    own = {widget.description} if isinstance(widget, ipywidgets.Button) else set()
    return own.union(*(shown(child) for child in getattr(widget, "children", ())))


def share_of(panel):
    [found] = inside(panel, Share)
    return found


def press(panel, text):
    next(each for each in inside(share_of(panel), ipywidgets.Button) if each.description == text).click()
