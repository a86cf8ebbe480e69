"""Boards: runs that somebody has put side by side under a name, to be looked at together again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from immutabledict import immutabledict

from studio_kernel.domain.judging import MAX_RATER_LENGTH
from studio_kernel.domain.values import AssetRef, Lora, Value, canonical, to_json

MAX_BOARD_RUNS = 24
MAX_BOARD_NAME = 80
MAX_SETTINGS_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Board:
    """A set of runs with a name.

    Attributes
    ----------
    id : str
        UUID of version 7.
    name : str
        What people call it; 1 … `MAX_BOARD_NAME` characters.
    runs : tuple of str
        Ids of its runs in their order, 1 … `MAX_BOARD_RUNS`; also of those that were deleted since.
    project : str or None
        Id of the project it belongs to.
    settings : mapping
        How they are shown, such as ``{"mode": "slider"}``; plain values, as JSON at most `MAX_SETTINGS_BYTES` bytes.
    created_at, changed_at : datetime.datetime or None
        When it was saved first, and last; aware, UTC.
    created_by : str
        Who has made it, by their own word; may be empty.

    Raises
    ------
    ValueError
        For a value outside these limits.
    """

    id: str
    name: str
    runs: tuple[str, ...]
    project: str | None = None
    settings: Mapping[str, Value] = field(default_factory=immutabledict)
    created_at: datetime | None = None
    changed_at: datetime | None = None
    created_by: str = ""

    def __post_init__(self) -> None:
        """Refuse what no form can make."""
        if not isinstance(self.name, str) or not 1 <= len(self.name.strip()) <= MAX_BOARD_NAME:
            raise ValueError(f"the name of a board has 1 … {MAX_BOARD_NAME} characters; got {self.name!r:.120}")
        object.__setattr__(self, "name", self.name.strip())
        object.__setattr__(self, "runs", tuple(dict.fromkeys(str(UUID(run)) for run in self.runs)))
        if not 1 <= len(self.runs) <= MAX_BOARD_RUNS:
            raise ValueError(f"a board has 1 … {MAX_BOARD_RUNS} different runs; got {len(self.runs)}")
        if not isinstance(self.created_by, str) or len(self.created_by) > MAX_RATER_LENGTH:
            raise ValueError(f"who makes a board has a name of at most {MAX_RATER_LENGTH} characters")
        _check_settings(self.settings)


def _check_settings(settings: Mapping[str, Value]) -> None:
    if not _is_plain(settings):
        raise ValueError("the settings of a board are plain values: text, numbers, yes or no, and lists of them")
    size = len(canonical(to_json(immutabledict(settings))).encode("utf-8", "replace"))
    if size > MAX_SETTINGS_BYTES:
        raise ValueError(f"the settings of a board have {size:,} bytes; at most {MAX_SETTINGS_BYTES:,} are kept")


def _is_plain(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(_is_plain(item) for item in value.values())
    if isinstance(value, tuple):
        return all(_is_plain(item) for item in value)
    return not isinstance(value, (AssetRef, Lora)) and (value is None or isinstance(value, (str, bool, int, float)))
