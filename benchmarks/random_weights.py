"""Giving the skeleton of a pipeline real memory and random weights, so that it can be run and measured."""

from __future__ import annotations

from typing import Any

_SPREAD = 0.02
"""Standard deviation of the weights: small, so that nothing overflows in half precision."""


def fill(pipe: Any, device: str) -> Any:
    """Put all networks of `pipe`, which are on the meta device, on `device`, with random weights; return `pipe`."""
    import torch

    torch.manual_seed(0)
    for part in pipe.components.values():
        if isinstance(part, torch.nn.Module):
            _fill(part, device)
    return pipe


def _fill(network: Any, device: str) -> None:
    """Replace each tensor by hand: ``to_empty`` would part weights that are tied."""
    import torch

    made: dict[int, Any] = {}
    for module in network.modules():
        for name, weights in module._parameters.items():
            if weights is not None:
                if id(weights) not in made:
                    values = torch.empty_like(weights, device=device).normal_(0, _SPREAD)
                    made[id(weights)] = torch.nn.Parameter(values, requires_grad=False)
                module._parameters[name] = made[id(weights)]
        for name, values in module._buffers.items():
            if values is not None:
                module._buffers[name] = torch.zeros_like(values, device=device)
