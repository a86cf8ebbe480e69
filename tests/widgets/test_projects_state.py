"""Projects without a screen."""

import pytest

import studio_kernel as sk
from studio_widgets.projects.panel import ProjectBar, ProjectsView
from studio_widgets.projects.state import ProjectsState
from studio_widgets.projects.view import Cards
from studio_widgets.workspace import Workspace

QUICK = {"model": "procedural", "width": 32, "height": 32, "num_inference_steps": 1, "progress": False}


@pytest.fixture
def studio(home):
    with sk.open(home) as studio:
        yield studio


@pytest.fixture
def state(studio):
    return ProjectsState(studio)


def titles(state):
    return [card.project.title for card in state.cards]


def test_a_new_project_is_worked_in_at_once(state):
    assert state.create("  Harbour   at night ", "boats")
    assert state.project == state.workspace.project == "harbour-at-night"
    assert titles(state) == ["Harbour at night"]
    assert state.cards[0].project.description == "boats"


@pytest.mark.parametrize("title", ["", "   ", "…", "x" * 300])
def test_titles_that_are_none_are_refused_in_words(state, title):
    assert not state.create(title)
    assert "title" in state.error
    assert state.cards == ()


@pytest.mark.parametrize("again", ["Harbour", "harbour", " HARBOUR ", "Harbour!"])
def test_a_title_that_another_project_has_is_refused(state, again):
    state.create("Harbour")
    assert not state.create(again)
    assert "choose another title" in state.error
    assert titles(state) == ["Harbour"]


def test_the_title_of_an_archived_project_is_taken_and_it_is_said_where(state):
    state.create("Harbour")
    state.archive("harbour")
    assert not state.create("Harbour")
    assert "among the archived ones" in state.error


def test_a_project_can_keep_its_own_title(state):
    state.create("Harbour")
    state.edit("harbour")
    state.title = "HARBOUR"
    assert state.save()
    assert titles(state) == ["HARBOUR"]


def test_the_form_changes_title_description_and_what_a_form_begins_with(state):
    state.create("Harbour")
    state.edit("harbour")
    state.title, state.description = "Port", "at dusk"
    state.task, state.model = "text-to-image", "studio-tiny"
    assert state.save()
    project = state.card("harbour").project
    assert (project.title, project.description) == ("Port", "at dusk")
    assert dict(project.settings) == {"task": "text-to-image", "model": "studio-tiny"}
    assert not state.is_editing


def test_a_form_that_is_refused_stays_open_with_what_was_typed(state):
    state.create("Harbour")
    state.create("Poster")
    state.edit("poster")
    state.title = "harbour"
    assert not state.save()
    assert state.is_editing
    assert (state.title, state.edited) == ("harbour", "poster")
    state.cancel()
    assert (state.is_editing, state.error) == (False, "")


def test_the_form_makes_a_project_with_settings(state):
    state.edit()
    state.title, state.model = "Poster", "studio-tiny"
    assert state.save()
    assert dict(state.card("poster").project.settings) == {"model": "studio-tiny"}
    assert state.project == "poster"


def test_the_form_shows_what_a_project_has(studio, state):
    state.create("Harbour", "boats")
    studio.change_project("harbour", settings={"model": "studio-tiny"})
    state.refresh()
    state.edit("harbour")
    assert (state.title, state.description, state.model, state.task) == ("Harbour", "boats", "studio-tiny", "")


def test_the_form_offers_models_and_presets_that_suit_the_task(state):
    everything = len(state.models())
    state.task = "text-to-video"
    assert 1 < len(state.models()) < everything
    assert state.models()[0] == ("The recommended one", "")
    assert state.presets()[0] == ("None", "")


def test_archived_projects_are_behind_a_switch_and_come_back(state):
    state.create("Harbour")
    state.archive("harbour")
    assert titles(state) == []
    assert state.project == ""
    state.with_archived = True
    assert titles(state) == ["Harbour"]
    state.archive("harbour", archived=False)
    state.with_archived = False
    assert titles(state) == ["Harbour"]


def test_archiving_another_project_leaves_the_chosen_one(state):
    state.create("Harbour")
    state.create("Poster")
    state.archive("harbour")
    assert state.project == "poster"


def test_search_looks_at_titles_and_descriptions(state):
    state.create("Harbour", "boats at night")
    state.create("Poster")
    state.text = "NIGHT harb"
    assert titles(state) == ["Harbour"]
    state.text = "x" * 1000
    assert len(state.text) == 200


def test_a_project_that_only_runs_name_is_there_with_counts_and_covers(studio, state):
    for seed in range(2):
        studio.generate("a boat", project="sea", seed=seed, **QUICK)
    state.poll()
    [card] = state.cards
    assert (card.project.title, card.runs, card.files) == ("sea", 2, 2)
    covers = state.covers("sea")
    assert len(covers) == 2
    assert all(picture[8:12] == b"WEBP" for picture in covers)
    state.edit("sea")
    state.title = "The sea"
    assert state.save()
    assert titles(state) == ["The sea"]


def test_only_projects_that_there_are_can_be_chosen(state):
    state.create("Harbour")
    state.choose("")
    assert state.workspace.project == ""
    state.choose("harbour")
    state.choose("nowhere")
    assert state.workspace.project == "harbour"


def test_a_project_chosen_elsewhere_is_chosen_here(studio):
    workspace = Workspace()
    state = ProjectsState(studio, workspace=workspace)
    workspace.project = "harbour"
    assert state.project == "harbour"


def test_a_viewer_only_chooses(studio, home):
    ProjectsState(studio).create("Harbour")
    with sk.open(home, mode="viewer") as viewer:
        state = ProjectsState(viewer)
        assert not state.create("Poster")
        assert "viewer" in state.error
        state.choose("harbour")
        assert state.project == "harbour"
        cards = Cards(state)
        assert not cards.can_change
        cards._handle_custom_msg({"kind": "edit", "project": "harbour"}, [])
        assert not state.is_editing
        bar = ProjectBar(state)
        assert bar.children[1].layout.display == "none"


def test_the_cards_say_what_is_in_a_project(studio, state):
    studio.generate("a boat", project="sea", **QUICK)
    state.poll()
    everything, sea = Cards(state).cards
    assert (everything["title"], everything["facts"]) == ("All projects", "1 project")
    assert (sea["title"], sea["facts"]) == ("sea", "1 run · 1 file · no costs")
    assert sea["changed"]


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"kind": "choose", "project": 5},
        {"kind": "choose", "project": "x" * 500},
        {"kind": "archive", "project": "harbour", "on": "yes"},
        {"kind": "archive", "project": "nowhere", "on": True},
        {"kind": "edit", "project": "nowhere"},
    ],
)
def test_other_wishes_are_dropped(state, content):
    state.create("Harbour")
    Cards(state)._handle_custom_msg(content, [])
    assert (state.project, state.is_editing, titles(state)) == ("harbour", False, ["Harbour"])


def test_wishes_of_the_browser_choose_edit_and_archive(state):
    state.create("Harbour")
    cards = Cards(state)
    cards._handle_custom_msg({"kind": "choose", "project": ""}, [])
    assert state.project == ""
    cards._handle_custom_msg({"kind": "edit", "project": "harbour"}, [])
    assert state.is_editing
    cards._handle_custom_msg({"kind": "archive", "project": "harbour", "on": True}, [])
    assert titles(state) == []


def test_the_bar_makes_a_project_by_enter_and_says_what_is_wrong(state):
    bar = ProjectBar(state)
    choice, new, title, _create, _cancel, error = bar.children
    new.click()
    title._handle_custom_msg({"event": "submit"}, [])
    assert "give the project a title" in error.value
    title.value = "Harbour"
    title._handle_custom_msg({"event": "submit"}, [])
    assert (choice.value, error.value, title.layout.display) == ("harbour", "", "none")
    assert [label for label, _value in choice.options] == ["All projects", "Harbour"]
    choice.value = ""
    assert state.workspace.project == ""


def test_the_form_is_there_only_while_it_is_open(state):
    view = ProjectsView(state)
    form = view.children[2]
    assert form.layout.display == "none"
    state.edit()
    assert form.layout.display is None
