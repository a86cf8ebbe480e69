"""Private runs: nothing of them is anywhere in the home once their studio has closed or died."""

import signal

import pytest

import studio_kernel as sk
from studio_kernel.settings import Home
from studio_kernel.worker import info
from waiting import until
from worker_tools import ENDLESS, QUICK, SLOW, kill_worker, program

SECRET = "unmistakable words"
ASK_AND_DIE = f"""
import os, signal, sys, time
import studio_kernel as sk
run = sk.open(sys.argv[1]).submit("{SECRET}", private=True, **{ENDLESS})
while run.progress.step < 2:
    time.sleep(0.01)
print(run.id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def traces(home):
    """Return the files of a home that tell of the secret, or hold a picture."""
    files = (path for path in home.rglob("*") if path.is_file())
    return [
        str(path.relative_to(home))
        for path in files
        if path.suffix in (".png", ".webp") or SECRET.encode() in path.read_bytes()
    ]


@pytest.fixture(params=["worker", "inline"])
def private_studio(request, working_home):
    studio = sk.open(working_home, runner=request.param)
    yield studio
    studio.close()


def test_a_private_run_is_seen_by_its_studio_and_leaves_time_and_cost_in_the_log(private_studio, working_home):
    run = private_studio.submit(SECRET, private=True, seed=77, **QUICK).wait(60)
    assert run.request.prompt == SECRET
    assert run.image.size == (32, 32)
    assert private_studio.run(run.id).image.size == (32, 32)
    frame = private_studio.runs()
    assert frame["private"].tolist() == [True]
    assert frame["prompt"].isna().all()
    assert frame["seed"].isna().all()
    assert frame["elapsed_s"].iloc[0] > 0
    assert private_studio.sql("SELECT count(*) AS n FROM assets").n.tolist() == [0]
    assert all(path.startswith("private/") for path in traces(working_home))
    private_studio.close()
    assert traces(working_home) == []


def test_inputs_of_a_private_run_are_private_too(private_studio, working_home, picture):
    run = private_studio.submit(SECRET, image=picture, private=True, model="procedural", strength=0.5).wait(60)
    assert run.status == "succeeded"
    assert not list(Home.at(working_home).assets.rglob("*.png"))
    private_studio.close()
    assert traces(working_home) == []


def test_a_private_run_is_tried_again_in_private(private_studio, working_home):
    run = private_studio.submit(SECRET, private=True, **QUICK).wait(60)
    again = private_studio.retry(run).wait(60)
    assert again.request == run.request
    assert private_studio.runs()["private"].tolist() == [True, True]
    private_studio.close()
    assert traces(working_home) == []


def test_another_studio_sees_only_that_there_was_a_private_run(private_studio, working_home):
    run = private_studio.submit(SECRET, private=True, **QUICK).wait(60)
    with sk.open(working_home, mode="viewer") as viewer:
        until(lambda: viewer.run(run.id).record.status == "succeeded")
        record = viewer.run(run.id).record
        assert record.request.prompt == ""
        assert record.assets == ()


def test_what_went_wrong_is_told_to_the_studio_alone(working_home, private_studio):
    run = private_studio.submit(SECRET, private=True, **ENDLESS)
    until(lambda: run.progress.step >= 1)
    assert run.progress.preview is not None
    run.cancel()
    assert run.wait(60).status == "cancelled"
    private_studio.close()
    assert traces(working_home) == []


def test_a_studio_that_closes_ends_its_private_runs(working_home):
    with sk.open(working_home, runner="worker") as studio:
        run = studio.submit(SECRET, private=True, **ENDLESS)
        until(lambda: run.progress.step >= 1)
    until(lambda: traces(working_home) == [])
    with sk.open(working_home) as again:
        until(lambda: again.record(run.id).status == "cancelled")


def test_a_private_run_is_done_again_after_a_crash_of_the_worker(working_home):
    with sk.open(working_home, runner="worker") as studio:
        run = studio.submit(SECRET, private=True, **SLOW)
        until(lambda: run.progress.step >= 1)
        kill_worker(working_home)
        assert run.wait(60).status == "succeeded"
        assert run.request.prompt == SECRET
    assert traces(working_home) == []


def test_a_studio_that_is_killed_leaves_nothing_once_somebody_notices(working_home):
    with program(ASK_AND_DIE, working_home) as asking:
        run_id = asking.stdout.readline().strip()
        assert asking.wait(60) == -signal.SIGKILL
    until(lambda: traces(working_home) == [], what="a home without traces")
    with sk.open(working_home) as studio:
        until(lambda: studio.record(run_id).status == "cancelled")
    assert list(Home.at(working_home).private.iterdir()) == []


def test_the_next_studio_deletes_what_a_dead_one_has_left_when_there_is_no_worker(working_home):
    code = ASK_AND_DIE.replace("sk.open(sys.argv[1])", "sk.open(sys.argv[1], runner='inline')")
    with program(code, working_home) as asking:
        asking.stdout.readline()
    assert traces(working_home)
    with sk.open(working_home):
        assert traces(working_home) == []


def test_the_worker_says_nothing_of_private_words(working_home):
    with sk.open(working_home, runner="worker") as studio:
        studio.submit(SECRET, private=True, **QUICK).wait(60)
    assert SECRET not in info.log_path(Home.at(working_home), "auto").read_text()
    assert SECRET not in info.output_path(Home.at(working_home), "auto").read_text()
