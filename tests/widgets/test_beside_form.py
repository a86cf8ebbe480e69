"""Panels that follow a form: their own one is shown, another one is not shown twice."""

import gc
import warnings

import ipywidgets
import pytest

import studio_kernel as sk
from studio_kernel.errors import StudioError
from studio_widgets import BatchPanel, ExportPanel, ModelPicker, PresetPanel, QueuePanel, SweepPanel
from studio_widgets.generation.outcome import Outcome
from studio_widgets.generation.panel import FormView
from studio_widgets.generation.state import GenerationState
from studio_widgets.workspace import Workspace
from waiting import until

FOLLOWING = (BatchPanel, SweepPanel, PresetPanel)


@pytest.fixture
def studio(home):
    with sk.open(home) as studio:
        yield studio


def inside(widget, kind=ipywidgets.Widget):
    found = [widget] if isinstance(widget, kind) else []
    for child in getattr(widget, "children", ()):
        found += inside(child, kind)
    return found


@pytest.mark.parametrize("kind", FOLLOWING)
def test_a_form_of_its_own_stands_on_the_left(studio, kind):
    panel = kind(studio, task="image-to-image", model="studio-tiny")
    [split] = [each for each in inside(panel) if "st-split" in getattr(each, "_dom_classes", ())]
    form, beside = split.children
    assert isinstance(form, FormView)
    assert len(beside.children) == 2
    assert (panel.state.form.task, panel.state.form.model) == ("image-to-image", "studio-tiny")
    box = next(each for each in inside(form) if getattr(each, "description", "") == "Prompt")
    box.value = "a boat"
    until(lambda: panel.state.form.prompt == "a boat")


@pytest.mark.parametrize("kind", FOLLOWING)
def test_a_form_that_stands_elsewhere_is_not_shown_again(studio, kind):
    form = GenerationState(studio, model="procedural")
    panel = kind(studio, form=form)
    assert panel.state.form is form
    assert not inside(panel, FormView)


@pytest.mark.parametrize("kind", FOLLOWING)
def test_runs_can_be_loaded_into_a_form_of_its_own(studio, kind):
    run = studio.generate("a house", model="procedural", progress=False)
    panel = kind(studio)
    panel.state.workspace.ask("load", run.id)
    assert panel.state.form.prompt == "a house"


def test_a_workspace_that_is_given_is_shared_with_the_form(studio):
    workspace = Workspace(project="harbour")
    panel = BatchPanel(studio, workspace=workspace)
    assert panel.state.workspace is panel.state.form.workspace is workspace


def test_what_came_of_the_form_s_button_is_shown_once_there_is_something(studio):
    panel = BatchPanel(studio, model="procedural")
    [outcome] = inside(panel, Outcome)
    assert outcome.layout.display == "none"
    panel.state.form.prompt = "a boat"
    panel.state.form.submit()
    assert outcome.layout.display is None
    until(lambda: panel.state.form.result is not None)


def test_a_tick_brings_the_form_up_to_date_too(studio):
    panel = PresetPanel(studio)
    ticks = []
    panel.state.form.accompany(lambda: ticks.append(True))
    panel._bring_up_to_date()
    assert ticks == [True]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", [*FOLLOWING, QueuePanel, ModelPicker, ExportPanel])
def test_what_could_not_be_made_is_closed_without_a_word(home, kind):
    with pytest.raises((StudioError, AttributeError)):
        kind(None)
    panel = kind.__new__(kind)
    panel.close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del panel
        gc.collect()


@pytest.mark.parametrize("kind", FOLLOWING)
def test_closing_twice_is_closing_once(studio, kind):
    panel = kind(studio)
    panel.close()
    panel.close()
