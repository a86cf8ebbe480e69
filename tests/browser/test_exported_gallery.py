"""The exported gallery, opened from disk as its reader opens it."""

import re

import pytest

import studio_kernel as sk
from accessibility import faults
from homes import filled
from waiting import until

pytestmark = pytest.mark.browser
QUICK = {"model": "procedural", "num_inference_steps": 1, "width": 64, "height": 64}
SIZES = {"wide": (1400, 900), "middle": (800, 900), "phone": (390, 780)}
HOSTILE = "a blue fish <b>bold</b><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    folder = tmp_path_factory.mktemp("few")
    with sk.open(folder / "home") as studio:
        studio.generate("a red boat", seed=1, **QUICK)
        liked = studio.generate(HOSTILE, seed=2, project="fish", **QUICK)
        studio.mark(liked, favourite=True, rating=4, tags=["<i>keep</i>"])
        return studio.export_gallery(folder / "out", title="Harbour").as_uri()


@pytest.fixture(scope="module")
def fifteen_hundred(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    with filled(folder / "home", 1500) as studio:
        return studio.export_gallery(folder / "out", title="Harbour", limit=None, progress=False).as_uri()


@pytest.fixture
def gallery(page, few):
    page.goto(few)
    return ready(page)


@pytest.fixture
def many(page, fifteen_hundred):
    page.goto(fifteen_hundred)
    return ready(page)


def ready(page):
    page.locator("html[data-ready]").wait_for()
    return page


def have_pictures(page):
    until(lambda: page.evaluate("[...document.images].every((image) => image.complete && image.naturalWidth > 0)"))


def status(page):
    return page.get_by_role("status").inner_text()


def test_every_run_has_a_card_with_its_picture(gallery):
    assert gallery.title() == "Harbour"
    assert status(gallery) == "2 runs"
    assert gallery.locator(".card").count() == 2
    have_pictures(gallery)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_it_fits_the_screen_and_can_be_read(many, screenshot, size, scheme):
    width, height = SIZES[size]
    many.set_viewport_size({"width": width, "height": height})
    many.emulate_media(color_scheme=scheme)
    many.reload()
    ready(many)
    have_pictures(many)
    assert many.evaluate("document.documentElement.scrollWidth <= innerWidth")
    screenshot(f"exported-gallery-{size}-{scheme}")
    many.locator(".card").nth(3).click()
    many.locator("#media img").wait_for()
    screenshot(f"exported-gallery-{size}-{scheme}-details")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_reached_by_everybody(browser, fifteen_hundred, scheme):
    context = browser.new_context(bypass_csp=True, color_scheme=scheme, viewport={"width": 800, "height": 900})
    page = context.new_page()
    page.goto(fifteen_hundred)
    assert not faults(ready(page), page.locator("body"))
    page.locator(".card").first.click()
    page.locator("#media img").wait_for()
    assert not faults(page, page.get_by_role("dialog"))
    context.close()


def test_the_runs_can_be_filtered(gallery):
    gallery.get_by_label("Search").fill("boat")
    until(lambda: gallery.locator(".card").all_inner_texts() == ["a red boat\nprocedural · seed 1"])
    assert status(gallery) == "1 of 2 runs"
    gallery.get_by_label("Search").fill("")
    for label, choice in (("Project", "fish"), ("Tag", "<i>keep</i>"), ("Rating", "4")):
        gallery.get_by_role("combobox", name=label).select_option(choice)
        until(lambda: gallery.locator(".card").count() == 1)
        gallery.get_by_role("combobox", name=label).select_option("")
    gallery.get_by_label("Favourites only").check()
    until(lambda: gallery.locator(".card").count() == 1)
    gallery.get_by_label("Until").fill("2001-01-01")
    until(lambda: gallery.get_by_text("No run fits these filters.").is_visible())
    gallery.get_by_role("button", name="Clear filters").click()
    assert status(gallery) == "2 runs"


def test_the_runs_can_be_sorted(many):
    first = many.locator(".card").first
    assert "seed 1499" in first.inner_text()
    many.get_by_label("Sort by").select_option("oldest")
    until(lambda: "seed 0" in first.inner_text())


def test_a_card_opens_its_details_and_text_stays_text(gallery):
    gallery.get_by_role("link", name="a blue fish").click()
    dialog = gallery.get_by_role("dialog")
    assert dialog.get_by_role("heading").inner_text() == HOSTILE
    dialog.get_by_text("guidance scale").wait_for()
    assert "<i>keep</i>" in dialog.inner_text()
    gallery.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    assert gallery.locator("b, i, img[src=x]").count() == 0


def test_a_link_opens_the_run_it_names_and_back_closes_it(many):
    many.evaluate("scrollTo(0, 30000)")
    until(lambda: many.evaluate("Number(document.querySelector('.place')?.dataset.at) > 300"))
    card = many.locator(".card").first
    words = card.inner_text()
    card.click()
    dialog = many.get_by_role("dialog")
    dialog.get_by_text("guidance scale").or_(dialog.get_by_text("seed")).first.wait_for()
    address = many.url
    many.go_back()
    dialog.wait_for(state="hidden")
    many.goto("about:blank")
    many.goto(address)
    dialog.wait_for()
    seed = re.search(r"seed (\d+)", words)[1]
    assert dialog.locator("dd", has_text=re.compile(f"^{seed}$")).count() == 1
    many.keyboard.press("ArrowRight")
    dialog.locator("dd", has_text=re.compile(f"^{int(seed) - 1}$")).wait_for()
    dialog.get_by_role("button", name="Close").click()
    dialog.wait_for(state="hidden")
    until(lambda: "run=" not in many.url)


def test_filters_are_part_of_the_address(many):
    many.get_by_label("Search").fill("gold house")
    told = status(many)
    many.reload()
    ready(many)
    assert status(many) == told != "1500 runs"
    assert many.get_by_label("Search").input_value() == "gold house"


def test_only_cards_in_sight_are_in_the_page_and_keys_reach_the_others(many):
    most = 90
    assert 10 < many.locator(".card").count() < most
    many.locator(".card").first.focus()
    for _ in range(30):
        many.keyboard.press("ArrowDown")
    place = many.evaluate("Number(document.activeElement.closest('.place').dataset.at)")
    assert place == 30 * many.evaluate("layout().columns")
    box = many.locator(":focus").bounding_box()
    assert 0 <= box["y"] < box["y"] + box["height"] <= 860
    assert many.locator(".card").count() < most


def test_the_page_asks_nobody_else_for_anything(many):
    asked = []
    many.on("request", lambda request: asked.append(request.url))
    many.reload()
    ready(many)
    assert asked
    assert all(url.startswith("file:") or url == "data:," for url in asked)
