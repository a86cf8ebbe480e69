"""Which requests can be made in one pass, and how many; known from a model's files, without torch.

A pass has a row for each picture. What may differ from row to row depends on the pipeline's class: with the classes of
`ROWS` the texts, the seed and the guidance scale, with those of `SEEDS` the seed, with others nothing.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.tasks import Task
from studio_kernel.engines.diffusers import checkpoint
from studio_kernel.errors import StudioError

ROWS = frozenset(
    {
        "StableDiffusionPipeline",
        "StableDiffusionImg2ImgPipeline",
        "StableDiffusionInpaintPipeline",
        "StableDiffusionXLPipeline",
        "StableDiffusionXLImg2ImgPipeline",
        "StableDiffusionXLInpaintPipeline",
    }
)
"""Classes that take lists of texts and pictures, and do nothing with the guidance scale but multiply with it.

Tests hold each of them to making of a row what it makes of the same request alone.
"""

SEEDS = frozenset(
    {
        "AuraFlowPipeline",
        "ChromaPipeline",
        "CogView4Pipeline",
        "FluxPipeline",
        "HunyuanDiTPipeline",
        "Lumina2Pipeline",
        "PixArtAlphaPipeline",
        "PixArtSigmaPipeline",
        "QwenImagePipeline",
        "SanaPipeline",
        "StableDiffusion3Pipeline",
        "ZImagePipeline",
    }
)
"""Classes that make several pictures of a text and draw the noise of each from a generator of its own, and nothing else
at random: so by the code of diffusers 0.42."""

_MOST = 8
_FULL_PIXELS = _MOST * 512 * 512
_SMALL_PIXELS = _MOST * 256 * 256
_UNKNOWN_SIDE = 1024
"""Side in pixels of a picture whose request names none: it is as large as the input image."""

_PLAIN = frozenset({str, int, float, bool})
_PICTURES = {"image", "mask_image"}
_TEXTS = ("prompt", "negative_prompt")
_GUIDANCE = "guidance_scale"


@dataclass(frozen=True, slots=True)
class Kind:
    """What decides which requests of a model can share a pass.

    Attributes
    ----------
    pipeline : str
        The pipeline's class; empty when it is not diffusers' own.
    embeds_guidance : bool
        The guidance scale goes into the network, instead of being multiplied with what comes out.
    """

    pipeline: str = ""
    embeds_guidance: bool = False

    @property
    def takes_texts(self) -> bool:
        """Whether each row may have its own texts, and its own copy of the input pictures."""
        return self.pipeline in ROWS

    @property
    def takes_guidance(self) -> bool:
        """Whether each row may have its own guidance scale above 1."""
        return self.takes_texts and not self.embeds_guidance

    @property
    def takes_seeds(self) -> bool:
        """Whether each row may have its own seed."""
        return self.takes_texts or self.pipeline in SEEDS


def kind_of(pipe: Any) -> Kind:
    """Return the kind of a pipeline in memory; subclasses of diffusers' own may do anything, so they are no kind."""
    own = type(pipe).__module__.partition(".")[0] == "diffusers"
    config = getattr(getattr(pipe, "unet", None), "config", {})
    return Kind(type(pipe).__name__ if own else "", config.get("time_cond_proj_dim") is not None)


def kind_on_disk(card: ModelCard) -> Kind:
    """Return the kind of a model that need not be loaded; one that is not there, or damaged, is of no kind."""
    try:
        directory = checkpoint.configuration(card)
        return _kind_in(directory, (directory / "model_index.json").stat().st_mtime_ns)
    except (StudioError, OSError):
        return Kind()


@lru_cache(maxsize=1024)
def _kind_in(directory: Path, _changed: int) -> Kind:
    unet = directory / "unet" / "config.json"
    config = checkpoint.read_json(unet) if unet.is_file() else {}
    name = checkpoint.read_json(directory / "model_index.json").get("_class_name")
    return Kind(name if isinstance(name, str) else "", config.get("time_cond_proj_dim") is not None)


def key(request: GenerationRequest, kind: Kind) -> Hashable | None:
    """Return what requests that may share a pass have in common; `None` = made alone.

    Notes
    -----
    A guidance scale of 1 or less switches guidance off for the whole pass, so it is part of the key.
    """
    if not kind.takes_seeds:
        return None
    given = request.parameters
    if not kind.takes_texts and request.task is not Task.TEXT_TO_IMAGE:
        return None  # input pictures are taken once for all rows, and changed by the first row's generator
    if _has_other_files(request):
        return None
    free, marks = {"seed"}, list[bool]()
    if kind.takes_texts:
        free.update(_TEXTS)
        marks += [isinstance(given.get(name), str) for name in _TEXTS]
    if kind.takes_guidance and is_guided(request):
        free.add(_GUIDANCE)
    rest = frozenset((name, value) for name, value in given.items() if name not in free)
    return (request.model, request.task, tuple(marks), rest)


def _has_other_files(request: GenerationRequest) -> bool:
    """Whether `request` names files that are not its input pictures; most name none at all, which is quick to see."""
    if all(type(value) in _PLAIN or not value for value in request.parameters.values()):
        return False
    return len(request.references) > len(request.inputs.keys() & _PICTURES)


def is_guided(request: GenerationRequest) -> bool:
    """Whether `request` names a guidance scale above 1."""
    scale = request.parameters.get(_GUIDANCE)
    return isinstance(scale, (int, float)) and scale > 1


def is_small(request: GenerationRequest, at_once: int) -> bool:
    """Whether a pass of so many requests like this one leaves a CPU room for another: 8 of 256 x 256 at most."""
    return at_once * _pixels(request) <= _SMALL_PIXELS


def limit(request: GenerationRequest) -> int:
    """Return how many requests like this one a pass should hold at most: 8 pictures of 512 x 512, fewer larger ones.

    Notes
    -----
    What is gained by a pass of several shrinks with the size, because a larger picture fills the processors by itself.
    Measured with small models on a CPU, 8 in a pass instead of 1: 3.1 to 4.2 times as fast at 8 x 8 latents, 1.5 to
    1.7 at 16 x 16, 1.1 at 32 x 32. Published for Stable Diffusion 1.5 at 512 x 512: 2.1 times as fast with 4 and 2.25
    with 16 on an A100, 1.25 on consumer cards; for larger models at 1024 x 1024 next to nothing, at twice the memory.
    """
    return max(1, min(_MOST // _whole(request, "num_images", 1), _FULL_PIXELS // _pixels(request)))


def _pixels(request: GenerationRequest) -> int:
    sides = _whole(request, "width", _UNKNOWN_SIDE), _whole(request, "height", _UNKNOWN_SIDE)
    return sides[0] * sides[1] * _whole(request, "num_images", 1)


def _whole(request: GenerationRequest, name: str, otherwise: int) -> int:
    value = request.parameters.get(name)
    return value if isinstance(value, int) and value > 0 else otherwise
