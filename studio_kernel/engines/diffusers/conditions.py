"""What decides a picture beside its request: everything that a run on a loaded model says when it starts.

Two runs that agree in all of it, and in the number of rows of their passes, give the same bytes on the CPU. So nothing
here may depend on time, on a path or on what was run before.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch
from immutabledict import immutabledict

from studio_kernel.domain.values import Value, freeze
from studio_kernel.engines.diffusers.devices import device_name
from studio_kernel.engines.diffusers.ladder import Ladder

_PACKAGES = ("accelerate", "diffusers", "numpy", "pillow", "tokenizers", "torch", "transformers")
_DENOISERS = ("unet", "transformer", "prior")


@cache
def versions() -> Mapping[str, str]:
    """Return the versions of the packages that compute, as far as they are installed, and of Python."""
    found = {package: number for package in _PACKAGES if (number := _version(package))}
    return immutabledict({**found, "python": platform.python_version()})


def of_device(device: torch.device) -> Mapping[str, Value]:
    """Return what `device` is and how it multiplies."""
    known: dict[str, Value] = {"device": device_name(device), "matmul_precision": torch.get_float32_matmul_precision()}
    if device.type == "cuda":
        known["cuda"] = torch.version.cuda
        known["cudnn"] = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]  # torch has no type for it
        known["cudnn_benchmark"] = torch.backends.cudnn.benchmark
    return immutabledict(known)


def of_pipeline(pipe: Any, ladder: Ladder) -> Mapping[str, Value]:
    """Return how `pipe` is held: its precision, its attention, and what makes it fit into memory."""
    known: dict[str, Value] = {"dtype": _precision(pipe), "pipeline": type(pipe).__name__, **ladder.arrangement(pipe)}
    if attention := _attention(pipe):
        known["attention"] = attention
    return immutabledict(known)


def of_scheduler(scheduler: Any) -> immutabledict[str, Value]:
    """Return the whole configuration of a scheduler, without what diffusers notes for itself."""
    config = getattr(scheduler, "config", {})
    return immutabledict(
        sorted(
            (name, _plain(value)) for name, value in config.items() if not name.startswith("_") and value is not None
        )
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _precision(pipe: Any) -> str:
    """Return the precision of `pipe`, with the networks that have another, such as ``float16, vae float32``."""
    usual = _name(pipe.dtype)
    components = getattr(pipe, "components", {})
    networks = {name: each for name, each in components.items() if isinstance(each, torch.nn.Module)}
    others = {name: _name(getattr(each, "dtype", pipe.dtype)) for name, each in sorted(networks.items())}
    return ", ".join([usual, *(f"{name} {dtype}" for name, dtype in others.items() if dtype != usual)])


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _attention(pipe: Any) -> str:
    """Return what computes attention in the denoiser: classes of diffusers, and the kernels they are told to use."""
    denoisers = [network for name in _DENOISERS if (network := getattr(pipe, name, None)) is not None]
    processors = [each for network in denoisers for each in getattr(network, "attn_processors", {}).values()]
    classes = sorted({type(each).__name__ for each in processors})
    return ", ".join([*classes, *sorted(set(_kernels(processors)))])


def _kernels(processors: list[Any]) -> Iterator[str]:
    for processor in processors:
        backend = getattr(processor, "_attention_backend", None)
        if backend is not None:
            yield str(getattr(backend, "value", backend))


def _plain(value: object) -> Value:
    try:
        return freeze(value)
    except (TypeError, ValueError):
        return str(value)
