"""Following the journals: nothing is missed, nothing but events comes, and the queue is the same as DuckDB's."""

import gzip

import pytest

from runlog_tools import log_run, request, write_journal
from studio_kernel.domain.events import Ticket
from studio_kernel.domain.runs import Origin, RunEstimate, RunStatus
from studio_kernel.runlog import RunLog, decode, events, new_run_id


def kinds(found):
    return [event["event"] for event in found]


def test_a_tail_returns_what_is_appended_after_it_was_made(tmp_path):
    with RunLog(tmp_path) as log:
        log_run(log)
        tail = log.tail()
        assert tail.read() == []
        run_id = log_run(log)
        found = tail.read()
        assert kinds(found) == ["queued", "started", "finished"]
        assert {event["id"] for event in found} == {run_id}
        assert tail.read() == []


def test_a_tail_hears_of_a_process_that_came_and_went_between_two_looks(tmp_path):
    with RunLog(tmp_path) as log:
        log_run(log)
        tail = log.tail()
        with RunLog(tmp_path) as other:
            run_id = log_run(other)
        log.sync()
        log._publish()
        assert not list((tmp_path / "journal").glob("*.jsonl")) or (tmp_path / "journal" / "done").exists()
        assert {event["id"] for event in tail.read()} == {run_id}


def test_a_tail_leaves_out_what_is_no_event_and_waits_for_the_rest_of_a_line(tmp_path):
    with RunLog(tmp_path) as log:
        tail = log.tail()
        line = events.encode(events.cancel(new_run_id()), 5)
        newer = line.replace(b'{"v":2', b'{"v":9')
        write_journal(tmp_path, [b"garbage\n", b"null\n", b'{"v":2}\n', newer, line, line[:10]])
        assert kinds(tail.read()) == ["cancel"]
        write_journal(tmp_path, [line[10:]])
        assert kinds(tail.read()) == ["cancel"]


def test_the_queue_is_what_has_not_ended_with_everything_said_of_it(tmp_path):
    with RunLog(tmp_path) as log:
        log_run(log)
        ids = [new_run_id() for _ in range(3)]
        for run_id in ids:
            log.queued(run_id, request(), engine="e", origin=Origin(sweep_id="s", cell={"seed": 1}))
        log.claimed(ids[0], "someone", 2)
        log.ticket(ids[0], Ticket("job-7", {"status": "http://x"}))
        log.priority(ids[1], 7)
        log.cancel(ids[2])
        log.queue(paused=True, first=[ids[2]])
        queue = log.queued_runs().queue
        first, second, third = (queue.get(run_id) for run_id in ids)
        assert len(queue) == 3
        assert (first.owner, first.attempt, first.ticket.remote_id) == ("someone", 2, "job-7")
        assert second.priority == 7
        assert third.is_cancelled
        assert queue.is_paused
        assert [entry.run_id for entry in queue.order()] == [ids[2], ids[1]]


@pytest.mark.parametrize("is_folded", [True, False])
def test_a_queue_read_from_duckdb_and_one_read_from_the_journals_are_equal(tmp_path, is_folded):
    with RunLog(tmp_path) as log:
        known = log.queued_runs()
        ids = [new_run_id() for _ in range(4)]
        for run_id in ids:
            log.queued(run_id, request(), engine="e", origin=Origin("p", "s", {"seed": 1}, "x"), reserved_for="me")
        log.claimed(ids[0], "someone", 1)
        log.started(ids[0], provenance={})
        log.claimed(ids[1], "someone", 1)
        log.claimed(ids[1], "", 1)
        log.finished(ids[2], RunStatus.FAILED)
        if is_folded:
            log.sync()
        known.refresh()
        fresh = log.queued_runs()
        fresh.refresh()
        assert [_plain(entry) for entry in known.queue] == [_plain(entry) for entry in fresh.queue]


def test_a_private_run_leaves_no_parameters_in_the_journal(tmp_path):
    with RunLog(tmp_path) as log:
        run_id = new_run_id()
        asked = request("unmistakable words", seed=77)
        expected = RunEstimate(0.25, 71.5, 123456789)
        log.queued(
            run_id, asked, engine="e", origin=Origin(cell={"prompt": "unmistakable"}), estimate=expected, private=True
        )
        assert log.queued_runs().queue.get(run_id).is_private
        assert log.run(run_id).estimate == RunEstimate(0.25), (
            "what a run costs is told, what its size would tell is not"
        )
        text = b"".join(path.read_bytes() for path in (tmp_path / "journal").glob("*.jsonl"))
        assert b"unmistakable" not in text
        assert asked.digest.encode() not in text


def test_an_end_told_by_a_journal_is_the_record_that_the_log_gives(tmp_path):
    with RunLog(tmp_path) as log:
        tail = log.tail()
        run_id = log_run(log, seed=5)
        queued, started, finished = tail.read()
        record = decode.ended(decode.started(decode.entry_of(queued).record, started), finished)
        assert record == log.run(run_id)


def test_what_a_tail_has_told_is_in_the_next_answer_though_the_file_was_folded_just_now(tmp_path):
    with RunLog(tmp_path) as log, RunLog(tmp_path) as other:
        log_run(log)
        tail = log.tail()
        assert log.count() == 1
        log_run(other)
        tail.read()
        log.expect(tail.positions)
        assert log.count() == 2


def test_an_archive_that_appears_is_read_once(tmp_path):
    with RunLog(tmp_path) as log:
        log_run(log)
        tail = log.tail()
        line = events.encode(events.cancel(new_run_id()), 5)
        done = tmp_path / "journal" / "done"
        done.mkdir()
        (done / f"0000000000009-gone-{len(line)}.jsonl.gz").write_bytes(gzip.compress(line))
        assert kinds(tail.read()) == ["cancel"]
        assert tail.read() == []


def _plain(entry):
    return (entry.run_id, entry.owner, entry.attempt, entry.reserved_for, entry.has_started, entry.record.request)
