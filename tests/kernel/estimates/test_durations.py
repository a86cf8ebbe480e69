"""Durations learnt from earlier runs: what counts, how it is scaled, and whether the interval keeps its promise."""

import math
import random

import pytest

from studio_kernel.catalog.loader import load
from studio_kernel.domain.estimate import Confidence, TimeBasis
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.tasks import Task
from studio_kernel.estimates import durations
from studio_kernel.runlog import PastRun

CARD = load().models["studio-tiny"]


def request(**values):
    return GenerationRequest(CARD.id, Task.TEXT_TO_IMAGE, CARD.check(Task.TEXT_TO_IMAGE, {"prompt": "x"} | values))


def past(elapsed_s=1.0, *, denoising=0.8, loading_s=0.0, device="cpu", batch_size=1, task="text-to-image", **values):
    """A run of so many seconds, of which a share went into denoising."""
    work = elapsed_s - loading_s
    asked = request(**values).parameters
    return PastRun(task, asked, batch_size, device, elapsed_s, loading_s, work * denoising, work * (0.9 - denoising))


def learnt(history, **values):
    return durations.learnt(CARD, request(**values), history)


def test_nothing_is_known_of_a_model_that_never_ran():
    assert learnt([]) is None


def test_the_median_of_the_same_kind_is_the_estimate():
    found = learnt([past(seconds) for seconds in (1.0, 9.0, 1.1)])
    assert found.seconds == pytest.approx(1.1)
    assert (found.basis, found.confidence, found.runs) == (TimeBasis.LEARNT, Confidence.MEDIUM, 3)


def test_ten_runs_of_a_kind_are_known_well():
    assert learnt([past(1.0 + n / 100) for n in range(10)]).confidence is Confidence.HIGH


def test_twice_the_steps_take_twice_the_denoising_and_nothing_else():
    history = [past(1.0, denoising=0.8, num_inference_steps=10)] * 3
    assert learnt(history, num_inference_steps=20).seconds == pytest.approx(0.8 * 2 + 0.2)


def test_what_a_picture_shows_does_not_change_how_long_it_takes():
    history = [past(prompt="a long story about a fox", seed=7, guidance_scale=9.0)]
    assert learnt(history, prompt="y", seed=1, guidance_scale=3.0).basis is TimeBasis.LEARNT


def test_switching_guidance_off_is_another_kind():
    assert learnt([past(guidance_scale=5.0)], guidance_scale=1.0).basis is TimeBasis.SCALED


def test_another_size_is_scaled_by_pixels_and_trusted_less():
    found = learnt([past(1.0, width=128, height=128)] * 12, width=256, height=256)
    assert found.seconds == pytest.approx(4.0)
    assert (found.basis, found.confidence) == (TimeBasis.SCALED, Confidence.LOW)


def test_the_same_size_goes_before_others():
    assert learnt([past(5.0, width=256), past(1.0)]).seconds == pytest.approx(1.0)


def test_loading_the_model_is_told_apart():
    found = learnt([past(1.0), past(1.1), past(9.0, loading_s=5.0)])
    assert found.seconds == pytest.approx(math.sqrt(1.0 * 1.1))
    assert found.loading_s == pytest.approx(9.0 - 4.0 * 0.9)


def test_a_first_run_that_loaded_the_model_tells_how_long_the_next_takes():
    assert learnt([past(10.0, loading_s=5.0)]).seconds == pytest.approx(5.0 * 0.9)


def test_only_the_device_used_last_counts():
    assert learnt([past(1.0, device="new"), past(50.0, device="old")]).seconds == pytest.approx(1.0)


def test_a_pass_of_several_is_no_pass_of_one():
    assert learnt([past(0.2, batch_size=8)]) is None
    assert durations.learnt(CARD, request(), [past(0.2, batch_size=8), past(1.0)], 8).seconds == pytest.approx(0.2)


def test_a_total_adds_medians_and_both_ends():
    one = learnt([past(1.0)] * 3)
    both = durations.total([one, one])
    assert (both.seconds, both.low_s, both.high_s) == pytest.approx((2 * one.seconds, 2 * one.low_s, 2 * one.high_s))
    assert durations.total([]) is None


def test_a_total_is_trusted_as_its_least_part():
    known, guessed = learnt([past(1.0)] * 12), durations.first_guess(3.0)
    both = durations.total([known, guessed])
    assert (both.confidence, both.basis) == (Confidence.LOW, TimeBasis.PRIOR)


def steady(rng, n):
    return [math.exp(rng.gauss(0, 0.1)) for _ in range(n)]


def noisy(rng, n):
    return [math.exp(rng.gauss(0, 0.5)) for _ in range(n)]


def drifting(rng, n):
    return [math.exp(0.5 * i / n + rng.gauss(0, 0.1)) for i in range(n)]


def changed(rng, n):
    return [math.exp((0.4 if i > n / 2 else 0) + rng.gauss(0, 0.1)) for i in range(n)]


def with_outliers(rng, n):
    return [math.exp(rng.gauss(0, 0.1)) * (4 if rng.random() < 0.07 else 1) for _ in range(n)]


def skewed(rng, n):
    return [rng.gammavariate(4, 0.25) for _ in range(n)]


@pytest.mark.parametrize("kind", [steady, noisy, drifting, changed, with_outliers, skewed])
@pytest.mark.parametrize("length", [30, 80])
def test_the_interval_holds_70_to_90_percent_of_what_comes_next(kind, length):
    """Each run of a history is held against the estimate of the ones before it."""
    rng, inside, asked = random.Random(5), 0, 0
    for _ in range(40):
        runs = [past(seconds) for seconds in kind(rng, length)]
        for n in range(2, length, 3):
            found = learnt(runs[n - 1 :: -1])
            inside += found.low_s <= runs[n].elapsed_s <= found.high_s
            asked += 1
    assert 0.70 <= inside / asked <= 0.90
