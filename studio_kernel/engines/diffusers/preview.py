"""Small pictures of latents on the way, without the cost of decoding them.

Most latents are close to a small picture with unusual colour axes, so a linear map to RGB shows enough. The map is
fitted once per loaded model, by least squares between smooth random latents and what the model's own decoder makes of
them; no constants per model family are needed. Latents that are no picture (packed in a sequence, video) have no
preview.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch
from PIL import Image

_SAMPLES, _COARSE, _SIDE = 8, 4, 8
"""Latents in the fit, and their side before and after smoothing: 128 independent points for 5 to 33 unknowns, and a
decoding of half a million pixels at most."""


class LatentPreview:
    """Latents to RGB for one loaded model.

    Parameters
    ----------
    vae : torch.nn.Module
        The model's autoencoder.
    """

    def __init__(self, vae: Any) -> None:
        self._vae = vae

    @property
    def has_map(self) -> bool:
        """Whether the map is fitted, or was tried to be: once per loaded model."""
        return "_map" in vars(self)

    def picture(self, latents: torch.Tensor) -> Image.Image | None:
        """Return a picture of the first of `latents`, one pixel per latent; `None` when they are no picture.

        Parameters
        ----------
        latents : torch.Tensor
            (batch, channels, height, width), as the pipeline has them between two steps.
        """
        if latents.ndim != 4 or latents.shape[1] != self._vae.config.get("latent_channels"):
            return None
        if hasattr(self._vae, "_hf_hook"):  # offloaded: decoding now would move the network at work off the device
            return None
        if self._map is None:
            return None
        first = latents[0].detach().float().cpu()
        first = first / first.std().clamp(min=1.0)  # early latents of sigma schedulers are noise of a large scale
        colours = torch.einsum("chw,cd->hwd", _with_one(first, dim=0), self._map)
        return Image.fromarray((colours.clamp(0, 1) * 255).round().to(torch.uint8).numpy())

    @cached_property
    def _map(self) -> torch.Tensor | None:
        try:
            return _fitted(self._vae)
        except (RuntimeError, TypeError, ValueError):  # a decoder that wants more than latents, or memory not there:
            return None  # a picture without previews is better than none


@torch.no_grad()
def _fitted(vae: Any) -> torch.Tensor:
    """Return the map from channels + 1 to RGB in 0 … 1, shape (channels + 1, 3)."""
    source = torch.Generator("cpu").manual_seed(0)
    channels = vae.config.latent_channels
    coarse = torch.randn(_SAMPLES, channels, _COARSE, _COARSE, generator=source)
    latents = torch.nn.functional.interpolate(coarse, size=_SIDE, mode="bilinear")
    decoded = vae.decode(_unscaled(vae, latents).to(vae.device, vae.dtype), return_dict=False)[0].float().cpu()
    if decoded.shape[1] != 3:
        raise ValueError(f"{decoded.shape[1]} channels are no colours")
    small = torch.nn.functional.interpolate(decoded.nan_to_num(), size=_SIDE, mode="area")
    known = _with_one(latents, dim=1).movedim(1, -1).flatten(0, 2)
    wanted = (small / 2 + 0.5).clamp(0, 1).movedim(1, -1).flatten(0, 2)
    solution: torch.Tensor = torch.linalg.lstsq(known, wanted).solution
    return solution


def _unscaled(vae: Any, latents: torch.Tensor) -> torch.Tensor:
    """Return `latents` as the decoder takes them, from the scale at which the pipeline has them."""
    config = vae.config
    scale, mean, std = config.get("scaling_factor") or 1.0, config.get("latents_mean"), config.get("latents_std")
    if mean is not None and std is not None:
        shape = (1, -1, 1, 1)
        return latents * torch.tensor(std).view(shape) / scale + torch.tensor(mean).view(shape)
    return latents / scale + (config.get("shift_factor") or 0.0)


def _with_one(latents: torch.Tensor, dim: int) -> torch.Tensor:
    """Return `latents` with one more channel of ones, for the constant of the map."""
    return torch.cat([latents, torch.ones_like(latents.narrow(dim, 0, 1))], dim=dim)
