"""Pipelines of the user's own: of any make, and left as they were."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from engine_subjects import Subject, scene, started
from studio_kernel.domain.events import Progress
from studio_kernel.domain.tasks import Task
from studio_kernel.engines.base import CancelToken
from studio_kernel.engines.diffusers import DiffusersEngine
from studio_kernel.errors import Cancelled, EngineError, OutOfMemoryError


def running(pipe: Any, subject: Subject) -> Subject:
    """`subject` with the user's own pipeline."""
    return Subject(DiffusersEngine.from_pipeline(pipe), subject.card, subject.files)


def without_callback(pipe: Any) -> Any:
    """The pipeline behind a call that knows no callback, as many community pipelines are."""
    from diffusers import StableDiffusionPipeline

    class Plain(StableDiffusionPipeline):
        def __call__(
            self,
            prompt: str,
            num_inference_steps: int = 4,
            width: int = 64,
            height: int = 64,
            guidance_scale: float = 5.0,
            generator: Any = None,
        ) -> Any:
            return super().__call__(
                prompt=prompt,
                num_inference_steps=num_inference_steps,
                width=width,
                height=height,
                guidance_scale=guidance_scale,
                generator=generator,
            )

        @property
        def num_timesteps(self) -> None:
            return None

    return Plain(**pipe.components, requires_safety_checker=False)


def test_a_pipeline_of_the_users_own_runs_and_is_left_as_it_was(subject: Subject, pipe: Any) -> None:
    own = running(pipe, subject)
    scheduler = pipe.scheduler

    assert own.engine.name == "pipeline"
    assert own.engine.unavailable(own.card) is None
    assert own.bytes() == subject.bytes()
    assert own.bytes(scheduler="euler") == subject.bytes(scheduler="euler")
    assert pipe.scheduler is scheduler
    assert "weights_sha256" not in started(own.run()).provenance


def test_a_pipeline_without_step_callback_reports_and_previews_every_step(subject: Subject, pipe: Any) -> None:
    own = running(without_callback(pipe), subject)
    request = own.request()

    seen = [
        event
        for event in own.engine.stream(request, own.context(preview_due=lambda: True))
        if isinstance(event, Progress) and event.stage == "denoising"
    ]

    assert [(event.step, event.total) for event in seen] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert all(event.preview for event in seen)
    assert own.bytes() == subject.bytes()


def test_a_pipeline_without_step_callback_stops_within_one_step(subject: Subject, pipe: Any) -> None:
    own = running(without_callback(pipe), subject)
    cancel = CancelToken()
    stream = own.engine.stream(own.request(num_inference_steps=50), own.context(cancel))
    next(event for event in stream if isinstance(event, Progress) and event.step == 3)
    entered = []
    pipe.unet.register_forward_pre_hook(lambda *_: entered.append(1))

    cancel.cancel()
    with pytest.raises(Cancelled):
        list(stream)

    assert len(entered) <= 2
    assert "step" not in vars(own.engine._own.pipe.scheduler)  # type: ignore[attr-defined]


def with_its_own_loop(pipe: Any) -> Any:
    """A pipeline that neither knows callbacks nor asks a scheduler."""
    from diffusers import DiffusionPipeline

    class Loop(DiffusionPipeline):  # type: ignore[misc]  # diffusers is not followed by the type checker
        def __init__(self, unet: Any) -> None:
            super().__init__()
            self.register_modules(unet=unet)

        @torch.no_grad()
        def __call__(
            self,
            prompt: str,
            num_inference_steps: int,
            guidance_scale: float,
            width: int,
            height: int,
            generator: Any = None,
        ) -> Any:
            state = torch.randn(1, 4, height // 8, width // 8, generator=generator[0])
            for step in range(num_inference_steps):
                state = self.unet(state, step, torch.full((1, 1, 32), guidance_scale)).sample
            return SimpleNamespace(images=[scene(width, height, tint=len(prompt))])

    return Loop(pipe.unet)


def test_a_pipeline_with_a_loop_of_its_own_stops_when_it_enters_its_network_again(subject: Subject, pipe: Any) -> None:
    own = running(with_its_own_loop(pipe), subject)
    assert own.picture().size == (64, 64)
    cancel = CancelToken()
    entered: list[int] = []

    def stop_at_the_third(*_: object) -> None:
        entered.append(1)
        if len(entered) == 3:
            cancel.cancel()

    pipe.unet.register_forward_pre_hook(stop_at_the_third)
    with pytest.raises(Cancelled):
        list(own.engine.stream(own.request(num_inference_steps=50), own.context(cancel)))

    assert len(entered) <= 4


def test_a_pipeline_without_variants_refuses_other_tasks(subject: Subject, pipe: Any) -> None:
    own = running(without_callback(pipe), subject)

    with pytest.raises(EngineError, match="Plain has no variant for image-to-image"):
        own.run(Task.IMAGE_TO_IMAGE, image=own.give(scene()))


def raising(pipe: Any, error: Exception) -> Any:
    def fail(*_: object) -> None:
        raise error

    pipe.unet.register_forward_pre_hook(fail)
    return pipe


def test_running_out_of_memory_is_said_with_advice(subject: Subject, pipe: Any) -> None:
    own = running(raising(pipe, torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")), subject)

    with pytest.raises(OutOfMemoryError, match="make it smaller"):
        own.run()


def test_a_foreign_error_becomes_an_engine_error_with_its_cause(subject: Subject, pipe: Any) -> None:
    own = running(raising(pipe, KeyError("odd")), subject)

    with pytest.raises(EngineError, match="KeyError: 'odd'") as caught:
        own.run()
    assert isinstance(caught.value.__cause__, KeyError)
