"""`Studio.estimate`: what people ask, of a real home."""

import subprocess
import sys

import pytest

import studio_kernel as sk
from engines import GatedEngine, PaidEngine, install_gated
from studio_kernel.domain.estimate import Confidence, Setup, TimeBasis
from studio_kernel.errors import InvalidRequestError, ReadOnlyError
from waiting import until

COMPUTED = """
models:
  computed:
    engine: paid
    tasks: [text-to-image]
    price: {unit: compute_second, amount_usd: 2.0, as_of: "2026-01", source: a page}
    parameters: {prompt: , seed: , num_inference_steps: {default: 1}}
"""


@pytest.fixture
def studio(home):
    with sk.open(home) as studio:
        yield studio


@pytest.fixture
def gated(home, picture):
    """(studio, engine) whose engine waits for the test at each step."""
    install_gated(home)
    engine = GatedEngine(picture)
    with sk.open(home, engines=[engine]) as studio:
        yield studio, engine
        engine.let()


def test_an_estimate_is_neither_logged_nor_run(studio):
    studio.estimate("a red boat", model="procedural")
    assert studio.count() == 0


def test_nothing_is_known_of_the_time_before_the_first_run_and_it_is_learnt_from_it(studio):
    assert studio.estimate("a red boat", model="procedural").time is None
    run = studio.generate("a red boat", model="procedural", progress=False)
    found = studio.estimate("a blue boat", model="procedural").time
    assert found.seconds == pytest.approx(run.elapsed_s, rel=0.3)
    assert (found.basis, found.runs) == (TimeBasis.LEARNT, 1)


def test_a_run_that_ended_just_now_counts_at_once(studio):
    for n in range(1, 4):
        studio.generate("a red boat", model="procedural", progress=False)
        assert studio.estimate("a red boat", model="procedural").time.runs == n


def test_what_runs_here_costs_nothing(studio):
    found = studio.estimate("a red boat", model="procedural")
    assert (found.cost_usd, found.vram_bytes) == (0.0, None)


def test_a_complete_request_can_be_asked_about(studio):
    request = studio.request("a red boat", model="procedural", seed=3)
    assert studio.estimate(request).images == 1


def test_a_prompt_that_is_not_typed_yet_does_not_matter(studio):
    assert studio.estimate(model="procedural").images == 1


def test_a_value_that_is_not_allowed_is_refused_as_a_run_would_be(studio):
    with pytest.raises(InvalidRequestError, match="num_inference_steps: 0 is outside"):
        studio.estimate("a red boat", model="procedural", num_inference_steps=0)


def test_a_model_that_cannot_be_used_here_can_be_asked_about(studio):
    found = studio.estimate("a red boat", model="fal/flux_1_dev")
    assert (found.time.basis, found.time.confidence) == (TimeBasis.PRIOR, Confidence.LOW)


def test_what_waits_on_the_same_engine_keeps_a_new_run_waiting(gated):
    studio, engine = gated
    engine.let(4)
    studio.generate("one", model="gated", progress=False)
    seconds = studio.estimate("two", model="gated").time.seconds
    for prompt in ("two", "three"):
        studio.submit(prompt, model="gated")
    until(lambda: len(engine.requests) == 2, what="the second run at work")
    wait = studio.estimate("four", model="gated").time.wait_s
    assert 0 < wait <= 2 * seconds
    assert studio.estimate("a boat", model="procedural").time is None


def test_nothing_waits_on_an_engine_with_room(gated):
    studio, engine = gated
    engine.let()
    studio.generate("one", model="gated", progress=False)
    assert studio.estimate("two", model="gated").time.wait_s == 0


def test_a_viewer_asks_for_no_estimates(studio, home):
    with sk.open(home, mode="viewer") as viewer, pytest.raises(ReadOnlyError, match="cannot estimate"):
        viewer.estimate("a red boat", model="procedural")


def test_a_sensible_json_form(studio):
    studio.generate("a red boat", model="procedural", progress=False)
    data = studio.estimate("a red boat", model="procedural").to_json()
    assert data["time"]["basis"] == "learnt"
    assert data["cost_usd"] == 0.0


def test_the_log_keeps_what_was_expected_of_a_run(studio):
    for _ in range(2):
        studio.generate("a red boat", model="procedural", progress=False)
    expected = studio.estimate("a red boat", model="procedural").seconds
    run = studio.generate("a red boat", model="procedural", progress=False)
    assert run.record.estimate.seconds == pytest.approx(expected)
    assert run.record.estimate.cost_usd == 0
    row = studio.sql("SELECT estimated_s, elapsed_s FROM runs ORDER BY created_at DESC LIMIT 1").iloc[0]
    assert row["estimated_s"] == pytest.approx(expected)


def test_what_is_expected_is_learnt_beside_the_work_too(studio):
    studio.generate("a red boat", model="procedural", progress=False)
    until(lambda: studio.generate("a boat", model="procedural", progress=False).record.estimate.seconds)


def test_a_service_that_charges_by_time_is_expected_to_charge_for_the_time_it_took_before(home, picture):
    (home / "catalog").mkdir(parents=True)
    (home / "catalog" / "computed.yaml").write_text(COMPUTED)
    engine = PaidEngine(picture)
    engine.let()
    with sk.open(home, engines=[engine]) as studio:
        first = studio.generate("a boat", model="computed", progress=False).record
        assert first.estimate.cost_usd == 20.0  # ten seconds are assumed
        learnt = studio.estimate("a boat", model="computed")
        assert learnt.cost_usd == pytest.approx(2 * learnt.seconds)
        again = studio.generate("a boat", model="computed", progress=False).record
        assert again.estimate.cost_usd == pytest.approx(2 * again.estimate.seconds)
        assert again.estimate.cost_usd < 20.0


def test_a_plan_tells_what_its_cells_take_together(studio):
    studio.generate("a red boat", model="procedural", progress=False)
    plan = studio.sweep("a red boat", model="procedural", axes={"seed": "1-500"}, start=False).plan()
    one = studio.estimate("a red boat", model="procedural").time
    assert plan.seconds == pytest.approx(500 * one.seconds)
    assert (plan.cost_usd, plan.images) == (0.0, 500)
    assert plan.warnings == ("500 pictures are more than 400",)
    assert set(plan.frame()["seconds"].round(9)) == {round(one.seconds, 9)}


KERNEL = """
import sys, studio_kernel as sk
studio = sk.open({home!r})
studio.estimate("a red boat", model="studio-tiny")
print(sorted({{"torch", "diffusers"}} & set(sys.modules)))
"""


def test_a_kernel_that_estimates_loads_no_torch(home):
    done = subprocess.run(
        [sys.executable, "-c", KERNEL.format(home=str(home))], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_setup_is_what_is_asked_for(studio):
    found = studio.estimate("a red boat", model="procedural", setup=Setup(offload="model"))
    assert found.memory is None
