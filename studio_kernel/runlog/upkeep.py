"""Looking after a log: what must be known before files are removed, and mending its DuckDB files.

Other readers may be a moment behind; here an answer is given only if nothing that was logged is missing from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from studio_kernel.errors import RunLogError
from studio_kernel.runlog import database, fold, quarantine, references, schema
from studio_kernel.runlog.database import DatabaseCorrupt
from studio_kernel.runlog.fold import Folder
from studio_kernel.runlog.quarantine import BadLine
from studio_kernel.runlog.references import Reference
from studio_kernel.runlog.sources import Source, all_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Answer = TypeVar("Answer")

WAIT_S = 10.0
FOLD_LIMIT_S = 600.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the whole log refers to at one moment.

    Attributes
    ----------
    digests : set of str
        Every file that a run or a sweep refers to.
    first_at_work : datetime.datetime or None
        When the first of the runs began that have not ended: they may have stored files that the log does not know yet.
    owners : int
        Number of runs and sweeps.
    """

    digests: AbstractSet[str]
    first_at_work: datetime | None
    owners: int


@dataclass(frozen=True, slots=True)
class Mended:
    """What was found and done about one DuckDB file.

    Attributes
    ----------
    was : {"sound", "missing", "damaged", "unread"}
        Unread = somebody else holds it, or it is of a newer studio.
    folded_bytes : int
        Journal bytes that were brought into it.
    problem : str
        What could not be mended; empty when all is well now.
    """

    path: Path
    was: Literal["sound", "missing", "damaged", "unread"]
    folded_bytes: int = 0
    problem: str = ""


class LogUpkeep:
    """The log of a home, for those who remove and mend.

    Parameters
    ----------
    directory : pathlib.Path
        The home.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = Path(directory).absolute()
        live, public = self.directory / "live.duckdb", self.directory / "runs.duckdb"
        self._live = Folder(self.directory, live, sibling=public, wait_s=WAIT_S, keeps_bad_lines=True)
        self._public = Folder(self.directory, public, sibling=live, wait_s=1.0, keeps_bad_lines=False)

    def wanted(self, at_work_since: datetime) -> Wanted:
        """Return what runs and sweeps refer to, everything that was logged before this call included.

        Parameters
        ----------
        at_work_since : datetime.datetime
            A run that began before and has not ended is taken for dead.

        Raises
        ------
        RunLogError
            When something that was logged may be missing; the message says what and why.
        """
        sources = all_of(self.directory)

        def answer(connection: DuckDBPyConnection) -> Wanted:
            self._require_complete(connection, sources)
            return Wanted(
                references.digests(connection),
                references.first_at_work(connection, at_work_since),
                references.count(connection),
            )

        return self._ask(answer)

    def digests(self) -> set[str]:
        """Return every file that a run or a sweep refers to, as far as the log can be read."""
        return self._ask(references.digests)

    def references_to(self, digests: Sequence[str]) -> list[Reference]:
        """Return who refers to some files, by digest."""
        return self._ask(lambda connection: references.to(connection, digests))

    def ended(self, ids: Sequence[str]) -> set[str]:
        """Return those of some runs that have ended."""
        return self._ask(lambda connection: references.ended(connection, ids))

    def bad_lines(self) -> list[BadLine]:
        """Return the lines of journals that could not be understood."""
        return quarantine.listed(self._bad)

    def mend(self) -> list[Mended]:
        """Read all of both DuckDB files, build anew what is missing or damaged, and fold what waits."""
        found = [self._examined(folder) for folder in (self._live, self._public)]
        return [self._mended(folder, was, problem) for folder, was, problem in found]

    @property
    def _bad(self) -> Path:
        return self.directory / "journal" / "bad"

    def _ask(self, question: Callable[[DuckDBPyConnection], Answer]) -> Answer:
        """Fold, then ask; a damaged file is not replaced here, for what replaces it could be incomplete for a while."""
        import duckdb

        self._live.catch_up(pause_s=0.0, lock_wait_s=WAIT_S, limit_s=FOLD_LIMIT_S)
        try:
            if not database.is_usable(self._live.path):
                with schema.empty(confined=False) as connection:
                    return question(connection)
            with database.attached(self._live.path, read_only=True, wait_s=WAIT_S) as connection:
                return question(connection)
        except DatabaseCorrupt as error:
            raise RunLogError(f"{error}; studio doctor --repair builds it anew") from error
        except (duckdb.Error, OSError) as error:
            raise RunLogError(str(error)) from error

    def _require_complete(self, connection: DuckDBPyConnection, sources: Sequence[Source]) -> None:
        """Refuse when the database lacks a line of `sources`.

        A last line without its end is none: it was cut off before anybody was told that it is kept.
        """
        rest = fold.collect(sources, fold.watermarks(connection))
        reasons = []
        if rest.newer:
            reasons.append("a newer studio has logged what this one does not understand")
        if rest.lines or rest.foreign:
            reasons.append(f"not all journals could be folded ({self._live.error or 'live.duckdb is busy'})")
        if bad := quarantine.count(self._bad):
            reasons.append(
                f"{bad} line(s) in {str(self._bad)!r} could not be read and may be runs; studio doctor --repair shows "
                "them, and once nothing in them matters their files can be deleted"
            )
        if reasons:
            raise RunLogError("; ".join(reasons))

    def _examined(self, folder: Folder) -> tuple[Folder, Literal["sound", "missing", "damaged", "unread"], str]:
        import duckdb

        if not database.is_usable(folder.path):
            return folder, "missing" if folder.is_behind() else "sound", ""
        damaged = database.identity(folder.path)
        try:
            with database.attached(folder.path, read_only=True, wait_s=WAIT_S) as connection:
                _read_all(connection)
        except DatabaseCorrupt:
            folder.replace(damaged)
            return folder, "damaged", ""
        except (RunLogError, duckdb.Error) as error:
            return folder, "unread", str(error)
        return folder, "sound", ""

    def _mended(self, folder: Folder, was: Literal["sound", "missing", "damaged", "unread"], problem: str) -> Mended:
        behind = self._bytes_behind(folder)
        if folder.catch_up(pause_s=0.0, lock_wait_s=WAIT_S, limit_s=FOLD_LIMIT_S) and not folder.met_newer:
            return Mended(folder.path, was, behind - self._bytes_behind(folder), problem)
        newer = "a newer studio has logged what this one does not understand" if folder.met_newer else ""
        return Mended(folder.path, was, 0, problem or folder.error or newer or "somebody else holds it")

    def _bytes_behind(self, folder: Folder) -> int:
        import duckdb

        try:
            marks = folder.watermarks() if database.is_usable(folder.path) else {}
        except (RunLogError, duckdb.Error):
            return 0
        return sum(max(0, source.size_bytes - marks.get(source.name, 0)) for source in all_of(self.directory))


def _read_all(connection: DuckDBPyConnection) -> None:
    """Read every value of the current database; DuckDB checks every block that it reads."""
    tables = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database()"
    ).fetchall()
    for (table,) in tables:
        connection.execute(f'SELECT bit_xor(hash(t)) FROM "{table}" AS t').fetchall()
