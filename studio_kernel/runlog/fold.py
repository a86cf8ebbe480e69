"""Folding: new journal bytes become rows of one DuckDB file, exactly once.

The rows and the watermark (how far each journal has been read) are committed in one transaction. A fold that is cut
off anywhere is done again; one that was committed is never repeated. Folding is always optional: when the file is
busy nothing is lost and the next one does it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from studio_kernel.errors import RunLogError
from studio_kernel.runlog import database, events, patch, quarantine, schema
from studio_kernel.runlog.database import DatabaseBusy, DatabaseCorrupt
from studio_kernel.runlog.quarantine import Line
from studio_kernel.runlog.sources import Source, all_of, changed_ns, journals_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

BATCH_BYTES = 4 << 20
PAUSE_S = 0.3  # a file that was folded less than this ago is left alone, so that many readers do not all fold it
_COURTESY_S = 0.3  # how long somebody who asks lets a fold go first
_REBUILD_S = 10.0  # how long somebody who asks waits for a damaged file to be built anew
_PATIENCE = 3  # how often a batch may fail before its lines are looked at one by one


@dataclass(slots=True)
class Batch:
    """Lines to fold together.

    Attributes
    ----------
    lines : list of Line
        Whole lines of this format version.
    foreign : list of Line
        What is no line of a journal at all.
    watermarks : dict
        Journal → bytes folded once this batch is committed.
    is_cut : bool
        Whether more waits behind it.
    newer : set of str
        Journals that were read only up to a line of a newer format.
    """

    lines: list[Line] = field(default_factory=list)
    foreign: list[Line] = field(default_factory=list)
    watermarks: dict[str, int] = field(default_factory=dict)
    is_cut: bool = False
    newer: set[str] = field(default_factory=set)


def watermarks(connection: DuckDBPyConnection) -> dict[str, int]:
    """Return how many bytes of each journal the file has."""
    rows = connection.execute("SELECT journal, max(position) FROM fold_state GROUP BY journal").fetchall()
    return {str(journal): int(position) for journal, position in rows}


def collect(sources: Iterable[Source], watermarks: Mapping[str, int], limit: int = BATCH_BYTES) -> Batch:
    """Read what lies behind the watermarks, about `limit` bytes of it."""
    batch = Batch()
    for source in sources:
        position = watermarks.get(source.name, 0)
        rest = source.size_bytes - position
        if rest <= 0:
            continue
        try:
            data = source.read(position, limit)
        except FileNotFoundError:  # archived by another process since it was listed, so folded everywhere
            continue
        end = _sort(batch, source.name, position, data)
        is_cut = rest > limit and bool(data)
        if not is_cut and source.name not in batch.newer:
            end = _take_torn_line(batch, source, end)
        if end > position:
            batch.watermarks[source.name] = end
        if is_cut:
            batch.is_cut = True
            break
        limit -= len(data)
    return batch


def _sort(batch: Batch, journal: str, position: int, data: bytes) -> int:
    """Put lines where they belong, up to the first of a newer format; return the position after the last one."""
    for text in data.split(b"\n")[:-1]:
        version = events.version_of(text)
        if version is not None and version > events.VERSION:
            batch.newer.add(journal)
            break
        (batch.lines if version else batch.foreign).append(Line(journal, position, text))
        position += len(text) + 1
    return position


def _take_torn_line(batch: Batch, source: Source, position: int) -> int:
    """Put aside what a power cut has left of a line; return the position after it."""
    torn = source.torn_line(position) if position < source.size_bytes else b""
    if torn:
        batch.foreign.append(Line(source.name, position, torn))
    return position + len(torn)


class Folder:
    """Keeps one DuckDB file up to date with the journals of a home.

    Parameters
    ----------
    root : pathlib.Path
        The home.
    path : pathlib.Path
        The DuckDB file.
    sibling : pathlib.Path
        The other DuckDB file of the home, which this one can be copied from.
    wait_s : float
        How long to wait for somebody who holds the file.
    keeps_bad_lines : bool
        Whether lines that cannot be folded are put aside; one of the two files does it.
    """

    def __init__(self, root: Path, path: Path, *, sibling: Path, wait_s: float, keeps_bad_lines: bool) -> None:
        self.path = path
        self.error: str | None = None
        self.is_busy = False
        self._root = root
        self._sibling = sibling
        self._wait_s = wait_s
        self._keeps_bad_lines = keeps_bad_lines
        self._seen: dict[str, int] = {}
        self._folded: dict[str, int] = {}
        self._archives_checked = False
        self._archives_at: int | None = None
        self._failures = 0
        self._blocked: set[str] = set()

    @property
    def met_newer(self) -> bool:
        """Whether a newer studio has written lines that this one does not understand; they are left for it."""
        return bool(self._blocked)

    def is_behind(self) -> bool:
        """Return whether a journal has bytes that this process has not seen folded; a few stat calls."""
        if not database.is_usable(self.path):
            return bool(all_of(self._root)) or self._sibling.exists()
        if not self._archives_checked:
            return True
        return any(self._seen.get(source.name) != source.size_bytes for source in journals_of(self._root))

    def catch_up(self, *, pause_s: float = PAUSE_S, lock_wait_s: float = 0.0, limit_s: float = 2.0) -> bool:
        """Fold until nothing is left, somebody else holds the file, or `limit_s` is over; `True` when all is in.

        Never raises because of a busy, damaged or newer file: `error` and `is_busy` tell.
        """
        if not self.is_behind():
            return True
        if pause_s and database.is_usable(self.path) and _age_s(self.path) < pause_s:
            return False
        deadline = time.monotonic() + limit_s
        try:
            while self._fold(lock_wait_s):
                if time.monotonic() > deadline:
                    return False
        except (Timeout, DatabaseBusy):
            self.is_busy, self.error = True, None  # what went wrong before may be over by now
            return False
        except (RunLogError, OSError) as error:
            self.error = str(error)
            return False
        self.is_busy, self.error = False, None
        return True

    def has(self, journal: str, position: int) -> bool:
        """Return whether this process has seen a journal folded up to `position`."""
        return self._seen.get(journal, -1) >= position

    def let_go_first(self) -> None:
        """Wait a moment while a fold is about to write, or writes.

        DuckDB lets in one that writes only when nobody reads, and twenty dashboards hardly leave such a gap: one fold
        in three gave up after a second.
        """
        deadline = time.monotonic() + _COURTESY_S
        while 0 <= _age_s(self._wish) < 2 * self._wait_s and time.monotonic() < deadline:
            time.sleep(0.005)

    def watermarks(self) -> dict[str, int]:
        """Return how far the file has each journal."""
        with database.attached(self.path, read_only=True, wait_s=self._wait_s) as connection:
            return watermarks(connection)

    def replace(self, damaged: int | None) -> None:
        """Build the file anew, unless another process has replaced the damaged one already."""
        with suppress(Timeout), self._lock(_REBUILD_S):
            if database.identity(self.path) == damaged:
                database.set_aside(self.path)
                self._seen, self._archives_checked = {}, False
        self.catch_up(pause_s=0.0, lock_wait_s=_REBUILD_S, limit_s=_REBUILD_S)

    @property
    def _wish(self) -> Path:
        """A file that is there while somebody writes; one that is old was left by a process that was killed."""
        return self.path.with_name(f"{self.path.name}.fold")

    def _lock(self, wait_s: float) -> FileLock:
        return FileLock(f"{self.path}.lock", timeout=wait_s, thread_local=False)

    def _fold(self, lock_wait_s: float) -> bool:
        """Fold one batch; `True` when more waits."""
        import duckdb

        with self._lock(lock_wait_s):
            try:
                return self._fold_locked()
            except DatabaseCorrupt:
                database.set_aside(self.path)
                return self._fold_locked()
            except duckdb.Error as error:
                raise RunLogError(f"{self.path.name} could not be brought up to date: {error}") from error

    def _fold_locked(self) -> bool:
        if not database.is_usable(self.path):
            self._replace_missing()
        with database.attached(self.path, read_only=True, wait_s=self._wait_s) as connection:
            database.require_whole(connection, self.path)
            folded = watermarks(connection) if schema.is_current(connection, self.path) else None
        if folded is None:
            schema.bring_up_to_date(self.path, wait_s=self._wait_s)
            folded = self.watermarks()
        return self._fold_behind(folded)

    def _fold_behind(self, folded: Mapping[str, int]) -> bool:
        """Fold one batch of what lies behind the file's watermarks; `True` when more waits."""
        archives_at = changed_ns(self._root / "journal" / "done")
        if archives_at != self._archives_at or any(
            folded.get(journal, -1) < position for journal, position in self._folded.items()
        ):
            self._archives_checked = False  # others have archived, or an older copy of the file has taken its place
        sources = journals_of(self._root) if self._archives_checked else all_of(self._root)
        readable = [source for source in sources if source.name not in self._blocked]
        batch = collect(readable, folded)
        if batch.watermarks:
            self._commit(batch)
        self._folded = {**folded, **batch.watermarks}
        self._blocked |= batch.newer
        if not batch.is_cut:
            self._archives_checked, self._archives_at = True, archives_at
            self._seen = {source.name: source.size_bytes for source in sources}
        return batch.is_cut

    def _replace_missing(self) -> None:
        """Make room for a new file, from the sibling if it can be read; folding does the rest."""
        import duckdb

        self._archives_checked, self._seen = False, {}
        if self.path.exists() or database.write_ahead_log(self.path).exists():
            database.set_aside(self.path)
        if database.is_usable(self._sibling):
            with suppress(RunLogError, duckdb.Error):
                database.copy(self._sibling, self.path, wait_s=self._wait_s)
                return
        schema.make(self.path)

    def _commit(self, batch: Batch) -> None:
        import duckdb

        self._keep(batch.foreign)
        try:
            self._load_and_write(batch.lines, batch.watermarks)
        except (duckdb.DataError, duckdb.IntegrityError, duckdb.InvalidInputException):
            self._failures += 1
            if self._failures < _PATIENCE:
                raise
            with database.attached(self.path, read_only=False, wait_s=self._wait_s) as connection:
                lines = self._without_culprits(connection, batch.lines)
            self._load_and_write(lines, batch.watermarks)
        self._failures = 0

    def _load_and_write(self, lines: Sequence[Line], watermarks: Mapping[str, int]) -> None:
        """Write lines; reading them, a third of the work, is done before the file is taken from those who ask."""

        def load(connection: DuckDBPyConnection) -> None:
            self._keep([lines[n] for n in patch.load(connection, [line.text for line in lines])])
            self._wish.touch()

        try:
            with database.attached(self.path, read_only=False, wait_s=self._wait_s, prepare=load) as connection:
                self._write(connection, watermarks)
        finally:
            self._wish.unlink(missing_ok=True)

    def _write(self, connection: DuckDBPyConnection, watermarks: Mapping[str, int]) -> None:
        """Write the rows of the loaded lines and the watermarks in one transaction."""
        connection.execute("BEGIN")
        patch.write(connection)
        connection.execute("DELETE FROM log.fold_state WHERE journal IN (SELECT unnest(?))", [list(watermarks)])
        connection.execute(
            "INSERT INTO log.fold_state SELECT unnest(?), unnest(?), make_timestamp(?)",
            [list(watermarks), list(watermarks.values()), time.time_ns() // 1000],
        )
        connection.execute("COMMIT")

    def _without_culprits(self, connection: DuckDBPyConnection, lines: Sequence[Line]) -> list[Line]:
        """Return the lines without those that make the whole batch fail, which are put aside."""
        found = quarantine.culprits(lines, lambda some: _fails(connection, some))
        self._keep(found)
        return [line for line in lines if line not in found]

    def _keep(self, lines: Sequence[Line]) -> None:
        if self._keeps_bad_lines:
            quarantine.keep(self._root / "journal" / "bad", lines)


def _fails(connection: DuckDBPyConnection, lines: Sequence[Line]) -> bool:
    """Return whether these lines cannot be written; nothing is."""
    import duckdb

    try:
        patch.load(connection, [line.text for line in lines])
        connection.execute("BEGIN")
        patch.write(connection)
    except duckdb.Error:
        return True
    finally:
        _roll_back(connection)
    return False


def _roll_back(connection: DuckDBPyConnection) -> None:
    import duckdb

    with suppress(duckdb.TransactionException):  # none was begun
        connection.execute("ROLLBACK")


def _age_s(path: Path) -> float:
    """Return how long ago the file or its write-ahead log was last written."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")
