"""Watching a pipeline call: one report per step, and a stop within one.

Pipelines with ``callback_on_step_end`` report by it. Of the others the scheduler is listened to: whatever the loop
looks like, each step ends in ``scheduler.step``. To stop, an exception is raised from the report. A pipeline that has
neither is stopped when it next enters one of its networks.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

StepReport = Callable[[int, int, "torch.Tensor | None"], None]
"""Called with steps done, steps in all, and the latents."""


def call_parameters(pipe: Any) -> Mapping[str, inspect.Parameter]:
    """Return the parameters that a call of `pipe` knows by name."""
    named = inspect.signature(type(pipe).__call__).parameters
    return {name: parameter for name, parameter in named.items() if parameter.kind is not parameter.VAR_KEYWORD}


@contextmanager
def watched(pipe: Any, check: Callable[[], None], report: StepReport) -> Iterator[dict[str, object]]:
    """Watch the one call of `pipe` made inside; yield the arguments to add to it.

    Parameters
    ----------
    pipe : diffusers.DiffusionPipeline
        With the scheduler it is going to use.
    check : callable
        Raises to stop the call.
    report : StepReport
        Called after each step; may raise to stop the call.
    """
    done = total = 0

    def step(timestep: object, latents: object) -> None:
        nonlocal done, total
        done += 1
        total = total or getattr(pipe, "num_timesteps", None) or _steps_from(pipe.scheduler, timestep)
        report(done, max(total, done), latents if isinstance(latents, torch.Tensor) else None)
        check()

    if "callback_on_step_end" in call_parameters(pipe):
        yield {"callback_on_step_end": _as_callback(step)}
    elif hasattr(getattr(pipe, "scheduler", None), "step"):
        with _listening(pipe.scheduler, step):
            yield {}
    else:
        with _guarding(pipe, check):
            yield {}


def _as_callback(step: Callable[[object, object], None]) -> Callable[..., dict[str, Any]]:
    def on_step_end(_pipe: Any, _index: int, timestep: object, tensors: dict[str, Any]) -> dict[str, Any]:
        step(timestep, tensors.get("latents"))
        return tensors

    return on_step_end


@contextmanager
def _listening(scheduler: Any, step: Callable[[object, object], None]) -> Iterator[None]:
    original = scheduler.step

    @functools.wraps(original)  # pipelines look at the signature to see which arguments a scheduler takes
    def listened(model_output: object, timestep: object, *args: Any, **named: Any) -> Any:
        result = original(model_output, timestep, *args, **named)
        step(timestep, result[0])
        return result

    scheduler.step = listened
    try:
        yield
    finally:
        del scheduler.step


def _steps_from(scheduler: Any, first: object) -> int:
    """Return how many steps a call makes that begins at timestep `first`: image-to-image leaves out the early ones."""
    timesteps = scheduler.timesteps.tolist()
    value = first.item() if isinstance(first, torch.Tensor) else first
    return len(timesteps) - timesteps.index(value) if value in timesteps else len(timesteps)


@contextmanager
def _guarding(pipe: Any, check: Callable[[], None]) -> Iterator[None]:
    """Check whenever a network of `pipe` is entered. Not done always: hooks make compiled networks compile again."""
    networks = [component for component in pipe.components.values() if isinstance(component, torch.nn.Module)]
    hooks = [network.register_forward_pre_hook(lambda *_: check()) for network in networks]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
