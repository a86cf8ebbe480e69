"""The queue without a screen: what is at work, what waits, what has failed lately, and what can be done about it.

`look` is cheap and is called several times a second; `poll` also reads from the log what has failed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import traitlets

from studio_kernel.domain.queue import QueueEntry
from studio_kernel.domain.runs import RunRecord, RunStatus
from studio_kernel.errors import InvalidRequestError, MayBeBilledError, Problem, StudioError, UnknownPriceError
from studio_kernel.private import WITHHELD
from studio_kernel.queue import QueueLook, QueueRow
from studio_kernel.runlog import RunFilter
from studio_kernel.worker import info
from studio_widgets.queue.rows import PRIVATE, SWEEP, Item, waiting_items, working_items
from studio_widgets.records import title_of
from studio_widgets.remedies import question_of
from studio_widgets.state import LiveState
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.studio import Studio

LATELY = timedelta(hours=24)
MOST_FAILED = 20
LONG = 500
"""A queue of more runs than that is put into rows once every `REST_S`."""
REST_S = 1.0
MOST_MOVED = 5_000
"""Runs whose order one change may write down."""
NO_PRICE = "Nobody knows what it will cost. Run it all the same?"


@dataclass(frozen=True, slots=True)
class Failed:
    """A run that has failed and was not tried again yet.

    Attributes
    ----------
    can_fetch : bool
        A service may still have its result; fetching that costs nothing.
    can_run_again : bool
        The same could go well the next time.
    """

    run: str
    title: str
    model: str
    error: str
    at: str
    can_fetch: bool
    can_run_again: bool


class QueueState(LiveState):
    """The queue of a home.

    Parameters
    ----------
    studio : Studio
        An editor can change the queue; a viewer can look.

    Attributes
    ----------
    rows : tuple of Item
        What is at work, then what waits in order; the waiting cells of a sweep share a row.
    working, waiting : int
        How many runs there are.
    paused : bool
        Nothing new is begun.
    failed : tuple of Failed
        Of the last day, newest first, less those that were tried again or dismissed.
    question : str
        What `agree` says yes to; empty when nothing is asked.
    asked_about : str
        The run that it is about.
    workers : str
        Who works, in words.
    moment : int
        Rises whenever one of these has changed.

    Examples
    --------
    >>> state = QueueState(studio)  # doctest: +SKIP
    >>> state.move(state.rows[-1].key, state.rows[1].key)  # doctest: +SKIP
    """

    rows = traitlets.Tuple(read_only=True)
    working = traitlets.Int(0, read_only=True)
    waiting = traitlets.Int(0, read_only=True)
    paused = traitlets.Bool(False, read_only=True)
    failed = traitlets.Tuple(read_only=True)
    question = traitlets.Unicode()
    asked_about = traitlets.Unicode()
    workers = traitlets.Unicode(read_only=True)
    moment = traitlets.Int(0, read_only=True)

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None) -> None:
        super().__init__(studio, workspace=workspace)
        self._queue = studio.queue()
        self._titles: dict[str, str] = {}
        self._previews: dict[str, bytes] = {}
        self._unfolded: set[str] = set()
        self._dismissed: set[str] = set()
        self._agreed: set[str] = set()
        self._seen: tuple[QueueRow, ...] = ()
        self._due_at = 0.0
        self._waiting_items: list[Item] = []
        self._trouble = ""
        self.observe(lambda _change: self._note_change(), ["rows", "paused", "failed", "question", "workers", "error"])
        self.refresh()

    def look(self) -> None:
        """Read the queue; cheap, to be called several times a second."""
        self._watch(lambda: self._show(self._queue.look()))

    def poll(self) -> None:
        """Read also what has failed, if something was logged since."""
        self._watch(self._read_if_changed)
        with self.lock:
            self.set_trait("workers", self._workers())

    def preview(self, run: str) -> bytes:
        """Return a small picture of a run at work; no bytes when it has none."""
        return self._previews.get(run, b"")

    # The whole queue

    def pause(self) -> None:
        """Let workers begin nothing new; what is at work goes on to its end."""
        self._do(self._queue.pause)

    def resume(self) -> None:
        """Go on."""
        self._do(self._queue.resume)

    def cancel_all(self) -> None:
        """Stop what is at work, and take out what waits."""
        self._do(lambda: self._studio.cancel(*self._queue))

    # One row

    def cancel(self, key: str) -> None:
        """Stop a run, or take it out; of a row that stands for a sweep, everything of it that waits."""
        self._do(lambda: self._studio.cancel(*self._runs_of(key)))

    def cancel_waiting(self, sweep: str) -> None:
        """Take out what waits of a sweep; what is at work goes on to its end."""
        self._do(lambda: self._queue.stop_after_current(sweep))

    def first(self, key: str) -> None:
        """Put a row before all others that wait."""
        self._do(lambda: self._queue.move_first(*self._runs_of(key)))

    def up(self, key: str) -> None:
        """Put a row before the one that is before it."""
        keys = self._movable()
        place = self._place(key, keys)
        if place > 0:
            self.move(key, keys[place - 1])

    def down(self, key: str) -> None:
        """Put a row behind the one that follows it."""
        keys = self._movable()
        place = self._place(key, keys)
        if 0 <= place < len(keys) - 1:
            self.move(key, keys[place + 2] if place + 2 < len(keys) else "")

    def move(self, key: str, before: str = "") -> None:
        """Put a row right before another one that waits, or behind all of them."""
        if key != before:
            self._do(lambda: self._move(key, before))

    def unfold(self, key: str) -> None:
        """Show the waiting cells of a sweep one by one, or together again."""
        if key.startswith(SWEEP):
            with self.lock:
                self._unfolded ^= {key}
            self._look_anew()

    # What has failed

    def retry(self, run: str) -> None:
        """Ask anew for a run that has failed, or fetch what a service may still have of it.

        Where it may be paid twice, or nobody knows what it costs, `question` asks first.
        """
        self._agreed.clear()
        record = self._record_of(run)
        if record is None:
            return
        question = "" if record.provenance.get("can_be_fetched") else question_of(record)
        if question:
            self._ask(run, question, "may_pay_twice")
        else:
            self._do(lambda: self._retry(run))

    def run_again(self, run: str) -> None:
        """Ask anew for a run although its result could be fetched; `question` asks first."""
        self._agreed.clear()
        record = self._record_of(run)
        if record is not None:
            self._ask(run, question_of(record), "may_pay_twice") if question_of(record) else self.retry(run)

    def agree(self) -> None:
        """Say yes to `question`."""
        if self.question:
            run, self.question = self.asked_about, ""
            self._do(lambda: self._retry(run))

    def decline(self) -> None:
        """Say no to `question`; nothing happens."""
        self._agreed.clear()
        self.question = self.asked_about = ""

    def dismiss(self, run: str) -> None:
        """Show a run that has failed no longer here; it stays in the log."""
        self._dismissed.add(run)
        self.refresh()

    # Inside

    def _read(self) -> None:
        self.set_trait("failed", self._failed())
        self.set_trait("workers", self._workers())
        self._show(self._queue.look())

    def _show(self, look: QueueLook) -> None:
        waiting = self._waiting_rows(look)
        begun = {row.entry.run_id for row in look.working}
        rows = (*working_items(look.working, self._title), *(item for item in waiting if item.key not in begun))
        with self.lock, self.hold_trait_notifications():
            self._previews = {row.entry.run_id: row.progress.preview for row in look.working if row.progress.preview}
            self.set_trait("rows", rows)
            self.set_trait("paused", look.is_paused)
            self.set_trait("working", len(look.working))
            self.set_trait("waiting", len(look.waiting))

    def _waiting_rows(self, look: QueueLook) -> list[Item]:
        """Return the rows of what waits; long queues are gone through once a second, unless people change them."""
        now = time.monotonic()
        is_long = len(look.waiting) > LONG
        if now >= self._due_at or (look.waiting is not self._seen and not is_long):
            self._seen, self._due_at = look.waiting, now + REST_S
            known = {row.entry.run_id for row in (*look.working, *look.waiting)}
            self._titles = {run: title for run, title in self._titles.items() if run in known}
            self._waiting_items = waiting_items(look, self._title, self._unfolded)
        return self._waiting_items

    def _note_change(self) -> None:
        self.set_trait("moment", self.moment + 1)

    def _title(self, entry: QueueEntry) -> str:
        """Return the prompt of a run; of a private one only where this studio has asked for it."""
        known = self._titles.get(entry.run_id)
        if known is None:
            own = self._studio.run(entry.run_id).request.prompt if entry.is_private else ""
            known = own or (PRIVATE if entry.is_private else title_of(entry.record))
            self._titles[entry.run_id] = known
        return known

    def _do(self, act: Callable[[], object]) -> None:
        """Change something, and show what has come of it."""
        self._attempt(act)
        self._look_anew()

    def _look_anew(self) -> None:
        self._due_at = 0.0
        self.look()

    def _watch(self, read: Callable[[], None]) -> None:
        """Read, and leave the words about what was refused before where they are."""
        try:
            read()
        except (StudioError, OSError) as error:
            self.error = self._trouble = str(error)
        else:
            if self._trouble and self.error == self._trouble:
                self.error = ""
            self._trouble = ""

    def _runs_of(self, key: str) -> tuple[str, ...]:
        rows: tuple[Item, ...] = self.rows
        found = next((row.runs for row in rows if row.key == key), ())
        if not found:
            raise InvalidRequestError([Problem("run", f"{key!r} is not in the queue any more")], "queue")
        return found

    def _movable(self) -> list[str]:
        return [row.key for row in self.rows if row.can_move and not row.is_inside]

    @staticmethod
    def _place(key: str, keys: list[str]) -> int:
        return keys.index(key) if key in keys else -1

    def _move(self, key: str, before: str) -> None:
        moved = self._runs_of(key)
        target = self._runs_of(before)[0] if before else None
        waiting = [row.entry for row in self._queue.look().waiting]
        others = [entry.run_id for entry in waiting if entry.reserved_for is None and entry.run_id not in moved]
        ahead = others[: others.index(target)] if target in others else others
        if len(ahead) + len(moved) > MOST_MOVED:
            text = f"more than {MOST_MOVED:,} runs would have to be put in order; put it first, or pause the sweep"
            raise InvalidRequestError([Problem("run", text)], "queue")
        self._queue.move_first(*ahead, *moved)

    def _failed(self) -> tuple[Failed, ...]:
        since = datetime.now(UTC) - LATELY
        records = self._studio.records(RunFilter(status=RunStatus.FAILED, since=since), limit=MOST_FAILED)
        ids = [record.id for record in records]
        again = self._studio.records(RunFilter(parent_id=ids), limit=None) if ids else []
        done = {record.origin.parent_id for record in again} | self._dismissed
        return tuple(_failed(record) for record in records if record.id not in done and record.error != WITHHELD)

    def _record_of(self, run: str) -> RunRecord | None:
        if run not in {failed.run for failed in self.failed}:
            self.error = f"{run!r} is not among the runs that have failed lately"
            return None
        return self._studio.record(run)

    def _ask(self, run: str, question: str, consent: str) -> None:
        with self.lock, self.hold_trait_notifications():
            self._agreed.add(consent)
            self.asked_about, self.question = run, question

    def _retry(self, run: str) -> None:
        try:
            self._studio.retry(
                run,
                accept_unknown_price="accept_unknown_price" in self._agreed,
                may_pay_twice="may_pay_twice" in self._agreed,
            )
        except UnknownPriceError:
            self._ask(run, NO_PRICE, "accept_unknown_price")
        except MayBeBilledError:
            self._ask(run, question_of(self._studio.record(run)), "may_pay_twice")
        else:
            self._agreed.clear()
            self.asked_about = ""
            with self.lock:
                self.set_trait("failed", tuple(failed for failed in self.failed if failed.run != run))

    def _workers(self) -> str:
        home = self._studio.home
        alive = [told for told in info.known(home) if info.is_alive(home, told)]
        if alive:
            return ", ".join(f"worker on {told.device}, process {told.pid}" for told in alive)
        if self._studio.runner == "inline":
            return "no worker: this program makes its runs itself"
        return "no worker now; one is started for the next run"


def _failed(record: RunRecord) -> Failed:
    said = record.provenance
    return Failed(
        run=record.id,
        title=title_of(record),
        model=record.request.model,
        error=record.error or "",
        at=f"{record.finished_at or record.created_at:%H:%M} UTC",
        can_fetch=bool(said.get("can_be_fetched")),
        can_run_again=not said.get("problems"),
    )
