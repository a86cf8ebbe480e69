"""Events commute: in whatever order, batches and number they arrive, the same row results."""

from __future__ import annotations

import math
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import strategies
from runlog_tools import live, request, rows, write_events
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.boards import Board
from studio_kernel.domain.events import Ticket
from studio_kernel.domain.judging import Vote
from studio_kernel.domain.marks import Mark, Project
from studio_kernel.domain.measurements import Measurement
from studio_kernel.domain.runs import Origin, RunStatus
from studio_kernel.domain.sweep import AxisGroup, Sweep
from studio_kernel.runlog import RunLog, events
from studio_kernel.runlog.fold import Folder
from studio_kernel.runlog.journal import Journal

NOW = 1_790_000_000_000_000
RUN = "019a0000-0000-7000-8000-000000000001"
UUIDS = [f"019a0000-0000-7000-8000-00000000000{i}" for i in (2, 3, 4)]
ASSET = Asset("ab" * 32, "image/png", 5)
VIDEO = Asset("cd" * 32, "video/mp4", 5)
TABLES = ("run_rows", "projects", "sweeps", "vote_rows", "measurements", "marks", "board_rows")


def queued(prompt="a boat"):
    return events.queued(RUN, request(prompt), "procedural", Origin())


def finished(status, *assets, **fields):
    values = {"seed": None, "elapsed_s": None, "cost_usd": None, "error": None, "outcome": {}}
    return events.finished(RUN, RunStatus(status), assets=assets, **(values | fields))


def vote(number):
    times = datetime.fromtimestamp(NOW / 1e6, UTC)
    return events.vote(Vote(UUIDS[number], times, "Ada", RUN, UUIDS[0], "left", seconds=[None, 1.5][number - 1]))


def board(name, who, project, has_settings):
    settings = {"mode": name} if has_settings else {}
    return events.board(Board(UUIDS[1], name, (RUN, UUIDS[0]), project, settings, created_by=who))


measurements = st.builds(
    Measurement, st.sampled_from(["psnr", "ssim"]), st.just("ab" * 32), st.none() | st.just(math.inf) | st.floats(0, 9)
)
several = st.lists(
    st.one_of(
        st.sampled_from(["a boat", "a fox"]).map(queued),
        strategies.names.map(lambda device: events.started(RUN, {"device": device})),
        strategies.names.map(lambda job: events.ticket(RUN, Ticket(job))),
        st.builds(
            finished,
            st.sampled_from(["succeeded", "failed", "cancelled"]),
            st.sampled_from([ASSET, VIDEO]),
            seed=st.none() | strategies.seeds,
            cost_usd=st.none() | st.floats(0, 9),
        ),
        strategies.marks.map(lambda mark: events.mark(RUN, mark)),
        st.builds(lambda on, files: events.delete(RUN, on, files), st.booleans(), st.booleans()),
        strategies.names.map(lambda title: events.project(Project("p", title, settings={"model": title}))),
        st.sampled_from([1, 2]).map(vote),
        st.sampled_from([1, 2]).map(lambda number: events.retract(UUIDS[number])),
        st.builds(board, strategies.names, st.sampled_from(["", "Ada"]), st.none() | st.just("p"), st.booleans()),
        st.just(events.board_deleted(UUIDS[1])),
        st.lists(measurements, max_size=3).map(events.measure),
        st.integers(1, 9).map(lambda seed: events.sweep("s", Sweep(request(), (AxisGroup.of("seed", (seed,)),)), None)),
    ),
    min_size=1,
    max_size=8,
)


def state_after(batches):
    """Return the tables of a home into which these batches were folded one after the other."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        folder = Folder(home, live(home), sibling=home / "none", wait_s=1.0, keeps_bad_lines=True)
        for number, batch in enumerate(batches):
            write_events(home, batch, name=f"{number}-test")
            assert folder.catch_up(pause_s=0.0)
        assert rows(live(home), "FROM runs WHERE prompt_hash NOT IN (SELECT prompt_hash FROM prompts)") == []
        return {table: sorted(map(repr, rows(live(home), f"SELECT * FROM {table}"))) for table in TABLES} | {
            "assets": sorted(map(repr, rows(live(home), "SELECT * EXCLUDE (created_at) FROM assets")))
        }


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), logged=several)
def test_any_order_and_any_repetition_give_the_same_rows(data, logged):
    stamped = [(NOW + i, event) for i, event in enumerate(logged)]
    shuffled = data.draw(st.permutations(stamped + data.draw(st.lists(st.sampled_from(stamped), max_size=3))))
    cut = data.draw(st.integers(0, len(shuffled)))
    batches = [batch for batch in (shuffled[:cut], shuffled[cut:]) if batch]
    assert state_after(batches) == state_after([stamped])


def only_run(home):
    with RunLog(home) as log:
        return log.run(RUN)


def test_an_end_that_arrives_before_the_beginning_counts(tmp_path):
    write_events(tmp_path, [(NOW + 2, finished("succeeded", ASSET, seed=7))])
    with RunLog(tmp_path) as log:
        assert log.count() == 0
    write_events(tmp_path, [(NOW, queued())], name="0000000000002-test")
    run = only_run(tmp_path)
    assert (run.status, run.seed, run.assets) == (RunStatus.SUCCEEDED, 7, (ASSET,))


def test_a_mark_that_arrives_before_its_run_is_kept_and_shows_no_run(tmp_path):
    write_events(tmp_path, [(NOW + 9, events.mark(RUN, Mark(rating=5)))])
    with RunLog(tmp_path) as log:
        assert log.runs() == []
        assert log.facets().total == 0
        assert log.run(RUN) is None
    write_events(tmp_path, [(NOW, queued())], name="0000000000002-test")
    assert only_run(tmp_path).rating == 5


def test_a_clock_set_back_an_hour_changes_nothing(tmp_path):
    times = iter([NOW, NOW, NOW - 3_600_000_000, NOW - 3_600_000_000])
    journal = Journal(tmp_path / "journal", clock=lambda: next(times))
    for event in (queued(), events.started(RUN, {}), finished("failed", error="first")):
        journal.append(event)
    journal.close()
    run = only_run(tmp_path)
    assert (run.status, run.error) == (RunStatus.FAILED, "first")
    assert run.created_at < run.started_at < run.finished_at


def test_a_line_that_is_there_twice_counts_once(tmp_path):
    stamped = [(NOW, queued()), (NOW + 1, finished("succeeded", ASSET))]
    write_events(tmp_path, stamped * 3)
    write_events(tmp_path, stamped, name="0000000000002-test")
    assert only_run(tmp_path).assets == (ASSET,)
    assert rows(live(tmp_path), "SELECT count(*) FROM run_rows") == [(1,)]
    assert rows(live(tmp_path), "SELECT count(*) FROM assets") == [(1,)]


def test_the_first_of_two_ends_counts_whatever_order_they_are_read_in(tmp_path):
    write_events(tmp_path, [(NOW, queued()), (NOW + 5, finished("succeeded", elapsed_s=5.0))])
    with RunLog(tmp_path) as log:
        assert log.run(RUN).status is RunStatus.SUCCEEDED
    write_events(tmp_path, [(NOW + 3, finished("failed", error="out of memory"))], name="0000000000002-test")
    run = only_run(tmp_path)
    assert (run.status, run.error, run.elapsed_s) == (RunStatus.FAILED, "out of memory", None)
