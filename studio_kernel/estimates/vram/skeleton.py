"""A pipeline whose networks have shapes and no weights, and the arguments of the call that is asked for.

Built by the libraries from configurations on torch's ``meta`` device; nothing is read but those. Precision follows
what loading would leave: networks name modules that stay in 32 bits.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import torch
from PIL import Image

from studio_kernel.domain.tasks import Task
from studio_kernel.engines.diffusers.loading import AUTO_PIPELINES
from studio_kernel.engines.diffusers.steps import call_parameters
from studio_kernel.errors import ModelUnavailableError
from studio_kernel.estimates.vram.blueprint import Blueprint, Part
from studio_kernel.estimates.vram.operators import replaced
from studio_kernel.estimates.vram.subject import Subject
from studio_kernel.estimates.vram.tokens import LengthTokenizer

_DTYPES = ("float16", "bfloat16", "float32")
_USUAL_TOKENS = 512
_USUAL_SIDE = 512
_USUAL_GUIDANCE = 5.0
_PROMPT = "a red fox that sits on a wooden boat at dawn, mist over the lake, soft light, detailed fur, photograph"
_FIRST_VALUES = ("uniform_", "normal_", "trunc_normal_", "kaiming_uniform_", "xavier_uniform_", "zeros_", "ones_")
_STEPS = {"num_inference_steps": 2}
_HALF_OF_FOUR = {"num_inference_steps": 4, "strength": 0.5}
"""Two steps, with the pipelines that begin in the middle."""
_COUNTS = ("num_images_per_prompt", "num_videos_per_prompt")


def build(blueprint: Blueprint, dtype: str, dtypes: Mapping[str, str] | None = None) -> Any:
    """Return the pipeline of a blueprint, on the meta device.

    Parameters
    ----------
    dtype : str
        ``float16``, ``bfloat16`` or ``float32``.
    dtypes : mapping, optional
        Component → another one.

    Raises
    ------
    ModelUnavailableError
        When it names a class that there is not.
    """
    pipeline = _pipeline_class(blueprint.pipeline)
    own = {name: part.dtype for name, part in blueprint.parts.items() if part.dtype} | dict(dtypes or {})
    parts = {name: _built(part, own.get(name, dtype)) for name, part in blueprint.parts.items()}
    _give_lengths(parts)
    missing = {name: None for name in pipeline._get_signature_keys(pipeline)[0] if name not in parts}
    options = {name: value for name, value in blueprint.options.items() if name not in missing}
    made = pipeline(**parts, **missing, **options)
    made.set_progress_bar_config(disable=True)
    return made


def import_classes(blueprint: Blueprint) -> None:
    """Import all that `build` needs, which takes longer than anything after it.

    Raises
    ------
    ModelUnavailableError
        When it names a class that there is not.
    """
    _pipeline_class(blueprint.pipeline)
    for part in blueprint.parts.values():
        if not part.is_tokenizer:
            _class_of(part)


def of_task(pipe: Any, task: Task) -> Any:
    """Return the pipeline of `task`, sharing all components, as the engine chooses it."""
    import diffusers

    if task not in AUTO_PIPELINES:
        return pipe
    try:
        made = getattr(diffusers, AUTO_PIPELINES[task]).from_pipe(pipe)
    except ValueError:  # a kind of pipeline that diffusers has no variants of
        return pipe
    made.set_progress_bar_config(disable=True)
    return made


def arguments(pipe: Any, subject: Subject, usual: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of the call that `subject` describes.

    Parameters
    ----------
    pipe : diffusers.DiffusionPipeline
        Of the subject's task.
    usual : mapping
        What the blueprint gives where the subject says nothing.
    """
    known = call_parameters(pipe)
    sizes = {"width": subject.width, "height": subject.height, "num_frames": subject.num_frames}
    given: dict[str, Any] = {**usual, **{name: value for name, value in sizes.items() if value is not None}}
    given |= _HALF_OF_FOUR if "strength" in known else _STEPS
    given |= {"output_type": "np", **_texts(known, subject), **_guidance(known, subject)}
    if "image" in known:
        given |= _pictures(pipe, subject, given)
    if "generator" in known:
        given["generator"] = [torch.Generator("cpu").manual_seed(0) for _ in range(subject.num_images)]
    return {name: value for name, value in given.items() if name in known}


def _pipeline_class(name: str) -> Any:
    import diffusers

    found = getattr(diffusers, name, None)
    if found is None:
        raise ModelUnavailableError(f"diffusers {diffusers.__version__} has no {name!r}")
    return found


def _built(part: Part, dtype: str) -> Any:
    kind = None if part.is_tokenizer else _class_of(part)
    if kind is None:
        return LengthTokenizer(part.most_tokens or 0)
    if isinstance(kind, type) and issubclass(kind, torch.nn.Module):
        return _network(kind, part.config, dtype)
    if "Scheduler" in part.class_name:
        return kind.from_config(dict(part.config))
    return _processor(kind, part)


def _class_of(part: Part) -> Any:
    if part.library in ("diffusers", "transformers"):
        found = getattr(importlib.import_module(part.library), part.class_name, None)
    else:  # a class of a pipeline of diffusers; nothing else is imported
        import diffusers

        found = getattr(getattr(diffusers.pipelines, part.library, None), part.class_name, None)
    if found is None:
        raise ModelUnavailableError(f"there is no class {part.class_name!r} in {part.library!r}")
    return found


def _network(kind: Any, config: Mapping[str, Any], dtype: str) -> torch.nn.Module:
    if dtype not in _DTYPES:
        raise ModelUnavailableError(f"a network cannot be held in {dtype!r}; only in {', '.join(_DTYPES)}")
    as_it_is = {(torch.nn.init, name): _as_it_is for name in _FIRST_VALUES}  # filling nothing takes half of the time
    with torch.device("meta"), replaced(as_it_is):
        if hasattr(kind, "config_class"):
            made = kind(kind.config_class.from_dict(dict(config)))
        else:
            made = kind.from_config(dict(config))
    return _in_precision(made, getattr(torch, dtype))


def _as_it_is(tensor: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    return tensor


def _in_precision(network: Any, dtype: torch.dtype) -> torch.nn.Module:
    """Bring a network to `dtype`, but for the modules that loading leaves in 32 bits.

    Notes
    -----
    ``from_pretrained`` of diffusers 0.42 and transformers 5.23: ``_keep_in_fp32_modules_strict`` always,
    ``_keep_in_fp32_modules`` always in diffusers, with float16 alone in transformers.
    """
    from diffusers import ModelMixin

    torch.nn.Module.to(network, dtype)  # the networks' own would say that it does not keep those
    network.eval().requires_grad_(False)
    kept = set(getattr(network, "_keep_in_fp32_modules_strict", None) or ())
    if dtype == torch.float16 or isinstance(network, ModelMixin):
        kept |= set(getattr(network, "_keep_in_fp32_modules", None) or ())
    if dtype != torch.float32:
        for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
            if kept & set(name.split(".")) and tensor.is_floating_point():
                tensor.data = tensor.data.float()
    return network  # type: ignore[no-any-return]


def _processor(kind: Any, part: Part) -> Any:
    """Return what prepares pictures; `None` when its files are not there: a pipeline that needs it says so."""
    if part.folder is None:
        return None
    try:
        return kind.from_pretrained(part.folder, local_files_only=True)
    except (OSError, ValueError, ImportError):
        return None


def _give_lengths(parts: dict[str, Any]) -> None:
    """Let tokenizers without a limit have that of the network which they feed."""
    for name, part in parts.items():
        if isinstance(part, LengthTokenizer) and not part.model_max_length:
            fed = parts.get(name.replace("tokenizer", "text_encoder"))
            limit = getattr(getattr(fed, "config", None), "max_position_embeddings", None)
            part.model_max_length = min(limit or _USUAL_TOKENS, _USUAL_TOKENS)


def _texts(known: Mapping[str, Any], subject: Subject) -> dict[str, Any]:
    count = next((name for name in _COUNTS if name in known), None)
    if count is None and subject.num_images > 1:
        return {"prompt": [_PROMPT] * subject.num_images}
    return {"prompt": _PROMPT} | ({count: subject.num_images} if count else {})


def _guidance(known: Mapping[str, Any], subject: Subject) -> dict[str, Any]:
    """Return what switches classifier-free guidance on, or off.

    Models that take the scale as a condition ignore the negative prompt, and stay as they are.
    """
    if not subject.is_guided:
        return {"guidance_scale": 1.0, "true_cfg_scale": 1.0}
    usual = known["guidance_scale"].default if "guidance_scale" in known else None
    is_on = isinstance(usual, (int, float)) and usual > 1
    return {"negative_prompt": ""} | ({} if is_on or usual is None else {"guidance_scale": _USUAL_GUIDANCE})


def _pictures(pipe: Any, subject: Subject, given: Mapping[str, Any]) -> dict[str, Any]:
    if subject.task not in (Task.IMAGE_TO_IMAGE, Task.INPAINTING, Task.IMAGE_TO_VIDEO):
        return {}
    usual = _usual_side(pipe)
    size = (int(given.get("width") or usual), int(given.get("height") or usual))
    return {
        "image": Image.new("RGB", size),
        "mask_image": Image.new("L", size, 255),
        "width": size[0],
        "height": size[1],
    }


def _usual_side(pipe: Any) -> int:
    latent = getattr(getattr(getattr(pipe, "unet", None), "config", None), "sample_size", None)
    side = latent if isinstance(latent, int) else getattr(pipe, "default_sample_size", None)
    return int(side * pipe.vae_scale_factor) if isinstance(side, int) else _USUAL_SIDE
