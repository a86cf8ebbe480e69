"""Train the whole model from nothing: text encoder, autoencoder, UNet, sharper decoder, packing and contact sheet.

Every stage reads what the one before it left in the work directory, so a stopped run goes on with ``--stages``.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from diffusers import AutoencoderKL, StableDiffusionPipeline

from .autoencoder import AutoencoderSettings, psnr, train_autoencoder
from .common import Workers
from .contact_sheet import PROMPTS, contact_sheet, paint
from .gauge import Gauge, described
from .lora import LoraSettings, train_lora
from .pack import pack
from .text_encoder import TextSettings, train_text_encoder
from .unet import UNetSettings, train_unet

STAGES = ("text", "vae", "unet", "decoder", "pack", "sheet", "lora")
#: Share of ``--cpu-seconds`` for each stage that trains.
SHARES = {"text": 0.02, "vae": 0.14, "unet": 0.72, "decoder": 0.1, "lora": 0.02}


class Recipe:
    """The stages, in order, over one work directory.

    Parameters
    ----------
    work : Path
        Keeps what the stages leave for each other.
    out : Path
        The packed pipeline.
    cpu_seconds : float
        Seconds of computing for all stages together, of each worker; seconds on the clock with a GPU.
    device : str
        ``cpu`` or ``cuda``.
    smoke : bool
        Run a couple of tiny steps of everything, only to see that it works.
    """

    def __init__(self, work: Path, out: Path, cpu_seconds: float, device: str = "cpu", smoke: bool = False) -> None:
        self.work, self.out, self.device, self.smoke = work, out, device, smoke
        self.seconds = {stage: share * cpu_seconds for stage, share in SHARES.items()}
        self.workers = Workers()
        work.mkdir(parents=True, exist_ok=True)

    @property
    def _steps(self) -> int | None:
        return 2 if self.smoke else None

    def text(self) -> None:
        """Train tokenizer and text encoder; seconds are enough, so one worker does it."""
        if not self.workers.first:
            return
        settings = TextSettings(cpu_seconds=self.seconds["text"], steps=self._steps)
        if self.smoke:
            settings.captions, settings.merges, settings.batch = 300, 200, 8
        self._say(f"told right: {train_text_encoder(self.work, settings)}")

    def vae(self) -> None:
        """Train the autoencoder."""
        settings = AutoencoderSettings(cpu_seconds=self.seconds["vae"], steps=self._steps, device=self.device)
        self._report_psnr(train_autoencoder(self.work / "vae", settings))

    def unet(self) -> None:
        """Train the conditional UNet; leaves a 32-bit pipeline."""
        settings = UNetSettings(cpu_seconds=self.seconds["unet"], steps=self._steps, device=self.device)
        if self.device == "cuda":
            settings.batch, settings.pool, settings.pool_limit, settings.fresh = 512, 40000, 100000, 64
        if self.smoke:
            settings.batch, settings.pool, settings.fresh = 4, 16, 1
        train_unet(self.work, self.work / "pipeline", settings)

    def decoder(self) -> None:
        """Sharpen the decoder for the same latents."""
        settings = AutoencoderSettings(
            cpu_seconds=self.seconds["decoder"], steps=self._steps, device=self.device, decoder_only=True,
            fine_tune=True, latent_noise=0.3, learning_rate=7e-4, seed=1, batch=12,
        )  # fmt: skip
        self._report_psnr(train_autoencoder(self.work / "vae_sharp", settings, init=self.work / "vae"))

    def pack(self) -> None:
        """Write the pipeline directory in 16 bits."""
        if self.workers.first:
            size = pack(self.work / "pipeline", self.out, self.work / "vae_sharp")
            pipe = StableDiffusionPipeline.from_pretrained(self.out)
            self._say(f"{size / 1e6:.2f} MB; t=700: {described(Gauge(pipe).losses(pipe.unet))}")

    def sheet(self) -> None:
        """Paint the contact sheet."""
        if not self.workers.first:
            return
        pipe = StableDiffusionPipeline.from_pretrained(self.out).to(self.device)
        pipe.set_progress_bar_config(disable=True)
        prompts, seeds, steps = (PROMPTS[:2], (0,), 2) if self.smoke else (PROMPTS, (0, 1, 2, 3), 25)
        rows = [paint(pipe, prompt, seeds, steps) for prompt in prompts]
        contact_sheet(rows, prompts).save(self.work / "contact-sheet.png", optimize=True)

    def lora(self) -> None:
        """Train the example LoRA."""
        if self.workers.first:
            settings = LoraSettings(cpu_seconds=self.seconds["lora"], steps=self._steps)
            if self.smoke:
                settings.pictures, settings.batch = 4, 2
            train_lora(self.out, self.work / "blueprint.safetensors", settings)

    def run(self, stages: list[str]) -> None:
        """Run the chosen stages in order."""
        self.workers.start()
        for stage in STAGES:
            if stage not in stages:
                continue
            began, clock = time.process_time(), time.time()
            work: Callable[[], None] = getattr(self, stage)
            work()
            self.workers.wait()
            self._say(f"{stage}: {time.process_time() - began:.0f} CPU s, {time.time() - clock:.0f} s on the clock")

    def _say(self, text: str) -> None:
        if self.workers.first:
            print(text, flush=True)

    def _report_psnr(self, vae: AutoencoderKL) -> None:
        if self.workers.first:
            self._say(f"PSNR {psnr(vae, 4 if self.smoke else 48):.1f} dB")


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("build/training"), help="what the stages leave behind")
    parser.add_argument("--out", type=Path, default=Path("build/training/model"), help="the packed pipeline")
    parser.add_argument("--cpu-seconds", type=float, default=9000.0, help="for all stages, of each worker")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--smoke", action="store_true", help="a couple of steps of everything")
    options = parser.parse_args(arguments)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    torch.set_num_threads(1)
    Recipe(options.work, options.out, options.cpu_seconds, options.device, options.smoke).run(options.stages)
    return 0


if __name__ == "__main__":
    sys.exit(main())
