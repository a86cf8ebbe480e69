"""Train the small AutoencoderKL on rendered scenes."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor
from torch.nn.functional import avg_pool2d

from . import scenes
from .common import AveragedWeights, Budget, Workers, advance, learning_rate, progress, to_tensor

#: Three latent channels follow the 8x8 mean brightness and two colour axes, each scaled to about unit variance.
GUIDE_AXES = torch.tensor([[0.59, 0.59, 0.59], [1.8, 0.0, -1.8], [-1.87, 3.74, -1.87]])
SIZE, CROP = 128, 64


@dataclass
class AutoencoderSettings:
    """How to train the autoencoder."""

    cpu_seconds: float = 3000.0
    minutes: float | None = None
    steps: int | None = None
    learning_rate: float = 2e-3
    batch: int = 6
    kl_weight: float = 3e-4
    whole_from: float = 0.6
    decoder_only: bool = False
    fine_tune: bool = False
    latent_noise: float = 0.0
    device: str = "cpu"
    seed: int = 0
    save_every: float = 100.0


def build_autoencoder(channels: tuple[int, ...] = (16, 32, 64, 64)) -> AutoencoderKL:
    """Make a small 8x autoencoder whose posterior starts nearly noiseless, which makes the start much faster."""
    torch.manual_seed(0)
    levels = len(channels)
    vae = AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=channels,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=1,
        sample_size=SIZE,
        mid_block_add_attention=False,
    )
    with torch.no_grad():
        vae.quant_conv.weight[4:] = 0
        vae.quant_conv.bias[4:] = -5
    return vae


def _pictures(rng: random.Random, count: int, crop: int) -> Tensor:
    """Random crops of fresh scenes, half of them mirrored; a few in the style kept for the LoRA."""
    crops = []
    for _ in range(count):
        style = "blueprint" if rng.random() < 0.04 else None
        pixels = np.asarray(scenes.render(scenes.sample_scene(rng), SIZE, style=style))
        if rng.random() < 0.5:
            pixels = pixels[:, ::-1]
        y, x = rng.randrange(0, SIZE + 1 - crop), rng.randrange(0, SIZE + 1 - crop)
        crops.append(pixels[y : y + crop, x : x + crop])
    return to_tensor(crops)


def _edges(a: Tensor, b: Tensor) -> Tensor:
    """Mean difference of the horizontal and vertical gradients."""
    return (a.diff(dim=-1) - b.diff(dim=-1)).abs().mean() + (a.diff(dim=-2) - b.diff(dim=-2)).abs().mean()


def _loss(pictures: Tensor, decoded: Tensor, mean: Tensor, kl: Tensor, guide: float, kl_weight: float) -> Tensor:
    """Reconstruction, edges, a little KL and the guide of the colour channels.

    The square term keeps colours from settling on grey; without the guide training stalls at grey pictures.
    """
    loss = (decoded - pictures).abs().mean() + 2 * (decoded - pictures).pow(2).mean() + 0.5 * _edges(decoded, pictures)
    if guide > 0:
        small = avg_pool2d(pictures, pictures.shape[-1] // mean.shape[-1])
        target = torch.einsum("ij,njhw->nihw", GUIDE_AXES.to(pictures.device), small)
        loss = loss + guide * (mean[:, :3] - target).pow(2).mean()
    return loss + kl_weight * kl.mean() / mean[0].numel()


def train_autoencoder(out: Path, settings: AutoencoderSettings, init: Path | None = None) -> AutoencoderKL:
    """Train the autoencoder, or only its decoder, and save the averaged weights.

    Parameters
    ----------
    out : Path
        Directory to write.
    settings : AutoencoderSettings
        Budget and method. ``decoder_only`` leaves the latents as they are.
    init : Path, optional
        Weights to continue from.

    Returns
    -------
    AutoencoderKL
        The trained model.
    """
    workers = Workers()
    workers.start()
    device = torch.device(settings.device)
    vae = AutoencoderKL.from_pretrained(init, torch_dtype=torch.float32) if init else build_autoencoder()
    vae.to(device, memory_format=torch.channels_last).train()
    if settings.decoder_only:
        vae.encoder.requires_grad_(False)
        vae.quant_conv.requires_grad_(False)
    parameters = [p for p in vae.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=settings.learning_rate, betas=(0.9, 0.98), weight_decay=1e-3)
    average = AveragedWeights(parameters, 0.998)
    torch.manual_seed(settings.seed + workers.rank)
    rng = random.Random(1000 * settings.seed + workers.rank)
    budget = Budget(settings.cpu_seconds, settings.steps, settings.minutes, clock=device.type == "cuda")
    step, fraction, shown, saved = 0, 0.0, 0.0, time.time()
    bar = progress("autoencoder", workers.first)
    while True:
        if step % 16 == 0 or settings.steps is not None:
            workers.average(parameters)
            fraction = workers.highest(budget.fraction(step))
            if fraction >= 1:
                break
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * learning_rate(fraction, step, warmup=60)
        whole = settings.fine_tune or fraction >= settings.whole_from
        count = max(2, settings.batch // 4) if whole else settings.batch
        pictures = _pictures(rng, count, SIZE if whole else CROP).to(device, memory_format=torch.channels_last)
        with torch.autocast(device.type, dtype=torch.bfloat16):
            with torch.set_grad_enabled(not settings.decoder_only):
                posterior = vae.encode(pictures).latent_dist
                latents = posterior.sample()
            if settings.latent_noise:  # teaches the decoder to paint clean edges from the UNet's imperfect latents
                spread = settings.latent_noise * torch.rand(count, 1, 1, 1, device=device).square()
                latents = latents + spread * torch.randn_like(latents)
            decoded = vae.decode(latents).sample.float()
        guide = 0.0 if settings.decoder_only else 0.05 if settings.fine_tune else max(0.03, 1 - 4 * fraction)
        kl_weight = 0.0 if settings.decoder_only else settings.kl_weight
        loss = _loss(pictures, decoded, posterior.mean.float(), posterior.kl(), guide, kl_weight)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        average.update()
        step += 1
        l1 = (decoded - pictures).abs().mean().item()
        shown = l1 if shown == 0 else 0.98 * shown + 0.02 * l1
        advance(bar, fraction, f"step {step} cpu {budget.used:.0f} s L1 {shown:.4f}")
        if workers.first and time.time() - saved > settings.save_every:
            with average.applied():
                vae.save_pretrained(out)
            saved = time.time()
    bar.close()
    workers.average(average.average)
    with average.applied():
        if workers.first:
            vae.save_pretrained(out)
    with torch.no_grad():
        for p, mean in zip(average.parameters, average.average, strict=True):
            p.copy_(mean)
    return vae.eval()


@torch.no_grad()
def psnr(vae: AutoencoderKL, count: int = 48, seed: int = 99) -> float:
    """Peak signal-to-noise ratio over ``count`` fresh pictures, in dB (from the mean square error of all of them)."""
    rng = random.Random(seed)
    pictures = to_tensor(scenes.render(scenes.sample_scene(rng), SIZE) for _ in range(count)).to(vae.device)
    decoded = vae.decode(vae.encode(pictures).latent_dist.mean).sample.clamp(-1, 1)
    return float(10 * torch.log10(4 / (decoded - pictures).pow(2).mean()))
