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


def test_look_filter_mark_and_see_a_new_run(gallery, screenshot):
    page, kernel, front = gallery
    search = page.get_by_role("textbox", name="Search")
    page.get_by_text("3,000 runs").wait_for()

    page.locator(".sg-cell").first.click()
    details = page.locator(".sg-details")
    details.get_by_alt_text("a gold star in the night sky").wait_for()
    assert kernel("panel.state.details.request.seed") == 2999
    screenshot(f"gallery-{front}-1280")

    page.get_by_role("radio", name="4 stars").click()
    page.get_by_role("button", name="Favourite", exact=False).last.click()
    until(lambda: kernel("[panel.state.details.rating, panel.state.details.favourite]") == [4, True])

    search.fill("red boat")
    page.get_by_text("250 runs").wait_for()
    page.get_by_label("Model").select_option(label="studio-tiny (250)")
    until(lambda: kernel("panel.state.model") == "studio-tiny")
    search.fill("")
    page.get_by_text("1,500 runs").wait_for()
    page.get_by_label("Model").select_option(label="All models")
    page.get_by_role("button", name="♥ Favourites").click()
    page.get_by_text("1 run", exact=True).wait_for()
    page.get_by_role("button", name="♥ Favourites").click()

    kernel("studio.generate('three new boats', model='procedural', num_images=3, progress=False).id")
    page.get_by_text("3,001 runs").wait_for(timeout=5000)
    page.get_by_role("option", name="three new boats, 3 files").click()
    details.get_by_role("radio", name="Picture 1 of 3", checked=True).wait_for()
    first = details.get_by_alt_text("three new boats").get_attribute("src")
    details.get_by_role("radio", name="Picture 3 of 3").click()
    details.get_by_role("radio", name="Picture 3 of 3", checked=True).wait_for()
    assert kernel("panel.state.shown") == 2
    until(lambda: details.get_by_alt_text("three new boats").get_attribute("src") != first, what="the third picture")

    page.set_viewport_size({"width": 700, "height": 860})
    screenshot(f"gallery-{front}-700")
