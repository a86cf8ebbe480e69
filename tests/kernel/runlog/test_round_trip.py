"""What is logged comes back equal."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from immutabledict import immutabledict

import strategies
from runlog_tools import log_run, request, write_events
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.events import Ticket
from studio_kernel.domain.marks import Project
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import RunStatus
from studio_kernel.domain.sweep import AxisGroup, Sweep
from studio_kernel.domain.values import freeze
from studio_kernel.runlog import RunFilter, RunLog, new_run_id

BOUNDED = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def log():
    with tempfile.TemporaryDirectory() as home, RunLog(Path(home)) as opened:
        yield opened


@BOUNDED
@given(
    asked=strategies.requests(),
    origin=strategies.origins,
    cell=strategies.mappings(),
    provenance=strategies.mappings(),
    outcome=strategies.mappings(),
    assets=strategies.outputs(),
    seed=strategies.seeds,
    elapsed_s=st.none() | st.floats(0, 1e9),
    cost_usd=st.none() | st.floats(0, 1e6),
    error=st.none() | strategies.texts,
    status=st.sampled_from([status for status in RunStatus if status.is_final]),
    estimate=strategies.estimates,
)
def test_a_run_comes_back_as_it_was_logged(
    log, asked, origin, cell, provenance, outcome, assets, seed, elapsed_s, cost_usd, error, status, estimate
):
    run_id = new_run_id()
    origin = replace(origin, cell=freeze(cell))
    log.queued(run_id, asked, engine="procedural", origin=origin, estimate=estimate)
    log.started(run_id, provenance=provenance)
    log.finished(
        run_id, status, assets=assets, seed=seed, elapsed_s=elapsed_s, cost_usd=cost_usd, error=error, outcome=outcome
    )
    found = log.run(run_id)
    assert found.request == asked
    assert found.request.digest == asked.digest
    assert (found.id, found.engine, found.status, found.origin) == (run_id, "procedural", status, origin)
    assert found.estimate == estimate
    assert found.provenance == freeze({**provenance, **outcome})
    assert found.assets == assets
    assert (found.seed, found.elapsed_s, found.cost_usd, found.error) == (seed, elapsed_s, cost_usd, error)
    assert found.created_at < found.started_at < found.finished_at
    assert found.created_at.utcoffset() == timedelta(0)
    if status is RunStatus.SUCCEEDED:
        assert log.succeeded_with([asked.digest]) == {asked.digest: run_id}


@BOUNDED
@given(marks=st.lists(strategies.marks, max_size=6))
def test_marks_are_kept_per_field(log, marks):
    run_id = log_run(log)
    expected = {"rating": None, "favourite": False, "tags": (), "note": None}
    for mark in marks:
        log.mark(run_id, mark)
        given_fields = {name: getattr(mark, name) for name in expected if getattr(mark, name) is not None}
        expected |= given_fields
    found = log.run(run_id)
    assert found.rating == (expected["rating"] or None)
    assert found.favourite == expected["favourite"]
    assert found.tags == expected["tags"]
    assert found.note == (expected["note"] or None)


def test_the_status_follows_the_events(tmp_path):
    with RunLog(tmp_path) as log:
        run_id = new_run_id()
        log.queued(run_id, request(), engine="procedural")
        assert log.run(run_id).status is RunStatus.QUEUED
        log.started(run_id, provenance={"device": "cpu"})
        assert log.run(run_id).status is RunStatus.RUNNING
        log.finished(run_id, RunStatus.CANCELLED)
        log.finished(run_id, RunStatus.SUCCEEDED)
        assert log.run(run_id).status is RunStatus.CANCELLED


def test_only_an_end_can_finish_a_run(tmp_path):
    with RunLog(tmp_path) as log, pytest.raises(ValueError, match="not the end of a run"):
        log.finished(new_run_id(), RunStatus.RUNNING)


def test_a_ticket_is_found_again(tmp_path):
    given_ticket = Ticket("job-1", immutabledict({"status": "https://example.org/job-1"}))
    with RunLog(tmp_path) as log:
        run_id = new_run_id()
        log.queued(run_id, request(), engine="fal")
        assert log.ticket_of(run_id) is None
        log.ticket(run_id, given_ticket)
        assert log.ticket_of(run_id) == given_ticket


def test_sweeps_and_projects_are_found_again(tmp_path):
    sweep = Sweep(request(), (AxisGroup.of("seed", (1, 2)), AxisGroup.of("guidance_scale", (1.0, 5.0))))
    with RunLog(tmp_path) as log:
        log.project(Project("harbour", "Harbour"))
        log.project(Project("harbour", "The harbour", "boats", archived=True))
        log.sweep("s1", sweep, "harbour")
    with RunLog(tmp_path) as again:
        found = again.sweep_of("s1")
        assert (found.sweep, found.project) == (sweep, "harbour")
        assert [record.id for record in again.sweeps()] == ["s1"]
        assert again.sweep_of("s2") is None
        [project] = again.projects()
        assert (project.title, project.description, project.archived) == ("The harbour", "boats", True)
        assert project.created_at.utcoffset() == timedelta(0)


def test_another_process_of_the_home_sees_the_same(tmp_path):
    with RunLog(tmp_path) as writer, RunLog(tmp_path) as reader:
        run_id = log_run(writer)
        assert reader.run(run_id) == writer.run(run_id)


def test_finished_requests_are_found_by_digest(tmp_path):
    with RunLog(tmp_path) as log:
        log_run(log, "a", status="failed")
        log_run(log, "b")
        newest = log_run(log, "b")
        digests = [request("a").digest, request("b").digest, request("c").digest]
        assert log.succeeded_with(digests) == {request("b").digest: newest}
        assert log.succeeded_with([]) == {}


def test_odd_values_never_raise_and_lose_only_themselves(tmp_path):
    class Odd:
        def __str__(self):
            return "odd"

    loop: dict[str, object] = {}
    loop["self"] = loop
    with RunLog(tmp_path) as log:
        run_id = new_run_id()
        log.queued(run_id, request("a \ud800 boat"), engine="procedural")
        log.started(
            run_id, provenance={"odd": Odd(), "nan": float("nan"), "loop": loop, "set": {1}, "deep": {"x": Odd()}}
        )
        log.finished(run_id, RunStatus.SUCCEEDED, elapsed_s=float("nan"), cost_usd=float("inf"), seed=2**70)
        found = log.run(run_id)
        assert found.request.prompt == "a ? boat"
        assert found.status is RunStatus.SUCCEEDED
        assert found.provenance["odd"] == "odd"
        assert found.provenance["deep"] == immutabledict({"x": "odd"})
        assert found.provenance["nan"] is None
        assert (found.elapsed_s, found.cost_usd, found.seed) == (None, None, None)
        assert log.health().is_well


def test_assets_of_several_runs_are_told_apart(tmp_path):
    with RunLog(tmp_path) as log:
        ids = [new_run_id(), new_run_id()]
        files = {run_id: (Asset(f"{i:064x}", "image/png", 3),) for i, run_id in enumerate(ids)}
        for run_id in ids:
            log.queued(run_id, request(), engine="procedural")
            log.finished(run_id, RunStatus.SUCCEEDED, assets=files[run_id])
        assert log.assets_of(ids) == files
        assert log.assets_of([]) == {}


def test_an_empty_home_answers_and_stays_empty(tmp_path):
    with RunLog(tmp_path) as log:
        assert log.runs() == []
        assert log.run(new_run_id()) is None
        assert log.run("no id") is None
        assert log.count() == 0
        assert log.facets().total == 0
        assert log.frame().columns[0] == "id"
        assert log.sql("SELECT count(*) AS n FROM runs").n[0] == 0
        assert log.projects() == []
    assert list(tmp_path.iterdir()) == []


def test_a_request_of_an_unknown_task_is_left_out_of_lists(tmp_path, caplog):
    run_id = new_run_id()
    event = {"event": "queued", "id": run_id, "engine": "e", "model": "m", "task": "text-to-smell", "parameters": {}}
    write_events(tmp_path, [(1_700_000_000_000_000, event)])
    with RunLog(tmp_path) as log:
        known = log_run(log)
        assert [run.id for run in log.runs()] == [known]
        assert log.run(run_id) is None
        assert log.count() == 2
    assert "text-to-smell" in caplog.text


def test_requests_are_rebuilt_exactly_from_the_table(tmp_path):
    asked = GenerationRequest("m", parameters={"seed": 2**64 - 1, "x": 0.1 + 0.2, "big": 10**40, "z": -0.0})
    with RunLog(tmp_path) as log:
        run_id = new_run_id()
        log.queued(run_id, asked, engine="e")
        frame = log.frame(RunFilter(model="m"))
        assert int(frame.seed[0]) == 2**64 - 1
        assert log.run(run_id).request == asked
