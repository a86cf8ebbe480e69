"""What every engine must do; a new engine is added to `SUBJECTS` and passes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from PIL import Image, ImageChops

import engine_subjects as subjects
from engine_subjects import Subject, decoded, files, half_mask, scene, started
from studio_kernel.domain.events import EngineEvent, Finished, Produced, Progress, Started
from studio_kernel.domain.provenance import Provenance
from studio_kernel.domain.tasks import Task
from studio_kernel.engines.base import CancelToken, Engine
from studio_kernel.errors import Cancelled, InvalidInputError, StudioError
from studio_kernel.settings import data_dir

SHIPPED = data_dir() / "models" / "studio-tiny"
SUBJECTS = ["procedural", "diffusers", *(["studio-tiny"] if (SHIPPED / "model_index.json").is_file() else [])]
EDITING = [Task.IMAGE_TO_IMAGE, Task.INPAINTING]


@pytest.fixture(scope="module")
def engines() -> dict[str, Engine]:
    """Engines that keep their models for the whole suite."""
    return {}


@pytest.fixture(params=SUBJECTS)
def subject(request: pytest.FixtureRequest, engines: dict[str, Engine], tmp_path: Path) -> Subject:
    if request.param == "procedural":
        return subjects.procedural(tmp_path)
    model = SHIPPED if request.param == "studio-tiny" else request.getfixturevalue("tiny_random")
    made = subjects.diffusers(model, tmp_path, side=128 if request.param == "studio-tiny" else 64)
    made.engine = engines.setdefault(request.param, made.engine)
    return made


def inputs(subject: Subject, task: Task) -> dict[str, object]:
    given: dict[str, object] = {"image": subject.give(scene()), "strength": 0.8}
    return given | ({"mask_image": subject.give(half_mask())} if task is Task.INPAINTING else {})


def steps(events: list[EngineEvent]) -> list[Progress]:
    return [event for event in events if isinstance(event, Progress)]


def said_until_cancelled(stream: Iterator[EngineEvent]) -> list[EngineEvent]:
    seen: list[EngineEvent] = []
    with pytest.raises(Cancelled):
        seen.extend(stream)
    return seen


def test_it_is_an_engine_and_bears_the_name_its_cards_use(subject: Subject) -> None:
    assert isinstance(subject.engine, Engine)
    assert subject.engine.name == subject.card.engine
    assert subject.engine.unavailable(subject.card) is None


def test_it_yields_events_only_in_the_promised_order(subject: Subject) -> None:
    events = subject.run()

    assert all(isinstance(event, get_args(EngineEvent)) for event in events)
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    assert not any(isinstance(event, (Started, Finished)) for event in events[1:-1])
    produced_from = next(place for place, event in enumerate(events) if isinstance(event, Produced))
    assert all(isinstance(event, Produced) for event in events[produced_from:-1])


@pytest.mark.parametrize("task", [Task.TEXT_TO_IMAGE, *EDITING])
def test_progress_rises_by_one_to_the_total(subject: Subject, task: Task) -> None:
    given = inputs(subject, task) if task in EDITING else {}

    seen = [step for step in steps(subject.run(task, **given)) if step.stage == "denoising"]

    assert [step.step for step in seen] == list(range(1, len(seen) + 1))
    assert {step.total for step in seen} == {len(seen)}
    assert len(seen) == (3 if task in EDITING else 4), "strength 0.8 of 4 steps makes 3"


@pytest.mark.parametrize(("width", "height"), [(64, 64), (96, 64), (64, 128)])
def test_pictures_are_readable_and_have_the_size_asked_for(subject: Subject, width: int, height: int) -> None:
    produced = files(subject.run(width=width, height=height))

    assert [file.media_type for file in produced] == ["image/png"]
    assert decoded(produced[0].data).size == (width, height)


def test_several_pictures_come_in_order_with_seeds_that_wrap_around(subject: Subject) -> None:
    produced = files(subject.run(num_images=3, seed=2**32 - 2))

    assert [file.index for file in produced] == [0, 1, 2]
    assert [file.seed for file in produced] == [2**32 - 2, 2**32 - 1, 0]
    assert len({file.data for file in produced}) == 3


def test_a_picture_of_a_batch_is_the_one_its_seed_makes_alone(subject: Subject) -> None:
    second = decoded(files(subject.run(num_images=2, seed=7))[1].data)

    difference = ImageChops.difference(second, subject.picture(seed=8))

    assert max(high for _, high in difference.getextrema()) <= 2, "batches may round differently, no more"


def test_the_same_request_gives_the_same_bytes(subject: Subject) -> None:
    assert subject.bytes() == subject.bytes()


@pytest.mark.parametrize("task", EDITING)
def test_the_same_request_with_inputs_gives_the_same_bytes(subject: Subject, task: Task) -> None:
    given = inputs(subject, task)

    assert subject.bytes(task, **given) == subject.bytes(task, **given)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 8},
        {"prompt": "a blue house on a hill"},
        {"negative_prompt": "blurry"},
        {"num_inference_steps": 5},
        {"guidance_scale": 9.0},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_setting_changes_the_picture(subject: Subject, change: dict[str, object]) -> None:
    assert subject.bytes(**change) != subject.bytes()


@pytest.mark.parametrize("prompt", ["лодка на море", "小舟 🚤", "a\nb\tc", "wörd " * 200])
def test_any_text_is_a_prompt(subject: Subject, prompt: str) -> None:
    assert subject.picture(prompt=prompt).size == (subject.side, subject.side)


def test_an_empty_negative_prompt_is_none(subject: Subject) -> None:
    assert subject.bytes(negative_prompt="") == subject.bytes()


def test_provenance_is_the_same_each_time_and_names_no_place(subject: Subject) -> None:
    request = subject.request()

    texts = {
        Provenance(request, subject.engine.name, started(list(subject.stream(request))).provenance).to_text()
        for _ in range(2)
    }

    assert len(texts) == 1
    assert str(subject.files) not in texts.pop()


def test_a_stop_ends_the_run_within_one_step(subject: Subject) -> None:
    cancel = CancelToken()
    stream = subject.engine.stream(subject.request(num_inference_steps=50), subject.context(cancel))
    next(event for event in stream if isinstance(event, Progress) and event.step == 3)

    cancel.cancel()

    assert said_until_cancelled(stream) in ([], [Progress(4, 50)]), "one more step at most"


def test_a_stop_asked_for_before_the_start_does_no_work(subject: Subject) -> None:
    cancel = CancelToken()
    cancel.cancel()

    with pytest.raises(Cancelled):
        next(iter(subject.engine.stream(subject.request(), subject.context(cancel))))


def test_a_cancelled_run_leaves_no_trace_in_the_next(subject: Subject) -> None:
    before = subject.bytes()
    cancel = CancelToken()
    stream = subject.engine.stream(subject.request(seed=99), subject.context(cancel))
    next(event for event in stream if isinstance(event, Progress))
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(stream)

    assert subject.bytes() == before


def test_closing_the_iterator_stops_the_work(subject: Subject) -> None:
    before = threading.active_count()
    stream = subject.stream(subject.request(num_inference_steps=50))
    next(event for event in stream if isinstance(event, Progress))

    stream.close()  # type: ignore[attr-defined]  # engines are generators

    assert threading.active_count() == before
    assert subject.picture().size == (subject.side, subject.side)


def test_previews_are_small_webp_pictures_made_when_one_is_due(subject: Subject) -> None:
    assert subject.engine.capabilities.previews
    events = list(subject.engine.stream(subject.request(), subject.context(preview_due=lambda: True)))
    previews = [step.preview for step in steps(events) if step.preview]

    assert len(previews) == 4
    assert all(preview[8:12] == b"WEBP" and max(decoded(preview).size) <= 192 for preview in previews)


def test_a_preview_says_what_it_took(subject: Subject) -> None:
    events = list(subject.engine.stream(subject.request(), subject.context(preview_due=lambda: True)))

    assert all((step.preview_s > 0) is (step.preview is not None) for step in steps(events))


def test_no_preview_is_made_when_none_is_due(subject: Subject) -> None:
    assert not any(step.preview for step in steps(subject.run()))


def test_previews_do_not_change_the_picture(subject: Subject) -> None:
    events = list(subject.engine.stream(subject.request(), subject.context(preview_due=lambda: True)))

    assert files(events)[0].data == subject.bytes()


@pytest.mark.parametrize("task", EDITING)
def test_an_input_image_gives_the_result_its_size_and_its_content(subject: Subject, task: Task) -> None:
    given = inputs(subject, task) | {"image": subject.give(scene(96, 64))}
    if task is Task.INPAINTING:
        given |= {"mask_image": subject.give(half_mask(96, 64))}

    one = subject.picture(task, **given)
    other = subject.picture(task, **given | {"image": subject.give(scene(96, 64, tint=255))})

    assert one.size == (96, 64)
    assert one.tobytes() != other.tobytes()


def test_strength_decides_how_much_of_the_image_stays(subject: Subject) -> None:
    given = {"image": subject.give(scene()), "num_inference_steps": 10}

    assert subject.bytes(Task.IMAGE_TO_IMAGE, strength=0.2, **given) != subject.bytes(
        Task.IMAGE_TO_IMAGE, strength=0.9, **given
    )


def test_an_image_of_another_shape_is_cut_to_the_size_asked_for(subject: Subject) -> None:
    picture = subject.picture(
        Task.IMAGE_TO_IMAGE, image=subject.give(scene(300, 100)), strength=0.5, width=64, height=96
    )

    assert picture.size == (64, 96)


def test_inpainting_keeps_every_pixel_outside_the_mask_and_changes_the_inside(subject: Subject) -> None:
    original = scene()

    result = subject.picture(
        Task.INPAINTING, image=subject.give(original), mask_image=subject.give(half_mask()), strength=1.0
    )

    left, right = (0, 0, 32, 64), (32, 0, 64, 64)
    assert result.crop(left).tobytes() == original.crop(left).tobytes()
    assert result.crop(right).tobytes() != original.crop(right).tobytes()


def test_transparent_and_rotated_inputs_are_read(subject: Subject) -> None:
    clear = Image.new("RGBA", (64, 64), (0, 0, 0, 0))

    seen = subject.picture(Task.IMAGE_TO_IMAGE, image=subject.give(clear), strength=0.5)
    white = subject.picture(Task.IMAGE_TO_IMAGE, image=subject.give(Image.new("RGB", (64, 64), "white")), strength=0.5)

    assert seen.tobytes() == white.tobytes(), "transparent means white, not black"


@pytest.mark.parametrize("content", [b"", b"no picture at all", subjects.encoded(scene())[:100]])
def test_an_unreadable_image_is_refused_before_any_work(subject: Subject, content: bytes) -> None:
    request = subject.request(Task.IMAGE_TO_IMAGE, image=subject.give(content))

    with pytest.raises(InvalidInputError, match="image"):
        subject.engine.check(request, subject.context())


def test_a_missing_input_file_is_refused_before_any_work(subject: Subject) -> None:
    request = subject.request(Task.IMAGE_TO_IMAGE, image=subject.give(scene()))
    for file in subject.files.iterdir():
        file.unlink()

    with pytest.raises(InvalidInputError, match="missing"):
        subject.engine.check(request, subject.context())


def test_a_mask_of_another_size_is_refused_before_any_work(subject: Subject) -> None:
    mask = subject.give(half_mask(32, 64))
    request = subject.request(Task.INPAINTING, image=subject.give(scene()), mask_image=mask)

    with pytest.raises(InvalidInputError, match="32 x 64, the image is 64 x 64"):
        subject.engine.check(request, subject.context())


def test_bad_inputs_are_studio_errors_without_a_check_too(subject: Subject) -> None:
    request = subject.request(Task.IMAGE_TO_IMAGE, image=subject.give(b"no picture"))

    with pytest.raises(StudioError):
        list(subject.stream(request))


def test_closing_an_engine_frees_it_for_use_again(subject: Subject) -> None:
    before = subject.bytes()
    subject.engine.close()
    subject.engine.close()

    assert subject.bytes() == before


def test_another_process_makes_the_same_bytes(subject: Subject) -> None:
    script = f"""
import sys, hashlib
sys.path[:0] = {sys.path!r}
from pathlib import Path
import engine_subjects as subjects
import torch
torch.set_num_threads(1)
made = subjects.procedural(Path()) if {subject.engine.name!r} == "procedural" else subjects.diffusers(
    Path({subject.card.source.path!r}), Path(), {subject.side})
print(hashlib.sha256(made.bytes()).hexdigest())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == hashlib.sha256(subject.bytes()).hexdigest()
