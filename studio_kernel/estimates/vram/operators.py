"""Operators that a device computes in one kernel, and torch's stand-in without contents in many.

Without these a dry run is useless: SDXL's network would take 2.74 GiB in place of 0.32, because attention would write
its scores. `as_on` puts them into `torch.nn.functional` for a while; other threads of the process see them too, which
is why dry runs have a process of their own.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch.nn import functional
from torch.utils._python_dispatch import _disable_current_modes

from studio_kernel.domain.estimate import Attention
from studio_kernel.estimates.vram.tracker import HALF, Tracker, product_flops

_MATH_CHOICE = 0
"""`torch.nn.attention.SDPBackend.MATH`."""
_FULL_BYTES = 4
"""Of a value in 32 bits."""
_ALIGNED = 8
"""Attention kernels want rows of so many values, and copy what has others."""
_WIDEST_IN_REGISTERS = 128
"""Head size up to which the memory-efficient kernel accumulates without a buffer in 32 bits."""


@contextmanager
def replaced(changes: dict[tuple[Any, str], Any]) -> Iterator[None]:
    """Set attributes of classes and modules, and put the old ones back afterwards."""
    before = {place: vars(place[0])[place[1]] for place in changes}
    try:
        for (owner, name), value in changes.items():
            setattr(owner, name, value)
        yield
    finally:
        for (owner, name), value in before.items():
            setattr(owner, name, value)


def as_on(tracker: Tracker, attention: Attention) -> AbstractContextManager[None]:
    """Compute as the device of `tracker` does, as long as the context lasts."""
    changes: dict[tuple[Any, str], Any] = {
        (functional, "linear"): functools.partial(_linear, tracker, functional.linear),
        (functional, "scaled_dot_product_attention"): functools.partial(_attention, tracker, attention),
        (torch, "autocast"): functools.partial(_autocast, torch.autocast),
    }
    if tracker.kernels.fuses_rms_norm:
        changes[functional, "rms_norm"] = functools.partial(_rms_norm, tracker, functional.rms_norm)
    return replaced(changes)


def _linear(
    tracker: Tracker,
    real: Callable[..., torch.Tensor],
    input: torch.Tensor,  # noqa: A002 - the names are torch's
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
) -> torch.Tensor:
    """Multiply matrices in one operation; torch's own way asks the dispatcher five times."""
    if input.device.type != "meta":
        return real(input, weight, bias)
    if tracker.dequantised_bytes:
        tracker.note(min(tracker.dequantised_bytes, weight.nbytes), "dequantisation")
    is_plain = input.is_contiguous() and type(weight) is torch.nn.Parameter
    if not is_plain or input.shape[-1] != weight.shape[1]:  # torch says what does not fit
        return real(input, weight, bias)
    tracker.flops += product_flops(math.prod(input.shape[:-1]), input.shape[-1], weight.shape[0])
    return input.new_empty(*input.shape[:-1], weight.shape[0])


def _rms_norm(
    tracker: Tracker,
    real: Callable[..., torch.Tensor],
    input: torch.Tensor,  # noqa: A002
    normalized_shape: Any,
    weight: torch.Tensor | None = None,
    eps: float | None = None,
) -> torch.Tensor:
    """Write the result and a value for each row, in one kernel."""
    if input.device.type != "meta":
        return real(input, normalized_shape, weight, eps)
    tracker.note(_FULL_BYTES * input.numel() // math.prod(normalized_shape), "rms_norm")
    dtype = input.dtype if weight is None else torch.promote_types(input.dtype, weight.dtype)
    return torch.empty_like(input, dtype=dtype, memory_format=torch.contiguous_format)


def _attention(
    tracker: Tracker,
    attention: Attention,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> torch.Tensor:
    """Attend without scores in memory, or, where it has to be so, with them."""
    fits = query.shape[-1] == key.shape[-1] and key.shape[-2] == value.shape[-2]
    is_math = tracker.kernels.device == "cpu" and _cpu_takes_math(query, key, value, attn_mask)
    if attention == "math" or is_math or not fits:  # torch says what does not fit
        given = (query, key, value, attn_mask, dropout_p, is_causal, None)
        written = torch.ops.aten._scaled_dot_product_attention_math
        return written(*given, scale=scale, enable_gqa=enable_gqa)[0]  # type: ignore[no-any-return]
    result = _result(query, value)
    tracker.flops += _attention_flops(query, key, value)
    tracker.note(_attention_scratch(tracker, query, value, attn_mask), "attention")
    return result


def _result(query: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Return the result as the kernels lay it out: by position, then by head."""
    *outer, length, _ = query.shape
    if query.dim() != 4:
        return query.new_empty(*outer, length, value.shape[-1])
    batch, heads = outer
    return query.new_empty(batch, length, heads, value.shape[-1]).transpose(1, 2)


def _attention_flops(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> int:
    rows = math.prod(query.shape[:-1])
    return product_flops(rows, query.shape[-1], key.shape[-2]) + product_flops(rows, key.shape[-2], value.shape[-1])


def _attention_scratch(tracker: Tracker, query: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None) -> int:
    rows = math.prod(query.shape[:-1])
    scratch = rows * _FULL_BYTES  # logarithms of the sums
    if tracker.kernels.device == "cpu":
        return scratch
    is_flash = mask is None and query.dtype in HALF and query.shape[-1] <= tracker.kernels.largest_flash_head
    if is_flash and query.shape[-1] % _ALIGNED:
        scratch += 3 * query.nbytes
    if not is_flash and query.dtype in HALF and value.shape[-1] > _WIDEST_IN_REGISTERS:
        scratch += rows * value.shape[-1] * _FULL_BYTES
    return scratch + (_mask_scratch(query, mask) if mask is not None else 0)


def _mask_scratch(query: torch.Tensor, mask: torch.Tensor) -> int:
    """Return the copies that are made of a mask: one as numbers, one with aligned rows."""
    copies = (mask.dtype == torch.bool) + bool(mask.shape[-1] % _ALIGNED)
    return copies * mask.numel() * query.element_size()


def _cpu_takes_math(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None) -> bool:
    """Whether torch writes the scores on a CPU; it is asked with tensors of these shapes that nobody fills."""
    with _disable_current_modes():
        given = [torch.empty_strided(one.shape, one.stride(), dtype=one.dtype) for one in (query, key, value)]
        like = torch.empty_strided(mask.shape, mask.stride(), dtype=mask.dtype) if mask is not None else None
        choice: Callable[..., int] = torch._fused_sdp_choice
        return choice(*given, like) == _MATH_CHOICE


def _autocast(real: Callable[..., Any], device_type: str, *args: Any, **named: Any) -> AbstractContextManager[Any]:
    """Return torch's own context, which does not know tensors without contents."""
    return nullcontext() if device_type == "meta" else real(device_type, *args, **named)
