"""How fast a device computes what models mostly are: convolutions. Imports torch."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own
import torch

from studio_kernel.engines.diffusers.devices import few_threads

_ROUNDS = 5
_CHANNELS, _SIDE = 256, 32
_ON_A_CARD = 8
"""A graphics card gets so many times the pictures, or it would not be busy."""


def measure(device: str, dtype: str) -> float:
    """Return the floating-point operations per second of the best of some rounds, with the engine's own threads."""
    pictures = 2 if device == "cpu" else 2 * _ON_A_CARD
    with _usual_threads(), few_threads(), torch.inference_mode():
        given = torch.ones(pictures, _CHANNELS, _SIDE, _SIDE, device=device, dtype=getattr(torch, dtype))
        kernel = torch.ones(_CHANNELS, _CHANNELS, 3, 3, device=device, dtype=given.dtype)
        operations = 2 * pictures * _CHANNELS**2 * 9 * _SIDE**2
        return operations / min(_seconds(given, kernel) for _ in range(_ROUNDS))


@contextmanager
def _usual_threads() -> Iterator[None]:
    """Let torch have the threads that it would take by itself: the process that traces is given a single one."""
    given = torch.get_num_threads()
    torch.set_num_threads(psutil.cpu_count(logical=False) or given)
    try:
        yield
    finally:
        torch.set_num_threads(given)


def _seconds(given: torch.Tensor, kernel: torch.Tensor) -> float:
    begun = time.perf_counter()
    torch.nn.functional.conv2d(given, kernel, padding=1).flatten()[0].item()  # reading a value waits for the device
    return time.perf_counter() - begun
