"""Remote jobs in a worker: found again by their ticket, never paid twice, cancelled at the service."""

import pytest

import studio_kernel as sk
import worker_tools
from waiting import until
from worker_tools import ENDLESS, kill_worker, worker_of


@pytest.fixture
def studio(remote_home):
    with sk.open(remote_home, runner="worker") as studio:
        yield studio


def test_a_remote_job_is_taken_up_again_after_a_crash_and_paid_once(studio, service, remote_home):
    run = studio.submit("a boat", model="loopback")
    until(lambda: run.progress.step >= 3)
    kill_worker(remote_home)
    assert run.wait(60).status == "succeeded"
    assert run.cost_usd == 0.25
    assert len(service.accepted) == 1
    assert run.image.size == (32, 32)


def test_a_job_that_may_have_been_paid_for_without_an_answer_is_not_sent_again(studio, service, remote_home):
    service.answers.clear()
    run = studio.submit("a boat", model="loopback")
    until(lambda: service.accepted)
    kill_worker(remote_home)
    service.answers.set()
    assert run.wait(60).status == "failed"
    assert "billed" in run.error
    assert len(service.accepted) == 1


def test_a_remote_job_is_cancelled_at_the_service(studio, service):
    run = studio.submit("a boat", model="loopback")
    until(lambda: run.progress.step >= 2)
    run.cancel()
    assert run.wait(60).status == "cancelled"
    assert service.cancelled == ["job-1"]


def test_a_worker_that_ends_at_once_leaves_a_remote_job_to_the_next_one(studio, service, remote_home):
    from studio_kernel.settings import Home
    from studio_kernel.worker.launch import Launcher

    run = studio.submit("a boat", model="loopback")
    until(lambda: run.progress.step >= 2)
    launcher = Launcher(Home.at(remote_home), studio._log)
    launcher.stop(timeout=60, at_once=True)
    launcher.ensure()
    assert run.wait(60).status == "succeeded"
    assert service.cancelled == []
    assert len(service.accepted) == 1


def test_remote_jobs_run_beside_each_other_and_beside_a_local_one(studio, service):
    local = studio.submit("a boat", **ENDLESS)
    until(lambda: local.progress.step >= 1)
    remote = [studio.submit(f"boat {n}", model="loopback") for n in range(4)]
    until(lambda: len(service.accepted) == 4)
    assert [run.wait(60).status for run in remote] == ["succeeded"] * 4
    assert local.status == "running"
    local.cancel()


def test_a_job_that_an_inline_program_sent_is_taken_up_by_a_worker_after_its_death(studio, service, remote_home):
    code = """
import sys
import studio_kernel as sk
run = sk.open(sys.argv[1], runner="inline").submit("a boat", model="loopback")
while run.progress.step < 3:
    pass
print(run.id, flush=True)
sys.stdin.read()
"""
    with worker_tools.program(code, remote_home) as asking:
        run_id = asking.stdout.readline().strip()
        asking.kill()
    studio.submit("something else", **worker_tools.QUICK).wait(60)  # brings up a worker
    assert studio.run(run_id).wait(60).status == "succeeded"
    assert len(service.accepted) == 1
    assert worker_of(remote_home) is not None


def test_remote_cells_are_paid_once_however_often_the_sweep_is_begun(studio, service, remote_home):
    sweep = studio.sweep("a boat", axes={"seed": [1, 2, 3, 4, 5, 6]}, model="loopback")
    until(lambda: sum(run.progress.step > 0 for run in sweep.runs) >= 4)  # as many as there are lanes
    kill_worker(remote_home)
    again = studio.sweep("a boat", axes={"seed": [1, 2, 3, 4, 5, 6]}, model="loopback")
    again.wait(120, progress=False)
    assert set(again.frame()["status"]) == {"succeeded"}
    assert [run.id for run in again.runs] == [run.id for run in sweep.runs]
    assert len(service.accepted) == 6


def test_a_cell_that_may_have_been_billed_is_asked_for_again_only_by_retrying_it(studio, service, remote_home):
    service.answers.clear()
    asked = {"axes": {"seed": [1]}, "model": "loopback"}
    first = studio.sweep("a boat", **asked)
    until(lambda: service.accepted)
    kill_worker(remote_home)
    service.answers.set()
    first.wait(60, progress=False)
    again = studio.sweep("a boat", start=False, **asked)
    assert [cell.unclear_run_id for cell in again.plan().cells] == [first.runs[0].id]
    assert "1 that may have been billed" in again.plan().summary
    frame = again.start().resume().wait(60, progress=False).frame()
    assert list(frame["status"]) == ["failed"]
    assert "billed" in frame["error"][0]
    assert len(service.accepted) == 1
    assert studio.retry(again.runs[0], may_pay_twice=True).wait(60).status == "succeeded"
    assert len(service.accepted) == 2
    assert len(studio.sweep("a boat", start=False, **asked).plan().done) == 1
