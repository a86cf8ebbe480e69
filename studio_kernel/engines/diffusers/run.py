"""One run on a loaded model, from the request to the last event."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache, partial
from importlib.metadata import version
from typing import Any

import torch
from immutabledict import immutabledict
from PIL import Image

from studio_kernel.domain.events import EngineEvent, Finished, Produced, Progress, Started
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import Value
from studio_kernel.engines.base import CancelToken, EngineContext
from studio_kernel.engines.diffusers import adapters, call, schedulers
from studio_kernel.engines.diffusers.background import in_background
from studio_kernel.engines.diffusers.devices import device_name, few_threads, thread_count
from studio_kernel.engines.diffusers.loading import LoadedModel
from studio_kernel.engines.diffusers.quiet import quiet
from studio_kernel.engines.diffusers.steps import watched
from studio_kernel.engines.pictures import (
    PREVIEW_SIZE,
    encode_png,
    encode_preview,
    image_seeds,
    keep_unmasked,
    read_inputs,
)
from studio_kernel.errors import EngineError


class Run:
    """What one request needs on `model`, put together but not begun.

    Raises
    ------
    StudioError
        When something in the request does not fit the model.
    """

    def __init__(
        self, model: LoadedModel, request: GenerationRequest, context: EngineContext, loading_s: float
    ) -> None:
        self._model, self._request, self._context = model, request, context
        self._pipe = model.pipeline(request.task)
        self._card = schedulers.chosen(request, context.schedulers)
        self._scheduler = schedulers.scheduler_for(getattr(self._pipe, "scheduler", None), self._card)
        self._adapters = adapters.find(request, context.card, context.loras)
        self._inputs = call.sized(self._pipe, request, read_inputs(request, context))
        self._arguments = call.arguments(self._pipe, request, self._inputs)
        self._timings = {"loading": loading_s}
        self._closed = CancelToken()

    def events(self) -> Iterator[EngineEvent]:
        """Yield all events of the run."""
        yield Started(self._provenance())
        pictures: list[Image.Image] = []
        with closing(in_background(self._work, stop=self._closed.cancel)) as work:
            for said in work:
                self._context.cancel.check()
                if isinstance(said, Progress):
                    yield said
                else:
                    pictures = said
        for index, (picture, seed) in enumerate(zip(pictures, image_seeds(self._request), strict=True)):
            yield Produced(encode_png(self._finished(picture)), "image/png", seed, index)
        yield Finished(timings=immutabledict(self._timings), peak_memory_bytes=self._peak_memory())

    def _work(self, say: Callable[[Progress | list[Image.Image]], None]) -> None:
        """Call the pipeline; in the background thread."""
        if self._on_cuda:
            torch.cuda.reset_peak_memory_stats(self._pipe.device)
        with few_threads(), quiet(), _lent(self._pipe, self._scheduler):
            self._model.adapters.wear(self._adapters)
            begun = self._stepped = time.perf_counter()
            watch = watched(self._pipe, self._check, partial(self._report, say))
            with _text_model_found(self._pipe, self._arguments), watch as watching:
                output = self._pipe(**self._arguments, **watching)
        self._timings |= {"denoising": self._stepped - begun, "decoding": time.perf_counter() - self._stepped}
        say(_pictures(output))

    def _check(self) -> None:
        self._context.cancel.check()
        self._closed.check()

    def _report(self, say: Callable[[Progress], None], done: int, total: int, latents: torch.Tensor | None) -> None:
        self._stepped = time.perf_counter()
        preview = self._preview(latents) if latents is not None and self._context.preview_due() else None
        say(Progress(done, total, preview=preview))
        if done == total:
            say(Progress(done, total, stage="decoding"))

    def _preview(self, latents: torch.Tensor) -> bytes | None:
        picture = self._model.preview and self._model.preview.picture(latents)
        return encode_preview(_enlarged(picture)) if picture else None

    def _finished(self, picture: Image.Image) -> Image.Image:
        """Return `picture` with what the mask does not cover taken from the input image, pixel for pixel."""
        image, mask = self._inputs.get("image"), self._inputs.get("mask_image")
        if image is None or mask is None or picture.size != image.size:
            return picture
        return keep_unmasked(picture, image, mask)

    def _provenance(self) -> immutabledict[str, Value]:
        pipe = self._pipe
        known: dict[str, Value] = {
            **_versions(),
            "device": device_name(pipe.device),
            "dtype": str(pipe.dtype).removeprefix("torch."),
            "threads": thread_count(),
            "pipeline": type(pipe).__name__,
            "scheduler": schedulers.described(self._scheduler, self._card),
        }
        if self._model.weights:
            known["weights_sha256"] = self._model.weights
        if self._adapters:
            known["loras"] = adapters.described(self._adapters)
        return immutabledict(known)

    @property
    def _on_cuda(self) -> bool:
        return bool(self._pipe.device.type == "cuda")

    def _peak_memory(self) -> int | None:
        return torch.cuda.max_memory_allocated(self._pipe.device) if self._on_cuda else None


@cache
def _versions() -> dict[str, str]:
    packages = {package: version(package) for package in ("diffusers", "torch", "transformers")}
    return {**packages, "python": platform.python_version()}


@contextmanager
def _lent(pipe: Any, scheduler: Any) -> Iterator[None]:
    """Give `pipe` a scheduler and silence its progress bar; everything is as before afterwards."""
    own, bar = getattr(pipe, "scheduler", None), getattr(pipe, "_progress_bar_config", {})
    if scheduler is not None:
        pipe.scheduler = scheduler
    pipe.set_progress_bar_config(disable=True)
    try:
        yield
    except BaseException:
        pipe.maybe_free_model_hooks()  # what the pipeline does at its end when it moves networks on and off the device
        raise
    finally:
        if scheduler is not None:
            pipe.scheduler = own
        pipe.set_progress_bar_config(**bar)


@contextmanager
def _text_model_found(pipe: Any, arguments: Mapping[str, object]) -> Iterator[None]:
    """Let `pipe` find the text encoder's last layer, which it uses with ``clip_skip``.

    diffusers 0.42 looks for ``text_encoder.text_model``; transformers 5 has its layers in the encoder itself. Can go
    when diffusers has followed. Not always there, because loading LoRAs goes by the missing attribute.
    """
    encoder = getattr(pipe, "text_encoder", None)
    if "clip_skip" not in arguments or encoder is None or hasattr(encoder, "text_model"):
        yield
        return
    vars(encoder)["text_model"] = encoder  # past torch's registration, which would make a cycle of modules
    try:
        yield
    finally:
        del vars(encoder)["text_model"]


def _pictures(output: Any) -> list[Image.Image]:
    pictures = getattr(output, "images", None)
    if not isinstance(pictures, list) or not all(isinstance(picture, Image.Image) for picture in pictures):
        raise EngineError(f"the pipeline returned {type(output).__name__} instead of pictures")
    return pictures


def _enlarged(picture: Image.Image) -> Image.Image:
    """Return `picture`, a pixel per latent, as large as a preview may be."""
    scale = max(1, PREVIEW_SIZE // max(picture.size))
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.BICUBIC)
