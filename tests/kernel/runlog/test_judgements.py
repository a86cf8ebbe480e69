"""Votes and measurements in the log: what is kept of them, what counts, and files of before there were any."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from runlog_tools import live, log_run, rows, write_events
from studio_kernel.domain.judging import Vote
from studio_kernel.domain.measurements import Measurement, MeasurementKey
from studio_kernel.runlog import RunLog, database, events, new_run_id, schema

NOW = 1_790_000_000_000_000
ONE, OTHER = "ab" * 32, "cd" * 32


def vote(left, right, choice="left", rater="Ada", ballot="", seconds=None):
    return Vote(new_run_id(), datetime.now(UTC), rater, left, right, choice, ballot, seconds)


def said(votes):
    return [(each.rater, each.left, each.right, each.choice, each.ballot, each.seconds) for each in votes]


def test_votes_come_back_as_they_were_given_in_their_order(tmp_path):
    with RunLog(tmp_path) as log:
        a, b = log_run(log), log_run(log)
        given = [vote(a, b, "left", ballot="sharper", seconds=1.5), vote(b, a, "tie"), vote(a, b, "skip", rater="Bob")]
        for each in given:
            log.append_vote(each)
        assert said(log.votes()) == said(given)
        assert [each.id for each in log.votes()] == [each.id for each in given]
        assert said(log.votes(ballot="sharper")) == said(given[:1])
        assert said(log.votes(ballot="")) == said(given[1:])
        assert said(log.votes(rater="Bob")) == said(given[2:])


def test_a_vote_that_was_taken_back_counts_no_more_and_stays_in_the_log(tmp_path):
    with RunLog(tmp_path) as log:
        first, second = vote(a := log_run(log), b := log_run(log)), vote(a, b, "right")
        log.append_vote(first)
        log.append_vote(second)
        log.retract_vote(first.id)
        assert [each.id for each in log.votes()] == [second.id]
        assert list(log.sql("SELECT retracted FROM votes ORDER BY created_at")["retracted"]) == [True, False]


def test_a_retraction_that_is_read_before_its_vote_counts(tmp_path):
    given = vote(new_run_id(), new_run_id())
    write_events(tmp_path, [(NOW + 1, events.retract(given.id))])
    with RunLog(tmp_path) as log:
        assert not log.has_vote(given.id)
    write_events(tmp_path, [(NOW, events.vote(given))], name="0000000000002-test")
    with RunLog(tmp_path) as log:
        assert log.has_vote(given.id)
        assert list(log.sql("SELECT retracted FROM votes")["retracted"]) == [True]


def test_votes_about_a_deleted_run_count_again_when_it_is_restored(tmp_path):
    with RunLog(tmp_path) as log:
        a, b, c = (log_run(log) for _ in range(3))
        log.append_vote(vote(a, b))
        log.append_vote(vote(b, c))
        log.delete([a])
        assert [(each.left, each.right) for each in log.votes()] == [(b, c)]
        log.restore([a])
        assert len(log.votes()) == 2


def test_a_vote_that_this_version_does_not_allow_is_left_out_alone(tmp_path):
    with RunLog(tmp_path) as log:
        a, b = log_run(log), log_run(log)
        log.append_vote(vote(a, b))
        log.sync()
        line = events.vote(vote(a, b)) | {"rater": "x" * 65}
        write_events(tmp_path, [(NOW, line)])
        assert [each.rater for each in log.votes()] == ["Ada"]


def test_lines_that_are_no_votes_are_put_aside(tmp_path):
    run = new_run_id()
    good = events.vote(vote(run, new_run_id()))
    wrong = [{"choice": "dance"}, {"rater": None}, {"left": "nobody"}, {"right": good["left"]}, {"id": None}]
    nothing = {"event": "measure"}
    write_events(tmp_path, [(NOW + i, good | each) for i, each in enumerate([*wrong, {}])] + [(NOW + 9, nothing)])
    with RunLog(tmp_path) as log:
        assert len(log.sql("SELECT id FROM votes")) == 1
        assert log.health().quarantined == len(wrong) + 1


def test_numbers_come_back_as_they_were_measured(tmp_path):
    numbers = [0.1 + 0.2, -0.0, 1e-300, math.inf, -math.inf, None, math.nan]
    measured = [Measurement(f"m{i}", ONE, number) for i, number in enumerate(numbers)]
    with RunLog(tmp_path) as log:
        log.append_measurements(measured)
        found = log.measurements([ONE], [f"m{i}" for i in range(9)])
    assert [found[each.key] for each in measured] == [*numbers[:6], None]


def test_a_number_is_known_by_metric_file_reference_and_sizes(tmp_path):
    measured = [
        Measurement("psnr", ONE, 1.0, OTHER, "scale"),
        Measurement("psnr", ONE, 2.0, OTHER, "crop"),
        Measurement("psnr", OTHER, 3.0, ONE, "scale"),
        Measurement("sharpness", ONE, 4.0),
    ]
    with RunLog(tmp_path) as log:
        assert log.measurements([ONE], ["psnr"]) == {}
        log.append_measurements(measured)
        assert log.measurements([ONE], ["psnr"]) == {each.key: each.value for each in measured[:2]}
        assert log.measurements([OTHER, ONE], ["psnr", "sharpness"]) == {each.key: each.value for each in measured}
        assert log.measurements([OTHER], ["sharpness"]) == {}


def test_of_several_numbers_the_latest_counts_whatever_order_they_are_read_in(tmp_path):
    def later(value):
        return events.measure([Measurement("psnr", ONE, value)])

    write_events(tmp_path / "at once", [(NOW + 5, later(5.0)), (NOW + 3, later(3.0)), (NOW + 1, later(9.0))])
    with RunLog(tmp_path / "at once") as log:
        assert log.measurements([ONE], ["psnr"]) == {MeasurementKey("psnr", ONE): 5.0}
    write_events(tmp_path, [(NOW + 5, later(5.0))])
    with RunLog(tmp_path) as log:
        assert log.measurements([ONE], ["psnr"]) == {MeasurementKey("psnr", ONE): 5.0}
    write_events(tmp_path, [(NOW + 3, later(3.0))], name="0000000000002-test")
    with RunLog(tmp_path) as log:
        assert log.measurements([ONE], ["psnr"]) == {MeasurementKey("psnr", ONE): 5.0}
    write_events(tmp_path, [(NOW + 9, later(None))], name="0000000000003-test")
    with RunLog(tmp_path) as log:
        assert log.measurements([ONE], ["psnr"]) == {MeasurementKey("psnr", ONE): None}


def test_many_numbers_are_written_at_once_in_lines_of_a_bounded_length(tmp_path):
    with RunLog(tmp_path) as log:
        log.append_measurements([Measurement("psnr", f"{i:064x}", float(i)) for i in range(1201)])
        assert len(log.measurements([f"{i:064x}" for i in range(1201)], ["psnr"])) == 1201
        [journal] = (tmp_path / "journal").glob("*.jsonl")
        assert [line.count(b'"psnr"') for line in journal.read_bytes().splitlines()] == [500, 500, 201]


def test_only_the_new_lines_ask_for_a_newer_studio():
    older = events.encode(events.cancel(new_run_id()), NOW)
    newer = [events.vote(vote(new_run_id(), new_run_id())), events.retract(new_run_id()), events.measure([])]
    assert events.version_of(older) == 2
    assert {events.version_of(events.encode(event, NOW)) for event in newer} == {4}


def test_a_file_of_before_votes_takes_them(tmp_path):
    with RunLog(tmp_path) as log:
        a, b = log_run(log), log_run(log)
    before = schema.migrations()[:5]
    for path in tmp_path.glob("*.duckdb"):
        path.unlink()
    schema.bring_up_to_date(live(tmp_path), wait_s=1.0, steps=before)
    with RunLog(tmp_path) as log:
        log.append_vote(vote(a, b))
        log.append_measurements([Measurement("psnr", ONE, 1.0)])
        assert [(each.left, each.right) for each in log.votes()] == [(a, b)]
        assert len(log.measurements([ONE], ["psnr"])) == 1
    assert rows(live(tmp_path), "SELECT value::INTEGER FROM meta WHERE key = 'schema_version'") == [(7,)]


def test_both_files_have_votes_and_measurements(tmp_path):
    with RunLog(tmp_path) as log:
        log.append_vote(vote(log_run(log), log_run(log)))
        log.append_measurements([Measurement("psnr", ONE, 1.0)])
        log.sync()
        for path in (log.directory / "live.duckdb", log.directory / "runs.duckdb"):
            with database.attached(path, read_only=True, wait_s=5.0) as connection:
                counted = "SELECT (SELECT count(*) FROM votes), (SELECT count(*) FROM measurements)"
                assert connection.execute(counted).fetchall() == [(1, 1)]
