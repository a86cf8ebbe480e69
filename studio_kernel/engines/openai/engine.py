"""The engine of OpenAI: pictures from a prompt, and from pictures.

There is no job to come back to: a call is answered with the pictures, or its answer is lost, and then nobody can tell
whether it was charged. So a call is only made again when it was certainly not taken: the connection was refused, or
there were too many requests.
"""

from __future__ import annotations

import base64
import binascii
import io
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from immutabledict import immutabledict
from PIL import Image, UnidentifiedImageError

from studio_kernel import keys
from studio_kernel.domain.events import Answered, EngineEvent, Finished, Produced, Progress, Started
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.engines.base import Capabilities, EngineContext
from studio_kernel.engines.openai import images
from studio_kernel.engines.openai.connection import SERVICE, Place, Watch, address_of, client_for, place_of
from studio_kernel.engines.openai.refusals import translated
from studio_kernel.engines.pictures import encode_preview
from studio_kernel.engines.remote.download import fetch
from studio_kernel.engines.remote.job import Patience
from studio_kernel.engines.remote.polling import Backoff
from studio_kernel.engines.remote.service import JobResult
from studio_kernel.engines.remote.throttle import Throttle
from studio_kernel.errors import LostAnswerError, RateLimitError, ServiceDownError
from studio_kernel.settings import ServiceSettings

if TYPE_CHECKING:
    import openai
    from openai.types import ImageEditStreamEvent, ImageGenStreamEvent


class OpenAIEngine:
    """Makes pictures at OpenAI, or at a server that speaks its protocol.

    Parameters
    ----------
    patience : Patience or None
        How long a call that was not taken is tried again; `None` = as long as for all services.
    """

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience or Patience()
        self.configure(ServiceSettings())

    @property
    def name(self) -> str:
        """The name cards use."""
        return SERVICE

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return Capabilities(remote=True, lanes=self._settings.concurrency, previews=True)

    def configure(self, settings: ServiceSettings) -> None:
        """Take what the home has settled for OpenAI."""
        self._settings = settings
        self._throttle = Throttle(settings.concurrency)

    def unavailable(self, card: ModelCard) -> str | None:  # noqa: ARG002 - it hangs on the key alone
        """Return why nothing can run here; `None` when it can. Other servers than OpenAI may want no key."""
        return keys.missing(SERVICE) if Place(address_of(self._settings)).is_openai else None

    def check(self, request: GenerationRequest, context: EngineContext) -> None:
        """Refuse input files that cannot be read, and a mask that does not fit."""
        if request.inputs:
            images.build(request, context)

    def stream(self, request: GenerationRequest, context: EngineContext) -> Iterator[EngineEvent]:
        """Yield the events of one call."""
        context.cancel.check()
        call, place = images.build(request, context), place_of(self._settings)
        while (wait_s := self._throttle.take()) > 0:
            context.cancel.wait(wait_s)
        try:
            began = time.monotonic()
            yield Started(_provenance(call, place))
            yield Progress(0, 0, "working")
            result = yield from self._insisting(call, place, context)
        finally:
            self._throttle.give()
        done = time.monotonic()
        yield Answered(result.report, result.cost_usd)
        context.release()
        for index, file in enumerate(result.files):
            yield Produced(fetch(SERVICE, file, context.cancel.check), file.media_type, index=index)
        yield Finished(timings=immutabledict(service=done - began, download=time.monotonic() - done))

    def close(self) -> None:
        """Do nothing: connections end with their run."""

    def _insisting(
        self, call: images.Call, place: Place, context: EngineContext
    ) -> Generator[EngineEvent, None, JobResult]:
        """Return what comes of a call; one that was certainly not taken is made again for a while."""
        asked_for = context.patience_s
        end = time.monotonic() + (self._patience.unsent_s if asked_for is None else asked_for)
        waits = Backoff(self._patience.first_s)
        while True:
            try:
                result = yield from self._called(call, place, context)
            except (RateLimitError, ServiceDownError) as error:
                if isinstance(error, RateLimitError):
                    self._throttle.was_refused(error.retry_after_s or 1.0)
                if error.paid != "no" or time.monotonic() > end:
                    raise
                yield Progress(0, 0, f"no answer of {SERVICE}, trying again")
                context.cancel.wait(waits.next_s(error.retry_after_s))
            else:
                self._throttle.went_well()
                return result

    def _called(
        self, call: images.Call, place: Place, context: EngineContext
    ) -> Generator[EngineEvent, None, JobResult]:
        with (
            Watch(context.cancel, self._settings.image_timeout_s) as watch,
            translated(place, watch, is_paid=True, card=context.card),
            client_for(place, watch) as client,
        ):
            if place.is_openai and call.partial_images:
                return (yield from _streamed(client, call, context))
            return images.read(_whole(client, call, place), context.card)


def _provenance(call: images.Call, place: Place) -> Mapping[str, Any]:
    from openai import __version__

    where = {} if place.is_openai else {"host": place.host}
    return immutabledict({"service": SERVICE, "endpoint": call.model, "openai": __version__, **where})


def _whole(client: openai.OpenAI, call: images.Call, place: Place) -> Any:
    """Make a call and return its answer in one piece."""
    options = {name: value for name, value in call.options.items() if name != "partial_images"}
    if not place.is_openai:
        options = {"response_format": "b64_json", **options}  # what other servers answer with addresses otherwise
    if call.images:
        return client.images.edit(
            image=list(call.images), prompt=call.prompt, model=call.model, extra_body=options, **_files(call)
        )
    return client.images.generate(prompt=call.prompt, model=call.model, extra_body=options)


def _files(call: images.Call) -> Any:
    return dict(call.others)


def _streamed(
    client: openai.OpenAI, call: images.Call, context: EngineContext
) -> Generator[EngineEvent, None, JobResult]:
    """Make a call and return what stands at the end of its stream; the pictures in between are previews."""
    total = call.partial_images + 1
    with closing(_stream(client, call)) as events:
        for event in events:
            if event.type in ("image_generation.completed", "image_edit.completed"):
                return images.read_streamed(event, context.card)
            yield _seen(event, total, context)
    text = "the stream of pictures ended before the last one; it keeps no pictures that could be fetched"
    raise LostAnswerError(SERVICE, text, paid="unclear")


def _stream(client: openai.OpenAI, call: images.Call) -> Any:
    options = dict(call.options)
    if call.images:
        return client.images.edit(
            image=list(call.images),
            prompt=call.prompt,
            model=call.model,
            stream=True,
            extra_body=options,
            **_files(call),
        )
    return client.images.generate(prompt=call.prompt, model=call.model, stream=True, extra_body=options)


def _seen(event: ImageGenStreamEvent | ImageEditStreamEvent, total: int, context: EngineContext) -> Progress:
    step = min(int(getattr(event, "partial_image_index", 0)) + 1, total - 1)
    preview = _preview(event.b64_json) if context.preview_due() else None
    return Progress(step, total, "working", preview)


def _preview(encoded: str) -> bytes | None:
    """Return a small picture of one in between; `None` when it cannot be read, for the last one counts."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(encoded, validate=True))) as picture:
            return encode_preview(picture.convert("RGB"))
    except (binascii.Error, ValueError, UnidentifiedImageError, OSError, SyntaxError):
        return None
