"""Jobs at fal outlive the worker, the network and the program that asked for them, and are paid for once."""

import os
import random
import signal
import time
from contextlib import suppress

import pytest

import studio_kernel as sk
import worker_tools
from fal_jobs import fal_cards
from servers.fal import CDN, KEY, PLATFORM, QUEUE, Fal
from soaking import length, soak
from waiting import until

FLUX = "fal/flux_1_dev"
SETTINGS = """
[worker]
exit_after_s = 120.0

[services.fal]
concurrency = 4
lookup_s = 30.0
"""
KILLS = length(6, 50)
STEPS = {
    "while it is sent, accepted": (QUEUE, "POST", "/fal-ai/flux/dev", "hang after"),
    "when it waits": (QUEUE, "GET", ".*/status", "hang"),
    "when it is told": (QUEUE, "GET", ".*/status", "hang after"),
    "when its result is asked for": (QUEUE, "GET", r".*/requests/[^/]+", "hang"),
    "when its price is asked for": (PLATFORM, "GET", ".*/pricing", "hang"),
    "when its file is fetched": (CDN, "GET", ".*", "hang"),
}


@pytest.fixture
def fal():
    return Fal([fal_cards()[FLUX]], seconds=0.4, at_once=8)


@pytest.fixture
def net(internet, fal, monkeypatch):
    monkeypatch.setenv("FAL_KEY", KEY)
    return internet(fal)


@pytest.fixture
def cloud_home(home, net):
    worker_tools.settle(home)
    (home / "settings.toml").write_text(SETTINGS)
    yield home
    worker_tools.end_workers(home)


@pytest.fixture
def studio(cloud_home):
    with sk.open(cloud_home, runner="worker") as studio:
        yield studio


def require_paid_once(fal, studio, runs):
    for run in runs:
        assert run.status == "succeeded", run.error
    assert len(fal.submits) == len(runs)
    costs = studio.sql("SELECT sum(cost_usd) AS usd, count(cost_usd) AS n FROM runs").iloc[0]
    assert costs.usd == pytest.approx(0.025 * len(runs))
    assert costs.n == len(runs)


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_killed_at_any_step_of_a_job_pays_once(fal, net, studio, cloud_home, step):
    host, method, path, fault = STEPS[step]
    net.hold()
    net.misbehave(host, fault, method=method, path=path)
    run = studio.submit("a red boat", model=FLUX, seed=7)
    until(lambda: net.requests(method, path, host), what=step)

    worker_tools.kill_worker(cloud_home)
    net.let_go()

    run.wait(120)
    require_paid_once(fal, studio, [run])


def test_a_job_that_may_never_have_arrived_is_asked_about(fal, net, studio, cloud_home):
    (cloud_home / "settings.toml").write_text(SETTINGS.replace("lookup_s = 30.0", "lookup_s = 1.0"))
    net.misbehave(QUEUE, "drop before", method="POST")

    run = studio.submit("a red boat", model=FLUX, seed=7).wait(120)

    assert run.status == "failed"
    assert "may have been charged" in run.error
    with pytest.raises(sk.errors.MayBeBilledError, match="may_pay_twice"):
        studio.retry(run)
    assert studio.retry(run, may_pay_twice=True).wait(120).status == "succeeded"
    assert len(fal.submits) == 1


def sent(studio, run):
    """A run that lost too many workers before anything was sent is given up, for nothing, and can be asked again."""
    return studio.retry(run).wait(120) if run.error and "times while it was at it" in run.error else run


@soak
@pytest.mark.slow
def test_jobs_are_paid_once_though_workers_are_killed_at_random_moments(fal, studio, cloud_home):
    chance, runs = random.Random(11), []
    for kill in range(KILLS):
        runs += [studio.submit(f"boat {kill}-{place}", model=FLUX, seed=place) for place in range(3)]
        told = until(lambda: worker_tools.worker_of(cloud_home), every=0.005, what="a worker")
        time.sleep(chance.uniform(0.0, 1.2))
        with suppress(ProcessLookupError):
            os.kill(told.pid, signal.SIGKILL)

    runs = [sent(studio, run.wait(120)) for run in runs]
    # killed between its connection and its words, a worker cannot know; it says so, and nothing is paid
    unknown = [run for run in runs if run.error and "whether it has accepted the job is not known" in run.error]
    require_paid_once(fal, studio, [run for run in runs if run not in unknown])
    assert len(unknown) <= KILLS
    print(f"{KILLS} kills, {len(runs)} runs, {len(fal.submits)} submits")


def test_a_network_that_is_gone_for_a_while_costs_nothing(fal, net, studio):
    fal.seconds = 4.0
    run = studio.submit("a red boat", model=FLUX, seed=7)
    until(lambda: fal.submits, what="a job")
    net.unplug()
    until(lambda: "trying again" in run.progress.stage, what="a word about the network")
    until(lambda: not fal.working, what="the end of the job")

    net.plug_in()

    run.wait(120)
    require_paid_once(fal, studio, [run])


def test_a_job_goes_on_without_the_program_that_asked_for_it(fal, cloud_home):
    fal.seconds = 1.0
    asking = worker_tools.program(
        "import sys, studio_kernel as sk\n"
        "studio = sk.open(sys.argv[1])\n"
        "print(studio.submit('a red boat', model=sys.argv[2], seed=7).id, flush=True)\n"
        "sys.stdin.read()",
        cloud_home,
        FLUX,
    )
    run_id = asking.stdout.readline().strip()
    asking.kill()
    asking.communicate()

    with sk.open(cloud_home, runner="worker") as studio:
        require_paid_once(fal, studio, [studio.run(run_id).wait(120)])


def test_cancelling_reaches_the_service(fal, studio):
    fal.seconds = 60.0
    run = studio.submit("a red boat", model=FLUX, seed=7)
    until(lambda: fal.submits, what="a job")

    run.cancel()

    assert run.wait(60).status == "cancelled"
    assert fal.cancels == [fal.submits[0].id]


@pytest.fixture
def full_disk(small_disk):
    """Return what fills the disk, and what makes room again."""
    ballast = small_disk / "ballast"

    def fill():
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(512))

    return fill, ballast.unlink


def test_a_result_that_found_no_room_is_fetched_when_there_is_some(fal, net, small_disk, full_disk, home):
    fill, make_room = full_disk
    home.mkdir()
    (home / "assets").symlink_to(small_disk)  # the log has room
    with sk.open(home, runner="inline") as studio:
        studio.generate("a blue boat", model=FLUX, progress=False)
        fill()
        run = studio.submit("a red boat", model=FLUX).wait(60)
        make_room()

        assert run.status == "failed"
        assert "No space left on device" in run.error
        assert studio.retry(run).wait(60).status == "succeeded"
    assert len(fal.submits) == 2


def test_nothing_is_sent_while_the_log_cannot_be_written(fal, net, small_disk, full_disk, home):
    fill, make_room = full_disk
    home.mkdir()
    (home / "journal").symlink_to(small_disk)
    with sk.open(home, runner="inline") as studio:
        first = studio.generate("a blue boat", model=FLUX, progress=False)
        fill()
        until(lambda: studio.mark(first, note="n" * 1000) or studio._log.pending_events, what="a full journal")

        run = studio.submit("a red boat", model=FLUX)
        with suppress(TimeoutError):
            run.wait(20)
        make_room()

        assert run.wait(60).status == "failed"
        assert "nothing was sent" in run.error
    assert len(fal.submits) == 1
