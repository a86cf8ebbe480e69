"""The tables of a run log file, and how a file of an earlier version becomes one of this version.

Each step is a numbered SQL file in ``migrations/``; what columns mean stands in ``comments.sql``, for a view that is
made anew loses its comments. A step adds columns and tables and never gives a column an expression as default: DuckDB
1.5 could not open a file again that was left by a process killed after one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from studio_kernel.errors import RunLogError
from studio_kernel.runlog import database
from studio_kernel.writing import write_whole

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class Migration:
    """One step: the version a file has after it, and the SQL that takes it there."""

    version: int
    sql: str


@cache
def migrations() -> tuple[Migration, ...]:
    """Return every step, from an empty file to this version."""
    package = files("studio_kernel.runlog")
    scripts = sorted((entry for entry in (package / "migrations").iterdir()), key=lambda entry: entry.name)
    steps = [Migration(int(each.name[:4]), each.read_text("utf-8")) for each in scripts if each.name.endswith(".sql")]
    comments = (package / "comments.sql").read_text("utf-8")
    return (*steps[:-1], Migration(steps[-1].version, steps[-1].sql + comments))


def version_of(connection: DuckDBPyConnection) -> int:
    """Return the schema version of the current database; 0 when it has no run log yet."""
    found = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE database_name = current_database() AND table_name = 'meta'"
    ).fetchone()
    if not found or not found[0]:
        return 0
    row = connection.execute("SELECT max(value::INTEGER) FROM meta WHERE key = 'schema_version'").fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def is_current(connection: DuckDBPyConnection, path: Path) -> bool:
    """Return whether the current database has this version.

    Raises
    ------
    RunLogError
        When a newer studio has written it.
    """
    newest, version = migrations()[-1].version, version_of(connection)
    if version > newest:
        raise _newer(path, version, newest)
    return version == newest


def create(connection: DuckDBPyConnection, steps: Sequence[Migration] | None = None) -> None:
    """Bring the current database to this version, each step in a transaction of its own."""
    steps = migrations() if steps is None else steps
    version = version_of(connection)
    for step in steps:
        if step.version > version:
            connection.execute("BEGIN")
            connection.execute(step.sql)
            connection.execute("DELETE FROM meta WHERE key = 'schema_version'")
            connection.execute("INSERT INTO meta VALUES ('schema_version', ?)", [str(step.version)])
            connection.execute("COMMIT")


def make(path: Path) -> None:
    """Make a new file of this version.

    It takes its place when it is whole: somebody who asked in between met a file without tables.

    Raises
    ------
    RunLogError
        When it cannot be written.
    """
    try:
        write_whole(path, _blank())
    except OSError as error:
        raise RunLogError(f"{path.name} cannot be written: {error.strerror or error}") from error


@cache
def _blank() -> bytes:
    """Return a file of this version in which nothing was logged yet; making one takes a tenth of a second."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "blank.duckdb"
        with database.attached(path, read_only=False, wait_s=0.0) as connection:
            create(connection)
        return path.read_bytes()


@contextmanager
def empty(*, confined: bool) -> Iterator[DuckDBPyConnection]:
    """Give a connection to a database in memory that stands for a home where nothing was logged yet.

    Parameters
    ----------
    confined : bool
        For SQL that others wrote: it reaches nothing else, and has the database for itself.
    """
    if not confined:
        with database.blank(create) as connection:
            yield connection
        return
    with closing(database.connect()) as connection:
        create(connection)
        database.confine(connection)
        yield connection


def bring_up_to_date(path: Path, *, wait_s: float, steps: Sequence[Migration] | None = None) -> None:
    """Bring the file at `path` to this version; a file of an earlier version is copied aside first.

    Raises
    ------
    RunLogError
        When a newer studio has written the file. It is left as it is.
    """
    steps = migrations() if steps is None else steps
    newest = steps[-1].version
    version = 0
    if database.is_usable(path):
        with database.attached(path, read_only=True, wait_s=wait_s) as connection:
            version = version_of(connection)
    if version > newest:
        raise _newer(path, version, newest)
    if 0 < version < newest:
        database.copy(path, path.with_name(f"{path.stem}.schema-{version}.duckdb"), wait_s=wait_s)
    if version < newest:
        with database.attached(path, read_only=False, wait_s=wait_s) as connection:
            create(connection, steps)


def _newer(path: Path, version: int, newest: int) -> RunLogError:
    return RunLogError(
        f"{path.name} was written by a newer studio (schema {version}, this one knows {newest}); "
        "new runs are kept in the journal, update the studio to see them"
    )
