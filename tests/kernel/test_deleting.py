"""Runs that people delete: hidden everywhere, counted on, and brought back."""

from __future__ import annotations

import pytest

import studio_kernel as sk
from engines import GatedEngine, install_gated
from pictures import aged, png
from runlog_tools import live, public, rows, write_events
from studio_kernel.domain.events import Ticket
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import Origin, RunEstimate, RunStatus
from studio_kernel.domain.spending import Scope
from studio_kernel.errors import ReadOnlyError, RunNotFinishedError, UnknownRunError
from studio_kernel.gc import collect
from studio_kernel.runlog import RunFilter, RunLog, events, new_run_id
from studio_kernel.runlog.upkeep import LogUpkeep

QUICK = {"model": "procedural", "num_inference_steps": 1, "width": 32, "height": 32}


@pytest.fixture
def studio(home):
    with sk.open(home, runner="inline") as studio:
        yield studio


@pytest.fixture
def two(studio):
    """Two runs of one project, the second deleted."""
    kept = studio.generate("a boat", seed=1, project="p", **QUICK)
    gone = studio.generate("a boat", seed=2, project="p", **QUICK)
    studio.mark(gone, tags=["red"], favourite=True)
    studio.delete(gone)
    return kept, gone


def shown(studio, **filters):
    return [record.id for record in studio.records(RunFilter(**filters))]


def test_no_list_and_no_count_has_a_deleted_run(studio, two):
    kept, _ = two
    assert shown(studio) == list(studio.runs()["id"]) == [kept.id]
    assert studio.count() == 1
    facets = studio.facets()
    assert (facets.total, facets.favourites, facets.tag, facets.kind) == (1, 0, {}, {"image": 1})
    assert len(studio.sql("FROM runs")) == 1
    assert studio.project_cards()[0].runs == 1
    assert list(studio.runs(where="seed = 2 OR true")["id"]) == [kept.id]


def test_deleted_runs_are_listed_on_demand(studio, two):
    kept, gone = two
    assert shown(studio, deleted=True) == list(studio.runs(deleted=True)["id"]) == [gone.id]
    assert shown(studio, deleted=None) == [gone.id, kept.id]
    assert studio.facets(RunFilter(deleted=True)).tag == {"red": 1}


def test_a_deleted_run_is_still_known_by_its_id_and_says_so(studio, two):
    kept, gone = two
    assert studio.record(gone.id).is_deleted
    assert studio.run(gone.id[-12:]).image.size == (32, 32)
    assert not studio.record(kept.id).is_deleted


def test_a_restored_run_is_as_it_was(studio, two):
    kept, gone = two
    studio.restore(gone, kept)
    assert shown(studio) == [gone.id, kept.id]
    assert studio.record(gone.id).tags == ("red",)
    studio.delete(gone)
    assert shown(studio) == [kept.id]


def test_a_run_that_has_not_ended_is_not_deleted_and_neither_are_those_with_it(home, picture):
    install_gated(home)
    engine = GatedEngine(picture)
    with sk.open(home, runner="inline", engines=[engine]) as studio:
        done = studio.generate("a boat", **QUICK)
        run = studio.submit("a boat", model="gated")
        with pytest.raises(RunNotFinishedError, match="cancel it first"):
            studio.delete(done, run)
        assert studio.count() == 2
        run.cancel()
        run.wait(timeout=60)
        studio.delete(done, run)
        assert studio.count() == 0


def test_an_unknown_run_deletes_none(studio, two):
    kept, _ = two
    with pytest.raises(UnknownRunError):
        studio.delete(kept, new_run_id())
    assert shown(studio) == [kept.id]


def test_a_viewer_deletes_and_restores_nothing(studio, two, home):
    kept, gone = two
    with sk.open(home, mode="viewer") as viewer:
        with pytest.raises(ReadOnlyError):
            viewer.delete(kept)
        with pytest.raises(ReadOnlyError):
            viewer.restore(gone)


def test_what_a_deleted_run_cost_counts_on(studio):
    run_id = new_run_id()
    with RunLog(studio.home.runlog) as log:
        log.queued(run_id, GenerationRequest("m"), engine="fal", origin=Origin("p"), estimate=RunEstimate(cost_usd=0.5))
        log.ticket(run_id, Ticket("job"))
        log.finished(run_id, RunStatus.SUCCEEDED, cost_usd=0.25)
    before = studio.costs(by="project").to_dict("records")
    studio.delete(run_id)
    assert studio.costs(by="project").to_dict("records") == before
    assert before[0]["total_usd"] == 0.25
    with RunLog(studio.home.runlog) as log:
        assert log.spending().spending.spent(Scope(project="p")) == 0.25


def test_a_job_at_a_service_is_known_when_its_run_is_deleted(studio):
    run_id = new_run_id()
    with RunLog(studio.home.runlog) as log:
        log.queued(run_id, GenerationRequest("m"), engine="fal")
        log.ticket(run_id, Ticket("job"))
        log.finished(run_id, RunStatus.FAILED, outcome={"may_be_billed": True})
        log.delete([run_id])
        assert log.has_ticket("job")
        assert log.unclear_with([GenerationRequest("m").digest]) == {GenerationRequest("m").digest: run_id}


def test_a_sweep_makes_a_cell_again_whose_run_was_deleted(studio):
    sweep = studio.sweep("a boat", axes={"seed": [1, 2]}, **QUICK).wait()
    first, second = (run.id for run in sweep.runs)
    studio.delete(first)
    again = studio.sweep_of(sweep.id).resume().wait()
    assert again.runs[1].id == second
    assert again.runs[0].id != first
    other = studio.sweep("a boat", axes={"seed": [2, 3]}, **QUICK).wait()
    assert other.runs[0].id == second


def test_an_open_sweep_makes_a_deleted_cell_again_too(studio):
    sweep = studio.sweep("a boat", axes={"seed": [1, 2]}, **QUICK).wait()
    first = sweep.runs[0].id
    studio.delete(first)
    assert sweep.resume().wait().runs[0].id != first


def stored(studio):
    return set(studio.assets.digests())


def test_files_of_a_deleted_run_stay_unless_it_is_said_that_they_may_go(studio, two):
    aged(studio.home.assets)
    before = stored(studio)
    assert collect(studio).count == 0
    assert stored(studio) == before


def test_files_that_may_go_are_removed_with_the_next_collection(studio):
    run = studio.generate("a boat", image=png(1), **QUICK)
    mine = {run.first_asset.sha256, run.request.references[0].sha256}
    studio.delete(run, files=True)
    aged(studio.home.assets)
    assert stored(studio) == mine
    collected = collect(studio)
    assert not collected.refusal
    assert stored(studio) == set()
    assert LogUpkeep(studio.home.runlog).digests() == set()


def test_files_that_another_run_or_a_sweep_uses_stay(studio):
    first = studio.generate("a boat", **QUICK)
    child = studio.generate("a boat", image=first, **QUICK)
    sweep = studio.sweep("a boat", axes={"image": [png(3)]}, **QUICK).wait()
    studio.delete(first, *sweep.runs, files=True)
    aged(studio.home.assets)
    collect(studio)
    assert stored(studio) == {
        first.first_asset.sha256,
        child.first_asset.sha256,
        sweep.definition.references[0].sha256,
    }


def test_a_run_restored_in_time_keeps_its_files(studio):
    run = studio.generate("a boat", **QUICK)
    studio.delete(run, files=True)
    studio.restore(run)
    aged(studio.home.assets)
    assert collect(studio).count == 0


def test_a_deleted_run_does_not_come_back_when_the_files_are_built_anew(studio, two, home):
    kept, gone = two
    studio.close()
    for path in (live(home), public(home)):
        path.unlink()
    with sk.open(home, runner="inline") as again:
        assert shown(again) == [kept.id]
        assert shown(again, deleted=True) == [gone.id]
        LogUpkeep(again.home.runlog).mend()
    for path in (live(home), public(home)):
        assert rows(path, "SELECT id::VARCHAR FROM runs") == [(kept.id,)]
        path.write_bytes(b"damaged")
    with sk.open(home, runner="inline") as again:
        LogUpkeep(again.home.runlog).mend()
        assert shown(again) == [kept.id]


def test_a_deletion_read_before_its_run_counts(tmp_path):
    run_id = new_run_id()
    write_events(tmp_path, [(1_790_000_000_000_009, events.delete(run_id, True, True))])
    with RunLog(tmp_path) as log:
        assert log.runs(RunFilter(deleted=None)) == []
    write_events(
        tmp_path, [(1_790_000_000_000_000, events.queued(run_id, GenerationRequest("m"), "e", Origin()))], "2-test"
    )
    with RunLog(tmp_path) as log:
        assert log.count() == 0
        assert log.run(run_id).is_deleted


def test_only_lines_that_an_older_studio_would_misread_are_of_the_newest_format():
    lines = [
        events.encode(event, 1)
        for event in (
            events.delete(new_run_id(), True, False),
            events.retire("worker"),
            events.queued(new_run_id(), GenerationRequest("m"), "e", Origin()),
        )
    ]
    assert [events.version_of(line) for line in lines] == [3, 2, 2]
