"""How much memory a model will take, and how much a device has free."""

from __future__ import annotations

import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own
import torch

from studio_kernel.engines.diffusers.checkpoint import Checkpoint, loaded_bytes

_TO_WORK_IN = 1.25
"""Weights and a quarter of them for what is computed: a guess that decides only which models leave early. Where it is
too small, the run itself makes room (`ladder`)."""

_KEPT_FREE = 0.1
"""Share of the main memory that is left to other programs."""


def needed_bytes(found: Checkpoint, dtype: torch.dtype) -> int:
    """Return how much memory to have free for a model; nothing is loaded, only the headers of its files are read."""
    return int(_TO_WORK_IN * sum(loaded_bytes(path, dtype.itemsize) for path in found.weights))


def free_bytes(device: torch.device) -> int:
    """Return how much memory a model on `device` could take now."""
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + unused
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
    memory = psutil.virtual_memory()
    return int(memory.available - _KEPT_FREE * memory.total)
