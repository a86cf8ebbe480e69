"""The cells of a sweep as they are looked at: read, numbered, coloured, sorted, chosen; whoever shows them says how.

Batches, sweeps and the explorer share this. Opening is done beside the kernel's loop; what is seen comes by `poll` or
by `refresh`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import traitlets

from studio_kernel.domain.runs import RunRecord, RunStatus
from studio_kernel.outcome import Outcome
from studio_kernel.sweeps import SweepRun
from studio_widgets.cells import colouring
from studio_widgets.cells.measuring import CellNumbers, words_of
from studio_widgets.cells.table import Table
from studio_widgets.errands import Errands
from studio_widgets.frame.still import MOST_PICTURES
from studio_widgets.records import pictured
from studio_widgets.state import LiveState
from studio_widgets.workspace import Wish, Workspace

if TYPE_CHECKING:
    from studio_kernel.domain.assets import Asset
    from studio_kernel.studio import Studio

Standing: TypeAlias = Literal["", "running", "pausing", "paused", "failed", "done"]
"""Nothing begun or opened; cells under way; those at work end and no other is begun; cells are left; all have ended and
some have failed; all are done."""

MOST_SELECTED = 24
_UNDER_WAY = (str(RunStatus.QUEUED), str(RunStatus.RUNNING))
_OPEN = ("planned", str(RunStatus.CANCELLED))


class ShownCells(LiveState):
    """The cells of one sweep.

    Parameters
    ----------
    studio : Studio
        Editor or viewer.

    Attributes
    ----------
    doing : str
        What is being done beside the kernel, such as ``opening``; empty when nothing is.
    opened : str
        Id of the sweep whose cells are shown; empty when there is none.
    caption : str
        What that is.
    standing : str
        How it stands; see `Standing`.
    counts : dict
        Status → cells.
    table : Table or None
        Its cells as they are shown.
    chosen : str
        The run of the cell that was chosen.
    selected : tuple of str
        Runs of cells that are to be compared, in the order in which they were selected; at most 24.
    selecting : bool
        Whether a click selects a cell and does not choose it.
    metric : str
        Shown as a number and a colour on every cell: one of `metrics`; empty = none.
    order : {"", "highest", "lowest"}
        Cells by that number, one after the other; empty = as the axes say.
    reference : str
        Run of the cell that metrics of pairs compare with; `against` tells which it is when none is chosen.
    fill : {"pictures", "colours"}
        What cells are filled with.
    measured : str
        How far measuring is, in words; empty when every cell has its number.
    """

    doing = traitlets.Unicode(read_only=True)
    opened = traitlets.Unicode(read_only=True)
    caption = traitlets.Unicode(read_only=True)
    standing = traitlets.Unicode(read_only=True)
    counts: traitlets.Dict[str, int] = traitlets.Dict(read_only=True)
    table = traitlets.Instance(Table, allow_none=True, read_only=True)
    chosen = traitlets.Unicode()
    selected = traitlets.Tuple(read_only=True)
    selecting = traitlets.Bool(False)
    metric = traitlets.Unicode()
    order = traitlets.Enum(("", "highest", "lowest"), default_value="")
    reference = traitlets.Unicode()
    fill = traitlets.Enum(("pictures", "colours"), default_value="pictures")
    measured = traitlets.Unicode(read_only=True)

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None) -> None:
        super().__init__(studio, workspace=workspace)
        self._sweep: SweepRun | None = None
        self._runs_known = 0
        self._is_pausing = False
        self._outcomes: Sequence[Outcome] = ()
        self._pictures: dict[str, Asset] = {}
        self._errands = Errands(self._errand_ended)
        self._numbers = CellNumbers(studio, self._hear_numbers)
        self.observe(lambda _change: self._measure(), ["metric", "reference"])
        self.observe(lambda _change: self._redraw(), "order")

    # What there is to be told by those who make one

    @abstractmethod
    def _arrange(self, sweep: SweepRun, outcomes: Sequence[Outcome]) -> Table | None:
        """Return the table of a sweep."""

    @abstractmethod
    def _name_of(self, sweep: SweepRun) -> str:
        """Return what people call a sweep."""

    # Looking

    def open(self, sweep_id: str) -> None:
        """Show a sweep of the home; an empty id closes what is shown."""
        if sweep_id:
            self._send("opening", lambda: self._show(self._studio.sweep_of(sweep_id)))
        else:
            self._show(None)

    def choose(self, run: str) -> None:
        """Choose the cell of a run; none with an empty id."""
        self.chosen = run if run in self._runs() else ""

    def select(self, run: str, *, on: bool = True) -> None:
        """Select the cell of a run too, or no longer."""
        with self.lock:
            others = tuple(each for each in self.selected if each != run)
            if not on:
                self.set_trait("selected", others)
            elif len(others) >= MOST_SELECTED:
                self.error = f"{MOST_SELECTED} cells are selected, and no more can be compared"
            elif run in self._runs():
                self.set_trait("selected", (*others, run))

    def select_none(self) -> None:
        """Select nothing."""
        self.set_trait("selected", ())

    def compare_selected(self) -> None:
        """Hand all that is selected to whoever compares."""
        for run in self.selected:
            self._attempt(lambda run=run: self.workspace.ask("compare", run))  # type: ignore[misc]  # one each

    def ask(self, wish: Wish) -> None:
        """Hand the run that is chosen to another panel."""
        if self.chosen:
            self._attempt(lambda: self.workspace.ask(wish, self.chosen))

    def thumbnail(self, run: str) -> bytes:
        """Return a WebP picture of a run that the table shows; no bytes when it has none."""
        asset = self._pictures.get(run)
        return self._thumbnail_of(asset) if asset is not None else b""

    def newest(self) -> list[bytes]:
        """Return small pictures of the first cells that have one."""
        runs = [each.run for each in (self.table.tiles if self.table else ()) if each.key]
        return [picture for run in runs[:MOST_PICTURES] if (picture := self.thumbnail(run))]

    @property
    def are_errands_done(self) -> bool:
        """Whether nothing is being done beside the kernel."""
        return self._errands.are_done

    def _runs(self) -> set[str]:
        """Return the runs of all cells, also of those on other pages."""
        return {each.record.id for each in self._outcomes if each.record is not None}

    # Numbers on the cells

    def metrics(self) -> list[tuple[str, str]]:
        """Return (label, name) of the numbers that cells can show."""
        return colouring.offered(self._studio.home)

    @property
    def needs_reference(self) -> bool:
        """Whether the number that is shown is a comparison with another cell."""
        return colouring.needs_reference(self.metric)

    @property
    def against(self) -> str:
        """The run that metrics of pairs compare with: the one that was chosen, or else that of the first cell."""
        record = self._compared_with()
        return record.id if record is not None else ""

    def compare_with_chosen(self) -> None:
        """Let metrics of pairs compare with the cell that is chosen."""
        if self.chosen:
            self.reference = self.chosen

    def measure_rest(self) -> None:
        """Measure what is missing in the background, however much it is; for editors."""
        if self.can_change:
            self._numbers.want_all()
            self._redraw()

    def stop_measuring(self) -> None:
        """Measure no more; what is measured stays."""
        self._numbers.stop()
        self._redraw()

    @property
    def is_measuring(self) -> bool:
        """Whether numbers are being found."""
        return self._numbers.progress.is_at_work

    @property
    def is_incomplete(self) -> bool:
        """Whether cells lack their number, and nobody is finding it."""
        progress = self._numbers.progress
        return bool(progress.missing) and not progress.is_at_work

    @traitlets.validate("metric")
    def _known_metric(self, proposal: traitlets.Bunch) -> str:
        value: str = proposal["value"]
        known = [name for _label, name in self.metrics()]
        if value and value not in known:
            self.error = f"{value!r} is not one of {', '.join(known)}"
            return ""
        return value

    def _measure(self) -> None:
        self._want_numbers()
        self._redraw()

    def _want_numbers(self) -> None:
        records = [outcome.record for outcome in self._outcomes if outcome.record is not None]
        self._numbers.want(records, self.metric, self._compared_with() if self.needs_reference else None)

    def _compared_with(self) -> RunRecord | None:
        shown = [each.record for each in self._outcomes if each.record is not None and each.images]
        chosen = next((record for record in shown if record.id == self.reference), None)
        return chosen or next(iter(shown), None)

    def _hear_numbers(self) -> None:
        self._redraw()

    # Seeing it

    def _read(self) -> None:
        sweep = self._sweep
        self._outcomes = sweep.outcomes() if sweep is not None else ()
        statuses = Counter(outcome.status for outcome in self._outcomes)
        standing = self._standing(statuses)
        if standing not in ("running", "pausing"):
            self._is_pausing = False
        self._look_for_other_runs(sweep, standing)
        records = (outcome.record for outcome in self._outcomes if outcome.record is not None)
        found = ((record.id, pictured(record)) for record in records)
        self._pictures = {run: asset for run, asset in found if asset is not None}
        self._want_numbers()
        runs = self._runs()
        self.chosen = self.chosen if self.chosen in runs else ""
        self.set_trait("selected", tuple(run for run in self.selected if run in runs))
        self.set_trait("counts", dict(statuses))
        self.set_trait("standing", standing)
        self._show_table()

    def _show_table(self) -> None:
        self.set_trait("table", self._table() if self._sweep is not None else None)
        progress = self._numbers.progress
        self.set_trait("measured", words_of(progress, self._numbers.bound) if self._sweep is not None else "")

    def _table(self) -> Table | None:
        table = self._arrange(self._sweep, self._outcomes) if self._sweep is not None else None
        if table is None or not self.metric:
            return table
        numbers = self._numbers.values
        against = self.against if self.needs_reference else ""
        return colouring.coloured(colouring.ordered(table, self.order, numbers), self.metric, numbers, against)

    def _redraw(self) -> None:
        with self.lock, self.hold_trait_notifications():
            self._show_table()
            self.set_trait("version", self.version + 1)

    def _standing(self, statuses: Mapping[str, int]) -> Standing:
        if self._sweep is None:
            return ""
        if any(statuses.get(each) for each in _UNDER_WAY):
            return "pausing" if self._is_pausing else "running"
        if any(statuses.get(each) for each in _OPEN):
            return "paused"
        return "failed" if statuses.get(str(RunStatus.FAILED)) else "done"

    def _look_for_other_runs(self, sweep: SweepRun | None, standing: Standing) -> None:
        """Open the sweep anew when another program has made runs of it, such as a second try of a cell."""
        if sweep is None or standing in ("running", "pausing"):
            return
        known, self._runs_known = self._runs_known, self._studio.count(sweep_id=sweep.id)
        if known and self._runs_known > known and not self.doing:
            self.open(sweep.id)

    def _send(self, doing: str, act: Callable[[], object]) -> None:
        self.set_trait("doing", doing)
        self._errands.send(act)

    def _errand_ended(self, error: Exception | None) -> None:
        with self.lock:
            self.error = str(error) if error is not None else ""
            self.set_trait("doing", "")
        if error is None:
            self._glance(self._read_all)

    def _show(self, sweep: SweepRun | None) -> None:
        with self.lock, self.hold_trait_notifications():
            is_same = sweep is not None and sweep.id == self.opened
            self._sweep, self._is_pausing = sweep, False
            self._runs_known = 0
            if not is_same:
                self.chosen, self.reference = "", ""
                self.set_trait("selected", ())
                self.set_trait("opened", sweep.id if sweep else "")
                self.set_trait("caption", self._name_of(sweep) if sweep else "")
                self._opened()
        self._attempt(self._read_all)

    def _opened(self) -> None:
        """Take that another sweep is shown."""
