"""Batch and sweep panels without a browser: controls and state follow each other."""

import ipywidgets
import pytest

import studio_kernel as sk
from studio_widgets import BatchPanel, QueuePanel, SweepPanel
from studio_widgets.generation.state import GenerationState
from waiting import until


@pytest.fixture
def studio(home):
    with sk.open(home) as studio:
        yield studio


@pytest.fixture
def form(studio):
    form = GenerationState(studio, model="procedural")
    form.prompt = "a red boat"
    return form


def inside(widget, kind=ipywidgets.Widget):
    found = [widget] if isinstance(widget, kind) else []
    for child in getattr(widget, "children", ()):
        found += inside(child, kind)
    return found


def named(panel, description, kind=ipywidgets.Widget):
    return next(each for each in inside(panel, kind) if getattr(each, "description", None) == description)


def test_a_batch_panel_counts_and_follows_its_sliders(studio, form):
    panel = BatchPanel(studio, form=form)
    named(panel, "Pictures in a batch").value = 3
    named(panel, "Batches").value = 2
    assert (panel.state.batch_size, panel.state.batches) == (3, 2)
    assert any("6 pictures" in html.value for html in inside(panel, ipywidgets.HTML))
    named(panel, "Seed 2").value = 77
    assert panel.state.seeds[1] == 77
    panel.state.new_seeds()
    assert named(panel, "Seed 2").value == panel.state.seeds[1]


def test_what_can_become_an_axis_is_asked_for_anew_after_each(studio, form):
    pick = named(SweepPanel(studio, form=form), "Add an axis")
    assert (pick.options[0], pick.value) == (("Choose …", ""), "")
    pick.value = "seed"
    assert (pick.options[0], pick.value) == (("Choose …", ""), "")


def test_a_sweep_panel_builds_axes(studio, form):
    panel = SweepPanel(studio, form=form)
    named(panel, "Add an axis").value = "seed"
    named(panel, "Values of seed").value = "1-3"
    assert panel.state.axes[0].text == "1-3"
    named(panel, "Add an axis").value = "scheduler"
    label, text = panel.state.choices("scheduler")[0]
    named(panel, label, ipywidgets.Checkbox).value = True
    assert panel.state.chosen_values("scheduler") == (text,)
    until(lambda: panel.state.plan and panel.state.plan.cells == 3)
    until(lambda: not named(panel, "Run sweep").disabled)
    panel.state.remove("seed")
    assert "Values of seed" not in [getattr(each, "description", "") for each in inside(panel)]


def test_a_run_button_waits_for_a_plan(studio, form):
    panel = SweepPanel(studio, form=form)
    assert named(panel, "Run sweep").disabled


def test_a_viewer_sees_queue_and_sweeps_and_builds_nothing(studio, home, form):
    with sk.open(home, mode="viewer") as viewer:
        assert not QueuePanel(viewer).state.can_change
        panel = SweepPanel(viewer, form=GenerationState(viewer, model="procedural", attach=False))
        assert "Run sweep" not in [getattr(each, "description", "") for each in inside(panel)]
