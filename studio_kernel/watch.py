"""Tells panels about running jobs: a callback a few times a second while something changes.

One thread per studio, alive only while somebody watches. It reads what everybody can read (the job of this process, the
live board, the log), so a run in another process is watched the same way.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from studio_kernel.domain.runs import RunProgress

INTERVAL_S = 0.125
"""Eight times a second: above ten a notebook's message rate limit drops updates for good."""
HEALING_S = 1.0
"""The final state is told twice, this long apart, in case the first message was dropped."""

logger = logging.getLogger(__name__)

Callback = Callable[[RunProgress], None]


@dataclass(eq=False)
class _Watch:
    run_id: str
    read: Callable[[], RunProgress]
    callback: Callback
    last: RunProgress | None = None
    ended: float | None = None


class Watcher:
    """Calls back with the progress of runs."""

    def __init__(self) -> None:
        self._watches: list[_Watch] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, run_id: str, read: Callable[[], RunProgress], callback: Callback) -> Callable[[], None]:
        """Call `callback` from a thread of the watcher whenever the run's progress changes, until it has ended.

        Parameters
        ----------
        run_id : str
            Named in messages.
        read : callable
            Returns the run's progress.

        Returns
        -------
        callable
            Ends the watch early.
        """
        watch = _Watch(run_id, read, callback)
        with self._lock:
            self._watches.append(watch)
            if self._thread is None:
                self._wake.clear()
                self._thread = threading.Thread(target=self._run, name="studio-watcher", daemon=True)
                self._thread.start()
        return lambda: self._drop(watch)

    def close(self) -> None:
        """End all watches."""
        with self._lock:
            self._watches.clear()
            thread = self._thread
        self._wake.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _drop(self, watch: _Watch) -> None:
        with self._lock:
            if watch in self._watches:
                self._watches.remove(watch)

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._watches:
                    self._thread = None
                    return
                watches = list(self._watches)
            for watch in watches:
                self._tell(watch)
            self._wake.wait(INTERVAL_S)

    def _tell(self, watch: _Watch) -> None:
        try:
            progress = watch.read()
            healing = watch.ended is not None and time.monotonic() - watch.ended >= HEALING_S
            if progress != watch.last or healing:
                watch.last = progress
                watch.callback(progress)
            if healing:
                self._drop(watch)
            elif progress.status.is_final and watch.ended is None:
                watch.ended = time.monotonic()
        except Exception:
            # The boundary between the studio and foreign callbacks: a broken one is dropped, the others go on.
            logger.exception("watching run %s ended by an error", watch.run_id)
            self._drop(watch)
