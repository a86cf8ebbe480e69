"""The cards of projects without a kernel: what they show, ask for and send."""

from pathlib import Path

import pytest

import studio_widgets
from studio_widgets.projects.view import Cards
from waiting import until

FOLDER = Path(studio_widgets.__file__).parent / "projects"


def card(name, **changes):
    return {
        "key": name, "title": name.capitalize(), "description": f"About <i>{name}</i>", "archived": False,
        "facts": "2 runs · 2 files · no costs", "changed": "2026-11-22 10:00", "pictures": [],
    } | changes  # fmt: skip


EVERYTHING = card("", title="All projects", description="", changed="")
ANSWER = """() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 8, height: 8 });
    const bytes = Uint8Array.from(atob(canvas.toDataURL('image/webp').split(',')[1]), (c) => c.charCodeAt(0)).buffer;
    model.answer = (asked) => {
        if (asked.kind === 'pictures') setTimeout(() => model.emit('msg:custom', asked, [bytes, bytes, bytes]));
    };
}"""


@pytest.fixture
def grid(mount):
    def show(*cards, **changes):
        page = mount(FOLDER, {"cards": [], "chosen": "", "can_change": True, "empty": ""} | changes, esm=Cards._esm)
        page.evaluate(ANSWER)
        page.evaluate("(cards) => model.set('cards', cards)", [EVERYTHING, *cards])
        page.get_by_role("button", name="All projects").wait_for()
        return page

    return show


def sent(page, kind):
    return [m["content"] for m in page.evaluate("model.sent") if m["content"]["kind"] == kind]


def test_a_card_shows_its_newest_pictures_and_asks_for_them_once(grid):
    page = grid(card("sea", pictures=["a", "b", "c"]), card("empty"))
    page.wait_for_function("document.querySelectorAll('[data-project=sea] img').length === 3")
    page.evaluate("model.emit('change:cards')")
    page.evaluate("(cards) => model.set('cards', cards)", [EVERYTHING, card("sea", pictures=["b", "c", "d"])])
    page.wait_for_function("model.sent.filter((m) => m.content.kind === 'pictures').length === 2")
    assert sent(page, "pictures") == [{"kind": "pictures", "key": "sea"}] * 2


def test_a_click_anywhere_on_a_card_chooses_the_project(grid):
    page = grid(card("sea"), card("poster"))
    page.locator("[data-project=poster] .sj-covers").click(force=True)
    page.get_by_role("button", name="All projects").click()
    assert [wish["project"] for wish in sent(page, "choose")] == ["poster", ""]


def test_the_chosen_project_is_told_in_words_and_to_screen_readers(grid):
    page = grid(card("sea"), card("poster"), chosen="sea")
    assert page.get_by_role("button", name="Sea", pressed=True).count() == 1
    assert page.locator("[data-project=sea] .sj-facts").inner_text().startswith("Chosen · ")


def test_arrows_move_between_cards(grid):
    page = grid(card("sea"), card("poster"))
    page.get_by_role("button", name="All projects").focus()
    focused = "document.activeElement.textContent"
    page.keyboard.press("ArrowRight")
    until(lambda: page.evaluate(focused) == "Sea")
    page.keyboard.press("End")
    until(lambda: page.evaluate(focused) == "Poster")
    page.keyboard.press("ArrowRight")
    until(lambda: page.evaluate(focused) == "Poster")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    assert sent(page, "choose") == [{"kind": "choose", "project": ""}]


def test_projects_are_edited_archived_and_brought_back(grid):
    page = grid(card("sea"), card("old", archived=True))
    page.get_by_role("button", name="Edit Sea").click()
    page.get_by_role("button", name="Archive Sea").click()
    page.get_by_role("button", name="Bring back Old").click()
    assert sent(page, "edit") == [{"kind": "edit", "project": "sea"}]
    assert [(wish["project"], wish["on"]) for wish in sent(page, "archive")] == [("sea", True), ("old", False)]


def test_all_projects_cannot_be_edited_and_viewers_edit_none(grid):
    page = grid(card("sea"))
    assert page.get_by_role("button", name="Edit").count() == 1
    page = grid(card("sea"), can_change=False)
    assert page.get_by_role("button", name="Edit").count() == 0


def test_texts_are_texts(grid):
    page = grid(card("sea", title="<b>sea</b>"))
    assert page.locator(".sj-card b, .sj-card i").count() == 0
    page.get_by_text("<b>sea</b>").wait_for()


def test_the_focus_stays_on_a_card_that_moves(grid):
    page = grid(card("sea"), card("poster"))
    page.get_by_role("button", name="Poster").first.focus()
    page.evaluate("(cards) => model.set('cards', cards)", [EVERYTHING, card("poster"), card("sea")])
    page.wait_for_function("document.querySelectorAll('.sj-card')[1].dataset.project === 'poster'")
    assert page.evaluate("document.activeElement.textContent") == "Poster"


def test_nothing_is_left_behind(grid):
    page = grid(card("sea"))
    page.evaluate("cleanup()")
    assert page.evaluate("Object.values(model.handlers).every((list) => !list.length)")
