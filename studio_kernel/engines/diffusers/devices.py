"""Where models run, and in which precision."""

from __future__ import annotations

import gc
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def default_device() -> str:
    """Return the best device here: ``cuda``, ``mps`` or ``cpu``."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def default_dtype(device: torch.device) -> torch.dtype:
    """Return the precision for `device`: half only where the hardware computes in it."""
    if device.type != "cuda":
        return torch.float32  # half is slow on CPUs, and gives black pictures with several models on mps
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16


def device_name(device: torch.device) -> str:
    """Return `device` in words that say what decides rounding: the GPU's name, the CPU's instruction set."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu {torch.backends.cpu.get_cpu_capability()}" if device.type == "cpu" else device.type


def thread_count() -> int:
    """Return how many threads a pipeline call is to use on the CPU, when it is made outside the main thread.

    Notes
    -----
    torch's own number, but on Linux at least one fewer than there are processors. Its OpenMP runtime, libgomp, counts
    the main thread too, and once it has more threads than processors it lets them sleep between operations instead of
    wait: 1.1 s a picture in place of 0.57 s for a small model with two threads on two processors, 0.57 s with one. In
    the main thread all of them took 0.50 s on an idle machine and 1.5 s on a busy one; and since the number of threads
    decides rounding, one number everywhere keeps the same request at the same bytes.
    """
    if sys.platform != "linux":
        return torch.get_num_threads()
    return max(1, min(torch.get_num_threads(), len(os.sched_getaffinity(0)) - 1))


def passes_beside() -> int:
    """Return how many small passes the CPU computes beside each other: two, where there are two processors.

    Notes
    -----
    A small network leaves processors idle between its many short operations, however many threads share each of them;
    another pass fills the gaps. The figures are in ``benchmarks/sweep_throughput.py``.
    """
    return min(2, len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1)


def thread_share() -> int:
    """Return how many threads each of the passes of `passes_beside` uses; a pass by itself uses so many too."""
    return (thread_count() + 1) // 2


@contextmanager
def few_threads() -> Iterator[None]:
    """Compute with `thread_count` threads; new threads of the program have their usual number again afterwards."""
    usual = torch.get_num_threads()
    torch.set_num_threads(thread_count())
    try:
        yield
    finally:
        torch.set_num_threads(usual)


def release_memory() -> None:
    """Give the memory of forgotten models back."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that memory did not suffice, on whatever device."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    said = str(error).lower()  # of mps, of cuDNN, and of the CPU's allocator on Linux and on Windows
    return any(words in said for words in ("out of memory", "can't allocate memory", "not enough memory"))


def let_go(error: BaseException) -> None:
    """Give back the memory that was filled when `error` was raised: its frames hold the tensors."""
    traceback.clear_frames(error.__traceback__)
    release_memory()
