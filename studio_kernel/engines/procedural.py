"""An engine without weights: pictures computed from the request alone.

It takes what a latent diffusion model takes and heeds all of it (words choose colours and forms, the seed places
them, every step adds detail, guidance sets the contrast), in milliseconds and without torch. It serves tests,
documentation and trying out sweeps. The idea to know: every number comes from SHA-256 of a part of the request, so the
same request gives the same bytes in every process.

Notes
-----
The forms are domain warping: the coordinates are displaced by sines of themselves, again and again with growing
frequency and falling size (after I. Quilez, "Domain warping", 2002).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from immutabledict import immutabledict
from PIL import Image
from PIL import __version__ as pillow_version

from studio_kernel.domain.events import EngineEvent, Finished, Produced, Progress, Started
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import canonical, to_json
from studio_kernel.engines.base import CancelToken, Capabilities, EngineContext
from studio_kernel.engines.pictures import (
    encode_png,
    encode_preview,
    fit,
    image_seeds,
    keep_unmasked,
    output_size,
    read_inputs,
)

ALGORITHM = 1
"""Raised whenever the same request gives other pixels than before."""

_Pixels = npt.NDArray[np.float32]
_COLOURS = 5
_CANCEL_POLL_S = 0.02
_DEFAULT_SIDE = 256


class ProceduralEngine:
    """Deterministic pictures without a model, for the tasks text-to-image, image-to-image and inpainting.

    Beside the usual parameters it takes ``step_seconds``, the least time a step lasts.
    """

    @property
    def name(self) -> str:
        """The name cards use."""
        return "procedural"

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return Capabilities(previews=True, repeatable=True)

    def unavailable(self, card: ModelCard) -> str | None:  # noqa: ARG002 - it needs nothing that could be missing
        """Return `None`: it runs everywhere."""
        return None

    def check(self, request: GenerationRequest, context: EngineContext) -> None:
        """Refuse input files that cannot be read."""
        read_inputs(request, context)

    def stream(self, request: GenerationRequest, context: EngineContext) -> Iterator[EngineEvent]:
        """Yield the events of one run."""
        context.cancel.check()
        begun = time.perf_counter()
        paintings = _paintings(request, context)
        yield Started(immutabledict(algorithm=ALGORITHM, numpy=np.__version__, pillow=pillow_version))
        total = _steps(request)
        for step in range(total):
            _wait(_number(request, "step_seconds", 0.0), context.cancel)
            for painting in paintings:
                painting.refine(step, total)
            preview, seconds = _preview(paintings[0]) if context.preview_due() else (None, 0.0)
            yield Progress(step + 1, total, preview=preview, preview_s=seconds)
            context.cancel.check()
        for index, painting in enumerate(paintings):
            yield Produced(encode_png(painting.picture()), "image/png", painting.seed, index)
        yield Finished(timings=immutabledict(denoising=time.perf_counter() - begun))

    def close(self) -> None:
        """Do nothing: it holds nothing."""


@dataclass
class _Painting:
    """One picture in the making.

    Attributes
    ----------
    seed : int
        What it was begun with.
    x, y : numpy.ndarray
        Warped coordinates of every pixel, (height, width).
    palette : numpy.ndarray
        Colours in 0 … 1, (colour, channel).
    contrast : float
        From the guidance scale; 1 leaves the palette as it is.
    strength : float
        Share of the painting in the result; the rest is the input image.
    image, mask : PIL.Image.Image or None
        The inputs, in the size of the result.
    """

    seed: int
    x: _Pixels
    y: _Pixels
    forms: np.random.Generator
    palette: _Pixels
    contrast: float
    strength: float
    image: Image.Image | None
    mask: Image.Image | None

    def refine(self, step: int, total: int) -> None:
        """Warp the coordinates once more; the last step is the finest."""
        frequency = 1.5 * 6.0 ** (step / max(total, 8))
        size = 0.9 / frequency / (1 + step / 12)
        turn, shift = self.forms.uniform(0, 2 * np.pi, 2).astype(np.float32)
        across = np.cos(turn) * self.x + np.sin(turn) * self.y
        along = np.cos(turn) * self.y - np.sin(turn) * self.x
        self.x = self.x + np.float32(size) * np.sin(np.float32(frequency) * along + shift)
        self.y = self.y + np.float32(size) * np.sin(np.float32(frequency) * across - shift)

    def picture(self) -> Image.Image:
        """Return the picture as it is now."""
        place = (0.5 + 0.5 * np.sin(self.x + np.sin(self.y))) * (_COLOURS - 1)
        lower = np.minimum(place.astype(np.int64), _COLOURS - 2)
        share = (place - lower)[..., None]
        colours = self.palette[lower] * (1 - share) + self.palette[lower + 1] * share
        painted = _as_picture(0.5 + (colours - 0.5) * self.contrast)
        if self.image is None:
            return painted
        mixed = Image.blend(self.image, painted, self.strength)
        return mixed if self.mask is None else keep_unmasked(mixed, self.image, self.mask)


def _paintings(request: GenerationRequest, context: EngineContext) -> list[_Painting]:
    inputs = read_inputs(request, context)
    image, mask = inputs.get("image"), inputs.get("mask_image")
    if image is None:
        size = int(_number(request, "width", _DEFAULT_SIDE)), int(_number(request, "height", _DEFAULT_SIDE))
    else:
        size = output_size(request, image)
    return [
        _begin(request, seed, size, image and fit(image, size), mask and fit(mask, size))
        for seed in image_seeds(request)
    ]


def _begin(
    request: GenerationRequest, seed: int, size: tuple[int, int], image: Image.Image | None, mask: Image.Image | None
) -> _Painting:
    words, place = _random(request, "words"), _random(request, f"place {seed}")
    width, height = size
    scale = np.float32(words.uniform(2.0, 4.0) / max(size))
    across, along = place.uniform(-4, 4, 2).astype(np.float32)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return _Painting(
        seed=seed,
        x=(x - np.float32(width / 2)) * scale + across,
        y=(y - np.float32(height / 2)) * scale + along,
        forms=place,
        palette=words.uniform(0, 1, (_COLOURS, 3)).astype(np.float32),
        contrast=0.5 + _number(request, "guidance_scale", 5.0) / 10,
        strength=_number(request, "strength", 1.0),
        image=image,
        mask=mask,
    )


def _preview(painting: _Painting) -> tuple[bytes, float]:
    """Return a preview and the seconds it took."""
    begun = time.perf_counter()
    return encode_preview(painting.picture()), time.perf_counter() - begun


def _random(request: GenerationRequest, purpose: str) -> np.random.Generator:
    """Return random numbers for `purpose`, made from what has no meaning as a quantity."""
    values = [request.parameters.get(name) or None for name in ("prompt", "negative_prompt", "scheduler", "loras")]
    parts = [purpose, *(canonical(to_json(value)) for value in values)]
    digest = hashlib.sha256("\n".join(parts).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest)))


def _steps(request: GenerationRequest) -> int:
    asked = int(_number(request, "num_inference_steps", 25))
    return max(1, int(asked * _number(request, "strength", 1.0)))


def _number(request: GenerationRequest, name: str, default: float) -> float:
    value = request.parameters.get(name, default)
    return float(value) if isinstance(value, (int, float)) else default


def _as_picture(colours: _Pixels) -> Image.Image:
    return Image.fromarray((np.clip(colours, 0, 1) * 255 + 0.5).astype(np.uint8))


def _wait(seconds: float, cancel: CancelToken) -> None:
    """Let `seconds` pass, or less when a stop is asked for."""
    until = time.perf_counter() + seconds
    while not cancel.is_cancelled and (left := until - time.perf_counter()) > 0:
        time.sleep(min(left, _CANCEL_POLL_S))
