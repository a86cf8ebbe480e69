"""Pipelines in memory for the diffusers engine, and real networks that run out of memory at a limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from engine_subjects import Subject
from studio_kernel.engines.diffusers import DiffusersEngine
from studio_kernel.engines.diffusers.ladder import Ladder
from studio_kernel.engines.diffusers.loading import LoadedModel

Fits = Callable[[torch.Tensor], bool]


def out_of_memory() -> torch.OutOfMemoryError:
    return torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def limited(network: torch.nn.Module, fits: Fits) -> list[int]:
    """Let `network` run out of memory unless its input fits; return the batch sizes it was called with."""
    seen: list[int] = []

    def check(_network: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        seen.append(len(given[0]))
        if not fits(given[0]):
            raise out_of_memory()

    network.register_forward_pre_hook(check)
    return seen


def at_most(batch: int) -> Fits:
    return lambda given: len(given) <= batch


def kept(pipe: Any, subject: Subject, offloads: bool | None = None) -> Subject:
    """`subject` with `pipe` as a model that the engine keeps."""
    engine = DiffusersEngine()
    engine._own = LoadedModel(pipe, ladder=Ladder(pipe, offloads=offloads))
    return Subject(engine, subject.card, subject.files)


def lent(pipe: Any, subject: Subject) -> Subject:
    return Subject(DiffusersEngine.from_pipeline(pipe), subject.card, subject.files)
