"""Presets, styles and export in JupyterLab and as a dashboard: clicked, read and looked at."""

import zipfile

import pytest
from PIL import Image

from looks import CONTRAST
from waiting import until

CELLS = (
    """
import tempfile
import studio_kernel as sk
from studio_widgets import ExportPanel, PresetPanel
from studio_widgets.generation.state import GenerationState
studio = sk.open(tempfile.mkdtemp(), runner="inline")
runs = [studio.generate("a boat", model="procedural", seed=seed, progress=False).id for seed in (1, 2)]
form = GenerationState(studio, model="procedural", attach=False)
form.prompt = "a red boat"
presets = PresetPanel(studio, form=form)
export = ExportPanel(studio, runs)
""",
    "presets",
    "export",
)
TEXTS = (
    ".sr-bar .st-sub", ".sr-told", ".sr-question", ".sr-bar .widget-label", ".sz-export .st-sub", ".sz-button",
    ".sz-told",
)  # fmt: skip
NAMELESS = """() => [...document.querySelectorAll('.studio :is(button, input, select, textarea)')]
    .filter((e) => e.checkVisibility())
    .filter((e) => !(e.getAttribute('aria-label') || e.labels?.length || e.textContent.trim() || e.title))
    .map((e) => e.outerHTML.slice(0, 200))"""


@pytest.fixture(params=["lab", "dashboard"])
def panels(request, page):
    """(page, kernel) with both panels loaded."""
    server = request.getfixturevalue(f"{request.param}_server")
    kernel_id = request.getfixturevalue(f"open_{request.param}")(*CELLS)
    page.get_by_label("Preset", exact=True).wait_for(timeout=60_000)
    page.get_by_role("button", name="Download ZIP").wait_for()
    with server.kernel(kernel_id) as kernel:
        yield page, kernel


def told(page, text):
    page.locator(".sr-told", has_text=text).wait_for()


def test_a_form_is_set_filled_saved_and_put_back(panels):
    page, kernel = panels
    page.get_by_label("Preset", exact=True).select_option(label="Square")
    page.get_by_text("As wide as high.").wait_for()
    page.get_by_label("Preset", exact=True).select_option(label="Portrait")
    page.get_by_role("button", name="Apply").click()
    told(page, "Changed: Width")
    until(lambda: kernel("form.values['height'] > form.values['width']"))
    page.get_by_label("Style", exact=True).select_option(label="Product shot")
    page.get_by_role("button", name="Fill in").click()
    page.get_by_role("alert").filter(has_text="product: is missing").wait_for()
    page.get_by_label("Product", exact=True).fill("a cup")
    page.get_by_text("studio photograph of a cup on a white table").wait_for()
    page.get_by_role("button", name="Fill in").click()
    told(page, "filled by the style “Product shot”")
    until(lambda: kernel("form.prompt").startswith("studio photograph of a cup on a white table"))
    page.get_by_role("button", name="Save…").click()
    page.get_by_label("Name", exact=True).fill("Portrait")
    page.get_by_role("button", name="Save settings").click()
    page.get_by_role("alert").filter(has_text="There is a preset “Portrait” already").wait_for()
    page.get_by_role("button", name="No").click()
    page.get_by_label("Name", exact=True).fill("My own")
    page.get_by_role("button", name="Save settings").click()
    told(page, "Saved as the preset “My own”.")
    until(lambda: kernel("studio.catalog.presets['my-own'].own"))
    assert page.get_by_label("Preset", exact=True).locator("option:checked").inner_text().split() == [
        "My",
        "own",
        "(own)",
    ]
    page.get_by_role("button", name="Undo").click()
    told(page, "as it was before")
    until(lambda: kernel("form.prompt") == "a red boat")


def test_a_click_keeps_a_file_with_the_runs(panels, screenshot):
    page, kernel = panels
    page.get_by_label("As", exact=True).select_option(label="Web")
    page.get_by_text("WebP, at most 2048 pixels a side").wait_for()
    with page.expect_download() as kept:
        page.get_by_role("button", name="Download ZIP").click()
    assert kept.value.suggested_filename == "studio-web-2.zip"
    with zipfile.ZipFile(kept.value.path()) as archive:
        assert [name.rsplit(".", 1)[1] for name in archive.namelist()] == ["webp", "webp", "csv"]
    page.locator(".sz-told", has_text="studio-web-2.zip").wait_for()
    page.get_by_label("Make", exact=True).select_option(label="Contact sheet")
    page.get_by_label("Title", exact=True).fill("Harbour")
    page.get_by_label("Title", exact=True).press("Tab")
    page.get_by_role("button", name="Download sheet").wait_for()
    with page.expect_download() as kept:
        page.get_by_role("button", name="Download sheet").click()
    assert kept.value.suggested_filename == "studio-sheet-2.png"
    with Image.open(kept.value.path()) as sheet:
        assert sheet.width > 200
    screenshot("export-sheet", ".studio-export")
    page.locator(".sz-told", has_text="studio-sheet-2.png").wait_for()
    assert kernel("export.state.take() is None")  # what was given away is not kept in memory


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_both_are_legible_and_named_at_any_width(open_lab, page, screenshot, theme):
    page.set_viewport_size({"width": 1400, "height": 1100})
    open_lab(*CELLS)
    page.evaluate("(t) => jupyterapp.commands.execute('apputils:change-theme', { theme: `JupyterLab ${t}` })", theme)
    page.wait_for_function(f"document.body.dataset.jpThemeLight === '{str(theme == 'Light').lower()}'")
    page.get_by_label("Preset", exact=True).select_option(label="Draft")
    page.get_by_role("button", name="Apply").click()
    told(page, "Left out: quality")
    page.get_by_label("Style", exact=True).select_option(label="Photograph")
    page.get_by_role("button", name="Save…").click()
    page.get_by_label("Name", exact=True).fill("Draft")
    page.get_by_role("button", name="Save settings").click()
    page.locator(".sr-question").wait_for()
    with page.expect_download():
        page.get_by_role("button", name="Download ZIP").click()
    page.locator(".sz-told", has_text="zip").wait_for()
    page.evaluate("() => Promise.allSettled(document.getAnimations().map((a) => a.finished))")
    for width in (1400, 700):
        page.set_viewport_size({"width": width, "height": 1100})
        screenshot(f"presets-{theme.lower()}-{width}", ".studio-presets")
        screenshot(f"export-{theme.lower()}-{width}", ".studio-export")
        wide = "() => [...document.querySelectorAll('.studio')].filter((e) => e.scrollWidth > e.clientWidth + 1).length"
        assert page.evaluate(wide) == 0
    assert page.evaluate(NAMELESS) == []
    assert {text: page.evaluate(CONTRAST, text) for text in TEXTS if page.evaluate(CONTRAST, text) < 4.5} == {}
