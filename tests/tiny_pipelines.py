"""A Stable Diffusion pipeline with random weights, small enough to run in milliseconds; its pictures show nothing.

Built once per test session; no test depends on the shipped model.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

SIDE = 64


def build() -> Any:
    """A pipeline in memory; the same weights every time."""
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        tokenizer = _tokenizer()
        text = CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=3,
            num_attention_heads=4,
            max_position_embeddings=32,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
        unet = UNet2DConditionModel(
            sample_size=SIDE // 8,
            block_out_channels=(16, 32),
            layers_per_block=1,
            norm_num_groups=4,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=32,
            attention_head_dim=8,
        )
        vae = AutoencoderKL(
            block_out_channels=(8, 8, 8, 8),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            norm_num_groups=4,
            sample_size=SIDE,
        )
        return StableDiffusionPipeline(
            vae=vae,
            text_encoder=CLIPTextModel(text),
            tokenizer=tokenizer,
            unet=unet,
            scheduler=DDIMScheduler(
                beta_start=0.00085,
                beta_end=0.012,
                beta_schedule="scaled_linear",
                clip_sample=False,
                set_alpha_to_one=False,
                steps_offset=1,
                prediction_type="v_prediction",
                timestep_spacing="trailing",
            ),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )


def build_xl(half: bool = True) -> Any:
    """A pipeline of the SDXL kind; in half precision, its autoencoder decodes in full precision."""
    import torch
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    small = build()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        text = small.text_encoder.config
        unet = _changed(
            small.unet,
            cross_attention_dim=2 * text.hidden_size,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=text.projection_dim + 6 * 8,
        )
        made = StableDiffusionXLPipeline(
            vae=_changed(small.vae, force_upcast=True),
            text_encoder=CLIPTextModel(text),
            text_encoder_2=CLIPTextModelWithProjection(text),
            tokenizer=small.tokenizer,
            tokenizer_2=small.tokenizer,
            unet=unet,
            scheduler=EulerDiscreteScheduler(),
            add_watermarker=False,
        )
    return made.to(dtype=torch.float16) if half else made


def build_flux() -> Any:
    """A pipeline of the Flux kind: its latents are packed in a sequence while it denoises."""
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel
    from transformers import T5Config, T5EncoderModel

    small = build()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        long = T5Config(vocab_size=len(small.tokenizer), d_model=32, d_ff=64, d_kv=8, num_layers=1, num_heads=4)
        transformer = FluxTransformer2DModel(
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            pooled_projection_dim=32,
            axes_dims_rope=(4, 4, 8),
        )
        return FluxPipeline(
            scheduler=FlowMatchEulerDiscreteScheduler(),
            vae=_changed(small.vae, shift_factor=0.1, use_quant_conv=False, use_post_quant_conv=False),
            text_encoder=small.text_encoder,
            tokenizer=small.tokenizer,
            text_encoder_2=T5EncoderModel(long).eval(),
            tokenizer_2=small.tokenizer,
            transformer=transformer,
        )


def save(directory: Path) -> Path:
    """Write the pipeline to `directory`."""
    build().save_pretrained(directory)
    return directory


def save_lora(file: Path, seed: int = 1) -> Path:
    """Write a LoRA for the pipeline's network, strong enough to be seen."""
    import torch
    from diffusers import StableDiffusionPipeline
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    unet = build().unet
    unet.add_adapter(LoraConfig(r=2, init_lora_weights=False, target_modules=["to_q", "to_k", "to_v", "to_out.0"]))
    source = torch.Generator("cpu").manual_seed(seed)
    weights = get_peft_model_state_dict(unet)
    random = {name: torch.randn(value.shape, generator=source) for name, value in weights.items()}
    StableDiffusionPipeline.save_lora_weights(file.parent, unet_lora_layers=random, weight_name=file.name)
    return file


def _changed(network: Any, **config: object) -> Any:
    """A new network like `network`, but for what is given."""
    own = {name: value for name, value in network.config.items() if not name.startswith("_")}
    return type(network)(**{**own, **config})


def _tokenizer() -> Any:
    """Byte-level, without merges: a token per byte."""
    from transformers import CLIPTokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    letters = list(bytes_to_unicode().values())
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: index for index, word in enumerate(words)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=32, pad_token="<|endoftext|>")
