"""What the inputs of services are called here, and where a form shows them; the same for every way they are read in."""

from __future__ import annotations

import re
from collections.abc import Mapping

from studio_kernel.catalog.entries import ParameterEntry, stated
from studio_kernel.domain.parameters import MEDIA_TYPES, STANDARD, Group, Parameter, ParameterType
from studio_kernel.domain.values import freeze
from studio_kernel.errors import Problem

OWN_KEYS: Mapping[str, str] = {"api_key": "openai"}
"""Inputs that are keys, and whose: left out of requests, which are logged; the engine may send them."""
INLINE = "sync_mode"
OPTIONS = frozenset(
    {"model", "task", "project", "private", "accept_unknown_price", "progress"}  # of a run
    | {"axes", "where", "seeds", "paired", "exact", "batch_size", "start", "resume"}  # of a sweep
)
"""What is said beside the parameters of a request, so that no parameter can be called by it."""
SPELLINGS: Mapping[str, str] = {"model": "model_version", "task": "task_type"}
"""Inputs of these names, and what they are called in a request."""
UNITS: Mapping[str, str] = {
    "duration": "s",
    "duration_seconds": "s",
    "seconds_start": "s",
    "seconds_total": "s",
    "music_length_ms": "ms",
}
_NAMES: Mapping[Group, str] = {
    "prompt": (
        "prompt negative_prompt text lyrics lyrics_prompt tags multi_prompt structured_prompt system_prompt style "
        "style_preset style_id style_codes style_instructions voice voice_id voice_instruction voice_ids "
        "voice_setting speakers turns composition_plan language language_code voice_language"
    ),
    "inputs": "request_id video_id keyframes pdf_url elements",
    "size": (
        "image_size aspect_ratio resolution ratio width height duration num_frames fps frames_per_second frame_rate "
        "upscale_factor scale canvas_size original_image_size original_image_location target_resolution target_fps "
        "operating_resolution resolution_mode seconds_total seconds_start duration_seconds music_length_ms "
        "resample_fps"
    ),
    "sampling": (
        "num_inference_steps guidance_scale guidance_scale_2 cfg_scale cfg strength scheduler sampler shift steps "
        "num_steps steps_num number_of_steps model version mode quality rendering_speed acceleration "
        "image_prompt_strength creativity resemblance temperature"
    ),
    "seed": "seed",
    "adapters": (
        "loras embeddings controlnet controlnets controlnet_unions control_loras easycontrols ip_adapter ip_adapters"
    ),
    "output": (
        "num_images max_images output_format format video_quality video_write_mode output_write_mode output_quality "
        "output_codec generate_audio background transparency_mode output_mask mask_only H264_output bitrate_mode "
        "sample_rate return_frames_zip timestamps audio_setting"
    ),
}
_GROUP_OF: Mapping[str, Group] = {name: group for group, names in _NAMES.items() for name in names.split()}
_LABELS = {
    "image_url": "Input image",
    "image_urls": "Input images",
    "mask_url": "Mask",
    "mask_image_url": "Mask",
    "video_url": "Input video",
    "audio_url": "Input audio",
    "H264_output": "H.264 output",
    "image_size": "Size",
    "cfg_scale": "Guidance scale",
}
_ACRONYMS = {"fps": "FPS", "cfg": "CFG", "id": "ID", "nag": "NAG", "pdf": "PDF", "lora": "LoRA", "ip": "IP", "ms": "ms"}


def named(sent_as: str) -> str:
    """Return what a request calls the input that a service calls `sent_as`."""
    if sent_as in OPTIONS:
        return SPELLINGS.get(sent_as, f"model_{sent_as}")
    plain = re.sub(r"\W+", "_", sent_as).strip("_") or "input"
    return plain if plain.isidentifier() else f"input_{plain}"


def possible(name: str, entry: ParameterEntry, found: list[Problem]) -> ParameterEntry:
    """Return `entry` without a default that it forbids itself: left out, the service uses its own."""
    fields = stated(entry)
    if "default" not in fields:
        return entry
    default = fields.pop("default")
    try:
        Parameter(name, **fields).check(freeze(default))
    except ValueError as error:
        found.append(Problem(name, f"its default cannot be given: {error}; left to the service"))
        fields["description"] = f"{entry.description} Left out, the service uses {default}."
        return ParameterEntry(**fields)
    return entry


def group_of(name: str, type_: ParameterType, *, required: bool) -> Group:
    """Return where a form shows an input."""
    if type_ in MEDIA_TYPES:
        return "inputs"
    return _GROUP_OF.get(name) or ("inputs" if required else "advanced")


def label_of(name: str) -> str:
    """Return what people see in place of the name of an input."""
    if name in STANDARD:
        return STANDARD[name].label
    if name in _LABELS:
        return _LABELS[name]
    words = re.sub(r"_urls$", "s", re.sub(r"_url$", "", name)).split("_")
    text = " ".join(_ACRONYMS.get(word, word) for word in words)
    return text[0].upper() + text[1:]
