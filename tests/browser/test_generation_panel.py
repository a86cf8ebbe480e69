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
SLOWLY = "panel.state.set('step_seconds', 0.5)"
ENDLESSLY = "panel.state.set('step_seconds', 10)"


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


def ended_well(page):
    page.locator(".st-head").get_by_text("succeeded").wait_for()


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
    until(lambda: kernel("panel.state.result.request.parameters['num_inference_steps']") == 11)
    until(lambda: kernel("[run.request.prompt for run in studio.records()]") == ["a red boat on the sea"])
    page.locator(".st-facts").get_by_text(str(kernel("panel.state.result.seed"))).wait_for()
    screenshot(f"generation-panel-{front}")
    page.set_viewport_size({"width": 700, "height": 1100})
    screenshot(f"generation-panel-{front}-700")
    page.set_viewport_size({"width": 1280, "height": 860})

    kernel(ENDLESSLY)
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
    ended_well(page)
    until(lambda: kernel("[run.request.prompt for run in studio.records()]") == ["a red\nboat"])
    page.get_by_role("button", name="Generate").focus()
    for key in "ddb":
        page.keyboard.press(key)
    assert page.evaluate("window.jupyterapp.shell.currentWidget.content.widgets.length") == 2


def test_keys_act_while_the_panel_has_the_focus_and_not_while_text_is_typed(in_lab):
    page, kernel = in_lab
    said = "[panel.state.random_seed, panel.state.values['guidance_scale'], panel.state.values['num_inference_steps']]"
    page.locator(".sf-heading").first.click()  # nothing to press there: the panel itself takes the focus
    page.wait_for_function("document.activeElement.classList.contains('sf-view')")
    for key in ("+", "+", "-", "]", "]", "[", "r"):
        page.keyboard.press(key)
    until(lambda: kernel(said) == [False, 5.1, 9], what="guidance, steps and a new seed")
    seed = kernel("panel.state.values['seed']")

    prompt(page).click()
    page.keyboard.type("r+[ a boat")
    page.keyboard.press("Tab")
    until(lambda: kernel("panel.state.prompt") == "r+[ a boat", what="the typed text")
    assert kernel(said) == [False, 5.1, 9]
    assert kernel("panel.state.values['seed']") == seed

    kernel(ENDLESSLY)
    prompt(page).press("Enter")
    page.get_by_role("progressbar", name="Progress").wait_for()
    page.keyboard.press("Escape")
    page.locator(".st-head").get_by_text("cancelled").wait_for()
    assert page.evaluate("window.jupyterapp.shell.currentWidget.content.widgets.length") == 2


def test_tasks_are_chosen_by_key_and_the_button_stays_where_it_is(in_lab):
    page, kernel = in_lab
    page.get_by_role("radio", name="Text to image").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_role("radio", name="Image to image", checked=True).wait_for()
    page.keyboard.press("ArrowLeft")
    page.get_by_role("radio", name="Text to image", checked=True).wait_for()
    until(lambda: kernel("panel.state.task") == "text-to-image", what="the task in the kernel")
    prompt(page).wait_for()
    place = """['.st-actions .st-primary', '.studio-generate'].map(
        (each) => document.querySelector(each).getBoundingClientRect().top).reduce((top, root) => top - root)"""
    page.locator(".se-line[aria-busy=false]").wait_for()
    top = page.evaluate(place)
    kernel("panel.state.set('num_images', 16)")
    page.locator(".se-line[aria-busy=false]").get_by_text("16 results").wait_for()
    page.get_by_role("button", name="Details").click()
    page.locator(".se-details").wait_for()
    assert page.evaluate(place) == pytest.approx(top, abs=1)


def test_more_is_queued_while_one_works_and_results_are_used_again(in_lab, screenshot):
    page, kernel = in_lab
    kernel(ENDLESSLY)
    prompt(page).fill("a red boat")
    for _ in range(3):
        page.get_by_role("button", name="Generate").press("Enter")
    page.get_by_role("status").get_by_text("2 more wait").wait_for()
    screenshot("generation-panel-queued")
    page.get_by_role("button", name="Cancel all").click()
    page.locator(".st-head").get_by_text("cancelled").wait_for()
    kernel("panel.state.set('step_seconds', 0)")
    page.get_by_role("button", name="Generate").press("Enter")
    ended_well(page)

    with page.expect_download() as saved:
        page.get_by_role("button", name="Download", exact=True).click()
    until(lambda: saved.value.suggested_filename == kernel("panel.state.file_name()"))
    with Image.open(saved.value.path()) as picture:
        assert picture.size == (128, 128)
    page.get_by_role("radio", name="4 stars").click()
    until(lambda: kernel("studio.records()[0].rating") == 4, what="the rating in the log")
    page.get_by_role("button", name="Use as input").click()
    page.get_by_role("button", name="Inpainting").click()
    until(lambda: kernel("bool(panel.state.values.get('image'))"), what="the picture as an input")
    until(lambda: kernel("panel.state.task") == "inpainting")


def test_what_is_being_typed_stays_when_something_else_about_the_field_changes(in_lab):
    page, kernel = in_lab
    of_prompt = "panel.view.form.controls['prompt']"
    prompt(page).press_sequentially("a red")
    kernel(f"setattr({of_prompt}, 'placeholder', 'other words')")
    page.get_by_placeholder("other words").wait_for()
    assert prompt(page).input_value() == "a red"
    prompt(page).press_sequentially(" boat")
    page.keyboard.press("Tab")
    until(lambda: kernel("panel.state.prompt") == "a red boat")

    prompt(page).press_sequentially(" at night")
    kernel("setattr(panel.state, 'prompt', 'a fish')")  # this is meant for the field
    until(lambda: prompt(page).input_value() == "a fish")
    prompt(page).press_sequentially(" in a bowl")
    page.keyboard.press("Tab")
    until(lambda: kernel("panel.state.prompt") == "a fish in a bowl")


def test_the_form_is_read_as_python_and_the_prompt_is_counted_while_it_is_typed(in_lab, screenshot):
    page, kernel = in_lab
    kernel("setattr(panel.state, 'model', 'studio-tiny')")
    page.locator(".st-count").get_by_text("0 of 30 tokens").wait_for()
    prompt(page).press_sequentially("a red boat")
    page.locator(".st-count").get_by_text("3 of 30 tokens").wait_for()
    prompt(page).fill("boat " * 31)
    page.get_by_role("status").get_by_text("the end is cut").wait_for()
    assert kernel("panel.state.prompt") == ""  # nothing is told before the field is left
    prompt(page).fill("a red boat")
    prompt(page).press("Tab")
    page.get_by_role("button", name="As Python").click()
    page.locator(".st-snippet pre").get_by_text('"a red boat"').wait_for()
    page.get_by_role("textbox", name="Width (px)").fill("130")
    page.get_by_role("textbox", name="Width (px)").press("Tab")
    page.get_by_text("Width 130 is not a multiple of 8; 128 is the nearest").wait_for()
    page.locator(".st-snippet pre").get_by_text("width=130").wait_for()
    screenshot("generation-panel-python")


def test_a_seed_is_used_again_when_it_is_no_longer_random(in_lab):
    page, kernel = in_lab
    prompt(page).fill("a red boat")
    page.keyboard.press("Enter")
    ended_well(page)
    seed = kernel("panel.state.result.seed")
    page.get_by_role("button", name="Random seed").click()
    until(lambda: page.get_by_role("textbox", name="Seed").input_value() == str(seed), what="the seed in the field")
    page.get_by_role("button", name="Generate").click()
    until(lambda: kernel("[run.seed for run in studio.records()]") == [seed, seed], what="the second run")


def test_pictures_are_chosen_for_image_to_image_and_inpainting(in_lab, screenshot):
    page, kernel = in_lab
    kernel("panel.state.set('num_images', 2)")
    page.get_by_role("radio", name="Image to image").click()
    prompt(page).fill("a red boat")
    choose(page, "Input image: choose file", "house.png", house())
    until(lambda: kernel("bool(panel.state.values['image'])"), what="the picture in the kernel")
    page.get_by_role("button", name="Remove").wait_for()  # the page has it too: nothing moves any more
    # By key: what the estimate says may still move the button, and a click that began before would end beside it.
    page.get_by_role("button", name="Generate").press("Enter")
    page.get_by_role("radio", name="Picture 1 of 2", checked=True).wait_for()
    page.get_by_role("radio", name="Picture 2 of 2").click()
    page.get_by_role("radio", name="Picture 2 of 2", checked=True).wait_for()
    screenshot("generation-panel-two")

    page.get_by_role("radio", name="Inpainting").click()
    choose(page, "Mask: choose file", "mask.png", left_half())
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

    page.get_by_role("radio", name="Text to image").click()
    page.get_by_role("button", name="Mask: replace").wait_for(state="hidden")


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
