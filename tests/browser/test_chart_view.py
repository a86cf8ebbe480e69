"""The view of a chart without a kernel: it fits, says what its parts are, chooses rows, and lets nothing else in."""

from pathlib import Path

import pandas as pd
import pytest

import studio_widgets
from looks import DARK
from studio_kernel.charts import usage_figure

FOLDER = Path(studio_widgets.__file__).parent / "reports"
HOSTILE = "<img src=x onerror=alert(1)>"
COLUMNS = ["what", "runs", "succeeded", "failed", "cancelled", "billed_usd", "total_usd"]
TABLE = pd.DataFrame([("tiny", 5, 4, 1, 0, 0, 0), (HOSTILE, 2, 2, 0, 0, 1, 1)], columns=COLUMNS)
FIGURE = usage_figure(TABLE, width=660)
STATE = {"svg": FIGURE.as_svg(), "marks": FIGURE.rows, "chosen": ""}


@pytest.fixture
def chart(mount):
    return mount(FOLDER, dict(STATE))


def sent(page, kind):
    return [m["content"] for m in page.evaluate("model.sent") if m["content"]["kind"] == kind]


def test_it_says_how_much_room_there_is_and_again_when_that_changes(chart):
    chart.wait_for_function("model.sent.length === 1")
    room = chart.evaluate("document.querySelector('#root').clientWidth")
    assert sent(chart, "width") == [{"kind": "width", "pixels": room}]
    chart.set_viewport_size({"width": 390, "height": 700})
    chart.wait_for_function("model.sent.length === 2")
    assert sent(chart, "width")[-1]["pixels"] < 400
    assert chart.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_part_says_what_it_is_when_pointed_at(chart):
    titles = chart.evaluate("[...document.querySelectorAll('.chart-mark > title')].map((title) => title.textContent)")
    assert "tiny: 5 runs, 4 succeeded, 1 failed" in titles
    assert any(title.startswith(HOSTILE) for title in titles)


def test_a_part_that_is_clicked_wishes_for_its_row(chart):
    mark = next(mark for mark in STATE["marks"] if FIGURE.told[mark].startswith("tiny") and mark.endswith("-1"))
    chart.locator(f"[data-mark={mark}]").click()
    assert STATE["marks"][sent(chart, "pick")[0]["mark"]] == "tiny"


def test_other_rows_are_dimmed_while_one_is_chosen(chart):
    chart.evaluate("model.set('chosen', 'tiny')")
    dimmed = chart.evaluate("[...document.querySelectorAll('.sr-other')].map((part) => part.dataset.mark)")
    assert {STATE["marks"][mark] for mark in dimmed} == {HOSTILE}
    chart.evaluate("model.set('chosen', '')")
    assert chart.locator(".sr-other").count() == 0


def test_a_new_chart_takes_the_place_of_the_old_one(chart):
    chart.evaluate("model.set('svg', '<svg xmlns=\"http://www.w3.org/2000/svg\"><text>new</text></svg>')")
    chart.locator("text", has_text="new").wait_for()
    assert chart.locator(".chart-mark").count() == 0


def test_colours_follow_the_theme(chart):
    title = "getComputedStyle([...document.querySelectorAll('text')].find((t) => t.textContent === 'Runs')).fill"
    light = chart.evaluate(title)
    chart.evaluate(DARK)
    assert (light, chart.evaluate(title)) == ("rgb(34, 34, 34)", "rgb(238, 238, 238)")


@pytest.mark.parametrize(
    "bad",
    [
        "<script>window.hurt = 1</script>",
        '<rect width="9" height="9" onclick="window.hurt = 1"/>',
        '<foreignObject><b xmlns="http://www.w3.org/1999/xhtml"><img src="x" onerror="hurt = 1"/></b></foreignObject>',
        '<a href="javascript:window.hurt = 1"><text>x</text></a>',
        '<use href="https://example.org/x.svg#a"/>',
        '<rect style="fill: url(https://example.org/x)"/>',
        '<animate attributeName="x" onbegin="window.hurt = 1"/>',
    ],
)
def test_what_no_chart_is_made_of_does_not_come_in(mount, bad):
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" onload="window.hurt = 1"><g>{bad}<text>there</text></g></svg>'
    page = mount(FOLDER, STATE | {"svg": svg})
    page.locator("text", has_text="there").wait_for()
    there = page.evaluate("""() => {
        const all = [...document.querySelectorAll("#root svg, #root svg *")];
        return [all.map((e) => e.localName), all.flatMap((e) => e.getAttributeNames())];
    }""")
    assert set(there[0]) <= {"svg", "g", "text", "rect", "use"}
    assert set(there[1]) <= {"width", "height"}
    assert page.evaluate("window.hurt") is None


def test_what_is_no_svg_is_no_chart(mount):
    page = mount(FOLDER, STATE | {"svg": "<html xmlns='http://www.w3.org/1999/xhtml'><body>x</body></html>"})
    assert page.locator("[data-empty]").count() == 1


def test_nothing_is_left_behind(chart):
    chart.evaluate("window.cleanup()")
    assert chart.evaluate("Object.values(model.handlers).flat().length") == 0
