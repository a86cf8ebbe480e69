"""The one loop in the tests that waits: for a fact, never for a time."""

import queue
import time
import urllib.error
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(fact: Callable[[], T], timeout: float = 60.0, every: float = 0.05, what: str = "the condition") -> T:
    """Poll `fact` until it returns something true, and return that."""
    end, last = time.monotonic() + timeout, None
    while time.monotonic() < end:
        try:
            if value := fact():
                return value
        except (OSError, urllib.error.URLError, AssertionError, queue.Empty) as error:
            last = error
        time.sleep(every)
    raise AssertionError(f"{what} was not reached in {timeout} s (last: {last!r})")
