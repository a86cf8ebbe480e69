"""How far a run is and how long its parts took, over several calls of the pipeline and repeated ones."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from studio_kernel.domain.events import Progress


class Meter:
    """Counts the steps of all calls as one row; a call that is repeated begins anew where it began before."""

    def __init__(self) -> None:
        self._calls = self._ended = self._done = self._steps = 0
        self._stage = "denoising"
        self._begun = self._stepped = time.perf_counter()
        self._seconds = {"denoising": 0.0, "decoding": 0.0}

    @property
    def timings(self) -> Mapping[str, float]:
        """Seconds by stage: with ``repeated`` for calls that ran out of memory, ``previews`` when any were made."""
        return self._seconds

    def begin(self, left: int) -> None:
        """Begin a call; with it, `left` calls are left."""
        self._calls, self._done = self._ended + left, 0
        self._begun = self._stepped = time.perf_counter()

    def step(self, done: int, steps: int) -> None:
        """Note that `done` of the call's `steps` are done."""
        self._done, self._steps = done, steps
        self._stepped = time.perf_counter()

    def end(self) -> None:
        """Note that the call has ended well."""
        self._ended, self._done = self._ended + 1, 0
        self._add("denoising", self._stepped - self._begun)
        self._add("decoding", time.perf_counter() - self._stepped)

    def again(self, left: int, stage: str) -> Progress:
        """Note that the call failed and is made again, now with `left` calls left; return what to say of it."""
        self._add("repeated", time.perf_counter() - self._begun)
        self._calls, self._done, self._stage = self._ended + left, 0, stage
        return self.progress()

    @contextmanager
    def during(self, stage: str) -> Iterator[None]:
        """Count the time spent inside as `stage`, outside of any call."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self._add(stage, time.perf_counter() - begun)

    @contextmanager
    def previewing(self) -> Iterator[None]:
        """Take the time spent inside out of the step's."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - begun
            self._add("previews", took)
            self._begun += took
            self._stepped += took

    def progress(self, preview: bytes | None = None, preview_s: float = 0.0, stage: str = "") -> Progress:
        """Return where the run is."""
        done = self._ended * self._steps + self._done
        return Progress(done, self._calls * self._steps, stage or self._stage, preview, preview_s)

    def _add(self, stage: str, seconds: float) -> None:
        self._seconds[stage] = self._seconds.get(stage, 0.0) + seconds
