"""What the memory of a run is asked of: traces that were made before, else the process that makes them.

Nothing here imports torch. The process is started by the first question that needs it and ended with `Tracer.close`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType

from studio_kernel.domain.estimate import DeviceMemory
from studio_kernel.engines.diffusers.checkpoint import Fingerprint
from studio_kernel.errors import WorkerError
from studio_kernel.estimates.vram import devices
from studio_kernel.estimates.vram.cache import SpeedCache, TraceCache
from studio_kernel.estimates.vram.client import TracingProcess
from studio_kernel.estimates.vram.messages import (
    Answer,
    AskDevices,
    AskSpeed,
    AskTrace,
    Found,
    Question,
    Refused,
    Speed,
    Traced,
)
from studio_kernel.estimates.vram.subject import Subject
from studio_kernel.estimates.vram.trace import Trace, Untraceable
from studio_kernel.settings import Home
from studio_kernel.worker import info

DEVICES_S = 1.0
"""For so long a reading of the devices is used again."""


class Tracer:
    """Tells what memory runs of a home take, and what the devices have; may be used from any thread.

    Parameters
    ----------
    home : Home
        Where traces are kept, and whose workers hold models.
    process : TracingProcess, optional
        Who makes them; one of its own when left out.
    own_pids : callable, optional
        Returns further processes that hold models of this home, such as the kernel that makes runs itself.
    """

    def __init__(
        self,
        home: Home,
        process: TracingProcess | None = None,
        own_pids: Callable[[], Iterable[int]] = tuple,
    ) -> None:
        self._home, self._own_pids = home, own_pids
        self._process = process or TracingProcess(home.cache / "tracing.out")
        self._cache = TraceCache(home.cache / "traces")
        self._speeds = SpeedCache(home.cache / "speeds.json")
        self._reading = threading.Lock()
        self._devices: tuple[DeviceMemory, ...] = ()
        self._read_at = float("-inf")

    def trace(self, subject: Subject, fingerprint: Fingerprint, *, reserved: bool = False) -> Trace | Untraceable:
        """Return the trace of `subject`, kept or made now; why there is none, otherwise.

        Parameters
        ----------
        fingerprint : Fingerprint
            Of the model's files: names, sizes and times of change.
        reserved : bool
            Also simulate what the caching allocator would hold.
        """
        kept = self._cache.get(subject, fingerprint, reserved=reserved)
        if kept is not None:
            return kept
        answer = self._ask(lambda number: AskTrace(number, subject, reserved))
        if isinstance(answer, Traced):
            self._cache.keep(subject, fingerprint, answer.trace, reserved=reserved)
            return answer.trace
        if isinstance(answer, Refused):
            found = Untraceable(answer.reason)
            if fingerprint:  # without one, nobody would notice that what was missing has come
                self._cache.keep(subject, fingerprint, found, reserved=reserved)
            return found
        return Untraceable(answer if isinstance(answer, str) else getattr(answer, "error", f"answered {answer!r}"))

    def cached(self, subject: Subject, fingerprint: Fingerprint, *, reserved: bool = False) -> Trace | None:
        """Return the trace if it was made before; nothing is started for it."""
        kept = self._cache.get(subject, fingerprint, reserved=reserved)
        return kept if isinstance(kept, Trace) else None

    def devices(self) -> tuple[DeviceMemory, ...]:
        """Return the memory of the devices, at most a second old; older while a trace is being made.

        Where the process does not answer, only the main memory is told.
        """
        with self._reading:
            is_fresh = time.monotonic() - self._read_at < DEVICES_S
            if not (is_fresh or (self._devices and self._process.is_busy)):
                self._devices = self._read_devices()
                self._read_at = time.monotonic()
            return self._devices

    def speed(self, device: DeviceMemory) -> float | None:
        """Return how many floating-point operations a device does in a second; `None` when that cannot be measured.

        Measured once and kept; on a graphics card in a process that ends afterwards, because it takes memory there.
        """
        kept = self._speeds.get(device.name, device.dtype)
        if kept is None:
            kept = self._measured(device)
            if kept is not None:
                self._speeds.keep(device.name, device.dtype, kept)
        return kept

    def _measured(self, device: DeviceMemory) -> float | None:
        def question(number: int) -> AskSpeed:
            return AskSpeed(number, device.kind, device.dtype)

        if device.kind == "cpu":
            answer = self._ask(question)
        else:
            with TracingProcess() as apart:
                answer = _asked(apart, question)
        return answer.flops_per_s if isinstance(answer, Speed) else None

    def close(self) -> None:
        """End the process; may be called twice."""
        self._process.close()

    def __enter__(self) -> Tracer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read_devices(self) -> tuple[DeviceMemory, ...]:
        workers = {told.pid for told in info.known(self._home) if info.is_alive(self._home, told)}
        pids = tuple(sorted(workers.union(self._own_pids())))
        answer = self._ask(lambda number: AskDevices(number, pids))
        return answer.devices if isinstance(answer, Found) else (devices.main_memory(pids),)

    def _ask(self, question: Callable[[int], Question]) -> Answer | str:
        return _asked(self._process, question)


def _asked(process: TracingProcess, question: Callable[[int], Question]) -> Answer | str:
    """Return the answer, or in words why there is none."""
    try:
        return process.ask(question)
    except WorkerError as error:
        return str(error)
