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
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)


def lines(path: Path, count: int) -> list[str]:
    """Return the last `count` lines, as JSON, of the log and its predecessor."""
    found: deque[str] = deque(maxlen=count)
    for part in (path.with_name(f"{path.name}.1"), path):
        if part.exists():
            with part.open(encoding="utf-8") as file:
                found.extend(line.rstrip("\n") for line in file)
    return list(found)


def follow(path: Path) -> Iterator[str]:
    """Yield lines as they are written, also after the file was begun anew; never ends by itself."""
    position = path.stat().st_size if path.exists() else 0
    while True:
        if path.exists():
            if path.stat().st_size < position:
                position = 0
            with path.open(encoding="utf-8") as file:
                file.seek(position)
                while (line := file.readline()).endswith("\n"):
                    position = file.tell()
                    yield line.rstrip("\n")
        time.sleep(_POLL_S)


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
