"""What whoever waits for another process's run is told."""

import threading

from runlog_tools import request
from studio_kernel.follower import Follower
from studio_kernel.live import LiveBoard
from studio_kernel.runlog import RunLog, new_run_id
from waiting import until


def queued(log):
    run_id = new_run_id()
    log.queued(run_id, request("a boat"), engine="procedural")
    return run_id


def test_what_closing_has_told_is_not_taken_back_by_a_question_under_way(tmp_path):
    asked, answer = threading.Event(), threading.Event()

    def beat():
        asked.set()
        answer.wait(60)

    with RunLog(tmp_path) as log:
        follower = Follower(log, LiveBoard(tmp_path / "live"), beat)
        job = follower.find(queued(log))
        assert asked.wait(60)
        closing = threading.Thread(target=follower.close)
        closing.start()
        until(lambda: job.trouble, what="word of the end")
        answer.set()
        closing.join(60)
        assert "goes on without it" in str(job.trouble)


def test_a_run_that_is_asked_for_after_the_end_says_so(tmp_path):
    with RunLog(tmp_path) as log:
        follower = Follower(log, LiveBoard(tmp_path / "live"))
        follower.close()
        assert "goes on without it" in str(follower.find(queued(log)).trouble)
