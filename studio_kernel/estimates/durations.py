"""How long a run will take, learnt from the runs of this home.

Each earlier run of the model says how long *this* one would have taken, had it gone as that one did: its denoising is
scaled by the steps, everything else is taken as it was. The median of what the newest ones say is the estimate, and
four of five runs end inside its interval. Runs that differ in something else (a size, a scheduler, the number of
pictures) are only asked when there is none of the same kind, and with less confidence.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from studio_kernel.domain.estimate import Confidence, TimeBasis, TimeEstimate
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import Value
from studio_kernel.estimates.vram.trace import DENOISING, TRACED_STEPS, Trace

if TYPE_CHECKING:
    from studio_kernel.runlog import PastRun

NEWEST = 20
"""Runs that count. More make the interval steadier and the estimate slower to follow a machine that has changed; with
20, an interval covers 69 to 88 % in every history that the tests make up, drifting ones included."""
ENOUGH = 10
"""From so many runs on the interval is read off them; with fewer its width is also what is usual."""
USUAL_SPREAD = 0.2
"""Standard deviation of the logarithm of a duration, where little is known: 20 %."""
USUAL_WEIGHT = 4
"""How many runs the usual spread counts as."""
SCALED_SPREAD = 0.4
"""The same where runs of other sizes were scaled."""
PRIOR_FACTOR = 3.0
"""How far a first run may be off either way."""
COLD_SHARE = 0.2
"""A run that spent more of its time on loading than this had to load its model first."""

EFFICIENCY = 0.6
"""Share of the speed of convolutions that a whole pipeline reaches: measured on a processor with the model that ships,
3.0 s in place of 2.0 s for ten steps of 512 x 512."""
STEP_S = 0.01
"""What a step takes beside computing, whatever its size: small models spend most of it there."""

_COMPUTED = ("num_inference_steps", "strength")
_UNIMPORTANT = frozenset({"prompt", "inputs", "seed", "adapters"})


def learnt(
    card: ModelCard, request: GenerationRequest, past: Sequence[PastRun], batch_size: int = 1
) -> TimeEstimate | None:
    """Return how long a request takes by the runs of its model; `None` when there are none to go by.

    Parameters
    ----------
    past : sequence of PastRun
        Of the same model, newest first.
    batch_size : int
        Requests in each pass; a duration is the share of one of them.
    """
    past = [run for run in past if run.task == request.task and run.batch_size == batch_size]
    past = [run for run in past if run.device == past[0].device]
    kind = _kind(card, request.parameters)
    same = [run for run in past if _kind(card, run.parameters) == kind][:NEWEST]
    if same:
        warm = [run for run in same if not _is_cold(run)]
        seconds = [_seconds_like(run, request) for run in warm or same]
        return _estimate(seconds, USUAL_SPREAD, TimeBasis.LEARNT, _loading_s(same))
    scaled = [(run, scale) for run in past[:NEWEST] if (scale := _scale(run, request)) is not None]
    seconds = [_seconds_like(run, request) * scale for run, scale in scaled]
    return _estimate(seconds, SCALED_SPREAD, TimeBasis.SCALED, _loading_s(past[:NEWEST])) if seconds else None


def first_guess(seconds: float) -> TimeEstimate:
    """Return the estimate of a first run that should take about so long."""
    return TimeEstimate(seconds, seconds / PRIOR_FACTOR, seconds * PRIOR_FACTOR, TimeBasis.PRIOR, Confidence.LOW)


def by_computing(trace: Trace, request: GenerationRequest, flops_per_s: float, batch_size: int) -> TimeEstimate | None:
    """Return the estimate of a first run by the operations that its trace has counted; `None` when none were.

    Parameters
    ----------
    flops_per_s : float
        What the device does of convolutions alone.
    batch_size : int
        Requests in each pass, of which the trace has all pictures; the estimate is the share of one.
    """
    steps = _steps(request.parameters)
    flops = math.fsum(
        stage.flops * stage.calls * (steps / TRACED_STEPS if stage.name == DENOISING else 1) for stage in trace.stages
    )
    if not flops:
        return None
    return first_guess((flops / (EFFICIENCY * flops_per_s) + steps * STEP_S) / batch_size)


def total(parts: Iterable[TimeEstimate]) -> TimeEstimate | None:
    """Return how long several runs take one after the other; `None` for none.

    Notes
    -----
    The ends of the interval are added too, as if all runs were fast or slow together: what makes one of them slow, such
    as another program on the machine, mostly makes the others slow too.
    """
    listed = list(parts)
    if not listed:
        return None
    bases = list(TimeBasis)
    return TimeEstimate(
        seconds=math.fsum(part.seconds for part in listed),
        low_s=math.fsum(part.low_s for part in listed),
        high_s=math.fsum(part.high_s for part in listed),
        basis=max((part.basis for part in listed), key=bases.index),
        confidence=Confidence.lowest(*(part.confidence for part in listed)),
        loading_s=max(part.loading_s for part in listed),
        runs=min(part.runs for part in listed),
    )


def after(estimate: TimeEstimate, wait_s: float) -> TimeEstimate:
    """Return `estimate` with a wait before it."""
    return replace(estimate, wait_s=wait_s)


def kind_of(card: ModelCard, request: GenerationRequest) -> tuple[frozenset[tuple[str, Value]], float]:
    """Return what decides the duration of a request: requests with an equal one take equally long."""
    return _kind(card, request.parameters), _steps(request.parameters)


def _kind(card: ModelCard, parameters: Mapping[str, Value]) -> frozenset[tuple[str, Value]]:
    """Return what decides how long a step takes: the values that are neither content nor only a number of steps."""
    content = {parameter.name for parameter in card.parameters if parameter.group in _UNIMPORTANT}
    values = {name: value for name, value in parameters.items() if name not in content and name not in _COMPUTED}
    guidance = values.get("guidance_scale")
    if isinstance(guidance, (int, float)):
        values["guidance_scale"] = guidance > 1  # its size costs nothing, having it doubles the work
    return frozenset(values.items())


def _seconds_like(run: PastRun, request: GenerationRequest) -> float:
    """Return how long `request` takes if it goes as `run` did, its model being in memory."""
    steps, then = _steps(request.parameters), _steps(run.parameters)
    denoising = run.denoising_s * steps / then if steps and then else run.denoising_s
    if _is_cold(run):  # what else it did, such as importing libraries, is not done again
        return denoising + run.decoding_s
    return max(run.elapsed_s - run.loading_s - run.denoising_s, 0.0) + denoising


def _steps(parameters: Mapping[str, Value]) -> float:
    """Return how many denoising steps are really made; 0 = not said."""
    steps, strength = parameters.get("num_inference_steps"), parameters.get("strength")
    share = strength if isinstance(strength, (int, float)) and "image" in parameters else 1.0
    return max(1.0, steps * share) if isinstance(steps, int) else 0.0


def _is_cold(run: PastRun) -> bool:
    return run.loading_s > COLD_SHARE * run.elapsed_s and run.denoising_s > 0


def _loading_s(runs: Sequence[PastRun]) -> float:
    """Return what a run takes longer whose model has to be loaded first."""
    cold = [run.elapsed_s - run.denoising_s - run.decoding_s for run in runs if _is_cold(run)]
    return statistics.median(cold) if cold else 0.0


def _scale(run: PastRun, request: GenerationRequest) -> float | None:
    """Return how many times the work of `run` this request is, by pixels; 1 where neither says a size."""
    now, then = _pixels(request.parameters), _pixels(run.parameters)
    if now is None or then is None:
        return 1.0 if now is then else None
    return now / then


def _pixels(parameters: Mapping[str, Value]) -> float | None:
    width, height = parameters.get("width"), parameters.get("height")
    if not isinstance(width, int) or not isinstance(height, int):
        return None
    images, frames = parameters.get("num_images", 1), parameters.get("num_frames", 1)
    return (
        width
        * height
        * float(images if isinstance(images, int) else 1)
        * float(frames if isinstance(frames, int) else 1)
    )


def _estimate(seconds: Sequence[float], spread: float, basis: TimeBasis, loading_s: float) -> TimeEstimate:
    logs = sorted(math.log(max(value, 1e-4)) for value in seconds)
    low, high = _quantiles(logs) if len(logs) >= ENOUGH else _usual_interval(logs, spread)
    sure = basis is TimeBasis.LEARNT
    confidence = Confidence.HIGH if sure and len(logs) >= ENOUGH else Confidence.MEDIUM if sure else Confidence.LOW
    median = math.exp(statistics.median(logs))
    return TimeEstimate(median, math.exp(low), math.exp(high), basis, confidence, 0.0, loading_s, len(logs))


def _quantiles(logs: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the middle 80 %, where the next value of the same source lies four times in five.

    Notes
    -----
    The quantile p of n values stands at place p (n + 1), after Weibull (1939) the one whose expected coverage is p.
    """
    deciles = statistics.quantiles(logs, n=10, method="exclusive")
    return deciles[0], deciles[-1]


def _usual_interval(logs: Sequence[float], spread: float) -> tuple[float, float]:
    """Return where the next value lies four times in five when there are few: theirs and the usual spread together.

    Notes
    -----
    The predictive distribution of a normal variable whose variance has a scaled inverse chi-squared prior: Student's t
    (Gelman et al., Bayesian Data Analysis, 3rd edition, section 3.3).
    """
    middle, n = statistics.median(logs), len(logs)
    freedom = USUAL_WEIGHT + n - 1
    variance = (USUAL_WEIGHT * spread**2 + math.fsum((value - middle) ** 2 for value in logs)) / freedom
    half = _T_90[freedom] * math.sqrt(variance * (1 + 1 / n))
    return middle - half, middle + half


_T_90: Mapping[int, float] = {
    4: 1.533, 5: 1.476, 6: 1.440, 7: 1.415, 8: 1.397, 9: 1.383, 10: 1.372, 11: 1.363, 12: 1.356,
}  # fmt: skip
"""The 90 % quantile of Student's t by degrees of freedom, as in any table of it; importing scipy takes too long."""
