"""The cards of the explorer without a kernel: what they show, ask for and send."""

from pathlib import Path

import pytest

import studio_widgets
from accessibility import faults
from waiting import until

FOLDER = Path(studio_widgets.__file__).parent / "explorer"
HOSTILE = "<img src=x onerror=document.title='broken'>"


def card(number, **more):
    return {"id": f"card-{number}", "key": f"key-{number}", "title": f"sweep {number}", "lines": ["seed (3)"],
            "share": 0.5, **more}  # fmt: skip


STATE = {
    "label": "Sweeps, newest first",
    "cards": [card(1), card(2, title=HOSTILE), card(3, id="", key="", share=None)],
    "empty": "",
}
ANSWER = """() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 8, height: 8 });
    const bytes = Uint8Array.from(atob(canvas.toDataURL('image/webp').split(',')[1]), (c) => c.charCodeAt(0)).buffer;
    model.answer = (asked) => {
        if (asked.kind !== 'pictures') return;
        setTimeout(() => model.emit('msg:custom', asked, asked.ids.map(() => bytes)), 5);
    };
}"""


@pytest.fixture
def cards(mount):
    page = mount(FOLDER, {**STATE, "cards": []})
    page.evaluate(ANSWER)
    page.evaluate("(cards) => model.set('cards', cards)", STATE["cards"])
    page.locator(".sx-card img").nth(1).wait_for()
    return page


def sent(page, kind):
    return [m["content"] for m in page.evaluate("model.sent") if m["content"]["kind"] == kind]


def test_cards_say_what_they_stand_for_as_text(cards):
    assert cards.get_by_role("listitem").count() == 3
    assert cards.locator("b").all_inner_texts() == ["sweep 1", HOSTILE, "sweep 3"]
    assert cards.title() != "broken"
    assert cards.get_by_role("list").get_attribute("aria-label") == "Sweeps, newest first"
    assert faults(cards, cards.locator(".studio")) == []


def test_pictures_near_the_view_are_asked_for_once(cards):
    asked = [each for message in sent(cards, "pictures") for each in message["ids"]]
    assert sorted(asked) == ["card-1", "card-2"]


def test_a_card_is_chosen_by_click_or_key_unless_there_is_nothing_to_open(cards):
    cards.get_by_role("button", name="sweep 1").click()
    cards.keyboard.press("Tab")
    cards.keyboard.press("Enter")
    assert sent(cards, "choose") == [{"kind": "choose", "id": "card-1"}, {"kind": "choose", "id": "card-2"}]
    assert cards.get_by_role("button", name="sweep 3").is_disabled()


def test_a_card_that_says_the_same_stays_and_keeps_the_focus(cards):
    cards.get_by_role("button", name="sweep 1").focus()
    cards.evaluate("window.kept = document.activeElement")
    cards.evaluate("(cards) => model.set('cards', cards)", [card(4), card(1)])
    until(lambda: len([each for m in sent(cards, "pictures") for each in m["ids"]]) == 3, what="the new picture")
    assert cards.evaluate("window.kept === document.activeElement")
    assert cards.locator("b").all_inner_texts() == ["sweep 4", "sweep 1"]


def test_nothing_to_show_is_said(cards):
    cards.evaluate("() => { model.set('empty', 'No sweep fits.'); model.set('cards', []); }")
    assert cards.get_by_role("status").inner_text() == "No sweep fits."
    assert faults(cards, cards.locator(".studio")) == []


def test_leaving_takes_listeners_and_pictures_away(cards):
    cards.evaluate("""() => {
        const revoke = URL.revokeObjectURL.bind(URL);
        window.revoked = 0;
        URL.revokeObjectURL = (url) => { window.revoked += 1; revoke(url); };
        window.cleanup();
    }""")
    assert cards.evaluate("Object.values(model.handlers).flat().length") == 0
    assert cards.evaluate("window.revoked") == 2
