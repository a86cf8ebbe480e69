"""`mend` makes again what can be made again, names what cannot, and has nothing to do the second time."""

import os

import pytest

import studio_kernel as sk
from pictures import png
from runlog_tools import live, public, write_journal
from studio_kernel.errors import ReadOnlyError
from studio_kernel.repair import mend

QUICK = {"model": "procedural", "num_inference_steps": 1, "width": 32, "height": 32}


@pytest.fixture
def run(home):
    """The only run of a home that nobody has open."""
    with sk.open(home) as studio:
        run = studio.generate("a boat", image=png(1), **QUICK)
        studio.assets.thumbnail(run.request.references[0])
    return run.record


def repaired(home):
    """Repair twice: return what the first did; the second must have had nothing to do."""
    with sk.open(home) as studio:
        first, second = mend(studio), mend(studio)
    done = ("moved", "built", "folded", "made", "removed")
    assert not [check for check in second if check.name != "missing file" and set(done) & set(check.finding.split())]
    return {check.name: check for check in first}


def test_a_sound_home_needs_nothing(home, run):
    checks = repaired(home)
    assert {check.state for check in checks.values()} == {"works"}
    assert checks["files"].finding == "2 of 2 are there with the right bytes"


def test_an_empty_home_needs_nothing(home):
    assert {check.state for check in repaired(home).values()} == {"works"}


@pytest.mark.parametrize("which", [live, public])
def test_a_missing_database_is_built_from_the_journals(home, run, which):
    which(home).unlink()
    assert "was missing, built" in repaired(home)[which(home).name].finding
    with sk.open(home) as studio:
        assert studio.run(run.id).assets == run.assets


@pytest.mark.parametrize("which", [live, public])
def test_a_damaged_database_is_built_anew_and_kept(home, run, which):
    data = bytearray(which(home).read_bytes())
    for block in range(12288, len(data), 4096):  # the head is whole: the file opens, and only reading it all tells
        data[block : block + 64] = bytes(64)
    which(home).write_bytes(data)
    assert "was damaged, built anew" in repaired(home)[which(home).name].finding
    assert len(list(home.glob(f"{which(home).name}.bad-*"))) == 1
    with sk.open(home) as studio:
        assert studio.run(run.id).assets == run.assets


def test_what_waits_in_journals_is_folded_into_both_databases(home, run):
    [journal] = (home / "journal" / "done").iterdir()
    for path in (live(home), public(home)):
        path.unlink()
    checks = repaired(home)
    assert "bytes of journals folded" in checks["live.duckdb"].finding
    assert journal.exists()
    assert live(home).stat().st_size > 0
    assert public(home).stat().st_size > 0


def test_a_damaged_file_is_moved_and_named_with_its_run(home, run):
    with sk.open(home) as studio:
        path = studio.assets.path(run.assets[0])
    path.write_bytes(b"damaged")
    check = repaired(home)["damaged file"]
    assert check.state == "broken"
    assert run.assets[0].sha256 in check.finding
    assert f"made by run {run.id}" in check.finding
    assert (home / "assets" / "damaged" / path.name).read_bytes() == b"damaged"


def test_a_missing_file_is_named_with_its_run(home, run):
    [ref] = run.request.references
    with sk.open(home) as studio:
        studio.assets.path(ref).unlink()
        check = next(check for check in mend(studio) if check.name == "missing file")
    assert check.finding == f"{ref.sha256}: given to run {run.id}"
    assert "no other copy" in check.advice


def test_a_missing_file_is_well_again_once_it_is_given_again(home, run):
    with sk.open(home) as studio:
        studio.assets.path(run.request.references[0]).unlink()
        studio.assets.take(png(1))
    assert "missing file" not in repaired(home)


def test_a_missing_thumbnail_is_made(home, run):
    [thumbnail] = home.glob(f"assets/??/{run.assets[0].sha256}.thumb.webp")
    thumbnail.unlink()
    assert repaired(home)["thumbnails"].finding == "1 made"
    assert thumbnail.exists()


def test_an_asset_that_nobody_uses_is_left_to_gc(home, run):
    with sk.open(home) as studio:
        path = studio.assets.path(studio.assets.put(png(2)))
        os.utime(path, (1e9, 1e9))
    assert "thumbnails" in repaired(home)
    assert path.exists()


def test_lines_that_cannot_be_read_are_shown_with_file_and_reason(home, run):
    write_journal(
        home, [b"garbage\n", b"[1]\n", b'{"v":1,"ts":1,"event":"dance"}\n', b'{"v":1,"ts":1,"event":"mark"}\n']
    )
    with sk.open(home) as studio:
        findings = [check.finding for check in mend(studio) if check.name == "unreadable line"]
    no_lines, no_events = sorted((home / "journal" / "bad").iterdir())
    assert findings == [
        f"{no_lines}, line 1: it is no JSON",
        f"{no_lines}, line 2: it is no object",
        f"{no_events}, line 1: it is of an unknown kind, 'dance'",
        f"{no_events}, line 2: it lacks what 'mark' needs, or has a value there that does not fit",
    ]


def test_a_viewer_mends_nothing(home, run):
    with sk.open(home, mode="viewer") as viewer, pytest.raises(ReadOnlyError):
        mend(viewer)
