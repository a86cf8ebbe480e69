"""The generation panel in JupyterLab and as a dashboard, with a real studio behind it: click it and look at it."""

import io

import pytest
from PIL import Image, ImageDraw

from waiting import until

CELLS = (
    """
import tempfile
import studio_kernel as sk
from studio_widgets import GenerationPanel
studio = sk.open(tempfile.mkdtemp(), runner="inline")
panel = GenerationPanel(studio, model="procedural")
""",
    "panel",
)
SLOWLY = "panel.state.set('step_seconds', 0.1)"


@pytest.fixture(params=["lab", "dashboard"])
def panel(request, page):
    """(page, kernel, front end) with the panel loaded."""
    yield from opened(request, page, request.param)


@pytest.fixture
def in_lab(request, page):
    """(page, kernel) with the panel loaded in JupyterLab."""
    for page_, kernel, _front in opened(request, page, "lab"):
        yield page_, kernel


def opened(request, page, front):
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


def test_enter_begins_with_the_prompt_as_it_stands_and_keys_do_not_edit_the_notebook(in_lab):
    page, kernel = in_lab
    prompt(page).fill("a red")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("boat")
    page.keyboard.press("Enter")
    page.locator(".st-badge.good").wait_for()
    assert kernel("[run.request.prompt for run in studio.records()]") == ["a red\nboat"]
    page.get_by_role("button", name="Generate").focus()
    for key in "ddb":
        page.keyboard.press(key)
    assert page.evaluate("window.jupyterapp.shell.currentWidget.content.widgets.length") == 2


def test_a_seed_is_used_again_when_it_is_no_longer_random(in_lab):
    page, kernel = in_lab
    prompt(page).fill("a red boat")
    page.keyboard.press("Enter")
    page.locator(".st-badge.good").wait_for()
    seed = kernel("panel.state.result.seed")
    page.get_by_role("button", name="Random seed").click()
    until(lambda: page.get_by_role("textbox", name="Seed").input_value() == str(seed), what="the seed in the field")
    page.get_by_role("button", name="Generate").click()
    until(lambda: kernel("[run.seed for run in studio.records()]") == [seed, seed], what="the second run")


def test_pictures_are_chosen_for_image_to_image_and_inpainting(in_lab, screenshot):
    page, kernel = in_lab
    kernel("panel.state.set('num_images', 2)")
    page.get_by_label("Task").select_option(label="Image to image")
    prompt(page).fill("a red boat")
    choose(page, "Input image …", "house.png", house())
    until(lambda: kernel("bool(panel.state.values['image'])"), what="the picture in the kernel")
    page.get_by_role("button", name="Remove").wait_for()  # the page has it too: nothing moves any more
    # By key: what the estimate says may still move the button, and a click that began before would end beside it.
    page.get_by_role("button", name="Generate").press("Enter")
    page.get_by_role("radio", name="Picture 1 of 2", checked=True).wait_for()
    page.get_by_role("radio", name="Picture 2 of 2").click()
    page.get_by_role("radio", name="Picture 2 of 2", checked=True).wait_for()
    screenshot("generation-panel-two")

    page.get_by_label("Task").select_option(label="Inpainting")
    choose(page, "Mask …", "mask.png", left_half())
    until(lambda: kernel("bool(panel.state.values['mask_image'])"), what="the mask in the kernel")
    page.get_by_role("slider", name="Strength").wait_for()
    page.get_by_role("button", name="Advanced settings").click()
    page.get_by_role("button", name="Add LoRA").click()
    page.get_by_role("combobox", name="LoRA").wait_for()
    page.get_by_role("button", name="Generate").press("Enter")
    result = "[str(panel.state.result.request.task), str(panel.state.result.status)]"
    until(lambda: kernel(result) == ["inpainting", "succeeded"], what="the picture")
    kept = "__import__('numpy').asarray(studio.run(panel.state.result.id).image)[:, -8:].mean(axis=(0, 1)).tolist()"
    assert kernel(kept) == pytest.approx([0, 0, 255], abs=2)  # what the mask leaves out stays as it was
    screenshot("generation-panel-inpainting")

    page.get_by_label("Task").select_option(label="Text to image")
    page.get_by_role("button", name="Mask …").wait_for(state="hidden")


def choose(page, button, name, data):
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name=button).click()
    chooser.value.set_files({"name": name, "mimeType": "image/png", "buffer": data})


def house():
    return png(Image.new("RGB", (128, 128), (0, 0, 255)))


def left_half():
    mask = Image.new("L", (128, 128), 0)
    ImageDraw.Draw(mask).rectangle((0, 0, 63, 127), fill=255)
    return png(mask)


def png(picture):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def test_a_kernel_that_was_restarted_is_told_of(in_lab):
    page, _kernel = in_lab
    page.clock.install()
    page.evaluate("jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    page.get_by_text("The kernel does not answer").wait_for()
