"""Several threads of one process ask one log at once, as panels do, while another writes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from runlog_tools import log_run, request
from studio_kernel.domain.marks import Mark
from studio_kernel.runlog import Cursor, RunFilter, RunLog, new_run_id

ROUNDS = 3


def test_every_question_may_be_asked_from_several_threads_at_once(tmp_path):
    with RunLog(tmp_path) as log:
        first = log_run(log, project="p")
        stop = threading.Event()

        def write():
            while not stop.wait(0.005):
                log.mark(log_run(log), Mark(favourite=True))

        def ask(place):
            seen = 0
            for _ in range(ROUNDS):
                token = log.changed_since(None)
                page = log.runs(limit=20)
                assert log.run(first).id == first
                assert log.runs_of([first]).keys() == {first}
                facets = log.facets()
                assert facets.total == sum(facets.status.values()) >= seen
                seen = facets.total
                assert len(log.runs(RunFilter(text="boat"), limit=5, before=Cursor.after(page[0]))) <= 5
                assert log.count(RunFilter(ids=[first])) == 1
                if place == 0:
                    assert log.sql("SELECT count(*) AS n FROM runs").n[0] >= seen
                assert log.changed_since(token)
            return seen

        writer = threading.Thread(target=write)
        writer.start()
        try:
            with ThreadPoolExecutor(6) as pool:
                assert min(pool.map(ask, range(6))) >= 1
        finally:
            stop.set()
            writer.join()
        assert log.health().is_well


def test_a_log_that_is_empty_may_be_asked_from_several_threads_at_once(tmp_path):
    with RunLog(tmp_path) as log, ThreadPoolExecutor(6) as pool:
        assert [facets.total for facets in pool.map(lambda _: log.facets(), range(12))] == [0] * 12
        log.queued(new_run_id(), request(), engine="procedural")
        assert set(pool.map(lambda _: log.count(), range(12))) == {1}
