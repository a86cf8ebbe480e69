"""Taking runs out from the command line."""

from __future__ import annotations

import json
import zipfile

import pytest
from PIL import Image

from exported import runs_of
from pictures import png


@pytest.fixture
def runs(studio, tmp_path):
    """Ids of two runs, the first of them in a project."""
    found = []
    for number, project in ((1, ["--project", "harbour"]), (2, [])):
        (tmp_path / f"{number}.png").write_bytes(png(number))
        done = studio("import", tmp_path / f"{number}.png", *project, "--json")
        found += [run["id"] for run in json.loads(done.stdout)["runs"]]
    return found


def test_a_sheet_is_written_of_runs_and_of_a_project(studio, runs, tmp_path):
    both, one = tmp_path / "both.png", tmp_path / "one.png"
    done = studio("export", "sheet", *runs, "--to", both, "--columns", 2, "--label", "id", "--title", "Harbour")
    assert done.stdout.strip() == str(both)
    assert json.loads(studio("export", "sheet", "--project", "harbour", "--to", one, "--json").stdout) == {
        "file": str(one)
    }
    with Image.open(both) as wide, Image.open(one) as narrow:
        assert wide.width > 1.7 * narrow.width


def test_a_zip_has_the_table_that_is_asked_for(studio, runs, tmp_path):
    studio("export", "zip", runs[0], "--to", tmp_path / "a.zip", "--table", "parquet")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist()[-1] == "settings.parquet"


def test_a_page_is_written_of_chosen_runs(studio, runs, tmp_path):
    studio("export", "gallery", runs[1], "--to", tmp_path / "page")
    [shown] = runs_of(tmp_path / "page" / "index.html")
    assert shown["id"] == runs[1]


def test_dashboards_are_written_as_folders(studio, runs, tmp_path):
    studio("export", "dashboard", "gallery", "--project", "harbour", "--to", tmp_path / "page", "--title", "Harbour")
    assert [run["id"] for run in runs_of(tmp_path / "page" / "index.html")] == [runs[0]]
    named = ("--run", runs[0], "--run", runs[1], "--to", tmp_path / "two", "--json")
    told = json.loads(studio("export", "dashboard", "compare", *named).stdout)
    assert told == {"page": str(tmp_path / "two" / "index.html")}
    done = studio("export", "dashboard", "sweep", "--to", tmp_path / "three", status=1)
    assert "needs it" in done.stderr


def test_runs_are_named_in_one_way(studio, runs, tmp_path):
    for given in ([], [runs[0], "--project", "harbour"]):
        done = studio("export", "sheet", *given, "--to", tmp_path / "a.png", status=2)
        assert "name runs, or a --sweep, or a --project" in done.stderr
