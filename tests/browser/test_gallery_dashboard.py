"""The gallery dashboard that ships, served by our server: look, filter, mark, and see a new run arrive."""

import shutil
from pathlib import Path

import pytest

import studio_kernel as sk
from jupyter_processes import TOKEN
from waiting import until

DASHBOARD = Path(__file__).parents[2] / "notebooks" / "dashboards" / "gallery.ipynb"
QUICK = {"model": "procedural", "width": 128, "height": 128}
PROMPTS = (
    "a red house in a meadow",
    "a blue boat on the sea",
    "two yellow stars in the night sky",
    "a green tree in a meadow",
    "a white moon over hills",
    "an orange fish in the sea",
    "a red boat on the sea",
    "a purple mountain at dusk",
)


@pytest.fixture(scope="module")
def studio(shown_home):
    """An editor on the home that the dashboards show."""
    with sk.open(shown_home, runner="inline") as studio:
        for seed, prompt in enumerate(PROMPTS * 3):
            studio.generate(prompt, seed=seed, progress=False, **QUICK)
        yield studio


def said(studio, run_id):
    record = studio.record(run_id)
    return record.favourite, record.rating


def test_a_visitor_looks_filters_marks_and_sees_what_is_new(studio, open_dashboard, dashboard_server, page, screenshot):
    kernel_id = open_dashboard(DASHBOARD)
    page.get_by_text("24 runs").wait_for()
    page.locator(".sg-cell img").nth(20).wait_for(state="attached")
    screenshot("gallery-dashboard")

    page.get_by_role("textbox", name="Search").fill("red boat")
    page.get_by_text("3 runs").wait_for()
    page.get_by_role("option", name="a red boat on the sea").first.click()
    details = page.locator(".sg-details")
    details.get_by_alt_text("a red boat on the sea").wait_for()
    details.get_by_text("Guidance scale").wait_for()
    page.get_by_role("button", name="♡ Favourite").click()
    page.get_by_role("button", name="♥ Favourite", exact=True).wait_for()
    page.get_by_role("radio", name="4 stars").click()
    page.get_by_role("radio", name="4 stars", checked=True).wait_for()
    run_id = details.locator("dd").last.inner_text()
    until(lambda: said(studio, run_id) == (True, 4), what="the marks in the log")

    page.get_by_role("textbox", name="Search").fill("")
    page.get_by_text("24 runs").wait_for()
    page.get_by_label("Model").select_option(label="procedural (24)")
    page.get_by_role("button", name="♥ Favourites").click()
    page.get_by_text("1 run", exact=True).wait_for()
    page.get_by_role("button", name="♥ Favourites").click()

    studio.generate("a brand new picture", seed=99, progress=False, **QUICK)
    page.get_by_text("25 runs").wait_for()
    page.get_by_role("option", name="a brand new picture").wait_for()
    screenshot("gallery-dashboard-details")
    page.set_viewport_size({"width": 700, "height": 1000})
    screenshot("gallery-dashboard-700")

    with dashboard_server.kernel(kernel_id) as kernel:
        assert not kernel("'torch' in __import__('sys').modules")


def test_the_first_page_lists_the_dashboards(dashboard_server, page, studio, screenshot):
    shutil.copy(DASHBOARD, dashboard_server.root)
    page.goto(f"{dashboard_server.url}/?token={TOKEN}")
    screenshot("dashboards")
    page.locator("a[href$='gallery.ipynb']").click()
    page.get_by_role("listbox", name="Runs, newest first").wait_for()
