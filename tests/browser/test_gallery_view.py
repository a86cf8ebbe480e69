"""The grid of the gallery without a kernel: what it shows, asks for and sends."""

from pathlib import Path

import pytest

import studio_widgets
from waiting import until

FOLDER = Path(studio_widgets.__file__).parent / "gallery"
STATE = {"total": 100_000, "version": 1, "selected": "", "empty": "Nothing here yet."}

ANSWER = """() => {
    // A kernel of a hundred thousand runs: every seventh is a favourite, every hundredth failed.
    const canvas = Object.assign(document.createElement('canvas'), { width: 8, height: 8 });
    const bytes = Uint8Array.from(atob(canvas.toDataURL('image/webp').split(',')[1]), (c) => c.charCodeAt(0)).buffer;
    const item = (i) => ({
        run: `run-${i}`, key: i % 100 ? `key-${i}` : '', title: `picture ${i}`, files: 1, rating: i % 6,
        status: i % 100 ? 'succeeded' : 'failed', favourite: i % 7 === 0,
    });
    window.inFlight = 0; window.most = 0;
    model.answer = (asked) => {
        if (asked.kind === 'items') {
            const items = [];
            for (let i = asked.first; i < asked.last; i += 1) items.push(item(i));
            setTimeout(() => model.emit('msg:custom', { ...asked, items }, []), 5);
        }
        if (asked.kind === 'thumbnails') {
            window.most = Math.max(window.most, (window.inFlight += 1));
            setTimeout(() => {
                window.inFlight -= 1;
                model.emit('msg:custom', asked, asked.runs.map(() => bytes));
            }, 5);
        }
    };
    model.emit('change:version');
}"""


@pytest.fixture
def grid(mount):
    page = mount(FOLDER, dict(STATE))
    page.evaluate(ANSWER)
    loaded(page)
    return page


def loaded(page):
    """Wait until every cell in view is filled."""
    page.wait_for_function("""() => {
        const cells = [...document.querySelectorAll('.sg-cell')];
        return cells.length && cells.every((c) => c.dataset.status === 'failed' || c.querySelector('img')?.complete);
    }""")


def sent(page, kind):
    return [m["content"] for m in page.evaluate("model.sent") if m["content"]["kind"] == kind]


def test_a_hundred_thousand_runs_need_few_elements(grid):
    assert grid.evaluate("document.querySelectorAll('.sg-root *').length") < 300
    assert grid.get_by_role("option").count() < 100


def test_scrolling_far_fills_what_is_in_view_and_asks_for_nothing_between(grid):
    before = len(sent(grid, "thumbnails"))
    grid.evaluate("document.querySelector('.sg-grid').scrollTop = 1_000_000")
    grid.wait_for_function("+document.querySelector('.sg-cell')?.dataset.place > 1000")
    loaded(grid)
    assert grid.evaluate("document.querySelectorAll('.sg-root *').length") < 300
    assert len(sent(grid, "thumbnails")) - before <= 4


def test_a_fling_keeps_two_requests_in_flight_and_small_batches(grid):
    grid.evaluate("""async () => {
        const box = document.querySelector('.sg-grid');
        for (let i = 0; i < 60; i += 1) { box.scrollTop += 1400; await new Promise(requestAnimationFrame); }
    }""")
    loaded(grid)
    assert grid.evaluate("window.most") <= 2
    assert all(len(m["runs"]) <= 60 for m in sent(grid, "thumbnails"))
    assert all(m["last"] - m["first"] <= 400 for m in sent(grid, "items"))


def test_cells_have_names_for_screen_readers_and_pictures_alternative_texts(grid):
    cell = grid.get_by_role("option").nth(7)
    assert cell.get_attribute("aria-label") == "picture 7, 1 of 5 stars, favourite"
    assert cell.get_attribute("aria-setsize") == "100000"
    assert cell.locator("img").get_attribute("alt") == "picture 7"
    assert "failed" in grid.get_by_role("option").first.get_attribute("aria-label")


def test_a_click_wishes_to_open_a_run(grid):
    grid.get_by_role("option", name="picture 3,").click()
    assert sent(grid, "open") == [{"kind": "open", "run": "run-3"}]


def test_keys_move_open_mark_and_close(grid):
    grid.get_by_role("listbox").focus()
    for key in ("ArrowRight", "Enter", "f", "4", "Escape"):
        grid.keyboard.press(key)
    assert sent(grid, "open") == [{"kind": "open", "run": "run-1"}, {"kind": "open", "run": ""}]
    assert sent(grid, "star") == [{"kind": "star", "run": "run-1", "on": True}]
    assert sent(grid, "rate") == [{"kind": "rate", "run": "run-1", "rating": 4}]
    grid.keyboard.press("End")
    loaded(grid)
    active = grid.get_by_role("listbox").get_attribute("aria-activedescendant")
    assert grid.locator(f"#{active}").get_attribute("data-place") == "99999"


def test_keys_do_not_reach_the_notebook(grid):
    grid.evaluate("document.addEventListener('keydown', (e) => (window.leaked = e.key))")
    grid.get_by_role("listbox").focus()
    grid.keyboard.press("f")
    assert grid.evaluate("window.leaked") is None


def test_a_new_version_is_read_again_while_the_old_stays_on_screen(grid):
    asked = len(sent(grid, "items"))
    pictures = len(sent(grid, "thumbnails"))
    shown = grid.evaluate("document.querySelectorAll('.sg-cell img').length")
    grid.evaluate("() => { model.set('version', 2); window.kept = document.querySelectorAll('.sg-cell img').length; }")
    assert grid.evaluate("window.kept") == shown
    until(lambda: len(sent(grid, "items")) > asked, what="items asked again")
    loaded(grid)
    assert len(sent(grid, "thumbnails")) == pictures  # the pictures are still here


def test_the_selected_run_is_marked(grid):
    grid.evaluate("model.set('selected', 'run-2')")
    assert grid.locator("[aria-selected=true]").get_attribute("data-run") == "run-2"


def test_an_empty_gallery_says_so(mount):
    page = mount(FOLDER, {**STATE, "total": 0})
    assert page.get_by_text("Nothing here yet.").is_visible()


def test_leaving_takes_listeners_and_pictures_away(grid):
    grid.evaluate("""() => {
        const revoke = URL.revokeObjectURL.bind(URL);
        window.revoked = 0;
        URL.revokeObjectURL = (url) => { window.revoked += 1; revoke(url); };
        window.cleanup();
    }""")
    assert grid.evaluate("Object.values(model.handlers).flat().length") == 0
    assert grid.evaluate("window.revoked") > 10
