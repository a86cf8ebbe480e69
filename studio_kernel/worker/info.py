"""What a worker tells about itself: a small file, replaced atomically, beside its log."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import msgspec

from studio_kernel.forms import ready
from studio_kernel.presence import is_present
from studio_kernel.settings import Home

State = Literal["starting", "working", "stopped", "idle", "replaced", "failed"]
"""Starting, then working, until it says why it has ended: asked to, nothing to do, a newer version takes over, or an
error."""


class WorkerInfo(msgspec.Struct, frozen=True):
    """A worker in its own words.

    Attributes
    ----------
    name : str
        Under which it is present; see `studio_kernel.presence`.
    device : str
        What local engines compute on there, as it was asked for.
    version : str
        Of the studio it runs.
    state : str
        What it is doing, or why it has ended. A worker that was killed still says "working".
    error : str
        What went wrong when the state is "failed".
    """

    name: str
    device: str
    pid: int
    version: str
    python: str
    started_at: datetime
    state: State = "starting"
    error: str = ""


@cache
def studio_version() -> str:
    """Return the version of the studio that is installed."""
    try:
        return version("studio-workbench")
    except PackageNotFoundError:  # a checkout on the path that was never installed
        return "0"


def of_this_process(name: str, device: str) -> WorkerInfo:
    """Return what this process, as a worker, has to tell."""
    return WorkerInfo(name, device, os.getpid(), studio_version(), sys.executable, datetime.now(UTC))


def lane_of(device: str) -> str:
    """Return `device` as a part of file names."""
    return "".join(c if c.isalnum() else "-" for c in device)


def write(home: Home, info: WorkerInfo) -> None:
    """Tell `info`."""
    path = _path(home, info.device)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{info.pid}.new")
    fresh.write_bytes(msgspec.json.encode(info))
    fresh.replace(path)


def read(home: Home, device: str) -> WorkerInfo | None:
    """Return what the last worker for `device` has told; `None` when there was none."""
    return _read(_path(home, device))


def alive(home: Home, device: str) -> WorkerInfo | None:
    """Return the worker for `device` that is alive; `None` when there is none."""
    info = read(home, device)
    return info if info is not None and is_alive(home, info) else None


def is_alive(home: Home, told: WorkerInfo) -> bool:
    """Return whether the worker that has told this is alive, and takes work or is about to."""
    return told.state in ("starting", "working") and is_present(home.locks, told.name)


def known(home: Home) -> Iterator[WorkerInfo]:
    """Yield what every worker of a home has told, the dead included."""
    for path in sorted(home.workers.glob("*.json")):
        if (info := _read(path)) is not None:
            yield info


def log_path(home: Home, device: str) -> Path:
    """Return where the worker for `device` writes its log, JSON lines."""
    return home.workers / f"{lane_of(device)}.log"


def output_path(home: Home, device: str) -> Path:
    """Return where what the worker's libraries print goes, and its last words."""
    return home.workers / f"{lane_of(device)}.out"


def _path(home: Home, device: str) -> Path:
    return home.workers / f"{lane_of(device)}.json"


def _read(path: Path) -> WorkerInfo | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=ready(WorkerInfo))
    except (OSError, msgspec.DecodeError):
        return None
