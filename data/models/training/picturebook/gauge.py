"""How much does each word matter?  The loss with the right caption against captions with one word swapped."""

from __future__ import annotations

import argparse
import copy
import random
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from torch import Tensor

from . import scenes
from .common import to_tensor
from .tokens import token_ids

SWAPS = ("right", "object", "color", "background")


def gauge_scenes(count: int = 48, seed: int = 77) -> list[scenes.Scene]:
    """Draw flat single objects of at least medium size."""
    rng, chosen = random.Random(seed), []
    while len(chosen) < count:
        scene = scenes.sample_scene(rng)
        plain = scene.layout == "one" and scene.style == "flat" and not scene.blurry
        if plain and scene.things[0].size != "small":
            chosen.append(scene)
    return chosen


def swapped(scene: scenes.Scene, what: str) -> scenes.Scene:
    """Copy a scene with another object, colour or background."""
    scene, rng = copy.deepcopy(scene), random.Random(scene.seed)
    thing = scene.things[0]
    if what == "object":
        thing.kind = rng.choice([kind for kind in scenes.OBJECTS if kind != thing.kind])
    elif what == "color":
        thing.color = rng.choice([color for color in scenes.COLORS if color != thing.color])
    elif what == "background":
        scene.back = rng.choice([back for back in scenes.BACKS if back != scene.back])
    return scene


class Gauge:
    """Fixed scenes, noise and captions, so that checkpoints compare.

    Parameters
    ----------
    pipe : StableDiffusionPipeline
        Gives the autoencoder, the text encoder and the noise schedule.
    time : int
        Noise level of the comparison; shapes are decided around 700.
    """

    @torch.no_grad()
    def __init__(self, pipe: StableDiffusionPipeline, time: int = 700) -> None:
        chosen = gauge_scenes()
        latents = pipe.vae.encode(to_tensor(map(scenes.render, chosen)).to(pipe.device)).latent_dist.mean
        latents = latents * pipe.vae.config.scaling_factor
        noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(0)).to(pipe.device)
        keep = pipe.scheduler.alphas_cumprod[time].to(pipe.device)
        self.noisy = keep.sqrt() * latents + (1 - keep).sqrt() * noise
        self.target = keep.sqrt() * noise - (1 - keep).sqrt() * latents
        self.times = torch.full((len(chosen),), time, device=pipe.device)
        self.states = {}
        for swap in SWAPS:
            captions = [scenes.caption(swapped(scene, swap), random.Random(i)) for i, scene in enumerate(chosen)]
            tokens = token_ids(pipe.tokenizer, captions).to(pipe.device)
            self.states[swap] = pipe.text_encoder(tokens).last_hidden_state

    @torch.no_grad()
    def losses(self, unet: torch.nn.Module) -> dict[str, float]:
        """Measure the mean square error for each kind of caption."""

        def loss(states: Tensor) -> float:
            return float((unet(self.noisy, self.times, states).sample - self.target).pow(2).mean())

        return {swap: loss(states) for swap, states in self.states.items()}


def described(losses: dict[str, float]) -> str:
    """Write one line for people: the loss and by how much a wrong word raises it."""
    right = losses["right"]
    rises = [f"wrong {swap} {100 * (value / right - 1):+.0f} %" for swap, value in losses.items() if swap != "right"]
    return f"loss {right:.4f}, " + ", ".join(rises)


def main() -> None:
    """Print the gauge of a pipeline directory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--times", type=int, nargs="+", default=[300, 500, 700, 900])
    options = parser.parse_args()
    torch.set_num_threads(1)
    pipe = StableDiffusionPipeline.from_pretrained(options.model)
    for time in options.times:
        print(f"t={time}: {described(Gauge(pipe, time).losses(pipe.unet))}")


if __name__ == "__main__":
    main()
