"""Which tensor of a single-file checkpoint belongs to which component, by the start of its name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from studio_kernel.engines.diffusers.headers import Tensor

DENOISERS = ("unet", "transformer", "transformer_2", "prior")
"""What diffusers calls the network that takes the steps."""

_DENOISER = ("model.diffusion_model.", "diffusion_model.", "net.")
_VAE = ("first_stage_model.", "vae.")
_OTHERS = ("model_ema.", "control_model.", "embedding_manager.")
_NAMED = re.compile(r"text_encoders\.([^.]+)\.")
_NUMBERED = re.compile(r"conditioner\.embedders\.(\d+)\.")
_LAYER = re.compile(r"\.resblocks\.(\d+)\.")


def split(tensors: Iterable[Tensor], classes: Mapping[str, str]) -> dict[str, list[Tensor]]:
    """Return the tensors of each component; those of none, such as a noise schedule, are left out.

    Parameters
    ----------
    classes : mapping
        Component → class, as the configuration of the pipeline has it.

    Notes
    -----
    The names are those of the original releases (Stable Diffusion, SDXL, SD3, FLUX, LTX-Video) and of files that carry
    their text encoders along. A file with nothing of the kind holds the denoising network alone.
    """
    tensors = tuple(tensors)
    encoders = [name for name in classes if name.startswith("text_encoder")]
    denoiser = next((name for name in DENOISERS if name in classes), "unet")
    is_bare = not any(tensor.name.startswith((*_DENOISER, *_VAE, "cond_stage_model.")) for tensor in tensors)
    found: dict[str, list[Tensor]] = {}
    for tensor in tensors:
        component = _component(tensor.name, denoiser, encoders, classes, is_bare)
        if component in classes:
            found.setdefault(component, []).append(tensor)
    return found


def is_beyond(name: str, layers: int) -> bool:
    """Whether a tensor is of a layer that the model leaves out: Stable Diffusion 2 uses 23 of 24 layers."""
    layer = _LAYER.search(name)
    return layer is not None and int(layer[1]) >= layers


def _component(name: str, denoiser: str, encoders: list[str], classes: Mapping[str, str], is_bare: bool) -> str:
    if name.startswith(_DENOISER):
        return denoiser
    if name.startswith(_VAE):
        return "vae"
    if name.startswith("cond_stage_model."):
        return encoders[0] if encoders else ""
    if numbered := _NUMBERED.match(name):
        return encoders[int(numbered[1])] if int(numbered[1]) < len(encoders) else ""
    if named := _NAMED.match(name):
        return _encoder(named[1], encoders, classes)
    return denoiser if is_bare and not name.startswith(_OTHERS) else ""


def _encoder(short: str, encoders: list[str], classes: Mapping[str, str]) -> str:
    """Return the text encoder that files call `short`, such as ``t5xxl``."""
    clips = [name for name in encoders if classes[name].startswith("CLIP")]
    others = [name for name in encoders if name not in clips]
    if short.startswith("clip_l"):
        return clips[0] if clips else ""
    if short.startswith("clip_g"):
        return clips[-1] if clips else ""
    return others[0] if others else ""
