"""The page of a sweep, opened from disk as its reader opens it."""

import pytest

import studio_kernel as sk
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.sweep import AxisGroup, Sweep
from studio_kernel.grid.cells import GridCell, Picture
from studio_kernel.grid.grid import Grid
from studio_kernel.grid.layout import arrange
from waiting import until

pytestmark = pytest.mark.browser
QUICK = {"model": "procedural", "num_inference_steps": 1}
HOSTILE = "<img src=x onerror=1>"
AXES = [
    {("width", "height"): [(64, 48), (48, 64)]},
    {"prompt": [HOSTILE, "a fish"]},
    {"guidance_scale": [1, 5, 99]},
    {"seed": [1, 2]},
]


@pytest.fixture
def grid(page, tmp_path):
    with sk.open(tmp_path / "home") as studio:
        sweep = studio.sweep(axes=AXES, where="guidance_scale < 5 or seed == 1", **QUICK).wait(progress=False)
        index = sweep.grid(rows=["prompt", "guidance_scale"], columns=["width", "seed"]).save(tmp_path / "out")
    page.goto(index.as_uri())
    return page


def rows_of(page):
    return [row.split("\t") for row in page.locator("tbody").inner_text().split("\n") if row.strip()]


def heads_of(page):
    return [row.locator("th").all_inner_texts() for row in page.locator("thead tr").all()]


def test_every_cell_has_its_picture_or_says_why(grid, screenshot):
    assert grid.get_by_role("status").inner_text() == "24 cells shown, 12 with pictures; 16 in the sweep"
    assert heads_of(grid)[:2] == [["width", "64", "48"], ["height", "48", "64"]]
    assert grid.locator(".cell.invalid").count() == 4
    left_out = grid.get_by_role("button", name="left out").first
    assert "by the rule “guidance_scale < 5 or seed == 1”" in left_out.inner_text()
    grid.wait_for_function("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
    assert grid.locator("td img").count() == 12
    screenshot("exported-grid")


def test_text_of_people_stays_text(grid):
    assert grid.locator("th img").count() == 0
    assert grid.locator("tbody th.over").first.inner_text() == HOSTILE
    assert not grid.evaluate(
        "[...document.querySelectorAll('*')].some((e) => [...e.attributes].some((a) => /^on/.test(a.name)))"
    )


def test_axes_can_be_placed_anew(grid):
    grid.get_by_label("Place of guidance scale").select_option("facets")
    until(lambda: grid.locator("h2.facet").all_inner_texts() == [f"guidance scale {n}" for n in (1, 5, 99)])
    grid.get_by_label("Place of prompt").select_option("one value")
    grid.get_by_label("Value of prompt").select_option("a fish")
    grid.get_by_label("Place of seed").select_option("rows")
    until(lambda: grid.locator("tbody").first.locator("th").all_inner_texts() == ["1", "2"])
    grid.locator("tbody .cell").first.click()
    until(lambda: "a fish" in grid.get_by_role("dialog").inner_text())


def test_a_zipped_axis_follows_the_one_it_belongs_to(grid):
    grid.get_by_label("Place of width").select_option("rows")
    assert grid.locator("thead tr").last.locator("th").all_inner_texts() == [
        "prompt",
        "guidance scale",
        "width",
        "height",
    ]
    assert grid.get_by_label("Place of height").locator("option:checked").inner_text() == "follows"
    grid.get_by_label("Place of height").select_option("columns")
    until(lambda: grid.get_by_role("button", name="no such point").count() == 24)


def test_rows_and_columns_can_be_swapped(grid):
    before = heads_of(grid)
    grid.get_by_role("button", name="Swap rows and columns").click()
    assert [row[0] for row in heads_of(grid)[:2]] == ["prompt", "guidance scale"]
    grid.get_by_role("button", name="Swap rows and columns").click()
    assert heads_of(grid) == before


def test_cells_can_be_filtered_by_how_they_went(grid):
    grid.get_by_label("succeeded (12)").uncheck()
    grid.get_by_role("checkbox", name="left out").uncheck()
    until(lambda: grid.get_by_role("status").inner_text() == "4 cells shown, 0 with pictures; 16 in the sweep")
    assert grid.locator("tbody tr").count() == 2


def test_cells_are_reached_and_opened_by_keys(grid):
    grid.locator(".cell").first.focus()
    for key in ("ArrowDown", "ArrowRight", "Enter"):
        grid.keyboard.press(key)
    dialog = grid.get_by_role("dialog")
    assert (
        dialog.get_by_role("heading").inner_text()
        == f"prompt {HOSTILE} · guidance scale 5 · width 64 · height 48 · seed 2"
    )
    assert "left out" in dialog.inner_text()
    grid.keyboard.press("ArrowLeft")
    grid.wait_for_function("document.querySelector('#media img')?.naturalWidth === 64")
    grid.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    assert grid.evaluate("document.activeElement.classList.contains('cell')")


def test_thousands_of_cells_load_only_the_pictures_in_sight(page, tmp_path):
    from PIL import Image

    picture = tmp_path / "p.png"
    Image.new("RGB", (16, 16), (200, 0, 0)).save(picture)
    sweep = Sweep(
        GenerationRequest("procedural"), (AxisGroup.of("guidance_scale", range(40)), AxisGroup.of("seed", range(75)))
    )
    copies = {}
    for cell in sweep.cells():
        place = tuple(cell.coordinates.values())
        copy = tmp_path / f"{place[0]}-{place[1]}.png"
        copy.hardlink_to(picture)
        copies[place] = GridCell("succeeded", pictures=(Picture(copy, width=16, height=16),))
    index = Grid(sweep, copies, arrange(sweep)).save(tmp_path / "out")
    page.goto(index.as_uri())
    assert page.locator("td img").count() == 3000
    page.wait_for_function("document.querySelector('td img').naturalWidth > 0")
    assert page.evaluate("[...document.images].filter((image) => image.complete && image.naturalWidth).length") < 1500
    page.locator("#grid").evaluate("(grid) => grid.scrollTo(5000, 3000)")
    head, side = page.locator("thead th.name").first.bounding_box(), page.locator("main").bounding_box()
    assert head["y"] == pytest.approx(side["y"], abs=2)
    assert head["x"] == pytest.approx(side["x"], abs=2)


def test_a_link_opens_the_run_it_names_at_any_place_of_the_axes(page, tmp_path):
    with sk.open(tmp_path / "home") as studio:
        sweep = studio.sweep("a", axes={"guidance_scale": [1, 5], "seed": [1, 2], "width": [32, 64]}, **QUICK)
        sweep.wait(progress=False)
        run = sweep.outcomes()[-1].record.id
        index = studio.export_dashboard("sweep", tmp_path / "out", sweep=sweep, title="Boats <b>at</b> sea")
    page.goto(f"{index.as_uri()}#run={run}")
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    assert page.title() == "Boats <b>at</b> sea"
    assert dialog.get_by_role("heading").inner_text() == "guidance scale 5 · seed 2 · width 64"
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    until(lambda: "run=" not in page.evaluate("location.href"))
