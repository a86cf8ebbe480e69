"""The explorer of sweeps as a viewer has it: in a browser, over Voila."""

import pytest

from accessibility import faults
from looks import DARK
from waiting import until

HOSTILE = "<img src=x onerror=document.title='broken'>"
SETUP = f"""
import tempfile
import studio_kernel as sk
from studio_widgets import SweepExplorer
from studio_widgets.workspace import Workspace
home = tempfile.mkdtemp()
editor = sk.open(home, runner="inline")
axes = {{"num_inference_steps": [1, 2], "guidance_scale": [1.5, 3.0, 5.0, 8.0], "seed": list(range(1, 7))}}
sweep = editor.sweep("a red boat on the sea", model="procedural", axes=axes, width=96, height=96, project="boats")
other = editor.sweep({HOSTILE!r}, model="procedural", axes={{"seed": [1, 2]}}, width=32, height=32)
for each in (sweep, other):
    each.wait(progress=False)
workspace = Workspace()
workspace.take("compare", lambda run: None)
SweepExplorer(sk.open(home, mode="viewer"), workspace=workspace)
"""
TOO_WIDE = "document.documentElement.scrollWidth - innerWidth"


def settle(page):
    page.locator("[aria-busy=true]").first.wait_for(state="detached")
    page.wait_for_function("[...document.images].every((picture) => picture.complete)")


@pytest.mark.timeout(180)
def test_a_viewer_looks_into_a_sweep(open_dashboard, page, screenshot):
    page.set_viewport_size({"width": 1400, "height": 1000})
    open_dashboard(SETUP)
    page.locator(".sx-card img").nth(1).wait_for(timeout=90_000)
    assert page.get_by_role("button", name=HOSTILE).is_visible()
    screenshot("explorer-list-1400")
    page.get_by_role("button", name="a red boat").click()
    page.locator(".sc-cell img").nth(11).wait_for()
    page.get_by_label("Number on cells").select_option(label="Sharpness")
    until(lambda: page.locator(".sc-number").count() >= 12, what="numbers")
    page.locator(".sc-scale").get_by_text("Sharpness").wait_for()
    screenshot("explorer-grid-1400")

    page.locator(".sc-cell").nth(8).click()
    page.locator(".sx-cell .sx-card img").nth(3).wait_for()
    page.get_by_role("button", name="Close").wait_for()
    settle(page)
    screenshot("explorer-cell-1400")
    root = page.locator(".studio")
    assert faults(page, root) == []

    page.get_by_label("Order").select_option(label="Highest first")
    page.locator(".sc-flow .sc-caption").first.wait_for()
    assert faults(page, root) == []
    page.evaluate(DARK)
    screenshot("explorer-sorted-1400-dark")
    for width in (800, 390):
        page.set_viewport_size({"width": width, "height": 900})
        settle(page)
        assert page.evaluate(TOO_WIDE) <= 0, width
        screenshot(f"explorer-sorted-{width}-dark")
    page.get_by_label("Order").select_option(label="As the axes say")
    page.get_by_role("grid").wait_for()
    page.get_by_role("button", name="Close").click()
    page.locator(".sc-cell").nth(6).scroll_into_view_if_needed()
    page.locator(".sc-cell img").nth(3).wait_for()
    settle(page)
    screenshot("explorer-grid-390-dark")
    assert page.evaluate(TOO_WIDE) <= 0
    page.get_by_role("button", name="All sweeps").click()
    page.locator(".sx-card img").first.wait_for()
    screenshot("explorer-list-390-dark")
    assert page.title() != "broken"
