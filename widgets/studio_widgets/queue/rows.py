"""The rows of a queue panel, made from a look at the queue; pure.

What is at work has a row each. What waits has a row too, but the waiting cells of one sweep share one, which stands
where the first of them does and can be unfolded.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from zlib import crc32

from studio_kernel.domain.queue import QueueEntry
from studio_kernel.domain.values import describe
from studio_kernel.queue import QueueLook, QueueRow

MOST_ROWS = 200
"""Waiting rows that are shown; more are counted."""
MOST_UNFOLDED = 50
SWEEP = "sweep:"
PRIVATE = "Private run"
PREVIEW_OF_NOTHING = 0


@dataclass(frozen=True, slots=True)
class Item:
    """One row.

    Attributes
    ----------
    key : str
        Id of the run, or ``sweep:ID`` for all waiting cells of a sweep.
    runs : tuple of str
        Whom it stands for.
    sweep : str
        Id of the sweep that they are of; empty when of none.
    title, detail : str
        The prompt, and where in its sweep a cell stands. Nothing of a private run.
    is_working : bool
        At work, or waiting.
    is_ending : bool
        Its end was asked for.
    step, total, stage, elapsed_s, remaining_s, position
        How far it is; see `RunProgress`.
    begins_s : float or None
        Seconds until it will be begun; `None` when that is not known.
    who : str
        Who works on it, or will.
    can_move : bool
        Whether its place can be changed.
    is_unfolded : bool
        Its cells follow.
    is_inside : bool
        It is one of those cells.
    preview : int
        Differs when the picture differs; 0 = there is none.
    """

    key: str
    runs: tuple[str, ...]
    sweep: str
    title: str
    detail: str
    model: str
    place: int
    is_working: bool
    is_ending: bool
    step: int = 0
    total: int = 0
    stage: str = ""
    elapsed_s: float = 0.0
    remaining_s: float | None = None
    position: int | None = None
    begins_s: float | None = None
    who: str = ""
    can_move: bool = False
    is_unfolded: bool = False
    is_inside: bool = False
    preview: int = PREVIEW_OF_NOTHING

    @property
    def count(self) -> int:
        """How many runs it stands for."""
        return len(self.runs)


def working_items(rows: Sequence[QueueRow], title: Callable[[QueueEntry], str]) -> list[Item]:
    """Return a row for everything that is at work.

    Parameters
    ----------
    title : callable
        Returns the prompt of a run, as far as it may be shown.
    """
    return [_working(row, title) for row in rows]


def waiting_items(look: QueueLook, title: Callable[[QueueEntry], str], unfolded: Collection[str]) -> list[Item]:
    """Return the rows of what waits, in order; at most `MOST_ROWS`.

    Parameters
    ----------
    title : callable
        Returns the prompt of a run, as far as it may be shown.
    unfolded : collection of str
        Keys of the sweeps whose waiting cells have rows of their own.
    """
    begins = {} if look.is_paused else starts(look.working, look.waiting)
    return list(islice(_waiting(look.waiting, title, unfolded, begins), MOST_ROWS))


def starts(working: Sequence[QueueRow], waiting: Sequence[QueueRow]) -> dict[str, float | None]:
    """Return for each run that waits in how many seconds it will be begun; `None` where that is not known.

    Notes
    -----
    Every engine is taken to go on with as many runs at once as now, and to give each its turn in the order of the
    queue. Cells of a sweep that are made in one pass are one run here.
    """
    found: dict[str, float | None] = {}
    by_engine = _by_engine(waiting)
    now = _by_engine(working)
    for engine, rows in by_engine.items():
        times = begins(_lanes(now.get(engine, [])), [_expected(row) for row in rows])
        found |= dict(zip((row.entry.run_id for row in rows), times, strict=True))
    return found


def begins(lanes: Sequence[float | None], waiting: Iterable[float | None]) -> list[float | None]:
    """Return when each of those that wait is begun, in seconds from now.

    Parameters
    ----------
    lanes : sequence of float or None
        Seconds until each lane is free; `None` = not known.
    waiting : iterable of float or None
        How long each takes, in order.

    Examples
    --------
    >>> begins([2.0, 5.0], [10.0, 1.0, 1.0])
    [2.0, 5.0, 6.0]
    >>> begins([2.0], [None, 1.0])
    [2.0, None]
    """
    free = [lane for lane in lanes if lane is not None]
    is_known = len(free) == len(lanes)
    free = free or [0.0]
    heapq.heapify(free)
    found: list[float | None] = []
    for seconds in waiting:
        found.append(free[0] if is_known else None)
        is_known = is_known and seconds is not None
        heapq.heapreplace(free, free[0] + (seconds or 0.0))
    return found


def _by_engine(rows: Iterable[QueueRow]) -> dict[str, list[QueueRow]]:
    found: dict[str, list[QueueRow]] = {}
    for row in rows:
        found.setdefault(row.entry.record.engine, []).append(row)
    return found


def _lanes(working: Sequence[QueueRow]) -> list[float | None]:
    """Return the seconds that each lane still works; the cells of one pass are one lane."""

    def lane(row: QueueRow) -> str:
        origin = row.entry.record.origin
        return origin.sweep_id or "" if origin.batch_size > 1 else row.entry.run_id

    found: list[float | None] = []
    for _, together in groupby(sorted(working, key=lane), key=lane):
        left = [_left(row) for row in together]
        known = [seconds for seconds in left if seconds is not None]
        found.append(max(known) if len(known) == len(left) else None)
    return found


def _left(row: QueueRow) -> float | None:
    if row.progress.remaining_s is not None:
        return row.progress.remaining_s
    expected = _expected(row)
    return None if expected is None else max(0.0, expected - row.progress.elapsed_s)


def _expected(row: QueueRow) -> float | None:
    estimate = row.entry.record.estimate
    return estimate.seconds if estimate is not None else None


def _working(row: QueueRow, title: Callable[[QueueEntry], str]) -> Item:
    entry, shown = row.entry, row.progress
    return Item(
        key=entry.run_id,
        runs=(entry.run_id,),
        sweep=entry.record.origin.sweep_id or "",
        title=title(entry),
        detail=_detail(entry),
        model=entry.record.request.model,
        place=0,
        is_working=True,
        is_ending=entry.is_cancelled,
        step=shown.step,
        total=shown.total,
        stage=shown.stage,
        elapsed_s=round(shown.elapsed_s, 1),
        remaining_s=None if shown.remaining_s is None else round(shown.remaining_s, 1),
        position=shown.position,
        who=_who(entry.owner),
        preview=crc32(shown.preview) or 1 if shown.preview else PREVIEW_OF_NOTHING,
    )


def _waiting(
    rows: Sequence[QueueRow],
    title: Callable[[QueueEntry], str],
    unfolded: Collection[str],
    starts: dict[str, float | None],
) -> Iterator[Item]:
    groups: dict[str, list[QueueRow]] = {}
    for row in rows:
        sweep = row.entry.record.origin.sweep_id
        groups.setdefault(f"{SWEEP}{sweep}" if sweep else row.entry.run_id, []).append(row)
    for key, members in groups.items():
        if len(members) == 1:
            yield _one(members[0], title, starts)
            continue
        is_unfolded = key in unfolded
        yield _together(key, members, title, starts, is_unfolded=is_unfolded)
        if is_unfolded:
            yield from (_one(row, title, starts, is_inside=True) for row in members[:MOST_UNFOLDED])


def _one(
    row: QueueRow,
    title: Callable[[QueueEntry], str],
    starts: dict[str, float | None],
    *,
    is_inside: bool = False,
) -> Item:
    entry = row.entry
    return Item(
        key=entry.run_id,
        runs=(entry.run_id,),
        sweep=entry.record.origin.sweep_id or "",
        title=title(entry),
        detail=_detail(entry),
        model=entry.record.request.model,
        place=row.place,
        is_working=False,
        is_ending=entry.is_cancelled,
        begins_s=_rounded(starts.get(entry.run_id)),
        who=_who(entry.reserved_for or ""),
        can_move=entry.reserved_for is None,
        is_inside=is_inside,
    )


def _together(
    key: str,
    rows: Sequence[QueueRow],
    title: Callable[[QueueEntry], str],
    starts: dict[str, float | None],
    *,
    is_unfolded: bool,
) -> Item:
    first = rows[0].entry
    models = {row.entry.record.request.model for row in rows}
    return Item(
        key=key,
        runs=tuple(row.entry.run_id for row in rows),
        sweep=first.record.origin.sweep_id or "",
        title=title(first),
        detail="",
        model=first.record.request.model if len(models) == 1 else f"{len(models)} models",
        place=rows[0].place,
        is_working=False,
        is_ending=all(row.entry.is_cancelled for row in rows),
        begins_s=_rounded(starts.get(first.run_id)),
        who=_who(first.reserved_for or ""),
        can_move=all(row.entry.reserved_for is None for row in rows),
        is_unfolded=is_unfolded,
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def _detail(entry: QueueEntry) -> str:
    """Return where in its sweep a cell stands."""
    if entry.is_private:
        return ""
    return ", ".join(f"{name.replace('_', ' ')} {describe(value)}" for name, value in entry.record.origin.cell.items())


def _who(name: str) -> str:
    """Return who works under a name (`studio_kernel.presence`)."""
    role = name.split("-", 1)[0]
    return {"worker": "the worker", "inline": "the program that asked for it"}.get(role, "")
