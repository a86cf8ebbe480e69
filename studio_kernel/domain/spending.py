"""What was spent and what may yet be, by time, project and sweep.

Every process that cares adds up the same facts, which may reach it in any order: the end of a run can be heard of
before its beginning. A run that ended without a bill counts with what was expected of it if it succeeded, or if a
service may have done it unseen; one that has not ended is a commitment.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from studio_kernel.domain.runs import RunStatus

BIN_S = 900
"""Amounts are kept by the quarter of an hour: the offsets of all time zones are multiples of it, so days are too."""
_REMEMBERED_ENDS = 10_000


@dataclass(frozen=True, slots=True)
class Scope:
    """Which runs are meant; what is `None` does not restrict.

    Attributes
    ----------
    since : float or None
        Ended then or later, in seconds since 1970; to the quarter of an hour.
    project, sweep_id : str or None
        Of that project, of that sweep.
    """

    since: float | None = None
    project: str | None = None
    sweep_id: str | None = None

    def has(self, project: str | None, sweep_id: str | None) -> bool:
        """Return whether a run of this project and sweep is meant, whenever it ends."""
        return self.project in (None, project) and self.sweep_id in (None, sweep_id)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended, as far as money goes.

    Attributes
    ----------
    at : float
        Seconds since 1970.
    billed_usd : float or None
        What the service said.
    may_be_billed : bool
        Whether a service may have done it without our knowing.
    """

    at: float
    status: RunStatus
    billed_usd: float | None = None
    may_be_billed: bool = False


@dataclass(slots=True)
class _Run:
    """What is known of a run that has not been settled."""

    usd: float | None = None
    project: str | None = None
    sweep_id: str | None = None
    is_queued: bool = False
    has_owner: bool = False
    claimed_ts: int = -1
    has_ticket: bool = False
    ending: Ending | None = None

    @property
    def has_begun(self) -> bool:
        return self.has_owner or self.has_ticket


class Spending:
    """Amounts of the runs of one home, in US dollars."""

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}
        # ended runs; those that count after all once their ticket is heard of are kept whole
        self._ended: OrderedDict[str, _Run | None] = OrderedDict()
        self._spent: dict[tuple[int, str | None, str | None], float] = {}

    # What happened

    def add(self, at: float, usd: float, project: str | None, sweep_id: str | None) -> None:
        """Take what runs that have ended cost."""
        key = (int(at // BIN_S), project, sweep_id)
        self._spent[key] = self._spent.get(key, 0.0) + usd

    def queue(self, run_id: str, usd: float | None, project: str | None, sweep_id: str | None) -> None:
        """Take a run that was asked for, and what is expected of it."""
        run = self._of(run_id)
        if run is not None and not run.is_queued:
            run.usd, run.project, run.sweep_id, run.is_queued = usd, project, sweep_id, True
            self._settle(run_id, run)

    def claim(self, run_id: str, ts: int, owner: str) -> None:
        """Take that a run is worked on; an empty owner gives it back."""
        run = self._of(run_id)
        if run is not None and ts > run.claimed_ts:
            run.claimed_ts, run.has_owner = ts, bool(owner)

    def accept(self, run_id: str) -> None:
        """Take that a service has accepted a run; its end may have been heard before that."""
        run = self._of(run_id)
        if run is not None:
            run.has_ticket = True
        elif (ended := self._ended.get(run_id)) is not None:
            self._ended[run_id] = None
            ended.has_ticket = True
            self._count(ended)

    def end(self, run_id: str, ending: Ending) -> None:
        """Take the end of a run; of several the first counts."""
        run = self._of(run_id)
        if run is not None and run.ending is None:
            run.ending = ending
            self._settle(run_id, run)

    # What there is

    def spent(self, scope: Scope) -> float:
        """Return what runs that have ended cost."""
        first = None if scope.since is None else scope.since // BIN_S
        return sum(
            usd
            for (when, project, sweep_id), usd in self._spent.items()
            if (first is None or when >= first) and scope.has(project, sweep_id)
        )

    def committed(self, scope: Scope, *, begun: bool = False) -> float:
        """Return what is expected of runs that have not ended; of those that were begun only, or of all."""
        return sum(run.usd or 0.0 for run in self._unfinished(scope) if run.has_begun or not begun)

    def _unfinished(self, scope: Scope) -> Iterator[_Run]:
        return (run for run in self._runs.values() if run.is_queued and scope.has(run.project, run.sweep_id))

    def _of(self, run_id: str) -> _Run | None:
        return None if run_id in self._ended else self._runs.setdefault(run_id, _Run())

    def _settle(self, run_id: str, run: _Run) -> None:
        if run.ending is None or not run.is_queued:
            return
        del self._runs[run_id]
        self._ended[run_id] = None if self._count(run) or run.has_ticket else run
        if len(self._ended) > _REMEMBERED_ENDS:
            self._ended.popitem(last=False)

    def _count(self, run: _Run) -> float:
        """Add what a run that has ended cost, and return it."""
        assert run.ending is not None, "only runs that have ended are counted"
        usd = _charged(run, run.ending)
        if usd:
            self.add(run.ending.at, usd, run.project, run.sweep_id)
        return usd


def _charged(run: _Run, ending: Ending) -> float:
    """Return what a run that has ended counts with; the view ``costs`` of the log says the same in SQL."""
    if ending.billed_usd is not None:
        return ending.billed_usd
    is_charged = (
        ending.status is RunStatus.SUCCEEDED
        or ending.may_be_billed
        or (ending.status is RunStatus.CANCELLED and run.has_ticket)
    )
    return (run.usd or 0.0) if is_charged else 0.0
