"""Where models run, and in which precision."""

from __future__ import annotations

import gc

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


def release_memory() -> None:
    """Give the memory of forgotten models back."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
