"""The worker process: shared, found, outliving whoever asked, and mended by the next one when it is killed."""

import json
import os
import signal
import subprocess
import sys

import psutil
import pytest

import studio_kernel as sk
from runlog_tools import child
from studio_kernel.errors import InvalidRequestError, WorkerError
from studio_kernel.settings import Home
from studio_kernel.worker import info
from studio_kernel.worker.launch import Launcher
from waiting import until
from worker_tools import ENDLESS, QUICK, SLOW, kill_worker, processes_of, program, settle, worker_of

ASK_AND_DIE = """
import os, signal, sys
import studio_kernel as sk
run = sk.open(sys.argv[1]).submit("a boat", model="procedural", num_inference_steps=40, step_seconds=0.2, seed=7)
print(run.id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
ASK = """
import sys
import studio_kernel as sk
with sk.open(sys.argv[1]) as studio:
    run = studio.generate("a boat", model=sys.argv[2], num_inference_steps=2, seed=7)
    print(run.id, run.status, "torch" in sys.modules, flush=True)
"""


def test_a_run_outlives_the_process_that_asked_for_it_and_is_found_at_work(working_home):
    with program(ASK_AND_DIE, working_home) as asking:
        run_id = asking.stdout.readline().strip()
    with sk.open(working_home) as studio:
        run = studio.run(run_id)
        until(lambda: run.progress.step and run.progress.preview, what="progress with a preview")
        assert [each.id for each in studio.queue().running] == [run_id]
        assert run.wait(60).status == "succeeded"
        assert run.image.size == (128, 128)
        assert studio.run(run_id).record.status == "succeeded"


def test_programs_that_ask_at_the_same_moment_share_one_worker(working_home):
    asking = [program(ASK, working_home, "procedural") for _ in range(4)]
    answers = [process.communicate(timeout=60)[0].split() for process in asking]
    assert [answer[1] for answer in answers] == ["succeeded"] * 4
    assert len(processes_of(working_home)) == 1
    log = [json.loads(line) for line in info.log_path(Home.at(working_home), "auto").read_text().splitlines()]
    assert [line["message"] for line in log].count("begins") == 1


def test_a_kernel_imports_no_torch_when_a_worker_serves_it(working_home):
    with program(ASK, working_home, "studio-tiny") as asking:
        assert asking.stdout.read().split()[1:] == ["succeeded", "False"]


def test_a_worker_and_a_program_by_itself_make_the_same_bytes_of_the_same_request(studio, working_home, tmp_path):
    asked = {"model": "studio-tiny", "seed": 7, "num_inference_steps": 2}
    with sk.open(tmp_path / "other", runner="inline") as alone:
        digest = alone.generate("a boat", **asked).first_asset.sha256
    assert studio.generate("a boat", **asked).first_asset.sha256 == digest


def test_a_worker_that_is_killed_is_followed_by_one_that_does_its_run_again(studio, working_home):
    run = studio.submit("a boat", **SLOW)
    until(lambda: run.progress.step >= 3)
    first = kill_worker(working_home)
    assert run.wait(60).status == "succeeded"
    assert worker_of(working_home).pid != first
    assert studio.sql("SELECT attempt FROM runs").attempt.tolist() == [2]


def test_what_waited_when_the_worker_was_killed_is_done_by_the_next_one(studio, working_home):
    runs = [studio.submit("a boat", **SLOW), *(_quick(studio, n) for n in range(5))]
    until(lambda: runs[0].progress.step)
    kill_worker(working_home)
    assert [run.wait(60).status for run in runs] == ["succeeded"] * 6


def test_a_local_run_ends_as_interrupted_where_that_was_asked_for(working_home):
    settle(working_home, after_crash="interrupt")
    with sk.open(working_home, runner="worker") as studio:
        run = studio.submit("a boat", **ENDLESS)
        until(lambda: run.progress.step >= 1)
        kill_worker(working_home)
        assert run.wait(60).status == "failed"
        assert "interrupted" in run.error
        assert "interrupted" in studio.record(run.id).error


def test_a_run_that_kills_every_worker_is_given_up(studio, working_home):
    run = studio.submit("a boat", **ENDLESS)
    for attempt in range(1, 4):
        until(lambda attempt=attempt: studio.sql("SELECT attempt FROM runs").attempt.tolist() == [attempt])
        kill_worker(working_home)
    assert run.wait(60).status == "failed"
    assert "3 times" in run.error


def test_a_running_run_is_cancelled_within_a_step_and_a_waiting_one_at_once(studio):
    running = studio.submit("a boat", **ENDLESS)
    waiting = studio.submit("a fish", **ENDLESS)
    until(lambda: running.progress.step >= 1)
    waiting.cancel()
    assert waiting.wait(60).status == "cancelled"
    assert running.status == "running", "it did not wait for the lane"
    step = running.progress.step
    running.cancel()
    assert running.wait(60).status == "cancelled"
    assert running.progress.step <= step + 2, "the step at work, and one that was not shown yet"


def test_a_waiting_run_is_cancelled_when_no_worker_is_alive(studio, working_home):
    studio.queue().pause()
    run = _quick(studio, 1)
    Launcher(Home.at(working_home), studio._log).stop(timeout=60)
    run.cancel()
    assert run.wait(60).status == "cancelled"
    until(lambda: not processes_of(working_home))


def test_another_process_cancels_a_run_that_works_inline(working_home):
    with sk.open(working_home, runner="inline") as studio:
        run = studio.submit("a boat", **ENDLESS)
        until(lambda: run.progress.step >= 1)
        command = [sys.executable, "-m", "studio_kernel.cli", "--home", working_home, "queue", "cancel", run.id]
        subprocess.run(command, check=True)
        assert run.wait(60).status == "cancelled"


def test_a_paused_queue_begins_nothing_and_goes_on_afterwards(studio):
    studio.queue().pause()
    runs = [_quick(studio, n) for n in range(3)]
    with pytest.raises(TimeoutError):
        runs[0].wait(0.5)
    assert studio.queue().is_paused
    studio.queue().resume()
    assert [run.wait(60).status for run in runs] == ["succeeded"] * 3


def test_runs_are_done_in_the_order_that_people_give_them(studio):
    queue = studio.queue()
    queue.pause()
    a, b, c, d = (_quick(studio, n) for n in range(4))
    queue.prioritise(c, 5)
    queue.move_first(d)
    assert [run.id for run in queue.waiting] == [d.id, c.id, a.id, b.id]
    queue.move_before(b, a)
    assert [run.id for run in queue.waiting] == [d.id, c.id, b.id, a.id]
    queue.resume()
    for run in (a, b, c, d):
        run.wait(60)
    begun = studio.sql("SELECT id FROM runs ORDER BY started_at").id.tolist()
    assert begun == [d.id, c.id, b.id, a.id]


def test_a_run_that_does_not_wait_cannot_be_moved(studio):
    run = _quick(studio, 1).wait(60)
    with pytest.raises(InvalidRequestError, match="does not wait"):
        studio.queue().move_first(run)
    with pytest.raises(InvalidRequestError, match="-100 and 100"):
        studio.queue().prioritise(run, 1000)


def test_a_single_run_is_not_stuck_behind_a_sweep(studio):
    cell = {"num_inference_steps": 5, "step_seconds": 0.05, "width": 32, "height": 32}
    sweep = studio.sweep("a boat", model="procedural", axes={"seed": range(60)}, **cell)
    until(lambda: sweep.runs[0].status != "queued")
    single = _quick(studio, 1).wait(60)
    assert single.status == "succeeded"
    assert sum(run.status == "queued" for run in sweep.runs) > 40
    sweep.cancel()


def test_what_waits_can_be_stopped_while_what_is_at_work_finishes(studio):
    running = studio.submit("a boat", **SLOW)
    waiting = [_quick(studio, n) for n in range(3)]
    until(lambda: running.progress.step >= 1)
    assert studio.queue().stop_after_current() == 3
    assert [run.wait(60).status for run in waiting] == ["cancelled"] * 3
    assert running.wait(60).status == "succeeded"


def test_a_run_can_be_tried_again(studio):
    run = studio.submit("a boat", **ENDLESS)
    run.cancel()
    run.wait(60)
    again = studio.retry(run)
    assert again.request == run.request
    assert again.record.origin.parent_id == run.id
    again.cancel()


def test_a_worker_that_is_stopped_leaves_the_queue_for_the_next_one(studio, working_home):
    running = studio.submit("a boat", **SLOW)
    waiting = _quick(studio, 1)
    until(lambda: running.progress.step >= 1)
    launcher = Launcher(Home.at(working_home), studio._log)
    launcher.stop(timeout=60)
    assert running.wait(60).status == "succeeded"
    assert waiting.status == "queued"
    until(lambda: not processes_of(working_home))
    with pytest.raises(TimeoutError):
        waiting.wait(2.5)
    assert processes_of(working_home) == [], "nobody starts a worker that was told to stop"
    launcher.ensure()
    assert waiting.wait(60).status == "succeeded"


def test_a_worker_that_is_stopped_at_once_gives_its_run_back(studio, working_home):
    run = studio.submit("a boat", **ENDLESS)
    until(lambda: run.progress.step >= 1)
    launcher = Launcher(Home.at(working_home), studio._log)
    launcher.stop(timeout=60, at_once=True)
    until(lambda: run.status == "queued")
    launcher.ensure()
    until(lambda: run.status == "running")
    run.cancel()


def test_a_worker_gives_its_run_back_when_it_is_terminated(studio, working_home):
    run = studio.submit("a boat", **ENDLESS)
    until(lambda: run.progress.step >= 1)
    os.kill(worker_of(working_home).pid, signal.SIGTERM)
    until(lambda: not processes_of(working_home))
    assert studio.record(run.id).status == "queued"


def test_an_older_worker_makes_room_for_a_newer_one(studio, working_home):
    home = Home.at(working_home)
    first = studio.submit("a boat", **SLOW)
    until(lambda: first.progress.step >= 1)
    old = worker_of(working_home)
    info.write(home, info.WorkerInfo(**{**_fields(old), "version": "0.0.1"}))
    second = _quick(studio, 1)
    assert first.wait(60).status == "succeeded", "it finishes what it is at"
    assert second.wait(60).status == "succeeded"
    assert worker_of(working_home).pid != old.pid
    assert studio.sql("SELECT max(attempt) AS n FROM runs").n.tolist() == [1]


def test_an_idle_worker_frees_its_models_then_ends_and_the_next_run_starts_another(working_home):
    settle(working_home, free_after_s=0.3, exit_after_s=1.5)
    with sk.open(working_home, runner="worker") as studio:
        assert _quick(studio, 1).wait(60).status == "succeeded"
        until(lambda: not processes_of(working_home))
        assert info.read(Home.at(working_home), "auto").state == "idle"
        assert "models left the memory" in info.log_path(Home.at(working_home), "auto").read_text()
        assert _quick(studio, 2).wait(60).status == "succeeded"


def test_a_worker_ends_when_its_home_is_deleted(studio, working_home):
    _quick(studio, 1).wait(60)
    pid = worker_of(working_home).pid
    working_home.rename(working_home.with_name("moved"))
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    working_home.with_name("moved").rename(working_home)


def test_a_worker_that_cannot_start_says_why_and_nothing_is_queued(working_home):
    (working_home / "workers").mkdir()
    settle(working_home, device="cuda:99", exit_after_s=-1.0)
    with sk.open(working_home, runner="worker") as studio:
        with pytest.raises(sk.StudioError, match="exit_after_s"):
            _quick(studio, 1)
        assert studio.count() == 0


def test_a_worker_that_dies_as_it_begins_is_told_to_whoever_asks(working_home, monkeypatch):
    monkeypatch.setenv("PYTHONHOME", str(working_home / "no-python-here"))
    with sk.open(working_home, runner="worker") as studio:
        with pytest.raises(WorkerError, match="ended as it began"):
            _quick(studio, 1)
        assert studio.count() == 0


def test_a_worker_that_cannot_read_the_log_says_why_and_nothing_is_queued(working_home):
    with sk.open(working_home, runner="inline") as studio:
        _quick(studio, 1).wait(60)
    with child("hold", working_home / "live.duckdb") as holder, sk.open(working_home, runner="worker") as studio:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(WorkerError, match=str(holder.pid)):
            _quick(studio, 2)
        holder.communicate("\n", timeout=20)
        assert _quick(studio, 3).wait(60).status == "succeeded"
        assert studio.count() == 2


def test_whoever_waits_is_told_when_the_studio_is_closed_and_the_run_goes_on(working_home):
    with sk.open(working_home, runner="worker") as studio:
        run = studio.submit("a boat", **SLOW)
    with pytest.raises(sk.StudioError, match="goes on without it"):
        run.wait(60)
    with sk.open(working_home) as again:
        assert again.run(run.id).wait(60).status == "succeeded"


def test_the_log_of_the_worker_has_no_prompts_and_no_secrets(working_home, monkeypatch):
    monkeypatch.setenv("FAL_KEY", "very-secret-key-0815")
    with sk.open(working_home, runner="worker") as studio:
        studio.submit("unmistakable words", **QUICK).wait(60)
    text = info.log_path(Home.at(working_home), "auto").read_text()
    assert [json.loads(line)["message"] for line in text.splitlines()] == ["begins", "run begins", "run ends"]
    assert "unmistakable" not in text
    assert "0815" not in text


def test_the_commands_tell_of_the_worker_and_stop_it(studio, working_home):
    _quick(studio, 1).wait(60)
    assert json.loads(_cli(working_home, "worker", "status", "--json"))["workers"][0]["alive"] is True
    assert "run ends" in _cli(working_home, "worker", "logs")
    assert str(worker_of(working_home).pid) in _cli(working_home, "worker", "stop")
    assert "not alive (stopped)" in _cli(working_home, "worker", "status")


def _cli(home, *arguments):
    command = [sys.executable, "-m", "studio_kernel.cli", "--home", home, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _quick(studio, seed):
    return studio.submit("a fish", seed=seed, **QUICK)


def _fields(told):
    return {name: getattr(told, name) for name in told.__struct_fields__}
