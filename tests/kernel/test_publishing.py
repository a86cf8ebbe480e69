"""Dashboards as folders: what stays at home, whatever kind of page it is."""

import socket

import pytest
import tqdm.auto

import studio_kernel as sk
from exported import data_of, runs_of, texts_of
from studio_kernel.errors import InvalidRequestError, UnknownSweepError
from studio_kernel.export.page.wording import Wording

QUICK = {"model": "procedural", "num_inference_steps": 1, "width": 32, "height": 32}
KEY = "sk-planted-secret-of-the-user-0123456789"


@pytest.fixture
def secrets(home, monkeypatch):
    """A studio with all that must not leave it, and every piece of text that tells."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr(socket, "gethostname", lambda: "planted-machine")
    with sk.open(home) as studio:
        sweep = studio.sweep(f"a fish in {studio.home.root} {KEY}", axes={"seed": [1, 2, 3]}, **QUICK).wait(
            progress=False
        )
        runs = [studio.run(each.record.id) for each in sweep.outcomes()]
        studio.mark(runs[0], note="planted note", tags=["keep"], rating=5)
        studio.delete(runs[2])
        told = studio.generate(f"my key is {KEY}, my home is {studio.home.root}", **QUICK)
        private = studio.generate("planted private prompt", private=True, **QUICK)
        yield studio, sweep, [*runs[:2], told], (private, runs[2])


def planted(studio, hidden):
    private, deleted = hidden
    return [KEY, "planted", private.id, deleted.id, str(studio.home.root), socket.gethostname()]


def assert_clean(page, studio, hidden):
    texts = texts_of(page)
    everything = b"".join(path.read_bytes() for path in page.parent.rglob("*") if path.is_file())
    for secret in planted(studio, hidden):
        assert secret not in texts
        assert secret.encode() not in everything
    assert f"{hidden[1].assets[0].sha256}" not in " ".join(str(path) for path in page.parent.rglob("*"))


def test_nothing_that_is_not_meant_for_others_is_in_a_gallery(secrets, tmp_path):
    studio, _sweep, shown, hidden = secrets
    page = studio.export_dashboard("gallery", tmp_path / "out")
    assert {run["id"] for run in runs_of(page)} == {run.id for run in shown}
    said = next(run["prompt"] for run in runs_of(page) if run["prompt"].startswith("my key"))
    assert said == "my key is •••, my home is …/"
    assert_clean(page, studio, hidden)


@pytest.mark.parametrize("kind", ["gallery", "sweep"])
def test_a_bar_is_shown_only_where_it_is_wanted(secrets, kind, tmp_path, monkeypatch, capsys):
    studio, sweep, *_rest = secrets
    patient = tqdm.auto.tqdm
    monkeypatch.setattr(tqdm.auto, "tqdm", lambda *given, **named: patient(*given, **{**named, "delay": 0}))
    shown = {"sweep": sweep} if kind == "sweep" else {}
    studio.export_dashboard(kind, tmp_path / "out", progress=False, **shown)
    assert "export" not in capsys.readouterr().err
    studio.export_dashboard(kind, tmp_path / "out", **shown)
    assert "export" in capsys.readouterr().err


def test_nothing_that_is_not_meant_for_others_is_in_a_sweep(secrets, tmp_path):
    studio, sweep, _shown, hidden = secrets
    page = studio.export_dashboard("sweep", tmp_path / "out", sweep=sweep.id)
    assert page.is_file()
    assert_clean(page, studio, hidden)


def test_nothing_that_is_not_meant_for_others_is_in_a_comparison(secrets, tmp_path):
    studio, _sweep, shown, hidden = secrets
    page = studio.export_dashboard("compare", tmp_path / "out", runs=shown, title="Fish")
    head = data_of(page)
    assert (head["title"], list(head["runs"])) == ("Fish", [run.id for run in shown])
    assert_clean(page, studio, hidden)


@pytest.mark.parametrize(
    ("kind", "given", "told"),
    [
        ("galery", {}, "did you mean 'gallery'"),
        ("sweep", {}, "needs it"),
        ("sweep", {"sweep": "x", "limit": 3}, "does not take it"),
        ("compare", {}, "name either runs or a board"),
    ],
)
def test_what_a_page_does_not_take_is_refused_and_nothing_is_written(home, tmp_path, kind, given, told):
    with sk.open(home) as studio, pytest.raises(InvalidRequestError, match=told):
        studio.export_dashboard(kind, tmp_path / "out", **given)
    assert not (tmp_path / "out").exists()


def test_an_unknown_sweep_leaves_no_folder(home, tmp_path):
    with sk.open(home) as studio, pytest.raises(UnknownSweepError):
        studio.export_dashboard("sweep", tmp_path / "out", sweep="0190")
    assert list(tmp_path.glob("*out*")) == []


def test_settings_keep_the_last_part_of_a_path_and_prompts_their_words(tmp_path):
    wording = Wording(tmp_path)
    assert wording.of_settings("/mnt/models/one/fox.safetensors at 0.5") == "…/fox.safetensors at 0.5"
    assert wording.of_settings(r"C:\models\fox.safetensors") == "…/fox.safetensors"
    assert wording.of_settings("see https://example.org/a/b") == "see https://example.org/a/b"
    assert wording.of_people("a sign that says /mnt/x/y and/or") == "a sign that says /mnt/x/y and/or"
    assert wording.of_people(f"{tmp_path}/x") == "…/x"


def test_a_viewer_may_export(home, tmp_path):
    with sk.open(home) as studio:
        run = studio.generate("a", **QUICK)
    with sk.open(home, mode="viewer") as viewer:
        assert runs_of(viewer.export_dashboard("gallery", tmp_path / "out"))[0]["id"] == run.id


def test_nothing_that_is_not_meant_for_others_is_in_a_report(secrets, tmp_path):
    studio, _sweep, _shown, hidden = secrets
    for kind in ("costs", "models"):
        page = studio.export_dashboard(kind, tmp_path / kind)
        assert_clean(page, studio, hidden)
        assert "<svg" in page.read_text()


def test_a_report_has_the_rows_of_the_kernel(home, tmp_path):
    with sk.open(home) as studio:
        studio.generate("a", project="harbour", **QUICK)
        head = data_of(studio.export_dashboard("costs", tmp_path / "out"))
        assert [table["rows"][0][0][0] for table in head["tables"]][1:] == ["harbour", "procedural", "procedural"]
        few = data_of(studio.export_dashboard("costs", tmp_path / "few", project="harbour", title="Harbour"))
    assert (few["title"], len(few["tables"])) == ("Harbour", 3)


def test_a_board_is_shown_as_it_was_saved_and_tells_what_is_gone(home, tmp_path):
    with sk.open(home) as studio:
        runs = [studio.generate(text, **QUICK) for text in ("a", "b", "c")]
        studio.save_board("Fish <b>", runs, settings={"mode": "slider", "heat": "delta_e"})
        studio.delete(runs[1])
        head = data_of(studio.export_dashboard("compare", tmp_path / "out", board="Fish <b>"))
    assert (head["title"], head["settings"]) == ("Fish <b>", {"mode": "slider"})
    assert list(head["runs"]) == [runs[0].id, runs[2].id]
    assert head["notes"] == ["1 of its 3 runs cannot be shown: deleted, or private."]
