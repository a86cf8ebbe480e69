"""The rows of the queue without a kernel: what they show and send."""

from pathlib import Path

import pytest

import studio_widgets

FOLDER = Path(studio_widgets.__file__).parent / "queue"


def row(key, **more):
    return {
        "key": key, "count": 1, "sweep": "", "title": f"picture {key}", "detail": "", "model": "studio-tiny",
        "place": 1, "is_working": False, "is_ending": False, "step": 0, "total": 0, "stage": "", "elapsed_s": 0,
        "remaining_s": None, "position": None, "begins_s": None, "who": "the worker", "can_move": True,
        "is_unfolded": False, "is_inside": False, "preview": 0, **more,
    }  # fmt: skip


WORKING = row(
    "w", is_working=True, place=0, step=3, total=10, stage="denoising", elapsed_s=4.2, remaining_s=9.6, preview=1
)
CELLS = row("sweep:s", count=1200, sweep="s", place=3, begins_s=75.0, title="a boat")
FAILED = {
    "run": "f", "title": "a fish", "model": "paid", "error": "the service is down", "at": "10:00 UTC",
    "can_fetch": False, "can_run_again": True,
}  # fmt: skip
QUEUE = {
    "kind": "queue", "paused": False, "canChange": True, "working": 1, "waiting": 1202, "workers": "worker on cuda",
    "rows": [WORKING, row("a", begins_s=9.6), row("b", place=2), CELLS], "failed": [FAILED],
    "question": "", "askedAbout": "", "pictures": ["w"],
}  # fmt: skip
TELL = """([queue, color]) => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 8, height: 8 });
    const context = canvas.getContext('2d');
    context.fillStyle = color;
    context.fillRect(0, 0, 8, 8);
    const bytes = Uint8Array.from(atob(canvas.toDataURL('image/webp').split(',')[1]), (c) => c.charCodeAt(0)).buffer;
    model.emit('msg:custom', queue, queue.pictures.map(() => bytes));
}"""


def tell(page, color="teal", **changes):
    page.evaluate(TELL, [{**QUEUE, **changes}, color])


def sent(page):
    return [m["content"] for m in page.evaluate("model.sent") if m["content"]["kind"] != "here"]


@pytest.fixture
def queue(mount):
    page = mount(FOLDER, {})
    tell(page)
    return page


def test_it_asks_when_it_is_seen(mount):
    page = mount(FOLDER, {})
    page.wait_for_function("model.sent.some((m) => m.content.kind === 'here')")


def test_progress_and_what_is_left_are_shown(queue, screenshot):
    working = queue.get_by_role("list", name="At work")
    assert working.get_by_role("progressbar").get_attribute("value") == "3"
    assert "denoising · step 3 of 10 · 4 s · about 10 s left" in working.inner_text()
    assert working.get_by_role("img", name="So far: picture w").is_visible()
    waiting = queue.get_by_role("list", name="Waiting, in order")
    assert "begins in about 1 min 15 s" in waiting.inner_text()
    assert "a boat (1,200 cells)" in waiting.inner_text()
    assert queue.get_by_role("status").inner_text() == "1 at work, 1,202 waiting"
    screenshot("queue-view")


def test_a_new_picture_replaces_the_old_one(queue):
    picture = queue.get_by_role("img", name="So far: picture w")
    before = picture.get_attribute("src")
    tell(queue, "red")
    assert picture.get_attribute("src") != before
    tell(queue, pictures=[])
    assert picture.is_visible()


def test_buttons_wish_and_keep_the_focus_when_rows_move(queue):
    down = queue.get_by_role("button", name="Put picture a one down")
    down.focus()
    down.press("Enter")
    assert sent(queue) == [{"kind": "down", "key": "a"}]
    tell(queue, rows=[WORKING, row("b"), row("a", place=2), CELLS])
    names = queue.locator(".is-waiting .sq-title").all_inner_texts()
    assert names[:2] == ["picture b", "picture a"]
    assert queue.evaluate("document.activeElement.getAttribute('aria-label')") == "Put picture a one down"


def test_keys_with_alt_move_a_row(queue):
    queue.get_by_role("button", name="Put picture b first").focus()
    queue.keyboard.press("Alt+ArrowUp")
    queue.keyboard.press("Alt+Home")
    assert sent(queue) == [{"kind": "up", "key": "b"}, {"kind": "first", "key": "b"}]


def test_a_row_is_dragged_before_another_and_behind_the_last(queue):
    rows = queue.locator(".is-waiting")
    rows.nth(1).drag_to(rows.nth(0), target_position={"x": 60, "y": 4})
    assert sent(queue) == [{"kind": "move", "key": "b", "before": "a"}]
    box = rows.nth(2).bounding_box()
    rows.nth(0).drag_to(rows.nth(2), target_position={"x": 60, "y": box["height"] - 4})
    assert sent(queue)[-1] == {"kind": "move", "key": "a", "before": ""}


def test_what_comes_while_a_row_is_dragged_waits_until_it_is_dropped(queue):
    rows = queue.locator(".is-waiting")
    rows.nth(0).hover()
    queue.mouse.down()
    rows.nth(1).hover()
    rows.nth(2).hover()
    tell(queue, rows=[row("b")], waiting=1, working=0)
    assert rows.count() == 3
    queue.mouse.up()
    assert rows.count() == 1


def test_everything_is_cancelled_only_when_asked_twice(queue):
    queue.get_by_role("button", name="Cancel all").click()
    assert sent(queue) == []
    queue.get_by_role("button", name="Really cancel 1,203?").click()
    assert sent(queue) == [{"kind": "cancel_all"}]


def test_pause_becomes_resume(queue):
    queue.get_by_role("button", name="Pause").click()
    tell(queue, paused=True)
    queue.get_by_role("button", name="Resume").click()
    assert sent(queue) == [{"kind": "pause"}, {"kind": "resume"}]
    assert "paused" in queue.get_by_role("status").inner_text()


def test_a_question_stands_at_its_run_until_it_is_answered(queue):
    queue.get_by_role("button", name="Run again: a fish").click()
    tell(queue, question="Pay once more?", askedAbout="f")
    assert queue.get_by_role("alert").inner_text() == "Pay once more?"
    assert not queue.get_by_role("button", name="Run again: a fish").is_visible()
    queue.get_by_role("button", name="Yes, run it").click()
    assert sent(queue) == [{"kind": "again", "key": "f"}, {"kind": "agree"}]


def test_a_viewer_has_no_buttons_that_change_something(queue):
    tell(queue, canChange=False)
    names = [each for each in queue.get_by_role("button").all_inner_texts() if each]
    assert sorted(set(names)) == ["Dismiss", "Show"]
    assert queue.locator("[draggable=true]").count() == 0


def test_texts_are_texts(queue):
    tell(queue, rows=[row("a", title="<img src=x onerror=alert(1)>")])
    assert queue.locator(".sq-title").first.inner_text() == "<img src=x onerror=alert(1)>"


def test_an_empty_queue_says_so(queue):
    tell(queue, rows=[], failed=[], working=0, waiting=0, pictures=[])
    assert queue.get_by_text("Nothing is at work and nothing waits.").is_visible()


def test_leaving_takes_listeners_and_pictures_away(queue):
    queue.evaluate("""() => {
        const revoke = URL.revokeObjectURL.bind(URL);
        window.revoked = 0;
        URL.revokeObjectURL = (url) => { window.revoked += 1; revoke(url); };
        window.cleanup();
    }""")
    assert queue.evaluate("Object.values(model.handlers).flat().length") == 0
    assert queue.evaluate("window.revoked") == 1
