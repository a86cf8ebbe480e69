"""What LoRA files add to the networks of a model, read from their headers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from studio_kernel.engines.diffusers import headers
from studio_kernel.engines.diffusers.checkpoint import inspect_safetensors
from studio_kernel.engines.diffusers.headers import Tensor
from studio_kernel.estimates.vram.single_file import DENOISERS

_DOWN = re.compile(r"(\.lora_A\.|\.lora_down\.|\.lora\.down\.|_lora\.down\.|lora_linear_layer\.down\.)")
_KOHYA = re.compile(r"lora_(unet|te(\d?)|transformer)_")
_FUSED = re.compile(r"(_|\.)(img_attn_|txt_attn_)?(qkv|in_proj)(_lora)?\.|(_|\.)(linear1)\.")
_PER_FUSED = {"qkv": 3, "in_proj": 3, "linear1": 4}


@dataclass(frozen=True, slots=True)
class AdapterWeights:
    """A LoRA file.

    Attributes
    ----------
    rank : int
        The largest of its matrices; 0 = none found, a file of another kind.
    components : mapping
        Component → bytes on top.
    """

    path: Path
    rank: int
    components: dict[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Such as ``LoRA blueprint``."""
        return f"LoRA {self.path.stem}"


def adapter_bytes(path: Path, networks: Iterable[str], value_bytes: int) -> AdapterWeights:
    """Return what a LoRA takes on top of the networks.

    Parameters
    ----------
    networks : iterable of str
        The model's components.
    value_bytes : int
        Of one value in the precision of the model: peft creates an adapter in the type of the layer that it adapts and
        copies the file into it. Measured with peft 0.21 and diffusers 0.42, float32 and bfloat16 files alike.

    Raises
    ------
    ModelUnavailableError, UnsafeFileError
        When the file is damaged, or could run code.
    """
    inspect_safetensors(path)
    known = tuple(networks)
    rank, components = 0, dict[str, int]()
    for tensor in headers.read(path).tensors:
        if tensor.name.endswith((".alpha", "__metadata__")):  # becomes a number
            continue
        if is_down := _DOWN.search(tensor.name) is not None:
            rank = max(rank, tensor.shape[0] if tensor.shape else 0)
        component = _component(tensor.name, known)
        copies = _copies(tensor) if is_down else 1
        components[component] = components.get(component, 0) + copies * tensor.loaded_bytes(value_bytes)
    return AdapterWeights(path, rank, components)


def _component(name: str, known: tuple[str, ...]) -> str:
    denoiser = next(_denoisers(known), "unet")
    if kohya := _KOHYA.match(name):
        if not kohya[1].startswith("te"):
            return denoiser
        wanted = "text_encoder_2" if kohya[2] == "2" else "text_encoder"
        return wanted if wanted in known else denoiser
    first = name.partition(".")[0]
    return first if first in known else denoiser


def _denoisers(known: tuple[str, ...]) -> Iterator[str]:
    return (name for name in DENOISERS if name in known)


def _copies(tensor: Tensor) -> int:
    """Return into how many layers diffusers copies a matrix: one that was trained on fused layers serves each part.

    Notes
    -----
    ``lora_conversion_utils.py`` of diffusers 0.42: query, key and value; in FLUX's single blocks the MLP as well.
    """
    fused = _FUSED.search(tensor.name)
    return _PER_FUSED[fused[3] or fused[6]] if fused else 1
