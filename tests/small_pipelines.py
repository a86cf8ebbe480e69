"""Blueprints of small pipelines of several kinds, written as the configuration files of a diffusers directory.

There are no weights: `benchmarks.random_weights` gives a built one random ones.
"""

from __future__ import annotations

import json
from pathlib import Path

from studio_kernel.estimates.vram.blueprint import Blueprint, Part

_CLIP = {
    "hidden_size": 64,
    "intermediate_size": 256,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "vocab_size": 2000,
    "projection_dim": 64,
    "max_position_embeddings": 77,
    "eos_token_id": 2,
}
_T5 = {
    "d_model": 64,
    "d_ff": 256,
    "d_kv": 16,
    "num_heads": 4,
    "num_layers": 4,
    "vocab_size": 2000,
    "feed_forward_proj": "gated-gelu",
}
_VAE = {
    "block_out_channels": [32, 32, 64, 64],
    "layers_per_block": 1,
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
    "sample_size": 512,
}
_FLOW = Part("diffusers", "FlowMatchEulerDiscreteScheduler")


def _tokenizer(tokens: int) -> Part:
    return Part("transformers", "T5TokenizerFast", {"model_max_length": tokens})


SD = Blueprint(
    "StableDiffusionPipeline",
    {
        "unet": Part(
            "diffusers",
            "UNet2DConditionModel",
            {
                "sample_size": 64,
                "block_out_channels": [64, 128],
                "layers_per_block": 2,
                "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
                "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
                "cross_attention_dim": 64,
                "attention_head_dim": 4,
            },
        ),
        "vae": Part("diffusers", "AutoencoderKL", {**_VAE, "latent_channels": 4}),
        "text_encoder": Part("transformers", "CLIPTextModel", _CLIP),
        "tokenizer": _tokenizer(77),
        "scheduler": Part("diffusers", "DDIMScheduler", {"clip_sample": False, "steps_offset": 1}),
    },
    {"requires_safety_checker": False},
)
FLUX = Blueprint(
    "FluxPipeline",
    {
        "transformer": Part(
            "diffusers",
            "FluxTransformer2DModel",
            {
                "num_layers": 2,
                "num_single_layers": 4,
                "num_attention_heads": 4,
                "attention_head_dim": 64,
                "joint_attention_dim": 64,
                "pooled_projection_dim": 64,
                "axes_dims_rope": [8, 28, 28],
                "guidance_embeds": True,
            },
        ),
        "vae": Part(
            "diffusers",
            "AutoencoderKL",
            {**_VAE, "latent_channels": 16, "use_quant_conv": False, "use_post_quant_conv": False, "shift_factor": 0.1},
        ),
        "text_encoder": Part("transformers", "CLIPTextModel", _CLIP),
        "text_encoder_2": Part("transformers", "T5EncoderModel", _T5),
        "tokenizer": _tokenizer(77),
        "tokenizer_2": _tokenizer(512),
        "scheduler": _FLOW,
    },
)
LTX = Blueprint(
    "LTXPipeline",
    {
        "transformer": Part(
            "diffusers",
            "LTXVideoTransformer3DModel",
            {
                "in_channels": 128,
                "out_channels": 128,
                "num_attention_heads": 4,
                "attention_head_dim": 64,
                "cross_attention_dim": 256,
                "num_layers": 4,
                "caption_channels": 64,
            },
        ),
        "vae": Part(
            "diffusers",
            "AutoencoderKLLTXVideo",
            {
                "block_out_channels": [32, 64, 128, 128],
                "decoder_block_out_channels": [32, 64, 128, 128],
                "layers_per_block": [1, 1, 1, 1, 1],
                "decoder_layers_per_block": [1, 1, 1, 1, 1],
            },
        ),
        "text_encoder": Part("transformers", "T5EncoderModel", _T5),
        "tokenizer": _tokenizer(128),
        "scheduler": _FLOW,
    },
)
WAN = Blueprint(
    "WanPipeline",
    {
        "transformer": Part(
            "diffusers",
            "WanTransformer3DModel",
            {
                "attention_head_dim": 64,
                "num_attention_heads": 4,
                "ffn_dim": 512,
                "num_layers": 4,
                "in_channels": 16,
                "out_channels": 16,
                "text_dim": 64,
            },
        ),
        "vae": Part("diffusers", "AutoencoderKLWan", {"base_dim": 32}),
        "text_encoder": Part("transformers", "UMT5EncoderModel", _T5),
        "tokenizer": _tokenizer(512),
        "scheduler": Part(
            "diffusers",
            "UniPCMultistepScheduler",
            {"prediction_type": "flow_prediction", "use_flow_sigmas": True, "flow_shift": 5.0},
        ),
    },
)


def write(blueprint: Blueprint, directory: Path) -> Path:
    """Write the configuration files of a pipeline, and no weights."""
    index = {"_class_name": blueprint.pipeline, **blueprint.options}
    for name, part in blueprint.parts.items():
        index[name] = [part.library, part.class_name]
        folder = directory / name
        folder.mkdir(parents=True)
        file = "scheduler_config" if name == "scheduler" else "tokenizer_config" if part.is_tokenizer else "config"
        (folder / f"{file}.json").write_text(json.dumps(dict(part.config)))
    (directory / "model_index.json").write_text(json.dumps(index))
    return directory
