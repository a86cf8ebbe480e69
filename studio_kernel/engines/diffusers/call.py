"""From a request to the arguments of a pipeline call.

A request's parameters bear the names that pipelines use, so each one is passed on if the pipeline knows it. One that
it does not know is refused before any work, unless its value means "as if it were not there".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from PIL import Image

from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import Value
from studio_kernel.engines.diffusers.guidance import GuidanceScales
from studio_kernel.engines.diffusers.steps import call_parameters
from studio_kernel.engines.pictures import fit, output_size
from studio_kernel.errors import EngineError

_NOT_FOR_THE_CALL = {"seed", "scheduler", "loras"}
_COUNT = "num_images_per_prompt"
_RENAMED = {"num_images": _COUNT}
_TEXTS = ("prompt", "negative_prompt")
_PICTURES = ("image", "mask_image")
_WITHOUT_EFFECT: Mapping[str, Value] = {"num_images": 1, "negative_prompt": "", "eta": 0.0, "guidance_rescale": 0.0}
_RESERVED = {"self", "output_type", "return_dict", "generator", "callback_on_step_end"}


def arguments(pipe: Any, request: GenerationRequest, inputs: Mapping[str, Image.Image]) -> dict[str, object]:
    """Return the keyword arguments of the call that `request` asks for, but for those of the pictures in a batch.

    Parameters
    ----------
    pipe : diffusers.DiffusionPipeline
        The pipeline of the request's task.
    inputs : mapping
        The pictures of the request by parameter, in the size of the result.

    Raises
    ------
    EngineError
        When the pipeline lacks a parameter of the request, or cannot be given a seed.
    """
    known = call_parameters(pipe).keys() - _RESERVED
    given: dict[str, object] = {**request.parameters, **inputs}
    if "image" in inputs:  # it has the size of the result, so a pipeline without size parameters obeys too
        sides = zip(("width", "height"), inputs["image"].size, strict=True)
        given = {name: value for name, value in given.items() if name not in ("width", "height")}
        given |= {name: side for name, side in sides if name in known}
    if "generator" not in call_parameters(pipe):
        raise EngineError(f"{type(pipe).__name__} takes no generator, so no seed would act on it")
    passed: dict[str, object] = {}
    for name, value in given.items():
        target = _RENAMED.get(name, name)
        if name in _NOT_FOR_THE_CALL:
            continue
        if target in known:
            passed[target] = _plain(value)
        elif _WITHOUT_EFFECT.get(name, ...) != value:
            raise EngineError(f"{type(pipe).__name__} does not know {name}={value!r}; leave it out")
    return passed


def takes_count(pipe: Any) -> bool:
    """Whether `pipe` can be asked for several pictures of a text."""
    return _COUNT in call_parameters(pipe)


def of_seeds(pipe: Any, seeds: Sequence[int]) -> dict[str, object]:
    """Return the arguments of a call that makes a picture of each of `seeds`, to be added to those of the run.

    The generators are on the CPU, so that a seed means the same noise on every device, and new with each call.
    """
    generators = {"generator": [torch.Generator("cpu").manual_seed(seed) for seed in seeds]}
    return generators | ({_COUNT: len(seeds)} if takes_count(pipe) else {})


def of_rows(rows: Sequence[Mapping[str, object]], guided: bool) -> dict[str, object]:
    """Return the arguments of a call that makes a picture of each of `rows`, but for the generators.

    Parameters
    ----------
    rows : sequence of mapping
        The arguments of each alone; only texts and the guidance scale differ. Pictures are repeated, so that each row
        draws what is random about them from its own generator.
    guided : bool
        Each row has its own guidance scale.
    """
    given: dict[str, object] = {**rows[0], _COUNT: 1}
    for name, value in rows[0].items():
        if name in _PICTURES or (isinstance(value, str) and name.startswith(_TEXTS)):
            given[name] = [row[name] for row in rows]
    if guided:
        given["guidance_scale"] = GuidanceScales([float(str(row["guidance_scale"])) for row in rows])
    return given


def sized(pipe: Any, request: GenerationRequest, inputs: Mapping[str, Image.Image]) -> dict[str, Image.Image]:
    """Return `inputs` with the image and its mask in the size of the result."""
    if "image" not in inputs:
        return dict(inputs)
    processor = getattr(pipe, "image_processor", None)
    size = output_size(request, inputs["image"], processor.config.vae_scale_factor if processor else 8)
    fitted = {name: fit(inputs[name], size) for name in ("image", "mask_image") if name in inputs}
    return {**inputs, **fitted}


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
