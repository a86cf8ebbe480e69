"""Pipelines of well-known sizes with random weights, built from their configurations: nothing is downloaded.

Their pictures show nothing; what they cost is what the real ones cost. Sizes after the ``config.json`` files of
stable-diffusion-v1-5 and stable-diffusion-xl-base-1.0.
"""

from __future__ import annotations

from typing import Any

SIDES = {"tiny": 64, "sd15": 512, "sdxl": 1024}
"""Side of a picture in pixels."""


def build(name: str, device: str) -> Any:
    """Return the pipeline `name` on `device`: in half precision on CUDA, in single precision elsewhere."""
    import torch
    from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionPipeline, StableDiffusionXLPipeline
    from diffusers import UNet2DConditionModel as Network
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    tokenizer = _tokenizer()
    tokens = {
        "vocab_size": 49408,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float16 if device.startswith("cuda") else torch.float32)
    try:
        with torch.device(device):
            torch.manual_seed(0)
            unet, vae = Network(**_UNETS[name]), AutoencoderKL(**_VAES[name])
            texts = [CLIPTextConfig(**tokens, **config) for config in _TEXTS[name]]
            encoders = [CLIPTextModel(texts[0]), *map(CLIPTextModelWithProjection, texts[1:])]
    finally:
        torch.set_default_dtype(usual)
    betas = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
    scheduler = EulerDiscreteScheduler(**betas, steps_offset=1)
    parts = {"unet": unet, "vae": vae, "text_encoder": encoders[0], "tokenizer": tokenizer, "scheduler": scheduler}
    if len(encoders) == 2:
        second = {"text_encoder_2": encoders[1], "tokenizer_2": tokenizer}
        made = StableDiffusionXLPipeline(**parts, **second, add_watermarker=False)
    else:
        nothing = {"safety_checker": None, "feature_extractor": None}
        made = StableDiffusionPipeline(**parts, **nothing, requires_safety_checker=False)
    for network in (unet, vae, *encoders):
        network.eval().requires_grad_(False)
    made.set_progress_bar_config(disable=True)
    return made


def card_of(name: str) -> Any:
    """Return the model card of the pipeline `name`."""
    from studio_kernel.domain.model import ModelCard
    from studio_kernel.domain.parameters import standard
    from studio_kernel.domain.tasks import Task

    names = ("prompt", "negative_prompt", "seed", "guidance_scale", "num_inference_steps", "width", "height")
    return ModelCard(name, name, "random", "pipeline", (Task.TEXT_TO_IMAGE,), tuple(map(standard, names)))


_UNETS: dict[str, dict[str, Any]] = {
    "tiny": {
        "sample_size": 8,
        "block_out_channels": (16, 32),
        "layers_per_block": 1,
        "norm_num_groups": 4,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": 32,
        "attention_head_dim": 8,
    },
    "sd15": {
        "sample_size": 64,
        "block_out_channels": (320, 640, 1280, 1280),
        "cross_attention_dim": 768,
        "attention_head_dim": 8,
    },
    "sdxl": {
        "sample_size": 128,
        "block_out_channels": (320, 640, 1280),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "transformer_layers_per_block": [1, 2, 10],
        "attention_head_dim": [5, 10, 20],
        "cross_attention_dim": 2048,
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,
    },
}

_VAE: dict[str, Any] = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
}
_VAES: dict[str, dict[str, Any]] = {
    "tiny": {**_VAE, "block_out_channels": (8, 8, 8, 8), "norm_num_groups": 4, "layers_per_block": 1},
    "sd15": {**_VAE, "sample_size": 512},
    "sdxl": {**_VAE, "sample_size": 1024, "scaling_factor": 0.13025, "force_upcast": True},
}

_LARGE: dict[str, Any] = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12}
_BIG_G: dict[str, Any] = {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32}
_TEXTS: dict[str, list[dict[str, Any]]] = {
    "tiny": [{"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}],
    "sd15": [{**_LARGE, "num_attention_heads": 12}],
    "sdxl": [
        {**_LARGE, "num_attention_heads": 12, "projection_dim": 768},
        {**_BIG_G, "num_attention_heads": 20, "projection_dim": 1280, "hidden_act": "gelu"},
    ],
}


def _tokenizer() -> Any:
    """Return a tokenizer of 77 tokens, a token for each byte."""
    from transformers import CLIPTokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    letters = list(bytes_to_unicode().values())
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: index for index, word in enumerate(words)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77, pad_token="<|endoftext|>")
