"""Opening DuckDB files: the only module that does.

One in-memory DuckDB serves the whole process; a file is attached to it for as short as possible and detached again.
That costs about 1 ms, where an instance of its own costs 15 ms, and keeps the file free for others in between.

DuckDB locks files with POSIX locks, which a process loses for a file as soon as it closes *any* handle on it. So all
access is serialised in this process, and nothing here copies, hashes or opens a ``.duckdb`` file by other means.
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from studio_kernel.errors import RunLogError
from studio_kernel.runlog import forking

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Files of this storage version open in DuckDB 1.2 to 2.0; the library's own default opens in 2.0 only.
STORAGE_VERSION = "v1.2.0"

_BUSY = (
    "Could not set lock",
    "Conflicting lock",
    "being used by another",
    "Unique file handle conflict",
    "already attached",
)
_CORRUPT = (
    "not a valid DuckDB database file",
    "Corrupt database file",
    "checksum",
    "Serialization Error",
    "Could not read enough bytes",
    "Failure while replaying WAL",
    "Failed to load metadata pointer",
    "Failed to read",
)
_RETIRE_S = 10.0
_chance = random.Random()  # of its own: the global one belongs to the user, who may have seeded it
_CONFIG = {"threads": "2", "autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}


class DatabaseBusy(RunLogError):  # noqa: N818 - a state that passes, told apart from faults
    """Somebody else holds the file; the message of DuckDB names the process."""


class DatabaseCorrupt(RunLogError):  # noqa: N818 - likewise
    """The file is not a database that can be read."""


class _Instance:
    """The in-memory DuckDB of this process, made on first use and made anew when it has failed."""

    def __init__(self) -> None:
        self.mutex = threading.RLock()
        self._connection: DuckDBPyConnection | None = None
        forking.register(self)

    def cursor(self) -> DuckDBPyConnection:
        if self._connection is None:
            self._connection = connect()
        return _quiet(self._connection.cursor())

    def discard(self) -> None:
        """Give up an instance that cannot be used any more, with every file it holds."""
        broken, self._connection = self._connection, None
        if broken is None:
            return
        import duckdb

        with suppress(duckdb.Error):
            broken.close()

    def renew_in_child(self) -> None:
        forking.abandon(self._connection)
        self.mutex, self._connection = threading.RLock(), None


_instance = _Instance()


@contextmanager
def attached(
    path: Path, *, read_only: bool, wait_s: float, prepare: Callable[[DuckDBPyConnection], object] | None = None
) -> Iterator[DuckDBPyConnection]:
    """Give a connection whose current database is the file at `path`.

    Everything must be fetched before the block ends. An open transaction is rolled back at the end.

    Parameters
    ----------
    path : pathlib.Path
        Made when it does not exist and `read_only` is false.
    read_only : bool
        Several processes may read at the same time; one that writes is alone.
    wait_s : float
        How long to try while somebody else holds the file.
    prepare : callable, optional
        Called with the connection before the file is taken, for work that others need not wait for.

    Raises
    ------
    DatabaseBusy
        When it was held all that time.
    DatabaseCorrupt
        When the file, or a part of it that was needed, cannot be read.
    duckdb.Error
        When a statement of the block fails for another reason.
    """
    with _instance.mutex:
        cursor = _instance.cursor()
        try:
            if prepare is not None:
                prepare(cursor)
            _attach(cursor, path, read_only, wait_s)
            with _translated(path):
                cursor.execute("USE log")
                yield cursor
        except BaseException:
            _release(cursor, suppressed=True)
            raise
        _release(cursor, suppressed=False)


@contextmanager
def blank(create: Callable[[DuckDBPyConnection], object]) -> Iterator[DuckDBPyConnection]:
    """Give a connection, for reading, whose current database is in memory and has what `create` made in it.

    It is made once a process, as `create` takes a hundred times as long as most questions.
    """
    with _instance.mutex:
        cursor = _instance.cursor()
        try:
            if not cursor.execute("FROM duckdb_databases() WHERE database_name = 'blank'").fetchall():
                _make_blank(cursor, create)
            cursor.execute("USE blank")
            yield cursor
        finally:
            cursor.close()


def _make_blank(cursor: DuckDBPyConnection, create: Callable[[DuckDBPyConnection], object]) -> None:
    cursor.execute("ATTACH ':memory:' AS blank")
    try:
        cursor.execute("USE blank")
        create(cursor)
    except BaseException:
        cursor.execute("USE memory")
        cursor.execute("DETACH blank")
        raise


def connect() -> DuckDBPyConnection:
    """Return an in-memory DuckDB that loads no extensions."""
    import duckdb

    return _quiet(duckdb.connect(config={**_CONFIG, "temp_directory": tempfile.gettempdir()}))


def _quiet(connection: DuckDBPyConnection) -> DuckDBPyConnection:
    """Return the connection without the bar that it would print for slow questions in notebooks and at a prompt."""
    connection.execute("SET enable_progress_bar = false")
    return connection


@contextmanager
def sandboxed(path: Path, *, wait_s: float) -> Iterator[DuckDBPyConnection]:
    """Give a connection for SQL that others wrote: it reads the file at `path` and reaches nothing else.

    An instance of its own, because what is forbidden cannot be allowed again.

    Raises
    ------
    DatabaseBusy, DatabaseCorrupt
        As for `attached`.
    """
    with _instance.mutex:
        connection = connect()
        try:
            _attach(connection, path, True, wait_s)
            with _translated(path):
                connection.execute("USE log")
                confine(connection)
                yield connection
        finally:
            connection.close()


def confine(connection: DuckDBPyConnection) -> None:
    """Forbid files, network, extensions and any change of settings on a connection, for good."""
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def retire() -> None:
    """Let the question that is being answered end, and no other thread begin one, because the interpreter ends.

    A thread that is inside DuckDB when the interpreter is taken down aborts the process.
    """
    if _instance.mutex.acquire(timeout=_RETIRE_S):  # and never released
        _instance.discard()


def copy(source: Path, target: Path, *, wait_s: float) -> None:
    """Copy a database into a new file through DuckDB itself.

    Raises
    ------
    DatabaseBusy, DatabaseCorrupt, duckdb.Error
        When the source cannot be read now, or the target not written; a partial target is removed.
    """
    new = target.with_name(f"{target.name}.new")
    _remove(new)
    with attached(source, read_only=True, wait_s=wait_s) as cursor:
        cursor.execute(f"ATTACH {_quoted(new)} AS copied (STORAGE_VERSION '{STORAGE_VERSION}')")
        try:
            cursor.execute("COPY FROM DATABASE log TO copied")
        finally:
            cursor.execute("DETACH copied")
    new.replace(target)


def require_whole(connection: DuckDBPyConnection, path: Path) -> None:
    """Raise `DatabaseCorrupt` when the file at `path`, the current database, is shorter than what is in it.

    DuckDB sees it only when it reads what is missing there. With changes beside it that are not in the file yet this
    cannot be told: they count as blocks too.
    """
    if write_ahead_log(path).exists():
        return
    size = "SELECT used_blocks * block_size FROM pragma_database_size() WHERE database_name = current_database()"
    row = connection.execute(size).fetchone()
    if row and row[0] > path.stat().st_size:
        raise DatabaseCorrupt(f"{path.name} cannot be read: it was cut off")


def set_aside(path: Path) -> None:
    """Rename a file that cannot be used, and what DuckDB keeps beside it, to ``….bad-<time>``."""
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    for part in (path, write_ahead_log(path)):
        if part.exists():
            part.replace(part.with_name(f"{part.name}.bad-{stamp}-{time.time_ns() % 1_000_000:06d}"))


def is_usable(path: Path) -> bool:
    """Return whether there is a file at `path` with anything in it."""
    return path.exists() and path.stat().st_size > 0


def identity(path: Path) -> int | None:
    """Return a number that tells the file at `path` from one that replaces it."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def write_ahead_log(path: Path) -> Path:
    """Return where DuckDB keeps the changes that are not in the file itself yet."""
    return path.with_name(f"{path.name}.wal")


def _attach(cursor: DuckDBPyConnection, path: Path, read_only: bool, wait_s: float) -> None:
    import duckdb

    options = "READ_ONLY" if read_only else "" if is_usable(path) else f"STORAGE_VERSION '{STORAGE_VERSION}'"
    statement = f"ATTACH {_quoted(path)} AS log" + (f" ({options})" if options else "")
    deadline, attempt = time.monotonic() + wait_s, 0
    while True:
        try:
            with _translated(path):
                cursor.execute(statement)
            return
        except DatabaseBusy:
            if time.monotonic() > deadline:
                raise
        except duckdb.NotImplementedException as error:
            raise RunLogError(f"{path.name} cannot be opened by this version of DuckDB: {error}") from error
        attempt += 1
        time.sleep(_chance.uniform(0.001, min(0.05, 0.004 * attempt)))


def _release(cursor: DuckDBPyConnection, *, suppressed: bool) -> None:
    """Detach the file. An instance that cannot is given up: a full disk can leave it invalid."""
    import duckdb

    try:
        with suppress(duckdb.TransactionException):
            cursor.execute("ROLLBACK")
        cursor.execute("USE memory")
        cursor.execute("DETACH DATABASE IF EXISTS log")
        cursor.close()
    except duckdb.Error:
        _instance.discard()
        if not suppressed:
            raise


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Tell busy and corrupt files apart from other errors of DuckDB.

    Only errors of these kinds are about files; the text of others can hold words of a user's query or data. A block
    whose checksum is wrong is reported as the base class itself (DuckDB 2.0).
    """
    import duckdb

    about_files = (duckdb.OperationalError, duckdb.InternalError, duckdb.FatalException)

    try:
        yield
    except duckdb.Error as error:
        if type(error) is not duckdb.Error and not isinstance(error, about_files):
            raise
        text = str(error)
        if any(sign in text for sign in _BUSY):
            raise DatabaseBusy(f"{path.name} is in use by another program: {text.splitlines()[0]}") from error
        if any(sign in text for sign in _CORRUPT):
            raise DatabaseCorrupt(f"{path.name} cannot be read: {text.splitlines()[0]}") from error
        raise


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _remove(path: Path) -> None:
    for part in (path, write_ahead_log(path)):
        part.unlink(missing_ok=True)
