"""Workers killed at random moments while programs go on asking: nothing is lost, nothing is there twice."""

import hashlib
import os
import random
import signal
import threading
import time
from contextlib import suppress

import pytest

import studio_kernel as sk
from soaking import length, soak
from studio_kernel.errors import WorkerError
from waiting import until
from worker_tools import QUICK, worker_of

KILLS = length(6, 100)


@soak
@pytest.mark.slow
def test_no_run_is_lost_or_doubled_when_workers_are_killed(working_home):
    chance, asked, over = random.Random(7), [], threading.Event()
    with sk.open(working_home, runner="worker") as studio:

        def ask():
            while not over.is_set():
                with suppress(WorkerError):  # all that were to come up were killed: the run is refused, not lost
                    asked.append(studio.submit("a boat", seed=len(asked), **QUICK))
                time.sleep(0.03)

        asking = threading.Thread(target=ask)
        asking.start()
        for _ in range(KILLS):
            told = until(lambda: worker_of(working_home), every=0.005, what="a worker")
            time.sleep(chance.uniform(0.0, 0.8))
            with suppress(ProcessLookupError):
                os.kill(told.pid, signal.SIGKILL)
        over.set()
        asking.join()
        assert {run.wait(120).status for run in asked} == {"succeeded"}
        for run in asked:
            data = studio.assets.path(run.first_asset).read_bytes()
            assert hashlib.sha256(data).hexdigest() == run.first_asset.sha256
        counted = studio.sql(
            "SELECT count(*) AS n, count(DISTINCT id) AS ids, count(*) FILTER (status = 'succeeded') AS done FROM runs"
        )
        assert counted.iloc[0].tolist() == [len(asked)] * 3
        files = studio.sql("SELECT count(*) AS n FROM assets GROUP BY run_id, index HAVING n > 1")
        assert files.empty, "a run that was done twice tells of one result"
        assert not studio.health().quarantined
        attempts = studio.sql("SELECT max(attempt) AS n FROM runs").n[0]
        print(f"{KILLS} kills, {len(asked)} runs, {attempts} attempts at most")
