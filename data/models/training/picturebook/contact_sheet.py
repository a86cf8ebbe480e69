"""Paint a labelled contact sheet: twenty prompts, four seeds each."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from PIL import Image, ImageDraw, ImageFont

PROMPTS = (
    "a red house in a meadow",
    "a yellow star in the night sky",
    "three blue fish in the sea",
    "a big pink heart on a white background",
    "a small green tree on the left, snow",
    "pixel art of a red car in a city",
    "a watercolor painting of a purple flower in a meadow",
    "neon cat at night",
    "line drawing of a rocket",
    "a boat at sunset",
    "two orange cats on a blue background",
    "a red mushroom in the mountains",
    "a blue circle to the left of a red square",
    "a yellow moon above a blue house, night sky",
    "a white cloud at the top, meadow",
    "a purple balloon over a green car",
    "a green triangle on a yellow background",
    "a brown house and a green tree in the snow",
    "neon pink heart",
    "a giant sun at the top, sunset",
)
LABEL_WIDTH, GAP = 120, 3


def paint(
    pipe: StableDiffusionPipeline, prompt: str, seeds: Sequence[int], steps: int = 25, guidance: float = 5.0
) -> list[Image.Image]:
    """Paint pictures of one prompt, one a seed."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    count = len(generators)
    result = pipe([prompt] * count, num_inference_steps=steps, guidance_scale=guidance, generator=generators)
    return result.images


def _label(draw: ImageDraw.ImageDraw, text: str, x: int, y: int, font: ImageFont.ImageFont) -> None:
    """Write a prompt in short lines."""
    line = ""
    for word in [*text.split(), ""]:
        if not word or draw.textlength(f"{line} {word}", font) > LABEL_WIDTH - 8:
            draw.text((x, y), line, fill="black", font=font)
            y, line = y + 14, word
        else:
            line = f"{line} {word}".strip()


def contact_sheet(rows: Sequence[Sequence[Image.Image]], labels: Sequence[str], columns: int = 2) -> Image.Image:
    """Arrange rows of pictures with their prompts in ``columns`` blocks side by side."""
    side, count = rows[0][0].width, len(rows[0])
    block = LABEL_WIDTH + count * (side + GAP) + 8
    lines = -(-len(rows) // columns)
    sheet = Image.new("RGB", (block * columns, lines * (side + GAP)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for i, (row, label) in enumerate(zip(rows, labels, strict=True)):
        x, y = block * (i // lines), (side + GAP) * (i % lines)
        _label(draw, label, x + 4, y + 8, font)
        for j, picture in enumerate(row):
            sheet.paste(picture, (x + LABEL_WIDTH + j * (side + GAP), y))
    return sheet


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3])
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--guidance", type=float, default=5.0)
    parser.add_argument("--prompts", nargs="+", default=list(PROMPTS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    pipe = StableDiffusionPipeline.from_pretrained(options.model)
    pipe.set_progress_bar_config(disable=True)
    rows = [paint(pipe, prompt, options.seeds, options.steps, options.guidance) for prompt in options.prompts]
    sheet = contact_sheet(rows, options.prompts)
    if options.out.suffix == ".webp":
        sheet.save(options.out, quality=82, method=6)
    else:
        sheet.save(options.out, optimize=True)
    print(f"{options.out}: {options.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
