"""`RunLog`: one object that writes the journal, keeps the DuckDB files up to date and answers questions.

Writing returns as soon as the line is in the journal. Reading first folds what is new, if nobody else is at it, and
then asks ``live.duckdb``.
"""

from __future__ import annotations

import atexit
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING
from weakref import WeakSet

from studio_kernel.errors import RunLogError
from studio_kernel.runlog import archive, database, events, forking, quarantine, schema
from studio_kernel.runlog.appending import AppendedLog
from studio_kernel.runlog.asking import Answer
from studio_kernel.runlog.background import Background, Duty
from studio_kernel.runlog.database import DatabaseBusy, DatabaseCorrupt
from studio_kernel.runlog.filesystem import network_file_system
from studio_kernel.runlog.fold import PAUSE_S, Folder
from studio_kernel.runlog.following import FollowedLog
from studio_kernel.runlog.health import Health
from studio_kernel.runlog.journal import Journal
from studio_kernel.runlog.sources import journals_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

READ_WAIT_S = 1.0
OWN_WAIT_S = 10.0
"""How long a question waits for what this process has written itself, or was told of, to be in; a file that somebody
held for so long is not waited for again, until it is free."""
PUBLISH_S = 8.0  # the public file is written at most this often, however many processes there are


def new_run_id() -> str:
    """Return a new id: a UUID of version 7, so that ids sort by time."""
    import uuid_utils

    return str(uuid_utils.uuid7())


class RunLog(AppendedLog, FollowedLog):
    """The run log of a home.

    Nothing is created or started by opening it; the first event makes a journal, the first question or fold DuckDB
    files, if there is anything to fold. It may be used from several threads, and in forked children.

    Parameters
    ----------
    directory : pathlib.Path
        The home.

    Examples
    --------
    >>> import tempfile
    >>> from studio_kernel.domain.request import GenerationRequest
    >>> from studio_kernel.runlog import RunFilter
    >>> with RunLog(Path(tempfile.mkdtemp())) as log:
    ...     run_id = new_run_id()
    ...     log.queued(run_id, GenerationRequest("studio-tiny", parameters={"prompt": "a boat"}), engine="diffusers")
    ...     log.runs(RunFilter(text="boat"))[0].request.prompt
    'a boat'
    """

    def __init__(self, directory: Path) -> None:
        self.directory = Path(directory).absolute()
        live, public = self.directory / "live.duckdb", self.directory / "runs.duckdb"
        self._journal = Journal(self.directory / "journal")
        self._live = Folder(self.directory, live, sibling=public, wait_s=READ_WAIT_S, keeps_bad_lines=True)
        self._public = Folder(self.directory, public, sibling=live, wait_s=0.0, keeps_bad_lines=False)
        self._expected: dict[str, int] = {}
        self._has_looked = False
        self._is_held = False  # somebody held the file longer than a question waits
        self._calls: deque[Callable[[], object]] = deque()
        self._background: Background | None = None
        self._mutex = threading.RLock()
        self._network: str | None = None
        forking.register(self)
        _open_logs.add(self)

    def __enter__(self) -> RunLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def expect(self, positions: Mapping[str, int]) -> None:
        """Let every answer from now on include what other processes have written up to `positions`.

        For those who have heard from a `Tail` that something happened: whoever is told of a result finds it in the log.
        """
        self._expected = dict(positions)

    @property
    def pending_events(self) -> int:
        """Number of events that are only in memory, because the disk is full; normally 0."""
        return self._journal.pending

    def health(self) -> Health:
        """Return how the run log is doing."""
        duties = self._background.duties if self._background else ()
        errors = [self._live.error, self._public.error, *(duty.error for duty in duties)]
        return Health(
            pending=self._journal.pending,
            journal_error=self._journal.error,
            quarantined=quarantine.count(self.directory / "journal" / "bad"),
            error=next((error for error in errors if error), None),
            public_is_busy=self._public.is_busy,
            newer_events=self._live.met_newer,
            network_file_system=self._network,
        )

    def changed_since(self, token: str | None) -> str:
        """Return a token of the state of the log, equal to `token` when nothing has changed since.

        A few stat calls, for those who look again and again: take the token, read, and read again once it differs.
        """
        parts = [f"{source.name}:{source.size_bytes}" for source in journals_of(self.directory)]
        with suppress(FileNotFoundError):
            state = self._live.path.stat()
            parts.append(f"{state.st_mtime_ns}:{state.st_size}")
        now = "|".join(parts)
        return token if token == now else now

    def sync(self) -> None:
        """Write everything to the disk, and fold it into both DuckDB files unless somebody else holds them."""
        self._journal.flush()
        self._live.catch_up(pause_s=0.0, lock_wait_s=READ_WAIT_S, limit_s=60.0)
        self._publish()

    def close(self) -> None:
        """Stop the thread, fold what was written and leave the journal; closing twice is the same as once."""
        with self._mutex:
            background, self._background = self._background, None
        if background is None:
            return
        background.stop()
        with suppress(OSError):  # a disk that cannot be synced; what was written is in the journal all the same
            self._journal.close()
            self.sync()
        if self._journal.pending:
            warnings.warn(
                f"{self._journal.pending} events could not be written to {str(self._journal.directory)!r} "
                f"({self._journal.error}) and are lost when this process ends",
                RuntimeWarning,
                stacklevel=2,
            )

    def renew_in_child(self) -> None:
        """Begin anew in a forked child, which has none of its parent's threads."""
        self._mutex, self._background = threading.RLock(), None

    def later(self, call: Callable[[], object]) -> None:
        """Call `call`, such as a question nobody waits for, in the thread of this log, once there is one.

        That is after the first event, and not once the log is closed. A thread of anybody else's that is inside DuckDB
        when the interpreter ends takes the process down.
        """
        self._calls.append(call)

    def _make_calls(self) -> None:
        while self._calls:
            self._calls.popleft()()

    def _has_runs(self) -> bool:
        return database.is_usable(self._live.path) or bool(journals_of(self.directory))

    def _append(self, *told: events.Event) -> None:
        self._journal.append(*told)
        if self._background is None:
            self._start()

    def _start(self) -> None:
        with self._mutex:
            if self._background is None:
                self._network = network_file_system(self.directory)
                self._background = Background(
                    Duty(self._journal.flush, 0.2),
                    Duty(self._make_calls, 0.2),
                    Duty(self._live.catch_up, 0.5),
                    Duty(lambda: self._publish(PUBLISH_S), 2.0),
                )
        if self._network:
            warnings.warn(
                f"the home {str(self.directory)!r} is on a network file system ({self._network}), where file locks "
                "do not hold; keep it on a local disk",
                RuntimeWarning,
                stacklevel=4,
            )

    def _publish(self, pause_s: float = 0.0) -> None:
        """Bring the public file up to date, and put away journals that are in both files."""
        import duckdb

        if (pause_s and not self._public.is_behind()) or not self._public.catch_up(pause_s=pause_s, limit_s=60.0):
            return
        idle = [source for source in journals_of(self.directory) if source.name != self._journal.open_name]
        if idle:
            with suppress(DatabaseBusy, duckdb.Error, OSError):  # they stay where they are until the next time
                folded = archive.folded_everywhere(idle, self._live.watermarks(), self._public.watermarks())
                for source in folded:
                    archive.put_away(source, self.directory / "journal" / "done")

    def _ask(
        self, question: Callable[[DuckDBPyConnection], Answer], *, pause_s: float = PAUSE_S, confined: bool = False
    ) -> Answer:
        import duckdb

        self._freshen(pause_s)
        damaged = database.identity(self._live.path)
        try:
            try:
                return self._answer(question, confined)
            except DatabaseCorrupt:
                self._live.replace(damaged)
                return self._answer(question, confined)
        except (duckdb.Error, OSError) as error:
            raise RunLogError(str(error)) from error

    def _answer(self, question: Callable[[DuckDBPyConnection], Answer], confined: bool) -> Answer:
        self._live.let_go_first()
        with self._reading(confined) as connection:
            return question(connection)

    def _reading(self, confined: bool) -> AbstractContextManager[DuckDBPyConnection]:
        if not database.is_usable(self._live.path):
            return schema.empty(confined=confined)
        if confined:
            return database.sandboxed(self._live.path, wait_s=READ_WAIT_S)
        return database.attached(self._live.path, read_only=True, wait_s=READ_WAIT_S)

    def _freshen(self, pause_s: float) -> None:
        """Fold what is new before a question; with patience for the first, and for what is our own or was told of."""
        if not self._shows_own():
            self.catch_up()
        elif not self._has_looked:
            self.catch_up(READ_WAIT_S)
        else:
            self._live.catch_up(pause_s=pause_s)
        self._has_looked = True

    def _shows_own(self) -> bool:
        """Whether answers have what this process has written or was told of."""
        known = dict(self._expected)
        if self._journal.name is not None:
            known[self._journal.name] = self._journal.position
        return all(self._live.has(name, position) for name, position in known.items())

    def catch_up(self, wait_s: float = OWN_WAIT_S) -> None:
        """Fold what anybody has written by now, with patience: for a look on which it depends what is written next."""
        deadline = time.monotonic() + (0.0 if self._is_held else wait_s)
        self._is_held = False
        while not self._live.catch_up(pause_s=0.0, lock_wait_s=READ_WAIT_S):
            self._is_held = time.monotonic() >= deadline
            if self._is_held or self._live.error is not None:
                return

    def require_own(self) -> None:
        """Raise an error unless answers have all that happened in this process: before they decide what is paid for.

        Raises
        ------
        RunLogError
            When the disk is full, or somebody holds the file.
        """
        for _try in range(2):  # the first may meet what a full disk has left behind
            self._journal.flush()
            self._freshen(0.0)
            if not self._journal.pending and self._shows_own():
                return
        why = self._journal.error or self._live.error or f"{self._live.path.name} is held by another program"
        raise RunLogError(
            f"the run log does not show yet what happened last ({why}); nothing was sent, try again later"
        )


_open_logs: WeakSet[RunLog] = WeakSet()


@atexit.register
def _close_all() -> None:
    """Leave everything in order when the interpreter ends."""
    for log in list(_open_logs):
        log.close()
    database.retire()
