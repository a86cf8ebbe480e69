"""The table of costs without a kernel."""

from pathlib import Path

import pytest

import studio_widgets

FOLDER = Path(studio_widgets.__file__).parent / "costs"
STATE = {
    "caption": "What was spent", "columns": [["what", "What"], ["runs", "Runs"], ["total_usd", "Together"]],
    "rows": [["<b>paid</b>", "3", "1.50 $"], ["other", "1", "0.50 $"]], "shares": [1.0, 1 / 3], "sort": "total_usd",
    "is_descending": True, "nothing": "Nothing that cost money.", "can_pick": False, "chosen": "",
}  # fmt: skip


@pytest.fixture
def table(mount):
    return mount(FOLDER, dict(STATE))


def sent(page):
    return [m["content"] for m in page.evaluate("model.sent")]


def test_rows_are_read_as_texts_each_with_a_bar(table):
    assert table.get_by_role("row").nth(1).inner_text().split() == ["<b>paid</b>", "3", "1.50", "$"]
    whole, third = table.evaluate(
        "[...document.querySelectorAll('.so-share')].map((bar) => parseFloat(bar.style.width))"
    )
    assert (whole, round(third)) == (100, 33)


def test_a_heading_wishes_for_its_order_and_says_the_present_one(table):
    assert table.locator("[aria-sort]").get_attribute("aria-sort") == "descending"
    table.get_by_role("button", name="Sort by runs").click()
    assert sent(table) == [{"kind": "sort", "column": "runs"}]


def test_the_focus_stays_on_a_heading_that_was_pressed(table):
    table.get_by_role("button", name="Sort by runs").press("Enter")
    table.evaluate("() => { model.set('sort', 'runs'); model.set('rows', [['other', '1', '0.50 $']]); }")
    table.wait_for_function("document.querySelectorAll('tbody tr').length === 1")
    assert table.evaluate("document.activeElement.dataset.column") == "runs"


def test_an_empty_table_says_so(table):
    table.evaluate("model.set('rows', [])")
    table.get_by_text("Nothing that cost money.").wait_for()


@pytest.fixture
def choices(mount):
    """A table whose rows can be chosen."""
    return mount(FOLDER, STATE | {"can_pick": True})


def test_a_row_is_chosen_by_its_name_and_says_that_it_is(choices):
    other = choices.get_by_role("button", name="other")
    other.press("Enter")
    assert sent(choices) == [{"kind": "pick", "row": "other"}]
    choices.evaluate("model.set('chosen', 'other')")
    choices.locator("[aria-pressed=true]", has_text="other").wait_for()
    assert choices.evaluate("document.activeElement.dataset.row") == "other"


def test_names_of_rows_that_can_be_chosen_are_texts(choices):
    assert choices.get_by_role("button", name="<b>paid</b>", exact=True).count() == 1
    assert choices.locator("tbody b").count() == 0


def test_rows_that_cannot_be_chosen_are_no_buttons(table):
    assert table.locator("tbody button").count() == 0


def test_names_stay_in_sight_while_a_wide_table_is_scrolled(mount):
    columns = [[f"c{n}", f"Column {n}"] for n in range(9)]
    rows = [["a name", *("1,000,000" for _ in range(8))]]
    page = mount(FOLDER, STATE | {"columns": columns, "rows": rows, "shares": [1.0]})
    page.set_viewport_size({"width": 390, "height": 600})
    page.evaluate("document.querySelector('.so-scroll').scrollLeft = 200")
    assert page.locator("tbody th").bounding_box()["x"] >= 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
