"""What estimates promise, held against a log, a catalog and a model that cannot be traced."""

import json
import math
import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import studio_kernel as sk
from engines import PaidEngine
from studio_kernel.domain.estimate import Confidence
from studio_kernel.domain.runs import RunStatus
from studio_kernel.runlog import RunLog, new_run_id
from studio_kernel.settings import data_dir

PRICED = ("fal/flux_1_dev", "fal/nano_banana_2", "fal/veo3_1", "fal/flux_2_pro")


def test_the_interval_holds_on_a_history_that_was_logged(home):
    """Each run of a log is held against the estimate that was made right before it."""
    rng, inside, length = random.Random(3), 0, 60
    with sk.open(home) as studio, RunLog(home) as log:
        request = studio.request("a red boat", model="procedural", num_inference_steps=4)
        for n in range(length):
            known = studio.estimate(request).time
            seconds = math.exp(rng.gauss(0, 0.25))
            inside += known is not None and known.low_s <= seconds <= known.high_s
            logged(log, request.replace(seed=n), seconds)
    assert 0.70 <= inside / (length - 1) <= 0.90


def logged(log, request, seconds):
    run_id = new_run_id()
    log.queued(run_id, request, engine="procedural")
    log.started(run_id, provenance={"device": "none"})
    outcome = {"denoising_s": seconds * 0.9}
    log.finished(run_id, RunStatus.SUCCEEDED, seed=request.seed, elapsed_s=seconds, outcome=outcome)


@pytest.fixture(scope="module")
def charging(tmp_path_factory):
    """A studio whose fal models can be planned; nothing is ever sent."""
    engine = PaidEngine(b"")
    engine.name = "fal"
    with sk.open(tmp_path_factory.mktemp("home"), runner="inline", engines=[engine]) as studio:
        yield studio


@settings(max_examples=25)
@given(model=st.sampled_from(PRICED), seeds=st.integers(1, 6), data=st.data())
def test_the_price_of_a_plan_is_the_sum_of_the_prices_of_its_cells(charging, model, seeds, data):
    card = charging.models[model]
    choices = [p for p in card.parameters if p.choices and p.name in ("resolution", "image_size", "generate_audio")]
    axes = {p.name: data.draw(st.lists(st.sampled_from(p.choices), min_size=1, unique=True)) for p in choices}
    sweep = charging.sweep("a boat", model=model, axes={"seed": list(range(seeds)), **axes}, start=False)
    plan = sweep.plan()
    exact = sum(Fraction(planned.cost_usd) for planned in plan.cells)
    assert plan.cost_usd == float(exact)
    assert plan.frame()["cost_usd"].notna().all()


@pytest.fixture
def untraceable(home):
    """A home with a model of two networks that do not fit each other: nobody can run it, and nobody can trace it."""
    model, ships = home / "broken", data_dir() / "models" / "studio-tiny"
    for path in ships.rglob("*"):
        if path.is_file():
            target = model / path.relative_to(ships)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(path)
    config = model / "unet" / "config.json"
    changed = {**json.loads(config.read_text()), "cross_attention_dim": 48}
    config.unlink()
    config.write_text(json.dumps(changed))
    (home / "catalog").mkdir(parents=True)
    (home / "catalog" / "own.yaml").write_text("models: {broken: {family: sd15, path: ../broken}}")
    return home


def test_a_model_that_cannot_be_traced_is_estimated_by_a_formula_that_is_named(untraceable):
    with sk.open(untraceable) as studio:
        found = studio.estimate("a boat", model="broken", width=512, height=512)
        larger = studio.estimate("a boat", model="broken", width=1024, height=1024)
    assert (found.basis, found.confidence) == ("formula", Confidence.LOW)
    assert larger.vram_bytes == pytest.approx(found.vram_bytes * 1.9)  # 1 + (4 − 1) × 0.3
    assert any("could not be traced" in warning for warning in found.warnings)
