"""How long the run log keeps the thread that generates: ``python -m benchmarks.journal_append``.

Logs runs at a steady pace, as a generating process does, while the log's own thread syncs and folds; then the same
number without pause. Every figure is the time of one call on the calling thread.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.report import report
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import RunStatus
from studio_kernel.runlog import RunLog, new_run_id

PROMPT = "a wide view of a harbour at dawn, oil on canvas, " * 4
P50_BOUND_MS, P99_BOUND_MS = 0.2, 1.0


def timed(call: Callable[[], object]) -> float:
    """Return how many milliseconds a call takes."""
    begun = time.perf_counter()
    call()
    return (time.perf_counter() - begun) * 1e3


def log_one(log: RunLog, seed: int) -> list[float]:
    """Log one run and return the time of each of its three events."""
    run_id = new_run_id()
    request = GenerationRequest("studio-tiny", parameters={"prompt": PROMPT, "seed": seed, "guidance_scale": 5.0})
    assets = [Asset(f"{seed:064x}", "image/png", 400_000, 512, 512)]
    provenance = {"device": "cpu", "versions": {"torch": "2.13", "diffusers": "0.42"}}
    outcome = {"timings": {"denoising": 0.5, "decoding": 0.1}}
    return [
        timed(lambda: log.queued(run_id, request, engine="diffusers")),
        timed(lambda: log.started(run_id, provenance=provenance)),
        timed(lambda: log.finished(run_id, RunStatus.SUCCEEDED, assets=assets, elapsed_s=0.6, outcome=outcome)),
    ]


def measure(log: RunLog, runs: int, pause_s: float) -> list[float]:
    """Return the times of all events of so many runs, in order of size."""
    log_one(log, 0)  # makes the journal and starts the thread, once in the life of a process
    times = []
    for seed in range(runs):
        times += log_one(log, seed)
        time.sleep(pause_s)
    return sorted(times)


def main() -> None:
    """Print the median and the 99th percentile at a steady pace and without pause."""
    for pace, pause_s in (("20 runs a second", 0.05), ("no pause", 0.0)):
        with tempfile.TemporaryDirectory() as home, RunLog(Path(home)) as log:
            times = measure(log, 200, pause_s)
        report(f"journal append, {pace}: median", times[len(times) // 2], P50_BOUND_MS, "ms")
        report(f"journal append, {pace}: 99th percentile", times[int(len(times) * 0.99)], P99_BOUND_MS, "ms")


if __name__ == "__main__":
    main()
