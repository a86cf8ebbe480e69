"""Choosing a model for a form, and the table of models, in JupyterLab and in a dashboard."""

import pytest

from looks import CONTRAST

CELLS = (
    """
import tempfile
import traitlets
import studio_kernel as sk
from studio_widgets import ModelPicker, ModelsPanel
from studio_widgets.frame.panel import PanelBox
from studio_widgets.generation.state import GenerationState
from studio_widgets.picker.panel import PickerButton
from studio_widgets.picker.state import PickerState
studio = sk.open(tempfile.mkdtemp(), runner="inline")
form, picker = GenerationState(studio, attach=False), PickerState(studio)
traitlets.link((form, "model"), (picker, "chosen"))
traitlets.dlink((form, "task"), (picker, "task"))
button = PanelBox("Form", PickerButton(picker), tick=picker.poll)
models = ModelsPanel(studio, on_use=picker.choose)
""",
    "button",
    "models",
)
TEXTS = (
    ".sp-chosen .sp-line", ".sp-card .sp-line", ".sp-card .st-badge.warn", ".sp-head", ".sp-count", ".sp-field > span",
    ".sm-by", ".sm-headings button", ".sm-body .sm-standing", ".sm-details dt",
)  # fmt: skip


@pytest.mark.parametrize("place", ["lab", "dashboard"])
def test_a_model_is_chosen_by_keys_and_handed_over_from_the_table(place, request, page):
    request.getfixturevalue(f"open_{place}")(*CELLS)
    form, models = page.locator(".studio-form"), page.locator(".studio-models")
    form.get_by_text("Studio tiny").wait_for()
    form.get_by_role("button", name="Change…").click()
    search = form.get_by_role("combobox", name="Search models")
    search.wait_for()
    page.wait_for_function("document.activeElement.classList.contains('sp-search')")
    page.keyboard.type("flux schnell any")
    form.locator(".sp-count", has_text="1 model").wait_for()
    page.keyboard.press("Enter")
    form.locator(".sp-chosen").get_by_text("FLUX.1 [schnell] at any service").wait_for()
    search.wait_for(state="hidden")
    models.get_by_label("Search").fill("studio tiny")
    models.get_by_text("1 model").wait_for()
    models.locator(".sm-body > .sm-row[data-model='studio-tiny']").click()
    models.get_by_role("button", name="Use", exact=True).click()
    form.locator(".sp-chosen").get_by_text("Studio tiny").wait_for()
    models.get_by_role("button", name="Close").click()
    models.locator(".sm-details").wait_for(state="hidden")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_they_are_legible_in_both_themes_and_any_width(open_lab, page, screenshot, theme):
    page.set_viewport_size({"width": 1400, "height": 2300})
    open_lab(*CELLS)
    page.get_by_role("button", name="Change…").click()
    page.locator(".sp-card[data-model]").first.wait_for()
    page.locator(".sm-body > .sm-row[data-model]").nth(3).click()
    page.locator(".sm-parameters").wait_for()
    page.evaluate("(t) => jupyterapp.commands.execute('apputils:change-theme', { theme: `JupyterLab ${t}` })", theme)
    page.wait_for_function(f"document.body.dataset.jpThemeLight === '{str(theme == 'Light').lower()}'")
    page.evaluate("() => Promise.allSettled(document.getAnimations().map((a) => a.finished))")
    shots = ((1400, "wide"), (700, "narrow"))
    for width, name in shots:
        page.set_viewport_size({"width": width, "height": 2300})
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        screenshot(f"models-{theme.lower()}-{name}", ".studio-models")
        screenshot(f"button-{theme.lower()}-{name}", ".studio-form")
        wide = "[...document.querySelectorAll('.studio')].filter((e) => e.scrollWidth > e.clientWidth + 1).length"
        assert page.evaluate(wide) == 0
    page.set_viewport_size({"width": 1400, "height": 2300})
    assert {text: page.evaluate(CONTRAST, text) for text in TEXTS if page.evaluate(CONTRAST, text) < 4.5} == {}
