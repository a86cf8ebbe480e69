"""The header of a dashboard and its shelves without a kernel: the address of the browser, names, links, texts."""

import json
from pathlib import Path

import pytest

import studio_widgets
from studio_widgets.shelf.view import Shelf
from waiting import until

HERE = Path(studio_widgets.__file__).parent
SITE = "http://studio.test/voila/render/studio.ipynb"
VOILA = f'<script id="jupyter-config-data" type="application/json">{json.dumps({"kernelId": "1"})}</script>'
SCRIPT = "<img src=x onerror=\"document.title='hacked'\">"
STATE = {
    "title": "Harbour", "above": "Studio",
    "pages": [["home", "Home"], ["gallery", "Gallery"], ["run", "Run"], ["compare", "Compare"]],
    "page": "home", "counts": {"compare": 2}, "who": "", "longest_name": 64, "address": "", "answered": 0,
}  # fmt: skip
ROOT = '<div class="studio studio-dashboard"><div id="root"></div><div class="sw-pages"></div></div>'


@pytest.fixture
def header(mount, page):
    """header(query, page, **state): the header on a page of its own, or in a notebook."""

    def show(query="", html=VOILA + ROOT, **state):
        page.route("http://studio.test/**", lambda route: route.fulfill(body="<!doctype html>"))
        page.goto(SITE + query)
        return mount(HERE / "dashboard", STATE | state, html)

    return show


def sent(page, kind):
    return [m["content"] for m in page.evaluate("model.sent") if m["content"]["kind"] == kind]


def say(page, **traits):
    page.evaluate("(traits) => Object.entries(traits).forEach(([name, value]) => model.set(name, value))", traits)


def at(page, query):
    until(lambda: page.evaluate("location.search") == query, timeout=5, what=query)
    return True


def test_the_address_leads_and_follows_and_goes_back(header):
    page = header("?token=secret&page=gallery")
    [asked] = sent(page, "go")
    assert asked == {"kind": "go", "query": "?token=secret&page=gallery", "number": 1}
    assert page.locator(".studio-dashboard.is-going").count() == 1
    say(page, address="?page=gallery", answered=1)
    assert at(page, "?page=gallery")
    assert page.locator(".studio-dashboard.is-going").count() == 0

    say(page, address="?page=gallery&run=0192")
    assert at(page, "?page=gallery&run=0192")
    say(page, address="?page=gallery&run=0192&text=boat")
    assert at(page, "?page=gallery&run=0192&text=boat")
    page.go_back()
    assert sent(page, "go")[-1] == {"kind": "go", "query": "?page=gallery", "number": 2}
    say(page, address="?page=gallery", answered=2)
    page.go_forward()
    assert sent(page, "go")[-1]["query"] == "?page=gallery&run=0192&text=boat"


def test_in_a_notebook_the_address_is_left_alone(header):
    page = header("?file=mine", html=ROOT)
    say(page, address="?page=gallery")
    page.evaluate("new Promise(requestAnimationFrame)")
    assert page.evaluate("location.search") == "?file=mine"
    assert sent(page, "go") == []
    assert page.get_by_role("button", name="Copy link").is_hidden()


def test_pages_are_buttons_and_one_run_is_no_page_to_begin_with(header):
    page = header()
    pages = page.get_by_role("navigation", name="Pages").get_by_role("button")
    assert [words.split() for words in pages.all_inner_texts()] == [["Home"], ["Gallery"], ["Compare", "2"]]
    pages.nth(1).click()
    assert sent(page, "turn") == [{"kind": "turn", "page": "gallery"}]
    page.get_by_role("button", name="Studio", exact=True).click()
    assert sent(page, "leave") == [{"kind": "leave"}]
    page.evaluate("model.set('page', 'run')")
    assert pages.nth(2).get_attribute("aria-current") == "page"


def test_a_name_is_kept_by_the_browser_and_told_again(header):
    page = header()
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("Your name").press("Enter")
    assert sent(page, "introduce") == [{"kind": "introduce", "name": "Ada"}]
    say(page, who="Ada")
    page = header()
    assert sent(page, "introduce") == [{"kind": "introduce", "name": "Ada"}]
    assert page.get_by_label("Your name").input_value() == "Ada"


def test_the_link_is_to_what_is_on_the_screen_and_has_no_token(header):
    page = header("?token=secret")
    say(page, address="?page=run&run=0192", answered=1)
    page.get_by_role("button", name="Copy link").click()
    page.get_by_role("status").filter(has_text="link").wait_for()
    assert page.locator(".sw-link").input_value() == f"{SITE}?page=run&run=0192"


def test_texts_of_people_are_texts(header):
    page = header(title=SCRIPT, who=SCRIPT)
    assert page.get_by_role("heading", level=1).inner_text() == SCRIPT
    assert page.locator(".sw-head img").count() == 0
    assert page.title() != "hacked"


def test_a_shelf_asks_for_pictures_once_and_opens_what_is_chosen(mount, page):
    thing = {"key": "sea", "title": SCRIPT, "note": "", "facts": "2 runs", "pictures": ["a", "b"], "is_chosen": False}
    mount(HERE / "shelf", {"things": [], "label": "Projects", "size": "large", "empty": ""}, esm=Shelf._esm)
    assert page.locator(".sv-root").evaluate("(e) => getComputedStyle(e).display") == "none"
    page.evaluate("""() => {
        const canvas = Object.assign(document.createElement('canvas'), { width: 8, height: 8 });
        const bytes = Uint8Array.from(atob(canvas.toDataURL('image/webp').split(',')[1]), (c) => c.charCodeAt(0));
        const pictures = [bytes.buffer, bytes.buffer];
        model.answer = (asked) => {
            if (asked.kind === 'pictures') setTimeout(() => model.emit('msg:custom', asked, pictures));
        };
    }""")
    say(page, things=[thing])
    page.wait_for_function("document.querySelectorAll('.sv-pictures img').length === 2")
    say(page, things=[thing | {"facts": "3 runs"}])
    page.get_by_text("3 runs").wait_for()
    assert sent(page, "pictures") == [{"kind": "pictures", "key": "sea"}]
    assert page.locator(".sv-title").inner_text() == SCRIPT
    page.get_by_role("list", name="Projects").get_by_role("button").click()
    assert sent(page, "open") == [{"kind": "open", "key": "sea"}]
