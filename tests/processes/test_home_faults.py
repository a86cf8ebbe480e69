"""Homes in trouble: on a read-only or full disk, copied while in use, two at once, with a clock that was set back."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from contextlib import suppress

import pytest

import studio_kernel as sk
from runlog_tools import child, eventually, live, log_run, public, rows
from soaking import length, soak
from studio_kernel.domain.runs import RunStatus
from studio_kernel.errors import HomeError
from studio_kernel.runlog import RunLog

TINY = {"model": "procedural", "width": 32, "height": 32, "num_inference_steps": 1}


def remount(disk, options):
    subprocess.run(["mount", "-o", f"remount,{options}", disk], check=True)


@pytest.fixture
def read_only_home(small_disk):
    """A home of one run on a disk that can only be read now."""
    remount(small_disk, "size=64m")
    home = small_disk / "home"
    with sk.open(home) as studio:
        studio.generate("a boat", seed=1, progress=False, **TINY)
    remount(small_disk, "ro")
    return home


def test_a_viewer_reads_a_home_on_a_read_only_disk(read_only_home):
    with sk.open(read_only_home, mode="viewer") as studio:
        [run] = studio.records()
        assert run.status is RunStatus.SUCCEEDED
        assert studio.facets().total == 1
        assert len(studio.runs(where="width = 32")) == 1
        assert studio.sql("SELECT count(*) AS n FROM runs").n[0] == 1
        assert studio.run(run.id).image.size == (32, 32)
        assert studio.changed_since(studio.changed_since()) == studio.changed_since()


def test_a_mark_on_a_read_only_disk_says_what_is_wrong(read_only_home):
    with sk.open(read_only_home, mode="viewer") as studio, pytest.raises(HomeError, match="Read-only file system"):
        studio.mark(studio.records()[0].id, rating=5)


def test_an_editor_refuses_a_read_only_disk(read_only_home):
    with pytest.raises(HomeError, match=r"cannot be written \(Read-only file system\)"):
        sk.open(read_only_home)


def test_runs_that_are_only_in_the_journal_are_told_of_on_a_read_only_disk(small_disk):
    remount(small_disk, "size=64m")
    home = small_disk / "home"
    with RunLog(home) as log:
        known = log_run(log)
    child("log_and_die", home).communicate(timeout=60)
    remount(small_disk, "ro")
    with RunLog(home) as log:
        eventually(lambda: [run.id for run in log.runs()] == [known] and "Read-only" in (log.health().error or ""))


def fill(disk, leave=0):
    """Write a file that takes all the room on a disk but `leave` bytes; return it."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):  # the last bytes do not fit
        file.write(b"x" * max(0, shutil.disk_usage(disk).free - leave))
    return ballast


def test_a_run_whose_picture_does_not_fit_fails_with_the_reason_and_the_next_one_works(small_disk):
    remount(small_disk, "size=64m")
    with sk.open(small_disk / "home") as studio:
        assert studio.generate("a boat", seed=1, progress=False, **TINY).status == "succeeded"
        ballast = fill(small_disk)
        failed = studio.generate("a boat", seed=2, progress=False, **TINY)
        assert failed.status == "failed"
        assert "No space left" in failed.error
        ballast.unlink()
        eventually(lambda: studio.health().pending == 0)
        assert studio.generate("a boat", seed=3, progress=False, **TINY).status == "succeeded"
        assert [run.status for run in studio.records()] == ["succeeded", "failed", "succeeded"]
    assert rows(live(small_disk / "home"), "SELECT count(*), count(DISTINCT id) FROM run_rows") == [(3, 3)]


def test_a_disk_that_is_full_for_the_fold_alone_stops_nothing_and_heals(small_disk):
    home = small_disk / "home"
    remount(small_disk, "size=64m")
    with RunLog(home) as log:
        ids = {log_run(log)}
        log.sync()
        ballast = fill(small_disk, leave=256 << 10)
        ids |= {log_run(log, f"{number} " + "x" * 2000) for number in range(40)}
        log.sync()
        assert log.pending_events == 0, "the journal had room"
        assert {run.id for run in log.runs(limit=None)} <= ids
        ballast.unlink()
        eventually(lambda: log.sync() or {run.id for run in log.runs(limit=None)} == ids)
        assert log.health().is_well
    for path in (live(home), public(home)):
        assert rows(path, "SELECT count(*), count(DISTINCT id) FROM run_rows") == [(41, 41)]


def test_two_homes_in_one_process_keep_their_runs_apart(tmp_path):
    ids: dict[str, set[str]] = {"first": set(), "second": set()}
    with RunLog(tmp_path / "first") as first, RunLog(tmp_path / "second") as second:
        logs = {"first": first, "second": second}

        def work(name):
            for _ in range(20):
                ids[name].add(log_run(logs[name]))
                assert {run.id for run in logs[name].runs(limit=None)} == ids[name]

        threads = [threading.Thread(target=work, args=[name]) for name in logs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for name, expected in ids.items():
        for path in (live(tmp_path / name), public(tmp_path / name)):
            assert {str(run_id) for (run_id,) in rows(path, "SELECT id FROM run_rows")} == expected
            assert len(expected) == 20


def test_two_homes_of_two_processes_keep_their_runs_apart(tmp_path):
    homes = [tmp_path / "first", tmp_path / "second"]
    writers = [child("log_runs", home, 20, 0.01) for home in homes for _ in range(2)]
    printed = [{line.split()[0] for line in writer.communicate(timeout=60)[0].splitlines()} for writer in writers]
    for number, home in enumerate(homes):
        with RunLog(home) as log:
            found = {run.id for run in log.runs(limit=None)}
        assert found == printed[2 * number] | printed[2 * number + 1]
        assert len(found) == 40


def acknowledged(notes):
    """Return the runs whose end was acknowledged, as `until_killed` notes them."""
    lines = notes.read_text().split("\n")[:-1] if notes.exists() else []
    return {line.split()[0] for line in lines if line.endswith(" finished")}


@soak
def test_a_copy_of_a_home_in_use_opens_with_every_run_acknowledged_before(tmp_path):
    home, notes = tmp_path / "home", [tmp_path / "notes-1", tmp_path / "notes-2"]
    writers = [child("until_killed", home, note) for note in notes]
    eventually(lambda: all(acknowledged(note) for note in notes), within_s=60)
    copies = []
    for number in range(length(4, 40)):
        before = set().union(*map(acknowledged, notes))
        copy = tmp_path / f"copy-{number}"
        subprocess.run(["cp", "-r", home, copy], check=False, capture_output=True)  # a file may go while it copies
        copies.append((copy, before))
        time.sleep(length(0.2, 1.0))
    for writer in writers:
        writer.kill()
        writer.communicate()
    for copy, before in copies:
        with RunLog(copy) as log:
            log.sync()
            found = {run.id: run for run in log.runs(limit=None)}
            assert before <= {run_id for run_id, run in found.items() if run.status == "succeeded"}
            assert log.health().error is None
            assert log.run(log_run(log)) is not None, "the copy works on"
        for path in (live(copy), public(copy)):
            assert rows(path, "SELECT count(*) - count(DISTINCT id) FROM run_rows") == [(0,)]
            assert rows(path, "SELECT count(*) - count(DISTINCT run_id) FROM assets") == [(0,)]
    print(f"{len(copies)} copies, the last with {len(copies[-1][1])} acknowledged runs")
