"""Projects: made, changed, and shown with what is in them."""

from __future__ import annotations

from datetime import timedelta

import pytest

import studio_kernel as sk
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import Origin, RunEstimate, RunStatus
from studio_kernel.errors import InvalidRequestError, ReadOnlyError, UnknownProjectError
from studio_kernel.runlog import RunLog, new_run_id
from studio_kernel.settings import Home


@pytest.fixture
def studio(home):
    with sk.open(home, runner="inline") as studio:
        yield studio


def log_run(home, project, *files, cost_usd=None):
    """Log a run of a project that made some files, named by a letter."""
    run_id = new_run_id()
    assets = [Asset(name * 64, media_type, 10, index=n) for n, (name, media_type) in enumerate(files)]
    with RunLog(Home.at(home).runlog) as log:
        log.queued(
            run_id, GenerationRequest("m"), engine="e", origin=Origin(project), estimate=RunEstimate(cost_usd=cost_usd)
        )
        log.finished(run_id, RunStatus.SUCCEEDED, assets=assets)
    return run_id


def test_a_change_leaves_the_rest_as_it_is(studio):
    made = studio.create_project("Harbour", description="boats")
    studio.change_project("harbour", settings={"model": "procedural", "task": "text-to-image"})
    studio.change_project("harbour", title="The harbour")
    changed = studio.change_project("harbour", archived=True)
    (seen,) = studio.projects()
    assert (seen.title, seen.description, seen.archived) == ("The harbour", "boats", True)
    assert seen.settings == changed.settings == {"model": "procedural", "task": "text-to-image"}
    assert seen.created_at == pytest.approx(made.created_at, abs=timedelta(seconds=5))
    assert seen.changed_at > seen.created_at


def test_settings_are_given_all_at_once_and_can_be_taken_away(studio):
    studio.create_project("Harbour")
    studio.change_project("harbour", settings={"model": "a", "preset": "b"})
    assert studio.change_project("harbour", settings={"preset": "c"}).settings == {"preset": "c"}
    assert studio.change_project("harbour", settings={"preset": None}).settings == {}
    assert studio.projects()[0].settings == {}


def test_a_project_made_twice_keeps_its_settings(studio):
    studio.create_project("Harbour")
    studio.change_project("harbour", settings={"model": "a"}, description="boats")
    again = studio.create_project("Harbour")
    assert (again.settings, again.description) == ({"model": "a"}, "boats")


@pytest.mark.parametrize(
    ("change", "about"),
    [
        ({"title": " "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"description": "x" * 4001}, "description"),
        ({"settings": {"colour": "red"}}, "colour"),
        ({"settings": {"model": 3}}, "model"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(studio, change, about):
    made = studio.create_project("Harbour")
    with pytest.raises(InvalidRequestError, match=about):
        studio.change_project("harbour", **change)
    assert studio.projects()[0].title == made.title


def test_a_project_that_nobody_knows_cannot_be_changed(studio):
    with pytest.raises(UnknownProjectError, match="'harbour'"):
        studio.change_project("harbour", title="Harbour")


def test_a_project_that_only_runs_name_can_be_given_a_title(studio, home):
    log_run(home, "harbour")
    studio.change_project("harbour", title="The harbour")
    assert [card.project.title for card in studio.project_cards()] == ["The harbour"]


def test_a_viewer_changes_no_project(studio, home):
    studio.create_project("Harbour")
    with sk.open(home, mode="viewer") as viewer, pytest.raises(ReadOnlyError):
        viewer.change_project("harbour", title="mine")


def test_a_card_tells_what_is_in_a_project(studio, home):
    studio.create_project("Harbour")
    log_run(home, "harbour", ("a", "image/png"), ("b", "image/png"), cost_usd=0.25)
    log_run(home, "harbour", ("c", "audio/wav"))
    log_run(home, "harbour", ("d", "video/mp4"), ("e", "image/png"), ("f", "image/webp"))
    log_run(home, None, ("9", "image/png"))
    (card,) = studio.project_cards()
    assert (card.project.title, card.runs, card.files, card.cost_usd) == ("Harbour", 3, 6, 0.25)
    assert [asset.sha256[0] for asset in card.covers] == ["d", "e", "f", "a"]
    assert card.changed_at == studio.records(limit=2)[1].finished_at


def test_cards_are_of_all_projects_the_one_that_changed_last_first(studio, home):
    studio.create_project("Empty")
    log_run(home, "only-named")
    studio.create_project("Newest")
    cards = studio.project_cards()
    assert [card.project.id for card in cards] == ["newest", "only-named", "empty"]
    assert [card.runs for card in cards] == [0, 1, 0]


def test_a_project_that_was_put_away_is_listed_on_demand(studio):
    studio.create_project("Harbour")
    studio.change_project("harbour", archived=True)
    assert studio.project_cards() == []
    assert [card.project.id for card in studio.project_cards(archived=True)] == ["harbour"]
