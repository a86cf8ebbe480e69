"""Runs by a number of theirs, and how many of them were measured."""

from __future__ import annotations

import hashlib
import io

import pytest
from PIL import Image

import studio_kernel as sk
from studio_kernel.assets import AssetStore
from studio_kernel.domain.measurements import Measurement
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import RunStatus
from studio_kernel.errors import InvalidRequestError
from studio_kernel.runlog import Order, RunFilter, RunLog, new_run_id

SHARP = Order("sharpness")


@pytest.fixture
def log(tmp_path):
    with RunLog(tmp_path) as log:
        yield log


@pytest.fixture
def made(log, tmp_path):
    """made(number of pictures, prompt): a run that succeeded; its id and the digests of its files."""
    store = AssetStore(tmp_path / "assets")
    count = iter(range(1000))

    def make(pictures=1, prompt="a boat", **ended):
        run_id = new_run_id()
        assets = [store.put(png(next(count))) for _ in range(pictures)]
        log.queued(run_id, GenerationRequest("own", parameters={"prompt": prompt}), engine="painter")
        log.finished(run_id, RunStatus.SUCCEEDED, assets=assets, **ended)
        return run_id, [asset.sha256 for asset in assets]

    return make


def png(number):
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), (number % 256, number // 256, 7)).save(buffer, "PNG")
    return buffer.getvalue()


def measure(log, sha256, value, metric="sharpness", reference=""):
    log.append_measurements([Measurement(metric, sha256, value, reference)])


def ids(records):
    return [record.id for record in records]


def test_runs_are_sorted_by_what_was_measured_and_those_without_come_last_either_way(log, made):
    (low, [a]), (high, [b]), (none, _files) = made(), made(), made()
    measure(log, a, 1.0)
    measure(log, b, 9.0)
    assert ids(log.runs_by(SHARP)) == [high, low, none]
    assert ids(log.runs_by(Order("sharpness", highest_first=False))) == [low, high, none]


def test_several_pictures_count_with_their_mean(log, made):
    (several, [a, b]), (one, [c]) = made(2), made()
    for sha256, value in ((a, 0.0), (b, 10.0), (c, 6.0)):
        measure(log, sha256, value)
    assert ids(log.runs_by(SHARP)) == [one, several]


def test_numbers_of_other_metrics_and_against_references_do_not_count(log, made):
    (older, [a]), (newer, [b]) = made(), made()
    measure(log, a, 9.0, metric="contrast")
    measure(log, a, 9.0, reference=b)
    assert ids(log.runs_by(SHARP)) == [newer, older]
    assert log.coverage(SHARP) == (0, 2)


def test_a_number_of_picture_and_prompt_counts_for_runs_of_that_prompt(log, made):
    (boat, [a]), (house, [b]) = made(prompt="a boat"), made(prompt="a house")
    measure(log, a, 0.3, metric="clip_score:1", reference=hashlib.sha256(b"a boat").hexdigest())
    measure(log, b, 0.9, metric="clip_score:1", reference=hashlib.sha256(b"a boat").hexdigest())
    order = Order("clip_score:1", of_prompt=True)
    assert ids(log.runs_by(order)) == [boat, house]
    assert log.coverage(order) == (1, 2)


@pytest.mark.parametrize("highest_first", [True, False])
def test_places_are_those_of_the_list_and_pages_join(log, made, highest_first):
    runs = [made() for _ in range(9)]
    for number, (_run, [sha256]) in enumerate(runs[:6]):
        measure(log, sha256, float(number // 2))  # equal ones, the newest first
    order = Order("sharpness", highest_first)
    listed = ids(log.runs_by(order, limit=None))
    assert [log.place_by(order, run) for run in listed] == list(range(9))
    assert [*ids(log.runs_by(order, limit=4)), *ids(log.runs_by(order, limit=9, offset=4))] == listed


def test_what_the_log_knows_sorts_too_within_a_filter(log, made):
    (slow, _), (quick, _), (_other, _) = made(elapsed_s=9.0), made(elapsed_s=1.0), made(prompt="a house")
    order = Order("elapsed_s", highest_first=False)
    assert ids(log.runs_by(order, RunFilter(text="boat"))) == [quick, slow]


def test_what_cannot_be_measured_is_measured_and_what_nobody_tried_is_listed(log, made):
    (_hopeless, [a]), (missing, _files) = made(), made()
    made(pictures=0)
    measure(log, a, None)
    assert log.coverage(SHARP) == (1, 2)
    assert ids(log.unmeasured(SHARP)) == [missing]


def test_a_studio_sorts_by_names_of_metrics_and_refuses_others_in_words(tmp_path):
    with sk.open(tmp_path, runner="inline") as studio:
        runs = [studio.generate("a boat", model="procedural", seed=seed, progress=False, width=32, height=32)
                for seed in range(3)]  # fmt: skip
        table = studio.measure(runs, "sharpness")
        expected = list(table.sort_values("sharpness", ascending=False)["id"])
        assert ids(studio.records(order=studio.order_by("sharpness"))) == expected
        with pytest.raises(InvalidRequestError, match="beauty"):
            studio.order_by("beauty")
        with pytest.raises(InvalidRequestError, match="two pictures"):
            studio.order_by("psnr")
