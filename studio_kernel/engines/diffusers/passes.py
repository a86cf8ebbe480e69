"""Passes: calls of a pipeline that each make several pictures, of one request or of several.

A pass has a row for each picture. With one request in it the call is the one that anybody would write, with a text and
a number of pictures; with several it has lists, and the same lists whatever the other requests are. A pass that is not
full is filled up with rows that are thrown away, so a picture depends on its own row and the number of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from PIL import Image

from studio_kernel.domain.model import SchedulerCard
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.engines.diffusers import batching, call, schedulers
from studio_kernel.engines.diffusers.adapters import Adapter
from studio_kernel.engines.diffusers.embeddings import Embeddings
from studio_kernel.engines.diffusers.ladder import autoencoder
from studio_kernel.engines.diffusers.steps import StepReport, watched
from studio_kernel.errors import EngineError


@dataclass(frozen=True, slots=True)
class Row:
    """One picture to make.

    Attributes
    ----------
    member : int
        Place of its request among those that are made together.
    index : int
        Its place among the pictures of the request.
    seed : int
        The seed that makes it.
    """

    member: int
    index: int
    seed: int


class Passes:
    """The calls of one pipeline for several requests that may share a pass.

    Parameters
    ----------
    pipe : diffusers.DiffusionPipeline
        Of the requests' task.
    inputs : mapping
        The pictures that all of them take, in the size of the result.
    scheduler : SchedulerCard or None
        The one they name.
    worn : sequence of Adapter
        What is on the model.
    at_once : int
        Requests in a full pass.

    Attributes
    ----------
    are_shared : bool
        Whether several requests are made in one pass.

    Raises
    ------
    EngineError
        When something in a request does not fit the pipeline.
    """

    def __init__(
        self,
        pipe: Any,
        requests: Sequence[GenerationRequest],
        inputs: Mapping[str, Image.Image],
        scheduler: SchedulerCard | None,
        embeddings: Embeddings,
        worn: Sequence[Adapter],
        at_once: int,
    ) -> None:
        self._pipe, self._scheduler, self._embeddings = pipe, scheduler, embeddings
        self._arguments = [call.arguments(pipe, request, inputs) for request in requests]
        self._worn = tuple((adapter.digest, adapter.weight) for adapter in worn)
        self.are_shared = at_once > 1
        kind = batching.kind_of(pipe)
        self._has_lists = self.are_shared and kind.takes_texts
        self._guided = kind.takes_guidance and batching.is_guided(requests[0])

    def split(self, rows: Sequence[Row], size: int) -> list[list[Row]]:
        """Return `rows` as passes of `size` rows at most; requests share one only when they are made together."""
        if self.are_shared:
            return [list(rows[start : start + size]) for start in range(0, len(rows), size)]
        members = dict.fromkeys(row.member for row in rows)
        alone = ([row for row in rows if row.member == member] for member in members)
        return [mine[start : start + size] for mine in alone for start in range(0, len(mine), size)]

    def filled(self, rows: Sequence[Row], size: int) -> list[Row]:
        """Return `rows` as they are computed: with as many more as a full pass of `size` rows has."""
        missing = size - len(rows) if self.are_shared else 0
        return [*rows, *[rows[0]] * missing]

    def new_scheduler(self) -> Any:
        """Return the scheduler of one call."""
        return schedulers.scheduler_for(getattr(self._pipe, "scheduler", None), self._scheduler)

    def make(
        self, rows: Sequence[Row], check: Callable[[], None], report: StepReport, pipe: Any = None
    ) -> list[Image.Image]:
        """Return the pictures of `rows`, made in one call.

        Parameters
        ----------
        check : callable
            Raises to stop the call.
        report : StepReport
            Called after each step; may raise to stop the call.
        pipe : diffusers.DiffusionPipeline, optional
            A copy of the pipeline to call in its place.
        """
        pipe = self._pipe if pipe is None else pipe
        arguments = self._of(rows)
        lent = _lent(pipe, self.new_scheduler())  # before the watch, which may listen to the new scheduler
        known, watch = self._embeddings.lent(pipe, self._worn), watched(pipe, check, report)
        with lent, _text_model_found(pipe, arguments), known, watch as watching:
            return _pictures(pipe(**arguments, **watching))

    def _of(self, rows: Sequence[Row]) -> dict[str, object]:
        generators = call.of_seeds(self._pipe, [row.seed for row in rows])
        if self._has_lists:
            return generators | call.of_rows([self._arguments[row.member] for row in rows], self._guided)
        return self._arguments[rows[0].member] | generators


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
