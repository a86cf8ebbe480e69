"""Long work in short steps on the kernel's own loop, so that everything else goes on between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator


class Steps:
    """Does one piece of work at a time, a step at a turn of the loop. Outside a loop (a script, a test) all at once.

    Parameters
    ----------
    call : callable
        Calls what it is given and returns whether that went well; work that fails ends.
    """

    def __init__(self, call: Callable[[Callable[[], None]], bool]) -> None:
        self._call = call
        self._work: Iterator[None] | None = None

    @property
    def is_working(self) -> bool:
        """Whether something is under way."""
        return self._work is not None

    def begin(self, work: Iterator[None], done: Callable[[], None]) -> None:
        """Begin some work; what is under way ends where it is. `done` is called at the end, however it comes."""
        self._work = work
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            while self._step(work, done):
                pass
        else:
            self._turn(loop, work, done)

    def stop(self) -> None:
        """Do no more of it."""
        self._work = None

    def _turn(self, loop: asyncio.AbstractEventLoop, work: Iterator[None], done: Callable[[], None]) -> None:
        if self._step(work, done):
            loop.call_later(0.005, self._turn, loop, work, done)

    def _step(self, work: Iterator[None], done: Callable[[], None]) -> bool:
        ended: list[bool] = []

        def step() -> None:
            if next(work, self) is self:
                ended.append(True)

        goes_on = self._work is work and self._call(step) and not ended
        if not goes_on:
            self._work = None if self._work is work else self._work
            done()
        return goes_on
