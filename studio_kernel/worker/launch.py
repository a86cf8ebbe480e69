"""Finding the worker of a home, starting one when there is none, asking one to end.

A worker is detached: a process group and session of its own, no terminal, no pipe. What ends a kernel, a terminal or a
notebook server does not reach it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from filelock import FileLock, Timeout
from packaging.version import Version

from studio_kernel.errors import WorkerError
from studio_kernel.keys import FOLDER_VARIABLE
from studio_kernel.presence import is_present
from studio_kernel.runlog import RunLog
from studio_kernel.settings import Home
from studio_kernel.worker import info
from studio_kernel.worker.info import WorkerInfo

START_S = 60.0
START_ATTEMPTS = 3
"""A worker that is killed while it comes up, such as by a system short of memory, is started again so often."""
ASK_AGAIN_S = 1.0
_POLL_S = 0.01
_LAST_WORDS = 2000
_LONGEST_OUTPUT = 1 << 20
# Windows has no sessions; there, a process without console and in a group of its own is left alone as well.
_DETACHED = sum(getattr(subprocess, name, 0) for name in ("DETACHED_PROCESS", "CREATE_NEW_PROCESS_GROUP"))
_OF_THE_KERNEL = ("JPY_", "MPLBACKEND")


class Launcher:
    """Sees to it that a home has a worker for a device.

    Parameters
    ----------
    home : Home
        Whose worker.
    device : str
        What it computes on; what the home's settings say when left out.
    """

    def __init__(self, home: Home, log: RunLog, device: str | None = None) -> None:
        self.home = home
        self.device = device or home.settings().worker.device
        self._log = log

    def current(self) -> WorkerInfo | None:
        """Return the worker that is alive; `None` when there is none."""
        return info.alive(self.home, self.device)

    def ensure(self) -> WorkerInfo:
        """Return the worker, started if there is none, and replaced if it is older than this studio.

        Raises
        ------
        WorkerError
            When none can be started; says why.
        """
        found = self.current()
        if found is not None and not _is_older(found):
            return found
        self.home.locks.mkdir(parents=True, exist_ok=True)
        starting = FileLock(self.home.locks / f"start-{info.lane_of(self.device)}.lock", timeout=START_S)
        try:
            with starting:
                found = self.current()
                if found is None:
                    return self._start()
                if _is_older(found):
                    # It ends after what it is at; the run that is about to be queued waits for its successor.
                    self._log.retire(found.name, successor=sys.executable)
                return found
        except Timeout as error:
            raise WorkerError(f"another process has been starting a worker for {START_S:g} s; try again") from error

    def revive(self) -> None:
        """Start a worker if the last one is gone without having been asked to stop; for those who wait for a run.

        Raises
        ------
        WorkerError
            When none can be started.
        """
        if self.current() is None:
            last = info.read(self.home, self.device)
            if last is None or last.state != "stopped":
                self.ensure()

    def stop(self, *, timeout: float | None = None, at_once: bool = False) -> WorkerInfo | None:
        """Ask the worker to end after what it is at, wait for that, and return who it was.

        Parameters
        ----------
        timeout : float or None
            Seconds; `None` = as long as it takes.
        at_once : bool
            Do not wait for the run at work: it goes back to the queue, or, at a remote service, goes on there.

        Raises
        ------
        WorkerError
            When it is still alive by then.
        """
        found = self.current()
        if found is None:
            return None
        deadline = None if timeout is None else time.monotonic() + timeout
        asked_at = -ASK_AGAIN_S
        while is_present(self.home.locks, found.name):
            if time.monotonic() - asked_at > ASK_AGAIN_S:  # one that is just coming up does not hear the first time
                asked_at = time.monotonic()
                self._log.retire(found.name, at_once=at_once)
            if deadline is not None and time.monotonic() > deadline:
                raise WorkerError(f"the worker (process {found.pid}) has not ended after {timeout:g} s; it was asked")
            time.sleep(_POLL_S)
        return found

    def _start(self) -> WorkerInfo:
        self.home.workers.mkdir(parents=True, exist_ok=True)
        for _ in range(START_ATTEMPTS):
            if (found := self._come_up()) is not None:
                return found
            if self._has_failed():
                break
        raise WorkerError(f"the worker ended as it began: {self._last_words()}")

    def _come_up(self) -> WorkerInfo | None:
        """Start a process and return its worker; `None` when it has ended, for a reason of its own or killed."""
        process = spawn(self.home, self.device)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            found = self.current()
            if found is not None and found.state == "working":
                return found
            if process.poll() is not None and found is None:
                return None
            time.sleep(_POLL_S)
        raise WorkerError(f"the worker did not come up within {START_S:g} s: {self._last_words()}")

    def _has_failed(self) -> bool:
        last = info.read(self.home, self.device)
        return last is not None and last.state == "failed"

    def _last_words(self) -> str:
        last = info.read(self.home, self.device)
        if last is not None and last.state == "failed":
            return last.error
        path = info.output_path(self.home, self.device)
        text = path.read_text("utf-8", "replace")[-_LAST_WORDS:].strip() if path.exists() else ""
        return text.rpartition("\n")[2] or f"nothing was said; see {str(path)!r}"


def spawn(home: Home, device: str, python: str = sys.executable) -> subprocess.Popen[bytes]:
    """Start a worker process and leave it to itself; one for a lane that is taken ends at once."""
    # -P keeps the directory that the worker stands in, a home full of files, off its import path.
    command = [python, "-P", "-m", "studio_kernel.worker", str(home.root), device]
    output = info.output_path(home, device)
    is_long = output.exists() and output.stat().st_size > _LONGEST_OUTPUT
    with output.open("wb" if is_long else "ab") as out:
        process = subprocess.Popen(
            command,
            cwd=home.root,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            creationflags=_DETACHED,
        )
    # Whoever has children must take note of their end, or they stay in the process table.
    threading.Thread(target=process.wait, name="studio-worker-child", daemon=True).start()
    return process


def _environment() -> dict[str, str]:
    """Return what a worker inherits; it stands elsewhere, so it is told where this process looks for keys."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(_OF_THE_KERNEL)}
    return {FOLDER_VARIABLE: str(Path.cwd()), **own}


def _is_older(worker: WorkerInfo) -> bool:
    return Version(worker.version) < Version(info.studio_version())
