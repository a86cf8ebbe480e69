"""Exported reports, opened from disk as their reader opens them."""

import pytest

import studio_kernel as sk
from accessibility import faults

pytestmark = pytest.mark.browser
QUICK = {"num_inference_steps": 1, "width": 32, "height": 32}
SIZES = {"wide": (1400, 900), "middle": (800, 900), "phone": (390, 780)}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    with sk.open(folder / "home") as studio:
        for project in ("harbour", "fish", "fish", "meadow"):
            studio.mark(studio.generate("a", project=project, model="procedural", **QUICK), rating=4)
        return {kind: studio.export_dashboard(kind, folder / kind).as_uri() for kind in ("costs", "models")}


@pytest.fixture
def costs(page, exported):
    page.goto(exported["costs"])
    page.locator("html[data-ready]").wait_for()
    return page


def test_a_table_is_sorted_by_a_heading_with_mouse_and_keys(costs):
    table = costs.get_by_role("table", name="By project")
    names = lambda: table.locator("tbody th").all_inner_texts()  # noqa: E731
    assert names() == ["fish", "harbour", "meadow"]
    table.get_by_role("button", name="What").press("Enter")
    assert names() == ["meadow", "harbour", "fish"]
    table.get_by_role("button", name="Runs").click()
    assert names()[0] == "fish"
    assert table.get_by_role("columnheader", name="Runs").get_attribute("aria-sort") == "descending"


def test_charts_are_drawn_in_the_colours_of_the_page(costs):
    assert costs.locator("svg.chart").count() == 4
    costs.emulate_media(color_scheme="dark")
    ink = costs.locator("svg.chart text").first.evaluate("(text) => getComputedStyle(text).fill")
    assert min(int(part) for part in ink.removeprefix("rgb(").rstrip(")").split(", ")) > 150


@pytest.mark.parametrize("kind", ["costs", "models"])
@pytest.mark.parametrize("size", SIZES)
def test_it_fits_the_screen(page, exported, screenshot, kind, size):
    page.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))
    page.emulate_media(color_scheme="dark" if kind == "models" else "light")
    page.goto(exported[kind])
    page.locator("html[data-ready]").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    screenshot(f"exported-{kind}-{size}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_reached_by_everybody(browser, exported, scheme):
    context = browser.new_context(bypass_csp=True, color_scheme=scheme)
    page = context.new_page()
    for address in exported.values():
        page.goto(address)
        page.locator("html[data-ready]").wait_for()
        assert not faults(page, page.locator("body"))
    context.close()
