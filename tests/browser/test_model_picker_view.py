"""The list of the model picker in a bare page, with the kernel's side of it in this process."""

import json
from pathlib import Path

import pytest

import studio_kernel as sk
import studio_widgets
from homes import rate
from many_models import write_models
from studio_widgets.picker.state import PickerState
from studio_widgets.picker.view import ModelList

FOLDER = Path(studio_widgets.__file__).parent / "picker"
DARK = {
    "--jp-ui-font-color1": "#e0e0e0", "--jp-ui-font-color2": "#a8a8a8", "--jp-border-color2": "#444",
    "--jp-border-color1": "#666", "--jp-layout-color0": "#111", "--jp-layout-color1": "#1a1a1a",
    "--jp-layout-color2": "#2c2c2c",
}  # fmt: skip


class Bridge:
    """Answers the page as the kernel does, by the widget itself."""

    def __init__(self, state, **options):
        self.said = []
        self.widget = ModelList(state, **options)
        self.widget.send = self.said.append

    def hear(self, content):
        self.said.clear()
        self.widget._hear(self.widget, content, [])
        return [self.widget.page, list(self.said)]


@pytest.fixture
def connect(mount, page):
    """connect(state): show the list of a state."""

    def connect_(state, **options):
        bridge = Bridge(state, **options)
        page.expose_function("kernel", bridge.hear)
        mount(FOLDER, {"page": bridge.widget.page, "focus": 0})
        page.evaluate("""() => {
            model.answer = (asked) => window.kernel(asked).then(([page, messages]) => {
                model.set('page', page);
                messages.forEach((message) => model.emit('msg:custom', message, []));
            });
            model.sent.forEach(({ content }) => model.answer(content)); // what was asked before
        }""")
        listed(page)
        return bridge

    return connect_


def listed(page):
    """Wait until every card in view is filled."""
    page.wait_for_function("""() => {
        const cards = [...document.querySelectorAll('.sp-card')];
        return cards.length && cards.every((card) => card.dataset.model);
    }""")


def all_are_called(page, word):
    """Wait until the list shows only models whose names have a word; the cards of before stand until it is drawn."""
    page.wait_for_function(
        """(word) => {
            const names = [...document.querySelectorAll('.sp-card b')].map((name) => name.textContent.toLowerCase());
            return names.length && names.every((name) => name.includes(word));
        }""",
        arg=word,
    )


def active(page):
    found = page.get_by_role("listbox").get_attribute("aria-activedescendant")
    return page.locator(f"#{found}").get_attribute("data-model")


def searched(page, text):
    page.wait_for_function("(text) => model.get('page').text === text", arg=text)
    listed(page)


def count_is(page, text):
    page.locator(".sp-count", has_text=text).wait_for()


@pytest.fixture
def studio(home):
    with sk.open(home) as studio:
        yield studio


@pytest.fixture
def state(studio):
    return PickerState(studio)


@pytest.fixture
def shown(connect, state, page):
    connect(state)
    return page


def test_typing_narrows_the_list(shown, state):
    shown.get_by_role("combobox", name="Search models").press_sequentially("krea")
    searched(shown, "krea")
    all_are_called(shown, "krea")
    assert state.text == "krea"


def test_words_that_nothing_has_are_said_to_be_read_as_others(shown):
    shown.get_by_role("combobox", name="Search models").fill("studoi tiny")
    count_is(shown, "searched for “studio tiny”")


def test_a_filter_narrows_and_shows_counts_and_is_taken_away(shown, state):
    everything = state.total
    price = shown.get_by_role("combobox", name="Price", exact=True)
    free = price.locator("option", has_text="Free").text_content()
    price.select_option("free")
    count_is(shown, "1 model")
    assert free == "Free (1)"
    shown.get_by_role("button", name="Clear filters").click()
    count_is(shown, f"{everything} models")
    assert price.input_value() == ""


def test_arrows_move_enter_chooses_and_the_choice_is_marked(shown, state):
    everything = state.total
    shown.get_by_role("combobox", name="Price", exact=True).select_option("unknown")
    shown.wait_for_function("(everything) => model.get('page').total < everything", arg=everything)
    shown.wait_for_function("(id) => document.querySelector('.sp-card').dataset.model === id", arg=state.cards[0].id)
    listed(shown)
    field = shown.get_by_role("combobox", name="Search models")
    field.focus()
    shown.keyboard.press("ArrowDown")
    wanted = active(shown)
    assert wanted != state.cards[0].id
    shown.keyboard.press("Enter")
    shown.locator("[aria-selected=true]").wait_for()
    assert state.chosen == wanted
    assert "✓ chosen" in shown.locator("[aria-selected=true]").text_content()


def test_home_end_and_page_keys_move_in_the_list(shown, state):
    shown.get_by_role("listbox").focus()
    shown.keyboard.press("End")
    listed(shown)
    assert active(shown) == state.cards[-1].id
    shown.keyboard.press("Home")
    listed(shown)
    assert active(shown) == state.cards[0].id
    shown.keyboard.press("ArrowRight")
    assert active(shown) == state.cards[1].id or shown.evaluate("innerWidth") < 700
    shown.keyboard.press("PageDown")
    listed(shown)
    assert state.cards.index(next(c for c in state.cards if c.id == active(shown))) > 3


def test_cards_that_did_not_come_are_asked_for_again_until_they_have_come(connect, page, state):
    page.clock.install()
    connect(state)
    page.evaluate("() => { model.heard = model.answer; model.answer = null; model.sent.length = 0; }")
    page.get_by_role("listbox").press("End")
    page.wait_for_function("model.sent.some(({ content }) => content.kind === 'items')")
    page.clock.run_for(1_000)  # all that scrolling draws is drawn: only the lost answer is left to ask
    page.evaluate("() => { model.answer = model.heard; }")
    page.clock.fast_forward(15_000)
    listed(page)
    assert active(page) == state.cards[-1].id
    page.clock.fast_forward(60_000)
    asked = [each["content"] for each in page.evaluate("model.sent") if each["content"]["kind"] == "items"]
    assert asked == [asked[0], asked[0]]


def test_a_letter_typed_in_the_list_goes_to_the_search(shown, state):
    shown.get_by_role("listbox").focus()
    shown.keyboard.type("veo")
    shown.wait_for_function("document.querySelector('.sp-search').value === 'veo'")
    searched(shown, "veo")
    all_are_called(shown, "veo")
    assert state.text == "veo"


def test_what_is_typed_stays_while_the_kernel_has_not_heard_it(shown):
    shown.evaluate("model.answer = null")
    shown.get_by_role("combobox", name="Search models").fill("veo")
    shown.wait_for_function("model.sent.at(-1).content.text === 'veo'")
    shown.evaluate("model.set('page', { ...model.get('page') })")  # an answer to an earlier question
    assert shown.get_by_role("combobox", name="Search models").input_value() == "veo"


def test_words_and_enter_at_once_choose_the_first_that_fits(shown, state):
    shown.get_by_role("combobox", name="Search models").focus()
    shown.keyboard.type("studio-tiny\n", delay=0)
    shown.locator("[aria-selected=true]").wait_for()
    assert state.chosen == "studio-tiny"


def test_a_click_chooses(shown, state):
    shown.get_by_role("option", name="Studio tiny").click()
    shown.locator("[aria-selected=true]").wait_for()
    assert state.chosen == "studio-tiny"


def test_escape_takes_the_words_away_or_closes(connect, page, state):
    closed = []
    connect(state, on_close=lambda: closed.append(True))
    page.get_by_role("combobox", name="Search models").press("Escape")
    page.wait_for_function("window.kernel({ kind: 'do', act: 'expand' }).then(() => true)")  # behind what was sent
    assert closed == [True]


def test_choosing_closes_where_there_is_something_to_close(connect, page, state):
    closed = []
    connect(state, on_close=lambda: closed.append(True))
    page.get_by_role("option", name="Studio tiny").click()
    page.locator("[aria-selected=true]").wait_for()
    assert closed == [True]


def test_a_heading_folds_its_models_away(shown, state):
    creator = state.groups[0].creator
    head = shown.get_by_role("button", name=creator)
    head.click()
    shown.wait_for_function("document.querySelector('.sp-head').getAttribute('aria-expanded') === 'false'")
    listed(shown)
    assert creator not in {card.creator for card in state.cards}
    shown.get_by_role("button", name="Collapse all").click()
    shown.wait_for_function("!document.querySelector('.sp-card')")
    shown.get_by_role("button", name="Expand all").click()
    listed(shown)


def test_a_retired_model_is_shown_refused_and_replaced(shown, state):
    shown.get_by_label("Show retired").check()
    shown.get_by_role("combobox", name="Search models").fill("sora remix")
    card = shown.get_by_role("option", name="retired 2026-09-24")
    card.wait_for()
    assert card.get_attribute("aria-disabled") == "true"
    card.click(force=True)  # it says that it is disabled
    shown.get_by_role("button", name="Use fal/veo3_1_extend_video").click()
    shown.wait_for_function("!document.querySelector('.sp-note:not([hidden])')")
    assert state.chosen == "fal/veo3_1_extend_video"


def test_it_opens_where_the_chosen_model_is(connect, page, state):
    state.chosen = "fal/veo3"
    connect(state)
    assert page.locator("[aria-selected=true]").get_attribute("data-model") == "fal/veo3"
    assert active(page) == "fal/veo3"


def test_what_is_known_of_the_model_under_the_cursor_is_told(shown):
    shown.get_by_role("listbox").focus()
    shown.keyboard.press("ArrowDown")
    shown.locator(".sp-facts dt", has_text="Licence").wait_for()


def test_keys_do_not_reach_the_notebook(shown):
    shown.evaluate("document.addEventListener('keydown', (e) => (window.leaked = e.key))")
    for place in (shown.get_by_role("combobox", name="Search models"), shown.get_by_role("listbox")):
        for key in ("ArrowDown", "Enter", "End"):
            place.press(key)
    assert shown.evaluate("window.leaked") is None


def test_texts_of_a_catalog_are_no_markup(connect, page, home):
    (home / "catalog").mkdir(parents=True)
    evil = "<img src=x onerror=window.hit=1>"
    entry = {"name": evil, "creator": evil, "description": evil, "family": "sd15", "file": "x.safetensors"}
    (home / "catalog" / "evil.yaml").write_text(json.dumps({"models": {"evil": entry}}))
    with sk.open(home) as studio:
        state = PickerState(studio)
        state.creator = evil
        state.look("evil")
        connect(state)
        assert evil in page.locator(".sp-card").text_content()
        assert page.evaluate("window.hit") is None
        assert page.locator("img").count() == 0


@pytest.fixture
def many(home, connect, page):
    write_models(home, 1720)
    with sk.open(home) as studio:
        state = PickerState(studio)
        assert state.total > 1990
        connect(state)
        yield state


def test_two_thousand_models_need_few_elements_wherever_one_looks(many, page):
    for _ in range(6):
        page.evaluate("document.querySelector('.sp-box').scrollTop += 9_000")
        listed(page)
        assert page.evaluate("document.querySelectorAll('.sp-card').length") < 60
        assert page.evaluate("document.querySelectorAll('.sp-box *').length") < 900
    page.get_by_role("listbox").focus()
    page.keyboard.press("End")
    listed(page)
    assert active(page) == many.cards[-1].id


def test_while_letters_come_fast_the_kernel_is_asked_once(many, page):
    page.get_by_role("combobox", name="Search models").press_sequentially("harbour 7", delay=5)
    count_is(page, "models")
    searched(page, "harbour 7")
    page.wait_for_function("document.querySelector('.sp-card b')?.textContent.startsWith('Harbour 7')")
    searches = [each["content"] for each in page.evaluate("model.sent") if each["content"]["kind"] == "search"]
    assert len(searches) <= 3
    assert searches[-1]["text"] == "harbour 7"


@pytest.mark.parametrize("width", [420, 700, 1400])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_has_room_in_any_width(connect, page, state, home, screenshot, width, theme):
    page.set_viewport_size({"width": width, "height": 900})
    rate(home, "fal/flux_1_dev", 3, 5, 5)
    state.poll()
    state.chosen = "fal/flux_1_dev"
    state.look("fal/flux_1_dev")
    connect(state)
    if theme == "dark":
        page.evaluate(
            """(colours) => {
            document.body.dataset.jpThemeLight = 'false';
            document.body.style.background = '#111';
            for (const [name, value] of Object.entries(colours)) document.body.style.setProperty(name, value);
        }""",
            DARK,
        )
    listed(page)
    screenshot(f"picker-{theme}-{width}")
    rated = page.locator(".sp-card[data-model='fal/flux_1_dev'] .st-badge", has_text="★")
    assert rated.text_content() == "★ 4.3 (3)"
    assert rated.get_attribute("title") == "mean of 3 ratings of what was made with it in this home"
    assert page.locator(".sp-card .st-badge", has_text="★").count() == 1  # nobody rated the others
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(
        "[...document.querySelectorAll('.sp-card')].every((c) => c.scrollHeight <= c.clientHeight + 2)"
    )


def test_leaving_takes_listeners_away(shown):
    shown.evaluate("window.cleanup()")
    assert shown.evaluate("Object.values(model.handlers).flat().length") == 0
