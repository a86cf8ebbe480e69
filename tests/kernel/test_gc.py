"""`collect` removes what nothing refers to, and refuses while it cannot be sure."""

import os
import time
from datetime import timedelta

import pytest
from filelock import FileLock

import studio_kernel as sk
from pictures import aged, png
from runlog_tools import live, write_journal
from studio_kernel.domain.runs import RunProgress, RunStatus
from studio_kernel.errors import HomeError, InvalidInputError, InvalidRequestError, ReadOnlyError
from studio_kernel.gc import collect
from studio_kernel.live import LiveBoard
from studio_kernel.runlog import RunLog, new_run_id

QUICK = {"model": "procedural", "num_inference_steps": 1, "width": 32, "height": 32}


@pytest.fixture
def studio(home):
    with sk.open(home) as studio:
        yield studio


@pytest.fixture
def used(studio):
    """A home with one run, all its files old."""
    run = studio.generate("a boat", image=png(1), **QUICK)
    aged(studio.home.assets)
    return run


def stored(studio):
    return set(studio.assets.digests())


def test_what_no_run_refers_to_is_removed_with_its_thumbnail(studio, used):
    stray = studio.assets.put(png(2))
    thumbnail = studio.assets.thumbnail(stray)
    aged(studio.home.assets)
    collected = collect(studio)
    assert [path.name.split(".")[0] for path in collected.removed["asset"]] == [stray.sha256]
    assert collected.removed["thumbnail"] == (thumbnail,)
    assert collected.freed_bytes > stray.size_bytes
    assert collected.kept == 2
    assert not collected.refusal
    assert stored(studio) == {used.first_asset.sha256, used.request.references[0].sha256}
    assert collect(studio).count == 0


def test_what_can_be_made_again_is_left_alone(studio, used):
    kept = studio.home.cache / "traces" / "some.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("{}")
    aged(studio.home.cache)
    assert collect(studio).count == 0
    assert kept.exists()


def test_a_dry_run_says_the_same_and_removes_nothing(studio, used):
    studio.assets.thumbnail(studio.assets.put(png(2)))
    aged(studio.home.assets)
    before = stored(studio)
    planned = collect(studio, dry_run=True)
    assert stored(studio) == before
    done = collect(studio)
    assert (planned.removed, planned.freed_bytes, planned.kept) == (done.removed, done.freed_bytes, done.kept)
    assert planned.count == 2


def test_nothing_younger_than_the_grace_is_removed(studio, used):
    path = studio.assets.path(studio.assets.put(png(2)))
    ten_minutes_ago = time.time() - 600
    os.utime(path, (ten_minutes_ago, ten_minutes_ago))
    assert collect(studio, grace=timedelta(minutes=11)).count == 0
    assert collect(studio, grace=timedelta(minutes=9)).count == 1


def test_inputs_of_a_planned_sweep_stay_once_it_is_started(studio, used):
    sweep = studio.sweep("a boat", axes={"image": [png(3), png(4)]}, start=False, **QUICK)
    sweep.start().wait()
    aged(studio.home.assets)
    collect(studio)
    assert {ref.sha256 for ref in sweep.definition.references} <= stored(studio)


def test_a_sweep_keeps_its_files_when_no_run_came_of_it(studio, used):
    sweep = studio.sweep("a boat", axes={"image": [png(3), png(4)]}, mask_image=png(5), start=False, **QUICK)
    studio.log_sweep(sweep.id, sweep.definition, None)
    aged(studio.home.assets)
    collect(studio)
    assert len({ref.sha256 for ref in sweep.definition.references} & stored(studio)) == 3


def test_an_input_that_waited_long_for_its_run_is_young_again_when_it_is_submitted(studio, used):
    request = studio.request("a boat", image=png(3), **QUICK)
    path = studio.assets.path(request.references[0])
    aged(studio.home.assets)
    studio.submit_request(request).wait()
    assert time.time() - path.stat().st_mtime < 60


def test_a_request_whose_input_was_removed_is_refused_before_it_is_logged(studio, used):
    request = studio.request("a boat", image=png(3), **QUICK)
    aged(studio.home.assets)
    collect(studio)
    with pytest.raises(InvalidInputError, match="no stored file"):
        studio.submit_request(request)
    assert studio.count() == 1


def test_files_of_a_run_that_is_still_at_work_stay_however_long_it_takes(studio, used, monkeypatch):
    with RunLog(studio.home.runlog) as log:
        run_id = new_run_id()
        log.queued(run_id, used.request, engine="procedural")
        log.started(run_id, provenance={})
        asset = studio.assets.put(png(6))
        assert collect(studio, grace=timedelta(0)).count == 0
        later = time.time() + 3600
        monkeypatch.setattr("time.time", lambda: later)
        assert collect(studio, grace=timedelta(0)).count == 0
        log.finished(run_id, "succeeded")
    assert [path.name.split(".")[0] for path in collect(studio, grace=timedelta(0)).removed["asset"]] == [asset.sha256]


def test_leftovers_of_killed_processes_are_removed(studio, used):
    board = LiveBoard(studio.home.live)
    at_work = new_run_id()
    for run_id in (used.id, at_work):
        board.write(run_id, RunProgress(RunStatus.RUNNING, 1, 2, preview=b"webp"))
    (studio.home.live / f"{used.id}.new").write_bytes(b"half")
    half = studio.assets.path(used.first_asset).parent / ".new-abc"
    half.write_bytes(b"half")
    aged(studio.home.assets)
    aged(studio.home.live)
    collected = collect(studio)
    assert {path.suffix for path in collected.removed["live"]} == {".json", ".webp", ".new"}
    assert collected.removed["temporary"] == (half,)
    assert sorted(path.name for path in studio.home.live.iterdir()) == [f"{at_work}.json", f"{at_work}.webp"]


def newer(home):
    write_journal(home, [b'{"v":9,"ts":1,"event":"sweep","what":"ever"}\n'])


def garbage(home):
    write_journal(home, [b"garbage\n"])


def emptied(home):
    for path in (live(home), home / "runs.duckdb", *(home / "journal").rglob("*.jsonl*")):
        path.unlink(missing_ok=True)


def damaged(home):
    os.truncate(live(home), 8192)
    live(home).with_name("runs.duckdb").unlink()


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [(newer, "newer studio"), (garbage, "1 line"), (emptied, "not a single run")],
)
def test_no_asset_is_removed_while_a_part_of_the_log_cannot_be_read(home, trouble, reason):
    with sk.open(home) as studio:
        studio.generate("a boat", **QUICK)
        studio.assets.put(png(2))
    aged(home / "assets")
    trouble(home)
    with sk.open(home) as studio:
        collected = collect(studio)
        assert reason in collected.refusal
        assert (collected.removed["asset"], collected.kept) == ((), 2)
        assert len(stored(studio)) == 2


def test_no_asset_is_removed_while_somebody_holds_the_log(home, monkeypatch):
    monkeypatch.setattr("studio_kernel.runlog.upkeep.WAIT_S", 0.2)
    with sk.open(home) as studio:
        studio.generate("a boat", **QUICK)
        stray = studio.assets.put(png(2))
    aged(home / "assets")
    with RunLog(home) as log, sk.open(home) as studio:
        with FileLock(f"{live(home)}.lock"):
            log.queued(new_run_id(), studio.request("a boat", image=stray.ref, **QUICK), engine="procedural")
            aged(home / "assets")
            collected = collect(studio)
        assert "not all journals could be folded" in collected.refusal
        assert stray.sha256 in stored(studio)
        assert collect(studio).refusal == ""
        assert stray.sha256 in stored(studio)


def test_a_damaged_log_is_built_anew_or_nothing_is_removed(home):
    with sk.open(home) as studio:
        run = studio.generate("a boat", image=png(1), **QUICK)
        studio.assets.put(png(2))
    aged(home / "assets")
    damaged(home)
    with sk.open(home) as studio:
        collect(studio)
        kept = {run.first_asset.sha256, run.request.references[0].sha256}
        assert kept <= stored(studio)


def test_a_line_that_a_power_cut_tore_stands_in_the_way_until_somebody_has_looked_at_it(home):
    with sk.open(home) as studio:
        studio.generate("a boat", **QUICK)
        studio.assets.put(png(2))
    aged(home / "assets")
    write_journal(home, [b'{"v":2,"ts":1790000000000000,"event":"que'])
    with sk.open(home) as studio:
        assert "1 line" in collect(studio).refusal
        for path in (home / "journal" / "bad").iterdir():
            path.unlink()
        assert len(collect(studio).removed["asset"]) == 1


def test_two_collections_at_a_time_are_refused(studio, used):
    with FileLock(studio.home.upkeep_lock), pytest.raises(HomeError, match="at work"):
        collect(studio)
    collect(studio)


def test_a_viewer_removes_nothing(studio, used):
    with sk.open(studio.home.root, mode="viewer") as viewer, pytest.raises(ReadOnlyError):
        collect(viewer)


def test_a_negative_grace_is_refused(studio):
    with pytest.raises(InvalidRequestError, match="grace"):
        collect(studio, grace=timedelta(hours=-1))
