"""Every panel, in JupyterLab and as a dashboard: it shows itself without an error on the console, wide and narrow,
light and dark, without a serious finding of axe-core, and nothing sticks out of it."""

import pytest

import studio_widgets
from accessibility import faults

SETUP = """
import tempfile
import studio_kernel as sk
import studio_widgets
from studio_widgets.workspace import Workspace
studio = sk.open(tempfile.mkdtemp(), runner="inline")
studio.create_project("Harbour", description="Boats and houses")
prompts = ["a red house in a meadow", "a blue boat", "a green tree", "yellow stars"]
runs = [
    studio.generate(prompt, model="procedural", seed=seed, progress=False, project="harbour" if seed % 2 else None)
    for seed, prompt in enumerate(prompts * 3)
]
studio.mark(runs[0], rating=4, favourite=True, tags=["keep"])
workspace = Workspace(compared=tuple(run.id for run in runs[:2]))
"""
PANELS = {
    "StudioApp": "studio_widgets.StudioApp(studio)",
    "GenerationPanel": "studio_widgets.GenerationPanel(studio, model='procedural')",
    "ModelPicker": "studio_widgets.ModelPicker(studio)",
    "BatchPanel": "studio_widgets.BatchPanel(studio)",
    "SweepPanel": "studio_widgets.SweepPanel(studio)",
    "SweepExplorer": "studio_widgets.SweepExplorer(studio)",
    "EstimateMeter": "studio_widgets.EstimateMeter(studio, model='procedural')",
    "QueuePanel": "studio_widgets.QueuePanel(studio)",
    "HistoryPanel": "studio_widgets.HistoryPanel(studio)",
    "GalleryPanel": "studio_widgets.GalleryPanel(studio)",
    "ComparePanel": "studio_widgets.ComparePanel(studio, workspace=workspace)",
    "JudgePanel": "studio_widgets.JudgePanel(studio, runs=runs)",
    "ProjectsPanel": "studio_widgets.ProjectsPanel(studio)",
    "ModelsPanel": "studio_widgets.ModelsPanel(studio)",
    "CostsPanel": "studio_widgets.CostsPanel(studio)",
    "Dashboard": "studio_widgets.Dashboard(studio)",
    "UsagePanel": "studio_widgets.UsagePanel(studio)",
    "ModelReportPanel": "studio_widgets.ModelReportPanel(studio)",
    "PresetPanel": "studio_widgets.PresetPanel(studio)",
    "ExportPanel": "studio_widgets.ExportPanel(studio, runs=[run.id for run in runs])",
}
PAGE = (SETUP, f"import ipywidgets\nipywidgets.VBox([{', '.join(PANELS.values())}])")
TOO_WIDE = "(e) => e.scrollWidth > e.clientWidth + 1 ? `${e.scrollWidth} > ${e.clientWidth}` : ''"
WIDE, NARROW = {"width": 1400, "height": 1000}, {"width": 700, "height": 1000}


def test_no_panel_is_left_out():
    assert set(PANELS) == set(studio_widgets.__all__)


@pytest.fixture(params=["lab", "dashboard"])
def front_end(request, page):
    """A page with every panel, one below the other."""
    page.set_viewport_size(WIDE)
    request.getfixturevalue(f"open_{request.param}")(*PAGE)
    page.locator(".studio").nth(len(PANELS) - 1).wait_for(timeout=180_000)
    page.locator(".sg-cell img").nth(11).wait_for(state="attached")
    page.locator("[aria-busy=true]").first.wait_for(state="detached")
    return request.param


def turn(page, theme):
    page.evaluate("(t) => jupyterapp.commands.execute('apputils:change-theme', { theme: `JupyterLab ${t}` })", theme)
    page.wait_for_function(f"document.body.dataset.jpThemeLight === '{str(theme == 'Light').lower()}'")


def look(page, screenshot, name):
    """Take a picture of every panel; return what is wrong with it."""
    page.evaluate("() => Promise.allSettled(document.getAnimations().map((a) => a.finished))")
    wrong = {}
    for place, panel in enumerate(PANELS):
        root = page.locator(".studio").nth(place)
        screenshot(f"{panel}-{name}", root)
        wrong[panel] = [*faults(page, root), *filter(None, [root.evaluate(TOO_WIDE)])]
    return {panel: faults_ for panel, faults_ in wrong.items() if faults_}


@pytest.mark.timeout(900)  # twenty panels in one page, in both themes and widths
def test_every_panel_can_be_read_by_everybody(front_end, page, screenshot):
    wrong = {"wide": look(page, screenshot, f"{front_end}-1400-light")}
    page.set_viewport_size(NARROW)
    wrong["narrow"] = look(page, screenshot, f"{front_end}-700-light")
    if front_end == "lab":
        turn(page, "Dark")
        try:
            wrong["narrow, dark"] = look(page, screenshot, "lab-700-dark")
            page.set_viewport_size(WIDE)
            wrong["wide, dark"] = look(page, screenshot, "lab-1400-dark")
        finally:
            turn(page, "Light")
    assert {how: found for how, found in wrong.items() if found} == {}
