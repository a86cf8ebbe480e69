"""How long the run log keeps the thread that generates: ``python -m benchmarks.journal_append``.

Logs runs at a steady pace, as a generating process does, while the log's own thread syncs and folds; then the same
number without pause. Every figure is the time of one call on the calling thread.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from studio_kernel.domain.assets import Asset
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import RunStatus
from studio_kernel.runlog import RunLog, new_run_id

PROMPT = "a wide view of a harbour at dawn, oil on canvas, " * 4
TARGET_MS = 1.0


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
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--per-second", type=float, default=20.0)
    options = parser.parse_args()
    print(f"{'pace':>12} {'events':>7} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8}   (target: p99 ≤ {TARGET_MS:g} ms)")
    for name, pause_s in ((f"{options.per_second:g} runs/s", 1 / options.per_second), ("no pause", 0.0)):
        with tempfile.TemporaryDirectory() as home, RunLog(Path(home)) as log:
            times = measure(log, options.runs, pause_s)
        p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
        print(f"{name:>12} {len(times):>7} {p50:>8.3f} {p99:>8.3f} {times[-1]:>8.3f}")


if __name__ == "__main__":
    main()
