"""The whole studio as a dashboard of Voila: every tab is worked with, not only shown."""

import re

import pytest

from waiting import until

OPEN = """
import tempfile
import studio_kernel as sk
from studio_widgets import StudioApp
studio = sk.open(tempfile.mkdtemp(), runner="worker")
app = StudioApp(studio)
app.state.form.model = "procedural"
for name, value in dict(width=64, height=64, num_inference_steps=4).items():
    app.state.form.set(name, value)
"""
END_WORKER = (
    "__import__('studio_kernel.worker.launch', fromlist=['x']).Launcher(studio.home, studio._log).stop(at_once=True)"
)


@pytest.fixture
def studio(open_dashboard, dashboard_server, page):
    """Asks the kernel behind the page."""
    page.set_viewport_size({"width": 1400, "height": 1600})
    kernel_id = open_dashboard(OPEN, "app")
    page.locator(".studio-studio").wait_for(timeout=60_000)
    with dashboard_server.kernel(kernel_id) as kernel:
        yield kernel
        kernel(f"str({END_WORKER})")


def tab(page, name):
    chosen = page.get_by_role("tab", name=name)
    chosen.click()
    chosen.and_(page.locator("[aria-selected=true]")).wait_for()


def button(page, name):
    return page.get_by_role("button", name=name, exact=True).locator("visible=true").first


def test_the_whole_studio_works_without_jupyterlab(studio, page, screenshot):
    page.get_by_role("button", name="New project…").click()
    title = page.get_by_placeholder("Title of the new project").first
    title.fill("Harbour")
    page.get_by_role("button", name="Create", exact=True).first.click()
    until(lambda: studio("app.state.workspace.project") == "harbour")

    prompt = page.get_by_role("textbox", name="Prompt", exact=True)
    for words in ("a red boat", "a blue boat"):
        prompt.fill(words)
        prompt.press("Enter")
        page.get_by_role("status").filter(has_text=f"New: {words}").wait_for(timeout=60_000)
        until(lambda: studio("not app.state.form.is_busy"))
        button(page, "Compare").click()
    until(lambda: len(studio("app.state.workspace.compared")) == 2)

    tab(page, "Compare")
    button(page, "Slider").click()
    until(lambda: studio("app.state.compare.mode") == "slider")
    page.get_by_text("What differs in the settings").wait_for()
    screenshot("studio-dashboard-compare")

    tab(page, "Queue")
    button(page, "Pause").click()
    until(lambda: studio("studio.queue().is_paused"))
    prompt.fill("a green boat")
    prompt.press("Enter")
    page.locator(".sq-row.is-waiting").filter(has_text="a green boat").wait_for()
    page.locator(".sq-row.is-waiting").get_by_role("button", name=re.compile("Cancel")).first.click()
    page.get_by_text("Nothing is at work and nothing waits.").wait_for()
    button(page, "Resume").click()
    until(lambda: not studio("studio.queue().is_paused"))

    tab(page, "History")
    page.get_by_label("Status").select_option(label="Cancelled (1)")
    page.get_by_role("button", name="Reuse: a green boat").wait_for()
    page.get_by_label("Status").select_option(label="All")
    page.get_by_role("button", name="Reuse: a red boat").click()
    until(lambda: prompt.input_value() == "a red boat")

    tab(page, "Sweeps")
    page.get_by_label("Add an axis").select_option(label="Steps")
    values = page.get_by_label("Values of steps", exact=False)
    values.fill("2, 4")
    values.press("Tab")
    page.get_by_text("2 cells", exact=False).first.wait_for()
    button(page, "Run sweep").click()
    page.locator(".sc-cell img").nth(1).wait_for()
    button(page, "Swap rows and columns").click()
    until(lambda: studio("[app.state.sweep.rows, app.state.sweep.columns]") == [["num_inference_steps"], []])
    page.get_by_role("spinbutton", name="Seed 1").fill("100")
    page.get_by_role("spinbutton", name="Seed 1").press("Tab")
    until(lambda: studio("app.state.batch.seeds[0]") == 100)
    button(page, "Run batches").click()
    page.get_by_text("Batch 1 · seed 100").wait_for()
    page.locator(".sc-cell img").nth(5).wait_for(timeout=60_000)
    screenshot("studio-dashboard-sweeps")

    tab(page, "Costs")
    screenshot("studio-dashboard-costs")
    page.get_by_role("button", name="Projects", exact=True).click()
    page.get_by_role("button", name="Harbour", exact=False).first.wait_for()
    screenshot("studio-dashboard-projects")
    until(lambda: studio("studio.count(project='harbour')") == 8, what="its runs; one cell was there before")
