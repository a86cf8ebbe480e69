"""A pipeline's network under a tracker: how many bytes its weights, blocks and layers are, and its equal blocks.

Weights are never read. Where their bytes are known better than from the skeleton – from the headers of files, or
quantised – the skeleton's are scaled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from studio_kernel.estimates.vram.blocks import BlockMemo, structure_of
from studio_kernel.estimates.vram.tracker import Tracker

_BLENDS = ("blend_v", "blend_h", "blend_t")
_PARTS_OF_AUTOENCODERS = ("encoder", "decoder")
"""Called once for each tile and time slice."""


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known of a module and all that is in it."""

    size: int
    structure: int


class Network:
    """A component of a pipeline.

    Parameters
    ----------
    name : str
        The pipeline's.
    module : torch.nn.Module
        On the meta device.
    loaded_bytes : int or None
        Of its weights as they are loaded, when that is known better.
    dequantised_bytes : int
        Most that a linear layer writes to compute with quantised weights; 0 = none.
    """

    def __init__(self, name: str, module: Any, loaded_bytes: int | None = None, dequantised_bytes: int = 0) -> None:
        self.name, self.module = name, module
        self.dequantised_bytes = dequantised_bytes
        self.loose_bytes = 0
        own = weights_bytes(module)
        self._scale = loaded_bytes / own if loaded_bytes is not None and own else 1.0
        self._sizes: dict[torch.dtype, int] = {}
        self._facts: dict[int, _Facts] = {}

    @property
    def is_autoencoder(self) -> bool:
        """Whether it is asked to ``encode`` and ``decode``."""
        return hasattr(self.module, "decode")

    @property
    def dtype(self) -> torch.dtype:
        """Of its first weights; pipelines change it between calls."""
        return next((weights.dtype for weights in self.module.parameters()), torch.float32)

    def weights_bytes(self) -> int:
        """Return the bytes of its weights now."""
        if self.dtype not in self._sizes:
            self._sizes[self.dtype] = int(weights_bytes(self.module) * self._scale)
        return self._sizes[self.dtype]

    def instrument(self, tracker: Tracker, memo: BlockMemo | None) -> None:
        """Let `tracker` know the layer and the block at work; with a `memo`, run equal blocks once."""
        self._describe(self.module)
        blocks, nested = _blocks(self.module)
        outer = [block for block in blocks if id(block) not in nested]
        self.loose_bytes = self._facts[id(self.module)].size - sum(self._facts[id(block)].size for block in outer)
        for block in blocks:
            if memo is not None:
                memo.remember(block, self._facts[id(block)].structure)
        for block in outer:
            _weigh_block(block, self._facts[id(block)].size + self.loose_bytes, tracker)
        if self.is_autoencoder:
            self._prepare_tiles(memo)
        for module in self.module.modules():
            own = int(sum(tensor.nbytes for tensor in _own_tensors(module)) * self._scale)
            if own:
                _weigh_layer(module, own, tracker)

    def _describe(self, module: torch.nn.Module) -> _Facts:
        children = [self._describe(child) for child in module.children()]
        own = int(sum(tensor.nbytes for tensor in _own_tensors(module)) * self._scale)
        structure = structure_of(module, tuple(child.structure for child in children))
        self._facts[id(module)] = facts = _Facts(own + sum(child.size for child in children), structure)
        return facts

    def _prepare_tiles(self, memo: BlockMemo | None) -> None:
        for name in _BLENDS:  # blending writes in place, row by row: thousands of operations that allocate nothing
            if hasattr(self.module, name):
                setattr(self.module, name, _second)
        for name in _PARTS_OF_AUTOENCODERS:
            part = getattr(self.module, name, None)
            if memo is not None and isinstance(part, torch.nn.Module):
                memo.remember(part, self._facts[id(part)].structure)


def weights_bytes(module: torch.nn.Module) -> int:
    """Return the bytes of all weights and buffers of a network; what is shared counts once."""
    return sum(tensor.nbytes for tensor in (*module.parameters(), *module.buffers()))


def _blocks(network: torch.nn.Module) -> tuple[list[torch.nn.Module], set[int]]:
    """Return the members of all lists of modules, and which of them are inside others."""
    blocks: dict[int, torch.nn.Module] = {}
    nested: set[int] = set()
    for module in network.modules():
        if isinstance(module, (torch.nn.ModuleList, torch.nn.Sequential)) and module is not network:
            for block in module.children():
                if id(block) not in blocks:
                    blocks[id(block)] = block
                    nested |= {id(inner) for inner in block.modules() if inner is not block}
    return list(blocks.values()), nested


def _weigh_block(block: torch.nn.Module, size: int, tracker: Tracker) -> None:
    run: Callable[..., Any] = block.forward

    def forward(*args: Any, **named: Any) -> Any:
        outer, tracker.block_bytes = tracker.block_bytes, size
        try:
            return run(*args, **named)
        finally:
            tracker.block_bytes = outer

    block.forward = forward


def _weigh_layer(layer: torch.nn.Module, size: int, tracker: Tracker) -> None:
    outer: list[int] = []

    def before(*_: Any) -> None:
        outer.append(tracker.leaf_bytes)
        tracker.leaf_bytes = size
        tracker.note(0, "weights")

    def after(*_: Any) -> None:
        tracker.leaf_bytes = outer.pop()

    layer.register_forward_pre_hook(before)
    layer.register_forward_hook(after, always_call=True)


def _own_tensors(module: torch.nn.Module) -> Iterator[torch.Tensor]:
    yield from (tensor for tensor in (*module._parameters.values(), *module._buffers.values()) if tensor is not None)


def _second(_first: torch.Tensor, second: torch.Tensor, _extent: int) -> torch.Tensor:
    return second
