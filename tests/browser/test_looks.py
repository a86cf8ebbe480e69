"""Both panels in JupyterLab's light and dark theme: legible, named for screen readers, nothing cut off."""

import pytest

from looks import CONTRAST

CELLS = (
    """
import tempfile
import studio_kernel as sk
from studio_widgets import GalleryPanel, GenerationPanel
studio = sk.open(tempfile.mkdtemp(), runner="inline")
for seed, prompt in enumerate(["a red house in a meadow", "a blue boat", "a green tree", "yellow stars"] * 3):
    run = studio.generate(prompt, model="procedural", seed=seed, progress=False)
studio.mark(run, rating=4, favourite=True)
panel = GenerationPanel(studio, model="procedural")
panel.state.prompt = "a red boat on the sea"
panel.state.submit()
gallery = GalleryPanel(studio)
gallery.state.open(run.id)
""",
    "panel",
    "gallery",
)

TEXTS = (
    ".studio .st-title", ".studio .st-sub", ".studio .widget-label", ".studio textarea", ".studio .st-primary",
    ".studio .st-badge.good", ".studio .st-facts dt", ".studio .st-facts dd", ".studio .jupyter-button.mod-active",
)  # fmt: skip


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_panels_are_legible_in_both_themes(open_lab, page, screenshot, theme):
    page.set_viewport_size({"width": 1280, "height": 2300})
    open_lab(*CELLS)
    page.locator(".studio-generate .st-facts dd").first.wait_for(timeout=60_000)
    page.locator(".sg-cell img").nth(11).wait_for(state="attached")
    page.evaluate("(t) => jupyterapp.commands.execute('apputils:change-theme', { theme: `JupyterLab ${t}` })", theme)
    page.wait_for_function(f"document.body.dataset.jpThemeLight === '{str(theme == 'Light').lower()}'")
    page.evaluate("() => Promise.allSettled(document.getAnimations().map((a) => a.finished))")
    screenshot(f"panels-{theme.lower()}-generate", ".studio-generate")
    screenshot(f"panels-{theme.lower()}-gallery", ".studio-gallery")
    assert {text: page.evaluate(CONTRAST, text) for text in TEXTS if page.evaluate(CONTRAST, text) < 4.5} == {}


def test_every_control_has_a_name(open_lab, page):
    open_lab(*CELLS)
    page.locator(".sg-cell img").nth(3).wait_for(state="attached")
    page.get_by_role("button", name="Advanced settings").click()
    nameless = page.evaluate("""() => [...document.querySelectorAll(
        '.studio :is(button, input, textarea, select, [role=slider], [role=listbox], [role=option], img)'
    )].filter((e) => e.checkVisibility() && e.type !== 'file').filter((e) => !(
        e.getAttribute('aria-label') || e.labels?.length || e.textContent.trim() || e.alt || e.title
    )).map((e) => e.outerHTML.slice(0, 200))""")
    assert nameless == []


def test_nothing_is_wider_than_a_narrow_window(open_lab, page):
    page.set_viewport_size({"width": 700, "height": 900})
    open_lab(*CELLS)
    page.locator(".sg-cell img").first.wait_for(state="attached")
    wide = page.evaluate("""() => [...document.querySelectorAll('.studio')]
        .filter((e) => e.scrollWidth > e.clientWidth + 1)
        .map((e) => `${e.className}: ${e.scrollWidth} > ${e.clientWidth}`)""")
    assert wide == []
