"""What the tests of the worker share: homes whose workers end with the test, programs that ask for runs, a service."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from studio_kernel.settings import Home
from studio_kernel.worker import info
from waiting import until

SLOW = {"model": "procedural", "width": 64, "height": 64, "num_inference_steps": 40, "step_seconds": 0.2}
"""Is seen at work, also by a busy machine, and then ends by itself."""

ENDLESS = {**SLOW, "num_inference_steps": 150, "step_seconds": 1.0}
"""Does not end before a test ends it."""

QUICK = {"model": "procedural", "width": 32, "height": 32, "num_inference_steps": 1}


def settle(home: Path, **worker: object) -> None:
    """Write the worker's settings of a home."""
    home.mkdir(parents=True, exist_ok=True)
    lines = [f"{name} = {value!r}" for name, value in worker.items()]
    (home / "settings.toml").write_text("\n".join(["[worker]", *lines]).replace("'", '"'))


def worker_of(home: Path) -> info.WorkerInfo | None:
    return info.alive(Home.at(home), "auto")


def processes_of(home: Path) -> list[psutil.Process]:
    """Return every worker process of a home."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if "studio_kernel.worker" in words and str(home) in words and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def kill_worker(home: Path) -> int:
    """Kill the worker of a home without warning, once there is one; return its process number."""
    told = until(lambda: worker_of(home), what="a worker")
    os.kill(told.pid, signal.SIGKILL)
    until(lambda: not psutil.pid_exists(told.pid) or psutil.Process(told.pid).status() == psutil.STATUS_ZOMBIE)
    return told.pid


def end_workers(home: Path) -> None:
    for process in processes_of(home):
        process.kill()


def program(code: str, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    """Start a Python program that opens a home of its own accord."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "STUDIO_RUNNER": "worker", **environment},
    )
