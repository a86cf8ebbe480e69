"""The one thread of a process that writes: it syncs, folds and publishes, so that appending never has to."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

TICK_S = 0.2
_chance = random.Random()  # of its own: the global one belongs to the user, who may have seeded it


@dataclass(slots=True)
class Duty:
    """Something to do again and again.

    Attributes
    ----------
    call : callable
        What to do; an exception of it is kept in `error` until a call goes well.
    period_s : float
        About how often.
    """

    call: Callable[[], object]
    period_s: float
    error: str | None = None
    due: float = 0.0


class Background:
    """A thread that does its duties until it is stopped."""

    def __init__(self, *duties: Duty) -> None:
        self.duties = duties
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="studio-runlog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let the call that is being made end, and no other begin."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        for duty in self.duties:
            duty.due = _later(duty.period_s)
        while not self._stop.wait(TICK_S):
            for duty in self.duties:
                if time.monotonic() >= duty.due and not self._stop.is_set():
                    _attempt(duty)
                    duty.due = _later(duty.period_s)


def _later(period_s: float) -> float:
    """Return a time about `period_s` from now, scattered so that processes do not march in step."""
    return time.monotonic() + period_s * _chance.uniform(0.8, 1.2)


def _attempt(duty: Duty) -> None:
    try:
        duty.call()
    except Exception as error:  # noqa: BLE001 - shown by RunLog.health(); a thread that ended would fold no more
        duty.error = f"{type(error).__name__}: {error}"
    else:
        duty.error = None
