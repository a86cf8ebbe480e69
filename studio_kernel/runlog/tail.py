"""Following the journals: what any process of a home appends, a moment later, without DuckDB.

A `Tail` remembers how far it has read each journal and returns what is new. It is cheap enough to be asked fifty times
a second: one listing of the directory when nothing has happened.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from studio_kernel.domain.queue import Queue
from studio_kernel.domain.spending import Spending
from studio_kernel.runlog import decode, events
from studio_kernel.runlog.events import Event
from studio_kernel.runlog.sources import Source, archives_of, changed_ns, journals_of

_READ_BYTES = 4 << 20
_CLOCK_TICK_NS = 100_000_000
_UNKNOWN = -1


class Tail:
    """Reads what is appended to the journals of a home.

    Parameters
    ----------
    root : pathlib.Path
        The home.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._directory = root / "journal"
        self._listed_at = self._archived_at = _UNKNOWN
        self._journals: dict[str, str] = {}
        self._archives: set[str] = set()
        self._positions = {source.name: source.size_bytes for source in (*self._new_archives(), *journals_of(root))}

    @property
    def positions(self) -> dict[str, int]:
        """How far each journal that is not archived has been read."""
        return {name: position for name, position in self._positions.items() if name not in self._archives}

    def rewind(self, watermarks: Mapping[str, int]) -> None:
        """Go back to `watermarks` where they are behind: events since then are returned again."""
        for name, position in self._positions.items():
            unfolded = position if name in self._archives else 0  # an archive has been folded before it became one
            self._positions[name] = min(position, watermarks.get(name, unfolded))

    def read(self) -> list[Event]:
        """Return the events that were appended since the last call, ordered by time; unreadable ones are left out.

        Two events of one run can come in two calls in the wrong order, when two processes wrote them at nearly the
        same moment.
        """
        found: list[Event] = []
        for source in (*self._new_archives(), *self._grown_journals()):
            found += self._read(source)
        return sorted(found, key=lambda event: event["ts"])  # type: ignore[arg-type,return-value]  # asked in _decoded

    def _grown_journals(self) -> Iterator[Source]:
        """Yield the journals that have grown. Their directory is listed only when it has changed: many ask often."""
        changed_at = changed_ns(self._directory)
        if changed_at != self._listed_at:
            self._listed_at = _reliable(changed_at)
            self._journals = {source.name: str(source.path) for source in journals_of(self._root)}
        for name, path in self._journals.items():
            with suppress(FileNotFoundError):  # archived since, and read there
                size = os.stat(path).st_size  # noqa: PTH116 - a Path for each of these would cost more than the call
                if size > self._positions.get(name, 0):
                    yield Source(name, Path(path), size)

    def _new_archives(self) -> list[Source]:
        """Return the archives when there are new ones: a short-lived process may have put its journal away already."""
        changed_at = changed_ns(self._directory / "done")
        if changed_at == self._archived_at:
            return []
        self._archived_at = _reliable(changed_at)
        found = archives_of(self._root)
        self._archives = {source.name for source in found}
        return found

    def _read(self, source: Source) -> list[Event]:
        found: list[Event] = []
        while self._positions.get(source.name, 0) < source.size_bytes:
            position = self._positions.get(source.name, 0)
            try:
                data = source.read(position, _READ_BYTES)
            except FileNotFoundError:  # archived since it was listed, and read there the next time
                break
            if not data:  # the last line is being written
                break
            self._positions[source.name] = position + len(data)
            found += [event for line in data.split(b"\n") if (event := _decoded(line)) is not None]
        return found


def _reliable(changed_at: int) -> int:
    """Return `changed_at` to be compared with later; not while it is fresh: two changes within one tick look alike."""
    return changed_at if time.time_ns() - changed_at > _CLOCK_TICK_NS else _UNKNOWN


def _decoded(line: bytes) -> Event | None:
    version = events.version_of(line)
    if version is None or version > events.VERSION:
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    is_event = isinstance(event, dict) and isinstance(event.get("ts"), int) and event.get("event") in events.KINDS
    return event if is_event else None


class QueueTail:
    """A queue that is kept up to date by what processes append.

    Attributes
    ----------
    queue : Queue
        As of the last `refresh`.
    """

    def __init__(self, queue: Queue, tail: Tail) -> None:
        self.queue = queue
        self._tail = tail

    def refresh(self) -> list[Event]:
        """Let the queue know of everything that was appended since the last call, and return it."""
        found = self._tail.read()
        for event in found:
            decode.feed(self.queue, event)
        return found


class SpendingTail:
    """What was spent and what may yet be, kept up to date by what processes append.

    Attributes
    ----------
    spending : Spending
        As of the last `refresh`.
    """

    def __init__(self, spending: Spending, tail: Tail) -> None:
        self.spending = spending
        self._tail = tail

    def refresh(self) -> Spending:
        """Take everything that was appended since the last call."""
        for event in self._tail.read():
            decode.feed_spending(self.spending, event)
        return self.spending
