"""A list of runs of which some are selected, and what is done with all of them: in steps, and taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

import traitlets

from studio_kernel.domain.runs import RunRecord
from studio_kernel.errors import StudioError
from studio_kernel.runlog import Cursor, RunFilter
from studio_widgets.exporting.state import ExportState
from studio_widgets.gallery import intents
from studio_widgets.gallery.listing import runs_text
from studio_widgets.gallery.looking import LookedAtRuns
from studio_widgets.gallery.selection import MOST_NAMED, Selection
from studio_widgets.gallery.steps import Steps
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.studio import Studio

STEP = 10
"""Runs that are changed at a turn of the loop."""
MOST_COMPARED = 12
MOST_EXPORTED = 500


class SelectedRuns(LookedAtRuns):
    """Runs of a home under a filter, and those that are selected.

    Attributes
    ----------
    selection : Selection
        What a bulk action means.
    selected : int
        How many runs that are.
    asks_to_delete : int
        How many runs somebody has to say yes or no to; 0 = nothing is asked.
    said : str
        What was done last, in words.
    doing : str
        What is being done, in words.
    can_undo : bool
        Whether the last deletion can be taken back.
    """

    selection = traitlets.Instance(Selection, args=(), read_only=True)
    selected = traitlets.Int(0, read_only=True)
    asks_to_delete = traitlets.Int(0, read_only=True)
    said = traitlets.Unicode(read_only=True)
    doing = traitlets.Unicode(read_only=True)
    can_undo = traitlets.Bool(False, read_only=True)

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None) -> None:
        super().__init__(studio, workspace=workspace)
        self._deleted: list[str] = []
        self._steps = Steps(self._went_well)

    @cached_property
    def export(self) -> ExportState:
        """What makes one file of the runs that `export_selected` has chosen.

        Made when it is first wanted: it reads the catalog, for which the first pictures need not wait.
        """
        return ExportState(self._studio, workspace=self.workspace)

    # Selecting

    def select(self, *runs: str, on: bool = True) -> None:
        """Select runs too, or no longer."""
        with self.lock:
            self._select(self.selection.put(runs, on=on))

    def select_between(self, first: str, last: str, *, keep: bool = False) -> None:
        """Select the runs from one to another as they stand in the list; with `keep` also what was selected."""
        self._attempt(lambda: self._select_between(first, last, keep))

    def select_all(self) -> None:
        """Select everything under the filter that there is now; nothing of it is read."""
        with self.lock:
            self._select(Selection(until=datetime.now(UTC)))

    def select_none(self) -> None:
        """Select nothing."""
        with self.lock:
            self._select(Selection())

    def hear(self, intent: intents.Intent) -> None:
        """Do what the view wishes beyond looking and marking."""
        match intent:
            case intents.Select(run, on):
                self.select(run, on=on)
            case intents.Range(first, last, keep):
                self.select_between(first, last, keep=keep)
            case intents.SelectAll():
                self.select_all()
            case intents.SelectNone():
                self.select_none()
            case intents.Delete(run):
                self.ask_to_delete(run)

    # Doing something with all that is selected

    def star_selected(self, on: bool = True) -> None:
        """Make all that is selected favourites, or no longer."""
        self._work("Marking", lambda some: self._mark_each(some, favourite=on))

    def rate_selected(self, rating: int) -> None:
        """Give all that is selected 1 … 5 stars; 0 takes them away."""
        self._work("Rating", lambda some: self._mark_each(some, rating=rating))

    def tag_selected(self, tag: str) -> None:
        """Give all that is selected a tag more."""
        if tag.strip():
            self._work("Tagging", lambda some: self._retag(some, tag, on=True))

    def untag_selected(self, tag: str) -> None:
        """Take a tag from all that is selected."""
        self._work("Taking the tag from", lambda some: self._retag(some, tag, on=False))

    def compare_selected(self) -> None:
        """Hand all that is selected to whoever compares."""
        runs = [record.id for some in self._chunks() for record in some]
        for run in reversed(runs):
            self.workspace.ask("compare", run)

    def export_selected(self) -> None:
        """Choose all that is selected in `export`, which makes one file of it."""
        self._attempt(lambda: self.export.select(self.selected_runs(MOST_EXPORTED)))

    def selected_runs(self, limit: int | None = None) -> list[str]:
        """Return the ids of what is selected, newest first."""
        runs: list[str] = []
        for some in self._chunks():
            runs += [record.id for record in some]
            if limit is not None and len(runs) >= limit:
                return runs[:limit]
        return runs

    def ask_to_delete(self, run: str = "") -> None:
        """Ask for a yes to delete what is selected, or this run when nothing is."""
        if self.can_change:
            with self.lock:
                if run and not self.selection:
                    self._select(Selection((run,)))
                self.set_trait("asks_to_delete", self.selected)

    def keep(self) -> None:
        """Delete nothing after all."""
        self.set_trait("asks_to_delete", 0)

    def delete_selected(self, *, files: bool = False) -> None:
        """Delete all that is selected; with `files`, `studio gc` may free its files. A run at work stays."""
        self._deleted.clear()
        self.set_trait("can_undo", False)
        self.set_trait("asks_to_delete", 0)
        self._work("Deleting", lambda some: self._delete(some, files), self._say_deleted)

    def undo(self) -> None:
        """Bring back what was deleted last."""
        runs = self._deleted[:]
        self._deleted.clear()
        self.set_trait("can_undo", False)

        def work() -> Iterator[None]:
            for first in range(0, len(runs), STEP):
                self._studio.restore(*runs[first : first + STEP])
                yield

        self._begin(work(), lambda: self.set_trait("said", f"{runs_text(len(runs))} restored."))

    def stop(self) -> None:
        """Do no more of what is being done."""
        self._steps.stop()

    # Inside

    def _mark_each(self, records: Iterable[RunRecord], **said: object) -> None:
        self._say(*(record.id for record in records), **said)

    def _select(self, selection: Selection) -> None:
        with self.hold_trait_notifications():
            self.set_trait("selection", selection)
            self.set_trait("selected", self._selected_count())
            self.set_trait("asks_to_delete", 0)

    def _select_between(self, first: str, last: str, keep: bool) -> None:
        with self.lock:
            places = sorted(self.place_of(self._studio.record(run)) for run in (first, last))
            if places[1] - places[0] >= MOST_NAMED:
                raise StudioError(f"at most {MOST_NAMED:,} runs can be selected like this; select all, or filter first")
            runs = [record.id for record in self._records(places[0], min(self.total, places[1] + 1))]
            kept = self.selection if keep else Selection()
            self._select(kept.put(runs, on=True))

    def _selected_count(self) -> int:
        if not self.selection.is_all:
            return len(self.selection.runs)
        everything = self._studio.facets(replace(self.filter, until=self._selected_until())).total
        return max(0, everything - len(self.selection.runs))

    def _selected_until(self) -> datetime | None:
        ends = [end for end in (self.selection.until, self.filter.until) if end]
        return min(ends) if ends else None

    def _chunks(self) -> Iterator[list[RunRecord]]:
        """Yield what is selected, newest first; what is done with it meanwhile does not change what comes."""
        wanted = replace(self.filter, until=self._selected_until())
        if not self.selection.is_all:
            wanted = RunFilter(ids=self.selection.runs)
        left_out = set(self.selection.runs) if self.selection.is_all else set()
        before: Cursor | None = None
        while page := self._studio.records(wanted, limit=STEP, before=before):
            before = Cursor.after(page[-1])
            yield [record for record in page if record.id not in left_out]

    def _work(self, verb: str, act: Callable[[list[RunRecord]], None], then: Callable[[], None] = lambda: None) -> None:
        """Do something with all that is selected, in steps."""
        total, done = self.selected, 0

        def work() -> Iterator[None]:
            nonlocal done
            for some in self._chunks():
                with self.lock:
                    act(some)
                    done += len(some)
                    self.set_trait("doing", f"{verb} {done:,} of {total:,} …")
                yield

        self._begin(work(), then)

    def _begin(self, work: Iterator[None], then: Callable[[], None]) -> None:
        def end() -> None:
            with self.lock:
                self.set_trait("doing", "")
                then()
                self.refresh_after()

        self.set_trait("said", "")
        self._steps.begin(work, end)

    def _delete(self, records: list[RunRecord], files: bool) -> None:
        ended = [record.id for record in records if record.status.is_final]
        self._studio.delete(*ended, files=files)
        self._deleted += ended

    def _say_deleted(self) -> None:
        left = self.selected - len(self._deleted)
        stays = f" {runs_text(left)} not deleted: only what has ended can be." if left > 0 and not self.error else ""
        self.set_trait("said", f"{runs_text(len(self._deleted))} deleted.{stays}")
        self.set_trait("can_undo", bool(self._deleted))
        if self.details is not None and self.details.id in self._deleted:
            self._look_at("")
        self._select(Selection())

    def _went_well(self, step: Callable[[], None]) -> bool:
        self._attempt(step)
        return not self.error
