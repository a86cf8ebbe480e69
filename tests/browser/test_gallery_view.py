"""The grid of the gallery without a kernel: what it shows, asks for and sends."""

import base64
from pathlib import Path

import pytest

import media
import studio_widgets
from studio_widgets.gallery.view import ALL_COLUMNS, RunsView
from waiting import until

FOLDER = Path(studio_widgets.__file__).parent / "gallery"
STATE = {
    "label": "Runs, newest first", "layout_name": "grid", "columns": list(ALL_COLUMNS), "actions": {},
    "selectable": True,
    "total": 100_000, "version": 1, "opened": "", "selection": {"all": False, "runs": []}, "empty": "Nothing here yet.",
}  # fmt: skip
FILM = base64.b64encode(media.film("webm", size=(320, 240), frames=48)).decode()

ANSWER = """() => {
    // A kernel of a hundred thousand runs: every seventh is a favourite, every hundredth failed.
    const canvas = Object.assign(document.createElement('canvas'), { width: 8, height: 8 });
    const bytes = Uint8Array.from(atob(canvas.toDataURL('image/webp').split(',')[1]), (c) => c.charCodeAt(0)).buffer;
    const item = (i) => ({
        run: `run-${i}`, key: i % 100 ? `key-${i}` : '', kind: i % 5 ? 'image' : 'video', title: `picture ${i}`,
        files: 1, rating: i % 6, status: i % 100 ? 'succeeded' : 'failed', favourite: i % 7 === 0, file: 0,
        bytes: i % 10 ? 900_000 : 90_000_000, model: 'studio-tiny', task: 'Text to image', seed: `${i}`,
        size: '512 × 512', time: '1.5 s', cost: '', date: '2026-11-22T10:00:00+00:00', imported: false, note: '',
        acts: i % 100 ? ['show', 'download'] : ['show', 'retry'],
    });
    window.inFlight = 0; window.most = 0;
    model.answer = (asked) => {
        if (asked.kind === 'items') {
            const items = [];
            for (let i = asked.first; i < asked.last; i += 1) items.push(item(i));
            setTimeout(() => model.emit('msg:custom', { ...asked, items }, []), 5);
        }
        if (asked.kind === 'part') {
            // a film in parts of a kilobyte, so that there is time to go away
            const part = (window.film ??= Uint8Array.from(atob(FILM), (c) => c.charCodeAt(0)));
            const end = Math.min(part.length, asked.start + 1024);
            setTimeout(() => model.emit('msg:custom', {
                ...asked, total: part.length, media_type: 'video/webm', name: 'film.webm',
            }, [part.slice(asked.start, end).buffer]), 10);
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
}""".replace("FILM", f"'{FILM}'")


@pytest.fixture
def grid(mount):
    page = mount(FOLDER, dict(STATE), esm=RunsView._esm)
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


def test_the_run_that_is_looked_at_is_marked(grid):
    grid.evaluate("model.set('opened', 'run-2')")
    assert grid.locator("[aria-current=true]").get_attribute("data-run") == "run-2"


def select(grid, *runs, everything=False):
    grid.evaluate("([all, runs]) => model.set('selection', { all, runs })", [everything, list(runs)])


def selected(grid):
    return grid.locator("[aria-selected=true]").evaluate_all("(cells) => cells.map((cell) => cell.dataset.run)")


def test_ctrl_and_the_checkbox_select_one_more(grid):
    grid.get_by_role("option", name="picture 3,").click(modifiers=["ControlOrMeta"])
    grid.get_by_role("option", name="picture 4,").hover()
    grid.locator(".sg-check").click()
    assert sent(grid, "select") == [
        {"kind": "select", "run": "run-3", "on": True},
        {"kind": "select", "run": "run-4", "on": True},
    ]
    assert sent(grid, "open") == []


def test_while_something_is_selected_a_click_selects_and_a_second_click_takes_it_back(grid):
    select(grid, "run-3")
    grid.get_by_role("option", name="picture 5,").click()
    grid.get_by_role("option", name="picture 3,").click()
    assert [(m["run"], m["on"]) for m in sent(grid, "select")] == [("run-5", True), ("run-3", False)]


def test_shift_selects_from_the_run_that_was_clicked_last(grid):
    grid.get_by_role("option", name="picture 3,").click()
    grid.get_by_role("option", name="picture 8,").click(modifiers=["Shift"])
    grid.get_by_role("option", name="picture 1,").click(modifiers=["Shift", "ControlOrMeta"])
    assert sent(grid, "range") == [
        {"kind": "range", "first": "run-3", "last": "run-8", "keep": False},
        {"kind": "range", "first": "run-3", "last": "run-1", "keep": True},
    ]


def test_everything_is_selected_without_being_read_and_then_without_one(grid):
    asked = len(sent(grid, "items"))
    grid.get_by_role("listbox").focus()
    grid.keyboard.press("ControlOrMeta+a")
    assert sent(grid, "select_all") == [{"kind": "select_all"}]
    select(grid, "run-2", everything=True)
    assert "run-2" not in selected(grid)
    assert "run-3" in selected(grid)
    assert len(sent(grid, "items")) == asked


def test_keys_select(grid):
    grid.get_by_role("listbox").focus()
    for key in ("ArrowRight", "Space", "Shift+ArrowRight", "Shift+ArrowRight"):
        grid.keyboard.press(key)
    assert sent(grid, "select") == [{"kind": "select", "run": "run-1", "on": True}]
    assert [(m["first"], m["last"]) for m in sent(grid, "range")] == [("run-1", "run-2"), ("run-1", "run-3")]
    select(grid, "run-1")
    grid.keyboard.press("Escape")
    assert sent(grid, "select_none") == [{"kind": "select_none"}]
    assert sent(grid, "open") == []


def test_a_long_press_selects_and_does_not_open(grid):
    cell = grid.get_by_role("option", name="picture 4,")
    cell.dispatch_event("pointerdown", {"pointerType": "touch", "clientX": 10, "clientY": 10})
    until(lambda: sent(grid, "select"), what="the selection")
    cell.dispatch_event("click")
    assert sent(grid, "select") == [{"kind": "select", "run": "run-4", "on": True}]
    assert sent(grid, "open") == []


def test_a_finger_that_scrolls_selects_nothing(grid):
    cell = grid.get_by_role("option", name="picture 4,")
    cell.dispatch_event("pointerdown", {"pointerType": "touch", "clientX": 10, "clientY": 10})
    cell.dispatch_event("pointermove", {"pointerType": "touch", "clientX": 10, "clientY": 60})
    assert grid.evaluate("new Promise((done) => setTimeout(() => done(model.sent), 600))")
    assert sent(grid, "select") == []


def test_a_list_that_selects_nothing_has_no_boxes(mount):
    page = mount(FOLDER, {**STATE, "selectable": False}, esm=RunsView._esm)
    page.evaluate(ANSWER)
    loaded(page)
    page.get_by_role("option", name="picture 3,").click(modifiers=["ControlOrMeta"])
    page.keyboard.press("ControlOrMeta+a")
    until(lambda: page.locator(".sg-check").count() == 0)
    assert sent(page, "select") + sent(page, "select_all") == []


def test_a_run_can_be_dragged(grid):
    carried = grid.get_by_role("option", name="picture 3,").evaluate("""(cell) => {
        const data = new DataTransfer();
        cell.querySelector('img').dispatchEvent(new DragEvent('dragstart', { bubbles: true, dataTransfer: data }));
        return [data.getData('application/x-studio-run'), data.getData('text/plain'), cell.draggable];
    }""")
    assert carried == ["run-3", "run-3", True]


def test_the_list_says_what_the_grid_does_not(grid):
    grid.evaluate("model.set('layout_name', 'list')")
    loaded(grid)
    row = grid.get_by_role("row", name="picture 7")
    assert row.get_by_role("gridcell").all_inner_texts() == [
        "", "", "picture 7", "studio-tiny", "Text to image", "7", "512 × 512", "1.5 s", "", "★ ♥",
        row.locator(".sg-date").inner_text(), "succeeded",
    ]  # fmt: skip
    assert "2026" in row.locator(".sg-date").inner_text() or "26" in row.locator(".sg-date").inner_text()
    assert grid.get_by_role("grid", name="Runs, newest first").get_attribute("aria-rowcount") == "100001"
    assert grid.evaluate("document.querySelectorAll('.sg-root *').length") < 300


def test_a_narrow_list_keeps_what_matters_most(grid):
    grid.set_viewport_size({"width": 520, "height": 860})
    grid.evaluate("model.set('layout_name', 'list')")
    loaded(grid)
    heading = grid.locator(".sg-heading").inner_text().split()
    assert {"Prompt", "Status"} <= set(heading)
    assert "Seed" not in heading
    assert grid.evaluate(
        "(() => { const b = document.querySelector('.sg-grid'); return b.scrollWidth <= b.clientWidth; })()"
    )


def test_a_change_from_grid_to_list_and_back_stays_at_the_same_runs(grid):
    grid.evaluate("document.querySelector('.sg-grid').scrollTop = 500_000")
    grid.wait_for_function("+document.querySelector('.sg-cell')?.dataset.place > 1000")
    loaded(grid)
    top = """() => {
        const edge = document.querySelector('.sg-grid').getBoundingClientRect().top;
        const isBelow = (c) => c.getBoundingClientRect().bottom > edge + 40;
        const below = [...document.querySelectorAll(".sg-cell")].filter(isBelow);
        return Math.min(...below.map((c) => +c.dataset.place));
    }"""
    before = grid.evaluate(top)
    grid.evaluate("model.set('layout_name', 'list')")
    loaded(grid)
    assert abs(grid.evaluate(top) - before) <= 6
    grid.evaluate("model.set('layout_name', 'grid')")
    loaded(grid)
    assert abs(grid.evaluate(top) - before) <= 12


def test_a_click_on_what_has_not_come_yet_opens_it_when_it_comes(mount):
    page = mount(FOLDER, dict(STATE), esm=RunsView._esm)
    page.locator(".sg-cell").nth(2).click()
    assert sent(page, "open") == []
    page.evaluate(ANSWER)
    until(lambda: [message["run"] for message in sent(page, "open")] == ["run-2"])


def test_a_grid_that_becomes_narrower_keeps_what_was_in_view(grid):
    grid.evaluate("document.querySelector('.sg-grid').scrollTop = 500_000")
    grid.wait_for_function("+document.querySelector('.sg-cell')?.dataset.place > 1000")
    loaded(grid)
    grid.locator(".sg-cell").nth(20).click()
    run = sent(grid, "open")[-1]["run"]
    grid.set_viewport_size({"width": 640, "height": 860})
    grid.wait_for_function(
        """(run) => {
            const edge = document.querySelector('.sg-grid').getBoundingClientRect();
            const at = document.querySelector(`[data-run="${run}"]`)?.getBoundingClientRect();
            return at && at.width < 640 / 3 && at.top >= edge.top - 1 && at.bottom <= edge.bottom + 1;
        }""",
        arg=run,
    )


def test_a_list_taller_than_an_element_can_be_shows_its_last_run(grid):
    grid.evaluate("() => { model.set('layout_name', 'list'); model.set('total', 2_000_000); }")
    grid.evaluate("document.querySelector('.sg-grid').scrollTop = 1e9")
    grid.wait_for_function("[...document.querySelectorAll('.sg-cell')].some((c) => c.dataset.place === '1999999')")
    last = grid.locator("[data-place='1999999']").bounding_box()
    box = grid.locator(".sg-grid").bounding_box()
    assert abs(last["y"] + last["height"] - box["y"] - box["height"]) < 4
    grid.get_by_role("grid").focus()
    grid.keyboard.press("Home")
    grid.wait_for_function("document.querySelector('.sg-cell.is-active')?.dataset.place === '0'")


@pytest.fixture
def history(mount):
    labels = {"show": "View", "download": "Download", "retry": "Retry"}
    columns = ["picture", "title", "status", "time", "actions"]
    state = {**STATE, "layout_name": "list", "selectable": False, "columns": columns, "actions": labels}
    page = mount(FOLDER, state, esm=RunsView._esm)
    page.evaluate(ANSWER)
    loaded(page)
    return page


def test_rows_have_the_buttons_that_fit_their_run(history):
    history.get_by_role("button", name="Retry: picture 0").click()
    history.get_by_role("button", name="View: picture 1", exact=True).click()
    assert sent(history, "act") == [
        {"kind": "act", "name": "retry", "run": "run-0"},
        {"kind": "act", "name": "show", "run": "run-1"},
    ]
    assert history.get_by_role("button", name="Retry").count() == 1
    assert sent(history, "open") == []


def test_a_file_is_saved_in_parts_under_its_name(history):
    with history.expect_download() as saving:
        history.get_by_role("button", name="Download: picture 3", exact=True).click()
    assert saving.value.suggested_filename == "film.webm"
    assert saving.value.path().read_bytes() == media.film("webm", size=(320, 240), frames=48)
    assert len(sent(history, "part")) > 1


def test_a_clip_plays_without_sound_while_the_pointer_is_on_it(grid):
    grid.emulate_media(reduced_motion="no-preference")
    assert sent(grid, "part") == []
    grid.get_by_role("option", name="picture 5,").hover()
    grid.wait_for_function("document.querySelector('.sg-cell video')?.currentTime > 0")
    assert grid.evaluate("document.querySelector('.sg-cell video').muted")
    grid.mouse.move(0, 0)
    grid.get_by_role("option", name="picture 8,").hover()
    grid.wait_for_function("!document.querySelector('.sg-cell video')")


def test_a_pointer_that_leaves_ends_the_fetching_of_a_clip(grid):
    grid.emulate_media(reduced_motion="no-preference")
    grid.get_by_role("option", name="picture 5,").hover()
    until(lambda: sent(grid, "part"), what="the first part")
    grid.get_by_role("option", name="picture 8,").hover()
    asked = len(sent(grid, "part"))
    assert grid.evaluate("new Promise((done) => setTimeout(() => done(model.sent), 200))")
    assert len(sent(grid, "part")) == asked
    assert grid.locator(".sg-cell video").count() == 0


@pytest.mark.parametrize(("run", "motion"), [("10", "no-preference"), ("5", "reduce")])
def test_a_long_clip_or_a_visitor_who_wants_no_motion_is_not_played_to(grid, run, motion):
    grid.emulate_media(reduced_motion=motion)
    grid.get_by_role("option", name=f"picture {run},").hover()
    assert grid.evaluate("new Promise((done) => setTimeout(() => done(model.sent), 400))")
    assert sent(grid, "part") == []


def test_scrolling_slowly_fetches_what_comes_before_it_is_seen(grid):
    blank = grid.evaluate("""async () => {
        const box = document.querySelector('.sg-grid');
        let worst = 0, since = new Map();
        for (let i = 0; i < 240; i += 1) {
            box.scrollTop += 12;
            await new Promise(requestAnimationFrame);
            const edge = box.getBoundingClientRect(), now = performance.now();
            for (const cell of document.querySelectorAll('.sg-cell')) {
                const at = cell.getBoundingClientRect();
                const empty = cell.dataset.status !== 'failed' && !cell.querySelector('img');
                if (!empty || at.bottom < edge.top || at.top > edge.bottom) since.delete(cell);
                else if (!since.has(cell)) since.set(cell, now);
                else worst = Math.max(worst, now - since.get(cell));
            }
        }
        return worst;
    }""")
    assert blank < 100


def test_an_empty_gallery_says_so(mount):
    page = mount(FOLDER, {**STATE, "total": 0}, esm=RunsView._esm)
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
