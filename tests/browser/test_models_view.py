"""The table of models in a bare page, with the kernel's side of it in this process."""

from pathlib import Path

import pytest

import studio_kernel as sk
import studio_widgets
from homes import rate
from many_models import write_models
from studio_widgets.models.state import ModelsState
from studio_widgets.models.view import ModelTable
from waiting import until

FOLDER = Path(studio_widgets.__file__).parent / "models"


@pytest.fixture
def state(home):
    write_models(home, 1720)
    rate(home, "studio-tiny", 3, 5, 5)
    with sk.open(home) as studio:
        yield ModelsState(studio)


@pytest.fixture
def table(mount, page, state):
    page.clock.install()
    widget, said = ModelTable(state), []
    widget.send = said.append

    def hear(content):
        said.clear()
        widget._hear(widget, content, [])
        return [widget.page, list(said)]

    page.expose_function("kernel", hear)
    mount(FOLDER, {"page": widget.page})
    page.evaluate("""() => {
        model.answer = (asked) => window.kernel(asked).then(([page, messages]) => {
            model.set('page', page);
            messages.forEach((message) => model.emit('msg:custom', message, []));
        });
        model.sent.forEach(({ content }) => model.answer(content)); // what was asked before
    }""")
    filled(page)
    return page


def filled(page):
    """Wait until every row in view is."""
    page.wait_for_function("""() => {
        const rows = [...document.querySelectorAll('.sm-body > .sm-row')];
        return rows.length && rows.every((row) => row.dataset.model);
    }""")


def first_names(page, count=3):
    return page.evaluate(
        """(count) => [...document.querySelectorAll('.sm-body > .sm-row')]
        .sort((a, b) => a.dataset.place - b.dataset.place).slice(0, count).map((row) => row.dataset.model)""",
        count,
    )


def test_two_thousand_models_need_few_rows(table, state):
    table.get_by_role("grid").focus()
    table.keyboard.press("End")
    filled(table)
    active = table.get_by_role("grid").get_attribute("aria-activedescendant")
    assert table.locator(f"#{active}").get_attribute("data-model") == state.rows(0, state.total)[-1].entry.id
    assert table.evaluate("document.querySelectorAll('.sm-body > .sm-row').length") < 45


def test_rows_that_did_not_come_are_asked_for_again_until_they_have_come(table, state):
    table.evaluate("() => { model.heard = model.answer; model.answer = null; model.sent.length = 0; }")
    table.get_by_role("grid").press("End")
    table.wait_for_function("model.sent.length > 0")
    table.clock.run_for(1_000)  # all that scrolling draws is drawn: only the lost answer is left to ask
    table.evaluate("() => { model.answer = model.heard; }")
    table.clock.fast_forward(15_000)
    filled(table)
    table.clock.fast_forward(60_000)
    asked = [each["content"] for each in table.evaluate("model.sent")]
    assert asked == [asked[0], asked[0]]
    assert asked[0]["last"] == state.total


def test_how_people_rated_a_model_stands_below_its_name(table):
    badge = table.locator(".sm-row[data-model='studio-tiny'] .st-badge")
    assert badge.text_content() == "★ 4.3 (3)"
    assert badge.get_attribute("title") == "mean of 3 ratings of what was made with it in this home"
    ends = "(it) => [it, it.closest('.sm-row')].map((each) => each.getBoundingClientRect().bottom)"
    of_badge, of_row = badge.evaluate(ends)
    assert of_badge <= of_row
    assert table.locator(".sm-body .st-badge").count() == 1  # nobody rated the others


def test_a_heading_sorts_and_turns_round(table, state):
    heading = table.get_by_role("columnheader", name="Price", exact=True)
    heading.get_by_role("button").click()
    table.wait_for_function("model.get('page').sort === 'price'")
    filled(table)
    heading.and_(table.locator("[aria-sort=ascending]")).wait_for()
    cheapest = [row.entry.id for row in state.rows(0, 3)]
    until(lambda: first_names(table) == cheapest, what="the cheapest on top")  # the rows of before stand until then
    heading.get_by_role("button").click()
    table.wait_for_function("model.get('page').descending")
    filled(table)
    heading.and_(table.locator("[aria-sort=descending]")).wait_for()
    assert state.rows(0, 1)[0].entry.price.run_usd > 1


def test_a_click_and_enter_look_at_a_model_and_escape_no_longer(table, state):
    table.locator(".sm-body > .sm-row").nth(2).click()
    table.locator("[aria-selected=true]").wait_for()
    before = state.looked_at
    assert before == table.locator("[aria-selected=true]").get_attribute("data-model")
    table.get_by_role("grid").focus()
    for key in ("ArrowDown", "Enter"):
        table.keyboard.press(key)
    table.wait_for_function("(old) => model.get('page').looked_at !== old", arg=before)
    table.keyboard.press("Escape")
    table.wait_for_function("model.get('page').looked_at === ''")


def test_keys_do_not_reach_the_notebook(table):
    table.evaluate("document.addEventListener('keydown', (e) => (window.leaked = e.key))")
    for key in ("ArrowDown", "Enter", "End"):
        table.get_by_role("grid").press(key)
    assert table.evaluate("window.leaked") is None


def test_leaving_takes_listeners_away(table):
    table.evaluate("window.cleanup()")
    assert table.evaluate("Object.values(model.handlers).flat().length") == 0
