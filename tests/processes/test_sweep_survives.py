"""Sweeps whose program, worker or both die: no finished cell is computed again."""

import collections

import pytest

import studio_kernel as sk
from waiting import until
from worker_tools import end_workers, kill_worker, program

AXES = {"guidance_scale": [1, 2, 3, 4], "seed": list(range(100))}
BASE = {"model": "procedural", "num_inference_steps": 1, "width": 32, "height": 32}
SWEEP = f"""
import sys
import studio_kernel as sk
with sk.open(sys.argv[1]) as studio:
    studio.sweep("a boat", axes={AXES!r}, **{BASE!r}).wait(progress=False)
"""


@pytest.mark.parametrize("runner", ["worker", "inline"])
def test_a_sweep_of_400_cells_goes_on_after_everything_was_killed(working_home, runner):
    child = program(SWEEP, working_home, STUDIO_RUNNER=runner)
    with sk.open(working_home, runner=runner) as studio:
        until(lambda: studio.count(status="succeeded") >= 40, what="some cells", timeout=60)
        child.kill()
        child.communicate()
        if runner == "worker":
            kill_worker(working_home)
        before = set(studio.runs(status="succeeded", limit=None)["id"])
        assert len(before) < 400, "it was killed in the middle"
        sweep = studio.sweep("a boat", axes=AXES, **BASE).wait(120, progress=False)
        assert set(sweep.frame()["status"]) == {"succeeded"}
        table = studio.runs(status="succeeded", limit=None)
    assert before <= set(table["id"])
    assert max(collections.Counter(table["request_digest"]).values()) == 1, "no cell was computed twice"
    assert len(table) == 400


def test_a_sweep_started_again_while_it_is_under_way_takes_up_its_runs(working_home):
    child = program(SWEEP, working_home)
    with sk.open(working_home, runner="worker") as studio:
        until(lambda: studio.count(status="succeeded") >= 10, what="some cells", timeout=60)
        child.kill()
        child.communicate()
        sweep = studio.sweep("a boat", axes=AXES, start=False, **BASE)
        assert sweep.plan().under_way
        assert not sweep.plan().to_do
        sweep.start().wait(120, progress=False)
        assert studio.count() == 400
    end_workers(working_home)


def test_a_pass_whose_worker_died_is_made_again_with_the_very_same_pixels(working_home, tmp_path):
    asked = {"model": "studio-tiny", "width": 64, "height": 64, "num_inference_steps": 12, "axes": {"seed": range(12)}}
    with sk.open(working_home, runner="worker") as studio:
        sweep = studio.sweep("a red house", **asked)
        until(lambda: any(run.status == "running" and run.progress.step >= 3 for run in sweep.runs), timeout=120)
        kill_worker(working_home)
        sweep.wait(120, progress=False)
        assert set(sweep.frame()["status"]) == {"succeeded"}
        assert {run.record.provenance["batch_size"] for run in sweep.runs} == {6}
        assert any(studio.sql("SELECT attempt FROM runs")["attempt"] == 2), "it was killed in the middle of a pass"
        after = [run.image.tobytes() for run in sweep.runs]
    with sk.open(tmp_path / "undisturbed", runner="inline") as studio:
        undisturbed = studio.sweep("a red house", **asked).wait(120, progress=False)
        assert [run.image.tobytes() for run in undisturbed.runs] == after
