"""How far a run is and how long its parts took, over several calls of the pipeline and repeated ones.

Calls may be made beside each other; whoever makes them so lets only one at a time tell of itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from studio_kernel.domain.events import Progress


class Meter:
    """Counts the steps of all calls as one row; a call that is repeated begins anew where it began before."""

    def __init__(self) -> None:
        self._calls = self._ended = self._steps = 0
        self._done: dict[int, int] = {}
        self._stage = "denoising"
        self._begun = self._stepped = time.perf_counter()
        self._seconds = {"denoising": 0.0, "decoding": 0.0}

    @property
    def timings(self) -> Mapping[str, float]:
        """Seconds by stage: with ``repeated`` for calls that ran out of memory, ``previews`` when any were made."""
        return self._seconds

    def begin(self, left: int) -> None:
        """Begin a call, or some beside each other; with them, `left` calls are left."""
        self._calls, self._done = self._ended + left, {}
        self._begun = self._stepped = time.perf_counter()

    def step(self, done: int, steps: int, call: int = 0) -> None:
        """Note that `done` of the `steps` of a call are done; `call` numbers those that were begun together."""
        self._done[call], self._steps = done, steps
        self._stepped = time.perf_counter()

    def end(self, calls: int = 1) -> None:
        """Note that the call has ended well, or so many of those that were begun together."""
        self._ended, self._done = self._ended + calls, {}
        self._add("denoising", self._stepped - self._begun)
        self._add("decoding", time.perf_counter() - self._stepped)

    def again(self, left: int, stage: str) -> Progress:
        """Note that the call failed and is made again, now with `left` calls left; return what to say of it."""
        self._add("repeated", time.perf_counter() - self._begun)
        self._calls, self._done, self._stage = self._ended + left, {}, stage
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
        done = self._ended * self._steps + sum(self._done.values())
        return Progress(done, self._calls * self._steps, stage or self._stage, preview, preview_s)

    def _add(self, stage: str, seconds: float) -> None:
        self._seconds[stage] = self._seconds.get(stage, 0.0) + seconds
