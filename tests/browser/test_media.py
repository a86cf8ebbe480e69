"""Videos and sounds on the screen: they play in the panels, in a notebook's card, and in what is exported."""

import pytest

import studio_kernel as sk
from engines import MediaEngine, install_media
from waiting import until

CELLS = (
    """
import tempfile, pathlib
import studio_kernel as sk
from engines import MediaEngine, install_media
from studio_widgets import GalleryPanel, GenerationPanel
home = pathlib.Path(tempfile.mkdtemp())
install_media(home)
studio = sk.open(home, engines=[MediaEngine()])
""",
)
PLAYS = """async (video) => {
    // Played to its end, and with a picture in it.
    await video.play();
    await new Promise((ended) => video.addEventListener('ended', ended, { once: true }));
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    const pen = canvas.getContext('2d');
    pen.drawImage(video, 0, 0);
    return [video.videoWidth, video.videoHeight, ...pen.getImageData(2, 2, 1, 1).data.slice(0, 3)];
}"""
LARGEST = "(el) => { el.value = el.max; ['input', 'change'].forEach((name) => el.dispatchEvent(new Event(name))); }"
LOADED = "(el) => el.readyState >= 1 && el.error === null && el.duration > 0.3"


def plays(video):
    """Play a video of `media.film` to its end: its last frames are orange."""
    width, height, red, green, blue = video.evaluate(PLAYS)
    assert (width, height) == (64, 48)
    assert (red, green, blue) == pytest.approx((250, 190, 60), abs=25)


def is_loaded(element):
    until(lambda: element.evaluate(LOADED), what="the file in the page")


@pytest.fixture
def lab(open_lab):
    """lab(*cells): show what they give, in a notebook that has a studio with `MediaEngine`."""
    return lambda *cells: open_lab(*CELLS, *cells)


def test_the_generation_panel_plays_what_it_made(lab, page, screenshot):
    lab("panel = GenerationPanel(studio, task='text-to-video', model='media')\npanel")
    page.get_by_role("textbox", name="Prompt", exact=True).fill("webm")
    page.get_by_role("button", name="Generate").press("Enter")  # what is shown may move while it comes
    video = page.locator(".st-picture video")
    is_loaded(video)
    plays(video)
    screenshot("generation-video", ".st-outcome")
    page.get_by_role("textbox", name="Prompt", exact=True).fill("wav")
    page.get_by_role("button", name="Generate").press("Enter")
    is_loaded(page.locator(".st-picture audio"))
    assert page.locator(".st-picture video").count() == 0
    screenshot("generation-sound", ".st-outcome")


def test_the_gallery_shows_and_plays_videos_and_sounds(lab, page, screenshot):
    lab(
        "for kinds in ('png', 'jpg webp', 'flac', 'webm'): studio.generate(kinds, model='media', progress=False)\n"
        "panel = GalleryPanel(studio)\npanel"
    )
    video_cell = page.get_by_role("option", name="webm, video")
    video_cell.locator("img").wait_for(timeout=60_000)
    assert video_cell.locator(".sg-kind").is_visible()
    sound_cell = page.get_by_role("option", name="flac, sound")
    assert sound_cell.locator(".sg-kind").inner_text() == "♪"
    assert page.get_by_role("option", name="png").locator(".sg-kind").count() == 0
    page.wait_for_function(
        "() => [...document.querySelectorAll('.sg-cell img')].filter((i) => i.naturalWidth).length === 3"
    )
    video_cell.click()
    video = page.locator(".sg-details video")
    is_loaded(video)
    screenshot("gallery-media")
    plays(video)
    sound_cell.click()
    is_loaded(page.locator(".sg-details audio"))
    screenshot("gallery-sound")


def test_the_card_of_a_run_plays_in_a_notebook(lab, page, screenshot):
    lab(*(f"studio.generate({kind!r}, model='media', progress=False)" for kind in ("webm", "mp3")))
    video = page.locator(".jp-OutputArea-output video")
    is_loaded(video)
    assert video.get_attribute("poster").startswith("data:image/webp;base64,")
    plays(video)
    is_loaded(page.locator(".jp-OutputArea-output audio"))
    screenshot("card-media")


@pytest.fixture
def studio(tmp_path):
    install_media(tmp_path / "home")
    with sk.open(tmp_path / "home", engines=[MediaEngine()]) as studio:
        yield studio


def test_an_exported_gallery_plays_from_disk(studio, page, tmp_path, screenshot):
    for kind in ("webm", "opus", "avif"):
        studio.generate(kind, model="media", progress=False)
    page.goto(studio.export_gallery(tmp_path / "out").as_uri())
    page.wait_for_function("() => [...document.images].filter((i) => i.naturalWidth > 0).length === 2")
    assert page.locator(".card[data-kind=audio] .sound").inner_text() == "♪"
    screenshot("exported-gallery-media")
    page.get_by_role("link", name="opus").click()
    is_loaded(page.locator("#media audio"))
    page.keyboard.press("Escape")
    page.get_by_role("link", name="webm").click()
    video = page.locator("#media video")
    is_loaded(video)
    assert video.get_attribute("poster").endswith(".thumb.webp")
    screenshot("exported-gallery-video")


def test_an_exported_grid_plays_from_disk(studio, page, tmp_path, screenshot):
    sweep = studio.sweep("webm", model="media", axes={"prompt": ["webm", "wav", "jpg"], "seed": [1, 2]})
    page.goto(sweep.wait(progress=False).grid().save(tmp_path / "grid").as_uri())
    page.wait_for_function("() => [...document.images].filter((i) => i.naturalWidth > 0).length === 4")
    page.locator("#size").evaluate(LARGEST)
    page.wait_for_function("() => [...document.images].every((i) => i.complete && i.naturalWidth > 0)")
    screenshot("exported-grid-media")
    page.locator(".cell[data-kind=video]").first.click()
    is_loaded(page.locator("#media video"))
    page.keyboard.press("Escape")
    page.locator(".cell[data-kind=audio]").first.click()
    is_loaded(page.locator("#media audio"))
