"""What it costs that another process does the work: submitting, getting a result, being seen, coming back from a kill.

Runs of the procedural engine that take a few milliseconds, so that what is measured is the way there and back.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import psutil

from benchmarks.report import report

QUICK = {"model": "procedural", "width": 32, "height": 32, "num_inference_steps": 1}
SLOW = {"model": "procedural", "width": 64, "height": 64, "num_inference_steps": 150, "step_seconds": 0.1}
ROUNDS = 50
LOOK = """
import sys, time
import studio_kernel as sk
studio = sk.open(sys.argv[1], mode="viewer")
begun = time.perf_counter()
run = studio.run(sys.argv[2])
while not run.progress.step:
    time.sleep(0.005)
print(time.perf_counter() - begun)
"""


def main() -> None:
    """Print the figures."""
    import studio_kernel as sk
    from studio_kernel.runlog import RunLog
    from studio_kernel.settings import Home
    from studio_kernel.worker import info
    from studio_kernel.worker.launch import Launcher

    with tempfile.TemporaryDirectory() as place:
        with sk.open(Path(place) / "inline", runner="inline") as studio:
            studio.generate("a boat", progress=False, **QUICK)
            inline = median(_timed(lambda: studio.generate("a boat", progress=False, **QUICK)) for _ in range(ROUNDS))
        home = Path(place) / "worker"
        with sk.open(home, runner="worker") as studio:
            first = _timed(lambda: studio.submit("a boat", **QUICK))
            studio.generate("a boat", progress=False, **QUICK)
            through = median(_timed(lambda: studio.generate("a boat", progress=False, **QUICK)) for _ in range(ROUNDS))
            submitted = median(_timed(lambda: studio.submit("a boat", **QUICK)) for _ in range(ROUNDS))
            for run in studio.queue():
                run.wait()
            run = studio.submit("a boat", **SLOW)
            while not run.progress.step:
                time.sleep(0.005)
            looked = subprocess.run(
                [sys.executable, "-c", LOOK, home, run.id], check=True, capture_output=True, text=True
            )
            worker = info.alive(studio.home, "auto")
            assert worker is not None
            os.kill(worker.pid, signal.SIGKILL)
            killed = time.perf_counter()
            while run.status != "queued":
                time.sleep(0.005)
            while run.status != "running":
                time.sleep(0.005)
            again = time.perf_counter() - killed
            run.cancel()
            run.wait()
            successor = info.alive(studio.home, "auto")
            assert successor is not None
            memory = psutil.Process(successor.pid).memory_info().rss
        with RunLog(home) as log:
            Launcher(Home.at(home), log).stop(at_once=True)
    print(f"  a worker that has not loaded a model takes {memory / 2**20:.0f} MiB")
    report("first submit, which starts the worker", first, 3, "s")
    report("submit() to a worker", submitted * 1000, 20, "ms")
    report("generate() through the worker, beyond inline", (through - inline) * 1000, 60, "ms")
    report("a run at work, seen by a process that has just opened the home", float(looked.stdout), 1, "s")
    report("from kill -9 of the worker to its run at work again", again, 5, "s")


def _timed(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
