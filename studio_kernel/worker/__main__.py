"""``python -m studio_kernel.worker HOME DEVICE``: be the worker of a home until there is nothing to do."""

from __future__ import annotations

import faulthandler
import signal
import sys
import threading

from filelock import FileLock, Timeout
from msgspec.structs import replace

from studio_kernel.engines.base import Engine
from studio_kernel.errors import StudioError
from studio_kernel.presence import Presence
from studio_kernel.settings import Home
from studio_kernel.worker import info, logs

LANE_WAIT_S = 2.0
"""A worker that ends frees its lane within this time."""


def main(root: str, device: str) -> int:
    """Work for the home at `root`, unless another worker does; return the exit status."""
    home = Home.at(root)
    home.locks.mkdir(parents=True, exist_ok=True)
    lane = FileLock(home.locks / f"worker-{info.lane_of(device)}.lock", timeout=LANE_WAIT_S)
    try:
        lane.acquire()
    except Timeout:
        return 0
    presence = Presence(home.locks, f"worker-{info.lane_of(device)}")
    told = info.of_this_process(presence.name, device)
    info.write(home, told)
    faulthandler.enable()
    logs.begin(info.log_path(home, device))
    successor = ""
    try:
        ended, successor = _work(home, told)
    except StudioError as error:
        ended = replace(told, state="failed", error=str(error))
    if home.root.is_dir():
        info.write(home, ended)
    presence.end()
    lane.release()
    if successor:
        _hand_over(home, device, successor)
    return 1 if ended.state == "failed" else 0


def _work(home: Home, told: info.WorkerInfo) -> tuple[info.WorkerInfo, str]:
    """Be a worker; return what it has to tell at its end, and the Python of its successor."""
    # What takes long to load comes after this process has said that it is there.
    from studio_kernel.worker.process import Worker
    from studio_kernel.workshop import Workshop

    settings = home.settings().worker
    workshop = Workshop(home, _engines(told.device))
    told = replace(told, state="working")
    worker = Worker(home, told, settings, workshop, takes_remote=told.device == settings.device)
    info.write(home, told)
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: worker.terminated.set())
    over = threading.Event()
    control = threading.Thread(target=worker.run, args=(over.set,), name="control")
    control.start()
    over.wait()
    control.join()
    return replace(told, state=worker.state), worker.successor


def _engines(device: str) -> list[Engine]:
    if device == "auto":
        return []
    from studio_kernel.engines.diffusers import DiffusersEngine

    return [DiffusersEngine(device=device)]


def _hand_over(home: Home, device: str, python: str) -> None:
    """Start the newer studio that has asked for the lane; if it cannot be, the next submit tells why."""
    from studio_kernel.worker.launch import spawn

    spawn(home, device, python)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
