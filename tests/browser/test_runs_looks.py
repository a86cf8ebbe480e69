"""Gallery and history beside each other in JupyterLab's two themes and two widths, and checked by axe-core."""

import pytest

CELLS = (
    """
import tempfile
from homes import filled
from studio_widgets import GalleryPanel, HistoryPanel
from studio_widgets.workspace import Workspace
studio = filled(tempfile.mkdtemp(), 60)
failed = studio.submit("a boat that never came", model="procedural", step_seconds=5.0)
failed.cancel()
failed.wait(progress_bar=False)
loaded = []
workspace = Workspace()
for wish in ("load", "compare", "input"):
    workspace.take(wish, loaded.append)
gallery = GalleryPanel(studio, workspace=workspace)
history = HistoryPanel(studio, workspace=workspace)
run = gallery.state.items(3, 4)[0].run
studio.mark(run, rating=4, favourite=True, tags=["harbour", "keep"], note="The best so far")
gallery.state.open(run)
""",
    "gallery",
    "history",
)


@pytest.fixture(params=["Light", "Dark"])
def panels(request, open_lab, page):
    page.set_viewport_size({"width": 1400, "height": 2600})
    open_lab(*CELLS)
    page.evaluate("jupyterapp.shell.collapseLeft()")
    page.locator(".sg-cell.is-tile img").nth(11).wait_for(state="attached")
    theme = request.param
    page.evaluate("(t) => jupyterapp.commands.execute('apputils:change-theme', { theme: `JupyterLab ${t}` })", theme)
    page.wait_for_function(f"document.body.dataset.jpThemeLight === '{str(theme == 'Light').lower()}'")
    page.evaluate("() => Promise.allSettled(document.getAnimations().map((a) => a.finished))")
    return page, theme.lower()


def test_gallery_and_history_in_both_themes_and_widths(panels, screenshot):
    page, theme = panels
    page.get_by_role("button", name="More filters").click()
    page.locator(".studio-gallery").get_by_label("Source").wait_for()
    for width in (1400, 700):
        page.set_viewport_size({"width": width, "height": 2600})
        screenshot(f"runs-gallery-{theme}-{width}", ".studio-gallery")
        screenshot(f"runs-history-{theme}-{width}", ".studio-history")
    page.set_viewport_size({"width": 1400, "height": 2600})
    page.locator(".sg-details").get_by_role("button", name="Close").click()
    for place in (2, 3):
        page.locator(".is-tile").nth(place).click(modifiers=["ControlOrMeta"])
    page.locator(".sg-bar").get_by_role("button", name="Export").click()
    page.locator(".sg-bar").get_by_text("Download ZIP").wait_for()
    screenshot(f"runs-selected-{theme}", ".studio-gallery")
    page.get_by_role("button", name="List", exact=True).click()
    page.get_by_role("grid", name="Runs, newest first").wait_for()
    page.wait_for_function("document.querySelectorAll('.studio-gallery .is-row img').length > 9")
    screenshot(f"runs-list-{theme}", ".studio-gallery")
    wide = page.evaluate("""() => [...document.querySelectorAll('.studio')]
        .filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => `${e.className}: ${e.scrollWidth}`)""")
    assert wide == []
