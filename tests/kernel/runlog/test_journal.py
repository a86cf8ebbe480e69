"""The writing side: lines, rotation, archives."""

from __future__ import annotations

import gzip
import json
import os
import threading

import pytest
from filelock import FileLock, Timeout

from runlog_tools import live, log_run, public, request, rows
from studio_kernel.domain.runs import Origin
from studio_kernel.errors import HomeError
from studio_kernel.runlog import RunLog, events, new_run_id
from studio_kernel.runlog.filesystem import network_file_system
from studio_kernel.runlog.journal import Journal
from studio_kernel.runlog.sources import all_of, archives_of, journals_of


def queued(prompt="a boat"):
    return events.queued(new_run_id(), request(prompt), "procedural", Origin())


def test_nothing_is_created_before_the_first_line(tmp_path):
    journal = Journal(tmp_path / "journal")
    journal.flush()
    journal.close()
    assert list(tmp_path.iterdir()) == []


def test_a_line_is_in_the_file_when_append_returns(tmp_path):
    journal = Journal(tmp_path)
    assert journal.append(queued("a fox"))
    [path] = tmp_path.glob("*.jsonl")
    [line] = path.read_bytes().splitlines()
    assert line.startswith(b'{"v":2,"ts":')
    assert json.loads(line)["parameters"] == {"prompt": "a fox"}
    journal.close()


def test_times_rise_even_when_the_clock_does_not(tmp_path):
    journal = Journal(tmp_path, clock=lambda: 1_790_000_000_000_000)
    for _ in range(5):
        journal.append(queued())
    journal.close()
    [path] = tmp_path.glob("*.jsonl")
    times = [json.loads(line)["ts"] for line in path.read_bytes().splitlines()]
    assert times == sorted(set(times))


def test_the_lock_beside_a_journal_tells_whether_it_is_written(tmp_path):
    journal = Journal(tmp_path)
    journal.append(queued())
    [lock] = tmp_path.glob("*.lock")
    with pytest.raises(Timeout):
        FileLock(lock, timeout=0).acquire()
    journal.close()
    with FileLock(lock, timeout=0):
        pass


def test_a_long_journal_is_followed_by_a_new_one(tmp_path):
    journal = Journal(tmp_path / "journal", rotate_bytes=2000)
    for _ in range(20):
        journal.append(queued())
    journal.close()
    sources = journals_of(tmp_path)
    assert len(sources) == 3
    assert sum(source.read(0, 1 << 20).count(b"\n") for source in sources) == 20


def test_a_home_that_cannot_be_written_is_refused_at_once(tmp_path):
    (tmp_path / "journal").write_text("a file where a directory should be")
    with RunLog(tmp_path) as log, pytest.raises(HomeError, match="no journal can be written"):
        log.queued(new_run_id(), request(), engine="procedural")


def test_lines_wait_in_memory_when_the_next_journal_cannot_be_made(tmp_path):
    journal = Journal(tmp_path / "journal", rotate_bytes=1)
    assert journal.append(queued())
    (tmp_path / "journal").rename(tmp_path / "elsewhere")
    (tmp_path / "journal").write_text("in the way")
    assert not journal.append(queued())
    assert (journal.pending, journal.error) == (1, "File exists")
    (tmp_path / "journal").unlink()
    journal.flush()
    assert (journal.pending, journal.error) == (0, None)
    journal.close()


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be deleted there")
def test_a_line_that_another_thread_is_just_writing_does_not_wait(tmp_path):
    journal, ended = Journal(tmp_path), threading.Event()

    def write():
        for _ in range(3000):
            journal.append(queued())
        ended.set()

    thread = threading.Thread(target=write)
    thread.start()
    seen = {journal.pending for _ in iter(ended.is_set, True)}
    thread.join()
    assert seen == {0}
    journal.close()


def test_a_journal_that_was_deleted_is_followed_by_a_new_one(tmp_path):
    journal = Journal(tmp_path)
    journal.append(queued())
    [path] = tmp_path.glob("*.jsonl")
    path.unlink()
    journal.flush()
    journal.append(queued())
    assert len(list(tmp_path.glob("*.jsonl"))) == 1
    journal.close()


def test_journals_that_are_in_both_files_are_archived(tmp_path):
    with RunLog(tmp_path) as log:
        log_run(log)
        size = sum(source.size_bytes for source in journals_of(tmp_path))
        log.sync()
        assert archives_of(tmp_path) == [], "it is still written"
    [archive] = archives_of(tmp_path)
    assert journals_of(tmp_path) == []
    assert list((tmp_path / "journal").glob("*.lock")) == []
    assert archive.size_bytes == size
    assert len(gzip.decompress(archive.path.read_bytes())) == size


def test_a_journal_that_is_not_in_the_public_file_is_kept(tmp_path):
    with RunLog(tmp_path) as log:
        log_run(log)
        log.sync()
        with FileLock(f"{public(tmp_path)}.lock", thread_local=False):
            log_run(log)
            log.close()
    assert len(journals_of(tmp_path)) == 1
    with RunLog(tmp_path) as log:
        log.sync()
    assert journals_of(tmp_path) == []
    assert rows(public(tmp_path), "SELECT count(*) FROM runs") == [(2,)]


def test_an_archive_that_was_cut_off_is_made_again(tmp_path):
    with RunLog(tmp_path) as log:
        log_run(log)
    [archive] = archives_of(tmp_path)
    journal = tmp_path / "journal" / f"{archive.name}.jsonl"
    journal.write_bytes(gzip.decompress(archive.path.read_bytes()))
    assert [source.path for source in all_of(tmp_path)] == [journal]
    with RunLog(tmp_path) as log:
        log.sync()
        assert log.count() == 1
    assert [source.path for source in all_of(tmp_path)] == [archive.path]
    assert rows(live(tmp_path), "SELECT count(*) FROM run_rows") == [(1,)]


MOUNTS = """\
/dev/vda / ext4 rw 0 0
server:/export /mnt/team nfs4 rw 0 0
//server/share /mnt/team/local ext4 rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/home/me", None), ("/mnt/team/home", "nfs4"), ("/mnt/team/local/x", None), ("/mnt/teams", None)],
)
def test_network_file_systems_are_recognised(tmp_path, path, kind):
    assert network_file_system(tmp_path.__class__(path), MOUNTS) == kind
