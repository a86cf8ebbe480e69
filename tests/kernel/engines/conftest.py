from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import engine_subjects as subjects
from engine_fixtures import lora_file, tiny_random
from engine_subjects import Subject
from studio_kernel.engines.diffusers import DiffusersEngine
from studio_kernel.engines.diffusers.quiet import quiet

__all__ = ["lora_file", "tiny_random"]


@pytest.fixture(scope="module")
def engine() -> Iterator[DiffusersEngine]:
    made = DiffusersEngine()
    yield made
    made.close()


@pytest.fixture
def subject(engine: DiffusersEngine, tiny_random: Path, tmp_path: Path) -> Subject:
    return subjects.diffusers(tiny_random, tmp_path, engine=engine)


@pytest.fixture
def pipe(tiny_random: Path) -> Any:
    """A pipeline of the user's own."""
    from diffusers import StableDiffusionPipeline

    with quiet():
        return StableDiffusionPipeline.from_pretrained(tiny_random)
