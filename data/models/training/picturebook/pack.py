"""Write a trained pipeline as 16-bit safetensors and print what it weighs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL, StableDiffusionPipeline


def _tidy(path: Path, **changes: object) -> None:
    """Rewrite a JSON file with changes and without traces of the training directory."""
    config = json.loads(path.read_text(encoding="utf-8"))
    config.pop("_name_or_path", None)
    config.update(changes)
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def pack(model: Path, out: Path, vae: Path | None = None) -> int:
    """Halve the weights of a pipeline.

    Parameters
    ----------
    model : Path
        Trained pipeline directory.
    out : Path
        Directory to write.
    vae : Path, optional
        An autoencoder with the same latents, such as one with a sharpened decoder, to use instead of the pipeline's.

    Returns
    -------
    int
        Bytes of the packed directory.
    """
    pipe = StableDiffusionPipeline.from_pretrained(model, dtype=torch.float32)
    if vae is not None:
        scale = pipe.vae.config.scaling_factor
        pipe.vae = AutoencoderKL.from_pretrained(vae, torch_dtype=torch.float32)
        pipe.vae.register_to_config(scaling_factor=scale)
    pipe.to(torch.float16).save_pretrained(out)
    # transformers takes the dtype from its own file: without "float32" the text encoder alone would load as 16-bit
    # and a plain from_pretrained(dir) would fail on the CPU
    _tidy(out / "text_encoder" / "config.json", dtype="float32")
    for part in ("vae", "unet"):
        _tidy(out / part / "config.json")
    _tidy(out / "model_index.json")
    return sum(path.stat().st_size for path in out.rglob("*") if path.is_file())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--vae", type=Path)
    options = parser.parse_args()
    print(f"{pack(options.model, options.out, options.vae) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
