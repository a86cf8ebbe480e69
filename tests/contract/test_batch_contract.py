"""What every engine must do that makes several requests in one pass; a new one is added to `SUBJECTS` and passes."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine_subjects as subjects
from batches import batch_engine, bytes_of, different, files_of, members, together
from engine_subjects import Subject, decoded, half_mask, scene
from studio_kernel.domain.events import Failed, Finished, Produced, Progress, Started
from studio_kernel.domain.tasks import Task
from studio_kernel.engines.base import CancelToken, Engine, MemberEvent
from studio_kernel.errors import Cancelled, StudioError
from studio_kernel.settings import data_dir

SHIPPED = data_dir() / "models" / "studio-tiny"
SUBJECTS = ["diffusers", *(["studio-tiny"] if (SHIPPED / "model_index.json").is_file() else [])]


@pytest.fixture(scope="module")
def engines() -> dict[str, Engine]:
    return {}


@pytest.fixture(params=SUBJECTS)
def subject(request: pytest.FixtureRequest, engines: dict[str, Engine], tmp_path: Path) -> Subject:
    model = SHIPPED if request.param == "studio-tiny" else request.getfixturevalue("tiny_random")
    made = subjects.diffusers(model, tmp_path)
    made.engine = engines.setdefault(request.param, made.engine)
    return made


def key(subject: Subject, **values: Any) -> object:
    return batch_engine(subject).batch_key(subject.request(**values), subject.card)


# --- which requests go together ------------------------------------------------------------------------------------


def test_requests_of_one_key_differ_in_nothing_but_seeds_texts_and_guidance(subject: Subject) -> None:
    assert key(subject) is not None
    assert key(subject) == key(subject, seed=8) == key(subject, prompt="a house") == key(subject, guidance_scale=9.0)


@pytest.mark.parametrize(
    "change",
    [
        {"num_inference_steps": 5},
        {"width": 96},
        {"num_images": 2},
        {"scheduler": "euler"},
        {"loras": ["loud"]},
        {"guidance_scale": 1.0},
    ],
    ids=lambda change: next(iter(change)),
)
def test_everything_else_is_part_of_the_key(subject: Subject, change: dict[str, object]) -> None:
    assert key(subject, **change) != key(subject)


def test_another_input_picture_is_another_key(subject: Subject) -> None:
    one, other = (subject.request(Task.IMAGE_TO_IMAGE, image=subject.give(scene(tint=tint))) for tint in (0, 255))
    engine = batch_engine(subject)

    assert engine.batch_key(one, subject.card) == engine.batch_key(one.replace(seed=1), subject.card)
    assert engine.batch_key(one, subject.card) != engine.batch_key(other, subject.card)


def test_fewer_large_pictures_go_into_a_pass_than_small_ones(subject: Subject) -> None:
    engine = batch_engine(subject)

    def limit(**values: Any) -> int:
        return engine.batch_limit(subject.request(**values))

    assert limit() >= limit(width=1024, height=1024) >= limit(width=2048, height=2048) >= 1
    assert limit(num_images=4) < limit()
    assert engine.appetite(subject.request(), 4) >= 4


def test_requests_of_different_keys_are_refused(subject: Subject) -> None:
    with pytest.raises(StudioError):
        together(subject, [subject.request(), subject.request(num_inference_steps=5)], 2)


# --- events --------------------------------------------------------------------------------------------------------


def test_each_member_has_its_files_and_then_its_end(subject: Subject) -> None:
    events = together(subject, different(subject, 5), 2)

    assert isinstance(events[0][1], Started)
    assert sum(isinstance(event, Started) for _, event in events) == 1
    assert all((place is None) is isinstance(event, (Started, Progress)) for place, event in events)
    for wanted in range(5):
        kinds = [type(event) for place, event in events if place == wanted]
        assert kinds == [Produced, Finished]


def test_a_preview_is_of_the_member_that_it_shows(subject: Subject) -> None:
    context = subject.context(preview_due=lambda: True)
    events = list(batch_engine(subject).stream_batch(members(different(subject, 4)), context, 2))

    shown = {place for place, event in events if isinstance(event, Progress) and event.preview}
    assert shown == {0, 2}, "the first of each pass"


def test_files_come_as_soon_as_their_pass_is_over(subject: Subject) -> None:
    events = together(subject, different(subject, 8), 2)

    kinds = [type(event) for _, event in events]
    assert Progress in kinds[kinds.index(Finished) :], "the last pass begins after the first one's files"


def test_several_pictures_of_a_member_come_in_order_with_their_seeds(subject: Subject) -> None:
    found = files_of(together(subject, different(subject, 3, num_images=2), 2))

    assert [[(file.index, file.seed) for file in found[place]] for place in range(3)] == [
        [(0, 7), (1, 8)],
        [(0, 8), (1, 9)],
        [(0, 9), (1, 10)],
    ]
    assert {file.batch_size for files in found.values() for file in files} == {4}


def test_progress_rises_by_one_to_the_total_of_all_passes(subject: Subject) -> None:
    events = together(subject, different(subject, 5), 2)

    steps = [event for _, event in events if isinstance(event, Progress) and event.stage == "denoising"]
    assert [(event.step, event.total) for event in steps] == [(n, 12) for n in range(1, 13)]


def test_the_device_is_free_before_the_last_file_is_encoded(subject: Subject) -> None:
    released = threading.Event()
    context = replace(subject.context(), release=released.set)
    stream = batch_engine(subject).stream_batch(members(different(subject, 2)), context, 2)

    next(event for _, event in stream if isinstance(event, Produced))
    assert released.wait(60)
    assert subject.bytes(), "another run begins while the files of the first are still coming"
    assert sum(isinstance(event, Finished) for _, event in stream) == 2


# --- pictures ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", [Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.INPAINTING])
def test_neighbours_place_and_number_do_not_change_a_picture(subject: Subject, task: Task) -> None:
    given: dict[str, object] = {} if task is Task.TEXT_TO_IMAGE else {"image": subject.give(scene()), "strength": 0.8}
    if task is Task.INPAINTING:
        given["mask_image"] = subject.give(half_mask())
    requests = different(subject, 5, task, **given)
    whole = dict(zip(requests, bytes_of(together(subject, requests, 4)), strict=True))

    for shuffle in range(3):
        some = random.Random(shuffle).sample(requests, k=5 - shuffle)
        assert bytes_of(together(subject, some, 4)) == [whole[request] for request in some]


@pytest.mark.parametrize("task", [Task.TEXT_TO_IMAGE, Task.INPAINTING])
def test_a_pass_of_several_rounds_differently_than_a_run_alone_and_no_more(subject: Subject, task: Task) -> None:
    given = (
        {"image": subject.give(scene()), "mask_image": subject.give(half_mask()), "strength": 0.8}
        if task is Task.INPAINTING
        else {}
    )
    requests = different(subject, 4, task, **given)

    alone = [decoded(next(iter(subjects.files(list(subject.stream(request))))).data) for request in requests]
    shared = [decoded(data) for data in bytes_of(together(subject, requests, 4))]

    apart = np.abs(np.stack([np.asarray(a, int) - np.asarray(b, int) for a, b in zip(alone, shared, strict=True)]))
    assert (apart > 0).mean() < 0.005, "nearly all values are the same"
    assert apart.max() <= 2


def test_passes_of_one_make_the_bytes_of_single_runs(subject: Subject) -> None:
    requests = different(subject, 3)

    events = together(subject, requests, 1)

    assert bytes_of(events) == [subjects.files(list(subject.stream(request)))[0].data for request in requests]
    assert {file.batch_size for files in files_of(events).values() for file in files} == {1}


def test_the_number_of_pictures_in_a_pass_is_said_also_when_it_was_filled_up(subject: Subject) -> None:
    found = files_of(together(subject, different(subject, 1), 4))

    assert [file.batch_size for file in found[0]] == [4]


# --- stops and failures --------------------------------------------------------------------------------------------


def test_a_cancelled_member_has_no_more_events_and_the_others_go_on(subject: Subject) -> None:
    requests = different(subject, 4)
    undisturbed = bytes_of(together(subject, requests, 2))
    taking_part, seen = members(requests), list[MemberEvent]()

    for place, event in batch_engine(subject).stream_batch(taking_part, subject.context(), 2):
        seen.append((place, event))
        if isinstance(event, Progress) and event.step == 1:
            taking_part[1].cancel.cancel()
            taking_part[2].cancel.cancel()

    assert {place for place, _ in seen} == {None, 0, 3}
    assert bytes_of(seen) == [undisturbed[0], undisturbed[3]]


@pytest.mark.parametrize("of", ["context", "members"])
def test_a_stop_of_all_ends_the_work_within_one_step(subject: Subject, of: str) -> None:
    cancel, taking_part = CancelToken(), members(different(subject, 3, num_inference_steps=50))
    stream = batch_engine(subject).stream_batch(taking_part, subject.context(cancel), 2)
    next(event for _, event in stream if isinstance(event, Progress) and event.step == 3)

    for token in [cancel] if of == "context" else [member.cancel for member in taking_part]:
        token.cancel()

    seen: list[MemberEvent] = []
    with pytest.raises(Cancelled):
        seen.extend(stream)
    assert seen in ([], [(None, Progress(4, 100))])


def test_closing_the_iterator_stops_the_work(subject: Subject) -> None:
    before = threading.active_count()
    stream = batch_engine(subject).stream_batch(
        members(different(subject, 3, num_inference_steps=50)), subject.context(), 2
    )
    next(event for _, event in stream if isinstance(event, Progress))

    stream.close()  # type: ignore[attr-defined]  # engines are generators

    assert threading.active_count() == before
    assert bytes_of(together(subject, different(subject, 1), 2))


def test_nobody_fails_when_nobody_is_bad(subject: Subject) -> None:
    assert not any(isinstance(event, Failed) for _, event in together(subject, different(subject, 3), 2))
