"""What an answer has in it: all that was written before the question, however busy others are with the file."""

import threading
from contextlib import contextmanager

import pytest
from filelock import FileLock

from runlog_tools import live, log_run
from studio_kernel.errors import RunLogError
from studio_kernel.runlog import RunLog, store


@contextmanager
def held(home, seconds):
    """Keep everybody from folding for a while, as another program does that folds."""
    lock = FileLock(f"{live(home)}.lock", thread_local=False)
    lock.acquire()
    timer = threading.Timer(seconds, lock.release)
    timer.start()
    yield
    timer.cancel()
    timer.join()
    lock.release()


def test_the_first_look_waits_for_who_is_folding(tmp_path):
    with RunLog(tmp_path) as writer, RunLog(tmp_path) as viewer, held(tmp_path, 0.4):
        run_id = log_run(writer)
        assert viewer.run(run_id) is not None


def test_what_went_wrong_before_does_not_keep_an_answer_from_its_own_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "READ_WAIT_S", 0.05)
    with RunLog(tmp_path) as log:
        log_run(log)
        assert log.count() == 1
        log._live.error = "No space left on device"  # there is room again
        with held(tmp_path, 0.4):
            log_run(log)
            assert log.count() == 2


def test_what_decides_about_money_is_refused_while_the_log_does_not_show_it(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "READ_WAIT_S", 0.05)
    with RunLog(tmp_path) as log:
        log_run(log)
        log.count()
        log._is_held = True  # as after ten seconds
        with held(tmp_path, 5.0):
            log_run(log)
            with pytest.raises(RunLogError, match=r"live\.duckdb is held by another program\); nothing was sent"):
                log.require_own()
        log.require_own()
        assert log.count() == 2
