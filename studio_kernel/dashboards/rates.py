"""How much a browser may say to its kernel: so many messages and bytes a second, with room for a burst."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

MESSAGES_PER_S, MESSAGES_AT_ONCE = 60.0, 400.0
"""Our fastest view asks for pictures 25 times a second; a page that opens says a few hundred things at once."""

BYTES_PER_S, BYTES_AT_ONCE = 2.0 * 2**20, 16.0 * 2**20


@dataclass(slots=True)
class Bucket:
    """A token bucket.

    Attributes
    ----------
    per_s : float
        What flows in each second.
    most : float
        What it holds; full at first.
    """

    per_s: float
    most: float
    clock: Callable[[], float] = time.monotonic
    _held: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        """Fill it."""
        self._held, self._at = self.most, self.clock()

    def take(self, amount: float) -> bool:
        """Take `amount` if there is as much; nothing is taken otherwise."""
        now = self.clock()
        self._held = min(self.most, self._held + (now - self._at) * self.per_s)
        self._at = now
        if amount > self._held:
            return False
        self._held -= amount
        return True


class Allowance:
    """What one websocket may say."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._messages = Bucket(MESSAGES_PER_S, MESSAGES_AT_ONCE, clock)
        self._bytes = Bucket(BYTES_PER_S, BYTES_AT_ONCE, clock)

    def covers(self, size: int) -> bool:
        """Whether a message of `size` bytes may pass now; it is counted if so."""
        return self._bytes.take(size) and self._messages.take(1)
