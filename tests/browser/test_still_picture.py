"""A notebook that is opened without a kernel shows a picture of each panel, one with a kernel the panel alone."""

import pytest

from jupyter_processes import TOKEN

CELLS = (
    """
import tempfile
import studio_kernel as sk
from studio_widgets import GalleryPanel, GenerationPanel
studio = sk.open(tempfile.mkdtemp(), runner="inline")
for seed in range(3):
    studio.generate("a red house in a meadow", model="procedural", seed=seed, progress=False)
""",
    "GalleryPanel(studio)",
)
STILLS = "document.querySelectorAll('.studio-still').length"


def shown(page, selector):
    return page.locator(selector).filter(visible=True).count()


@pytest.fixture
def saved(open_lab, page):
    """A notebook with a panel in it, saved; returns the name of its file."""
    open_lab(*CELLS)
    page.locator(".sg-cell img").nth(2).wait_for(state="attached")
    page.wait_for_function(STILLS)
    assert (shown(page, ".studio"), shown(page, ".studio-still")) == (1, 0)
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function("!jupyterapp.shell.currentWidget.context.model.dirty")
    return page.evaluate("jupyterapp.shell.currentWidget.context.path")


def test_a_saved_notebook_shows_a_picture_of_the_panel(saved, lab_server, page, screenshot):
    page.evaluate("jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    page.goto(f"{lab_server.url}/doc/tree/{saved}?token={TOKEN}&reset")
    page.locator(".studio-still").wait_for(state="visible")
    screenshot("still")
    assert page.locator(".studio-still img").count() == 3
    assert shown(page, ".jp-OutputArea-child") == 1  # no empty box of the panel beside it


def test_the_picture_goes_away_when_the_cell_is_run_again(saved, lab_server, page):
    page.evaluate("jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    page.goto(f"{lab_server.url}/doc/tree/{saved}?token={TOKEN}&reset")
    page.locator(".studio-still").wait_for(state="visible")
    page.evaluate("""async () => {
        const panel = jupyterapp.shell.currentWidget;
        await panel.context.ready;
        await panel.sessionContext.ready;
        await jupyterapp.commands.execute('notebook:run-all-cells');
    }""")
    page.locator(".sg-cell img").nth(2).wait_for(state="attached", timeout=60_000)
    assert (shown(page, ".studio"), shown(page, ".studio-still")) == (1, 0)
