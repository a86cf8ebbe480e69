"""The worker: takes runs from the queue of a home and does them, one at a time on its device, remote ones beside it.

Two kinds of thread: a control thread reads the journals and acts on what it finds; a lane for local engines and lanes
for each remote one take runs, each under the claims lock so that no run is done twice.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from operator import attrgetter

from msgspec.structs import replace

from studio_kernel.budgets import Budgets
from studio_kernel.desk import Workplace, execute
from studio_kernel.domain.queue import QueueEntry
from studio_kernel.domain.runs import RunStatus
from studio_kernel.domain.values import Value
from studio_kernel.errors import StudioError
from studio_kernel.jobs import Work
from studio_kernel.live import LiveBoard
from studio_kernel.mending import MAX_ATTEMPTS, Mender, claiming, is_looked_for
from studio_kernel.pace import Paces
from studio_kernel.passes import Relay, companions
from studio_kernel.presence import is_present
from studio_kernel.private import PrivateSpace
from studio_kernel.runlog import RunLog
from studio_kernel.runlog.events import Event
from studio_kernel.runlog.journal import microseconds
from studio_kernel.settings import Home, WorkerSettings
from studio_kernel.worker import info
from studio_kernel.worker.info import State, WorkerInfo
from studio_kernel.workshop import Workshop

BUSY_POLL_S = 0.01
IDLE_POLL_S = 0.1
CALM_S = 30.0
"""So long after the last event the journals are looked at less often."""
MEND_S = 2.0
PATIENCE_S = 1.0
WAIT_S = 1.0

logger = logging.getLogger("studio.worker")


class Worker:
    """The worker of a home for one device.

    Parameters
    ----------
    home : Home
        Whose queue.
    told : WorkerInfo
        What this process has told about itself.
    settings : WorkerSettings
        How long it waits for work, and more.
    workshop : Workshop
        Its engines compute on the device.
    takes_remote : bool
        Whether it also does the runs of remote engines.

    Attributes
    ----------
    terminated : threading.Event
        To be set when the process is told to end at once, such as by a signal.
    successor : str
        The Python of the newer studio that has asked this one to make room.
    """

    def __init__(
        self, home: Home, told: WorkerInfo, settings: WorkerSettings, workshop: Workshop, *, takes_remote: bool = True
    ) -> None:
        self.home, self.name, self._told, self._settings = home, told.name, told, settings
        self._workshop = workshop
        self._takes_remote = takes_remote
        self._log = RunLog(home.runlog)
        self._live = LiveBoard(home.live)
        self._place = Workplace(self._log, workshop.assets, self._live, Paces(self._log))
        self._mender = Mender(home, self._log, self._live, workshop.capabilities, requeues=settings.requeues)
        self._known = self._log.queued_runs()
        self._budgets = Budgets(workshop, self._log)
        self._mutex = threading.Condition()
        self._busy: set[str] = set()
        self._at_work: dict[str, Work] = {}
        self._lanes: dict[str, list[threading.Thread]] = {}
        self._state: State = "working"
        self._retiring = self._at_once = False
        self.successor = ""
        self.terminated = threading.Event()
        self._last_work = self._last_event = time.monotonic()
        self._next_mend = 0.0
        self._is_freed = True

    # Its life

    def run(self, over: Callable[[], None]) -> None:
        """Work until there is a reason to end, then call `over`."""
        logger.info("begins", extra={"worker": self.name})
        self._open_lane("", self._is_local, 1)
        try:
            while not self._is_over():
                self._attempt(self._look)
                calm = time.monotonic() - self._last_event > CALM_S
                self.terminated.wait(IDLE_POLL_S if calm else BUSY_POLL_S)
        finally:
            self._close()
            over()
        logger.info("ends", extra={"worker": self.name, "reason": self.state})

    @property
    def state(self) -> State:
        """What it is doing, or why it ends."""
        return self._state

    def retire(self, *, at_once: bool = False, reason: State = "stopped") -> None:
        """End after what it is at; at once: leave that to whoever is next."""
        with self._mutex:
            if not self._retiring:
                self._state = reason
            self._retiring = True
            if at_once:
                self._at_once = True
                for work in self._at_work.values():
                    work.cancel_token.leave()
            self._mutex.notify_all()

    def _is_over(self) -> bool:
        if self.terminated.is_set() and not self._at_once:
            self.retire(at_once=True)
        if not self._retiring and not self.home.root.is_dir():
            logger.warning("the home is gone")
            self.retire(at_once=True)
        if self._retiring:
            return not self._busy
        idle_s = 0.0 if self._busy else time.monotonic() - self._last_work
        if idle_s > self._settings.free_after_s and not self._is_freed:
            self._free(idle_s)
        return idle_s > self._settings.exit_after_s and self._may_leave()

    def _free(self, idle_s: float) -> None:
        with self._mutex:
            if not self._busy:
                self._workshop.close()
                self._is_freed = True
                logger.info("models left the memory", extra={"idle_s": round(idle_s, 1)})

    def _may_leave(self) -> bool:
        """Say that this worker goes, and look once more: who submits now either sees that, or is seen here."""
        with self._mutex, suppress(OSError):  # where nothing can be written it stays
            info.write(self.home, replace(self._told, state="idle"))
            self._known.refresh()
            if self._known.queue.is_paused or self._known.queue.next(self._suits_any) is None:
                self._retiring, self._state = True, "idle"
                return True
            info.write(self.home, self._told)
        return False

    def _close(self) -> None:
        self.retire()
        for lane in self._lanes.values():
            for thread in lane:
                thread.join()
        self._workshop.close()
        self._log.close()

    def _attempt(self, step: Callable[[], None]) -> None:
        """Do a step; what goes wrong with it, such as a disk that is full, is logged, and the next one is tried."""
        try:
            step()
        except Exception:
            logger.exception("a step went wrong; it is tried again")
            time.sleep(PATIENCE_S)

    # What it hears

    def _look(self) -> None:
        with self._mutex:
            found = self._hear_all()
            if any(event["event"] == "cancel" for event in found) or time.monotonic() >= self._next_mend:
                self._next_mend = time.monotonic() + MEND_S
                self._mend()
            if self._takes_remote:
                self._open_remote_lanes()
            if found:
                self._last_event = time.monotonic()
                self._mutex.notify_all()

    def _hear_all(self) -> list[Event]:
        found = self._known.refresh()
        for event in found:
            if event["event"] == "cancel" and (work := self._at_work.get(str(event.get("id")))) is not None:
                work.cancel_token.cancel()
            if event["event"] == "retire" and event.get("key") == self.name:
                self.successor = str(event.get("successor") or "")
                self.retire(at_once=bool(event.get("at_once")), reason="replaced" if self.successor else "stopped")
        return found

    def _mend(self) -> None:
        with claiming(self.home):
            self._hear_all()
            for done in self._mender.mend(self._known.queue):
                logger.warning(done)
            self._hear_all()

    # What it takes

    def _is_local(self, entry: QueueEntry) -> bool:
        return not self._workshop.is_remote(entry.record.engine)

    def _open_remote_lanes(self) -> None:
        """Open the lanes of every remote engine that something waits for."""
        for engine in {entry.record.engine for entry in self._known.queue} - self._lanes.keys():
            if self._workshop.is_remote(engine):
                lanes = self._workshop.engines.get(engine).capabilities.lanes
                self._open_lane(engine, partial(_is_for, engine), lanes)

    def _open_lane(self, name: str, serves: Callable[[QueueEntry], bool], count: int) -> None:
        self._lanes[name] = [
            threading.Thread(target=self._serve, args=(serves,), name=f"lane-{name or 'local'}-{n}", daemon=True)
            for n in range(count)
        ]
        for thread in self._lanes[name]:
            thread.start()

    def _serve(self, serves: Callable[[QueueEntry], bool]) -> None:
        relay = Relay()
        while not self._retiring:
            self._attempt(partial(self._serve_next, serves, relay))
        relay.close()

    def _serve_next(self, serves: Callable[[QueueEntry], bool], relay: Relay) -> None:
        with self._mutex:
            entries = self._claim(serves)
            if not entries:
                self._mutex.wait(WAIT_S)
                return
            self._busy.update(entry.run_id for entry in entries)
            self._is_freed = False
        relay.run(
            lambda release: self._attempt(partial(self._do_all, entries, release)), threading.current_thread().name
        )

    def _do_all(self, entries: Sequence[QueueEntry], release: Callable[[], None]) -> None:
        """Do runs that were claimed together."""
        ended: set[str] = set()
        try:
            works = [work for entry in entries if (work := self._begin(entry, ended)) is not None]
            if works:
                execute(works, self._place, release)
                ended |= {work.job.run_id for work in works if work.job.done.is_set()}
            for work in works:
                _say_ended(work)
        finally:
            with self._mutex:
                for run_id in (entry.run_id for entry in entries):
                    if run_id in ended:  # on a full disk the journal will say so later
                        self._known.queue.end(run_id)
                    self._at_work.pop(run_id, None)
                    self._busy.discard(run_id)
                self._last_work = time.monotonic()

    def _suits_any(self, entry: QueueEntry) -> bool:
        if entry.owner or entry.is_cancelled:
            return False
        # What a program has reserved for itself is taken up only when that is dead and a service has, or may have, it.
        return entry.reserved_for is None or (
            (entry.ticket is not None or self._is_looked_for(entry))
            and not is_present(self.home.locks, entry.reserved_for)
        )

    def _is_looked_for(self, entry: QueueEntry) -> bool:
        return is_looked_for(entry, self._workshop.capabilities(entry.record.engine))

    def _claim(self, serves: Callable[[QueueEntry], bool]) -> list[QueueEntry]:
        """Return the runs that this lane is to do now, claimed: the next one and what is made together with it."""
        queue = self._known.queue

        def suits(entry: QueueEntry) -> bool:
            return serves(entry) and self._suits_any(entry)

        if self._retiring or queue.is_paused or queue.next(suits) is None:
            return []
        with claiming(self.home):
            self._hear_all()
            first = None if self._retiring or queue.is_paused else self._affordable(suits)
            if first is None:
                return []
            queue.took(first)
            claimed = [first, *self._companions(first, suits)]
            for entry in claimed:
                self._log.claimed(entry.run_id, self.name, entry.attempt + 1)
                queue.change(microseconds(), "claimed", entry.run_id, owner=self.name, attempt=entry.attempt + 1)
        return [now for entry in claimed if (now := queue.get(entry.run_id)) is not None]

    def _affordable(self, suits: Callable[[QueueEntry], bool]) -> QueueEntry | None:
        """Return the run to be done next; those before it that the budgets of the home forbid have ended."""
        queue = self._known.queue
        while (entry := queue.next(suits)) is not None and (reason := self._refusal(entry)):
            queue.took(entry)
            self._log.finished(entry.run_id, RunStatus.FAILED, error=reason)
            queue.end(entry.run_id)
            logger.warning("run is not begun", extra={"run": entry.run_id, "error": reason})
        return entry

    def _refusal(self, entry: QueueEntry) -> str:
        """Return why a run may not begin; empty when it may, and for what a service is, or may be, at already."""
        estimate = entry.record.estimate
        if estimate is None or entry.ticket is not None or self._is_looked_for(entry) or self._is_local(entry):
            return ""
        return self._budgets.refusal(entry.record.origin, estimate.cost_usd)

    def _companions(self, first: QueueEntry, suits: Callable[[QueueEntry], bool]) -> list[QueueEntry]:
        """Return what is made together with `first`; a last attempt is made alone, so that it costs no other run."""
        last = MAX_ATTEMPTS - 1
        if first.attempt >= last:
            return []
        try:
            card = self._workshop.models[first.record.request.model]
            engine = self._workshop.engines.get(card.engine)
        except StudioError:
            return []  # said when the run is begun
        if engine.capabilities.remote:
            return []  # each is held against the budgets by itself
        waiting = (entry for entry in self._known.queue if entry is not first and entry.attempt < last and suits(entry))
        return companions(first.record, waiting, attrgetter("record"), engine, card)

    def _begin(self, entry: QueueEntry, ended: set[str]) -> Work | None:
        """Return what it takes to do a run; `None` when it has ended before it was begun, and is in `ended` now."""
        facts = {"run": entry.run_id, "model": entry.record.request.model, "attempt": entry.attempt}
        logger.info("run begins", extra=facts)
        try:
            work = self._work(entry)
        except StudioError as error:
            self._log.finished(entry.run_id, RunStatus.FAILED, error=str(error))
            logger.warning("run cannot be done", extra={**facts, "error": str(error)})
            ended.add(entry.run_id)
            return None
        if work is None:
            self._log.finished(entry.run_id, RunStatus.CANCELLED)
            logger.info("private run is gone with its studio", extra=facts)
            ended.add(entry.run_id)
            return None
        with self._mutex:
            self._at_work[entry.run_id] = work
            now = self._known.queue.get(entry.run_id)
            if now is not None and now.is_cancelled:
                work.cancel_token.cancel()
            if self._at_once:
                work.cancel_token.leave()
        return work

    def _work(self, entry: QueueEntry) -> Work | None:
        record, space = entry.record, None
        if entry.is_private:
            space = PrivateSpace.of_run(self.home, entry.run_id)
            kept = space.record(entry.run_id) if space else None
            if kept is None:
                return None
            record = kept
        is_looked_for = self._is_looked_for(entry)
        return self._workshop.work(
            record,
            private=space,
            ticket=entry.ticket,
            # It cannot have been sent before it was asked for.
            sent_at=record.created_at if is_looked_for else None,
            earlier=self._earlier(entry.run_id) if is_looked_for else None,
            is_taken=self._log.has_ticket,
            attempt=entry.attempt,
        )

    def _earlier(self, run_id: str) -> Mapping[str, Value]:
        """Return what was said when the run was begun before."""
        record = self._log.run(run_id)
        return record.provenance if record is not None else {}


def _say_ended(work: Work) -> None:
    result = work.job.record
    facts = {"run": result.id, "model": result.request.model, "attempt": work.attempt}
    ended = {"status": str(result.status), "elapsed_s": result.elapsed_s}
    if result.error and work.private is None:
        ended["error"] = result.error
    logger.info("run ends", extra={**facts, **ended})


def _is_for(engine: str, entry: QueueEntry) -> bool:
    return entry.record.engine == engine
