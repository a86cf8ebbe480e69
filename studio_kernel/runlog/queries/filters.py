"""Which runs are meant: `RunFilter`, and what it says in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from studio_kernel.domain.runs import IMPORT_ENGINE, RunRecord
from studio_kernel.runlog.patch import KINDS_OF_MEDIA
from studio_kernel.runlog.queries.rows import stored

Words: TypeAlias = "str | Sequence[str] | None"
Source: TypeAlias = Literal["made", "import"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs are meant; what is `None` or empty does not restrict.

    Attributes
    ----------
    model, engine, task, status, project, sweep_id, parent_id : str or sequence of str
        One of these.
    ids : sequence of str or None
        Exactly these runs; an empty one means none, and what is no id of a run finds nothing.
    kind : str or sequence of str
        Made a file of one of these kinds: ``image``, ``video``, ``audio``.
    source : {"made", "import"} or None
        Made here, or brought in as a file.
    tag : str or sequence of str
        Has all of these.
    favourite : bool or None
        Is, or is not, a favourite.
    min_rating : int or None
        Has at least so many stars.
    text : str
        Its prompt contains every one of these words, in any order and case.
    since, until : datetime.datetime or None
        Queued at or after, and before; aware.
    deleted : bool or None
        `False`: without those that were deleted; `True`: those alone; `None`: both.

    Raises
    ------
    ValueError
        For a time without time zone, and for a kind or a source that there is not.
    """

    model: Words = None
    engine: Words = None
    task: Words = None
    status: Words = None
    project: Words = None
    sweep_id: Words = None
    parent_id: Words = None
    tag: Words = None
    favourite: bool | None = None
    min_rating: int | None = None
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None
    ids: Sequence[str] | None = None
    kind: Words = None
    source: Source | None = None
    deleted: bool | None = False

    def __post_init__(self) -> None:
        """Refuse times that could mean several moments, and words that mean nothing."""
        for time in (self.since, self.until):
            if time is not None and time.tzinfo is None:
                raise ValueError(f"{time!r} has no time zone; use for example datetime.now(UTC)")
        for kind in _words(self.kind):
            if kind not in KINDS_OF_MEDIA:
                raise ValueError(f"kind {kind!r} is none of {', '.join(KINDS_OF_MEDIA)}")
        if self.source not in (None, "made", "import"):
            raise ValueError(f"source {self.source!r} is neither 'made' nor 'import'")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the list of runs: the next page begins behind it."""

    created_at: datetime
    id: str

    @classmethod
    def after(cls, run: RunRecord) -> Cursor:
        """Return the place behind `run`."""
        return cls(run.created_at, run.id)


@dataclass(frozen=True, slots=True)
class Condition:
    """A WHERE clause and the values bound in it."""

    sql: str
    values: tuple[object, ...]

    @classmethod
    def all_of(cls, parts: Iterable[tuple[str, Sequence[object]]]) -> Condition:
        """Return the condition that every part holds; true when there is none."""
        listed = list(parts)
        sql = " AND ".join(f"({part})" for part, _ in listed) or "true"
        return cls(sql, tuple(value for _, values in listed for value in values))


def condition_of(wanted: RunFilter, before: Cursor | None = None) -> Condition:
    """Return the condition of a filter, and of the page behind `before`."""
    parts: list[tuple[str, Sequence[object]]] = []
    for column in ("model", "engine", "task", "status", "project", "sweep_id", "parent_id"):
        words = _words(getattr(wanted, column))
        if words:
            parts.append((f"{column} IN ({', '.join('?' * len(words))})", words))
    if wanted.deleted is not None:
        parts.append(("deleted" if wanted.deleted else "NOT deleted", ()))
    if wanted.ids is not None:
        parts.append(among(wanted.ids))
    if kinds := _words(wanted.kind):
        parts.append(("media & ?::UTINYINT <> 0", [sum(KINDS_OF_MEDIA[kind] for kind in set(kinds))]))
    if wanted.source is not None:
        parts.append(("engine = ?" if wanted.source == "import" else "engine <> ?", [IMPORT_ENGINE]))
    parts += [("list_contains(tags, ?)", [tag]) for tag in _words(wanted.tag)]
    if wanted.favourite is not None:
        parts.append(("favourite = ?", [wanted.favourite]))
    if wanted.min_rating is not None:
        parts.append(("rating >= ?", [wanted.min_rating]))
    parts += _text_parts(wanted.text)
    if wanted.since is not None:
        parts.append(("created_at >= ?", [stored(wanted.since)]))
    if wanted.until is not None:
        parts.append(("created_at < ?", [stored(wanted.until)]))
    if before is not None:  # two plain comparisons prune row groups; one of (a, b) < (x, y) reads the whole table
        at = stored(before.created_at)
        parts += [("created_at <= ?", [at]), ("created_at < ? OR id < ?::UUID", [at, before.id])]
    return Condition.all_of(parts)


def among(ids: Sequence[str]) -> tuple[str, Sequence[object]]:
    """Return the condition that a run is one of some; the range lets whole blocks be passed over."""
    known = sorted({str(found) for found in map(_uuid, ids) if found is not None})
    if not known:
        return "false", ()
    return "id BETWEEN ?::UUID AND ?::UUID AND id IN (SELECT unnest(?::UUID[]))", [known[0], known[-1], known]


def is_uuid(text: str) -> bool:
    """Whether a text can be the id of a run or of something else in the log."""
    return _uuid(text) is not None


def _text_parts(text: str) -> list[tuple[str, Sequence[object]]]:
    """Return conditions that look the words up among the prompts, each of which is stored once."""
    words = text.split()
    if not words:
        return []
    contains = " AND ".join(["contains(prompt, lower(?))"] * len(words))
    return [(f"prompt_hash IN (SELECT prompt_hash FROM prompts WHERE {contains})", words)]


def _words(value: Words) -> Sequence[str]:
    if value is None:
        return ()
    return (str(value),) if isinstance(value, str) else tuple(str(word) for word in value)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError):
        return None
