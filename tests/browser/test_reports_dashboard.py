"""Costs and models as a visitor of a dashboard sees them."""

import studio_kernel as sk
from accessibility import faults
from looks import DARK
from waiting import until

FREE = {"model": "procedural", "width": 32, "height": 32, "num_inference_steps": 1, "progress": False}
PAGE = """
import ipywidgets, studio_kernel as sk, studio_widgets
studio = sk.open({home!r}, mode="viewer")
ipywidgets.VBox([studio_widgets.UsagePanel(studio), studio_widgets.ModelReportPanel(studio)])
"""
HOSTILE = "<img src=x onerror=alert(1)>"
TOO_WIDE = "(element) => element.scrollWidth - element.clientWidth"


def test_a_visitor_groups_picks_keeps_and_sees_what_is_made_meanwhile(open_dashboard, page, home, screenshot):
    with sk.open(home) as studio:
        for project in ("boats", HOSTILE):
            studio.generate("a boat", project=project, **FREE)
        open_dashboard(PAGE.format(home=str(home)))
        usage = page.locator(".studio-usage")
        usage.locator("svg.chart").wait_for()
        usage.get_by_label("By", exact=True).select_option(label="Project")
        usage.get_by_role("button", name=HOSTILE, exact=True).wait_for()
        usage.locator("[data-mark='mark-0-0-1']").click()
        assert usage.get_by_role("button", name="Show all").bounding_box()["width"] > 60
        with page.expect_download() as kept:
            usage.get_by_role("button", name="Download CSV").click()
        assert kept.value.path().read_text("utf-8-sig").splitlines()[1].split(",")[1] == "1"
        studio.generate("a boat", project="later", **FREE)
        usage.get_by_role("button", name="later").wait_for(timeout=5_000)
        page.locator(".studio-modelreport tbody tr", has_text="procedural3").wait_for()
    for width, theme in ((1400, ""), (390, ""), (390, DARK), (800, DARK)):
        page.set_viewport_size({"width": width, "height": 1800})
        page.evaluate(theme or "() => 0")
        until(lambda: page.evaluate("[...document.querySelectorAll('.chart')].every((c) => c.clientWidth > 0)"))
        for name in ("usage", "modelreport"):
            root = page.locator(f".studio-{name}")
            screenshot(f"{name}-{width}-{'dark' if theme else 'light'}", root)
            assert (faults(page, root), root.evaluate(TOO_WIDE)) == ([], 0)
