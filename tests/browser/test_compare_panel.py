"""The comparison in JupyterLab: drop, slider, linked zoom, and what differs; and how the panels beside it look."""

import pytest

from jupyter_processes import Server
from looks import CONTRAST
from waiting import until

CELLS = (
    """
import tempfile
import studio_kernel as sk
from engines import PaidEngine, install_paid
from media import picture
from pathlib import Path
from studio_widgets.compare.panel import ComparePanel
from studio_widgets.costs.panel import CostsPanel
from studio_widgets.projects.panel import ProjectBar, ProjectsPanel
from studio_widgets.workspace import Workspace
import warnings
warnings.simplefilter("ignore")
home = Path(tempfile.mkdtemp())
install_paid(home, "day_usd = 3.0\\nproject_usd = 1.2")
engine = PaidEngine(picture("png", (320, 240)))
engine.let()
studio = sk.open(home, runner="inline", engines=[engine])
studio.create_project("Harbour at night", description="Boats, lamps and their light on the water.")
studio.create_project("Poster")
prompts = ["a red boat on the sea", "a big red boat at night", "a blue boat on the sea"]
made = [studio.generate(text, model="procedural", seed=7 + place, guidance_scale=5.0 + place, width=256, height=192,
                        project="harbour-at-night", progress=False).id for place, text in enumerate(prompts)]
made += [studio.generate("a poster", model="paid", seed=3, project="poster", progress=False).id for _ in range(2)]
workspace = Workspace()
loaded = []
workspace.take("load", loaded.append)
panel = ComparePanel(studio, workspace=workspace)
workspace.compared = tuple(made[:2])
projects = ProjectsPanel(studio, workspace=workspace)
costs = CostsPanel(studio, workspace=workspace)
""",
    "panel",
    "projects",
    "costs",
)
DROP = """([place, run]) => {
    const target = document.querySelectorAll('.sc-slot')[place];
    const dataTransfer = new DataTransfer();
    dataTransfer.setData('application/x-studio-run', run);
    for (const name of ['dragenter', 'dragover', 'drop'])
        target.dispatchEvent(new DragEvent(name, { bubbles: true, cancelable: true, dataTransfer }));
}"""
TRANSFORMS = "[...document.querySelectorAll('.sc-grid .sc-media')].map((m) => m.style.transform)"
TEXTS = (
    ".sc-facts dt", ".sc-facts dd", ".sc-title", ".sc-where", ".sc-button", ".sc-table th", ".sc-table td", ".sc-delta",
    ".sc-ticks span", ".sc-measured dd",
    ".sc-table ins", ".sc-table del", ".so-tiles dt", ".so-rest", ".so-sort", ".so-table td", ".so-axis span",
    ".sj-facts", ".sj-changed", ".sj-about", ".sj-title", ".sj-button",
)  # fmt: skip


@pytest.fixture
def lab(open_lab, lab_server: Server, page):
    """(page, kernel) with the panels loaded."""
    page.set_viewport_size({"width": 1400, "height": 2600})
    kernel_id = open_lab(*CELLS)
    page.locator(".sc-grid img.sc-media").nth(1).wait_for(timeout=60_000)
    page.locator(".sj-card").nth(2).wait_for()
    page.locator(".so-table tbody tr").first.wait_for()
    with lab_server.kernel(kernel_id) as kernel:
        yield page, kernel


def test_compare_by_drop_slider_zoom_and_table(lab, screenshot):
    page, kernel = lab
    made = kernel("made")
    table = page.locator(".sc-table")
    assert [text.strip() for text in table.locator("tbody th").all_inner_texts()] == [
        "Prompt", "Guidance scale", "Seed",
    ]  # fmt: skip
    assert [text.strip() for text in table.locator("ins").all_inner_texts()] == ["big", "at", "night"]
    assert table.locator("tr", has_text="Guidance").locator(".sc-delta").inner_text() == "+1"

    page.evaluate(DROP, [1, made[2]])
    until(lambda: kernel("list(workspace.compared)") == [made[0], made[2]], what="the dropped run")
    page.get_by_alt_text("B: a blue boat on the sea").wait_for()
    assert table.locator("ins").all_inner_texts() == ["blue"]

    view = page.locator(".sc-grid .sc-view").nth(1)
    view.focus()
    view.press("+")
    view.press("+")
    view.press("ArrowLeft")
    first, second = page.evaluate(TRANSFORMS)
    assert first == second != "translate(0%, 0%) scale(1)"
    page.get_by_label("Linked zoom").uncheck()
    until(lambda: kernel("panel.state.linked") is False, what="pictures that are no longer linked")
    view.press("+")
    first, second = page.evaluate(TRANSFORMS)
    assert first != second
    view.press("d")
    view.press("d")  # in JupyterLab's command mode that deletes a cell

    page.get_by_role("button", name="Swap A with B").click()
    until(lambda: kernel("list(workspace.compared)") == [made[2], made[0]], what="swapped runs")
    page.get_by_alt_text("A: a blue boat on the sea").wait_for()
    page.get_by_role("button", name="Use the settings of A").click()
    until(lambda: kernel("loaded") == [made[2]], what="settings handed over")

    page.get_by_role("button", name="Slider").click()
    slider = page.get_by_role("slider", name="Divider")
    slider.focus()
    slider.press("End")
    until(lambda: page.evaluate("document.querySelector('.sc-upper').style.clipPath").startswith("inset(0px 0%"))
    page.locator(".sc-stage").get_by_label("Right").select_option(label="A · procedural")
    until(lambda: kernel("list(panel.state.pair)") == [made[0], made[2]], what="sides that changed")
    slider.press("Home")
    for _ in range(8):
        slider.press("PageUp")
    screenshot("compare-slider", ".studio-compare")

    page.get_by_role("button", name="Heat map").click()
    page.get_by_alt_text("B: difference from A").wait_for()
    page.get_by_label("Measure").check()
    page.locator(".sc-measured", has_text="PSNR").get_by_text("dB").wait_for()
    page.get_by_role("combobox", name="Sort by").select_option(label="SSIM")
    until(lambda: kernel("panel.state.order") == "similarity", what="sorted slots")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_the_panels_are_legible_and_fit(lab, screenshot, theme):
    page, kernel = lab
    page.evaluate("(t) => jupyterapp.commands.execute('apputils:change-theme', { theme: `JupyterLab ${t}` })", theme)
    page.wait_for_function(f"document.body.dataset.jpThemeLight === '{str(theme == 'Light').lower()}'")
    kernel("[panel.state.add(run) for run in made[2:4]]")
    kernel("projects.state.choose('poster')")
    page.locator(".sc-grid img.sc-media").nth(3).wait_for()
    kernel("projects.state.choose('')")
    page.get_by_text("have different sizes").wait_for()
    kernel("panel.state.set_trait('measured', True)")
    kernel("panel.state.set_trait('mode', 'heat')")
    page.get_by_alt_text("D: difference from A").wait_for()
    until(lambda: kernel("panel.state.is_working") is False, what="all numbers")
    page.wait_for_function("![...document.querySelectorAll('.sc-measured dd')].some((e) => e.textContent === '…')")
    page.evaluate("() => Promise.allSettled(document.getAnimations().map((a) => a.finished))")
    for width in (1400, 700):
        page.set_viewport_size({"width": width, "height": 2600})
        for name in ("compare", "projects", "costs"):
            screenshot(f"{name}-{theme.lower()}-{width}", f".studio-{name}")
        wide = page.evaluate("""() => [...document.querySelectorAll('.studio')]
            .filter((e) => e.scrollWidth > e.clientWidth + 1)
            .map((e) => `${e.className}: ${e.scrollWidth} > ${e.clientWidth}`)""")
        assert wide == [], width
    assert {text: page.evaluate(CONTRAST, text) for text in TEXTS if page.evaluate(CONTRAST, text) < 4.5} == {}
