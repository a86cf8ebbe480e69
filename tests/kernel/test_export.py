"""Pages that leave a home: what is on them, what never is, and what becomes of one that is interrupted."""

import errno
import shutil

import pytest

import studio_kernel as sk
from exported import data_of, runs_of, texts_of
from studio_kernel.domain.assets import Asset
from studio_kernel.errors import HomeError, InvalidRequestError
from studio_kernel.export.page.folder import page_folder
from studio_kernel.runlog import RunFilter

QUICK = {"model": "procedural", "num_inference_steps": 1, "width": 32, "height": 32}


def begin_and_fail(out, home, error):
    with page_folder(out, "gallery", home) as page:
        page.data("head", {"title": "half"})
        page.finish("gallery.html")
        raise error


def test_an_exported_gallery_is_one_folder_with_all_it_needs(home, tmp_path):
    with sk.open(home) as studio:
        run = studio.generate("a red boat", seed=7, **QUICK)
        studio.mark(run, favourite=True, rating=4, tags=["harbour"])
        page = studio.export_gallery(tmp_path / "out", title="Harbour")
    assert data_of(page)["title"] == "Harbour"
    [entry] = runs_of(page)
    assert (entry["prompt"], entry["favourite"], entry["rating"]) == ("a red boat", 1, 4)
    assert (entry["tags"], entry["status"], entry["model"]) == (["harbour"], "succeeded", "procedural")
    assert entry["settings"]["seed"] == "7"
    for file in entry["files"]:
        assert (page.parent / file["file"]).is_file()
        assert (page.parent / file["thumbnail"]).is_file()


def test_text_of_people_cannot_leave_the_data(home, tmp_path):
    with sk.open(home) as studio:
        studio.generate("</script><script>alert(1)</script>", **QUICK)
        page = studio.export_gallery(tmp_path / "out")
    data = [path.read_text() for path in page.parent.glob("page-*/*-[0-9]*.js")] + [page.read_text()]
    assert not any("<script>alert" in text for text in data)
    assert runs_of(page)[0]["prompt"] == "</script><script>alert(1)</script>"


def test_exporting_again_replaces_the_page_and_takes_away_what_it_no_longer_has(home, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with sk.open(home) as studio:
        first = studio.generate("a", **QUICK)
        page = studio.export_gallery(tmp_path / "out")
        studio.delete(first)
        studio.generate("b", **QUICK)
        assert studio.export_gallery(tmp_path / "out") == page
    assert [run["prompt"] for run in runs_of(page)] == ["b"]
    assert len(list((tmp_path / "out" / "files").glob("*.png"))) == 1
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"
    assert not list(tmp_path.rglob(".studio-export-*"))


def test_only_the_runs_that_are_named_are_on_the_page(home, tmp_path):
    with sk.open(home) as studio:
        runs = [studio.generate(text, **QUICK) for text in ("a", "b", "c")]
        studio.mark(runs[0], note="for our eyes only")
        page = studio.export_gallery(tmp_path / "out", runs=[runs[2], runs[0].id])
    found = runs_of(page)
    assert [run["prompt"] for run in found] == ["c", "a"]
    assert "our eyes" not in texts_of(page)
    assert ["Engine", "procedural"] in found[0]["facts"]
    assert len(list((tmp_path / "out" / "files").glob("*.png"))) == 2


def test_a_private_run_is_not_on_the_page(home, tmp_path):
    with sk.open(home) as studio:
        private = studio.generate("a", private=True, **QUICK)
        with pytest.raises(InvalidRequestError, match="private"):
            studio.export_gallery(tmp_path / "out", runs=[private])
        assert runs_of(studio.export_gallery(tmp_path / "out", runs=RunFilter())) == []


def test_an_interrupted_export_leaves_nothing_behind(home, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        begin_and_fail(out, home, KeyboardInterrupt())
    assert not out.exists()
    assert not list(tmp_path.glob(".studio-export-*"))


def test_a_full_disk_is_told_and_the_earlier_page_stays_whole(home, tmp_path):
    with sk.open(home) as studio:
        studio.generate("a", **QUICK)
        page = studio.export_gallery(tmp_path / "out")
    before = {path: path.read_bytes() for path in page.parent.rglob("*") if path.is_file()}
    with pytest.raises(HomeError, match="No space left"):
        begin_and_fail(tmp_path / "out", home, OSError(errno.ENOSPC, "No space left on device"))
    assert {path: path.read_bytes() for path in page.parent.rglob("*") if path.is_file()} == before


def test_a_lost_file_is_left_out_and_the_page_is_made(home, tmp_path):
    with sk.open(home) as studio:
        run = studio.generate("a", **QUICK)
        [asset] = run.assets
        assert isinstance(asset, Asset)
        shutil.rmtree(studio.assets.path(asset).parent)
        [entry] = runs_of(studio.export_gallery(tmp_path / "out"))
    assert entry["files"] == []
