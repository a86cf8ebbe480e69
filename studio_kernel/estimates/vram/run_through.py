"""One call of a pipeline whose networks have no contents, with every allocation followed.

The pipeline's own code runs, so doubled batches, sequence lengths, tiles and time slices are whatever it does; there
are no rules for kinds of pipelines here. `Passage` wraps the calls of its networks: each distinct one is followed by
the tracker the first time, and its figures are used again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import _disable_current_modes

from studio_kernel.domain.estimate import Attention, Offload
from studio_kernel.engines.diffusers.ladder import tiles
from studio_kernel.estimates.vram.networks import Network
from studio_kernel.estimates.vram.operators import as_on, replaced
from studio_kernel.estimates.vram.stand_ins import Shape, empty_like, exchanged
from studio_kernel.estimates.vram.trace import Stage
from studio_kernel.estimates.vram.tracker import Height, Tracker

_SCALARS = (bool, int, float, str)
_PROCESSORS = ("image_processor", "video_processor")


@dataclass(frozen=True, slots=True)
class _Followed:
    """What one call of a network did."""

    height: Height
    operation: str
    flops: int
    result: Any


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a network in the run."""

    network: str
    way: str
    before_bytes: int
    weights_bytes: int
    height: Height
    operation: str
    flops: int


class Passage:
    """The calls that a pipeline makes of its networks.

    Parameters
    ----------
    pipe : diffusers.DiffusionPipeline
        With networks on the meta device; it is of no use for anything else afterwards.
    networks : list of Network
        Instrumented with `tracker`.
    attention : {"fused", "math"}
        How it is computed.

    Attributes
    ----------
    calls : list of Call
        In their order.
    """

    def __init__(self, pipe: Any, networks: list[Network], tracker: Tracker, attention: Attention) -> None:
        self.calls: list[Call] = []
        self._pipe, self._networks, self._tracker, self._attention = pipe, networks, tracker, attention
        self._followed: dict[tuple[object, ...], _Followed] = {}
        self._precisions: dict[str, torch.dtype] = {}
        self._is_inside = False

    def run(self, arguments: dict[str, Any]) -> None:
        """Call the pipeline."""
        for network in self._networks:
            self._wrap(network)
        _drop_results(self._pipe, self._tracker)
        with as_on(self._tracker, self._attention), _on_the_cpu(), _all_nonzero(), torch.no_grad(), self._tracker:
            self._pipe(**arguments)

    def peaks(self) -> dict[Offload, int]:
        """Return the highest allocation with each placement."""
        weights = sum(self.weights().values())
        between = self._tracker.height.plain
        highest: dict[Offload, int] = {"none": weights + between, "model": between}
        highest |= {"sequential": between, "block": between}
        for call in self.calls:
            above, height = call.before_bytes, call.height
            highest["none"] = max(highest["none"], weights + above + height.plain)
            highest["model"] = max(highest["model"], call.weights_bytes + above + height.plain)
            highest["sequential"] = max(highest["sequential"], above + height.leaf)
            highest["block"] = max(highest["block"], above + height.block)
        return {placement: peak + self._tracker.kernels.workspace_bytes for placement, peak in highest.items()}

    def weights(self) -> dict[str, int]:
        """Return the most that each network's weights take: some are brought to another precision on the way."""
        sizes = {network.name: network.weights_bytes() for network in self._networks}
        for call in self.calls:
            sizes[call.network] = max(sizes[call.network], call.weights_bytes)
        return sizes

    def stages(self) -> tuple[Stage, ...]:
        """Return the kinds of calls, in the order of the first; of each the one that takes most."""
        kinds: dict[tuple[str, str], list[Call]] = {}
        for call in self.calls:
            kinds.setdefault((call.network, call.way), []).append(call)
        return tuple(map(_stage, kinds.values()))

    def _wrap(self, network: Network) -> None:
        ways = [way for way in ("encode", "decode") if network.is_autoencoder] or ["forward"]
        for way in ways:
            if hasattr(network.module, way):
                setattr(network.module, way, self._watched(network, way, getattr(network.module, way)))

    def _watched(self, network: Network, way: str, run: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **named: Any) -> Any:
            if self._is_inside:  # a network that is called by another one
                return run(*args, **named)
            return self._call(network, way, run, args, named)

        return watched

    def _call(self, network: Network, way: str, run: Callable[..., Any], args: Any, named: Any) -> Any:
        with _disable_current_modes():
            empty = _Emptied()
            args, named = exchanged(args, torch.Tensor, empty.of), exchanged(named, torch.Tensor, empty.of)
            self._tracker.disregard([*empty.tensors, *self._new_weights()])
            scalars = repr([value for value in (*args, *named.values()) if isinstance(value, _SCALARS)])
            key = (network.name, way, network.dtype, empty.signature, scalars)
        before = self._tracker.live_bytes
        if key not in self._followed:
            self._followed[key] = self._follow(network, _in_tiles(network, way, run, empty.tensors), args, named)
        followed = self._followed[key]
        self.calls.append(
            Call(
                network.name,
                way,
                before,
                network.weights_bytes(),
                followed.height,
                followed.operation,
                followed.flops,
            )
        )
        with _disable_current_modes():
            result = exchanged(followed.result, Shape, self._real)
        self._tracker.note()
        return result

    def _follow(self, network: Network, run: Callable[..., Any], args: Any, named: Any) -> _Followed:
        tracker, base, flops = self._tracker, self._tracker.live_bytes, self._tracker.flops
        outer = tracker.begin()
        tracker.block_bytes, tracker.dequantised_bytes = network.loose_bytes, network.dequantised_bytes
        self._is_inside = True
        try:
            result = run(*args, **named)
            with _disable_current_modes():
                result = exchanged(result, torch.Tensor, Shape.of)
        finally:
            self._is_inside = False
            tracker.block_bytes = tracker.dequantised_bytes = 0
            operation = tracker.operation
            height = tracker.end(outer, base)
        return _Followed(height, operation, tracker.flops - flops, result)

    def _new_weights(self) -> Iterator[torch.Tensor]:
        """Yield the weights of networks that were brought to another precision since: those are other tensors."""
        for network in self._networks:
            if self._precisions.get(network.name) != network.dtype:
                self._precisions[network.name] = network.dtype
                yield from (*network.module.parameters(), *network.module.buffers())

    def _real(self, shape: Shape) -> torch.Tensor:
        tensor = shape.on_cpu()
        self._tracker.count(tensor, shape.nbytes)
        return tensor


class _Emptied:
    """Tensors on their way into a network."""

    def __init__(self) -> None:
        self.tensors: list[torch.Tensor] = []

    def of(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return `tensor` without its contents."""
        self.tensors.append(empty_like(tensor))
        return self.tensors[-1]

    @property
    def signature(self) -> tuple[object, ...]:
        """What they look like."""
        return tuple((tuple(tensor.shape), tensor.dtype) for tensor in self.tensors)


def stage_name(network: str, way: str) -> str:
    """Return what a pipeline does when it calls `network`."""
    if way == "decode":
        return "decoding"
    if way == "encode" or network.startswith("image_encoder"):
        return "encoding"
    return "text encoding" if network.startswith("text_encoder") else "denoising"


def _stage(calls: list[Call]) -> Stage:
    worst = max(calls, key=lambda call: (call.before_bytes + call.height.plain, call.flops))
    return Stage(
        name=stage_name(worst.network, worst.way),
        component=worst.network,
        before_bytes=worst.before_bytes,
        peak_bytes=worst.height.plain,
        leaf_bytes=worst.height.leaf,
        block_bytes=worst.height.block,
        weights_bytes=worst.weights_bytes,
        operation=worst.operation,
        calls=len(calls),
        flops=worst.flops,
    )


def _in_tiles(network: Network, way: str, run: Callable[..., Any], given: list[torch.Tensor]) -> Callable[..., Any]:
    """Return a call of an autoencoder with the tiles that the engine makes, where tiling is on."""

    def tiled(*args: Any, **named: Any) -> Any:
        is_tiled = network.is_autoencoder and given
        with tiles(network.module, given[0], encodes=way == "encode") if is_tiled else nullcontext():
            return run(*args, **named)

    return tiled


def _drop_results(pipe: Any, tracker: Tracker) -> None:
    """Let the pipeline's post-processing compute without contents, and return nothing."""

    def postprocessed(*args: Any, **named: Any) -> list[Any]:
        with _disable_current_modes():
            pixels = empty_like(next(value for value in (*args, *named.values()) if isinstance(value, torch.Tensor)))
            tracker.disregard([pixels])
        (pixels * 0.5 + 0.5).clamp(0, 1)
        return []

    for name in _PROCESSORS:
        processor = getattr(pipe, name, None)
        for way in ("postprocess", "postprocess_video"):
            if hasattr(processor, way):
                setattr(processor, way, postprocessed)
    if hasattr(pipe, "run_safety_checker"):  # its weights count; it looks at 224 pixels
        pipe.run_safety_checker = lambda image, *_: (image, None)


@contextmanager
def _on_the_cpu() -> Iterator[None]:
    """Let pipelines put their own tensors on the CPU: those of their networks are nowhere."""
    from diffusers import DiffusionPipeline

    cpu = property(lambda _: torch.device("cpu"))
    with replaced({(DiffusionPipeline, "_execution_device"): cpu, (DiffusionPipeline, "device"): cpu}):
        yield


@contextmanager
def _all_nonzero() -> Iterator[None]:
    """Where a size depends on contents, take the largest."""
    import torch.fx.experimental._config as config

    before = config.meta_nonzero_assume_all_nonzero
    config.meta_nonzero_assume_all_nonzero = True
    try:
        yield
    finally:
        config.meta_nonzero_assume_all_nonzero = before
