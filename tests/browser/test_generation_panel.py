"""The generation panel in JupyterLab and as a dashboard, with a real studio behind it: click it and look at it."""

import pytest

from waiting import until

CELLS = (
    """
import tempfile
import studio_kernel as sk
from studio_widgets import GenerationPanel
studio = sk.open(tempfile.mkdtemp())
panel = GenerationPanel(studio, model="procedural")
""",
    "panel",
)
SLOWLY = "panel.state.set('step_seconds', 0.1)"


@pytest.fixture(params=["lab", "dashboard"])
def panel(request, page):
    """(page, kernel, front end) with the panel loaded."""
    front = request.param
    server = request.getfixturevalue(f"{front}_server")
    kernel_id = request.getfixturevalue(f"open_{front}")(*CELLS)
    page.get_by_role("button", name="Generate").wait_for()
    page.locator(".st-picture").wait_for()
    with server.kernel(kernel_id) as kernel:
        yield page, kernel, front


def prompt(page):
    return page.get_by_role("textbox", name="Prompt", exact=True)


def test_generate_a_picture_and_cancel_the_next(panel, screenshot):
    page, kernel, front = panel
    kernel(SLOWLY)
    prompt(page).fill("a red boat on the sea")
    page.get_by_role("slider", name="Steps").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    until(lambda: kernel("panel.state.values['num_inference_steps']") == 11, what="steps in the kernel")

    page.get_by_role("button", name="Generate").click()
    page.get_by_role("progressbar", name="Progress").wait_for()
    page.get_by_alt_text("Preview: a red boat on the sea").wait_for()
    assert kernel("panel.state.is_busy")  # the kernel answers while the picture is made
    page.get_by_alt_text("a red boat on the sea", exact=True).wait_for()
    assert kernel("panel.state.result.request.parameters['num_inference_steps']") == 11
    assert kernel("[run.request.prompt for run in studio.records()]") == ["a red boat on the sea"]
    page.locator(".st-facts").get_by_text(str(kernel("panel.state.result.seed"))).wait_for()
    screenshot(f"generation-panel-{front}")
    page.set_viewport_size({"width": 700, "height": 1100})
    screenshot(f"generation-panel-{front}-700")
    page.set_viewport_size({"width": 1280, "height": 860})

    page.get_by_role("button", name="Generate").click()
    page.get_by_role("button", name="Cancel").click()
    page.locator(".st-head").get_by_text("cancelled").wait_for()
    until(lambda: kernel("studio.records()[0].status") == "cancelled", what="the log")


def test_what_is_wrong_is_said_in_the_panel(panel, screenshot):
    page, kernel, front = panel
    page.get_by_role("button", name="Generate").click()
    page.get_by_role("alert").get_by_text("Prompt is required").wait_for()
    assert kernel("[panel.state.status, len(studio.records())]") == ["", 0]

    prompt(page).fill("a red boat")
    kernel("setattr(panel.state, 'model', 'no-such-model')")
    page.get_by_role("alert").get_by_text("unknown model 'no-such-model'").wait_for()
    assert page.get_by_role("button", name="Generate").is_disabled()
    screenshot(f"generation-panel-{front}-error")


def test_the_form_follows_the_task(panel):
    page, kernel, _front = panel
    kernel("setattr(panel.state, 'task', 'inpainting')")
    page.get_by_role("button", name="Mask …").wait_for()
    page.get_by_role("slider", name="Strength").wait_for()
    page.get_by_role("button", name="Advanced settings").click()
    page.get_by_role("button", name="Add LoRA").click()
    page.get_by_role("combobox", name="LoRA").wait_for()
    kernel("setattr(panel.state, 'task', 'text-to-image')")
    page.get_by_role("button", name="Mask …").wait_for(state="hidden")


def test_keys_in_the_panel_do_not_edit_the_notebook(open_lab, page):
    open_lab(*CELLS)
    page.get_by_role("button", name="Generate").focus()
    for key in "ddb":
        page.keyboard.press(key)
    assert page.evaluate("window.jupyterapp.shell.currentWidget.content.widgets.length") == 2
