"""What the tests of the run log share: writing journals by hand, looking into the files, waiting for a state."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from studio_kernel.domain.request import GenerationRequest
from studio_kernel.runlog import RunLog, database, events, new_run_id, schema
from studio_kernel.runlog.events import Event
from studio_kernel.runlog.schema import Migration

ROOT = Path(__file__).parent.parent
CHILDREN = Path(__file__).parent / "processes" / "runlog_children.py"


def request(prompt: str = "a boat", model: str = "studio-tiny", **parameters: object) -> GenerationRequest:
    return GenerationRequest(model, parameters={"prompt": prompt, **parameters})


def log_run(log: RunLog, prompt: str = "a boat", status: str = "succeeded", **parameters: object) -> str:
    """Log a whole run and return its id."""
    run_id = new_run_id()
    log.queued(run_id, request(prompt, **parameters), engine="procedural")
    log.started(run_id, provenance={})
    log.finished(run_id, status, elapsed_s=0.5)
    return run_id


def write_journal(home: Path, lines: Sequence[bytes], name: str = "0000000000001-test") -> Path:
    """Append lines to a journal as a process that is gone has left it."""
    path = home / "journal" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(b"".join(lines))
    return path


def write_events(home: Path, stamped: Sequence[tuple[int, Event]], name: str = "0000000000001-test") -> Path:
    return write_journal(home, [events.encode(event, ts) for ts, event in stamped], name)


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    """Return what a DuckDB file of the run log holds."""
    with database.attached(path, read_only=True, wait_s=5.0) as connection:
        return connection.execute(sql).fetchall()


@contextmanager
def later_schema() -> Iterator[None]:
    """Be a studio whose schema is one step further than this one's."""
    now = schema.migrations
    step = Migration(len(now()) + 1, "ALTER TABLE run_rows ADD COLUMN later VARCHAR; CREATE TABLE later (a INTEGER);")
    later = (*now(), step)
    schema.migrations = lambda: later  # type: ignore[assignment]
    try:
        yield
    finally:
        schema.migrations = now


def live(home: Path) -> Path:
    return home / "live.duckdb"


def public(home: Path) -> Path:
    return home / "runs.duckdb"


def eventually(holds: Callable[[], object], within_s: float = 60.0) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def child(mode: str, *arguments: object, path: Path | None = None) -> subprocess.Popen[str]:
    """Start a program of `processes/runlog_children.py`; packages at `path` go before installed ones."""
    places = [*([path] if path else []), ROOT, ROOT / "tests"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places))}
    return subprocess.Popen(
        [
            sys.executable,
            "-W",
            "error",
            "-W",
            "ignore:.*fork:DeprecationWarning",
            str(CHILDREN),
            mode,
            *map(str, arguments),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
