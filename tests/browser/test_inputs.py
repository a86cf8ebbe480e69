"""Files, masks and the session strip with a real studio behind them, in JupyterLab and as a dashboard."""

import pytest

from waiting import until

CELLS = (
    """
import tempfile
import studio_kernel as sk
from studio_widgets import GenerationPanel
from studio_widgets.session.panel import SessionPanel
studio = sk.open(tempfile.mkdtemp(), runner="inline")
strip = SessionPanel(studio)
panel = GenerationPanel(studio, task="inpainting", model="procedural")
""",
    "strip",
    "panel",
)
MAKE = "studio.generate('a red boat', model='procedural', seed=1, width=256, height=192, progress=False).id"
MASK = "studio.assets.image(panel.state.values['mask_image'])"
THEME = "(t) => jupyterapp.commands.execute('apputils:change-theme', { theme: `JupyterLab ${t}` })"


@pytest.mark.parametrize("front", ["lab", "dashboard"])
def test_a_result_is_dragged_onto_the_input_and_painted_on(request, page, screenshot, front):
    page.set_viewport_size({"width": 1400, "height": 1500})
    server = request.getfixturevalue(f"{front}_server")
    kernel_id = request.getfixturevalue(f"open_{front}")(*CELLS)
    page.get_by_text("What you make appears here.").wait_for()
    page.get_by_role("button", name="Generate").wait_for()
    with server.kernel(kernel_id) as kernel:
        run = kernel(MAKE)
        cell = page.get_by_role("option", name="a red boat")
        cell.locator("img").wait_for()
        zone = page.get_by_role("group", name="Input image")
        cell.drag_to(zone)
        until(lambda: kernel(f"panel.state.values['image'] == studio.run({run!r}).assets[0].ref"), what="the input")
        page.get_by_text("256 × 192 px").wait_for()

        stage = page.locator(".sk-stage")
        page.wait_for_function("document.querySelector('.sk-world img')?.naturalWidth === 256")
        stage.scroll_into_view_if_needed()
        box = page.locator(".sk-world > canvas").bounding_box()
        page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.5)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.5, steps=8)
        page.mouse.up()
        page.get_by_role("textbox", name="Prompt", exact=True).fill("a blue boat")
        until(lambda: kernel("bool(panel.state.values['mask_image'])"), what="the mask")
        painted = f"[{MASK}.size, {MASK}.getpixel((128, 96)), {MASK}.getpixel((128, 20))]"
        until(lambda: kernel(painted) == [[256, 192], 255, 0])
        page.get_by_text("painted mask").wait_for()
        shots(page, screenshot, front)

        page.locator(".sk-stage").focus()
        page.keyboard.press("Control+z")
        until(lambda: kernel("panel.state.values['mask_image'] is None"), what="the stroke taken back")
        page.keyboard.press("Control+Shift+Z")
        until(lambda: kernel("bool(panel.state.values['mask_image'])"), what="the stroke made again")
        page.get_by_role("button", name="Generate").press("Enter")
        until(lambda: kernel("str(panel.state.status)") == "succeeded", what="the picture")
        page.get_by_role("option", name="a blue boat").wait_for()
        if front == "lab":
            assert page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length") == 3  # no key left the panel


def shots(page, screenshot, front):
    screenshot(f"inputs-{front}")
    if front == "lab":
        page.evaluate(THEME, "Dark")
        page.wait_for_function("document.body.dataset.jpThemeLight === 'false'")
        page.evaluate("() => Promise.allSettled(document.getAnimations().map((a) => a.finished))")
        screenshot("inputs-lab-dark")
    page.set_viewport_size({"width": 700, "height": 1500})
    screenshot(f"inputs-{front}-700")
    page.set_viewport_size({"width": 1400, "height": 1500})
