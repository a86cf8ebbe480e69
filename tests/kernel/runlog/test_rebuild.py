"""Damaged, missing and old DuckDB files are built anew from what is left; the journals are the truth."""

from __future__ import annotations

import os
import random
import shutil

import pytest

from runlog_tools import live, log_run, public, rows
from studio_kernel.domain.marks import Mark
from studio_kernel.runlog import RunLog, database
from studio_kernel.runlog.sources import journals_of

COUNT = 40


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A home that three processes have written; some runs are in archives, the last in a journal."""
    home = tmp_path_factory.mktemp("template")
    with RunLog(home) as log:
        ids = [log_run(log) for _ in range(COUNT - 2)]
    with RunLog(home) as log:
        ids.append(log_run(log))
    with RunLog(home) as log:
        log.mark(ids[0], Mark(rating=5))
        ids.append(log_run(log))
        log.sync()
        [journal] = journals_of(home)
        kept = journal.path.read_bytes()
    for archive in (home / "journal" / "done").glob(f"{journal.name}*"):
        archive.unlink()
    journal.path.write_bytes(kept)
    return home, set(ids)


@pytest.fixture
def ids(tmp_path, template):
    """The runs of the home at `tmp_path`, a copy of the template; nothing of it is attached in this process."""
    shutil.copytree(template[0], tmp_path, dirs_exist_ok=True)
    return template[1]


def assert_complete(home, ids):
    with RunLog(home) as log:
        assert {run.id for run in log.runs(limit=None)} == ids
        assert log.run(min(ids)).rating == 5
        log.sync()
        assert log.health().is_well
    for path in (live(home), public(home)):
        assert rows(path, "SELECT count(*), count(DISTINCT id) FROM runs") == [(COUNT, COUNT)]
        assert rows(path, "SELECT count(DISTINCT journal) = count(*) FROM fold_state") == [(True,)]


def remove(path):
    path.unlink()


def empty(path):
    os.truncate(path, 0)


def halve(path):
    os.truncate(path, path.stat().st_size // 2)


def shorten(path):
    os.truncate(path, 8192)


def overwrite(path):
    path.write_bytes(b"not a database" * 1000)


def scramble(path):
    data = bytearray(path.read_bytes())
    for block in range(0, len(data), 4096):
        data[block : block + 512] = random.Random(block).randbytes(512)
    path.write_bytes(data)


def blot(path):
    data = bytearray(path.read_bytes())
    for block in range(12288, len(data), 4096):  # the head is whole: the file opens, and only its data is not sound
        data[block : block + 64] = bytes(64)
    path.write_bytes(data)


DAMAGES = (remove, empty, halve, shorten, overwrite, scramble, blot)


@pytest.mark.parametrize("which", ["live", "public", "both"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_built_anew(tmp_path, ids, damage, which):
    for path in {"live": [live(tmp_path)], "public": [public(tmp_path)], "both": [live(tmp_path), public(tmp_path)]}[
        which
    ]:
        damage(path)
    assert_complete(tmp_path, ids)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_is_damaged_while_a_log_is_open_is_built_anew(tmp_path, ids, damage):
    with RunLog(tmp_path) as log:
        assert log.count() == COUNT
        damage(live(tmp_path))
        assert {run.id for run in log.runs(limit=None)} == ids
    assert_complete(tmp_path, ids)


def test_the_damaged_file_is_kept_under_another_name(tmp_path, ids):
    overwrite(live(tmp_path))
    assert_complete(tmp_path, ids)
    [kept] = tmp_path.glob("live.duckdb.bad-*")
    assert kept.read_bytes().startswith(b"not a database")


def test_a_write_ahead_log_without_its_file_is_put_aside(tmp_path, ids):
    live(tmp_path).unlink()
    database.write_ahead_log(live(tmp_path)).write_bytes(b"left over")
    assert_complete(tmp_path, ids)


def test_both_files_are_rebuilt_from_journals_and_archives_alone(tmp_path, ids):
    live(tmp_path).unlink()
    public(tmp_path).unlink()
    assert_complete(tmp_path, ids)


@pytest.mark.parametrize("restored", [[live], [public], [live, public]])
def test_an_old_backup_gets_what_was_logged_and_archived_since(tmp_path, restored):
    with RunLog(tmp_path) as log:
        ids = {log_run(log)}
        log.sync()
        back_up(tmp_path)
        ids.add(log_run(log))
    with RunLog(tmp_path) as log:
        ids.add(log_run(log))
    assert journals_of(tmp_path) == []
    for path in restored:
        restore(path(tmp_path))
    with RunLog(tmp_path) as log:
        log.sync()
        assert {run.id for run in log.runs()} == ids
    assert_unique(tmp_path, 3)


def test_an_old_backup_that_is_restored_under_an_open_log_is_noticed_with_the_next_event(tmp_path):
    with RunLog(tmp_path) as open_log:
        ids = {log_run(open_log)}
        open_log.sync()
        back_up(tmp_path)
        with RunLog(tmp_path) as other:
            ids.add(log_run(other))
        open_log.sync()
        assert open_log.count() == 2
        restore(live(tmp_path))
        ids.add(log_run(open_log))
        assert {run.id for run in open_log.runs()} == ids
    assert_unique(tmp_path, 3)


def back_up(home):
    for path in (live(home), public(home)):
        shutil.copy(path, path.with_suffix(".backup"))  # safe here: nothing is attached in this process


def restore(path):
    shutil.copy(path.with_suffix(".backup"), path)


def assert_unique(home, count):
    for path in (live(home), public(home)):
        assert rows(path, "SELECT count(*), count(DISTINCT id) FROM runs") == [(count, count)]


def test_two_processes_that_meet_a_damaged_file_rebuild_it_once(tmp_path, ids):
    first, second = RunLog(tmp_path), RunLog(tmp_path)
    damaged = database.identity(live(tmp_path))
    overwrite(live(tmp_path))
    first._live.replace(damaged)
    second._live.replace(damaged)
    assert len(list(tmp_path.glob("live.duckdb.bad-*"))) == 1
    assert first.count() == second.count() == COUNT
