"""Which runs are made together, and how the end of one overlaps with the beginning of the next.

Cells of a sweep say how many of them one pass through the model is to hold. Whoever works takes the first one that
waits and looks for companions; which ones it finds changes no picture (see `engines.base.BatchEngine`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from itertools import islice
from typing import TypeVar

from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.runs import RunRecord
from studio_kernel.engines.base import BatchEngine, Engine

Waiting = TypeVar("Waiting")


def companions(
    first: RunRecord,
    waiting: Iterable[Waiting],
    record_of: Callable[[Waiting], RunRecord],
    engine: Engine,
    card: ModelCard,
) -> list[Waiting]:
    """Return those that are to be handed to `engine` together with `first`.

    Parameters
    ----------
    waiting : iterable
        What waits beside `first`, in order; looked at no further than needed.
    record_of : callable
        Returns the run of one that waits.
    """
    size = first.origin.batch_size
    if size == 1 or not isinstance(engine, BatchEngine):
        return []
    key = engine.batch_key(first.request, card)
    if key is None:
        return []

    def fits(one: Waiting) -> bool:
        other = record_of(one)
        same = (other.origin.sweep_id, other.origin.batch_size) == (first.origin.sweep_id, size)
        same_model = (other.request.model, other.request.task) == (first.request.model, first.request.task)
        return same and same_model and engine.batch_key(other.request, card) == key

    return list(islice(filter(fits, waiting), engine.appetite(first.request, size) - 1))


class Relay:
    """Does one thing after the other; the next begins when the engine is free, beside the end of the one before."""

    def __init__(self) -> None:
        self._last: threading.Thread | None = None

    def run(self, work: Callable[[Callable[[], None]], None], name: str) -> None:
        """Do `work` in a thread of that name; return when it calls what it is given, or has ended.

        No more than two works are under way at a time: files are not made faster than they are written.
        """
        free = threading.Event()

        def body() -> None:
            try:
                work(free.set)
            finally:
                free.set()

        thread = threading.Thread(target=body, name=name, daemon=True)
        thread.start()
        free.wait()
        self.close()
        self._last = thread

    def close(self) -> None:
        """Wait for what is under way."""
        if self._last is not None:
            self._last.join()
