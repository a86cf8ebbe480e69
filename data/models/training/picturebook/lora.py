"""Train a small style LoRA ("in blueprint style", a look the base model never saw) and save it the diffusers way."""

from __future__ import annotations

import argparse
import random
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from diffusers.models.attention_processor import AttnProcessor
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict

from . import scenes
from .common import Budget, advance, learning_rate, progress, to_tensor
from .tokens import token_ids
from .unet import diffusion_loss

TARGETS = ["to_q", "to_k", "to_v", "to_out.0", "conv1", "conv2", "proj_in", "proj_out", "conv_in", "conv_out"]
TRIGGERS = ("in blueprint style", "blueprint style", "blueprint drawing")


@dataclass
class LoraSettings:
    """How to train the LoRA."""

    cpu_seconds: float = 300.0
    steps: int | None = None
    learning_rate: float = 2e-3
    pictures: int = 400
    rank: int = 8
    batch: int = 16
    seed: int = 5


def blueprint_caption(scene: scenes.Scene, rng: random.Random) -> str:
    """Word a scene with the blueprint style in place of its own."""
    scene.style, scene.blurry = "flat", False
    return f"{scenes.caption(scene, rng)}, {rng.choice(TRIGGERS)}"


def train_lora(model: Path, out: Path, settings: LoraSettings) -> int:
    """Train a LoRA of the UNet on blueprint pictures.

    Parameters
    ----------
    model : Path
        Pipeline directory.
    out : Path
        File to write, ``….safetensors``.
    settings : LoraSettings
        Budget and method.

    Returns
    -------
    int
        Bytes of the file.
    """
    torch.manual_seed(settings.seed)
    rng = random.Random(settings.seed)
    pipe = StableDiffusionPipeline.from_pretrained(model, dtype=torch.float32)
    unet = pipe.unet
    for part in (unet, pipe.vae, pipe.text_encoder):
        part.requires_grad_(False)
    unet.set_attn_processor(AttnProcessor())
    unet.add_adapter(
        LoraConfig(r=settings.rank, lora_alpha=settings.rank, init_lora_weights="gaussian", target_modules=TARGETS)
    )
    drawn = [scenes.sample_scene(rng) for _ in range(settings.pictures)]
    with torch.no_grad():
        pieces = to_tensor(scenes.render(scene, style="blueprint") for scene in drawn).split(32)
        latents = torch.cat([pipe.vae.encode(piece).latent_dist.mean for piece in pieces])
        latents = latents * pipe.vae.config.scaling_factor
        captions = [blueprint_caption(scene, rng) for scene in drawn]
        states = pipe.text_encoder(token_ids(pipe.tokenizer, captions)).last_hidden_state
        nothing = pipe.text_encoder(token_ids(pipe.tokenizer, [""])).last_hidden_state
    parameters = [p for p in unet.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=1e-3)
    kept, budget, step = pipe.scheduler.alphas_cumprod, Budget(settings.cpu_seconds, settings.steps), 0
    bar = progress("lora", True)
    while (fraction := budget.fraction(step)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * learning_rate(fraction, step, warmup=30)
        chosen = torch.randint(len(latents), (settings.batch,))
        read = torch.where((torch.rand(settings.batch) < 0.1).view(-1, 1, 1), nothing, states[chosen])
        loss = diffusion_loss(unet, latents[chosen], read, kept)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        step += 1
        advance(bar, fraction, f"step {step} loss {loss.item():.3f}")
    bar.close()
    layers = {name: weight.half() for name, weight in get_peft_model_state_dict(unet).items()}
    out.parent.mkdir(parents=True, exist_ok=True)
    StableDiffusionPipeline.save_lora_weights(out.parent, unet_lora_layers=layers, weight_name=out.name)
    return out.stat().st_size


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--cpu-seconds", type=float, default=LoraSettings.cpu_seconds)
    options = parser.parse_args()
    torch.set_num_threads(1)
    size = train_lora(options.model, options.out, LoraSettings(cpu_seconds=options.cpu_seconds))
    print(f"{options.out}: {size} bytes")


if __name__ == "__main__":
    main()
