"""How alike requests are."""

from datetime import UTC, datetime

from hypothesis import given

import strategies
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import RunRecord, RunStatus
from studio_kernel.domain.similarity import distance, nearest

RANGES = {"num_inference_steps": (0.0, 100.0)}
BASE = {"prompt": "a red boat", "num_inference_steps": 20, "scheduler": "euler"}


def request(model="m", **changes):
    return GenerationRequest(model, parameters={**BASE, **changes})


def between(**changes):
    return distance(request(), request(**changes), RANGES)


@given(strategies.requests(), strategies.requests())
def test_it_is_a_share_the_same_both_ways_and_none_between_equals(one, other):
    there, differs = distance(one, other, {})
    assert 0 <= there <= 1
    assert distance(other, one, {}) == (there, differs)
    assert distance(one, one, {}) == (0, ())


def test_a_seed_does_not_count():
    assert between(seed=3) == (0, ())


def test_numbers_count_by_their_share_of_the_range():
    near, far = between(num_inference_steps=22), between(num_inference_steps=70)
    assert 0 < near[0] < far[0]
    assert near[1] == ("num_inference_steps",)


def test_prompts_count_by_their_words():
    assert between(prompt="boat, a RED one")[0] < between(prompt="a red house")[0] < between(prompt="two cats")[0]


def test_what_differs_most_is_named_first():
    assert between(scheduler="ddim", num_inference_steps=21)[1] == ("scheduler", "num_inference_steps")
    assert distance(request(), request("n"), RANGES)[1] == ("model",)


def test_the_nearest_come_first_and_no_more_than_asked_for():
    def record(n, **changes):
        return RunRecord(str(n), request(**changes), "e", RunStatus.SUCCEEDED, datetime.now(UTC))

    records = [record(1, prompt="two cats"), record(2, seed=4), record(3, scheduler="ddim"), record(4, seed=5)]
    found = nearest(request(), records, RANGES, 3)
    assert [similar.record.id for similar in found] == ["2", "4", "3"]
    assert found[0].distance == 0
