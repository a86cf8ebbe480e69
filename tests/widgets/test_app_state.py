"""All panels together, without a screen: what is kept, what goes from one to the other."""

import json

import pytest

import studio_kernel as sk
from studio_kernel.errors import ReadOnlyError
from studio_widgets.app.state import AppState

QUICK = {"model": "procedural", "width": 64, "height": 64, "progress": False}


@pytest.fixture
def studio(home):
    with sk.open(home, runner="inline") as studio:
        yield studio


@pytest.fixture
def app(studio):
    app = AppState(studio)
    yield app
    app.close()


def test_the_same_is_there_after_a_restart(studio):
    run = studio.generate("a red boat", **QUICK)
    studio.create_project("Harbour")
    before = AppState(studio)
    before.form.model = "procedural"
    before.form.prompt = "a blue house"
    before.form.set("width", 128)
    before.workspace.project = "harbour"
    before.workspace.compared = (run.id,)
    before.tab = "compare"
    before.close()

    after = AppState(studio)
    assert (after.form.model, after.form.prompt, after.form.values["width"]) == ("procedural", "a blue house", 128)
    assert (after.workspace.project, after.workspace.compared, after.tab) == ("harbour", (run.id,), "compare")


def test_what_is_there_is_kept_while_it_works(app, studio):
    app.form.prompt = "a green tree"
    app.tick()
    assert studio.remembered("app")["form"]["prompt"] == "a green tree"


def test_nothing_is_written_while_nothing_changes(app, studio):
    app.keep(at_once=True)
    kept = studio.home.panels / "app.json"
    kept.unlink()
    app.keep(at_once=True)
    assert not kept.exists()


@pytest.mark.parametrize(
    "kept",
    [
        {"tab": "nonsense", "project": "gone", "compared": ["gone", 7], "form": {"model": 3, "values": [1]}},
        {"form": "text"},
        {"compared": "text", "project": 7},
    ],
)
def test_what_was_kept_and_does_not_fit_is_left_out(studio, kept):
    studio.remember("app", kept)
    app = AppState(studio)
    assert (app.tab, app.workspace.project, app.workspace.compared) == ("result", "", ())


def test_a_full_disk_does_not_stop_the_work(app, studio):
    studio.home.panels.write_text("a file where the folder should be")
    app.form.prompt = "a green tree"
    app.tick()
    assert app.error == ""


def test_a_run_of_the_gallery_is_loaded_into_the_form(app, studio):
    run = studio.generate("a red boat", seed=7, **QUICK)
    app.workspace.ask("load", run.id)
    assert (app.form.prompt, app.form.values["seed"]) == ("a red boat", 7)


def test_a_run_is_compared_with_a_click(app, studio):
    runs = [studio.generate("a red boat", seed=seed, **QUICK) for seed in (1, 2)]
    for run in runs:
        app.tab = "gallery"
        app.workspace.ask("compare", run.id)
    assert app.workspace.compared == tuple(run.id for run in runs)
    assert app.tab == "compare"


def test_a_run_is_shown_in_the_gallery(app, studio):
    run = studio.generate("a red boat", **QUICK)
    app.shows_projects = True
    app.workspace.ask("show", run.id)
    app.tab = "history"
    app.workspace.ask("show", run.id)
    assert (app.tab, app.shows_projects) == ("gallery", False)
    assert app.gallery.details.id == run.id


def test_what_is_compared_can_be_judged(app, studio):
    app.workspace.compared = tuple(studio.generate("a red boat", **QUICK).id for _ in range(2))
    app.tab = "judge"
    app.judge.rater = "Ada"
    app.judge.begin()
    app.tick()
    assert (app.judge.source, app.judge.stage, len(app.judge.candidates)) == ("compared", "judging", 2)


def test_what_is_asked_for_belongs_to_the_project(app, studio):
    studio.create_project("Harbour")
    app.workspace.project = "harbour"
    app.form.model, app.form.prompt = "procedural", "a red boat"
    app.form.submit()
    assert app.form.error == ""
    assert studio.records()[0].origin.project == "harbour"


def test_a_project_fills_the_form(app, studio):
    studio.create_project("Harbour")
    studio.change_project("harbour", settings={"model": "procedural"})
    app.form.model = "studio-tiny"
    app.workspace.project = "harbour"
    assert app.form.model == "procedural"


def test_a_dashboard_has_no_app(studio):
    with sk.open(studio.home.root, mode="viewer") as viewer, pytest.raises(ReadOnlyError, match="dashboards"):
        AppState(viewer)


def test_what_is_kept_is_plain_json_without_pictures(app, studio):
    app.form.model, app.form.task = "studio-tiny", "image-to-image"
    run = studio.generate("a red boat", **QUICK)
    app.form.use_as_input(run.id)
    app.keep(at_once=True)
    kept = (studio.home.panels / "app.json").read_bytes()
    assert len(kept) < 10_000
    assert json.loads(kept)["form"]["task"] == "image-to-image"
