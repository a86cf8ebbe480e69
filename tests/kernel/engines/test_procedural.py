import time
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

import engine_subjects as subjects
from engine_subjects import Subject, scene
from studio_kernel.domain.events import Finished, Progress
from studio_kernel.domain.tasks import Task
from studio_kernel.engines.base import CancelToken
from studio_kernel.errors import Cancelled


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    return subjects.procedural(tmp_path)


def distance(one: Image.Image, other: Image.Image) -> float:
    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean) / 3


def test_a_lower_strength_stays_nearer_to_the_image(subject: Subject) -> None:
    image = subject.give(scene())

    near, far = (subject.picture(Task.IMAGE_TO_IMAGE, image=image, strength=s) for s in (0.2, 0.9))

    assert distance(near, scene()) < distance(far, scene()) / 2


def test_guidance_sets_the_contrast(subject: Subject) -> None:
    pale, strong = (subject.picture(guidance_scale=g) for g in (1.0, 10.0))

    assert ImageStat.Stat(pale.convert("L")).stddev[0] < ImageStat.Stat(strong.convert("L")).stddev[0]


def test_steps_can_be_made_slow_and_stopped_in_the_middle(subject: Subject) -> None:
    cancel = CancelToken()
    stream = subject.engine.stream(subject.request(step_seconds=10.0), subject.context(cancel))
    next(stream)
    begun = time.perf_counter()

    cancel.cancel()
    with pytest.raises(Cancelled):
        list(stream)

    assert time.perf_counter() - begun < 5


def test_slow_steps_last_as_long_as_asked(subject: Subject) -> None:
    events = subject.run(step_seconds=0.02)

    assert isinstance(events[-1], Finished)
    assert events[-1].timings["denoising"] >= 4 * 0.02
    assert subjects.files(events)[0].data == subject.bytes(), "waiting changes nothing"


def test_progress_shows_the_picture_on_its_way(subject: Subject) -> None:
    events = subject.engine.stream(subject.request(), subject.context(preview_due=lambda: True))
    previews = [event.preview for event in events if isinstance(event, Progress)]

    assert len(set(previews)) == 4
