"""What an endpoint makes: where its answer has the files, which medium they are, and which task that is."""

from __future__ import annotations

import re
from typing import Any

from studio_kernel.catalog.openapi.about import About
from studio_kernel.catalog.openapi.inputs import FILE_FORMATS, MEDIUM_WORDS, Inputs
from studio_kernel.catalog.openapi.schemas import Reader, Schema, mistake, object_of
from studio_kernel.domain.parameters import ParameterType
from studio_kernel.domain.tasks import MAKING, Medium, Task

_UPSCALE = ("upscal", "esrgan", "super-resolution", "aura-sr", "seedvr")
_BACKGROUND = ("background", "rembg", "birefnet", "matting")
_SPEECH = ("speech", "tts", "voice", "spoken")
_LIPS = ("lip-sync", "lipsync", "lip_sync", "latentsync", "sadtalker", "musetalk", "avatar", "omnihuman", "talking")


def output_of(reader: Reader, inputs: Inputs, about: About) -> tuple[dict[str, Any], Medium]:
    """Return how the answer is read, and the kind of media it holds."""
    schema = reader.output
    properties = {name: reader.resolved(each) for name, each in object_of(schema.get("properties")).items()}
    if not properties:
        return _bare_output(reader, schema, inputs, about)
    for name in [*(name for name in _USUAL_OUTPUTS if name in properties), *properties]:
        medium, path = _output_file(reader, name, properties[name], about)
        if medium is not None:
            kind = f"{medium}s" if "[]" in path and medium == "image" else medium
            rest = [other for other in properties if other != name]
            return {"kind": kind, "path": path, "other_fields": rest}, medium
    raise mistake(about.endpoint, f"it makes no picture, video or audio; its answer has {', '.join(properties)}")


_USUAL_OUTPUTS = ("images", "image", "video", "videos", "audio", "audio_file", "audio_url")


def _output_file(reader: Reader, name: str, schema: Schema, about: About) -> tuple[Medium | None, str]:
    forms = reader.alternatives(schema)
    form = forms[0] if forms else {}
    many = form.get("type") == "array"
    if many:
        form = reader.resolved(form.get("items"))
    place = f"{name}[]" if many else name
    is_object = "url" in object_of(form.get("properties"))
    is_address = form.get("type") == "string" and (form.get("format") in FILE_FORMATS or name.endswith(("url", "urls")))
    if not is_object and not is_address:
        return None, ""
    words = set(re.split(r"[^a-z]+", name.lower()))
    found = next((medium for medium, of in MEDIUM_WORDS.items() if words & of), None)
    medium = _as_medium(found) or (
        _medium_of_category(about.category) if words & {"output", "file", "result"} else None
    )
    return medium, f"{place}.url" if is_object else place


def _bare_output(reader: Reader, schema: Schema, inputs: Inputs, about: About) -> tuple[dict[str, Any], Medium]:
    """Return how an answer is read that is an address itself, or a list of them."""
    form = reader.alternatives(schema)[0] if reader.alternatives(schema) else {}
    many = form.get("type") == "array"
    if many:
        form = reader.resolved(form.get("items"))
    if form.get("format") not in FILE_FORMATS:
        raise mistake(about.endpoint, "it makes no picture, video or audio; its answer holds no address of a file")
    medium = _medium_of_category(about.category) or _medium_guessed(inputs, about)
    return {"kind": "images" if many and medium == "image" else medium, "path": "", "other_fields": []}, medium


def _medium_of_category(category: str) -> Medium | None:
    return Task(category).makes if category in MAKING else None


def _medium_guessed(inputs: Inputs, about: About) -> Medium:
    """Return what is probably made, by the words of the model and what it takes."""
    words = f"{about.endpoint} {about.description}".lower()
    if {"num_frames", "fps", "frames_per_second"} & inputs.parameters.keys() or "video" in inputs.required_media():
        return "video"
    if any(word in words for word in ("video", "animate", *_LIPS)):
        return "video"
    if any(word in words for word in ("music", "audio", "song", "sound", *_SPEECH)):
        return "audio"
    return "image"


def _as_medium(type_: ParameterType | None) -> Medium | None:
    if type_ in ("image", "video", "audio"):
        return type_
    return "image" if type_ == "mask" else None


def task_of(about: About, inputs: Inputs, made: Medium) -> Task:
    """Return what the endpoint can be asked to do: what it takes and is called decide over a category that is wide."""
    guessed = _guessed_task(about, inputs, made)
    if about.category and about.category in MAKING:
        stated = Task(about.category)
        wide = (Task.IMAGE_TO_IMAGE, Task.VIDEO_TO_VIDEO, Task.IMAGE_TO_VIDEO, Task.TEXT_TO_AUDIO)
        return stated if stated.makes == made and (stated not in wide or guessed not in _NARROW) else guessed
    return guessed


_NARROW = frozenset({Task.INPAINTING, Task.UPSCALE, Task.BACKGROUND_REMOVAL, Task.LIP_SYNC, Task.TEXT_TO_SPEECH})


def _guessed_task(about: About, inputs: Inputs, made: Medium) -> Task:
    needed, words = inputs.required_media(), f"{about.endpoint} {about.category}".lower()
    if made == "audio":
        return Task.TEXT_TO_SPEECH if any(word in words for word in _SPEECH) else Task.TEXT_TO_AUDIO
    takes_prompt = "prompt" in inputs.parameters
    if needed & {"image", "video"} and any(word in words for word in _UPSCALE):
        return Task.UPSCALE
    if needed & {"image", "video"} and not takes_prompt and any(word in words for word in _BACKGROUND):
        return Task.BACKGROUND_REMOVAL
    if made == "video":
        return _guessed_video_task(needed, inputs.media(), words)
    if "mask" in needed and "image" in needed:
        return Task.INPAINTING
    edits = any(word in words for word in ("edit", "image-to-image", "remix"))
    return Task.IMAGE_TO_IMAGE if "image" in needed or ("image" in inputs.media() and edits) else Task.TEXT_TO_IMAGE


def _guessed_video_task(needed: set[str], taken: set[str], words: str) -> Task:
    lips = any(word in words for word in _LIPS)
    if needed & {"image", "video"} and (lips or "audio" in needed):
        return Task.LIP_SYNC
    if "video" in needed:
        return Task.VIDEO_TO_VIDEO
    if "image" in needed or ("image" in taken and "image-to-video" in words):
        return Task.IMAGE_TO_VIDEO
    return Task.VIDEO_TO_VIDEO if "video-to-video" in words else Task.TEXT_TO_VIDEO
