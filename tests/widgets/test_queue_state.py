"""The queue panel without a screen."""

import pytest

import studio_kernel as sk
from engines import GatedEngine, PaidEngine, install_gated, install_paid
from studio_kernel.domain.runs import RunStatus
from studio_kernel.errors import LostAnswerError
from studio_widgets.queue.rows import PRIVATE, begins
from studio_widgets.queue.state import QueueState
from waiting import until
from worker_tools import QUICK, end_workers, settle


@pytest.fixture
def engine(picture):
    return GatedEngine(picture)


@pytest.fixture
def studio(home, engine):
    install_gated(home)
    with sk.open(home, engines=[engine]) as studio:
        yield studio
        engine.let()


def looked(state, fact, what="a look"):
    def look():
        state.look()
        return fact()

    return until(look, every=0.02, what=what)


def polled(state, fact, what="a look at the log"):
    def poll():
        state.poll()
        return fact()

    return until(poll, every=0.05, what=what)


def test_rows_are_what_is_at_work_and_then_what_waits(studio, engine):
    first, second = (studio.submit(f"boat {n}", model="gated") for n in range(2))
    until(engine.started.is_set)
    state = QueueState(studio)
    looked(state, lambda: state.working == 1)
    assert [row.key for row in state.rows] == [first.id, second.id]
    assert [row.is_working for row in state.rows] == [True, False]
    assert [row.title for row in state.rows] == ["boat 0", "boat 1"]
    assert state.rows[0].who == "the program that asked for it"
    assert not state.rows[1].can_move


def test_progress_and_picture_of_what_is_at_work_are_shown(studio, engine):
    run = studio.submit("a boat", model="gated")
    state = QueueState(studio)
    engine.let(2)
    looked(state, lambda: state.rows and state.rows[0].step)
    assert state.rows[0].total == 4
    assert state.preview(run.id) == b"preview"
    assert state.rows[0].preview


def test_a_row_goes_when_its_run_has_ended(studio, engine):
    run = studio.submit("a boat", model="gated")
    state = QueueState(studio)
    assert len(state.rows) == 1
    engine.let()
    run.wait()
    looked(state, lambda: not state.rows)
    assert state.preview(run.id) == b""


def test_the_waiting_cells_of_a_sweep_share_a_row_that_unfolds(studio, engine):
    sweep = studio.sweep("a boat", model="gated", axes={"seed": "1-5"})
    until(engine.started.is_set)
    state = QueueState(studio)
    looked(state, lambda: state.working == 1)
    assert [row.count for row in state.rows] == [1, 4]
    together = state.rows[1]
    assert together.key == f"sweep:{sweep.id}"
    assert together.sweep == sweep.id
    state.unfold(together.key)
    assert [row.detail for row in state.rows[2:]] == ["seed 2", "seed 3", "seed 4", "seed 5"]
    assert all(row.is_inside for row in state.rows[2:])
    state.unfold(together.key)
    assert len(state.rows) == 2


def test_cancelling_the_row_of_a_sweep_leaves_what_is_at_work(studio, engine):
    sweep = studio.sweep("a boat", model="gated", axes={"seed": "1-4"})
    until(engine.started.is_set)
    state = QueueState(studio)
    looked(state, lambda: state.working == 1)
    state.cancel(f"sweep:{sweep.id}")
    engine.let()
    sweep.wait(progress=False)
    assert [str(run.status) for run in sweep.runs] == ["succeeded", "cancelled", "cancelled", "cancelled"]


def test_one_run_or_all_are_cancelled(studio, engine):
    runs = [studio.submit(f"boat {n}", model="gated") for n in range(3)]
    until(engine.started.is_set)
    state = QueueState(studio)
    state.cancel(runs[0].id)
    assert runs[0].wait(60).status == "cancelled"
    state.cancel_all()
    assert [run.wait(60).status for run in runs] == ["cancelled"] * 3


def test_what_is_gone_cannot_be_cancelled_and_that_is_said(studio, engine):
    state = QueueState(studio)
    state.cancel("nobody")
    assert "not in the queue any more" in state.error


def test_an_error_stays_until_something_is_done(studio, engine):
    state = QueueState(studio)
    state.cancel("nobody")
    state.look()
    state.poll()
    assert state.error
    state.pause()
    assert not state.error


def test_a_private_run_of_another_program_shows_no_prompt(studio, home, engine):
    studio.submit("a secret boat", model="gated", private=True)
    until(engine.started.is_set)
    with sk.open(home, mode="viewer") as other:
        state = QueueState(other)
        looked(state, lambda: state.rows)
        assert [row.title for row in state.rows] == [PRIVATE]
        assert "secret" not in repr(state.rows)
        assert not state.can_change
    own = QueueState(studio)
    assert [row.title for row in own.rows] == ["a secret boat"]


def test_what_has_failed_is_run_again_and_leaves_the_list(studio, engine):
    engine.let()
    failed = studio.generate("fail", model="gated", progress=False)
    state = QueueState(studio)
    assert [row.run for row in state.failed] == [failed.id]
    assert "could not" in state.failed[0].error
    state.run_again(failed.id)
    assert not state.question
    assert failed.id not in [row.run for row in state.failed]
    polled(state, lambda: state.failed and state.failed[0].run != failed.id)
    assert studio.record(state.failed[0].run).origin.parent_id == failed.id


def test_what_has_failed_can_be_dismissed_and_stays_in_the_log(studio, engine):
    engine.let()
    failed = studio.generate("fail", model="gated", progress=False)
    state = QueueState(studio)
    state.dismiss(failed.id)
    assert state.failed == ()
    assert studio.record(failed.id).status is RunStatus.FAILED


class LosingEngine(PaidEngine):
    """Sends the job and loses the answer."""

    def stream(self, request, context):
        for event in super().stream(request, context):
            if len(self.requests) == 1:
                raise LostAnswerError("paid", "the answer was lost", paid="unclear")
            yield event


def test_what_may_have_been_paid_is_asked_about_before_it_is_run_again(home, picture):
    engine = LosingEngine(picture)
    engine.let()
    install_paid(home)
    with sk.open(home, engines=[engine]) as studio:
        failed = studio.generate("a boat", model="paid", progress=False)
        state = QueueState(studio)
        state.run_again(failed.id)
        assert "may have been charged" in state.question
        assert state.asked_about == failed.id
        state.decline()
        assert not state.question
        assert studio.count() == 1
        state.run_again(failed.id)
        state.agree()
        assert not state.error
        assert not state.question
        assert studio.count() == 2


def test_an_unknown_price_is_asked_about_too(home, picture):
    engine = PaidEngine(picture)
    engine.let()
    install_paid(home)
    with sk.open(home, engines=[engine]) as studio:
        failed = studio.generate("fail", model="priceless", accept_unknown_price=True, progress=False)
        state = QueueState(studio)
        state.run_again(failed.id)
        while state.question and "what it will cost" not in state.question:
            state.agree()
        assert "Nobody knows what it will cost" in state.question
        assert studio.count() == 1
        state.agree()
        assert studio.count() == 2


@pytest.fixture
def worked(home):
    """A studio whose worker begins nothing, and three runs that wait for it."""
    settle(home)
    with sk.open(home, runner="worker") as studio:
        studio.queue().pause()
        runs = [studio.submit(f"boat {n}", **QUICK) for n in range(3)]
        yield studio, runs
    end_workers(home)


def keys(state):
    return [row.key for row in state.rows]


def test_rows_are_moved_first_up_down_before_and_behind(worked):
    studio, (a, b, c) = worked
    state = QueueState(studio)
    assert state.paused
    assert keys(state) == [a.id, b.id, c.id]
    state.first(c.id)
    assert keys(state) == [c.id, a.id, b.id]
    state.up(b.id)
    assert keys(state) == [c.id, b.id, a.id]
    state.down(c.id)
    assert keys(state) == [b.id, c.id, a.id]
    state.move(a.id, b.id)
    assert keys(state) == [a.id, b.id, c.id]
    state.move(a.id)
    assert keys(state) == [b.id, c.id, a.id]
    assert [run.id for run in studio.queue().waiting] == [b.id, c.id, a.id]
    assert "worker on" in state.workers


def test_the_cells_of_a_sweep_are_moved_together(worked):
    studio, (a, b, c) = worked
    sweep = studio.sweep("a fish", axes={"seed": "1-3"}, **QUICK)
    state = QueueState(studio)
    row = next(row for row in state.rows if row.sweep)
    state.move(row.key, a.id)
    cells = [run.id for run in sweep.runs]
    assert [run.id for run in studio.queue().waiting] == [*cells, a.id, b.id, c.id]
    state.down(row.key)
    assert [run.id for run in studio.queue().waiting] == [a.id, *cells, b.id, c.id]


def test_resuming_works_off_the_queue_in_the_order_that_was_chosen(worked):
    studio, (a, b, c) = worked
    state = QueueState(studio)
    state.first(c.id)
    state.resume()
    for run in (a, b, c):
        run.wait(60)
    looked(state, lambda: not state.paused and not state.rows)
    begun = sorted((a, b, c), key=lambda run: run.record.started_at)
    assert [run.id for run in begun] == [c.id, a.id, b.id]


@pytest.mark.parametrize(
    ("lanes", "waiting", "found"),
    [
        ([], [1.0, 1.0], [0.0, 1.0]),
        ([2.0, 5.0], [10.0, 1.0, 1.0], [2.0, 5.0, 6.0]),
        ([None], [1.0], [None]),
        ([2.0], [None, 1.0], [2.0, None]),
    ],
)
def test_what_waits_is_begun_when_a_lane_is_free(lanes, waiting, found):
    assert begins(lanes, waiting) == found


def test_a_run_says_when_it_will_begin_once_its_pace_is_known(studio, engine):
    engine.let(8)
    for seed in range(2):
        studio.generate("a boat", model="gated", seed=seed, progress=False)
    engine.started.clear()
    assert studio.estimate("a boat", model="gated").seconds is not None
    for seed in range(2, 4):
        studio.submit("a boat", model="gated", seed=seed)
    until(engine.started.is_set)
    state = QueueState(studio)
    looked(state, lambda: state.working == 1 and state.rows[1].begins_s is not None)
    studio.queue().pause()
    looked(state, lambda: state.paused and state.rows[1].begins_s is None)
