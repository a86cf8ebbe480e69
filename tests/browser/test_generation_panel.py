"""The generation panel in JupyterLab and as a dashboard: click it and look at it."""

import pytest

from waiting import until

CELLS = (
    """
from pathlib import Path
import tempfile
from fake_studio import FakeStudio
from studio_widgets import GenerationPanel
studio = FakeStudio(3, Path(tempfile.mkdtemp()))
studio.step_s = 0.05
panel = GenerationPanel(studio)
""",
    "panel",
)


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


def test_generate_a_picture_and_cancel_the_next(panel, screenshot):
    page, kernel, front = panel
    screenshot(f"generate-{front}-empty")
    page.get_by_role("textbox", name="Prompt", exact=True).fill("a red boat on the sea")
    steps = page.get_by_role("slider", name="Steps")
    steps.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    until(lambda: kernel("panel.state.values['num_inference_steps']") == 22, what="steps in the kernel")

    page.get_by_role("button", name="Generate").click()
    page.get_by_role("progressbar", name="Progress").wait_for()
    page.get_by_alt_text("Preview: a red boat on the sea").wait_for()
    assert kernel("1 + 1") == 2  # the kernel answers while the picture is made
    page.get_by_alt_text("a red boat on the sea", exact=True).wait_for()
    assert kernel("panel.state.result.request.parameters['num_inference_steps']") == 22
    page.locator(".st-facts").get_by_text("4242").wait_for()
    screenshot(f"generate-{front}-1280")
    page.set_viewport_size({"width": 700, "height": 1200})
    screenshot(f"generate-{front}-700")
    page.set_viewport_size({"width": 1280, "height": 860})

    page.get_by_role("button", name="Generate").click()
    page.get_by_role("button", name="Cancel").click()
    page.locator(".st-head").get_by_text("cancelled").wait_for()
    assert kernel("panel.state.result.status") == "cancelled"


def test_what_is_wrong_is_said_in_the_panel(panel, screenshot):
    page, kernel, front = panel
    page.get_by_role("button", name="Generate").click()
    page.get_by_role("alert").get_by_text("Prompt is required").wait_for()
    assert kernel("panel.state.status") == ""

    page.get_by_role("textbox", name="Prompt", exact=True).fill("break it")
    page.get_by_role("button", name="Generate").click()
    page.get_by_role("alert").get_by_text("out of memory").wait_for()
    screenshot(f"generate-{front}-error")


def test_the_form_follows_task_and_model(panel):
    page, kernel, _front = panel
    page.get_by_label("Task").select_option(label="Inpainting")
    page.get_by_role("button", name="Mask …").wait_for()
    page.get_by_role("slider", name="Strength").wait_for()
    page.get_by_role("button", name="Advanced settings").click()
    page.get_by_label("CLIP skip").wait_for()
    page.get_by_label("Task").select_option(label="Text to image")
    page.get_by_role("button", name="Mask …").wait_for(state="hidden")
    page.get_by_label("Model").select_option(label="Quick")
    until(lambda: kernel("panel.state.model") == "quick")
    page.get_by_role("slider", name="Guidance scale").wait_for(state="hidden")
