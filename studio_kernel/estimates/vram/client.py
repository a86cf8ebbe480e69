"""The kernel's end of the tracing process: started when something is asked, and again when it was killed."""

from __future__ import annotations

import itertools
import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from studio_kernel.errors import WorkerError
from studio_kernel.estimates.vram import messages
from studio_kernel.estimates.vram.messages import Answer, Question

MODULE = "studio_kernel.estimates.vram.process"
TIMEOUT_S = 120.0
"""For one answer, imports included: they take 4 s, and on a machine that is busy generating many times that."""
_ATTEMPTS = 2
_END_S = 2.0
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL|AUTH", re.IGNORECASE)
_OF_THE_KERNEL = ("JPY_", "MPLBACKEND")
# A group of its own: what interrupts the kernel does not reach it. Windows shows no console for it.
_APART = sum(getattr(subprocess, name, 0) for name in ("CREATE_NEW_PROCESS_GROUP", "CREATE_NO_WINDOW"))


class TracingProcess:
    """A process that has torch, asked by one that has not; may be asked from any thread.

    Parameters
    ----------
    output : pathlib.Path or None
        Where what its libraries print goes; `None` = nowhere.
    timeout_s : float
        Seconds for one answer, after which the process is ended and the question has failed.
    idle_s : float or None
        Seconds without a question after which it ends by itself; `None` = its own default.
    command : sequence of str, optional
        Another program that answers.
    """

    def __init__(
        self,
        output: Path | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        idle_s: float | None = None,
        command: tuple[str, ...] = (),
    ) -> None:
        self._output, self._timeout_s = output, timeout_s
        # -P keeps the directory that the kernel stands in off the import path.
        own = (sys.executable, "-P", "-m", MODULE, *([] if idle_s is None else [str(idle_s)]))
        self._command = command or own
        self._alone = threading.Lock()
        self._numbers = itertools.count(1)
        self._child: _Child | None = None
        self._closed = threading.Event()

    @property
    def pid(self) -> int | None:
        """Its number; `None` when it does not run now."""
        child = self._child
        return child.pid if child is not None and child.is_alive else None

    @property
    def is_busy(self) -> bool:
        """Whether somebody waits for an answer now."""
        return self._alone.locked()

    def ask(self, question: Callable[[int], Question]) -> Answer:
        """Return the answer to a question, which is given its number.

        Raises
        ------
        WorkerError
            When there is no answer: the process cannot be started, was killed twice, takes too long, or was closed.
        """
        with self._alone:
            for _ in range(_ATTEMPTS):
                number = next(self._numbers)
                found = self._ready().answer(number, question(number), time.monotonic() + self._timeout_s)
                if found is not None:
                    return found
            raise WorkerError(f"the process that traces memory was ended while it was at work{self._last_words()}")

    def tell(self, question: Callable[[int], Question]) -> None:
        """Send a question and wait for no answer; raises as `ask`."""
        with self._alone:
            number = next(self._numbers)
            self._ready().send(question(number))

    def close(self) -> None:
        """End the process; may be called twice, also while somebody waits for an answer, who is told."""
        self._closed.set()
        if (child := self._child) is not None:
            child.end()

    def __enter__(self) -> TracingProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ready(self) -> _Child:
        if self._closed.is_set():
            raise WorkerError("the process that traces memory was closed with its studio")
        if self._child is None or not self._child.is_alive:
            if self._child is not None:
                self._child.end()
            self._child = _Child(self._command, self._output)
            if self._closed.is_set():  # meanwhile, by another thread
                self._child.end()
        return self._child

    def _last_words(self) -> str:
        with suppress(OSError):
            text = self._output.read_text("utf-8", "replace").strip() if self._output else ""
            return f"; it said: {text.splitlines()[-1]}" if text else ""
        return ""


class _Child:
    """One process, from its start to its end."""

    def __init__(self, command: tuple[str, ...], output: Path | None) -> None:
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        with _opened(output) as errors:
            try:
                self._process = subprocess.Popen(
                    command,
                    env=environment(),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    start_new_session=True,
                    creationflags=_APART,
                )
            except OSError as error:
                raise WorkerError(f"the process that traces memory cannot be started: {error}") from error
        threading.Thread(target=self._read, name="studio-tracing", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def send(self, question: Question) -> None:
        """Send a question; one that is gone does not hear it."""
        assert self._process.stdin is not None
        with suppress(OSError, ValueError):
            self._process.stdin.write(messages.line(question))
            self._process.stdin.flush()

    def answer(self, number: int, question: Question, deadline: float) -> Answer | None:
        """Return the answer of that number; `None` when the process has ended."""
        self.send(question)
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                self.end(at_once=True)
                raise WorkerError("the process that traces memory gave no answer in time, and was ended") from None
            if not line:
                self._process.wait()
                return None
            with suppress(msgspec.DecodeError):  # nothing but answers is written there; a torn line is none
                found = messages.answers.decode(line)
                if found.id == number:
                    return found

    def end(self, *, at_once: bool = False) -> None:
        """Close its input, at which it ends, and do not wait for longer than it should take."""
        assert self._process.stdin is not None
        if at_once:
            self._process.kill()
        with suppress(OSError, ValueError):
            self._process.stdin.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as answers:
            for line in answers:
                self._lines.put(line)
        self._lines.put(b"")


def environment() -> dict[str, str]:
    """Return what the tracing process is given of this one's environment: no secrets, one thread, no network."""
    left = {
        name: value
        for name, value in os.environ.items()
        if not _SECRET.search(name) and not name.startswith(_OF_THE_KERNEL)
    }
    return left | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "0"}


def _opened(output: Path | None) -> Any:
    """Open where its errors go; nowhere, when there is no such place."""
    if output is not None:
        with suppress(OSError):
            output.parent.mkdir(parents=True, exist_ok=True)
            return output.open("wb")
    return Path(os.devnull).open("wb")
