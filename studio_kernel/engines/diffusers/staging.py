"""Several pipeline calls, stage by stage: all encode, then all denoise, then all decode.

Where networks wait in the main memory and are on the device one at a time, each is loaded once for all calls in place
of once per call. No pipeline needs to be known for that: each call runs as it is, in a thread of its own, and stops
where the next stage begins – when it enters a network that is no encoder, and after its last step. Only one of the
threads runs at a time, so the calls are as safe as one after the other, and compute the same.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, Generic, TypeVar

import torch

from studio_kernel.engines.diffusers.ladder import autoencoder

T = TypeVar("T")

_here = threading.local()


class Stage(IntEnum):
    """Where a call stops and waits for the others."""

    DENOISING = 1
    DECODING = 2


class _DroppedError(BaseException):
    """Unwinds a call that is not to go on; no `Exception`, so that no pipeline takes it for one of its own."""


class Turn(Generic[T]):
    """A call that runs only when it is its turn.

    Parameters
    ----------
    call : callable
        Is given the function to call where it can stop, with the stage that begins there.

    Attributes
    ----------
    has_ended : bool
        Whether there is nothing more to do.
    error : BaseException or None
        What it raised.
    """

    def __init__(self, call: Callable[[Callable[[Stage], None]], T]) -> None:
        self.has_ended = False
        self.error: BaseException | None = None
        self._call = call
        self._result: list[T] = []
        self._stage = 0
        self._dropped = False
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._thread: threading.Thread | None = None

    @property
    def result(self) -> T:
        """What it returned; raises what it raised."""
        if self.error is not None:
            raise self.error
        return self._result[0]

    def go(self) -> None:
        """Let it run until it stops or ends."""
        if self._thread is None:
            threads = torch.get_num_threads()
            self._thread = threading.Thread(target=self._run, args=(threads,), name="studio-stage", daemon=True)
            self._thread.start()
        else:
            self._go.release()
        self._back.acquire()
        if self.has_ended:
            self._thread.join()

    def drop(self) -> None:
        """End it where it is; one that has not begun, or has ended, is left as it is."""
        self._dropped = True
        if self._thread is not None and not self.has_ended:
            self.go()

    def stop(self, stage: Stage) -> None:
        """Stop the call that this is called from, unless it has been at `stage` before."""
        if self._dropped or stage <= self._stage:
            return
        self._stage = stage
        self._back.release()
        self._go.acquire()
        if self._dropped:
            raise _DroppedError

    def _run(self, threads: int) -> None:
        torch.set_num_threads(threads)  # a new thread computes with as many as the one that began it
        _here.turn = self
        try:
            self._result.append(self._call(self.stop))
        except BaseException as error:  # noqa: BLE001 - raised again by whoever asks for the result
            self.error = error
        finally:
            self.has_ended = True
            self._back.release()


def is_offloaded(pipe: Any) -> bool:
    """Whether networks of `pipe` are on the device one at a time.

    Not with layers that are there one at a time: those are loaded at every step whatever the order.
    """
    from accelerate.hooks import CpuOffload  # type: ignore[import-untyped]  # it has no types

    return any(isinstance(getattr(network, "_hf_hook", None), CpuOffload) for network in _networks(pipe).values())


@contextmanager
def stopping(pipe: Any) -> Iterator[None]:
    """Stop each `Turn` that enters a denoiser of `pipe` inside; give the device back at the end."""
    denoisers = [
        network
        for name, network in _networks(pipe).items()
        if "encoder" not in name and "checker" not in name and network is not autoencoder(pipe)
    ]
    hooks = [network.register_forward_pre_hook(_stop_here, prepend=True) for network in denoisers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        pipe.maybe_free_model_hooks()


def copied(pipe: Any) -> Any:
    """Return a pipeline with the networks of `pipe` but settings of its own; it leaves them where they are."""
    made = copy.copy(pipe)
    vars(made)["maybe_free_model_hooks"] = _nothing
    return made


def _stop_here(*_: object) -> None:
    turn = getattr(_here, "turn", None)
    if turn is not None:
        turn.stop(Stage.DENOISING)


def _networks(pipe: Any) -> dict[str, torch.nn.Module]:
    return {name: part for name, part in pipe.components.items() if isinstance(part, torch.nn.Module)}


def _nothing() -> None:
    pass
