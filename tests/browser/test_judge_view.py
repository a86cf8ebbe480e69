"""Two files side by side without a kernel: what can be said of them, when, and by which key."""

import base64
import itertools
from pathlib import Path

import pytest

import media
import studio_widgets
from looks import CONTRAST, DARK
from studio_widgets.judge.view import SCRIPTS
from studio_widgets.page.scripts import esm
from waiting import until

FOLDER = Path(studio_widgets.__file__).parent / "judge"
STATE = {
    "turn": 0, "kinds": ["image", "image"], "question": "Which is better?", "prompt": "a <b>red</b> boat",
    "said": "2 judged", "can_undo": False,
}  # fmt: skip
ANSWER = """(files) => {
    // A kernel that has a file for each side, or holds it back.
    const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
    window.held = [];
    model.answer = (asked) => {
        if (asked.kind !== 'file') return;
        const file = files[asked.side];
        const give = () => model.emit('msg:custom', { ...asked }, [file === null ? new ArrayBuffer(0) : bytes(file)]);
        if (window.isHeld) window.held.push(give);
        else setTimeout(give);
    };
}"""
WHOLE = "translate(0%, 0%) scale(1)"
SEEN = "document.querySelector('.sd-root').getAttribute('aria-busy') === 'false'"


@pytest.fixture
def judge(mount):
    def show(left=None, right=None, **changes):
        page = mount(FOLDER, STATE | changes, esm=esm(*SCRIPTS))
        files = {"left": left or media.picture("webp"), "right": right or media.picture("webp", size=(64, 32))}
        page.evaluate(ANSWER, {side: file and base64.b64encode(file).decode() for side, file in files.items()})
        return page

    return show


@pytest.fixture
def duel(judge):
    page = judge()
    turn(page, 1)
    return page


def turn(page, number, *, seen=True):
    page.evaluate("(number) => model.set('turn', number)", number)
    if seen:
        page.wait_for_function(SEEN)


def sent(page, kind="vote"):
    return [m["content"] for m in page.evaluate("model.sent") if m["content"]["kind"] == kind]


def choices(page):
    return [message["choice"] for message in sent(page)]


def test_nothing_is_there_before_it_begins(judge):
    page = judge()
    assert not page.locator("#root").is_visible()
    assert sent(page, "file") == []
    assert page.locator("[aria-busy=true]").count() == 0


def test_each_side_is_asked_for_once_by_turn_and_side_alone(duel):
    assert sent(duel, "file") == [{"kind": "file", "turn": 1, "side": side} for side in ("left", "right")]
    duel.get_by_alt_text("The picture on the left").wait_for()
    turn(duel, 2)
    assert len(sent(duel, "file")) == 4
    assert duel.locator(".sd-media").count() == 2


@pytest.mark.parametrize(
    ("key", "choice"),
    [("ArrowLeft", "left"), ("ArrowRight", "right"), ("ArrowDown", "tie"), ("t", "tie"), ("T", "tie"), ("s", "skip")],
)
def test_keys_say_which_is_better(duel, key, choice):
    duel.keyboard.press(key)
    assert sent(duel) == [{"kind": "vote", "turn": 1, "choice": choice}]


@pytest.mark.parametrize(
    ("name", "choice"), [("Left is better", "left"), ("Right is", "right"), ("Tie", "tie"), ("Skip", "skip")]
)
def test_buttons_say_the_same(duel, name, choice):
    duel.get_by_role("button", name=name).click()
    assert choices(duel) == [choice]


def test_the_keyboard_is_the_judges_from_the_beginning_on(duel):
    assert duel.evaluate("document.activeElement.id") == "root"
    duel.get_by_role("button", name="Tie").click()
    turn(duel, 2)
    duel.keyboard.press("ArrowLeft")
    assert choices(duel) == ["tie", "left"]


def test_a_pair_is_judged_once(duel):
    for key in ("ArrowLeft", "ArrowRight", "s"):
        duel.keyboard.press(key)
    assert choices(duel) == ["left"]
    assert duel.get_by_role("button", name="Left is better").is_disabled()


def test_a_key_that_is_held_judges_nothing(duel):
    duel.keyboard.down("ArrowLeft")
    turn(duel, 2)
    duel.keyboard.down("ArrowLeft")  # without an up between them: a repeat
    assert [message["turn"] for message in sent(duel)] == [1]


def test_keys_of_the_page_stay_with_it(duel):
    for key in ("Control+ArrowLeft", "Alt+ArrowRight", "Shift+t", "Control+s", "x"):
        duel.keyboard.press(key)
    duel.evaluate("document.activeElement.blur()")
    duel.keyboard.press("ArrowLeft")
    assert choices(duel) == []


def test_nothing_is_judged_before_both_are_seen(judge):
    page = judge()
    page.evaluate("window.isHeld = true")
    turn(page, 1, seen=False)
    page.get_by_text("Loading").wait_for()
    page.keyboard.press("ArrowLeft")
    until(lambda: page.get_by_role("button", name="Tie").is_disabled())
    page.evaluate("window.held[0]()")
    page.get_by_alt_text("The picture on the left").wait_for()
    page.keyboard.press("ArrowLeft")
    assert choices(page) == []
    page.evaluate("window.held[1]()")
    page.wait_for_function(SEEN)
    page.keyboard.press("ArrowLeft")
    assert choices(page) == ["left"]


def test_a_file_that_comes_too_late_is_not_shown(judge):
    page = judge()
    page.evaluate("window.isHeld = true")
    turn(page, 1, seen=False)
    turn(page, 2, seen=False)
    page.evaluate("window.held.slice(0, 2).forEach((give) => give())")
    assert page.locator(".sd-media").count() == 0
    page.evaluate("window.held.slice(2).forEach((give) => give())")
    page.wait_for_function(SEEN)


@pytest.mark.parametrize("broken", [b"no picture", None])
def test_what_cannot_be_shown_can_only_be_skipped(mount, broken):
    page = mount(FOLDER, dict(STATE), esm=esm(*SCRIPTS))
    files = {"left": media.picture("webp"), "right": broken}
    page.evaluate(ANSWER, {side: file and base64.b64encode(file).decode() for side, file in files.items()})
    turn(page, 1, seen=False)
    page.get_by_text("The picture on the right cannot be shown; skip this pair").wait_for()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("s")
    assert choices(page) == ["skip"]


@pytest.mark.parametrize("key", ["u", "Control+z"])
def test_what_was_said_is_taken_back(duel, key):
    duel.keyboard.press(key)
    assert sent(duel, "undo") == []
    duel.evaluate("model.set('can_undo', true)")
    duel.keyboard.press(key)
    assert sent(duel, "undo") == [{"kind": "undo", "turn": 1}]


def test_words_are_shown_as_they_are(duel):
    assert duel.locator(".sd-prompt").inner_text() == "a <b>red</b> boat"
    duel.get_by_role("status").filter(has_text="2 judged").wait_for()
    duel.evaluate("model.set('prompt', '')")
    assert not duel.locator(".sd-prompt").is_visible()


def test_both_frames_have_the_same_form(duel):
    boxes = [duel.locator(".sd-side").nth(place).bounding_box() for place in range(2)]
    assert boxes[0]["width"] == boxes[1]["width"]
    assert boxes[0]["height"] == boxes[1]["height"]


def transforms(page):
    return page.evaluate("[...document.querySelectorAll('.sd-media')].map((media) => media.style.transform)")


def test_both_pictures_are_zoomed_and_moved_as_one_by_wheel_drag_buttons_and_keys(duel):
    box = duel.locator(".sd-side").nth(1).bounding_box()
    duel.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25)
    duel.keyboard.down("Control")
    duel.mouse.wheel(0, -300)
    duel.keyboard.up("Control")
    duel.wait_for_function("document.querySelectorAll('.sd-side.is-zoomed').length === 2")
    seen = [transforms(duel)]
    duel.mouse.down()
    duel.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5)
    duel.mouse.up()
    seen.append(transforms(duel))
    for key in ("Shift+ArrowRight", "+", "-"):
        duel.keyboard.press(key)
        seen.append(transforms(duel))
    duel.get_by_role("button", name="Zoom in").click()
    seen.append(transforms(duel))
    assert all(len(set(both)) == 1 for both in seen)
    assert all(before != after for before, after in itertools.pairwise(seen))
    duel.get_by_role("button", name="Fit").click()
    assert set(transforms(duel)) == {WHOLE}
    assert choices(duel) == []


def test_the_next_pair_is_seen_whole(duel):
    duel.keyboard.press("+")
    assert set(transforms(duel)) == {"translate(-12.5%, -12.5%) scale(1.25)"}
    turn(duel, 2)
    assert set(transforms(duel)) == {WHOLE}
    assert duel.locator(".is-zoomed").count() == 0


def test_a_double_click_shows_pixels_and_then_all(duel):
    side = duel.locator(".sd-side").first
    side.dblclick()
    shown = duel.locator(".sd-media").first.bounding_box()["height"]  # as wide as the frame allows
    assert shown == pytest.approx(32, abs=1)  # pixels of the picture on the left
    side.dblclick()
    assert set(transforms(duel)) == {WHOLE}


def test_players_are_not_zoomed(judge):
    page = judge(media.film("webm"), media.film("webm", dark=3), kinds=["video", "video"])
    turn(page, 1)
    page.keyboard.press("+")
    assert set(transforms(page)) == {WHOLE}
    assert not page.get_by_role("group", name="Zoom", exact=True).is_visible()


def test_films_can_be_seen_and_sounds_heard_one_at_a_time(judge):
    page = judge(media.film("webm"), media.film("webm", dark=3), kinds=["video", "video"])
    turn(page, 1)
    assert page.evaluate("[...document.querySelectorAll('video')].every((film) => film.muted)")
    page.keyboard.press("2")
    until(lambda: page.evaluate("[...document.querySelectorAll('video')].map((film) => film.muted)") == [True, False])
    page.keyboard.press("1")
    until(lambda: page.evaluate("[...document.querySelectorAll('video')].map((film) => film.muted)") == [False, True])
    page.locator("video").first.focus()
    page.keyboard.press("ArrowRight")
    assert choices(page) == ["right"]


def test_sounds_are_judged_too(judge):
    page = judge(media.sound("wav"), media.sound("ogg"), kinds=["audio", "audio"])
    turn(page, 1)
    page.keyboard.press("1")
    page.wait_for_function("!document.querySelector('audio').paused")
    page.keyboard.press("2")
    page.wait_for_function("document.querySelector('audio').paused")
    page.keyboard.press("ArrowLeft")
    assert choices(page) == ["left"]


def test_it_leaves_nothing_behind(duel):
    duel.evaluate("() => { window.cleanup(); }")
    duel.keyboard.press("ArrowLeft")
    assert choices(duel) == []
    assert duel.evaluate("Object.values(model.handlers).flat().length") == 0


@pytest.mark.parametrize("width", [1400, 700])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_readable_and_fits(judge, screenshot, width, theme):
    page = judge(media.picture("webp", size=(96, 96)), media.picture("webp", size=(96, 64)), can_undo=True)
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("document.body.style.backgroundColor = '#fff'")
    if theme == "dark":
        page.evaluate(DARK)
    turn(page, 1)
    screenshot(f"judge-{width}-{theme}")
    for text in (".sd-question", ".sd-prompt", ".sd-status", ".sd-choose", ".sd-rest .sd-button"):
        assert page.evaluate(CONTRAST, text) >= 4.5, text
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator(".sd-status").bounding_box()["y"] < 900
