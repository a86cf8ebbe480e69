"""The history without a screen: the runs of a home as they come and end, and what can be done with one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import traitlets

from studio_kernel.domain.runs import RunRecord, RunStatus
from studio_kernel.runlog import RunFilter
from studio_widgets.gallery import intents
from studio_widgets.gallery.listing import Item, RunListState, item_of
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.studio import Studio

RESTRICTING = ("text", "status")


class HistoryState(RunListState):
    """Runs of a home, newest first.

    Parameters
    ----------
    studio : Studio
        Editor or viewer; a viewer looks.

    Attributes
    ----------
    text : str
        Only runs whose prompt has these words.
    status : str
        Only runs that stand there; empty = all.
    counts : dict
        Status → number of runs that fit the rest of the filter.
    said : str
        What was done last, in words.

    Examples
    --------
    >>> state = HistoryState(studio)  # doctest: +SKIP
    >>> state.status = "failed"  # doctest: +SKIP
    >>> state.act("retry", state.items(0, 1)[0].run)  # doctest: +SKIP
    """

    status = traitlets.Enum(("", *(str(status) for status in RunStatus)), default_value="")
    counts: traitlets.Dict[str, int] = traitlets.Dict(read_only=True)
    said = traitlets.Unicode(read_only=True)

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None) -> None:
        super().__init__(studio, workspace=workspace)
        self._acts: dict[str, Callable[[str], None]] = {
            "show": lambda run: self.workspace.ask("show", run),
            "load": lambda run: self.workspace.ask("load", run),
            "retry": self._retry,
        }
        self.observe(lambda _change: self.refresh(), list(RESTRICTING))
        self.workspace.observe(lambda _change: self.refresh(), "can_do")
        self.refresh()

    @property
    def filter(self) -> RunFilter:
        """The filter as the run log takes it."""
        return self._filter(self.status)

    @property
    def active(self) -> list[tuple[str, str]]:
        """The filters that restrict, each with what it says."""
        said = {"text": f"“{self.text.strip()}”" if self.text.strip() else "", "status": self.status.capitalize()}
        return [(name, text) for name, text in said.items() if text]

    def without(self, name: str) -> None:
        """Take one of the `active` filters away."""
        self.set_trait(name, "")

    def without_filters(self) -> None:
        """Take all filters away."""
        with self.lock, self.hold_trait_notifications():
            self.text = self.status = ""

    def open(self, run: str) -> None:
        """Show a run where runs are shown."""
        if run:
            self.act("show", run)

    def act(self, name: str, run: str) -> None:
        """Do with a run what the button of that name says: ``show``, ``load`` or ``retry``.

        Nothing happens when it cannot be done with this run.
        """
        self._attempt(lambda: self._act(name, run))

    def hear(self, intent: intents.Intent) -> None:
        """Do what the button in a row wishes."""
        match intent:
            case intents.Act(name, run):
                self.act(name, run)

    def _act(self, name: str, run: str) -> None:
        if name in self._acts and name in self._possible(self._studio.record(run)):
            self._acts[name](run)

    def _retry(self, run: str) -> None:
        again = self._studio.retry(run)
        self.set_trait("said", f"Run {run[-8:]} is tried again as {again.id[-8:]}.")
        self._read_all()

    def _possible(self, record: RunRecord) -> tuple[str, ...]:
        """Return what can be done with a run."""
        can = {
            "show": self.workspace.can("show"),
            "download": bool(record.assets),
            "load": self.workspace.can("load"),
            "retry": self.can_change and record.status in (RunStatus.FAILED, RunStatus.CANCELLED),
        }
        return tuple(name for name, possible in can.items() if possible)

    def _item(self, record: RunRecord) -> Item:
        return item_of(record, acts=self._possible(record))

    def _filter(self, status: str) -> RunFilter:
        project = self.workspace.project or None
        return RunFilter(text=self.text.strip(), status=status or None, project=project)

    def _read(self) -> None:
        self._pages.clear()
        facets = self._studio.facets(self._filter(""))
        self.set_trait("counts", dict(facets.status))
        self.set_trait("total", facets.status.get(self.status, 0) if self.status else facets.total)
