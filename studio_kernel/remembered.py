"""What people had before them when they last used a panel: a small JSON file of the home for each panel.

It is a convenience and no record: a file that cannot be read counts as none, and nothing of a run depends on it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from studio_kernel.settings import Home
from studio_kernel.writing import write_whole

MAX_BYTES = 256 * 1024
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


def remembered(home: Home, name: str) -> dict[str, object]:
    """Return what was kept under a name; nothing when nothing was, or when it cannot be read."""
    try:
        return msgspec.json.decode(_path(home, name).read_bytes(), type=dict[str, object])
    except (OSError, msgspec.DecodeError):
        return {}


def remember(home: Home, name: str, values: Mapping[str, object]) -> None:
    """Keep plain JSON values under a name, in place of what was kept there.

    Parameters
    ----------
    name : str
        Lower-case letters, digits and hyphens.

    Raises
    ------
    ValueError
        When there is too much of it, or when the name is none.
    OSError
        When it cannot be written.
    """
    data = msgspec.json.encode(dict(values))
    if len(data) > MAX_BYTES:
        raise ValueError(f"{len(data):,} bytes are more than the {MAX_BYTES:,} that a panel may keep")
    write_whole(_path(home, name), data)


def _path(home: Home, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a name of lower-case letters, digits and hyphens")
    return home.panels / f"{name}.json"
