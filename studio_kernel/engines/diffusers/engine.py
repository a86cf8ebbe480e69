"""The engine for diffusion models on this machine; imports torch when the first run begins, not before."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from studio_kernel.domain.events import EngineEvent, Progress, Started
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.tasks import Task
from studio_kernel.engines.base import CancelToken, Capabilities, EngineContext
from studio_kernel.engines.diffusers import adapters, checkpoint, schedulers
from studio_kernel.engines.diffusers.refusal import no_memory, refusal, subject
from studio_kernel.engines.pictures import read_inputs
from studio_kernel.errors import EngineError, StudioError

if TYPE_CHECKING:
    from studio_kernel.engines.diffusers.loading import LoadedModel, Shelf

_PACKAGES = ("diffusers", "torch", "transformers")
_TASKS = (Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.INPAINTING)


class DiffusersEngine:
    """Text to image, image to image and inpainting with any pipeline that diffusers' ``AutoPipeline`` classes know.

    Models stay in memory between runs; one run at a time.

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
        missing = [package for package in _PACKAGES if find_spec(package) is None]
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
            checkpoint.find(context.card)
        adapters.find(request, context.card, context.loras)
        schedulers.chosen(request, context.schedulers)
        _check_strength(request)
        read_inputs(request, context)

    def stream(self, request: GenerationRequest, context: EngineContext) -> Iterator[EngineEvent]:
        """Yield the events of one run."""
        context.cancel.check()
        closed = CancelToken()
        with self._alone(), _translated(request):
            from studio_kernel.engines.diffusers.background import in_background

            work = partial(self._work, request, context, closed)
            with closing(in_background(work, stop=closed.cancel)) as events:
                for event in events:
                    if isinstance(event, (Started, Progress)):
                        context.cancel.check()
                    yield event

    def close(self) -> None:
        """Forget the loaded models and give their memory back."""
        if self._shelf is not None:
            self._shelf.clear()

    def _work(
        self,
        request: GenerationRequest,
        context: EngineContext,
        closed: CancelToken,
        say: Callable[[EngineEvent], None],
    ) -> None:
        """Do one run in the background; loading too, since torch keeps the threads that it once began."""
        from studio_kernel.engines.diffusers.devices import few_threads
        from studio_kernel.engines.diffusers.quiet import quiet
        from studio_kernel.engines.diffusers.run import Run

        def check() -> None:
            context.cancel.check()
            closed.check()

        begun = time.perf_counter()
        with few_threads(), quiet():
            model = self._model(context.card)
            check()
            loading_s = time.perf_counter() - begun
            Run(model, request, context, check, partial(self._only, model), loading_s).work(say)

    def _only(self, model: LoadedModel) -> bool:
        """Drop the models beside `model`; whether there were any."""
        return self._shelf is not None and self._shelf.keep_only(model)

    def _model(self, card: ModelCard) -> LoadedModel:
        if self._own is not None:
            return self._own
        from studio_kernel.engines.diffusers.loading import Shelf

        self._shelf = self._shelf or Shelf(self._device, self._dtype)
        return self._shelf.get(card)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._busy.acquire(blocking=False):
            raise EngineError(f"the engine {self.name!r} is at work on another request; it takes one at a time")
        try:
            yield
        finally:
            self._busy.release()


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
        raise EngineError(f"{subject(request)}: {type(error).__name__}: {error}") from error
