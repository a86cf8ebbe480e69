"""An exported comparison, opened from disk as its reader opens it."""

import pytest

import studio_kernel as sk
from accessibility import faults
from waiting import until

pytestmark = pytest.mark.browser
QUICK = {"model": "procedural", "num_inference_steps": 1}
SIZES = {"wide": (1400, 900), "middle": (800, 900), "phone": (390, 780)}
HOSTILE = "a fish <img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared")
    with sk.open(folder / "home") as studio:
        runs = [
            studio.generate(text, seed=seed, width=192, height=128, **QUICK)
            for seed, text in enumerate(("a red boat", HOSTILE, "a blue boat"), 1)
        ]
        return studio.export_dashboard("compare", folder / "out", runs=runs, title="Boats <b>at</b> sea").as_uri()


@pytest.fixture
def board(page, exported):
    page.goto(exported)
    return ready(page)


def ready(page):
    page.locator("html[data-ready]").wait_for()
    until(lambda: page.evaluate("[...document.images].every((image) => image.complete && image.naturalWidth > 0)"))
    return page


def test_runs_stand_side_by_side_and_text_stays_text(board):
    assert board.title() == "Boats <b>at</b> sea"
    assert board.get_by_role("status").first.inner_text() == "3 runs"
    assert board.locator(".sc-letter").all_inner_texts() == ["A", "B", "C"]
    assert HOSTILE in board.locator("main").inner_text()
    assert board.locator("b, img[src=x]").count() == 0


def test_two_runs_are_seen_with_a_slider_blinking_and_through_each_other(board):
    board.get_by_role("button", name="Slider").click()
    board.get_by_label("Divider").fill("25")
    until(lambda: "75%" in board.locator(".sc-upper").evaluate("(layer) => layer.style.clipPath"))
    board.get_by_role("combobox", name="Right", exact=True).select_option(label="C · procedural")
    until(lambda: board.locator(".sc-stage .sc-view").get_attribute("data-right") == "C")
    board.get_by_role("button", name="Blink", exact=True).first.click()
    board.get_by_role("button", name="Show C").click()
    until(lambda: board.locator(".sc-upper").evaluate("(layer) => layer.style.visibility") == "hidden")
    board.get_by_role("button", name="Onion skin").click()
    board.get_by_label("Opacity").wait_for()


def test_zooming_one_zooms_all(board):
    board.get_by_role("button", name="Zoom in").click()
    zoomed = board.evaluate("[...document.querySelectorAll('.sc-grid .sc-media')].map((m) => m.style.transform)")
    assert len(set(zoomed)) == 1
    assert "scale(1.25)" in zoomed[0]


def test_runs_can_be_moved_and_taken_away(board):
    board.get_by_role("button", name="Swap A with B").click()
    until(lambda: board.locator(".sc-letter").all_inner_texts() == ["B", "A", "C"])
    board.get_by_role("button", name="Remove C").click()
    until(lambda: board.get_by_role("status").first.inner_text() == "2 runs")


def test_what_needs_a_kernel_is_not_offered(board):
    offered = board.get_by_role("button").all_inner_texts()
    assert not {"Heat map", "Clear", "Use settings", "Difference"} & set(offered)
    assert board.get_by_label("Measure").is_hidden()


def test_it_tells_what_differs(board):
    table = board.get_by_role("table")
    assert "Seed" in table.inner_text()
    assert "Guidance" not in table.inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_it_fits_the_screen(board, screenshot, size, scheme):
    width, height = SIZES[size]
    board.set_viewport_size({"width": width, "height": height})
    board.emulate_media(color_scheme=scheme)
    assert board.evaluate("document.documentElement.scrollWidth <= innerWidth")
    screenshot(f"exported-comparison-{size}-{scheme}")
    board.get_by_role("button", name="Slider").click()
    screenshot(f"exported-comparison-{size}-{scheme}-slider")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_reached_by_everybody(browser, exported, scheme):
    context = browser.new_context(bypass_csp=True, color_scheme=scheme, viewport={"width": 800, "height": 900})
    page = context.new_page()
    page.goto(exported)
    assert not faults(ready(page), page.locator("body"))
    page.get_by_role("button", name="Slider").click()
    assert not faults(page, page.locator("body"))
    context.close()
