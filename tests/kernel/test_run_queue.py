"""What `studio.queue()` shows and refuses, with an engine that waits for the test."""

import pytest

import studio_kernel as sk
from engines import GatedEngine, install_gated
from studio_kernel.errors import InvalidRequestError, ReadOnlyError
from waiting import until


@pytest.fixture
def engine(picture):
    return GatedEngine(picture)


@pytest.fixture
def studio(home, engine):
    install_gated(home)
    with sk.open(home, engines=[engine]) as studio:
        yield studio


def test_a_queue_shows_what_is_at_work_and_what_waits(studio, engine):
    first, second = (studio.submit(f"boat {n}", model="gated") for n in range(2))
    until(engine.started.is_set)
    queue = studio.queue()
    assert [run.id for run in queue] == [first.id, second.id]
    assert [run.id for run in queue.running] == [first.id]
    assert [run.id for run in queue.waiting] == [second.id]
    assert repr(queue) == "<RunQueue: 1 at work, 1 waiting>"
    frame = queue.frame()
    assert frame["place"].tolist() == [0, 1]
    assert frame["prompt"].tolist() == ["boat 0", "boat 1"]
    engine.let()
    second.wait()
    assert len(queue) == 0
    assert queue.frame().empty


def test_a_run_that_a_program_does_itself_cannot_be_moved_but_cancelled(studio, engine):
    studio.submit("a boat", model="gated")
    second = studio.submit("a fish", model="gated")
    until(engine.started.is_set)
    with pytest.raises(InvalidRequestError, match="inline"):
        studio.queue().move_first(second)
    assert studio.queue().stop_after_current() == 1
    engine.let()
    assert second.wait().status == "cancelled"


def test_a_viewer_sees_the_queue_and_changes_nothing(studio, home, engine):
    run = studio.submit("a boat", model="gated")
    until(engine.started.is_set)
    with sk.open(home, mode="viewer") as viewer:
        queue = viewer.queue()
        assert [each.id for each in queue] == [run.id]
        for change in (queue.pause, queue.resume, lambda: queue.move_first(run), lambda: queue.prioritise(run, 1)):
            with pytest.raises(ReadOnlyError):
                change()
        with pytest.raises(ReadOnlyError):
            viewer.cancel(run)
    engine.let()


def test_a_handle_that_was_made_anew_follows_the_run_to_its_end(studio, home, engine):
    run = studio.submit("a boat", model="gated")
    until(engine.started.is_set)
    with sk.open(home, mode="viewer") as viewer:
        seen = viewer.run(run.id)
        assert seen.status == "running"
        engine.let()
        assert seen.wait(60).status == "succeeded"
        assert seen.image.size == (48, 32)


def test_a_look_has_progress_and_previews_and_follows_what_is_appended(studio, engine):
    queue = studio.queue()
    assert len(queue.look()) == 0
    first, second = (studio.submit(f"boat {n}", model="gated") for n in range(2))
    until(lambda: queue.look().working)
    seen = queue.look()
    assert [row.entry.run_id for row in seen.working] == [first.id]
    assert [(row.place, row.entry.run_id) for row in seen.waiting] == [(1, second.id)]
    assert queue.look().waiting is seen.waiting
    engine.let(1)
    until(lambda: queue.look().working[0].progress.step)
    assert queue.look().working[0].progress.preview == b"preview"
    engine.let()
    second.wait()
    until(lambda: len(queue.look()) == 0)
