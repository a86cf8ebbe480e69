"""From a `Subject` to its `Trace`: the one door of the dry run, for a process that is allowed to import torch.

Whatever goes wrong inside the libraries ends in `Untraceable` with the reason, never in a number that is wrong.
Operators of torch are replaced while it runs, so a process makes one trace at a time and nothing beside it.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from studio_kernel.engines.diffusers.quiet import quiet
from studio_kernel.estimates.vram.allocator import Event, replay
from studio_kernel.estimates.vram.architectures import architecture
from studio_kernel.estimates.vram.blocks import BlockMemo
from studio_kernel.estimates.vram.blueprint import Blueprint, of_directory
from studio_kernel.estimates.vram.kernels import Kernels, kernels_of
from studio_kernel.estimates.vram.networks import Network
from studio_kernel.estimates.vram.quantised import is_quantised, quantised_bytes
from studio_kernel.estimates.vram.run_through import Passage, stage_name
from studio_kernel.estimates.vram.skeleton import arguments, build, import_classes, of_task
from studio_kernel.estimates.vram.subject import Subject
from studio_kernel.estimates.vram.trace import Trace, Untraceable
from studio_kernel.estimates.vram.tracker import Tracker

_LONGEST_REASON = 300


def trace(
    subject: Subject,
    weights: Mapping[str, int] | None = None,
    transient_bytes: int = 0,
    *,
    reserved: bool = False,
    memo: bool = True,
    kernels: Kernels | None = None,
) -> Trace | Untraceable:
    """Return the memory of a call, stage by stage and for each placement; or why there is none.

    Parameters
    ----------
    weights : mapping, optional
        Component → bytes of its weights as they are loaded, when that is known better than from the configuration.
        What the pipeline does not have (adapters) is counted beside the rest.
    transient_bytes : int
        Most that a linear layer of the denoiser writes to compute with quantised weights.
    reserved : bool
        Whether what the caching allocator would hold is found too, which takes several times as long.
    memo : bool
        Whether equal blocks run once.
    kernels : Kernels, optional
        Constants that were measured; the defaults of the subject's device when left out.
    """
    try:
        with warnings.catch_warnings(), quiet():
            warnings.simplefilter("ignore")
            run = _Run(subject, dict(weights or {}), transient_bytes, kernels or kernels_of(subject.device))
            return run.trace(reserved, memo and not reserved)
    except Exception as error:  # noqa: BLE001 - the boundary to code of others, which may raise anything
        return Untraceable(_reason(error))


def blueprint_of(subject: Subject) -> Blueprint:
    """Return what a subject's pipeline is built from.

    Raises
    ------
    ModelUnavailableError
        When its files are missing or damaged.
    """
    if subject.architecture:
        return architecture(subject.architecture).blueprint
    return of_directory(Path(subject.directory))


class _Run:
    """One dry run."""

    def __init__(self, subject: Subject, weights: dict[str, int], transient_bytes: int, kernels: Kernels) -> None:
        self.subject, self.kernels = subject, kernels
        blueprint = blueprint_of(subject)
        import_classes(blueprint)
        self.begun = time.process_time()
        pipe = of_task(build(blueprint, subject.dtype, dict(_named(subject.dtypes))), subject.task)
        self.pipe, self.arguments = pipe, arguments(pipe, subject, blueprint.call)
        _switch(pipe, subject)
        modules = {name: part for name, part in pipe.components.items() if isinstance(part, torch.nn.Module)}
        self.networks = [self._network(name, module, weights, transient_bytes) for name, module in modules.items()]
        self.knows_files = bool(weights)
        self.beside = {name: size for name, size in weights.items() if name not in modules}

    def trace(self, reserved: bool, memo: bool) -> Trace:
        """Run it and return what was found."""
        tracker = Tracker(self.kernels, records=reserved)
        resident = list(_resident(self.pipe)) if reserved else []
        blocks = BlockMemo(tracker) if memo else None
        for network in self.networks:
            network.instrument(tracker, blocks)
        passage = Passage(self.pipe, self.networks, tracker, self.subject.attention)
        passage.run(self.arguments)
        extra = sum(self.beside.values())
        workspace = [Event(self.kernels.workspace_bytes, "workspace")] if self.kernels.workspace_bytes else []
        held = replay([*workspace, *resident, *tracker.events]).reserved_bytes if tracker.events is not None else None
        return Trace(
            weights=passage.weights() | self.beside,
            stages=passage.stages(),
            peaks={placement: peak + extra for placement, peak in passage.peaks().items()},
            reserved_bytes=held + extra if held is not None else None,
            context_bytes=self.kernels.context_bytes,
            flags=tuple(sorted(tracker.flags | set(self._flags()))),
            seconds=time.process_time() - self.begun,
        )

    def _network(self, name: str, module: torch.nn.Module, weights: dict[str, int], transient_bytes: int) -> Network:
        loaded, dequantised = weights.get(name), 0
        if self.subject.quantisation and is_quantised(name, module):
            size = quantised_bytes(module, self.subject.quantisation)
            loaded = size.resident_bytes if loaded is None else loaded
            dequantised = size.dequantised_bytes
        if transient_bytes and stage_name(name, "forward") == "denoising":
            dequantised = transient_bytes
        return Network(name, module, loaded, dequantised)

    def _flags(self) -> Iterator[str]:
        if self.subject.quantisation == "int8":
            yield "bitsandbytes int8 takes 2 to 4 % more than this, for reasons that nobody has found"
        if self.subject.device == "mps":
            yield "the memory of Apple's kernels was never measured"
        if self.subject.loras and not self.knows_files:
            yield "adapters are not counted"


def _named(pairs: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for pair in pairs:
        name, _, value = pair.partition("=")
        yield name, value


def _switch(pipe: Any, subject: Subject) -> None:
    vae = getattr(pipe, "vae", None)
    for switch, wanted in (("use_tiling", subject.vae_tiling), ("use_slicing", subject.vae_slicing)):
        if hasattr(vae, switch):
            setattr(vae, switch, wanted)


def _resident(pipe: Any) -> Iterator[Event]:
    """Yield the allocations of all weights, in their order."""
    for part in pipe.components.values():
        for tensor in (*part.parameters(), *part.buffers()) if isinstance(part, torch.nn.Module) else ():
            yield Event(-(-tensor.nbytes // 512) * 512, ("weights", id(tensor)))


def _reason(error: Exception) -> str:
    words = " ".join(str(error).split())
    shortened = words if len(words) <= _LONGEST_REASON else f"{words[:_LONGEST_REASON]}…"
    return f"{type(error).__name__}: {shortened}" if shortened else type(error).__name__
