"""Boards, and who marked what, in the log: what is kept of them, what counts, and files of before there were any."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runlog_tools import live, log_run, request, rows, write_events
from studio_kernel.domain.boards import Board
from studio_kernel.domain.marks import Mark
from studio_kernel.runlog import RunLog, database, events, new_run_id, schema

NOW = 1_790_000_000_000_000


def board(name="best", runs=None, **fields):
    return Board(new_run_id(), name, tuple(runs or [new_run_id()]), **fields)


def told(table):
    return table.drop(columns=["run_id", "marked_at"]).astype(object).where(table.notna(), None).to_dict("list")


def test_every_mark_is_kept_with_who_gave_it_the_latest_first(tmp_path):
    with RunLog(tmp_path) as log:
        run, other = log_run(log), log_run(log)
        log.mark(run, Mark(rating=5, by="Ada"))
        log.mark([run, other], Mark(favourite=True, tags=("red",)))
        log.mark(run, Mark(rating=0, tags=(), note="", by=" Bob "))
        found = log.marks([run])
        assert told(found) == {
            "marked_by": ["Bob", "", "Ada"],
            "rating": [0, None, 5],
            "favourite": [None, True, None],
            "tags": [[], ["red"], None],
            "note": ["", None, None],
        }
        assert len(log.marks()) == 4
        assert len(log.marks(limit=2)) == 2
        assert found["marked_at"].is_monotonic_decreasing
        assert (log.run(run).rating, log.run(run).favourite) == (None, True)


def test_a_mark_that_is_read_twice_is_one_row_also_in_a_later_batch(tmp_path):
    run = new_run_id()
    said = [(NOW, events.mark(run, Mark(rating=4, by="Ada"))), (NOW + 1, events.mark(run, Mark(favourite=True)))]
    write_events(tmp_path, said * 2)
    with RunLog(tmp_path) as log:
        log.sync()
    write_events(tmp_path, said, name="0000000000002-test")
    with RunLog(tmp_path) as log:
        log.sync()
    assert rows(live(tmp_path), "SELECT marked_at, marked_by FROM marks ORDER BY marked_at") == [
        (datetime.fromtimestamp(NOW / 1e6, UTC).replace(tzinfo=None), "Ada"),
        (datetime.fromtimestamp((NOW + 1) / 1e6, UTC).replace(tzinfo=None), None),
    ]


def test_marks_of_deleted_runs_are_shown_again_when_they_are_restored(tmp_path):
    with RunLog(tmp_path) as log:
        run = log_run(log)
        log.mark(run, Mark(rating=5))
        log.delete([run])
        assert len(log.marks()) == 0
        log.restore([run])
        assert len(log.marks()) == 1


def test_a_mark_that_is_read_before_its_run_is_told_once_there_is_a_run(tmp_path):
    run = new_run_id()
    write_events(tmp_path, [(NOW, events.mark(run, Mark(rating=5)))])
    with RunLog(tmp_path) as log:
        assert len(log.marks()) == 0
        log.queued(run, request(), engine="procedural")
        assert len(log.marks()) == 1


def test_a_studio_that_does_not_know_who_marked_reads_the_rest_of_the_line():
    line = events.encode(events.mark(new_run_id(), Mark(rating=5, by="Ada")), NOW)
    assert events.version_of(line) == 2


def test_boards_come_back_as_they_were_saved_the_latest_first(tmp_path):
    first = board("one", [new_run_id(), new_run_id()], project="p", settings={"mode": "slider", "n": 2})
    second = board("two", created_by="Ada")
    with RunLog(tmp_path) as log:
        assert log.boards() == []
        log.board(first)
        log.board(second)
        found = log.boards()
        assert [(each.id, each.name, each.runs, each.project, each.settings) for each in found] == [
            (each.id, each.name, each.runs, each.project, each.settings) for each in (second, first)
        ]
        assert found[0].created_at == found[0].changed_at
        assert [each.id for each in log.boards("p")] == [first.id]
        assert log.boards("q") == []


def test_a_board_saved_again_keeps_when_and_by_whom_it_was_made(tmp_path):
    made = board("one", created_by="Ada", project="p", settings={"mode": "slider"})
    with RunLog(tmp_path) as log:
        log.board(made)
        log.board(Board(made.id, "other", (new_run_id(),), created_by="Bob"))
        [found] = log.boards()
    assert (found.name, found.project, dict(found.settings), found.created_by) == ("other", None, {}, "Ada")
    assert found.created_at < found.changed_at


def test_a_board_that_was_deleted_stays_so_whatever_is_read_first(tmp_path):
    given = board()
    write_events(tmp_path, [(NOW + 1, events.board_deleted(given.id))])
    with RunLog(tmp_path) as log:
        assert log.boards() == []
    write_events(tmp_path, [(NOW, events.board(given)), (NOW + 2, events.board(given))], name="0000000000002-test")
    with RunLog(tmp_path) as log:
        assert log.boards() == []
        assert len(log.sql("SELECT id FROM boards")) == 0


def test_lines_that_are_no_boards_are_put_aside(tmp_path):
    good = events.board(board())
    wrong = [{"name": None}, {"runs": None}, {"runs": []}, {"runs": ["nobody"]}, {"id": "x"}]
    write_events(tmp_path, [(NOW + i, good | each) for i, each in enumerate([*wrong, {}])])
    with RunLog(tmp_path) as log:
        assert len(log.boards()) == 1
        assert log.health().quarantined == len(wrong)


@pytest.mark.parametrize(
    "odd", [{"name": "x" * 81}, {"runs": [f"019a0000-0000-7000-8000-0000000000{i:02}" for i in range(25)]}]
)
def test_a_board_that_this_version_does_not_allow_is_left_out_alone(tmp_path, odd):
    write_events(tmp_path, [(NOW, events.board(board())), (NOW + 1, events.board(board()) | odd)])
    with RunLog(tmp_path) as log:
        assert len(log.boards()) == 1
        assert log.health().quarantined == 0


def test_only_lines_of_boards_ask_for_a_newer_studio():
    lines = [events.encode(event, NOW) for event in (events.board(board()), events.board_deleted(new_run_id()))]
    assert [events.version_of(line) for line in lines] == [events.VERSION] * 2


def test_a_file_of_before_boards_has_the_marks_that_count_and_takes_new_ones(tmp_path):
    schema.bring_up_to_date(live(tmp_path), wait_s=1.0, steps=schema.migrations()[:6])
    run = new_run_id()
    with database.attached(live(tmp_path), read_only=False, wait_s=1.0) as connection:
        connection.execute(
            "INSERT INTO run_rows (id, rating, rating_at, favourite, favourite_at, tags, tags_at) "
            "VALUES (?, 4, make_timestamp($2), true, make_timestamp($2), ['red'], make_timestamp($2 + 1))".replace(
                "?", "$1"
            ),
            [run, NOW],
        )
    with RunLog(tmp_path) as log:
        log.mark(run, Mark(note="new", by="Ada"))
        log.board(board())
        assert len(log.boards()) == 1
    found = rows(live(tmp_path), "SELECT marked_by, rating, favourite, tags, note FROM marks ORDER BY marked_at")
    assert found == [(None, 4, True, None, None), (None, None, None, ["red"], None), ("Ada", None, None, None, "new")]


def test_both_files_have_marks_and_boards(tmp_path):
    with RunLog(tmp_path) as log:
        log.mark(log_run(log), Mark(rating=5))
        log.board(board())
        log.sync()
    for name in ("live.duckdb", "runs.duckdb"):
        assert rows(tmp_path / name, "SELECT (SELECT count(*) FROM marks), (SELECT count(*) FROM boards)") == [(1, 1)]
