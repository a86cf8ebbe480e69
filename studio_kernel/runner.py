"""Decides where and when engines work: what a runner is, and the one that works inside this process.

`InlineRunner` works on threads of this process, as many per engine as the engine has lanes; a worker process
(`studio_kernel.worker`) works for all who have the home open. What they do with a run is in `desk`.
"""

from __future__ import annotations

import atexit
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

from studio_kernel.budgets import Budgets
from studio_kernel.desk import Desk, Workplace, execute
from studio_kernel.domain.runs import RunRecord, RunStatus
from studio_kernel.engines.base import Engine
from studio_kernel.errors import StudioError
from studio_kernel.follower import Follower
from studio_kernel.jobs import Work
from studio_kernel.mending import claiming
from studio_kernel.passes import Relay, companions
from studio_kernel.presence import Presence
from studio_kernel.previews import PreviewBudget
from studio_kernel.runlog import RunLog
from studio_kernel.settings import Home


class Runner(Protocol):
    """Takes work and sees that each run ends."""

    def submit(self, works: Sequence[Work]) -> None:
        """Log runs as queued, all at once, and take them; returns at once.

        Raises
        ------
        StudioError
            When they cannot be taken; none is in the log then.
        """

    def cancel(self, run_ids: Sequence[str]) -> None:
        """Ask for runs of the home to stop, wherever they are."""

    def close(self) -> None:
        """Leave what this process is responsible for in order; may be called twice."""


def log_queued(log: RunLog, works: Sequence[Work], *, reserved_for: str | None = None) -> None:
    """Log runs as queued, those that are not private in one write; what a service has already stands before its run."""
    for work in works:
        if work.context.ticket is not None:
            log.ticket(work.job.run_id, work.context.ticket)
    log.queued_together([work.job.record for work in works if work.private is None], reserved_for=reserved_for)
    for record in (work.job.record for work in works if work.private is not None):
        log.queued(
            record.id,
            record.request,
            engine=record.engine,
            origin=record.origin,
            estimate=record.estimate,
            reserved_for=reserved_for,
            private=True,
        )


class InlineRunner:
    """Works inside this process: a queue and worker threads per engine.

    What it is given ends with it: closing cancels what is queued or running. Other processes can see its runs and ask
    for their end.
    """

    def __init__(self, workplace: Workplace, home: Home, follower: Follower, budgets: Budgets) -> None:
        self._workplace = workplace
        self._budgets = budgets
        self._home = home
        self._follower = follower
        self._lanes: dict[str, _Lanes] = {}
        self._works: dict[str, Work] = {}
        self._presence: Presence | None = None
        self._lock = threading.Lock()
        self._closed = False
        # Worker threads are daemons so that a script can end; at its end they are stopped in good order.
        atexit.register(self.close)

    def submit(self, works: Sequence[Work]) -> None:
        """Log runs as queued, all at once, and take them; returns at once."""
        with self._lock:
            if self._closed:
                raise StudioError("this studio is closed; open it again with sk.open()")
            self._presence = self._presence or Presence(self._home.locks, "inline")
            self._works |= {work.job.run_id: work for work in works}
            for engine in {work.engine.name: work.engine for work in works}.values():
                if engine.name not in self._lanes:
                    self._lanes[engine.name] = _Lanes(engine, self._work)
        log_queued(self._workplace.log, works, reserved_for=self._presence.name)
        for work in works:
            self._follower.listen(work.job.run_id, work.cancel_token.cancel)
        for name, lanes in list(self._lanes.items()):
            lanes.put(work for work in works if work.engine.name == name)

    def cancel(self, run_ids: Sequence[str]) -> None:
        """Ask for runs to stop; those of other processes are told through the log."""
        for run_id in run_ids:
            work = self._works.get(run_id)
            if work is not None:
                work.cancel_token.cancel()
            else:
                self._workplace.log.cancel(run_id)

    def close(self) -> None:
        """Cancel what is queued or running, wait for it to end, and free the engines; may be called twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            works, lanes = list(self._works.values()), list(self._lanes.values())
        for work in works:
            work.cancel_token.cancel()
        for lane in lanes:
            lane.close()
        if self._presence is not None:
            self._presence.end()
        atexit.unregister(self.close)

    def _work(self, works: Sequence[Work], release: Callable[[], None]) -> None:
        run_ids = [work.job.run_id for work in works]
        try:
            admitted = self._claim(works)
            if admitted:
                execute(admitted, self._workplace, release)
        finally:
            for run_id in run_ids:
                self._works.pop(run_id, None)
                self._follower.forget(run_id)

    def _claim(self, works: Sequence[Work]) -> list[Work]:
        """Take works in hand, and return them without those that the budgets of the home forbid, which have ended."""
        assert self._presence is not None, "made by submit"
        if not works[0].engine.capabilities.remote:
            for work in works:
                self._workplace.log.claimed(work.job.run_id, self._presence.name, 1)
            return list(works)
        admitted = []
        for work in works:
            reason = self._claim_remote(work, self._presence.name)
            if reason:
                Desk(work, self._workplace, PreviewBudget(), 1).finish(RunStatus.FAILED, reason)
            else:
                admitted.append(work)
        return admitted

    def _claim_remote(self, work: Work, owner: str) -> str:
        """Take a work in hand unless the budgets of the home forbid it; return why they do, empty when they do not."""
        record = work.job.record
        usd = record.estimate.cost_usd if record.estimate and not work.cancel_token.is_cancelled else None
        try:
            with claiming(self._home):
                reason = self._budgets.refusal(record.origin, usd)
                if not reason:
                    self._workplace.log.claimed(record.id, owner, 1)
                return reason
        except StudioError as error:
            return str(error)


class _Lanes:
    """The worker threads of one engine and the queue in front of them."""

    def __init__(self, engine: Engine, work: Callable[[Sequence[Work], Callable[[], None]], None]) -> None:
        self._engine = engine
        self._waiting: deque[Work] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._work = work
        self._threads = [
            threading.Thread(target=self._run, name=f"studio-{engine.name}-{lane}", daemon=True)
            for lane in range(engine.capabilities.lanes)
        ]
        for thread in self._threads:
            thread.start()

    def put(self, works: Iterable[Work]) -> None:
        with self._changed:
            self._waiting.extend(works)
            self._changed.notify_all()

    def close(self) -> None:
        """Do what waits, which has been cancelled, and end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._engine.close()

    def _run(self) -> None:
        relay, name = Relay(), threading.current_thread().name
        while works := self._take():
            relay.run(partial(self._work, works), name)
        relay.close()

    def _take(self) -> list[Work]:
        """Return what is to be done together next; nothing when all is done and no more will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if not self._waiting:
                return []
            first = self._waiting.popleft()
            others = companions(first.job.record, self._waiting, _record, self._engine, first.context.card)
            for other in others:
                self._waiting.remove(other)
            return [first, *others]


def _record(work: Work) -> RunRecord:
    return work.job.record
