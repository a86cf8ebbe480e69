"""Names of exported files: a pattern with fields, and nothing in a name that a file system could trip over.

What fills a field was typed by people, or came with an imported file, so it never makes a directory, a hidden file or a
name with a meaning of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from studio_kernel.domain.runs import RunRecord
from studio_kernel.errors import InvalidRequestError, Problem, closest

PATTERN = "{project}-{model}-{seed}-{id}"
FIELDS = ("project", "model", "task", "seed", "id", "prompt", "date", "engine")
LONGEST = 120
"""Bytes of a name without its ending; file systems end at 255."""

_FIELD = re.compile(r"\{([^{}]*)\}")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)")
_ID_LENGTH = 12
_PROMPT_LENGTH = 40


def require_pattern(pattern: str) -> None:
    """Refuse a pattern with unknown fields.

    Raises
    ------
    InvalidRequestError
        With every one of them.
    """
    unknown = [name for name in _FIELD.findall(pattern) if name not in FIELDS]
    if unknown:
        raise InvalidRequestError([Problem("names", _told(name)) for name in unknown], "export")


def name_of(record: RunRecord, pattern: str = PATTERN, place: int | None = None) -> str:
    """Return the name of a file of a run, without its ending.

    Parameters
    ----------
    place : int or None
        Which of several files, from 1.
    """
    values = _values(record)
    filled = _safe(_FIELD.sub(lambda found: _safe(values[found[1]]), pattern))
    name = _cut(filled, LONGEST) or f"run-{values['id']}"
    if _RESERVED.fullmatch(name.split(".")[0]):
        name = f"_{name}"
    return f"{name}-{place}" if place is not None else name


def _values(record: RunRecord) -> Mapping[str, str]:
    seed = record.seed if record.seed is not None else record.request.seed
    return {
        "project": record.origin.project or "",
        "model": record.request.model,
        "task": str(record.request.task),
        "seed": "" if seed is None else str(seed),
        "id": record.id[-_ID_LENGTH:],
        "prompt": _cut(_safe(record.request.prompt), _PROMPT_LENGTH),
        "date": f"{record.created_at:%Y-%m-%d}",
        "engine": record.engine,
    }


def _safe(text: str) -> str:
    """Return letters, digits and ``. _`` of `text`; everything else becomes one ``-`` between them."""
    joined = re.sub(r"[^\w.]+", "-", text)
    return re.sub(r"-*\.[-.]*|-{2,}", lambda found: "." if "." in found[0] else "-", joined).strip("-._ ")


def _cut(text: str, length: int) -> str:
    return text.encode("utf-8", "ignore")[:length].decode("utf-8", "ignore").strip("-._ ")


def _told(name: str) -> str:
    close = closest(name, FIELDS)
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"there are {', '.join(FIELDS)}"
    return f"{{{name}}} is no field of a file name; {hint}"
