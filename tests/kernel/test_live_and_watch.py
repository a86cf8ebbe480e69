import threading

import pytest

from studio_kernel.domain.runs import RunProgress, RunStatus
from studio_kernel.live import LiveBoard
from studio_kernel.watch import Watcher

RUNNING = RunProgress(RunStatus.RUNNING, 3, 20, "denoising", 0.4, b"webp bytes")


def test_progress_is_read_as_it_was_written(tmp_path):
    board = LiveBoard(tmp_path)
    board.write("r1", RUNNING)
    assert LiveBoard(tmp_path).read("r1") == RUNNING


def test_a_run_that_ended_is_off_the_board(tmp_path):
    board = LiveBoard(tmp_path)
    board.write("r1", RUNNING)
    board.clear("r1")
    assert board.read("r1") is None
    assert list(tmp_path.iterdir()) == []


def test_a_board_that_cannot_be_written_costs_no_run(tmp_path):
    board = LiveBoard(tmp_path / "gone")
    board.write("r1", RUNNING)
    assert board.read("r1") is None


def test_a_torn_file_reads_as_nothing(tmp_path):
    (tmp_path / "r1.json").write_text('{"status": "runn')
    assert LiveBoard(tmp_path).read("r1") is None


class Script:
    """A run whose progress the test sets."""

    def __init__(self):
        self.now = RunProgress(RunStatus.QUEUED)

    def __call__(self):
        return self.now


@pytest.fixture
def script():
    return Script()


@pytest.fixture
def watcher():
    watcher = Watcher()
    yield watcher
    watcher.close()


def test_a_watch_hears_changes_and_the_end_twice(script, watcher):
    heard, changed = [], threading.Condition()

    def callback(progress):
        with changed:
            heard.append(progress)
            changed.notify()

    watcher.watch("r1", script, callback)
    script.now = RUNNING
    with changed:
        assert changed.wait_for(lambda: RUNNING in heard, 5)
        script.now = RunProgress(RunStatus.SUCCEEDED, 20, 20)
        assert changed.wait_for(lambda: heard.count(script.now) == 2, 5)


def test_a_watch_can_be_ended_early(script, watcher):
    heard = threading.Event()
    end = watcher.watch("r1", script, lambda _progress: heard.set())
    assert heard.wait(60)
    end()
    heard.clear()
    script.now = RUNNING
    assert not heard.wait(0.5)


def test_a_broken_callback_does_not_stop_the_others(script, watcher, caplog):
    heard = threading.Event()

    def broken(_progress):
        raise RuntimeError("no")

    watcher.watch("r1", script, broken)
    watcher.watch("r2", script, lambda _progress: heard.set())
    assert heard.wait(60)
    assert "watching run r1 ended" in caplog.text
