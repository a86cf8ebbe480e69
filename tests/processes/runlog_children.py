"""Programs that the process tests of the run log start: ``runlog_children.py MODE ARGUMENT…``."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from runlog_tools import eventually, later_schema, log_run, request
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.runs import Origin, RunStatus
from studio_kernel.runlog import RunLog, events, new_run_id, schema
from studio_kernel.runlog.fold import Folder
from studio_kernel.runlog.journal import Journal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

RUNLOG = str(Path(schema.__file__).parent)


def until_killed(home: str, acknowledged: str) -> None:
    """Log runs and fold without pause; write what is logged to `acknowledged`."""
    root = Path(home)
    journal = Journal(root / "journal")
    live = Folder(root, root / "live.duckdb", sibling=root / "runs.duckdb", wait_s=1.0, keeps_bad_lines=True)
    public = Folder(root, root / "runs.duckdb", sibling=live.path, wait_s=0.0, keeps_bad_lines=False)

    def keep_folding() -> None:
        while True:
            for folder in (live, public):
                with suppress(Exception):
                    folder.catch_up(pause_s=0.0)

    threading.Thread(target=keep_folding, daemon=True).start()
    notes = os.open(acknowledged, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    ended = {"seed": None, "elapsed_s": None, "cost_usd": None, "error": None, "outcome": {}}
    while True:
        run_id = new_run_id()
        asset = Asset(run_id.replace("-", "") * 2, "image/png", 5)
        for event in (
            events.queued(run_id, request("castle " * 20), "procedural", Origin()),
            events.started(run_id, {}),
            events.finished(run_id, RunStatus.SUCCEEDED, assets=[asset], **ended),
        ):
            journal.append(event)
            os.write(notes, f"{run_id} {event['event']}\n".encode())
        time.sleep(0.002)


def log_runs(home: str, count: str, pause_s: str) -> None:
    """Log runs; print each id and how many milliseconds the appends took."""
    with RunLog(Path(home)) as log:
        for _ in range(int(count)):
            begun = time.perf_counter()
            run_id = log_run(log)
            print(run_id, round((time.perf_counter() - begun) * 1e3 / 3, 3), flush=True)
            time.sleep(float(pause_s))


def log_and_die(home: str) -> None:
    """Log a run and be gone before it is folded."""
    log_run(RunLog(Path(home)))
    os.kill(os.getpid(), signal.SIGKILL)


def hold(path: str, *, read_only: bool = False) -> None:
    """Keep a DuckDB file open as another program would; let go when a line comes in."""
    import duckdb

    connection = duckdb.connect(path, read_only=read_only)
    if not read_only:
        connection.execute("CREATE OR REPLACE TABLE my_notes AS SELECT 42 AS answer")
        connection.execute("CREATE OR REPLACE VIEW my_view AS SELECT count(*) AS n FROM runs")
    print("held", flush=True)
    sys.stdin.readline()
    connection.close()


def hold_reading(path: str) -> None:
    """Keep a DuckDB file open for reading only."""
    hold(path, read_only=True)


def migrate(home: str, kill_at: str) -> None:
    """Bring the files of a home to a later version and be killed before line `kill_at` of it; print the lines."""
    lines = 0

    def trace(frame: FrameType, event: str, _argument: object) -> Callable[..., object] | None:
        nonlocal lines
        if event == "line":
            lines += 1
            if lines == int(kill_at):
                os.kill(os.getpid(), signal.SIGKILL)
        return trace if _is_migrating(frame) else None

    with later_schema():
        sys.settrace(trace)
        RunLog(Path(home)).sync()
        sys.settrace(None)
    print(lines, flush=True)


def _is_migrating(frame: FrameType | None) -> bool:
    """Return whether a function of the run log is called, directly or not, by the one that migrates a file."""
    if frame is None or not frame.f_code.co_filename.startswith(RUNLOG):
        return False
    while frame is not None and frame.f_code is not schema.bring_up_to_date.__code__:
        frame = frame.f_back
    return frame is not None


def log_and_count(home: str, count: str, pause_s: str) -> None:
    """Log runs and ask in between; print the version of DuckDB, then each id."""
    import duckdb

    print(duckdb.__version__, flush=True)
    with RunLog(Path(home)) as log:
        for number in range(int(count)):
            print(log_run(log), flush=True)
            time.sleep(float(pause_s))
            if number % 10 == 9:
                eventually(lambda least=number: log.count() > least)  # the other one may be folding just now


class StoppingFolder(Folder):
    """A folder that is stopped when it has the file and is about to write."""

    def _write(self, connection: DuckDBPyConnection, watermarks: Mapping[str, int]) -> None:
        print("folding", flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)
        super()._write(connection, watermarks)


def stop_in_a_fold(home: str) -> None:
    """Stop in the middle of a fold, as a laptop that goes to sleep; once woken, end it."""
    root = Path(home)
    folder = StoppingFolder(root, root / "live.duckdb", sibling=root / "runs.duckdb", wait_s=1.0, keeps_bad_lines=True)
    assert folder.catch_up(pause_s=0.0)
    print("folded", flush=True)


def fold_without_posix_lock(home: str, seconds: str) -> None:
    """Log and fold, while another thread makes this process lose DuckDB's own lock again and again."""
    root = Path(home)
    stop = time.monotonic() + float(seconds)

    def drop_locks() -> None:
        while time.monotonic() < stop:
            with suppress(OSError), (root / "live.duckdb").open("rb"):
                pass
            time.sleep(0.001)

    threading.Thread(target=drop_locks, daemon=True).start()
    with RunLog(root) as log:
        while time.monotonic() < stop:
            print(log_run(log), flush=True)
            log.count()


def fork_and_log(home: str) -> None:
    """Log in a parent that has used DuckDB, and in a child forked from it; print both ids."""
    log = RunLog(Path(home))
    print(log_run(log), flush=True)
    assert log.count() == 1
    pid = os.fork()
    if pid == 0:
        print(log_run(log), flush=True)
        assert log.count() >= 1
        log.close()
        sys.exit(0)
    print(log_run(log), flush=True)
    _, status = os.waitpid(pid, 0)
    assert status == 0, f"the child ended with {status}"
    log.close()


def exit_without_closing(home: str) -> None:
    """End the interpreter in the middle of everything."""
    log = RunLog(Path(home))
    print(log_run(log), flush=True)
    log.count()  # a new home's tables are made in a temporary folder, of which Python complains if it ends just then
    for _ in range(200):
        print(log_run(log), flush=True)
    threading.Thread(target=lambda: [log.count() for _ in range(1000)], daemon=True).start()
    time.sleep(0.05)


def interrupted(home: str) -> None:
    """Log while Ctrl-C comes again and again; print what was acknowledged."""
    log = RunLog(Path(home))
    done = threading.Event()
    is_logging = False

    def raise_while_logging(_signal: int, _frame: FrameType | None) -> None:
        # Outside the call under test this program has nothing to undo, so nothing may be raised there.
        nonlocal is_logging
        if is_logging:
            is_logging = False
            raise KeyboardInterrupt

    def interrupt() -> None:
        while not done.wait(0.003):
            os.kill(os.getpid(), signal.SIGINT)

    signal.signal(signal.SIGINT, raise_while_logging)
    threading.Thread(target=interrupt, daemon=True).start()
    acknowledged = []
    while len(acknowledged) < 150:
        with suppress(KeyboardInterrupt):
            is_logging = True
            acknowledged.append(log_run(log))
            is_logging = False
    done.set()
    log.close()
    print("\n".join(acknowledged))


def fill_disk(home: str) -> None:
    """Log 600 runs with long prompts; obey the lines that come in: ``health``, ``sync`` or ``close``."""
    log = RunLog(Path(home))
    for i in range(600):
        log_run(log, f"{i} " + "x" * 8000)
    for line in sys.stdin:
        if line.strip() == "sync":
            log.sync()
        if line.strip() == "close":
            log.close()
        print(log.pending_events, flush=True)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
