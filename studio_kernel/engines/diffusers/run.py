"""One run on a loaded model, from the request to the last event."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from importlib.metadata import version
from typing import Any, TypeAlias

import torch
from immutabledict import immutabledict
from PIL import Image

from studio_kernel.domain.events import EngineEvent, Finished, Produced, Started
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import Value
from studio_kernel.engines.base import EngineContext
from studio_kernel.engines.diffusers import adapters, call, schedulers
from studio_kernel.engines.diffusers.devices import device_name, is_out_of_memory, let_go
from studio_kernel.engines.diffusers.ladder import Climb, Ladder, autoencoder
from studio_kernel.engines.diffusers.loading import LoadedModel
from studio_kernel.engines.diffusers.meter import Meter
from studio_kernel.engines.diffusers.refusal import no_memory
from studio_kernel.engines.diffusers.steps import watched
from studio_kernel.engines.pictures import (
    PREVIEW_SIZE,
    encode_png,
    encode_preview,
    image_seeds,
    keep_unmasked,
    read_inputs,
)
from studio_kernel.errors import EngineError, OutOfMemoryError

Say: TypeAlias = Callable[[EngineEvent], None]


class Run:
    """What one request needs on `model`, put together but not begun.

    Parameters
    ----------
    check : callable
        Raises when the run is to stop; called at every step.
    make_room : callable
        Drops other models from memory; whether there were any.

    Raises
    ------
    StudioError
        When something in the request does not fit the model.
    """

    def __init__(
        self,
        model: LoadedModel,
        request: GenerationRequest,
        context: EngineContext,
        check: Callable[[], None],
        make_room: Callable[[], bool],
        loading_s: float,
    ) -> None:
        self._model, self._request, self._context, self._check = model, request, context, check
        self._pipe = model.pipeline(request.task)
        self._card = schedulers.chosen(request, context.schedulers)
        self._scheduler = self._new_scheduler()
        self._adapters = adapters.find(request, context.card, context.loras)
        self._inputs = call.sized(self._pipe, request, read_inputs(request, context))
        self._arguments = call.arguments(self._pipe, request, self._inputs)
        self._seeds = image_seeds(request)
        self._climb = Climb(model.ladder, self._pipe, make_room, check)
        self._meter = Meter()
        self._timings = {"loading": loading_s}

    def work(self, say: Say) -> None:
        """Make the pictures, saying every event of the run."""
        say(Started(self._provenance()))
        if self._on_cuda:
            torch.cuda.reset_peak_memory_stats(self._ladder.device)
        pictures = self._pictures(say)
        self._check()
        for index, (picture, seed) in enumerate(zip(pictures, self._seeds, strict=True)):
            say(Produced(encode_png(self._finished(picture)), "image/png", seed, index))
        timings = immutabledict({**self._timings, **self._meter.timings})
        say(Finished(None, timings, self._peak_memory(), self._ladder.fallbacks(len(self._seeds))))

    def _pictures(self, say: Say) -> list[Image.Image]:
        if not self._model.adapters.has_on(self._adapters):
            self._ladder.lift(self._pipe)
        self._model.adapters.wear(self._adapters)
        before, pictures = self._ladder.taken, list[Image.Image]()
        with self._ladder.standing(self._pipe):
            try:
                while left := self._seeds[len(pictures) :]:
                    pictures += self._called(left, say)
            except OutOfMemoryError:
                self._ladder.back_to(before, self._pipe)
                raise
        return pictures

    def _called(self, seeds: Sequence[int], say: Say) -> list[Image.Image]:
        """Return the pictures of one call, the first of `seeds`; none when memory ran out and it is to be repeated."""
        batch = self._ladder.batch(len(seeds))
        self._meter.begin(-(-len(seeds) // batch))
        try:
            pictures = self._call(seeds[:batch], say)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            let_go(error)
            how = self._climb.after_a_call(batch)
            if how is None:
                raise no_memory(self._request, self._climb.tried) from error
            left = -(-len(seeds) // self._ladder.batch(len(seeds)))
            say(self._meter.again(left, f"denoising again, {how}"))
            return []
        self._meter.end()
        return pictures

    def _call(self, seeds: Sequence[int], say: Say) -> list[Image.Image]:
        arguments = {**self._arguments, **call.of_batch(self._pipe, seeds)}
        watch = watched(self._pipe, self._check, partial(self._report, say))
        patience = self._climb.watching(lambda stage: say(self._meter.progress(stage=stage)))
        lent = _lent(self._pipe, self._new_scheduler())  # before the watch, which may listen to the new scheduler
        with lent, _text_model_found(self._pipe, arguments), patience, watch as watching:
            return _pictures(self._pipe(**arguments, **watching))

    def _report(self, say: Say, done: int, total: int, latents: torch.Tensor | None) -> None:
        self._meter.step(done, total)
        shown = latents if latents is not None and self._context.preview_due() else None
        preview, seconds = (None, 0.0) if shown is None else self._preview(shown)
        say(self._meter.progress(preview, seconds if preview else 0.0))
        if done == total:
            say(self._meter.progress(stage="decoding"))

    def _preview(self, latents: torch.Tensor) -> tuple[bytes | None, float]:
        """Return a preview and the seconds it took.

        The first of a loaded model is made twice and timed the second time: fitting the map and the first use of the
        file format take many times as long as a preview, and are done once.
        """
        with self._climb.aside(), self._meter.previewing():
            if self._model.preview and not self._model.preview.has_map:
                self._drawn(latents)
            begun = time.perf_counter()
            return self._drawn(latents), time.perf_counter() - begun

    def _drawn(self, latents: torch.Tensor) -> bytes | None:
        picture = self._model.preview and self._model.preview.picture(latents)
        return encode_preview(_enlarged(picture)) if picture else None

    def _new_scheduler(self) -> Any:
        return schedulers.scheduler_for(getattr(self._pipe, "scheduler", None), self._card)

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
            "device": device_name(self._ladder.device),
            "dtype": str(pipe.dtype).removeprefix("torch."),
            "threads": torch.get_num_threads(),
            "pipeline": type(pipe).__name__,
            "scheduler": schedulers.described(self._scheduler, self._card),
        }
        if self._model.weights:
            known["weights_sha256"] = self._model.weights
        if self._adapters:
            known["loras"] = adapters.described(self._adapters)
        return immutabledict(known)

    @property
    def _ladder(self) -> Ladder:
        return self._model.ladder

    @property
    def _on_cuda(self) -> bool:
        return self._ladder.device.type == "cuda"

    def _peak_memory(self) -> int | None:
        return torch.cuda.max_memory_allocated(self._ladder.device) if self._on_cuda else None


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
    vae = autoencoder(pipe)
    precision = getattr(vae, "dtype", None)
    try:
        yield
    except BaseException:
        if precision != getattr(vae, "dtype", None):
            vae.to(dtype=precision)  # some pipelines decode in full precision, and go back only when that succeeds
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
