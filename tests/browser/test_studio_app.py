"""The whole studio in JupyterLab: from nothing to a comparison, through a restart, beside a second one."""

from contextlib import ExitStack

import pytest

import studio_kernel as sk
from waiting import until

OPEN = """
import os
import studio_kernel as sk
from studio_widgets import StudioApp
studio = sk.open({home!r}, runner="inline")
app = StudioApp(studio)
"""
QUICK = {"model": "procedural", "width": 64, "height": 64, "progress": False}


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def open_app(open_lab, lab_server, page, home):
    """open_app(): run the notebook; returns what asks its kernel."""
    page.set_viewport_size({"width": 1400, "height": 1100})
    with ExitStack() as opened:

        def open_():
            kernel_id = open_lab(OPEN.format(home=str(home)), "app")
            page.locator(".studio-studio").wait_for(timeout=60_000)
            page.get_by_role("textbox", name="Prompt", exact=True).wait_for()
            return opened.enter_context(lab_server.kernel(kernel_id))

        yield open_


def tab(page, name):
    return page.get_by_role("tab", name=name)


def test_from_an_empty_home_to_a_compared_pair(open_app, page, screenshot):
    kernel = open_app()
    clicks = []
    page.expose_function("count_click", lambda: clicks.append(1))
    page.evaluate("document.addEventListener('click', () => window.count_click(), true)")

    prompt = page.get_by_role("textbox", name="Prompt", exact=True)
    prompt.click()
    prompt.fill("a red house in a meadow")
    prompt.press("Enter")
    compare = page.get_by_role("button", name="Compare", exact=True)
    compare.wait_for(timeout=120_000)
    compare.click()
    tab(page, "Compare").and_(page.locator("[aria-selected=true]")).wait_for()
    prompt.click()
    prompt.press("Enter")
    until(lambda: kernel("studio.count() == 2 and not app.state.form.is_busy"), what="the second picture")
    until(lambda: kernel("app.state.tab") == "result", what="the result on the screen")
    compare.click()
    until(lambda: len(kernel("app.state.workspace.compared")) == 2, what="two compared runs")
    page.get_by_text("What differs in the settings").wait_for()
    screenshot("app-compared")
    assert len(clicks) < 10, clicks


def test_the_same_is_there_after_a_restart_of_the_kernel(open_app, page, home):
    with sk.open(home, runner="inline") as studio:
        studio.create_project("Harbour")
    kernel = open_app()
    page.get_by_label("Project").select_option(label="Harbour")
    prompt = page.get_by_role("textbox", name="Prompt", exact=True)
    prompt.fill("a blue boat on the sea")
    prompt.blur()
    tab(page, "History").click()
    until(lambda: kernel("studio.remembered('app').get('form', {}).get('prompt')") == "a blue boat on the sea")
    until(lambda: kernel("studio.remembered('app')['tab']") == "history")
    page.evaluate("""async () => {
        const { sessionContext } = jupyterapp.shell.currentWidget;
        await sessionContext.session.kernel.restart();
        await jupyterapp.commands.execute('notebook:run-all-cells');
    }""")
    page.locator(".studio-studio").wait_for(timeout=60_000)
    tab(page, "History").and_(page.locator("[aria-selected=true]")).wait_for()
    until(lambda: prompt.input_value() == "a blue boat on the sea")
    until(lambda: page.get_by_label("Project").evaluate("(e) => e.selectedOptions[0].label") == "Harbour")


def test_what_is_made_elsewhere_appears_while_a_cell_blocks_the_kernel(open_app, page, home):
    kernel = open_app()
    tab(page, "History").click()
    page.get_by_text("Nothing was asked for yet").wait_for()
    page.evaluate("""() => {
        const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
        window.blocking = kernel.requestExecute({ code: "import time; time.sleep(90)" }).done.then(() => "ended");
    }""")
    with sk.open(home, runner="inline") as studio:
        studio.generate("a red house in a meadow", **QUICK)
    page.get_by_role("row").filter(has_text="a red house in a meadow").wait_for()
    still_blocked = page.evaluate("Promise.race([window.blocking, new Promise((r) => setTimeout(r, 50, 'blocked'))])")
    assert still_blocked == "blocked"
    page.evaluate("jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()")
    until(lambda: kernel("1") == 1)


def test_two_on_one_home_stay_in_step(open_app, page, home):
    kernel = open_app()
    kernel("exec('from studio_widgets.app.state import AppState; other = AppState(studio, name=\"other\")')")
    tab(page, "Gallery").click()
    page.get_by_text("Nothing here yet").wait_for()
    with sk.open(home, runner="inline") as studio:
        run = studio.generate("a red house in a meadow", **QUICK)
    cell = page.get_by_role("gridcell", name="a red house in a meadow").or_(
        page.get_by_role("option", name="a red house in a meadow")
    )
    cell.first.wait_for()
    kernel(f"other.gallery.star(True, {run.id!r})")
    page.locator("[data-marks*='♥']").first.wait_for()
