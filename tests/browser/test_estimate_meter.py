"""The estimate and the tips in JupyterLab and as a dashboard: click them and look at them."""

import statistics

import pytest

from looks import CONTRAST
from waiting import until

CELLS = (
    """
import tempfile
import studio_kernel as sk
from studio_widgets import GenerationPanel
studio = sk.open(tempfile.mkdtemp(), runner="inline")
panel = GenerationPanel(studio, model="studio-tiny")
""",
    "panel",
)
UNTRACED = tuple(cell.replace("studio-tiny", "procedural") for cell in CELLS)
MADE_UP = (
    """
import tempfile
from dataclasses import replace
import estimates
import studio_kernel as sk
from studio_widgets.estimate.panel import Meter
from studio_widgets.estimate.state import EstimateState
from studio_widgets.frame import panel as parts
from studio_widgets.generation.state import GenerationState
studio = sk.open(tempfile.mkdtemp(), runner="inline")
form = GenerationState(studio, model="procedural")
form.use_size(256, 256)
state = EstimateState(studio, form, answer=estimates.estimate)
""",
    "parts.PanelBox('Estimate', parts.card(Meter(state)))",
)
TEXTS = (
    ".se-line .se-verdict", ".se-line span", ".se-legend", ".se-meter .st-facts dt", ".se-meter .st-facts dd",
    ".st-tips-title", ".st-tips .st-facts dd", ".st-chip", ".st-more summary",
)  # fmt: skip
NAMELESS = """() => [...document.querySelectorAll(
    ':is(.se-meter, .st-tips) :is(button, input, a, summary, svg)'
)].filter((e) => e.checkVisibility()).filter((e) => !(
    e.getAttribute('aria-label') || e.labels?.length || e.textContent.trim() || e.title
)).map((e) => e.outerHTML.slice(0, 200))"""
TURN = "(t) => jupyterapp.commands.execute('apputils:change-theme', { theme: `JupyterLab ${t}` })"
STOPWATCH = """() => {
    // From a key that goes down to the first change of the meter: a new number, or the mark that there will be one.
    let pressed = 0;
    window.seen = [];
    document.addEventListener('keydown', () => { pressed = performance.now(); }, true);
    const tell = () => { if (pressed) window.seen.push(performance.now() - pressed); pressed = 0; };
    new MutationObserver(tell).observe(document.querySelector('.se-summary'), { subtree: true, childList: true });
}"""


@pytest.fixture(params=["lab", "dashboard"])
def panel(request, page):
    """(page, kernel, front end) with the generation panel loaded; its first estimate takes some seconds more."""
    yield from opened(request, request.param, CELLS)


@pytest.fixture
def untraced(request):
    """The same in JupyterLab with a model that needs no memory, so that every estimate is there at once."""
    yield from opened(request, "lab", UNTRACED)


def opened(request, front, cells):
    page, server = request.getfixturevalue("page"), request.getfixturevalue(f"{front}_server")
    kernel_id = request.getfixturevalue(f"open_{front}")(*cells)
    page.locator(".se-line").wait_for()
    with server.kernel(kernel_id) as kernel:
        yield page, kernel, front


@pytest.fixture
def made_up(lab_server, open_lab, page):
    """(page, kernel) with a meter of made-up estimates."""
    kernel_id = open_lab(*MADE_UP)
    settled(page)
    with lab_server.kernel(kernel_id) as kernel:
        yield page, kernel


def settled(page):
    page.locator(".se-line[aria-busy=false]").get_by_text("free").wait_for(timeout=120_000)


def test_the_meter_shows_within_moments_that_a_slider_moved(panel, screenshot, record_property):
    page, kernel, front = panel
    settled(page)
    page.evaluate(STOPWATCH)
    slider = page.get_by_role("slider", name="Steps")
    slider.focus()
    for count in range(1, 6):
        page.keyboard.press("ArrowLeft")
        page.wait_for_function("(n) => window.seen.length >= n", arg=count)
        until(lambda count=count: kernel("panel.state.values['num_inference_steps']") == 25 - count)
        until(lambda: not kernel("panel.estimate.is_stale"), what="the estimate")
        settled(page)
    seen = page.evaluate("window.seen")
    record_property(f"first change of the meter after a key, {front}, ms", [round(each) for each in seen])
    print(f"{front}: median {statistics.median(seen):.0f} ms, most {max(seen):.0f} ms")
    assert statistics.median(seen) < 1000  # 300 ms are the aim; a busy test machine must not fail it
    screenshot(f"estimate-panel-{front}")


def test_the_meter_follows_while_a_slider_is_dragged_and_says_what_is_wrong_with_the_form(untraced):
    page, kernel, _front = untraced
    settled(page)
    handle = page.get_by_role("slider", name="Images")
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 80, box["y"] + box["height"] / 2, steps=8)
    page.locator(".se-line").get_by_text("results").wait_for()  # and the button is still held
    page.mouse.up()
    until(lambda: kernel("panel.state.values['guidance_scale']") == 5.0)  # sliders that were not touched say nothing
    images = kernel("panel.state.values['num_images']")
    assert images > 1
    page.locator(".se-line").get_by_text(f"{images} results").wait_for()
    kernel("panel.state.set('num_inference_steps', 9999)")
    page.locator(".se-line").get_by_text("not known: Steps 9999 is outside").wait_for()


def test_tips_are_applied_with_a_click_and_a_model_without_has_no_card(panel, screenshot):
    page, kernel, front = panel
    kernel("panel.state.set('num_inference_steps', 7)")
    page.get_by_role("heading", name="Tips for Studio tiny").wait_for()
    page.get_by_role("button", name="Apply").click()
    page.locator(".st-tips").get_by_text("Changed: Steps 7 → 25.").wait_for()
    until(lambda: kernel("panel.state.values['num_inference_steps']") == 25)

    page.get_by_role("button", name="a blue boat in the sea").click()
    prompt = page.get_by_role("textbox", name="Prompt", exact=True)
    until(lambda: prompt.input_value() == "a blue boat in the sea", what="the example in the field")
    page.get_by_role("button", name="+ watercolor").focus()
    page.keyboard.press("Enter")
    until(lambda: prompt.input_value() == "a blue boat in the sea, watercolor", what="the word in the field")
    page.get_by_text("Notes and sources").click()
    page.get_by_text("Licence: Apache-2.0").wait_for()
    screenshot(f"tips-{front}")
    until(lambda: kernel("panel.state.prompt") == "a blue boat in the sea, watercolor")
    kernel("setattr(panel.state, 'model', 'procedural')")
    page.get_by_role("button", name="Apply").wait_for(state="hidden")


def test_the_whole_estimate_is_a_key_away_and_makes_a_run_smaller_that_does_not_fit(made_up, screenshot):
    page, kernel = made_up
    page.get_by_role("button", name="Details").focus()
    page.keyboard.press("Enter")
    page.get_by_text("decoding (vae), 3.0 GiB").wait_for()
    page.get_by_text("dry run, high confidence").wait_for()
    page.get_by_role("img", name="Memory of Test card, 8.0 GiB: used by others 2.0 GiB").first.wait_for()
    page.get_by_role("button", name="Less").wait_for()

    kernel("form.set('num_images', 9)")
    page.locator(".se-line").get_by_text("more than this device has").wait_for()
    page.get_by_text("decode in tiles: 6.5 GiB, fits, 1.2 times as long").wait_for()
    screenshot("estimate-too-much", ".studio")
    page.get_by_role("button", name="4 pictures at once").click()
    page.locator(".se-line").get_by_text("tight").wait_for()
    until(lambda: kernel("form.values['num_images']") == 4)
    page.get_by_role("button", name="4 pictures at once").wait_for(state="detached")


def test_a_late_answer_dims_what_is_shown_until_it_comes(made_up, screenshot):
    page, kernel = made_up
    kernel("exec('import threading; gate = threading.Event(); quick = state._answer', globals())")
    kernel("setattr(state, '_answer', lambda *a, **v: gate.wait(60) and quick(*a, **v))")
    kernel("form.set('num_images', 2)")
    page.locator(".se-line[aria-busy=true]").get_by_text("updating").wait_for()
    page.locator(".se-line").get_by_text("3.5 GiB").wait_for()  # the old number stays, dimmed
    screenshot("estimate-stale", ".studio")
    kernel("gate.set()")
    page.locator(".se-line[aria-busy=false]").get_by_text("4.5 GiB").wait_for()


def test_meter_and_tips_are_legible_named_and_fit_in_both_themes_and_in_a_narrow_column(open_lab, page, screenshot):
    page.set_viewport_size({"width": 1280, "height": 1900})
    open_lab(*CELLS)
    settled(page)
    page.get_by_role("button", name="Details").press("Enter")
    page.locator(".se-details").wait_for()
    for theme in ("Dark", "Light"):
        page.evaluate(
            "(t) => jupyterapp.commands.execute('apputils:change-theme', { theme: `JupyterLab ${t}` })", theme
        )
        page.wait_for_function(f"document.body.dataset.jpThemeLight === '{str(theme == 'Light').lower()}'")
        page.evaluate("() => Promise.allSettled(document.getAnimations().map((a) => a.finished))")
        screenshot(f"estimate-{theme.lower()}", ".studio-generate")
        shown = [text for text in TEXTS if page.locator(text).count()]
        assert {text: page.evaluate(CONTRAST, text) for text in shown if page.evaluate(CONTRAST, text) < 4.5} == {}
    assert page.evaluate(NAMELESS) == []

    page.set_viewport_size({"width": 700, "height": 1900})
    page.evaluate("jupyterapp.shell.collapseLeft()")
    screenshot("estimate-narrow", ".studio-generate")
    wide = page.evaluate("""() => [...document.querySelectorAll('.studio, .se-meter, .st-tips')]
        .filter((e) => e.scrollWidth > e.clientWidth + 1)
        .map((e) => `${e.className}: ${e.scrollWidth} > ${e.clientWidth}`)""")
    assert wide == []
