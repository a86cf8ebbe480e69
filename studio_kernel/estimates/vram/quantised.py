"""How many bytes the weights of a network take when its linear layers are quantised.

Other layers keep their precision, and so do the modules that quantisers leave out: with the loaders of diffusers and
transformers those that a network wants in 32 bits (the output projections ``wo`` of T5), and heads.

Notes
-----
Bytes of a weight: bitsandbytes nf4 4 bits and a 32 bit scale for 64 weights, with double quantisation an 8 bit scale
and a 32 bit one for 256 of those; bitsandbytes int8 1 byte and a 32 bit scale for each row; fp8 and torchao's int8
1 byte; GGUF after the block layouts of ``ggml/src/ggml-common.h``, which nobody has held against a measurement here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import torch

from studio_kernel.errors import ModelUnavailableError

LARGE_PARAMETERS = 1_000_000_000
"""From so many on a text encoder is quantised with the denoiser."""
_HEAD = "lm_head"
"""The one module that is left out everywhere: it is tied to the embeddings."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """How one way of quantising stores a matrix.

    Attributes
    ----------
    of_weight : float
        Bytes of a weight, its share of scales included.
    of_row : int
        Bytes of each row beside that.
    is_dequantised : bool
        Whether a matrix is brought back to the compute precision when it is used.
    """

    of_weight: float
    of_row: int = 0
    is_dequantised: bool = True

    def bytes_of(self, matrix: torch.Tensor) -> float:
        """Return what a matrix takes."""
        return self.of_weight * matrix.numel() + self.of_row * matrix.shape[0]


SCHEMES = {
    "nf4": Scheme(1 / 2 + 4 / 64),
    "nf4-double": Scheme(1 / 2 + 1 / 64 + 4 / 64 / 256),
    "int8": Scheme(1, of_row=4, is_dequantised=False),
    "int8-torchao": Scheme(1, is_dequantised=False),
    "fp8": Scheme(1),
    "Q8_0": Scheme(34 / 32),
    "Q6_K": Scheme(210 / 256),
    "Q5_K": Scheme(176 / 256),
    "Q5_0": Scheme(22 / 32),
    "Q4_K": Scheme(144 / 256),
    "Q4_0": Scheme(18 / 32),
    "Q3_K": Scheme(110 / 256),
    "Q2_K": Scheme(84 / 256),
}


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
        One of `SCHEMES`.
    kept : collection of str, optional
        Modules that stay as they are, wherever they are; what the network wants in 32 bits when left out.

    Raises
    ------
    ModelUnavailableError
        When there is no such scheme.
    """
    if scheme not in SCHEMES:
        raise ModelUnavailableError(f"{scheme!r} is not a known quantisation; there are {', '.join(SCHEMES)}")
    wanted: Collection[str] = getattr(network, "_keep_in_fp32_modules", None) or ()
    linear = _linear_weights(network, wanted if kept is None else kept)
    others = (tensor for tensor in (*network.parameters(), *network.buffers()) if id(tensor) not in linear)
    resident = sum(tensor.nbytes for tensor in others)
    resident += int(sum(SCHEMES[scheme].bytes_of(weight) for weight in linear.values()))
    largest = max((weight.nbytes for weight in linear.values()), default=0)
    return QuantisedSize(resident, largest if SCHEMES[scheme].is_dequantised else 0)


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
