"""How long runs take and how long one has left."""

import pytest

from runlog_tools import request
from studio_kernel.domain.runs import RunStatus
from studio_kernel.pace import Countdown, Paces, kind_of
from studio_kernel.runlog import RunLog, Timings, new_run_id
from waiting import until

ASKED = request("a boat", width=512, height=512, num_inference_steps=20)


def log_timed(log, denoising_s, device="cpu", asked=ASKED, status=RunStatus.SUCCEEDED):
    run_id = new_run_id()
    log.queued(run_id, asked, engine="e")
    log.started(run_id, provenance={"device": device})
    log.finished(run_id, status, outcome={"denoising_s": denoising_s, "decoding_s": 0.5})


def test_nothing_is_said_before_anything_is_known():
    assert Countdown().remaining_s(0, 20) is None


def test_before_two_steps_what_was_learnt_counts_then_the_steps_of_the_run():
    countdown = Countdown(Timings(step_s=1.0, decoding_s=0.5))
    assert countdown.remaining_s(0, 10) == 10.5
    countdown.step(1, now=100.0)
    assert countdown.remaining_s(1, 10) == 9.5
    countdown.step(3, now=104.0)
    assert countdown.remaining_s(3, 10) == 7 * 2.0 + 0.5


def test_the_log_teaches_the_median_of_the_same_kind_of_run_only(tmp_path):
    with RunLog(tmp_path) as log:
        for seconds in (2.0, 4.0, 60.0):
            log_timed(log, seconds)
        log_timed(log, 1000.0, device="cuda")
        log_timed(log, 1000.0, asked=ASKED.replace(width=1024))
        log_timed(log, 1000.0, status=RunStatus.FAILED)
        assert log.timings(kind_of(ASKED, "cpu")) == Timings(step_s=0.2, decoding_s=0.5)
        assert log.timings(kind_of(ASKED, "mps")) is None


def test_a_process_learns_from_the_log_and_then_from_its_own_runs(tmp_path):
    with RunLog(tmp_path) as log:
        log_timed(log, 20.0)
        paces, kind = Paces(log), kind_of(ASKED, "cpu")
        assert until(lambda: paces.of(kind), every=0.01).step_s == 1.0
        paces.learn(kind, 20, {"denoising": 40.0, "decoding": 0.5})
        assert paces.of(kind).step_s == pytest.approx(1.3)


def test_a_run_without_steps_teaches_nothing(tmp_path):
    with RunLog(tmp_path) as log:
        paces, kind = Paces(log), kind_of(ASKED, "cpu")
        paces.learn(kind, 0, {"denoising": 1.0})
        paces.learn(kind, 5, {})
        assert paces.of(kind) is None
