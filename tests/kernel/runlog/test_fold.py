"""Folding: every event in every file exactly once, whatever the journals hold."""

from __future__ import annotations

import json
import random
import threading

import duckdb
import pytest
from filelock import FileLock

from runlog_tools import child, eventually, live, log_run, public, request, rows, write_events, write_journal
from studio_kernel.domain.marks import Mark
from studio_kernel.domain.runs import Origin, RunStatus
from studio_kernel.errors import RunLogError
from studio_kernel.runlog import RunFilter, RunLog, database, events, fold, new_run_id, quarantine, schema
from studio_kernel.runlog.fold import Folder

NOW = 1_790_000_000_000_000
collect = fold.collect


def folder_of(home, **options):
    return Folder(home, live(home), sibling=public(home), wait_s=1.0, keeps_bad_lines=True, **options)


def queued(prompt="a boat", run_id=None):
    return events.queued(run_id or new_run_id(), request(prompt), "procedural", Origin())


def bad_lines(home):
    return [line for path in (home / "journal" / "bad").glob("*") for line in path.read_bytes().splitlines()]


GARBAGE = (
    b"garbage",
    b"",
    b"\x00\x00\x00",
    b"null",
    b"[]",
    b"42",
    b'{"v":1',
    b'{"v":1}',
    b'{"ts":1,"event":"queued"}',
    b'{"v":1,"ts":"x","event":"mark","id":"nobody"}',
    b'{"v":1,"ts":1,"event":"mark"}',
    b'{"v":1,"ts":-5,"event":"mark","id":"019a0000-0000-7000-8000-000000000001"}',
    b'{"v":1,"ts":9223372036854775807,"event":"mark","id":"019a0000-0000-7000-8000-000000000001"}',
    b'{"v":1,"ts":1,"event":"dance","id":"019a0000-0000-7000-8000-000000000001"}',
    b'{"v":1,"ts":1,"event":"finished","id":"019a0000-0000-7000-8000-000000000001","status":"dancing"}',
    b'{"v":1,"ts":1,"event":"queued","id":"019a0000-0000-7000-8000-000000000001","engine":"e","model":"m",'
    b'"task":"t","parameters":"p"}',
    b'{"v":1,"ts":1,"event":"mark","id":"\xff\xfe"}',
    b'{"v":1,"ts":1,"event":"mark","id":"\\ud800"}',
    b'{"v":0,"ts":1,"event":"mark","id":"019a0000-0000-7000-8000-000000000001"}',
)


def test_lines_without_meaning_are_put_aside_and_their_neighbours_folded(tmp_path):
    lines, good = [], []
    for i, garbage in enumerate(GARBAGE):
        run_id = new_run_id()
        good.append(run_id)
        lines += [garbage + b"\n", events.encode(queued(run_id=run_id), NOW + i)]
    write_journal(tmp_path, lines)
    with RunLog(tmp_path) as log:
        assert {run.id for run in log.runs()} == set(good)
        assert log.health().quarantined == len(GARBAGE)
        assert log.health().error is None
        log.sync()
        assert log.health().quarantined == len(GARBAGE)
    assert sorted(bad_lines(tmp_path)) == sorted(GARBAGE)


def test_a_journal_of_nothing_but_garbage_is_folded_to_its_end(tmp_path):
    journal = write_journal(tmp_path, [b"garbage\n", b"more of it\n"])
    folder = folder_of(tmp_path)
    assert folder.catch_up()
    assert folder.watermarks() == {journal.stem: journal.stat().st_size}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seed", 2**64 - 1),
        ("seed", 2**64),
        ("seed", -1),
        ("seed", "text"),
        ("width", {"a": 1}),
        ("width", 10**12),
        ("guidance_scale", "NaN"),
        ("guidance_scale", "1e999"),
        ("prompt", "x" * 400_000),
        ("prompt", "a\x00b \U0001f6a2"),
        ("prompt", 5),
    ],
)
def test_an_odd_parameter_costs_at_most_its_column(tmp_path, field, value):
    run_id, other = new_run_id(), new_run_id()
    odd = queued(run_id=run_id)
    odd["parameters"] = {"prompt": "a boat", field: value}
    write_events(tmp_path, [(NOW, odd), (NOW + 1, queued(run_id=other))])
    with RunLog(tmp_path) as log:
        assert {run.id for run in log.runs()} == {run_id, other}
        assert log.run(run_id).request.parameters[field] == (value if not isinstance(value, dict) else {"a": 1})
        assert log.health().is_well


def test_fields_of_the_wrong_type_do_not_stop_the_log(tmp_path):
    run_id = new_run_id()
    end = {"event": "finished", "id": run_id, "status": "succeeded", "cost_usd": "much", "assets": [5, None, {"a": 1}]}
    mark = {"event": "mark", "id": run_id, "rating": 300, "tags": "x", "favourite": "maybe"}
    write_events(tmp_path, [(NOW, queued(run_id=run_id)), (NOW + 1, end), (NOW + 2, mark)])
    with RunLog(tmp_path) as log:
        run = log.run(run_id)
        assert (run.status, run.cost_usd, run.assets, run.rating) == (RunStatus.SUCCEEDED, None, (), None)


def test_a_torn_last_line_waits_while_its_process_lives(tmp_path):
    first, second = new_run_id(), new_run_id()
    torn = events.encode(queued(run_id=second), NOW + 1)
    path = write_journal(tmp_path, [events.encode(queued(run_id=first), NOW), torn[:50]])
    with FileLock(path.with_suffix(".lock")), RunLog(tmp_path) as log:
        assert [run.id for run in log.runs()] == [first]
        write_journal(tmp_path, [torn[50:]])
        assert log.run(second) is not None
        assert log.health().quarantined == 0


@pytest.mark.parametrize("size", [50, 100_000])
def test_a_torn_last_line_of_a_process_that_is_gone_is_put_aside_and_counted(tmp_path, size):
    first = new_run_id()
    torn = events.encode(queued("x" * 200_000), NOW + 1)[:size]
    path = write_journal(tmp_path, [events.encode(queued(run_id=first), NOW), torn])
    path.with_suffix(".lock").touch()
    with RunLog(tmp_path) as log:
        assert [run.id for run in log.runs()] == [first]
        log.sync()
        assert log.health().quarantined == 1
        assert log.health().error is None
    assert bad_lines(tmp_path) == [torn]
    assert not path.exists(), "it is archived like any other"
    assert rows(public(tmp_path), "SELECT count(*) FROM runs") == [(1,)]


def test_a_batch_is_bounded_and_a_longer_line_still_folded(tmp_path):
    stamped = [(NOW + i, queued("x" * 300)) for i in range(40)] + [(NOW + 99, queued("y" * 20_000))]
    write_events(tmp_path, stamped)
    sources = fold.all_of(tmp_path)
    seen, rounds = {}, 0
    while True:
        batch = fold.collect(sources, seen, limit=5000)
        seen |= batch.watermarks
        rounds += 1
        if not batch.is_cut:
            break
    assert rounds > 3
    assert seen == {source.name: source.size_bytes for source in sources}


def test_many_journals_and_batches_are_folded_once_each(tmp_path, monkeypatch):
    monkeypatch.setattr(fold, "collect", lambda *arguments: collect(*arguments, limit=2000))
    for journal in range(6):
        write_events(tmp_path, [(NOW + i, queued()) for i in range(15)], name=f"{journal}-test")
    with RunLog(tmp_path) as log:
        log.sync()
        assert log.count() == 90
    assert rows(public(tmp_path), "SELECT count(*), count(DISTINCT id) FROM run_rows") == [(90, 90)]


def test_folding_again_changes_nothing(tmp_path):
    write_events(tmp_path, [(NOW, queued())])
    first = folder_of(tmp_path)
    assert first.catch_up(pause_s=0.0)
    before = rows(live(tmp_path), "SELECT * FROM run_rows")
    assert folder_of(tmp_path).catch_up(pause_s=0.0)
    assert rows(live(tmp_path), "SELECT * FROM run_rows") == before


def test_a_busy_file_is_left_alone_and_folded_later(tmp_path):
    write_events(tmp_path, [(NOW, queued())])
    folder = folder_of(tmp_path)
    with folder._lock(0.0):
        assert not folder_of(tmp_path).catch_up(pause_s=0.0)
    assert folder.catch_up(pause_s=0.0)


def test_threads_of_one_process_share_a_log(tmp_path):
    with RunLog(tmp_path) as log:
        ids: list[str] = []
        threads = [threading.Thread(target=lambda: ids.extend(log_run(log) for _ in range(20))) for _ in range(4)]
        for thread in threads:
            thread.start()
        assert isinstance(log.runs(), list)
        for thread in threads:
            thread.join()
        assert {run.id for run in log.runs(limit=None)} == set(ids)
        assert log.count(RunFilter(status="succeeded")) == 80


def test_a_line_that_fails_every_fold_is_found_and_put_aside(tmp_path):
    with RunLog(tmp_path) as log:
        log_run(log)
        log.sync()
    with database.attached(live(tmp_path), read_only=False, wait_s=1.0) as connection:
        connection.execute("ALTER TABLE projects ALTER title SET NOT NULL")
    ids = [new_run_id() for _ in range(8)]
    stamped = [(NOW + i, queued(run_id=run_id)) for i, run_id in enumerate(ids)]
    stamped.insert(5, (NOW + 99, {"event": "project", "key": "untitled"}))
    write_events(tmp_path, stamped)
    folder = folder_of(tmp_path)
    assert not folder.catch_up(pause_s=0.0)
    assert "title" in folder.error
    eventually(lambda: folder.catch_up(pause_s=0.0))
    [bad] = bad_lines(tmp_path)
    assert json.loads(bad)["key"] == "untitled"
    assert rows(live(tmp_path), "SELECT count(*) FROM runs") == [(9,)]


def test_culprits_are_found_by_halving():
    assert quarantine.culprits(range(100), lambda some: 3 in some or 77 in some) == [3, 77]
    assert quarantine.culprits(range(100), lambda _: False) == []
    assert quarantine.culprits(range(100), lambda some: len(some) > 1) == []
    assert quarantine.culprits(range(100), bool) == [], "when everything fails, no line is to blame"


def test_lines_of_a_newer_format_are_left_for_a_newer_studio(tmp_path):
    mine = new_run_id()
    newer = events.encode(queued(), NOW).replace(b'{"v":2,', b'{"v":%d,' % (events.VERSION + 1))
    write_journal(tmp_path, [events.encode(queued(run_id=mine), NOW), newer, events.encode(queued(), NOW + 2)])
    write_events(tmp_path, [(NOW, queued())], name="0000000000002-test")
    with RunLog(tmp_path) as log:
        assert log.count() == 2
        assert log.health().newer_events
        assert log.health().quarantined == 0
        log_run(log)
        assert log.count() == 3
    assert (tmp_path / "journal" / "0000000000001-test.jsonl").exists(), "it is not archived before it is folded"


def test_a_file_of_a_newer_schema_is_left_alone_and_logging_goes_on(tmp_path):
    with RunLog(tmp_path) as log:
        log_run(log)
    with database.attached(live(tmp_path), read_only=False, wait_s=1.0) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    with RunLog(tmp_path) as log:
        run_id = log_run(log)
        log.sync()
        assert "newer studio" in log.health().error
        assert log.run(run_id) is None
    newest = schema.migrations()[-1].version
    with database.attached(live(tmp_path), read_only=False, wait_s=1.0) as connection:
        connection.execute("UPDATE meta SET value = ? WHERE key = 'schema_version'", [str(newest)])
    with RunLog(tmp_path) as log:
        assert log.run(run_id) is not None


def test_marks_on_old_runs_are_folded(tmp_path):
    with RunLog(tmp_path) as log:
        run_id = log_run(log)
    with RunLog(tmp_path) as viewer:
        viewer.mark(run_id, Mark(note="good"))
        assert viewer.run(run_id).note == "good"
        viewer.mark(run_id, Mark())
        assert viewer.run(run_id).note == "good"


def test_the_random_numbers_of_the_user_are_left_alone(tmp_path):
    random.seed(1)
    before = random.getstate()
    with RunLog(tmp_path) as log:
        log_run(log)
        eventually(live(tmp_path).exists)
    assert random.getstate() == before


def test_a_public_file_that_the_user_has_open_in_this_process_keeps_its_lock(tmp_path):
    with RunLog(tmp_path) as log:
        log_run(log)
        log.sync()
        with duckdb.connect(public(tmp_path)) as connection:
            connection.execute("CREATE TABLE mine AS SELECT 42 AS answer")
            log_run(log)
            log.sync()
            assert log.health().public_is_busy
            outside = child("hold", public(tmp_path))
            assert "Could not set lock" in outside.communicate()[1]
            assert connection.execute("SELECT count(*) FROM runs").fetchone() == (1,)
        log.sync()
    assert rows(public(tmp_path), "SELECT count(*), (SELECT answer FROM mine) FROM runs") == [(2, 42)]


def test_a_new_file_has_its_tables_and_none_is_left_where_it_cannot_be_written(tmp_path):
    (tmp_path / "full").write_bytes(b"")
    with pytest.raises(RunLogError, match="cannot be written"):
        schema.make(tmp_path / "full" / "live.duckdb")
    schema.make(live(tmp_path))
    newest = schema.migrations()[-1].version
    assert rows(live(tmp_path), "SELECT value::INTEGER FROM meta WHERE key = 'schema_version'") == [(newest,)]


def test_a_folder_makes_a_missing_file_whole(tmp_path):
    folder_of(tmp_path)._replace_missing()
    assert rows(live(tmp_path), "SELECT count(*) FROM runs") == [(0,)]
