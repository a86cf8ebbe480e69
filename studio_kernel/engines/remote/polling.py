"""How often a service is asked how far a job is: often enough that nobody waits for it, and no oftener."""

from __future__ import annotations

import random
from dataclasses import dataclass

from studio_kernel.engines.remote.service import MediaKind

SHARE = 0.1
"""A job is asked for again after this share of the time it has taken: its end is seen 5 % too late on average."""
_BOUNDS_S = {"image": (0.2, 2.0), "audio": (0.3, 2.0), "video": (1.0, 5.0)}
"""The shortest and the longest wait. A picture takes seconds, a video minutes."""


@dataclass(frozen=True, slots=True)
class Polling:
    """The waits between two questions.

    Attributes
    ----------
    kind : {"image", "video", "audio"}
        What is being made.
    """

    kind: MediaKind

    def wait_s(self, elapsed_s: float) -> float:
        """Return how long to wait, of a job that has taken so long."""
        shortest, longest = _BOUNDS_S[self.kind]
        return min(max(shortest, SHARE * elapsed_s), longest)


@dataclass(slots=True)
class Backoff:
    """The waits between two attempts at something that fails: each twice as long, never in step with others.

    Attributes
    ----------
    first_s, longest_s : float
        The first wait and the longest, before chance makes them up to a half longer.
    """

    first_s: float = 0.5
    longest_s: float = 30.0

    def next_s(self, asked_for_s: float | None = None) -> float:
        """Return how long to wait now; at least as long as the service has asked for."""
        wait = self.first_s * random.uniform(1.0, 1.5)
        self.first_s = min(2 * self.first_s, self.longest_s)
        return max(wait, asked_for_s or 0.0)
