"""What the shipped catalog offers, the engines can do."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine_subjects import Subject, half_mask, scene
from studio_kernel.catalog.loader import Catalog, load
from studio_kernel.domain.model import ModelSource
from studio_kernel.domain.tasks import Task
from studio_kernel.engines.base import Engine
from studio_kernel.engines.diffusers import DiffusersEngine
from studio_kernel.engines.procedural import ProceduralEngine
from studio_kernel.errors import StudioError


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load()


@pytest.fixture(scope="module")
def engines() -> dict[str, Engine]:
    return {"diffusers": DiffusersEngine(), "procedural": ProceduralEngine()}


@pytest.fixture(params=["studio-tiny", "procedural"])
def subject(
    request: pytest.FixtureRequest, catalog: Catalog, engines: dict[str, Engine], tiny_random: Path, tmp_path: Path
) -> Subject:
    """The shipped card, on random weights."""
    card = replace(catalog.models[request.param], source=ModelSource(path=str(tiny_random)))
    return Subject(engines[card.engine], card, tmp_path, schedulers=catalog.schedulers)


@pytest.mark.parametrize("task", [Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.INPAINTING])
def test_every_task_runs_with_every_default(subject: Subject, task: Task) -> None:
    inputs = {"image": subject.give(scene()), "mask_image": subject.give(half_mask())}
    known = {parameter.name for parameter in subject.card.parameters_for(task)}
    given = {name: file for name, file in inputs.items() if name in known}

    request = subject.request(task, **given)

    assert subject.picture(task, **given).size == (request.parameters["width"], request.parameters["height"])


def test_every_scheduler_a_card_offers_runs(subject: Subject) -> None:
    failures = {}
    for name in subject.card.parameter("scheduler").choices:
        try:
            subject.bytes(scheduler=name, num_inference_steps=6)
        except StudioError as error:
            failures[name] = str(error)

    assert failures == {}
