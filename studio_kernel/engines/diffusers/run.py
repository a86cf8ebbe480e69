"""One run, or several in the same passes, on a loaded model: from the requests to the last event."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import torch
from immutabledict import immutabledict
from PIL import Image

from studio_kernel.domain.events import EngineEvent, Failed, Finished, Produced, Started
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import Value
from studio_kernel.engines.base import EngineContext, Member
from studio_kernel.engines.diffusers import adapters, call, conditions, schedulers, staging
from studio_kernel.engines.diffusers.devices import (
    is_out_of_memory,
    let_go,
    passes_beside,
    thread_share,
)
from studio_kernel.engines.diffusers.ladder import Climb, Ladder
from studio_kernel.engines.diffusers.loading import LoadedModel
from studio_kernel.engines.diffusers.meter import Meter
from studio_kernel.engines.diffusers.passes import Passes, Row
from studio_kernel.engines.diffusers.refusal import no_memory, translated
from studio_kernel.engines.diffusers.staging import Stage, Turn
from studio_kernel.engines.pictures import (
    PREVIEW_SIZE,
    encode_png,
    encode_preview,
    image_seeds,
    keep_unmasked,
    read_inputs,
)
from studio_kernel.errors import Cancelled, OutOfMemoryError

_PASSES_AT_ONCE = 32
"""How many passes go through the stages together: each holds its latents and a thread meanwhile."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A finished picture that is not encoded yet.

    Attributes
    ----------
    picture : PIL.Image.Image
        As the pipeline made it.
    inputs : mapping
        The request's own pictures.
    seed, index, batch_size, fallbacks
        As in `Produced`.
    """

    picture: Image.Image
    inputs: Mapping[str, Image.Image]
    seed: int
    index: int
    batch_size: int
    fallbacks: tuple[str, ...] = ()

    def produced(self) -> Produced:
        """Return the event of the encoded file: what the mask does not cover is the input image's, pixel for pixel."""
        finished, image, mask = self.picture, self.inputs.get("image"), self.inputs.get("mask_image")
        if image is not None and mask is not None and finished.size == image.size:
            finished = keep_unmasked(finished, image, mask)
        data = encode_png(finished)
        return Produced(data, "image/png", self.seed, self.index, self.batch_size, self.fallbacks)


Said: TypeAlias = EngineEvent | Failed | Picture
Say: TypeAlias = Callable[[int | None, Said], None]
Outcome: TypeAlias = tuple[list[Row], "list[Image.Image] | Exception"]
"""A pass and what came of it."""


class Run:
    """What the requests of `members` need on `model`, put together but not begun.

    Parameters
    ----------
    members : sequence of Member
        Of the same `batching.key`, unless each is made in passes of its own.
    check : callable
        Raises when the run is to stop; called at every step.
    make_room : callable
        Drops other models from memory; whether there were any.
    at_once : int
        Requests in a full pass.

    Raises
    ------
    StudioError
        When something in the requests does not fit the model.
    """

    def __init__(
        self,
        model: LoadedModel,
        members: Sequence[Member],
        context: EngineContext,
        check: Callable[[], None],
        make_room: Callable[[], bool],
        loading_s: float,
        at_once: int = 1,
    ) -> None:
        self._model, self._members, self._context, self._asked_to_stop = model, members, context, check
        request = members[0].request
        self._pipe = model.pipeline(request.task)
        self._card = schedulers.chosen(request, context.schedulers)
        self._adapters = adapters.find(request, context.card, context.loras)
        self._inputs = call.sized(self._pipe, request, read_inputs(request, context))
        self._seeds = [image_seeds(member.request) for member in members]
        self._full = at_once * len(self._seeds[0])
        requests = [member.request for member in members]
        known = model.embeddings_of_a_run()
        self._passes = Passes(self._pipe, requests, self._inputs, self._card, known, self._adapters, at_once)
        self._scheduler = self._passes.new_scheduler()
        self._climb = Climb(model.ladder, self._pipe, make_room, self._check)
        self._meter = Meter()
        self._mutex = threading.Lock()
        self._has_two = model.fills_with_two(request, at_once)
        self._loading_s = loading_s
        self._handed_out: dict[str, float] = {}
        self._made: dict[Row, tuple[Image.Image, int]] = {}
        self._over: set[int] = set()
        self._apart: set[int] = set()

    def work(self, say: Say) -> None:
        """Make the pictures, saying every event."""
        say(None, Started(self._provenance()))
        if self._on_cuda:
            torch.cuda.reset_peak_memory_stats(self._ladder.device)
        try:
            self._make_all(say)
            self._check()
        except Cancelled:
            self._asked_to_stop()
            if not self._over:
                raise

    def _make_all(self, say: Say) -> None:
        if not self._model.adapters.has_on(self._adapters):
            self._ladder.lift(self._pipe)
        self._model.adapters.wear(self._adapters)
        before = self._ladder.taken
        with self._ladder.standing(self._pipe, slices=self._passes.are_shared):
            try:
                while passes := self._left():
                    self._advance(passes, say)
            except OutOfMemoryError:
                self._ladder.back_to(before, self._pipe)
                raise

    def _left(self) -> list[list[Row]]:
        """Return the passes that are to be made, of the members that have not ended."""
        rows = [
            row
            for place, seeds in enumerate(self._seeds)
            if place not in self._over and not self._members[place].cancel.is_cancelled
            for row in (Row(place, index, seed) for index, seed in enumerate(seeds))
            if row not in self._made
        ]
        apart = [[row for row in rows if row.member == place] for place in sorted(self._apart)]
        together = [row for row in rows if row.member not in self._apart]
        return [batch for some in (*apart, together) for batch in self._passes.split(some, self._size)]

    def _advance(self, passes: list[list[Row]], say: Say) -> None:
        """Make the next pass, or the next ones: stage by stage where that saves loading, else beside each other."""
        staged = len(passes) > 1 and staging.is_offloaded(self._pipe)
        some = passes[: _PASSES_AT_ONCE if staged else passes_beside() if self._has_two else 1]
        sharing = {row.member for rows in some for row in rows}
        failed: list[tuple[list[Row], Exception]] = []
        with self._climb.watching(lambda stage: say(None, self._meter.progress(stage=stage))):
            make = self._in_stages if staged else self._beside if self._has_two else self._in_turn
            with closing(make(some, len(passes), say)) as made:
                for rows, outcome in made:
                    if isinstance(outcome, Exception):
                        failed.append((rows, outcome))
                        continue
                    self._check()
                    self._deliver(rows, outcome, sharing, say)
        if failed:
            self._mend(failed, say)

    def _in_turn(self, passes: list[list[Row]], left: int, say: Say) -> Generator[Outcome, None, None]:
        (rows,) = passes
        self._meter.begin(left)
        try:
            pictures = self._passes.make(self._filled(rows), self._check, partial(self._report, say, rows, None, 0))
        except Cancelled:
            raise
        except Exception as error:  # noqa: BLE001 - given to whoever mends it
            yield rows, error
            return
        self._meter.end()
        yield rows, pictures

    def _beside(self, passes: list[list[Row]], left: int, say: Say) -> Generator[Outcome, None, None]:
        """Make passes beside each other, each on a copy of the pipeline; the copies share the networks."""
        self._meter.begin(left)
        threads = partial(torch.set_num_threads, thread_share())
        with ThreadPoolExecutor(len(passes), "studio-pass", initializer=threads) as pool:
            made = [pool.submit(self._made_beside, n, rows, say) for n, rows in enumerate(passes)]
        errors = [future.exception() for future in made]
        for error in errors:
            if error is not None and (isinstance(error, Cancelled) or not isinstance(error, Exception)):
                raise error
        if good := errors.count(None):
            self._meter.end(good)
        for rows, future, error in zip(passes, made, errors, strict=True):
            yield rows, error if isinstance(error, Exception) else future.result()

    def _made_beside(self, number: int, rows: list[Row], say: Say) -> list[Image.Image]:
        report = partial(self._report, say, rows, None, number)
        return self._passes.make(self._filled(rows), self._check, report, staging.copied(self._pipe))

    def _in_stages(self, passes: list[list[Row]], left: int, say: Say) -> Generator[Outcome, None, None]:
        turns = [(rows, Turn(partial(self._stopping, rows, say))) for rows in passes]
        with staging.stopping(self._pipe):
            try:
                with self._meter.during("denoising"):
                    encoded = [_gone(rows, turn) for rows, turn in turns]
                denoised = []
                for done, (rows, turn) in enumerate(encoded):
                    self._meter.begin(left - done)
                    denoised.append(_gone(rows, turn))
                    if turn.error is None:
                        self._meter.end()
                    elif is_out_of_memory(turn.error):
                        break
                for rows, turn in denoised:
                    with self._meter.during("decoding"):
                        _gone(rows, turn)
                    yield rows, _outcome(turn)
            finally:
                for _, turn in turns:
                    turn.drop()

    def _stopping(self, rows: list[Row], say: Say, stop: Callable[[Stage], None]) -> list[Image.Image]:
        report = partial(self._report, say, rows, stop, 0)
        return self._passes.make(self._filled(rows), self._check, report, staging.copied(self._pipe))

    def _mend(self, failed: list[tuple[list[Row], Exception]], say: Say) -> None:
        """See to it that what failed is made in another way; raise, or give the members up, when there is none."""
        how = ""
        for rows, error in failed:
            if not is_out_of_memory(error):
                how = self._take_apart(rows, error, say) or how
        full = next(((rows, error) for rows, error in failed if is_out_of_memory(error)), None)
        if full:
            rows, error = full
            let_go(error)
            self._model.embeddings.clear()
            how = self._climb.after_a_call(len(self._filled(rows))) or ""
            if not how:
                raise no_memory(self._request, self._climb.tried) from error
        if how:
            say(None, self._meter.again(len(self._left()), f"denoising again, {how}"))

    def _take_apart(self, rows: list[Row], error: Exception, say: Say) -> str:
        """Make each member of a failed pass by itself; the one that was by itself has failed for good."""
        members = {row.member for row in rows}
        if len(members) > 1:
            self._apart |= members
            return "one request at a time"
        (place,) = members
        self._over.add(place)
        say(place, Failed(translated(error, self._request)))
        return ""

    def _deliver(self, rows: list[Row], pictures: list[Image.Image], sharing: set[int], say: Say) -> None:
        """Keep the pictures of a pass, and say those of each member that has all of them."""
        size = len(pictures)
        self._made.update((row, (picture, size)) for row, picture in zip(rows, pictures, strict=False))
        for place in sorted({row.member for row in rows}):
            own = [Row(place, index, seed) for index, seed in enumerate(self._seeds[place])]
            if all(row in self._made for row in own):
                fallbacks = self._ladder.fallbacks(self._full)
                for row in own:
                    picture, batch_size = self._made.pop(row)
                    say(place, Picture(picture, self._inputs, row.seed, row.index, batch_size, fallbacks))
                timings = self._share(len(sharing - self._over))
                self._over.add(place)
                say(place, Finished(None, timings, self._peak_memory(), fallbacks))

    def _share(self, members: int) -> immutabledict[str, float]:
        """Return what one of `members` has of the seconds that no member was given yet."""
        spent = {"loading": self._loading_s, **self._meter.timings}
        share = {stage: (seconds - self._handed_out.get(stage, 0.0)) / members for stage, seconds in spent.items()}
        self._handed_out = {stage: self._handed_out.get(stage, 0.0) + share[stage] for stage in share}
        return immutabledict(share)

    def _check(self) -> None:
        self._asked_to_stop()
        ended = self._over | {place for place, member in enumerate(self._members) if member.cancel.is_cancelled}
        if len(ended) == len(self._members) > len(self._over):
            raise Cancelled("the runs were cancelled")

    def _filled(self, rows: list[Row]) -> list[Row]:
        return self._passes.filled(rows, self._size)

    @property
    def _size(self) -> int:
        """Rows in a pass, as the memory allows."""
        return self._ladder.batch(self._full)

    @property
    def _request(self) -> GenerationRequest:
        """What messages are about: the requests are of one model and task."""
        return self._members[0].request

    def _report(
        self,
        say: Say,
        rows: list[Row],
        stop: Callable[[Stage], None] | None,
        call: int,
        done: int,
        total: int,
        latents: torch.Tensor | None,
    ) -> None:
        with self._mutex:
            self._meter.step(done, total, call)
            shown = latents if latents is not None and self._context.preview_due() else None
            preview, seconds = (None, 0.0) if shown is None else self._preview(shown)
            whose = rows[0].member if preview else None  # it shows the first row
            say(whose, self._meter.progress(preview, seconds if preview else 0.0))
        if done == total:
            if stop is not None:
                stop(Stage.DECODING)
            say(None, self._meter.progress(stage="decoding"))

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

    def _provenance(self) -> immutabledict[str, Value]:
        known: dict[str, Value] = {
            **conditions.versions(),
            **conditions.of_device(self._ladder.device),
            **conditions.of_pipeline(self._pipe, self._ladder),
            "threads": thread_share() if self._has_two else torch.get_num_threads(),
            "scheduler": schedulers.described(self._scheduler, self._card),
        }
        if self._scheduler is not None:
            known["scheduler_config"] = conditions.of_scheduler(self._scheduler)
        if self._model.weights:
            known["weights_sha256"] = self._model.weights
        if self._model.parts:
            known["weights"] = self._model.parts
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


def _gone(rows: list[Row], turn: Turn[list[Image.Image]]) -> tuple[list[Row], Turn[list[Image.Image]]]:
    """Let `turn` go on to the next stage; raise when that was cancelled."""
    if not turn.has_ended:
        turn.go()
    if isinstance(turn.error, Cancelled):
        raise turn.error
    return rows, turn


def _outcome(turn: Turn[list[Image.Image]]) -> list[Image.Image] | Exception:
    return turn.error if isinstance(turn.error, Exception) else turn.result


def _enlarged(picture: Image.Image) -> Image.Image:
    """Return `picture`, a pixel per latent, as large as a preview may be."""
    scale = max(1, PREVIEW_SIZE // max(picture.size))
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.BICUBIC)
