"""Who is alive, and whose turn it is to write.

A process that has a name holds a lock file of that name for as long as it lives.

The operating system frees the lock when the process ends, however it ends, so a dead process is seen at once, and
a process number that was given to another program fools nobody.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from studio_kernel.errors import HomeError

TURN_WAIT_S = 10.0


class Presence:
    """The proof that this process is alive under a name of its own.

    Parameters
    ----------
    locks : pathlib.Path
        The directory of the home's locks; made when needed.
    role : str
        What the process is, such as ``inline``; a random part makes it a name.

    Attributes
    ----------
    name : str
        Never used by another process.
    """

    def __init__(self, locks: Path, role: str) -> None:
        locks.mkdir(parents=True, exist_ok=True)
        self.name = f"{role}-{uuid.uuid4().hex[:12]}"
        self._path = locks / f"{self.name}.lock"
        self._lock = FileLock(self._path, timeout=0, thread_local=False)
        self._lock.acquire()

    def end(self) -> None:
        """Be gone; may be called twice."""
        if self._lock.is_locked:
            with suppress(OSError):  # Windows keeps a file that is open; it is removed when somebody asks for it
                self._path.unlink()
            self._lock.release()


def is_present(locks: Path, name: str) -> bool:
    """Return whether the process called `name` is alive; a lock file that the dead have left is removed."""
    path = locks / f"{name}.lock"
    if not path.exists():
        return False
    lock = FileLock(path, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        return True
    except OSError:  # a home that may only be read: who is alive cannot be asked there
        return True
    with suppress(OSError):
        path.unlink()
    lock.release()
    return False


@contextmanager
def one_at_a_time(locks: Path, what: str) -> Iterator[None]:
    """Keep other processes, and other threads, from writing what is looked at first; for milliseconds.

    Parameters
    ----------
    locks : pathlib.Path
        The directory of the home's locks; made when needed.
    what : str
        What is written, such as ``boards``.

    Raises
    ------
    HomeError
        When somebody else has not let go for ten seconds, or nothing can be written there.
    """
    lock = FileLock(locks / f"{what}.lock", timeout=TURN_WAIT_S, thread_local=False)
    try:
        locks.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise HomeError(f"another process has been writing {what} for {TURN_WAIT_S:g} s; try again") from error
    except OSError as error:
        raise HomeError(f"cannot write in {str(locks)!r}: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()
