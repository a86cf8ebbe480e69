"""The worker's own log: a JSON object a line, in files that take turns.

It tells what the worker did and why: run ids, models, times, errors. It never has a prompt in it, and nothing of a
private run but its id; values of secrets are replaced before they are written.
"""

from __future__ import annotations

import json
import logging
import os
import re
import time
from collections import deque
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path

from pythonjsonlogger.json import JsonFormatter

MAX_BYTES = 2 << 20
KEPT_FILES = 3
_SECRET = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)", re.IGNORECASE)
_SHORTEST_SECRET = 8
_POLL_S = 0.2


class _Redaction(logging.Filter):
    """Takes the values of secrets in the environment out of every record."""

    def __init__(self) -> None:
        super().__init__()
        self._secrets = [
            value for name, value in os.environ.items() if _SECRET.search(name) and len(value) >= _SHORTEST_SECRET
        ]

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._redacted(record.getMessage()), None
        if record.exc_info:
            record.exc_text = self._redacted(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True

    def _redacted(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return text


def begin(path: Path) -> None:
    """Write everything that is logged in this process to `path` and its predecessors."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=MAX_BYTES, backupCount=KEPT_FILES, encoding="utf-8")
    formatter = JsonFormatter(
        "{asctime}{levelname}{name}{message}",
        style="{",
        rename_fields={"asctime": "time", "levelname": "level", "name": "logger", "exc_info": "traceback"},
        datefmt="%Y-%m-%dT%H:%M:%SZ",
    )
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    handler.addFilter(_Redaction())
    logging.getLogger().addHandler(handler)
    logging.getLogger("studio").setLevel(logging.INFO)  # of libraries only warnings: some log every address they ask


def lines(path: Path, count: int, *, follow: bool = False) -> Iterator[str]:
    """Yield the last `count` lines of the log and its predecessor, as JSON.

    Parameters
    ----------
    follow : bool
        Go on with what is written from then on, also after the file was begun anew; never ends by itself.
    """
    last: deque[str] = deque(maxlen=count)
    before = path.with_name(f"{path.name}.1")
    if before.exists():
        last.extend(_whole_lines(before, 0)[0])
    found, position = _whole_lines(path, 0)
    last.extend(found)
    yield from last
    while follow:
        time.sleep(_POLL_S)
        if path.exists() and path.stat().st_size < position:
            position = 0
        found, position = _whole_lines(path, position)
        yield from found


def _whole_lines(path: Path, position: int) -> tuple[list[str], int]:
    """Return the lines behind `position` that are complete, and the position behind them."""
    try:
        with path.open("rb") as file:
            file.seek(position)
            data = file.read()
    except FileNotFoundError:
        return [], position
    whole = data[: data.rfind(b"\n") + 1]
    return whole.decode("utf-8", "replace").splitlines(), position + len(whole)


def in_words(line: str) -> str:
    """Return a line of the log as people read it."""
    try:
        told = json.loads(line)
    except ValueError:
        return line
    known = {"time", "level", "logger", "message", "traceback"}
    facts = " ".join(f"{name}={value}" for name, value in told.items() if name not in known and value is not None)
    text = f"{told.get('time', '')} {told.get('level', ''):<7} {told.get('message', '')} {facts}".rstrip()
    return f"{text}\n{told['traceback']}" if told.get("traceback") else text
