"""A run outlives its kernel: after a restart, and in a second notebook, the panel shows it at work."""

import pytest

import worker_tools
from waiting import until

CELLS = (
    """
import studio_kernel as sk
from studio_widgets import GenerationPanel
studio = sk.open({home!r}, runner="worker")
panel = GenerationPanel(studio, model="procedural")
""",
    "panel",
)

RESTART_AND_RUN_ALL = """async () => {
    const app = window.jupyterapp, panel = app.shell.currentWidget;
    await panel.sessionContext.session.kernel.restart();
    await app.commands.execute('notebook:run-all-cells');
}"""


@pytest.fixture
def working_home(home):
    worker_tools.settle(home, exit_after_s=120.0)
    yield home
    worker_tools.end_workers(home)


def test_a_restarted_kernel_and_a_second_notebook_show_the_run(working_home, page, open_lab, lab_server, screenshot):
    cells = [cell.format(home=str(working_home)) for cell in CELLS]
    kernel_id = open_lab(*cells)
    page.get_by_role("textbox", name="Prompt", exact=True).fill("a red boat on the sea")
    with lab_server.kernel(kernel_id) as kernel:
        kernel("[panel.state.set('step_seconds', 2.0), panel.state.set('num_inference_steps', 150)]")
        page.get_by_role("button", name="Generate").click()
        page.get_by_alt_text("Preview: a red boat on the sea").wait_for()
        run_id = kernel("panel.state._run.id")
        assert kernel("'torch' in __import__('sys').modules") is False

    page.evaluate(RESTART_AND_RUN_ALL)
    page.get_by_alt_text("Preview: a red boat on the sea").wait_for()
    page.get_by_text("left").wait_for()
    screenshot("kernel-restarted")
    with lab_server.kernel(kernel_id) as kernel:
        until(lambda: kernel("panel.state._run.id") == run_id)
        until(lambda: kernel("panel.state.values['num_inference_steps']") == 150)

    second = open_lab(*cells)
    page.get_by_alt_text("Preview: a red boat on the sea").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.locator(".st-head").get_by_text("cancelled").wait_for()
    with lab_server.kernel(second) as kernel:
        until(lambda: kernel("str(studio.run('" + run_id + "').status)") == "cancelled", what="the end")
