"""The writing side: one append-only file for each process, and the append is the commit.

A line that `Journal.append` has written survives the death of the process; after the next `Journal.flush` it
survives a power cut too. No lock is shared with another process. When the disk is full, lines wait in memory and are
written as soon as there is room.

While a process writes a journal it holds the lock file beside it. A free lock tells that nobody will append to that
journal again.
"""

from __future__ import annotations

import errno
import os
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from studio_kernel.errors import HomeError
from studio_kernel.runlog import events, forking
from studio_kernel.runlog.events import Event

if TYPE_CHECKING:
    from filelock import BaseFileLock

ROTATE_BYTES = 8 << 20
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


def microseconds() -> int:
    """Return the time now in microseconds since 1970."""
    return time.time_ns() // 1000


class Journal:
    """The journal of this process.

    Nothing is created before the first append.

    Parameters
    ----------
    directory : pathlib.Path
        Where journals are; made when needed.
    clock : callable
        Microseconds since 1970; may stand still or go back.
    rotate_bytes : int
        A journal that has grown past this is left alone and a new one is begun.
    """

    def __init__(
        self, directory: Path, *, clock: Callable[[], int] = microseconds, rotate_bytes: int = ROTATE_BYTES
    ) -> None:
        self.directory = directory
        self._clock = clock
        self._rotate_bytes = rotate_bytes
        self._last_ts = 0
        self._reset()
        forking.register(self)

    def _reset(self) -> None:
        self._mutex = threading.RLock()
        self._descriptor: int | None = None
        self._lock: BaseFileLock | None = None
        self._pending: deque[bytes] = deque()
        self._unsynced = False
        self.name: str | None = None
        self.position = 0
        self.error: str | None = None

    @property
    def pending(self) -> int:
        """Number of lines that are only in memory, because they could not be written yet."""
        with self._mutex:  # a line that another thread is just writing does not wait
            return sum(lines.count(b"\n") for lines in self._pending)

    @property
    def open_name(self) -> str | None:
        """Name of the journal that is being written."""
        return self.name if self._descriptor is not None else None

    def append(self, *told: Event) -> bool:
        """Write the lines of some events, all with one call; `False` when they have to wait in memory.

        Raises
        ------
        HomeError
            When no journal can be made here at all, for another reason than a full disk.
        """
        with self._mutex:
            lines = b"".join(events.encode(event, self._tick()) for event in told)
            if self.name is None and not self._pending:
                self._open_or_refuse()
            self._pending.append(lines)
            return self._drain()

    def flush(self) -> None:
        """Write what waits in memory, and make sure that everything written is on the disk."""
        with self._mutex:
            self._forget_deleted_file()
            self._drain()
            if not self._unsynced or self._descriptor is None:
                return
            self._unsynced = False
            descriptor = os.dup(self._descriptor)
        try:
            _sync(descriptor)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Write and sync everything, then give the journal up; a later append begins a new one."""
        self.flush()
        with self._mutex:
            self._leave()

    def renew_in_child(self) -> None:
        """Begin anew in a forked child: two processes never write one journal, and the parent writes its own lines."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        forking.abandon(self._lock)
        self._reset()

    def _tick(self) -> int:
        self._last_ts = max(self._last_ts + 1, self._clock())
        return self._last_ts

    def _open_or_refuse(self) -> None:
        try:
            self._open()
        except OSError as error:
            if error.errno not in _NO_SPACE:
                reason = error.strerror or type(error).__name__
                raise HomeError(
                    f"no journal can be written in {str(self.directory)!r} ({reason}); choose a home on a local disk "
                    "that you may write to"
                ) from error

    def _open(self) -> None:
        from filelock import FileLock

        self.directory.mkdir(parents=True, exist_ok=True)
        name = f"{self._clock() // 1000:013d}-{uuid.uuid4().hex[:12]}"
        lock = FileLock(self.directory / f"{name}.lock", timeout=0, thread_local=False)
        lock.acquire()
        try:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            descriptor = os.open(self.directory / f"{name}.jsonl", flags, 0o600)
        except OSError:
            lock.release()
            raise
        self._descriptor, self._lock, self.name, self.position = descriptor, lock, name, 0
        sync_directory(self.directory)

    def _drain(self) -> bool:
        """Write the lines that wait; keep the rest when one cannot be written whole."""
        try:
            while self._pending:
                if self._descriptor is None:
                    self._open()
                self._write(self._pending[0])
                self._pending.popleft()
        except OSError as error:
            self.error = error.strerror or type(error).__name__
            return False
        self.error = None
        return True

    def _write(self, lines: bytes) -> None:
        assert self._descriptor is not None
        end = os.lseek(self._descriptor, 0, os.SEEK_END)
        written = os.write(self._descriptor, lines)
        if written != len(lines):
            os.ftruncate(self._descriptor, end)  # a torn line must not stand in front of later ones
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.position = end + written
        self._unsynced = True
        if self.position >= self._rotate_bytes:
            _sync(self._descriptor)
            self._leave()

    def _forget_deleted_file(self) -> None:
        """Begin a new journal after somebody deleted this one, so that what follows is not lost with it."""
        if self._descriptor is not None and os.fstat(self._descriptor).st_nlink == 0:
            self._leave()

    def _leave(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        if self._lock is not None:
            self._lock.release()
        self._descriptor, self._lock, self._unsynced = None, None, False


def _sync(descriptor: int) -> None:
    getattr(os, "fdatasync", os.fsync)(descriptor)


def sync_directory(directory: Path) -> None:
    """Make the entry of a new file survive a power cut; Windows has no such call and does not need it."""
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
