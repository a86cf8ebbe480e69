"""Which files a service has already, so that a file is sent once and not with every run that uses it.

What is kept is an address and when it ends, in small files that any process may read and delete: without them a file
is sent again, and nothing else happens. They stand under the service and a fingerprint of the account, because another
account may not see the file.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from studio_kernel.engines.base import CancelToken

FOLDER = "uploads"
MARGIN = 0.25
"""Share of a file's life that it is not trusted for: a job may wait before it reads the file."""
_LOOK_S = 0.5


def account_of(service: str, key: str) -> str:
    """Return a name for the account of a key that tells nothing of the key."""
    return hashlib.sha256(f"studio {service} account {key}".encode()).hexdigest()[:16]


class Uploads:
    """The files that one account has at a service.

    Parameters
    ----------
    service, account : str
        The service, and `account_of` the key.
    life_s : float
        Seconds for which the service keeps a file.
    clock : callable
        Seconds since 1970.
    """

    def __init__(self, service: str, account: str, life_s: float, clock: Callable[[], float] = time.time) -> None:
        self._name = f"{service}-{account}"
        self._life_s, self._clock = life_s, clock
        self._known: dict[str, tuple[str, float]] = {}
        self._sending: dict[str, threading.Lock] = {}
        self._tidied: set[Path] = set()
        self._lock = threading.Lock()

    def address(self, sha256: str, cache: Path | None, cancel: CancelToken, send: Callable[[], str]) -> str:
        """Return where the service has a file; `send` brings it there first when it does not have it.

        Of several threads and processes that want the same file, one sends it and the others wait.

        Parameters
        ----------
        sha256 : str
            The file.
        cache : pathlib.Path or None
            A directory to remember it in; `None` = for this process only.

        Raises
        ------
        Cancelled
            When the token was set while another process sent it.
        """
        with self._lock:
            turn = self._sending.setdefault(sha256, threading.Lock())
        while not turn.acquire(timeout=_LOOK_S):
            cancel.check()
        try:
            folder = self._folder(cache)
            with _held(folder / f"{sha256[:2]}.lock" if folder else None, cancel):
                known = self._remembered(sha256, folder)
                return known or self._remember(sha256, folder, send())
        finally:
            turn.release()

    def forget(self, address: str, cache: Path | None) -> None:
        """Send a file again the next time, because the service cannot read it."""
        folder = self._folder(cache)
        with self._lock:
            names = [sha256 for sha256, (known, _) in self._known.items() if known == address]
            for sha256 in names:
                del self._known[sha256]
        for path in folder.glob("*.json") if folder else ():
            if _read(path)[0] == address:
                path.unlink(missing_ok=True)

    def _folder(self, cache: Path | None) -> Path | None:
        if cache is None:
            return None
        folder = cache / FOLDER / self._name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:  # a disk that is full or cannot be written costs the memory of it, and nothing else
            return None
        if folder not in self._tidied:
            self._tidied.add(folder)
            _tidy(folder, self._clock())
        return folder

    def _remembered(self, sha256: str, folder: Path | None) -> str:
        with self._lock:
            address, ends = self._known.get(sha256, ("", 0.0))
        if folder is not None and ends <= self._clock():
            address, ends = _read(folder / f"{sha256}.json")
        return address if ends > self._clock() else ""

    def _remember(self, sha256: str, folder: Path | None, address: str) -> str:
        ends = self._clock() + self._life_s * (1 - MARGIN)
        with self._lock:
            self._known[sha256] = address, ends
        if folder is not None:
            _write(folder / f"{sha256}.json", {"url": address, "ends_at": ends})
        return address


@contextmanager
def _held(path: Path | None, cancel: CancelToken) -> Iterator[None]:
    """Keep other processes from sending the same file; where files cannot be locked they may."""
    lock = FileLock(path) if path else None
    try:
        while lock is not None:
            try:
                lock.acquire(timeout=_LOOK_S)
                break
            except Timeout:
                cancel.check()
            except OSError:
                lock = None
        yield
    finally:
        if lock is not None:
            lock.release()


def _tidy(folder: Path, now: float) -> None:
    """Delete what is remembered of files that have ended."""
    with suppress(OSError):
        for path in folder.glob("*.json"):
            if _read(path)[1] <= now:
                path.unlink(missing_ok=True)


def _read(path: Path) -> tuple[str, float]:
    with suppress(OSError, ValueError, KeyError, TypeError):
        said = json.loads(path.read_text("utf-8"))
        return str(said["url"]), float(said["ends_at"])
    return "", 0.0


def _write(path: Path, said: dict[str, object]) -> None:
    """Put a small file in its place as a whole."""
    beside = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.new")
    try:
        beside.write_text(json.dumps(said), "utf-8")
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
