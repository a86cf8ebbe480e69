"""A generator that hands on what a function says while it works in a thread.

A pipeline reports through callbacks, an engine through a generator; a callback cannot yield, so the pipeline gets a
thread of its own for the time of the call.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from queue import SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")


def in_background(
    work: Callable[[Callable[[Item], None]], None], stop: Callable[[], None]
) -> Generator[Item, None, None]:
    """Yield what `work` passes to its argument, in order; raise what it raises.

    Parameters
    ----------
    work : callable
        Runs in a thread; is given the function to call with each item.
    stop : callable
        Called when nobody wants more items, such as when the generator is closed; `work` must then end soon, because
        its end is waited for.
    """
    said: SimpleQueue[tuple[Item] | BaseException | None] = SimpleQueue()

    def run() -> None:
        try:
            work(lambda item: said.put((item,)))
        except BaseException as error:  # noqa: BLE001 - raised again by the reader
            said.put(error)
        else:
            said.put(None)

    thread = threading.Thread(target=run, name="studio-pipeline", daemon=True)
    thread.start()
    try:
        while (word := said.get()) is not None:
            if isinstance(word, BaseException):
                raise word
            yield word[0]
    finally:
        stop()
        thread.join()
