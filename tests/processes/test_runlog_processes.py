"""The run log under several real processes: killed, stopped, forked, locked out, and without space."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
from pathlib import Path
from statistics import median

import pytest

from runlog_tools import child, eventually, live, log_run, public, rows, write_events
from soaking import length, soak
from studio_kernel.domain.marks import Project
from studio_kernel.errors import RunLogError
from studio_kernel.runlog import RunLog, database, events, patch
from studio_kernel.runlog.fold import collect, watermarks
from studio_kernel.runlog.sources import all_of, journals_of

KILLS = length(12, 100)
HOLD_S = length(4.0, 120.0)
LEAKED = re.compile("nanobind:| - leaked| - ... skipped|See https://nanobind")  # DuckDB, given up by a forked child
APPEND_S = 0.05
SLOWEST = length(median, max)  # at full length the machine has nothing else to do
MOST = length(median, lambda seconds: sorted(seconds)[int(len(seconds) * 0.99)])
RANK = {"queued": 0, "started": 1, "finished": 2}
STATUS_RANK = {"queued": 0, "running": 1, "succeeded": 2}
posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals and fork")


def finish(process: subprocess.Popen[str], answer: str | None = None) -> list[str]:
    """Let a program end and return the lines it has printed."""
    out, errors = process.communicate(answer, timeout=60)
    assert process.returncode == 0, errors
    assert [line for line in errors.splitlines() if not LEAKED.match(line)] == []
    return out.split("\n")[:-1]


def tell(process: subprocess.Popen[str], line: str) -> str:
    process.stdin.write(f"{line}\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@posix
@soak
def test_nothing_acknowledged_is_lost_or_doubled_by_kill_9(tmp_path):
    notes = tmp_path / "acknowledged"
    chance = random.Random(1)
    for _ in range(KILLS):
        before = size_of(notes)
        process = child("until_killed", tmp_path / "home", notes)
        eventually(lambda before=before: size_of(notes) > before)
        time.sleep(chance.uniform(0, 0.6))  # the moment of death is what varies here
        process.kill()
        process.communicate()
    home = tmp_path / "home"
    with RunLog(home) as log:
        log.sync()
        status = {run.id: STATUS_RANK[run.status] for run in log.runs(limit=None)}
    acknowledged: dict[str, int] = {}
    for line in notes.read_text().splitlines():
        run_id, event = line.split()
        acknowledged[run_id] = RANK[event]
    lost = [run_id for run_id, rank in acknowledged.items() if status.get(run_id, -1) < rank]
    assert lost == []
    for path in (live(home), public(home)):
        counts = rows(path, "SELECT count(*), count(DISTINCT id) FROM run_rows")[0]
        assert counts[0] == counts[1] >= len(acknowledged)
        assets = rows(path, "SELECT count(*), count(DISTINCT sha256), count(DISTINCT run_id) FROM assets")[0]
        assert assets[0] == assets[1] == assets[2] >= sum(rank == 2 for rank in acknowledged.values())
    print(f"{KILLS} kills, {len(acknowledged)} runs, {len(lost)} lost, {assets[0]} assets")


@soak
def test_a_program_that_holds_the_public_file_stops_nobody(tmp_path):
    with RunLog(tmp_path) as log:
        log_run(log)
    holder = child("hold", public(tmp_path))
    assert holder.stdout.readline() == "held\n"
    writers = [child("log_runs", tmp_path, int(HOLD_S * 5), 0.15) for _ in range(2)]
    with RunLog(tmp_path) as reader:
        delays = []
        while any(writer.poll() is None for writer in writers):
            begun = time.monotonic()
            reader.count()
            delays.append(time.monotonic() - begun)
            time.sleep(0.1)
        printed = [line.split() for writer in writers for line in finish(writer)]
        ids, times = {line[0] for line in printed}, [float(line[1]) for line in printed]
        assert len(ids) == 2 * int(HOLD_S * 5)
        assert median(times) < 5
        assert SLOWEST(delays) < 5
        eventually(lambda: reader.count() == len(ids) + 1)
        reader.sync()
        assert reader.health().public_is_busy
        late = log_run(reader)
        finish(holder, "let go\n")
        eventually(lambda: rows(public(tmp_path), "SELECT count(*) FROM runs") == [(len(ids) + 2,)])
        eventually(lambda: not reader.health().public_is_busy)
    ids.add(late)
    assert rows(public(tmp_path), "SELECT answer FROM my_notes") == [(42,)]
    assert rows(public(tmp_path), "SELECT n FROM my_view") == [(len(ids) + 1,)]
    assert {str(run_id) for (run_id,) in rows(public(tmp_path), "SELECT id FROM runs")} >= ids


@soak
def test_a_program_that_reads_the_live_file_delays_only_the_view(tmp_path):
    with RunLog(tmp_path) as log:
        known = log_run(log)
    holder = child("hold_reading", live(tmp_path))
    assert holder.stdout.readline() == "held\n"
    stop, appends, ids = time.monotonic() + length(2.0, 120.0), [], set()
    with RunLog(tmp_path) as log, RunLog(tmp_path) as viewer:
        while time.monotonic() < stop:
            begun = time.monotonic()
            ids.add(log_run(log))
            appends.append(time.monotonic() - begun)
            assert {run.id for run in viewer.runs()} == {known}
        finish(holder, "let go\n")
        eventually(lambda: {run.id for run in viewer.runs(limit=None)} == {known, *ids})
    assert SLOWEST(appends) < 3 * APPEND_S
    print(f"{len(ids)} runs while the live file was held, slowest append {max(appends) * 1e3 / 3:.1f} ms")


@posix
@soak
@pytest.mark.parametrize("end", [signal.SIGCONT, signal.SIGKILL])
def test_a_process_that_is_stopped_while_it_folds_delays_no_append_and_is_named(tmp_path, end):
    with RunLog(tmp_path) as log:
        ids = {log_run(log)}
    write_events(tmp_path, [(1_790_000_000_000_000, events.project(Project("p", "late")))])
    folder = child("stop_in_a_fold", tmp_path)
    assert folder.stdout.readline() == "folding\n"
    stop, appends = time.monotonic() + length(2.0, 60.0), []
    with RunLog(tmp_path) as log:
        while time.monotonic() < stop:
            begun = time.monotonic()
            ids.add(log_run(log))
            appends.append(time.monotonic() - begun)
            time.sleep(0.01)
        assert MOST(appends) < 3 * APPEND_S
        with pytest.raises(RunLogError, match=str(folder.pid)):
            log.count()
        folder.send_signal(end)
        out, _ = folder.communicate(timeout=60)
        assert out == ("folded\n" if end == signal.SIGCONT else "")
        eventually(lambda: log.count() == len(ids))
        assert [project.id for project in log.projects()] == ["p"]
    assert rows(live(tmp_path), "SELECT count(*), count(DISTINCT id) FROM run_rows") == [(len(ids),) * 2]
    print(f"{len(ids)} runs while the folder was stopped, slowest append {max(appends) * 1e3 / 3:.1f} ms")


def test_two_folders_that_lost_their_locks_keep_every_run_once(tmp_path):
    children = [child("fold_without_posix_lock", tmp_path, 3) for _ in range(2)]
    printed = {line for process in children for line in finish(process)}
    with RunLog(tmp_path) as log:
        log.sync()
        assert {run.id for run in log.runs(limit=None)} == printed
    assert rows(live(tmp_path), "SELECT count(*), count(DISTINCT id) FROM run_rows") == [(len(printed),) * 2]


@posix
def test_a_fold_that_overwrites_another_one_is_made_good(tmp_path):
    with RunLog(tmp_path) as log:
        ids = {log_run(log)}
    late = RunLog(tmp_path)._live
    late.catch_up(pause_s=0.0)
    with database.attached(live(tmp_path), read_only=False, wait_s=1.0) as connection:
        with live(tmp_path).open("rb"):
            pass  # closing it drops the lock that DuckDB holds for this process
        ids |= {line.split()[0] for line in finish(child("log_runs", tmp_path, 20, 0))}
        write_events(tmp_path, [(1_790_000_000_000_000, events.project(Project("p", "late")))])
        batch = collect(all_of(tmp_path), watermarks(connection))
        patch.load(connection, [line.text for line in batch.lines])
        late._write(connection, batch.watermarks)
    with RunLog(tmp_path) as log:
        log.sync()
        assert {run.id for run in log.runs(limit=None)} == ids
        assert [project.id for project in log.projects()] == ["p"]
    assert rows(live(tmp_path), "SELECT count(*) FROM run_rows") == [(len(ids),)]


@posix
def test_parent_and_forked_child_keep_journals_of_their_own(tmp_path):
    ids = finish(child("fork_and_log", tmp_path))
    with RunLog(tmp_path) as log:
        log.sync()
        assert sorted(run.id for run in log.runs()) == sorted(ids)
        assert {run.status for run in log.runs()} == {"succeeded"}
    assert len(ids) == 3


def test_an_exit_in_the_middle_of_a_fold_is_clean(tmp_path):
    ids = finish(child("exit_without_closing", tmp_path))
    with RunLog(tmp_path) as log:
        log.sync()
        assert {run.id for run in log.runs(limit=None)} == set(ids)


@posix
def test_interrupts_lose_and_double_nothing(tmp_path):
    ids = finish(child("interrupted", tmp_path))
    with RunLog(tmp_path) as log:
        log.sync()
        found = {run.id for run in log.runs(limit=None) if run.status == "succeeded"}
    assert set(ids) <= found
    assert rows(live(tmp_path), "SELECT count(*) = count(DISTINCT id) FROM run_rows") == [(True,)]


def test_a_full_disk_raises_nowhere_and_everything_is_there_once_it_has_room(small_disk):
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * (2 << 20))
    process = child("fill_disk", small_disk / "home")
    assert int(tell(process, "sync")) > 100, "the disk was meant to be full"
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    ballast.unlink()
    eventually(lambda: tell(process, "health") == "0")
    assert tell(process, "sync") == "0"
    finish(process, "close\n")
    with RunLog(small_disk / "home") as log:
        assert log.count() == 600
        assert {run.status for run in log.runs(limit=None)} == {"succeeded"}
        assert log.health().is_well
        log.sync()
    assert journals_of(small_disk / "home") == []
    for path in (live(small_disk / "home"), public(small_disk / "home")):
        assert rows(path, "SELECT count(*), count(DISTINCT id) FROM run_rows") == [(600, 600)]
