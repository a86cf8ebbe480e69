"""Bringing in, deleting, restoring and ordering runs from the command line."""

from __future__ import annotations

import json

import pytest

from pictures import png


@pytest.fixture
def files(tmp_path):
    """A picture and a file that is none."""
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    good.write_bytes(png(1))
    bad.write_text("no picture")
    return good, bad


def ids(studio):
    return [run["id"] for run in json.loads(studio("runs", "--json").stdout)]


def test_what_is_refused_is_said_and_the_others_are_brought_in(studio, files):
    done = studio("import", *files, "--project", "p", status=1)
    assert "bad.png" in done.stderr
    assert "Traceback" not in done.stderr
    assert "no settings in it" in done.stdout
    [run] = json.loads(studio("import", files[0], "--json").stdout)["runs"]
    assert (run["engine"], run["origin"]["project"]) == ("import", "p")
    assert ids(studio) == [run["id"]]


def test_a_deleted_run_is_not_listed_until_it_is_restored(studio, files):
    [run] = json.loads(studio("import", files[0], "--json").stdout)["runs"]
    assert json.loads(studio("delete", run["id"][-12:], "--files", "--json").stdout) == {"deleted": [run["id"]]}
    assert ids(studio) == []
    assert f"restored {run['id']}" in studio("restore", run["id"]).stdout
    assert ids(studio) == [run["id"]]


def test_an_unknown_run_is_one_clear_sentence(studio):
    done = studio("delete", "nothing-like-it", status=1)
    assert "no run 'nothing-like-it'" in done.stderr
    assert "Traceback" not in done.stderr


def test_projects_are_made_changed_and_listed(studio, files):
    studio("projects", "create", "Harbour at dawn", "--id", "harbour", "--description", "boats")
    studio("import", files[0], "--project", "harbour")
    studio("projects", "change", "harbour", "--setting", "model=studio-tiny", "--setting", "task=text-to-image")
    changed = studio("projects", "change", "harbour", "--title", "Harbour", "--setting", "task=", "--json").stdout
    assert json.loads(changed)["settings"] == {"model": "studio-tiny"}
    [card] = json.loads(studio("projects", "list", "--json").stdout)
    assert (card["title"], card["description"], card["runs"], card["files"]) == ("Harbour", "boats", 1, 1)
    assert "Harbour" in studio("projects").stdout
    studio("projects", "change", "harbour", "--archive")
    assert "no projects" in studio("projects", "list").stdout
    assert "(archived)" in studio("projects", "list", "--archived").stdout
