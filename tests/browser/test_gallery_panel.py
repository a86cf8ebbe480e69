"""The gallery panel in JupyterLab and as a dashboard, on a home of many runs."""

import pytest

from jupyter_processes import Server
from waiting import until

CELLS = (
    """
import tempfile
from homes import filled
from studio_widgets import GalleryPanel
studio = filled(tempfile.mkdtemp(), 3000)
panel = GalleryPanel(studio)
""",
    "panel",
)


@pytest.fixture(params=["lab", "dashboard"])
def gallery(request, page):
    """(page, kernel, front end) with the panel loaded."""
    front = request.param
    server: Server = request.getfixturevalue(f"{front}_server")
    kernel_id = request.getfixturevalue(f"open_{front}")(*CELLS)
    page.wait_for_selector(".sg-cell img")
    with server.kernel(kernel_id) as kernel:
        yield page, kernel, front


def test_look_filter_mark_select_and_see_a_new_run(gallery, screenshot):
    page, kernel, front = gallery
    search = page.get_by_role("textbox", name="Search")
    page.get_by_text("3,000 runs").wait_for()

    page.locator(".sg-cell").first.click()
    details = page.locator(".sg-details")
    details.get_by_alt_text("a gold star in the night sky").wait_for()
    until(lambda: kernel("panel.state.details.request.seed") == 2999)
    details.get_by_role("button", name="Next ›").click()
    details.get_by_text("2 of 3,000").wait_for()
    details.get_by_role("button", name="‹ Previous").click()
    details.get_by_text("1 of 3,000").wait_for()
    screenshot(f"gallery-{front}-1280")

    page.get_by_role("radio", name="4 stars").click()
    details.get_by_role("button", name="Favourite", exact=False).click()
    until(lambda: kernel("[panel.state.details.rating, panel.state.details.favourite]") == [4, True])
    details.get_by_placeholder("Add a tag").fill("harbour")
    details.get_by_placeholder("Add a tag").press("Enter")
    details.get_by_role("button", name="harbour ✕").wait_for()
    details.get_by_role("button", name="As Python").click()
    details.get_by_text("studio.generate(").wait_for()
    with page.expect_download() as saving:
        details.get_by_role("button", name="Download").click()
    assert saving.value.suggested_filename.startswith("a-gold-star-in-the-night-sky-")

    search.fill("red boat")
    page.get_by_text("250 runs").wait_for()
    page.get_by_label("Model").select_option(label="studio-tiny (250)")
    until(lambda: kernel("panel.state.model") == "studio-tiny")
    page.get_by_role("button", name="“red boat” ✕").click()
    page.get_by_text("1,500 runs").wait_for()
    until(lambda: search.input_value() == "")
    page.get_by_label("Model").select_option(label="All models")
    page.get_by_role("button", name="♥ Favourites").click()
    page.get_by_text("1 run", exact=True).wait_for()
    page.get_by_role("button", name="♥ Favourites").click()
    page.get_by_text("3,000 runs").wait_for()

    kernel("studio.generate('three new boats', model='procedural', num_images=3, progress=False).id")
    page.get_by_text("3,001 runs").wait_for(timeout=5000)
    page.get_by_role("option", name="three new boats, 3 files").click()
    details.get_by_role("radio", name="Picture 1 of 3", checked=True).wait_for()
    first = details.get_by_alt_text("three new boats").get_attribute("src")
    details.get_by_role("radio", name="Picture 3 of 3").click()
    details.get_by_role("radio", name="Picture 3 of 3", checked=True).wait_for()
    until(lambda: kernel("panel.state.shown") == 2)
    until(lambda: details.get_by_alt_text("three new boats").get_attribute("src") != first, what="the third picture")
    details.get_by_role("button", name="Close").click()

    page.locator(".sg-cell").nth(2).click(modifiers=["ControlOrMeta"])
    page.locator(".sg-cell").nth(5).click(modifiers=["Shift"])
    bar = page.locator(".sg-bar")
    bar.get_by_text("4 selected").wait_for()
    bar.get_by_placeholder("Add a tag").fill("four")
    bar.get_by_placeholder("Add a tag").press("Enter")
    until(lambda: kernel("studio.count(tag='four')") == 4)
    page.get_by_role("button", name="List", exact=True).click()
    page.get_by_role("grid", name="Runs, newest first").wait_for()
    screenshot(f"gallery-{front}-list")
    bar.get_by_role("button", name="Delete …").click()
    bar.get_by_role("button", name="Keep the files").click()
    page.get_by_text("2,997 runs").wait_for()
    bar.get_by_role("button", name="Undo").click()
    page.get_by_text("3,001 runs").wait_for()

    page.set_viewport_size({"width": 700, "height": 860})
    screenshot(f"gallery-{front}-700")
