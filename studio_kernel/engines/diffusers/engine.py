"""The engine for diffusion models on this machine; imports torch when the first run begins, not before."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Hashable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar
from weakref import WeakValueDictionary

from studio_kernel.domain.events import EngineEvent, Failed, Progress
from studio_kernel.domain.model import ModelCard, ModelSource
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.tasks import Task
from studio_kernel.engines.base import CancelToken, Capabilities, EngineContext, Member, MemberEvent
from studio_kernel.engines.diffusers import adapters, batching, checkpoint, schedulers
from studio_kernel.engines.diffusers.batching import Kind
from studio_kernel.engines.diffusers.refusal import no_memory, refusal, translated
from studio_kernel.engines.pictures import read_inputs
from studio_kernel.errors import Cancelled, EngineError, StudioError

if TYPE_CHECKING:
    from studio_kernel.engines.diffusers.loading import LoadedModel, Shelf
    from studio_kernel.engines.diffusers.run import Said

Found = TypeVar("Found")
_MemberEvents: TypeAlias = Generator[MemberEvent, None, None]

_PACKAGES = ("diffusers", "torch", "transformers")
_installed: set[str] = set()
_LATELY_S = 1.0
_TASKS = (Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.INPAINTING)
_STAGED_AT_ONCE = 16
"""Requests at once where each network is loaded once per hand-over: loading is then a few per cent of the time of a
model that takes three times as long when each picture loads its networks."""


class DiffusersEngine:
    """Text to image, image to image and inpainting with any pipeline that diffusers' ``AutoPipeline`` classes know.

    Models stay in memory between runs; one run at a time, or several of one batch key in the same passes.

    Parameters
    ----------
    device : str, optional
        Such as ``cuda:1``; the best of this machine when left out.
    dtype : str, optional
        Such as ``float32``; what suits the device when left out.

    Notes
    -----
    ``Started`` comes when the model is loaded, because only then is known what decides the result. The context's
    ``preview_due`` is asked in the thread the pipeline runs in.
    """

    def __init__(self, device: str | None = None, dtype: str | None = None) -> None:
        self._name = "diffusers"
        self._device, self._dtype = device, dtype
        self._shelf: Shelf | None = None
        self._own: LoadedModel | None = None
        self._kinds = _Lately(batching.kind_on_disk)
        self._weights = _Lately(checkpoint.find)
        self._by_card: WeakValueDictionary[str, LoadedModel] = WeakValueDictionary()
        self._busy = threading.Lock()

    @classmethod
    def from_pipeline(cls, pipe: Any, name: str = "pipeline") -> DiffusersEngine:
        """Return an engine called `name` that runs `pipe`, whatever the card says about weights.

        Parameters
        ----------
        pipe : diffusers.DiffusionPipeline
            On the device and in the precision it is to run in. It is left as it was after each run.
        """
        from studio_kernel.engines.diffusers.loading import LoadedModel

        engine = cls()
        engine._name = name
        engine._own = LoadedModel(pipe)
        return engine

    @property
    def name(self) -> str:
        """The name cards use."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return Capabilities(previews=True, repeatable=True)

    def unavailable(self, card: ModelCard) -> str | None:
        """Return why `card` cannot run here: packages or weights that are missing, damaged or unsafe."""
        missing = [package for package in _PACKAGES if not _is_installed(package)]
        if missing:
            return f"{', '.join(missing)} not installed; install with: pip install {' '.join(missing)}"
        try:
            if self._own is None:
                checkpoint.find(card)
        except StudioError as error:
            return str(error)
        return None

    def check(self, request: GenerationRequest, context: EngineContext) -> None:
        """Refuse missing or unsafe weights and LoRAs, unreadable pictures, and settings that leave nothing to do."""
        if request.task not in _TASKS:
            raise refusal(request, "task", f"the engine {self.name!r} does {', '.join(_TASKS)}, nothing else")
        if self._own is None:
            self._weights.of(context.card)
        adapters.find(request, context.card, context.loras)
        schedulers.chosen(request, context.schedulers)
        _check_strength(request)
        read_inputs(request, context)

    def batch_key(self, request: GenerationRequest, card: ModelCard) -> Hashable | None:
        """Return what requests that can be made in one pass have in common; `None` = made alone."""
        return batching.key(request, self._kind(card))

    def batch_limit(self, request: GenerationRequest) -> int:
        """Return how many requests like this one a pass should hold at most: see `batching.limit`."""
        return batching.limit(request)

    def appetite(self, request: GenerationRequest, batch_size: int) -> int:
        """Return how many requests like this one to hand over at once.

        Sixteen, rounded up to full passes, when the networks of the loaded model are on the device one at a time; two
        passes where they are made beside each other.
        """
        model = self._own or self._by_card.get(request.model)
        if model is None:
            return batch_size
        if model.is_offloaded:
            return max(1, -(-_STAGED_AT_ONCE // batch_size)) * batch_size
        return 2 * batch_size if model.fills_with_two(request, batch_size) else batch_size

    def stream(self, request: GenerationRequest, context: EngineContext) -> Iterator[EngineEvent]:
        """Yield the events of one run."""
        with closing(self._events([Member(request, CancelToken())], context, 1)) as events:
            for _, event in events:
                if isinstance(event, Failed):
                    raise event.error
                yield event

    def stream_batch(self, members: Sequence[Member], context: EngineContext, batch_size: int) -> Iterator[MemberEvent]:
        """Yield the events of several runs; see `base.BatchEngine`.

        Raises
        ------
        EngineError
            When the requests cannot be made in one pass.
        """
        keys = {self.batch_key(member.request, context.card) for member in members}
        if len(members) > 1 and (len(keys) > 1 or None in keys):
            raise EngineError("these requests cannot be made together; hand over those of one batch key at a time")
        yield from self._events(members, context, 1 if None in keys else batch_size)

    def _events(self, members: Sequence[Member], context: EngineContext, at_once: int) -> _MemberEvents:
        if not members:
            return
        stop = _Stop(context.cancel)
        stop.check_all(members)
        with _translated(members[0].request):
            from studio_kernel.engines.diffusers.background import in_background

            work = partial(self._work, members, context, at_once, stop)
            with closing(in_background(work, stop=stop.closed.cancel)) as said:
                for place, event in said:
                    if place is None or isinstance(event, Progress):
                        stop.check_all(members)
                    elif members[place].cancel.is_cancelled:
                        continue
                    yield place, _encoded(event)
        if all(member.cancel.is_cancelled for member in members):
            raise Cancelled("the runs were cancelled")

    def close(self) -> None:
        """Forget the loaded models and give their memory back."""
        if self._shelf is not None:
            self._shelf.clear()

    def _work(
        self,
        members: Sequence[Member],
        context: EngineContext,
        at_once: int,
        stop: _Stop,
        say: Callable[[tuple[int | None, Said]], None],
    ) -> None:
        """Do the work in the background; loading too, since torch keeps the threads that it once began."""
        from studio_kernel.engines.diffusers.devices import few_threads
        from studio_kernel.engines.diffusers.quiet import quiet
        from studio_kernel.engines.diffusers.run import Run

        with self._alone():
            begun = time.perf_counter()
            with few_threads(), quiet():
                model = self._model(context.card)
                stop.check()
                loading_s = time.perf_counter() - begun
                run = Run(model, members, context, stop.check, partial(self._only, model), loading_s, at_once)
                run.work(lambda place, event: say((place, event)))
        context.release()

    def _kind(self, card: ModelCard) -> Kind:
        return batching.kind_of(self._own.pipe) if self._own else self._kinds.of(card)

    def _only(self, model: LoadedModel) -> bool:
        """Drop the models beside `model`; whether there were any."""
        return self._shelf is not None and self._shelf.keep_only(model)

    def _model(self, card: ModelCard) -> LoadedModel:
        if self._own is not None:
            return self._own
        from studio_kernel.engines.diffusers.loading import Shelf

        self._shelf = self._shelf or Shelf(self._device, self._dtype)
        self._by_card[card.id] = self._shelf.get(card)
        return self._by_card[card.id]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._busy.acquire(blocking=False):
            raise EngineError(f"the engine {self.name!r} is at work on another request; it takes one at a time")
        try:
            yield
        finally:
            self._busy.release()


def _is_installed(package: str) -> bool:
    """Return whether a package is there; looked for until it is, as a list of models asks once for each of them."""
    if package not in _installed and find_spec(package) is not None:
        _installed.add(package)
    return package in _installed


class _Lately(Generic[Found]):
    """Remembers for a second what the files of a model say: a sweep asks for each of its cells."""

    def __init__(self, look: Callable[[ModelCard], Found]) -> None:
        self._look = look
        self._seen: dict[tuple[str, ModelSource], tuple[float, Found]] = {}

    def of(self, card: ModelCard) -> Found:
        key, now = (card.id, card.source), time.monotonic()
        if key not in self._seen or now - self._seen[key][0] > _LATELY_S:
            self._seen[key] = now, self._look(card)
        return self._seen[key][1]


class _Stop:
    """Whether work in the background is to end: its requests were cancelled, or nobody listens any more."""

    def __init__(self, cancel: CancelToken) -> None:
        self._cancel = cancel
        self.closed = CancelToken()

    def check(self) -> None:
        self._cancel.check()
        self.closed.check()

    def check_all(self, members: Sequence[Member]) -> None:
        self._cancel.check()
        if all(member.cancel.is_cancelled for member in members):
            raise Cancelled("the runs were cancelled")


def _encoded(event: Said) -> EngineEvent | Failed:
    """Return what is said outside; files are encoded here, beside the next pass."""
    from studio_kernel.engines.diffusers.run import Picture

    return event.produced() if isinstance(event, Picture) else event


def _check_strength(request: GenerationRequest) -> None:
    strength, steps = request.parameters.get("strength"), request.parameters.get("num_inference_steps")
    if isinstance(strength, float) and isinstance(steps, int) and int(strength * steps) < 1:
        message = f"{strength:g} of {steps} steps is less than one step; give at least {1 / steps:.2g} or more steps"
        raise refusal(request, "strength", message)


@contextmanager
def _translated(request: GenerationRequest) -> Iterator[None]:
    """Turn whatever the libraries raise into the studio's errors."""
    try:
        yield
    except StudioError:
        raise
    except Exception as error:
        from studio_kernel.engines.diffusers.devices import is_out_of_memory, let_go

        if is_out_of_memory(error):
            let_go(error)
            raise no_memory(request) from error
        raise translated(error, request) from error
