"""The table of cells without a kernel: what it shows, asks for and sends."""

from pathlib import Path

import pytest

import studio_widgets

FOLDER = Path(studio_widgets.__file__).parent / "cells"


def tile(run, **more):
    return {
        "run": run, "status": "succeeded", "title": f"seed {run}", "note": "", "key": f"key-{run}", "files": 1,
        "kind": "image", "number": "", "shade": None, **more,
    }  # fmt: skip


TABLE = {
    "across": "seed", "down": "guidance scale", "columns": ["1", "2"], "rows": ["3", "7"], "too_many": "",
    "scale": None, "flows": False,
    "tiles": [
        tile("a"), tile("b", files=3),
        tile("c", key="", status="failed", note="the engine could not"),
        tile("", key="", status="left out", note="seed < 2"),
    ],
}  # fmt: skip
TELL = "([content]) => model.emit('msg:custom', content, [])"
ANSWER = """() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 8, height: 8 });
    const bytes = Uint8Array.from(atob(canvas.toDataURL('image/webp').split(',')[1]), (c) => c.charCodeAt(0)).buffer;
    model.answer = (asked) => {
        if (asked.kind !== 'thumbnails') return;
        setTimeout(() => model.emit('msg:custom', asked, asked.runs.map(() => bytes)), 5);
    };
}"""


def tell(page, **content):
    page.evaluate(TELL, [content])


def sent(page, kind):
    return [m["content"] for m in page.evaluate("model.sent") if m["content"]["kind"] == kind]


@pytest.fixture
def cells(mount):
    page = mount(FOLDER, {})
    page.evaluate(ANSWER)
    tell(page, kind="table", table=TABLE, number=1)
    page.locator(".sc-cell img").nth(1).wait_for()
    return page


def test_pictures_in_view_are_asked_for_once(cells):
    asked = [run for message in sent(cells, "thumbnails") for run in message["runs"]]
    assert sorted(asked) == ["a", "b"]


def test_labels_and_reasons_are_shown(cells):
    assert cells.get_by_role("columnheader").all_inner_texts()[1:] == ["1", "2"]
    assert cells.get_by_role("rowheader").all_inner_texts() == ["3", "7"]
    assert cells.get_by_role("gridcell").nth(2).inner_text() == "✕ failed: the engine could not"
    assert cells.get_by_role("gridcell").nth(3).inner_text() == "– left out: seed < 2"
    assert cells.get_by_role("gridcell").nth(1).get_attribute("aria-label") == "seed b, 3 files"


def test_a_cell_that_changes_is_drawn_anew_and_the_others_stay(cells):
    cells.evaluate("window.first = document.querySelector('.sc-cell img')")
    tell(cells, kind="cells", cells=[[2, tile("d", number="0.5", shade=1.0)]], number=2)
    cells.locator(".sc-cell").nth(2).locator("img").wait_for()
    assert cells.locator(".sc-number").inner_text() == "0.5"
    assert cells.evaluate("window.first.isConnected")


SCALE = {"label": "Sharpness (grey levels²)", "low": "1", "high": "2", "colours": ["#002244", "#888888", "#ffee33"]}


def test_a_number_has_its_colour_and_the_scale_says_what_that_stands_for(cells):
    shaded = [[0, tile("a", number="1", shade=0.0)], [1, tile("b", number="2", shade=1.0)]]
    tell(cells, kind="cells", cells=shaded, scale=SCALE, number=2)
    assert cells.locator(".sc-scale").inner_text().split("\n") == ["Sharpness (grey levels²)", "1", "2"]
    colours = cells.evaluate("""() => [...document.querySelectorAll('.is-shaded')]
        .map((cell) => getComputedStyle(cell).borderTopColor)""")
    assert len(set(colours)) == 2


def sorted_cells(page, count):
    tiles = [tile(f"run-{place}", number=str(place), shade=place / count) for place in range(count)]
    table = {**TABLE, "columns": [], "rows": [], "tiles": tiles, "flows": True, "scale": SCALE}
    tell(page, kind="table", table=table, number=2)


def test_sorted_cells_stand_one_after_the_other_with_their_coordinates(cells):
    sorted_cells(cells, 5)
    assert cells.get_by_role("option").count() == 5
    cells.locator(".sc-caption").nth(4).wait_for()
    assert cells.locator(".sc-caption").all_inner_texts() == [f"seed run-{place}" for place in range(5)]
    cells.get_by_role("option").first.click()
    cells.keyboard.press("ArrowDown")  # one column or several: it is the cell below, or it stays
    focused = cells.evaluate("[document.activeElement.offsetTop, document.activeElement.offsetLeft]")
    assert focused[1] == cells.evaluate("document.querySelector('.sc-cell').offsetLeft")


def test_only_cells_near_the_view_have_something_in_them(cells):
    cells.set_viewport_size({"width": 900, "height": 600})
    sorted_cells(cells, 400)
    cells.locator(".sc-cell img").nth(20).wait_for()
    assert cells.evaluate("document.querySelectorAll('.sc-cell:not(:empty)').length") < 150
    cells.get_by_role("option").nth(399).scroll_into_view_if_needed()
    cells.locator("[data-run='run-399'] img").wait_for()
    cells.wait_for_function("document.querySelector('[data-run=run-0]').childElementCount === 0")


def test_cells_are_selected_with_ctrl_or_while_selecting(cells):
    cells.get_by_role("gridcell").first.click(modifiers=["ControlOrMeta"])
    tell(cells, kind="chosen", run="", selected=["a"], selecting=True, fill="pictures")
    cells.get_by_role("gridcell").nth(1).click()
    cells.get_by_role("gridcell").first.press(" ")
    assert [(m["run"], m["on"]) for m in sent(cells, "select")] == [("a", True), ("b", True), ("a", False)]
    assert sent(cells, "choose") == []
    assert cells.locator("[aria-selected=true]").get_attribute("data-run") == "a"


def test_cells_can_be_colours_alone(cells):
    tell(cells, kind="cells", cells=[[0, tile("a", number="1", shade=0.0)]], scale=SCALE, number=2)
    tell(cells, kind="chosen", run="", selected=[], selecting=False, fill="colours")
    assert cells.locator("[data-run=a] img").evaluate("(e) => getComputedStyle(e).visibility") == "hidden"
    assert cells.locator("[data-run=a] .sc-number").is_visible()


def test_a_click_or_enter_chooses_and_arrows_move(cells):
    cells.get_by_role("gridcell").first.click()
    cells.keyboard.press("ArrowRight")
    cells.keyboard.press("Enter")
    assert sent(cells, "choose") == [{"kind": "choose", "run": "a"}, {"kind": "choose", "run": "b"}]
    tell(cells, kind="chosen", run="b", selected=[], selecting=False, fill="pictures")
    assert cells.locator("[aria-selected=true]").get_attribute("data-run") == "b"


def test_a_cell_is_dragged_with_the_id_of_its_run(cells):
    found = cells.evaluate("""() => {
        const data = new DataTransfer();
        const cell = document.querySelector('.sc-cell');
        cell.dispatchEvent(new DragEvent('dragstart', { bubbles: true, dataTransfer: data }));
        return [cell.draggable, data.getData('application/x-studio-run')];
    }""")
    assert found == [True, "a"]


def test_too_many_cells_are_said(cells):
    tell(cells, kind="table", table={**TABLE, "tiles": [], "too_many": "2,500 cells are more"}, number=2)
    assert cells.get_by_role("status").inner_text() == "2,500 cells are more"


def test_leaving_takes_listeners_and_pictures_away(cells):
    cells.evaluate("""() => {
        const revoke = URL.revokeObjectURL.bind(URL);
        window.revoked = 0;
        URL.revokeObjectURL = (url) => { window.revoked += 1; revoke(url); };
        window.cleanup();
    }""")
    assert cells.evaluate("Object.values(model.handlers).flat().length") == 0
    assert cells.evaluate("window.revoked") == 2
