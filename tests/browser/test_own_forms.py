"""Panels with a form of their own, as a dashboard: the form on the left, and an input chosen from earlier results."""

from waiting import until

CELLS = (
    """
import tempfile
import studio_kernel as sk
from studio_widgets import BatchPanel
studio = sk.open(tempfile.mkdtemp(), runner="inline")
run = studio.generate("a red boat", model="procedural", seed=1, width=256, height=192, progress=False)
panel = BatchPanel(studio, task="image-to-image", model="procedural")
""",
    "panel",
)


def test_a_batch_has_its_form_beside_it_and_its_input_from_the_gallery(
    page, screenshot, dashboard_server, open_dashboard
):
    page.set_viewport_size({"width": 1400, "height": 1500})
    kernel_id = open_dashboard(*CELLS)
    page.get_by_role("button", name="Input image: from gallery").click()
    page.get_by_role("option", name="a red boat").locator("img").wait_for()
    screenshot("own-form-gallery")
    page.set_viewport_size({"width": 700, "height": 1500})
    screenshot("own-form-gallery-700")
    page.set_viewport_size({"width": 1400, "height": 1500})
    page.get_by_role("option", name="a red boat").click()
    page.get_by_text("256 × 192 px").wait_for()
    with dashboard_server.kernel(kernel_id) as kernel:
        until(lambda: kernel("panel.state.form.values['image'] == run.assets[0].ref"))
        prompt = page.get_by_role("textbox", name="Prompt", exact=True)
        prompt.fill("a blue boat")
        prompt.blur()
        until(lambda: kernel("panel.state.can_run"), what="the plan")
        page.get_by_role("button", name="Run batches").press("Enter")
        until(lambda: kernel("(panel.state.poll(), panel.state.standing)[1]") == "done", what="the pictures")
    assert page.get_by_text("Your picture appears here.").is_hidden()
    page.get_by_role("img").nth(3).wait_for()
    screenshot("own-form-batch")
