"""Fixtures of the engine suites; imported by their conftest files."""

from __future__ import annotations

from pathlib import Path

import pytest

import tiny_pipelines
from studio_kernel.engines.diffusers.quiet import quiet


@pytest.fixture(scope="session")
def tiny_random(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a pipeline with random weights."""
    import torch

    torch.set_num_threads(1)
    with quiet():
        return tiny_pipelines.save(tmp_path_factory.mktemp("tiny-random"))


@pytest.fixture(scope="session")
def lora_file(tiny_random: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA for `tiny_random`."""
    return tiny_pipelines.save_lora(tmp_path_factory.mktemp("loras") / "loud.safetensors")
