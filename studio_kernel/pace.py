"""How long runs take here, learnt from the ones before, and how long the one at work has left.

What is learnt belongs to a model, a size and a device. The run log is asked once for each such kind and process, beside
the work; after that every run that ends adds what it took.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import Value
from studio_kernel.runlog import RunKind, RunLog, Timings

NEWEST_SHARE = 0.3
"""How much the latest run counts against all before it: a machine that is busier today shows after three runs."""


class Paces:
    """What was learnt of every kind of run.

    Parameters
    ----------
    log : RunLog
        Asked for the runs of earlier processes.
    """

    def __init__(self, log: RunLog) -> None:
        self._log = log
        self._learnt: dict[RunKind, Timings | None] = {}
        self._lock = threading.Lock()

    def of(self, kind: RunKind) -> Timings | None:
        """Return what is known of a kind of run; `None` when there is nothing, or the log has not answered yet."""
        with self._lock:
            if kind not in self._learnt:
                self._learnt[kind] = None
                self._log.later(partial(self._ask, kind))
            return self._learnt[kind]

    def learn(self, kind: RunKind, steps: int, timings: Mapping[str, float]) -> None:
        """Take what a run took: seconds of ``denoising`` and ``decoding``."""
        if not steps or "denoising" not in timings:
            return
        new = Timings(timings["denoising"] / steps, timings.get("decoding", 0.0))
        with self._lock:
            known = self._learnt.get(kind)
            self._learnt[kind] = new if known is None else _mixed(known, new)

    def _ask(self, kind: RunKind) -> None:
        found = self._log.timings(kind)
        with self._lock:
            self._learnt[kind] = self._learnt[kind] or found


@dataclass(slots=True)
class Countdown:
    """How long one run has left.

    Attributes
    ----------
    learnt : Timings or None
        From runs of its kind.
    """

    learnt: Timings | None = None
    _first: tuple[int, float] | None = None
    _last: tuple[int, float] | None = None

    def step(self, step: int, now: float) -> None:
        """Take that `step` was done at `now`, in seconds of a clock that only runs."""
        if self._last is None or step > self._last[0]:
            self._first = self._first or (step, now)
            self._last = (step, now)

    def remaining_s(self, step: int, total: int) -> float | None:
        """Return how many seconds of work are left after `step` of `total`; `None` when nothing is known.

        Notes
        -----
        The mean of the steps of this run, without its first one, which also warms up; until there are two of them,
        what was learnt.
        """
        step_s = self._measured() or (self.learnt.step_s if self.learnt else None)
        if step_s is None or not total:
            return None
        return (total - step) * step_s + (self.learnt.decoding_s if self.learnt else 0.0)

    def _measured(self) -> float | None:
        if self._first is None or self._last is None or self._last[0] == self._first[0]:
            return None
        return (self._last[1] - self._first[1]) / (self._last[0] - self._first[0])


def kind_of(request: GenerationRequest, device: Value) -> RunKind:
    """Return the kind of a run: what decides how long a step takes."""
    values = request.parameters
    return RunKind(
        request.model,
        str(request.task),
        _whole(values.get("width")),
        _whole(values.get("height")),
        _whole(values.get("num_images")),
        str(device) if device is not None else None,
    )


def _whole(value: Value | None) -> int | None:
    return value if isinstance(value, int) else None


def _mixed(known: Timings, new: Timings) -> Timings:
    return Timings(
        known.step_s + NEWEST_SHARE * (new.step_s - known.step_s),
        known.decoding_s + NEWEST_SHARE * (new.decoding_s - known.decoding_s),
    )
