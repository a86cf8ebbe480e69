"""The exported gallery, opened from disk as its reader opens it."""

import pytest

import studio_kernel as sk

pytestmark = pytest.mark.browser
QUICK = {"model": "procedural", "num_inference_steps": 1, "width": 64, "height": 64}


@pytest.fixture
def gallery(page, tmp_path):
    with sk.open(tmp_path / "home") as studio:
        studio.generate("a red boat", seed=1, **QUICK)
        studio.mark(studio.generate("a blue fish <b>bold</b>", seed=2, **QUICK), favourite=True, rating=4)
        index = studio.export_gallery(tmp_path / "out", title="Harbour")
    page.goto(index.as_uri())
    return page


def test_every_run_has_a_card_with_its_picture(gallery, screenshot):
    assert gallery.title() == "Harbour"
    assert gallery.get_by_role("status").inner_text() == "2 runs"
    assert gallery.locator(".card").count() == 2
    gallery.wait_for_function("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
    screenshot("exported-gallery")


def test_the_runs_can_be_filtered(gallery):
    gallery.get_by_label("Search").fill("boat")
    assert gallery.locator(".card").all_inner_texts() == ["a red boat\nprocedural · seed 1"]
    assert gallery.get_by_role("status").inner_text() == "1 of 2 runs"
    gallery.get_by_label("Search").fill("")
    gallery.get_by_label("Favourites only").check()
    assert gallery.locator(".card").count() == 1


def test_a_card_opens_its_details_and_text_stays_text(gallery):
    gallery.get_by_role("button", name="a blue fish").click()
    dialog = gallery.get_by_role("dialog")
    assert dialog.get_by_role("heading").inner_text() == "a blue fish <b>bold</b>"
    assert "guidance scale" in dialog.inner_text()
    gallery.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
