"""The session strip without a kernel: what it shows, sends and lets drag."""

from pathlib import Path

import pytest

import media
import studio_widgets
from looks import CONTRAST, DARK

FOLDER = Path(studio_widgets.__file__).parent / "session"


def result(number, **more):
    return {
        "run": f"run-{number}", "key": f"key-{number}", "kind": "image", "title": f"picture {number}",
        "model": "studio-tiny", "files": 1, "error": "", **more,
    }  # fmt: skip


RESULTS = [result(9), result(8, kind="video"), result(7, key="", kind="", files=0, error="out of memory"),
           *(result(number) for number in range(6, -20, -1))]  # fmt: skip
WORDS = {"label": "Newest results", "nothing": "What you make appears here."}
HTML = '<div class="studio" style="width:520px"><div id="root"></div></div>'
PICTURES = """(data) => model.emit('msg:custom',
    { kind: 'thumbnails', runs: model.get('results').filter((r) => r.key).map((r) => r.run) },
    model.get('results').filter((r) => r.key).map(() => new Uint8Array(data).buffer))"""


@pytest.fixture
def strip(mount):
    def open_(results=RESULTS):
        page = mount(FOLDER, {"results": results, "chosen": "", "does": "load its settings", **WORDS}, HTML)
        page.evaluate(PICTURES, list(media.picture("webp")))
        return page

    return open_


def sent(page, kind):
    return [m["content"] for m in page.evaluate("model.sent") if m["content"]["kind"] == kind]


def test_results_are_named_and_pictured(strip):
    page = strip()
    first, second, third = (page.get_by_role("option").nth(place) for place in range(3))
    assert first.get_attribute("aria-label") == "picture 9"
    assert second.get_attribute("aria-label") == "picture 8, video"
    assert third.get_attribute("aria-label") == "picture 7, failed: out of memory"
    assert third.inner_text() == "failed"
    assert "Failed: out of memory" in third.get_attribute("title")
    page.wait_for_function("document.querySelector('.sn-cell img').naturalWidth > 0")


def test_pictures_are_asked_for_once(strip):
    page = strip()
    [asked] = sent(page, "thumbnails")
    assert "run-7" not in asked["runs"]
    page.evaluate("(one) => model.set('results', [one, ...model.get('results')])", result(10))
    assert sent(page, "thumbnails")[1:] == [{"kind": "thumbnails", "runs": ["run-10"]}]


def test_a_click_chooses(strip):
    page = strip()
    page.get_by_role("option", name="picture 8").click()
    assert sent(page, "choose") == [{"kind": "choose", "run": "run-8"}]
    page.evaluate("model.set('chosen', 'run-8')")
    assert page.locator("[aria-selected=true]").get_attribute("data-run") == "run-8"


def test_keys_walk_and_choose_and_stay_in_the_panel(strip):
    page = strip()
    page.evaluate("document.addEventListener('keydown', (e) => (window.leaked = e.key))")
    row = page.get_by_role("listbox")
    row.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "Enter", "End", " ", "Home", "Enter"):
        page.keyboard.press(key)
    assert [each["run"] for each in sent(page, "choose")] == ["run-8", "run--19", "run-9"]
    assert page.evaluate("window.leaked") is None
    page.keyboard.press("End")
    active = page.locator(f"#{row.get_attribute('aria-activedescendant')}")
    assert active.get_attribute("data-run") == "run--19"
    page.wait_for_function("document.querySelector('.sn-row').scrollLeft > 500")


def test_a_result_is_dragged_with_the_pointer_onto_a_target_that_reads_its_run(strip):
    page = strip()
    page.evaluate("""() => {
        const target = Object.assign(document.createElement('div'), { id: 'target' });
        target.style.cssText = 'width:300px;height:120px;margin:20px';
        target.ondragover = (event) => event.preventDefault();
        target.ondrop = (event) => {
            event.preventDefault();
            window.dropped = ['application/x-studio-run', 'text/plain'].map((type) => event.dataTransfer.getData(type));
        };
        document.body.append(target);
    }""")
    page.get_by_role("option", name="picture 8").drag_to(page.locator("#target"))
    page.wait_for_function("window.dropped")
    assert page.evaluate("window.dropped") == ["run-8", "run-8"]


def test_what_is_new_is_told_once(strip):
    page = strip()
    status = page.get_by_role("status")
    assert status.text_content() == ""
    page.evaluate("(one) => model.set('results', [one, ...model.get('results')])", result(10))
    assert status.text_content() == "New: picture 10"


def test_elements_stay_while_new_results_come(strip):
    page = strip()
    page.evaluate("window.kept = document.querySelector('[data-run=run-8]')")
    page.evaluate("(one) => model.set('results', [one, ...model.get('results')])", result(10))
    assert page.evaluate("document.querySelector('[data-run=run-8]') === window.kept")
    assert page.get_by_role("option").first.get_attribute("data-run") == "run-10"


def test_results_that_are_gone_leave(strip):
    page = strip()
    page.evaluate("model.set('results', model.get('results').slice(0, 2))")
    assert page.get_by_role("option").count() == 2


def test_a_wheel_scrolls_the_row(strip):
    page = strip()
    page.get_by_role("option").nth(2).hover()
    page.mouse.wheel(0, 300)
    page.wait_for_function("document.querySelector('.sn-row').scrollLeft >= 300")


def test_an_empty_strip_says_what_will_be_there(strip):
    page = strip([])
    assert page.get_by_text("What you make appears here.").is_visible()
    assert not page.get_by_role("listbox").is_visible()


def test_titles_are_shown_as_text(strip):
    page = strip([result(1, title="<img src=x onerror=window.bad=1>", error="<b onmouseover=window.bad=1>no</b>")])
    page.get_by_role("option").hover()
    assert page.evaluate("window.bad") is None


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_legible_in_both_themes(strip, screenshot, theme):
    page = strip()
    page.set_viewport_size({"width": 540, "height": 120})
    if theme == "dark":
        page.evaluate(DARK)
    page.evaluate("model.set('chosen', 'run-8')")
    page.wait_for_function("[...document.querySelectorAll('.sn-cell img')].every((i) => i.naturalWidth > 0)")
    screenshot(f"session-{theme}")
    assert page.evaluate(CONTRAST, ".sn-failed") >= 4.5


def test_leaving_takes_listeners_and_pictures_away(strip):
    page = strip()
    page.evaluate("""() => {
        const revoke = URL.revokeObjectURL.bind(URL);
        window.revoked = 0;
        URL.revokeObjectURL = (url) => { window.revoked += 1; revoke(url); };
        window.cleanup();
    }""")
    assert page.evaluate("Object.values(model.handlers).flat().length") == 0
    assert page.evaluate("window.revoked") == len([each for each in RESULTS if each["key"]])
