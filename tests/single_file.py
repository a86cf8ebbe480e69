"""The tiny pipeline as one checkpoint in the layout of the original Stable Diffusion releases.

The reverse of what ``from_single_file`` does when it loads; for the block structure of `tiny_pipelines` only.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_UNET = {
    "conv_in.": "input_blocks.0.0.",
    "time_embedding.linear_1.": "time_embed.0.",
    "time_embedding.linear_2.": "time_embed.2.",
    "conv_norm_out.": "out.0.",
    "conv_out.": "out.2.",
    "mid_block.resnets.0.": "middle_block.0.",
    "mid_block.attentions.0.": "middle_block.1.",
    "mid_block.resnets.1.": "middle_block.2.",
    "down_blocks.0.resnets.0.": "input_blocks.1.0.",
    "down_blocks.0.downsamplers.0.conv.": "input_blocks.2.0.op.",
    "down_blocks.1.resnets.0.": "input_blocks.3.0.",
    "down_blocks.1.attentions.0.": "input_blocks.3.1.",
    "up_blocks.0.resnets.0.": "output_blocks.0.0.",
    "up_blocks.0.attentions.0.": "output_blocks.0.1.",
    "up_blocks.0.resnets.1.": "output_blocks.1.0.",
    "up_blocks.0.attentions.1.": "output_blocks.1.1.",
    "up_blocks.0.upsamplers.0.conv.": "output_blocks.1.2.conv.",
    "up_blocks.1.resnets.0.": "output_blocks.2.0.",
    "up_blocks.1.resnets.1.": "output_blocks.3.0.",
}
_VAE = [
    (r"down_blocks\.(\d)\.resnets\.", r"down.\1.block."),
    (r"down_blocks\.(\d)\.downsamplers\.0\.", r"down.\1.downsample."),
    (r"up_blocks\.(\d)\.resnets\.", lambda found: f"up.{3 - int(found[1])}.block."),
    (r"up_blocks\.(\d)\.upsamplers\.0\.", lambda found: f"up.{3 - int(found[1])}.upsample."),
    (r"mid_block\.resnets\.0\.", "mid.block_1."),
    (r"mid_block\.resnets\.1\.", "mid.block_2."),
    (r"mid_block\.attentions\.0\.group_norm", "mid.attn_1.norm"),
    (r"mid_block\.attentions\.0\.to_out\.0", "mid.attn_1.proj_out"),
    (r"mid_block\.attentions\.0\.to_([qkv])", r"mid.attn_1.\1"),
    (r"conv_norm_out", "norm_out"),
    (r"conv_shortcut", "nin_shortcut"),
]


def save(pipe: Any, file: Path) -> Path:
    """Write `pipe` as one checkpoint."""
    from safetensors.torch import save_file

    tensors = {f"model.diffusion_model.{_unet(name)}": value for name, value in pipe.unet.state_dict().items()}
    tensors |= {f"first_stage_model.{_vae(name)}": value for name, value in pipe.vae.state_dict().items()}
    prefix = "cond_stage_model.transformer.text_model."
    tensors |= {f"{prefix}{name}": value for name, value in pipe.text_encoder.state_dict().items()}
    save_file({name: value.contiguous() for name, value in tensors.items()}, file)
    return file


def _unet(name: str) -> str:
    start = next(known for known in _UNET if name.startswith(known))
    rest = name.removeprefix(start)
    if ".resnets." in start:
        layer, _, kind = rest.rpartition(".")
        rest = f"{_RESNET[layer]}.{kind}"
    return _UNET[start] + rest


def _vae(name: str) -> str:
    for pattern, replacement in _VAE:
        name = re.sub(pattern, replacement, name)
    return name
