"""Train the text-conditioned UNet on latents of rendered scenes."""

from __future__ import annotations

import random
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor
from tqdm import tqdm
from transformers import CLIPTextModel, CLIPTokenizer

from . import scenes
from .common import AveragedWeights, Budget, Workers, advance, learning_rate, progress, to_tensor
from .gauge import Gauge, described
from .optimizer import build_optimizers
from .tokens import token_ids


@dataclass
class UNetSettings:
    """How to train the UNet."""

    cpu_seconds: float = 16000.0
    minutes: float | None = None
    steps: int | None = None
    learning_rate: float = 1.3e-3
    last_rate: float = 0.02
    optimizer: str = "muon"
    batch: int = 48
    pool: int = 4000
    pool_limit: int = 24000
    fresh: int = 4
    focus: float = 0.3
    dropped: float = 0.1
    average_every: int = 8
    save_every: float = 120.0
    device: str = "cpu"
    seed: int = 0


def build_scheduler() -> DDIMScheduler:
    """Make the noise schedule: v-prediction, sampled from pure noise downwards."""
    return DDIMScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        prediction_type="v_prediction",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        timestep_spacing="trailing",
    )


def build_unet(text_width: int) -> UNet2DConditionModel:
    """Make a UNet of 4.3 million parameters that also adds the pooled caption to the time embedding."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=16,
        in_channels=4,
        out_channels=4,
        block_out_channels=(48, 96, 128),
        layers_per_block=1,
        norm_num_groups=16,
        attention_head_dim=(2, 4, 4),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=text_width,
        addition_embed_type="text",
        addition_embed_type_num_heads=8,
    )
    torch.nn.init.zeros_(unet.conv_out.weight)
    torch.nn.init.zeros_(unet.conv_out.bias)
    return unet


class Pool:
    """Encoded scenes with encoded captions; old ones make room for fresh ones.

    Parameters
    ----------
    vae, encoder, tokenizer
        The frozen parts of the pipeline.
    rng : random.Random
        Source of scenes and wordings.
    limit : int
        Most scenes to hold.
    focus : float
        Share of scenes that are one sizeable flat object: a curriculum for shapes.
    """

    captions_a_scene = 2

    def __init__(
        self,
        vae: AutoencoderKL,
        encoder: CLIPTextModel,
        tokenizer: CLIPTokenizer,
        rng: random.Random,
        limit: int,
        focus: float,
    ) -> None:
        self.vae, self.encoder, self.tokenizer, self.rng, self.focus = vae, encoder, tokenizer, rng, focus
        self.latents: deque[Tensor] = deque(maxlen=limit)
        self.states: deque[Tensor] = deque(maxlen=limit)
        self.nothing = self._encode_text([""])[0].float()

    def _scene(self) -> scenes.Scene:
        scene = scenes.sample_scene(self.rng)
        if self.rng.random() < self.focus:
            while scene.layout != "one" or scene.things[0].size == "small" or scene.style != "flat" or scene.blurry:
                scene = scenes.sample_scene(self.rng)
        return scene

    @torch.no_grad()
    def _encode_text(self, captions: list[str]) -> Tensor:
        tokens = token_ids(self.tokenizer, captions).to(self.encoder.device)
        return self.encoder(tokens).last_hidden_state.half()

    @torch.no_grad()
    def grow(self, count: int) -> None:
        """Add fresh scenes."""
        fresh = [self._scene() for _ in range(count)]
        pictures = to_tensor(map(scenes.render, fresh))
        pictures = pictures.to(self.vae.device, memory_format=torch.channels_last)
        with torch.autocast(self.vae.device.type, dtype=torch.bfloat16):
            self.latents.extend(self.vae.encode(pictures).latent_dist.mean.half())
        captions = [scenes.caption(scene, self.rng) for scene in fresh for _ in range(self.captions_a_scene)]
        states = self._encode_text(captions)
        self.states.extend(states.view(count, self.captions_a_scene, *states.shape[1:]))

    def draw(self, count: int, dropped: float) -> tuple[Tensor, Tensor]:
        """Draw random latents with caption states; a share of the captions is left out for classifier-free guidance."""
        chosen = [self.rng.randrange(len(self.latents)) for _ in range(count)]
        latents = torch.stack([self.latents[i] for i in chosen]).float()
        states = [self.states[i][self.rng.randrange(self.captions_a_scene)].float() for i in chosen]
        states = [self.nothing if self.rng.random() < dropped else state for state in states]
        return latents, torch.stack(states)


def draw_times(count: int) -> Tensor:
    """Draw noise levels, stratified: four in ten uniform, the others gathered where shapes are decided (around 600)."""
    places = (torch.randperm(count) + torch.rand(count)) / count
    gathered = torch.sigmoid(0.4 + 1.1 * torch.special.ndtri(places.clamp(1e-4, 1 - 1e-4)))
    share = torch.where(torch.rand(count) < 0.4, places, gathered)
    return (share * 1000).long().clamp(0, 999)


def load_parts(base: Path, device: torch.device) -> tuple[CLIPTokenizer, CLIPTextModel, AutoencoderKL]:
    """Load the frozen parts, from a pipeline directory or a directory of trained stages."""
    tokenizer = CLIPTokenizer.from_pretrained(base / "tokenizer")
    encoder = CLIPTextModel.from_pretrained(base / "text_encoder", dtype=torch.float32)
    autoencoder = AutoencoderKL.from_pretrained(base / "vae", torch_dtype=torch.float32)
    for part in (encoder, autoencoder):
        part.to(device).eval().requires_grad_(False)
    autoencoder.to(memory_format=torch.channels_last)  # encodes a third faster on a CPU
    return tokenizer, encoder, autoencoder


def diffusion_loss(unet: UNet2DConditionModel, latents: Tensor, states: Tensor, kept: Tensor) -> Tensor:
    """Compute the mean square error of the predicted velocity at random noise levels."""
    times = draw_times(len(latents)).to(latents.device)
    noise = torch.randn_like(latents)
    signal, spread = kept[times].view(-1, 1, 1, 1).sqrt(), (1 - kept[times]).view(-1, 1, 1, 1).sqrt()
    with torch.autocast(latents.device.type, dtype=torch.bfloat16):
        predicted = unet(signal * latents + spread * noise, times, states).sample
    return (predicted.float() - (signal * noise - spread * latents)).pow(2).mean()


class Trainer:
    """The UNet with everything that trains it.

    Parameters
    ----------
    base : Path
        Directory that holds ``tokenizer``, ``text_encoder`` and ``vae``.
    settings : UNetSettings
        Budget and method.
    init : Path, optional
        Pipeline whose UNet to continue from.
    """

    def __init__(self, base: Path, settings: UNetSettings, init: Path | None = None) -> None:
        self.settings, self.device = settings, torch.device(settings.device)
        self.workers = Workers()
        self.workers.start()
        tokenizer, encoder, self.vae = load_parts(base, self.device)
        if init:
            self.unet = UNet2DConditionModel.from_pretrained(init, subfolder="unet", torch_dtype=torch.float32)
        else:
            self.unet = build_unet(encoder.config.hidden_size)
        self.unet.to(self.device).train()
        if self.device.type == "cpu":
            self.unet.set_attn_processor(AttnProcessor())  # trains a third faster on a CPU than the fused attention
        rng = random.Random(1000 * settings.seed + self.workers.rank)
        self.pool = Pool(self.vae, encoder, tokenizer, rng, settings.pool_limit, settings.focus)
        for _ in tqdm(range(0, settings.pool, 16), desc="drawing scenes", disable=not self.workers.first):
            self.pool.grow(16)
        if not init:
            self._set_scale()
        scheduler = build_scheduler()
        self.kept = scheduler.alphas_cumprod.to(self.device)
        self.pipe = StableDiffusionPipeline(
            vae=self.vae, text_encoder=encoder, tokenizer=tokenizer, unet=self.unet, scheduler=scheduler,
            safety_checker=None, feature_extractor=None, requires_safety_checker=False,
        )  # fmt: skip
        self.gauge = Gauge(self.pipe)
        self.optimizers = build_optimizers(self.unet, settings.learning_rate, settings.optimizer)
        self.average = AveragedWeights(self.unet.parameters())
        torch.manual_seed(100 + 7 * settings.seed + self.workers.rank)

    def _set_scale(self) -> None:
        """Note the factor that gives the latents unit variance."""
        scale = 1 / torch.stack(list(self.pool.latents)).float().std().cpu().view(1)
        self.workers.average([scale])
        self.vae.register_to_config(scaling_factor=round(scale.item(), 5))

    def step(self, factor: float) -> float:
        """Make one update with the learning rate times ``factor`` and return the loss."""
        settings = self.settings
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * factor
        if settings.fresh:
            self.pool.grow(settings.fresh)
        latents, states = self.pool.draw(settings.batch, settings.dropped)
        loss = diffusion_loss(self.unet, latents * self.vae.config.scaling_factor, states, self.kept)
        self.unet.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.unet.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
        self.average.update()
        return loss.item()

    def save(self, out: Path) -> str:
        """Save the pipeline with the averaged weights and describe how well it reads captions."""
        with self.average.applied():
            self.pipe.save_pretrained(out)
            return described(self.gauge.losses(self.unet))

    def run(self, out: Path) -> None:
        """Train until the budget is used, saving now and then."""
        settings, workers = self.settings, self.workers
        budget = Budget(settings.cpu_seconds, settings.steps, settings.minutes, clock=self.device.type == "cuda")
        bar = progress("unet", workers.first)
        step, fraction, mean, saved = 0, 0.0, 1.0, time.time()
        while True:
            if step % settings.average_every == 0 or settings.steps is not None:
                workers.average(self.unet.parameters())
                fraction = workers.highest(budget.fraction(step))
                if fraction >= 1:
                    break
            loss = self.step(learning_rate(fraction, step, settings.last_rate))
            step += 1
            mean += (loss - mean) / min(step, 100)
            advance(bar, fraction, f"step {step} cpu {budget.used:.0f} s loss {mean:.4f}")
            if workers.first and time.time() - saved > settings.save_every:
                bar.write(f"step {step} cpu {budget.used:.0f} s train {mean:.4f} | {self.save(out)}")
                saved = time.time()
        bar.close()
        workers.average(self.average.average)
        if workers.first:
            tqdm.write(f"step {step} cpu {budget.used:.0f} s train {mean:.4f} | {self.save(out)}")


def train_unet(base: Path, out: Path, settings: UNetSettings, init: Path | None = None) -> None:
    """Train the UNet and save a whole pipeline with the averaged weights.

    Parameters
    ----------
    base : Path
        Directory that holds ``tokenizer``, ``text_encoder`` and ``vae``.
    out : Path
        Pipeline directory to write (32-bit; :mod:`picturebook.pack` halves it).
    settings : UNetSettings
        Budget and method.
    init : Path, optional
        Pipeline whose UNet to continue from.
    """
    Trainer(base, settings, init).run(out)
