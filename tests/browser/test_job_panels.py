"""Queue, batches and sweeps in JupyterLab: rows dragged, runs paused and cancelled, grids swapped and shared, live."""

import re
import time

import pytest

from looks import CONTRAST
from waiting import until

OPEN = """
import os, tempfile, time
import studio_kernel as sk
from studio_widgets import BatchPanel, GenerationPanel, QueuePanel, SweepPanel
from studio_widgets.generation.state import GenerationState
"""
WAITING = """
home = tempfile.mkdtemp()
studio = sk.open(home, runner="worker")
studio.queue().pause()
slow = dict(model="procedural", width=64, height=64, num_inference_steps=40, step_seconds=2.0)
runs = [studio.submit(f"boat {n}", **slow) for n in range(3)]
cells = studio.sweep("a fish", axes={"seed": "1-4"}, **slow)
panel = QueuePanel(studio)
"""
END_WORKER = (
    "__import__('studio_kernel.worker.launch', fromlist=['x']).Launcher(studio.home, studio._log).stop(at_once=True)"
)
FORM = """
studio = sk.open(tempfile.mkdtemp(), runner="inline")
form = GenerationState(studio, model="procedural")
form.prompt = "a red boat on the sea"
for name, value in dict(width=64, height=64, num_inference_steps=4, seed=7).items():
    form.set(name, value)
form.random_seed = False
"""


def in_theme(page, theme):
    page.evaluate("(t) => jupyterapp.commands.execute('apputils:change-theme', { theme: `JupyterLab ${t}` })", theme)
    page.wait_for_function(f"document.body.dataset.jpThemeLight === '{str(theme == 'Light').lower()}'")


def looked_at(page, screenshot, name, selector):
    """Take pictures light and dark, wide and narrow; texts are legible and nothing is cut off."""
    for width in (1400, 700):
        page.set_viewport_size({"width": width, "height": 1500})
        for theme in ("Light", "Dark"):
            in_theme(page, theme)
            page.locator(selector).first.scroll_into_view_if_needed()
            screenshot(f"{name}-{theme.lower()}-{width}", selector)
            for text in (".studio .st-sub", ".sq-dim", ".sq-said", ".sc-label", ".sc-word", ".st-title"):
                if page.locator(text).count():
                    assert page.evaluate(CONTRAST, text) >= 4.5, (text, theme)
        wide = page.evaluate(
            "(s) => { const e = document.querySelector(s); return e.scrollWidth - e.clientWidth; }", selector
        )
        assert wide <= 1, name
    in_theme(page, "Light")
    page.set_viewport_size({"width": 1280, "height": 1100})


@pytest.fixture
def kernel(lab_server, open_lab):
    """kernel(*cells): run them in a notebook and return what evaluates expressions there."""
    connected = []

    def open_(*cells):
        context = lab_server.kernel(open_lab(*cells))
        connected.append(context)
        return context.__enter__()

    yield open_
    for context in connected:
        context.__exit__(None, None, None)


def test_the_queue_is_put_in_order_paused_resumed_and_cancelled(kernel, page, screenshot):
    ask = kernel(OPEN + WAITING, "panel")
    page.get_by_text("7 waiting", exact=False).first.wait_for(timeout=60_000)
    titles = page.locator(".is-waiting .sq-title")
    until(lambda: page.locator(".sq-row.is-waiting").count() == 4)
    ids = ask("[run.id for run in runs]")

    page.locator(f".sq-row[data-key='{ids[2]}']").drag_to(
        page.locator(f".sq-row[data-key='{ids[0]}']"), target_position={"x": 80, "y": 4}
    )
    until(
        lambda: (
            ask("[run.id for run in studio.queue().waiting if run.id in {r.id for r in runs}]") == [ids[2], *ids[:2]]
        )
    )
    until(lambda: [t for t in titles.all_inner_texts() if "fish" not in t] == ["boat 2", "boat 0", "boat 1"])

    page.get_by_role("button", name="Resume").click()
    page.get_by_role("list", name="At work").get_by_text("boat 2").wait_for(timeout=60_000)
    until(lambda: ask("studio.queue().is_paused") is False)
    page.get_by_text(re.compile(r"step \d+ of 40")).first.wait_for()
    page.locator(".sq-picture img:visible").first.wait_for()
    looked_at(page, screenshot, "queue", ".studio-queue")

    page.get_by_role("button", name="Cancel the 4 waiting cells of a fish").or_(
        page.get_by_role("button", name=re.compile("Cancel the . waiting cells of a fish"))
    ).first.click()
    until(lambda: "cancelled" in ask("[str(run.status) for run in cells.runs]"))
    until(lambda: page.locator(".sq-row[data-key^='sweep:']").count() == 0)

    page.get_by_role("button", name="Cancel all").click()
    page.get_by_role("button", name="Really cancel", exact=False).click()
    until(lambda: ask("len(studio.queue())") == 0)
    page.get_by_text("Nothing is at work and nothing waits.").wait_for()
    ask(f"str({END_WORKER})")


def test_progress_goes_on_while_a_cell_keeps_the_kernel_busy(kernel, page, tmp_path):
    work = f"""
run = studio.submit("a slow boat", model="procedural", width=64, height=64, num_inference_steps=150, step_seconds=1.0)
woken = []
def block():
    while not os.path.exists({str(tmp_path / "seen")!r}):
        time.sleep(0.05)
    woken.append(time.time())
panel = QueuePanel(studio)
"""
    ask = kernel(OPEN + FORM + work, "panel")
    step = page.get_by_text(re.compile(r"step \d+ of 150"))
    step.wait_for(timeout=60_000)
    ask("__import__('asyncio').get_running_loop().call_later(0.2, block) and 0")
    page.wait_for_timeout(500)  # the kernel hears nothing from here on, also not whether it does

    def now():
        return int(re.search(r"step (\d+)", step.inner_text())[1])

    first = now()
    until(lambda: now() > first + 3, what="progress")
    seen_at = time.time()
    (tmp_path / "seen").touch()
    assert ask("woken[0]") > seen_at


def test_batches_stream_in_and_are_cancelled(kernel, page, screenshot):
    ask = kernel(OPEN + FORM + 'form.set("step_seconds", 0.5)\npanel = BatchPanel(studio, form=form)', "panel")
    page.get_by_text("4 cells", exact=False).first.wait_for(timeout=60_000)
    ask("setattr(panel.state, 'batches', 2)")
    page.get_by_text("8 pictures").wait_for()
    until(lambda: ask("not panel.state.is_stale and panel.state.plan.cells") == 8)
    page.get_by_label("Seed 1").fill("100")
    page.get_by_label("Seed 1").press("Tab")
    until(lambda: ask("panel.state.seeds[0]") == 100)
    page.get_by_role("button", name="Run batches").click()
    until(lambda: ask("panel.state.opened"), what="a sweep that was begun")
    page.locator(".sc-cell img").first.wait_for()
    page.get_by_text("Batch 1 · seed 100").wait_for()
    page.get_by_role("button", name="Cancel", exact=True).click()
    until(lambda: ask("panel.state.standing") == "paused")
    page.get_by_text("cancelled", exact=False).first.wait_for()
    page.get_by_role("button", name="Resume").click()
    page.locator(".sc-cell img").nth(7).wait_for(timeout=60_000)
    until(lambda: ask("[panel.state.standing, panel.state.counts]") == ["done", {"succeeded": 8}])
    looked_at(page, screenshot, "batches", ".studio-batches")


def test_a_sweep_is_built_run_and_its_axes_are_swapped(kernel, page, screenshot):
    ask = kernel(OPEN + FORM + "panel = SweepPanel(studio, form=form)", "panel")
    page.get_by_label("Add an axis").select_option(label="Guidance scale")
    values = page.get_by_label("Values of guidance scale")
    values.fill("2-")
    page.get_by_text("cannot be read", exact=False).first.wait_for()
    values.fill("2-8[3]")
    page.get_by_text("3 cells", exact=False).first.wait_for()
    page.get_by_label("Words of the prompt").fill("red")
    page.get_by_role("button", name="Vary them").click()
    page.get_by_label("Values of prompt “red”").fill("red, blue")
    page.get_by_text("6 cells", exact=False).first.wait_for()
    page.get_by_role("button", name="Run sweep").click()
    page.set_viewport_size({"width": 1280, "height": 2000})  # pictures out of sight are not loaded
    page.locator(".sc-cell img").nth(5).wait_for(timeout=60_000)
    until(lambda: ask("[panel.state.rows, panel.state.columns]") == [["guidance_scale"], ["prompt:red"]])

    page.get_by_role("button", name="Swap rows and columns").click()
    until(lambda: page.get_by_role("columnheader").all_inner_texts()[1:] == ["2", "5", "8"])
    until(lambda: ask("[panel.state.rows, panel.state.columns]") == [["prompt:red"], ["guidance_scale"]])
    page.locator(".sc-places").get_by_label("prompt “red”").select_option(label="Pages")
    page.get_by_label("Page").select_option(label="prompt “red” blue")
    until(lambda: page.locator(".sc-cell").count() == 3)
    until(lambda: ask("[panel.state.pages, panel.state.page]") == [["prompt:red"], 1])
    page.get_by_label("Number on cells").select_option(label="Brightness")
    page.locator(".sc-number").nth(2).wait_for()

    page.locator(".sc-cell").nth(1).click()
    until(lambda: ask("panel.state.chosen") == page.locator(".sc-cell").nth(1).get_attribute("data-run"))
    page.get_by_role("button", name="Refine around it").click()
    page.get_by_role("button", name="Run the finer sweep").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download grid").click()
    assert download.value.suggested_filename.endswith(".png")

    page.get_by_role("button", name="Link", exact=True).click()
    page.get_by_label("Link to a dashboard").get_by_text("page=sweep").wait_for()
    page.get_by_role("button", name="Copy", exact=True).click()
    page.get_by_text("Copied.").wait_for()
    words = page.get_by_label("Words of the prompt")  # any field that takes what was copied
    words.focus()
    words.press("ControlOrMeta+v")
    assert words.input_value() == ask("studio.link(sweep=panel.state.opened)")
    page.get_by_role("button", name="Save as folder").click()
    page.get_by_text("The folder is", exact=False).wait_for()
    folder = ask("panel.state.folder")
    assert folder in page.locator(".sc-share").inner_text()
    assert ask(f"sorted(each.name for each in __import__('pathlib').Path({folder!r}).iterdir() if each.is_file())") == [
        "data.js", "index.html", "page.css", "page.js", "studio-export.json"
    ]  # fmt: skip
    looked_at(page, screenshot, "sweeps", ".studio-sweeps")
