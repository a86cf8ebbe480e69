"""The pictures of the README, made from the real thing with the model that ships.

``STUDIO_SCREENSHOTS=docs/images pytest tests/browser/test_readme_pictures.py``
"""

import os
from pathlib import Path

import pytest

import studio_kernel as sk

pytestmark = pytest.mark.skipif("STUDIO_SCREENSHOTS" not in os.environ, reason="made when STUDIO_SCREENSHOTS is set")

DASHBOARD = Path(__file__).parents[2] / "notebooks" / "dashboards" / "gallery.ipynb"
PROMPTS = (
    "a blue boat on the sea",
    "two yellow stars in the night sky",
    "a green tree on a hill",
    "a white moon over hills",
    "a red house in the snow",
    "an orange fish in the sea",
    "a purple mountain at dusk",
    "a red boat on the sea",
    "a yellow house in a meadow",
    "a red house in a meadow",
)
CELLS = (
    """
import os
import studio_kernel as sk
from studio_widgets import GenerationPanel
panel = GenerationPanel(sk.open(os.environ["STUDIO_HOME"], runner="inline"), model="studio-tiny")
""",
    "panel",
)

APP = (
    """
import os
import studio_kernel as sk
from studio_widgets import StudioApp
studio = sk.open(os.environ["STUDIO_HOME"], runner="inline")
prompts = ["a red house in a meadow", "a red house in the snow", "a blue boat on the sea"]
runs = [studio.generate(prompt, model="studio-tiny", seed=7, progress=False) for prompt in prompts]
app = StudioApp(studio)
app.state.bring_back(runs[0].id)
app.state.workspace.compared = (runs[0].id, runs[1].id)
app.state.tab = "compare"
""",
    "app",
)
METER = (
    """
import os
import studio_kernel as sk
from studio_widgets import EstimateMeter
studio = sk.open(os.environ["STUDIO_HOME"], runner="inline")
for seed in range(3):
    studio.generate("a red house in a meadow", model="studio-tiny", num_images=4, seed=seed, progress=False)
meter = EstimateMeter(studio, model="studio-tiny")
meter.state.form.set("num_images", 4)
""",
    "meter",
)


@pytest.fixture
def studio(shown_home):
    with sk.open(shown_home, runner="inline") as studio:
        yield studio


def alone(page, selector):
    """Let one panel fill the page: what stands around it in the front end is taken away."""
    page.add_style_tag(content=ALONE)
    page.locator(selector).first.scroll_into_view_if_needed()
    page.evaluate("() => Promise.allSettled(document.getAnimations().map((a) => a.finished))")


ALONE = ".studio { padding: 16px 18px 18px !important; background: var(--jp-layout-color0, #fff); }"


def test_the_generation_panel(open_lab, page, screenshot):
    page.set_viewport_size({"width": 1280, "height": 1800})
    page.emulate_media(reduced_motion="reduce")
    open_lab(*CELLS)
    page.evaluate("jupyterapp.shell.collapseLeft()")
    prompt = page.get_by_role("textbox", name="Prompt", exact=True)
    prompt.fill("a red house in a meadow")
    page.get_by_role("button", name="Random seed").click()
    page.get_by_role("textbox", name="Seed").fill("7")
    prompt.focus()
    page.get_by_role("button", name="Generate").click()
    page.get_by_alt_text("a red house in a meadow", exact=True).wait_for(timeout=120_000)
    page.locator(".sg-badges .st-badge.good").wait_for()
    page.locator(".se-line[aria-busy=false]").get_by_text("free").wait_for(timeout=120_000)
    alone(page, ".studio-generate")
    screenshot("generation-panel", ".studio-generate")


def test_the_studio_app(open_lab, page, screenshot):
    page.set_viewport_size({"width": 1440, "height": 1640})
    page.emulate_media(reduced_motion="reduce")
    open_lab(*APP)
    page.evaluate("jupyterapp.shell.collapseLeft()")
    page.get_by_text("What differs in the settings").wait_for(timeout=120_000)
    page.locator(".se-line[aria-busy=false]").get_by_text("free").wait_for(timeout=120_000)
    page.wait_for_function("[...document.querySelectorAll('.sv-slot img, .sc-slot img')].every((e) => e.complete)")
    alone(page, ".studio-studio")
    screenshot("studio-app", ".studio-studio")


def test_the_estimate_meter(open_lab, page, screenshot):
    page.emulate_media(reduced_motion="reduce")
    open_lab(*METER)
    page.locator(".se-line[aria-busy=false]").get_by_text("4 results").wait_for(timeout=120_000)
    alone(page, ".studio-estimate")
    screenshot("estimate-meter", ".studio-estimate")


def test_the_gallery_dashboard(studio, open_dashboard, page, screenshot):
    for seed, prompt in enumerate(PROMPTS * 3):
        run = studio.generate(prompt, model="studio-tiny", seed=seed, progress=False)
        if seed % 7 == 0:
            studio.mark(run, rating=3 + seed % 3, favourite=seed % 14 == 0)
    page.set_viewport_size({"width": 1280, "height": 860})
    open_dashboard(DASHBOARD)
    page.locator(".sg-cell img").nth(20).wait_for(state="attached")
    page.get_by_role("option", name="a red house in a meadow").first.click()
    page.locator(".sg-details").get_by_alt_text("a red house in a meadow").wait_for()
    page.evaluate("() => Promise.allSettled(document.getAnimations().map((a) => a.finished))")
    screenshot("gallery-dashboard")
