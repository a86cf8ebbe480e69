"""The queue: which runs wait, and which one goes next.

Nobody owns the queue. Every process that cares makes the same one from the same facts, which may reach it in any order:
a claim can be heard of before the run it is about. What people decide goes before what is fair: first the runs they
put first, then by priority, and only then the turns described at `Queue.order`.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from itertools import groupby

from studio_kernel.domain.events import Ticket
from studio_kernel.domain.runs import RunRecord

MODEL_STAY = 8
"""So many cells of one sweep are done in a row before another sweep with another model has its turn: loading a model
takes as long as several pictures."""
_REMEMBERED_ENDS = 10_000  # what is said of a run comes at most seconds after its end


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A run that has not ended.

    Attributes
    ----------
    record : RunRecord
        What is asked for. Of a private run only engine, model and task.
    owner : str
        Who has claimed it; empty when nobody has.
    attempt : int
        How often it was claimed.
    priority : int
        Higher goes first.
    is_cancelled : bool
        Whether somebody has asked for its end.
    reserved_for : str or None
        The only process that may work on it; `None` = any worker.
    is_private : bool
        Whether its request is kept out of the log.
    has_started : bool
        Whether an engine has begun it: a remote service may know of it from then on.
    ticket : Ticket or None
        How a remote service knows it.
    """

    record: RunRecord
    owner: str = ""
    attempt: int = 0
    priority: int = 0
    is_cancelled: bool = False
    reserved_for: str | None = None
    is_private: bool = False
    has_started: bool = False
    ticket: Ticket | None = None

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.record.id

    @property
    def turn(self) -> str:
        """Whose turn it takes: its sweep's; single runs share one."""
        return self.record.origin.sweep_id or ""


@dataclass(slots=True)
class _Facts:
    """What is known of a run, in whichever order it came."""

    entry: QueueEntry | None = None
    early: dict[str, object] = field(default_factory=dict)
    stamps: dict[str, int] = field(default_factory=dict)

    def begin(self, entry: QueueEntry) -> None:
        if self.entry is None:
            self.entry = replace(entry, **self.early)  # type: ignore[arg-type]  # fields of the entry, said by callers

    def set(self, ts: int, kind: str, changes: dict[str, object]) -> None:
        if ts < self.stamps.get(kind, -1):
            return
        self.stamps[kind] = ts
        if self.entry is None:
            self.early |= changes
        else:
            self.entry = replace(self.entry, **changes)  # type: ignore[arg-type]


class Queue:
    """The runs that have not ended."""

    def __init__(self) -> None:
        self._facts: dict[str, _Facts] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._paused = (-1, False)
        self._first: tuple[int, tuple[str, ...]] = (-1, ())
        self._turns = _Turns()

    # What happened

    def add(self, entry: QueueEntry) -> None:
        """Take a run that was queued; one that is known already stays as it is."""
        if entry.run_id not in self._ended:
            self._facts.setdefault(entry.run_id, _Facts()).begin(entry)

    def change(self, ts: int, kind: str, run_id: str, **changes: object) -> None:
        """Take something said of a run; of several of one kind the one with the latest `ts` counts.

        Parameters
        ----------
        ts : int
            When it was said, in microseconds.
        kind : str
            What kind of saying it is.
        **changes
            Fields of `QueueEntry`.
        """
        if run_id not in self._ended:
            self._facts.setdefault(run_id, _Facts()).set(ts, kind, changes)

    def end(self, run_id: str) -> None:
        """Take the run out; nothing said of it later brings it back."""
        self._facts.pop(run_id, None)
        self._ended[run_id] = None
        if len(self._ended) > _REMEMBERED_ENDS:
            self._ended.popitem(last=False)

    def pause(self, ts: int, paused: bool) -> None:
        """Take that the queue is paused, or goes on."""
        self._paused = max(self._paused, (ts, paused))

    def put_first(self, ts: int, run_ids: Iterable[str]) -> None:
        """Take which runs go before all others, in that order."""
        self._first = max(self._first, (ts, tuple(run_ids)))

    # What there is

    @property
    def is_paused(self) -> bool:
        """Whether no run may be begun."""
        return self._paused[1]

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[QueueEntry]:
        """Iterate over all entries, in the order in which they were queued."""
        for facts in self._facts.values():
            if facts.entry is not None:
                yield facts.entry

    def get(self, run_id: str) -> QueueEntry | None:
        """Return the entry of a run; `None` when it has ended or is not known."""
        facts = self._facts.get(run_id)
        return facts.entry if facts else None

    # Who is next

    def order(self) -> list[QueueEntry]:
        """Return what waits in the order in which one lane would do it.

        Within one priority, single runs and every sweep take turns, and whoever was served longest ago is next: a
        single run waits for one cell of a sweep, not for the sweep. A sweep that would need another model than the
        sweep before it waits until that one has had `MODEL_STAY` turns in a row.
        """
        waiting = [entry for entry in self if not entry.owner]
        ahead, rest = self._split(waiting)
        rest.sort(key=lambda entry: (-entry.priority, entry.run_id))
        turns = self._turns.copy()
        return ahead + [e for _, some in groupby(rest, key=lambda e: e.priority) for e in turns.order(some)]

    def next(self, suits: Callable[[QueueEntry], bool]) -> QueueEntry | None:
        """Return the run to be done next among those that `suits` lets through; `None` when there is none."""
        ahead, rest = self._split([entry for entry in self if suits(entry)])
        if ahead or not rest:
            return ahead[0] if ahead else None
        top = max(entry.priority for entry in rest)
        heads: dict[str, QueueEntry] = {}
        for entry in rest:
            if entry.priority == top and (entry.turn not in heads or entry.run_id < heads[entry.turn].run_id):
                heads[entry.turn] = entry
        return self._turns.pick(heads)

    def took(self, entry: QueueEntry) -> None:
        """Remember whose turn it was."""
        self._turns.take(entry)

    def _split(self, entries: list[QueueEntry]) -> tuple[list[QueueEntry], list[QueueEntry]]:
        """Return the runs that people put first, in their order, and the others."""
        rank = {run_id: place for place, run_id in enumerate(self._first[1])}
        ahead = sorted((e for e in entries if e.run_id in rank), key=lambda e: rank[e.run_id])
        return ahead, [e for e in entries if e.run_id not in rank]


class _Turns:
    """Who was served when."""

    def __init__(self) -> None:
        self._served: dict[str, int] = {}
        self._clock = 0
        self._last = ("", "")
        self._stayed = 0

    def copy(self) -> _Turns:
        """Return one that can look ahead without changing this one."""
        other = copy(self)
        other._served = dict(self._served)
        return other

    def order(self, entries: Iterable[QueueEntry]) -> list[QueueEntry]:
        lines: dict[str, deque[QueueEntry]] = {}
        for entry in entries:
            lines.setdefault(entry.turn, deque()).append(entry)
        ordered = []
        while lines:
            entry = self.pick({turn: line[0] for turn, line in lines.items()})
            ordered.append(entry)
            self.take(entry)
            lines[entry.turn].popleft()
            if not lines[entry.turn]:
                del lines[entry.turn]
        return ordered

    def pick(self, heads: Mapping[str, QueueEntry]) -> QueueEntry:
        """Return whose turn it is among the first of each line."""
        sweep, model = self._last
        stays = sweep in heads and heads[sweep].record.request.model == model and self._stayed < MODEL_STAY

        def rank(entry: QueueEntry) -> tuple[bool, int, str]:
            is_other = entry.turn not in ("", sweep) and entry.record.request.model != model
            return stays and is_other, self._served.get(entry.turn, 0), entry.run_id

        return min(heads.values(), key=rank)

    def take(self, entry: QueueEntry) -> None:
        self._clock += 1
        self._served[entry.turn] = self._clock
        if entry.turn:
            now = (entry.turn, entry.record.request.model)
            self._stayed = self._stayed + 1 if now == self._last else 1
            self._last = now
