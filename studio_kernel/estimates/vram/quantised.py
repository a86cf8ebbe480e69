"""How many bytes the weights of a network take when its linear layers are quantised.

For a network that has no files; `weights` counts those of files. What a matrix takes is in `quantisation`. Other layers
keep their precision, and so do the modules that quantisers leave out.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import torch

from studio_kernel.estimates.vram.quantisation import dequantised_bytes, matrix_bytes, scheme_of

LARGE_PARAMETERS = 1_000_000_000
"""From so many on a text encoder is quantised with the denoiser."""
_HEAD = "lm_head"
"""The one module that is left out everywhere: it is tied to the embeddings."""


@dataclass(frozen=True, slots=True)
class QuantisedSize:
    """The weights of a quantised network.

    Attributes
    ----------
    resident_bytes : int
        As they are held.
    dequantised_bytes : int
        Of the largest matrix that is brought back to compute with it; 0 where the kernel takes it as it is.
    """

    resident_bytes: int
    dequantised_bytes: int


def quantised_bytes(network: Any, scheme: str, kept: Collection[str] | None = None) -> QuantisedSize:
    """Return what `network` takes with its linear layers quantised.

    Parameters
    ----------
    network : torch.nn.Module
        In the precision that the rest keeps.
    scheme : str
        One of `quantisation.SCHEMES`.
    kept : collection of str, optional
        Modules that stay as they are, wherever they are; what the network wants in 32 bits when left out.

    Raises
    ------
    InvalidRequestError
        When there is no such scheme.
    """
    scheme = scheme_of(scheme)
    wanted: Collection[str] = getattr(network, "_keep_in_fp32_modules", None) or ()
    linear = _linear_weights(network, wanted if kept is None else kept)
    others = (tensor for tensor in (*network.parameters(), *network.buffers()) if id(tensor) not in linear)
    resident = sum(tensor.nbytes for tensor in others)
    resident += sum(matrix_bytes(tuple(weight.shape), scheme) for weight in linear.values())
    largest = (dequantised_bytes(tuple(weight.shape), scheme, weight.itemsize) for weight in linear.values())
    return QuantisedSize(resident, max(largest, default=0))


def is_quantised(name: str, network: torch.nn.Module) -> bool:
    """Whether a component of a pipeline is quantised with the model: denoisers and large text encoders."""
    if name.startswith(("transformer", "unet")):
        return True
    parameters = sum(weights.numel() for weights in network.parameters())
    return name.startswith("text_encoder") and parameters >= LARGE_PARAMETERS


def _linear_weights(network: torch.nn.Module, kept: Collection[str]) -> dict[int, torch.Tensor]:
    return {
        id(module.weight): module.weight
        for name, module in network.named_modules()
        if isinstance(module, torch.nn.Linear) and not _is_left_out(name.split("."), kept)
    }


def _is_left_out(path: list[str], kept: Collection[str]) -> bool:
    return _HEAD in path or not set(path).isdisjoint(kept)
