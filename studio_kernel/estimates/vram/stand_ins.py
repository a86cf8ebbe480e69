"""Tensors that stand for others, at the border between a pipeline and its networks.

A pipeline's own tensors are real and on the CPU, those inside its networks have no contents. On the way in a tensor
loses its contents, on the way out it becomes a real one again: zeros where it is small, one zero that is repeated
where it is large.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

_DEEPEST = 6
"""So many objects inside each other are looked through for tensors."""
_SMALL_BYTES = 65536
"""Tensors below that are real: pipelines read masks, lengths and timesteps."""
_LEAVES = (bool, int, float, str, bytes, torch.dtype, torch.device, type, torch.nn.Module)


@dataclass(frozen=True, slots=True)
class Shape:
    """A tensor that a network returned, without it: nothing stays alive."""

    sizes: tuple[int, ...]
    dtype: torch.dtype
    nbytes: int

    @classmethod
    def of(cls, tensor: torch.Tensor) -> Shape:
        """Describe a tensor."""
        return cls(tuple(tensor.shape), tensor.dtype, tensor.nbytes)

    def on_cpu(self) -> torch.Tensor:
        """Return a real tensor like it."""
        if self.nbytes < _SMALL_BYTES:
            return torch.zeros(self.sizes, dtype=self.dtype)
        return torch.zeros(1, dtype=self.dtype).expand(self.sizes)


def empty_like(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor laid out like this one, without contents."""
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")


def exchanged(value: Any, kind: type, exchange: Callable[[Any], Any], depth: int = 0) -> Any:
    """Return `value` with everything of a kind in it exchanged, also inside the results and objects of libraries."""
    if isinstance(value, kind):
        return exchange(value)
    if value is None or isinstance(value, _LEAVES) or depth > _DEEPEST:
        return value

    def inner(item: Any) -> Any:
        return exchanged(item, kind, exchange, depth + 1)

    if isinstance(value, dict):
        items = {name: inner(item) for name, item in value.items()}
        is_own_kind = isinstance(value, OrderedDict) and type(value) is not OrderedDict
        return type(value)(**items) if is_own_kind else items
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(inner, value))
    if isinstance(value, (list, tuple)):
        return type(value)(map(inner, value))
    if hasattr(value, "__dict__") and not callable(value):
        changed = copy.copy(value)
        changed.__dict__.update({name: inner(item) for name, item in vars(value).items()})
        return changed
    return value
