"""Sweeps looked into on a screen: a list of them, and of one the grid beside a cell with its neighbours."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import ipywidgets

from studio_widgets.cells.panel import Numbering, Places, Selected, Wishes
from studio_widgets.cells.table import counted
from studio_widgets.cells.view import Cells
from studio_widgets.explorer.state import ExplorerState, Neighbour
from studio_widgets.explorer.view import Card, Cards
from studio_widgets.facts import badges_of, facts_of
from studio_widgets.frame import panel as parts
from studio_widgets.frame.still import Still
from studio_widgets.marks.view import Marks
from studio_widgets.picture.view import Picture
from studio_widgets.records import title_of
from studio_widgets.timing import Debounced
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.studio import Studio
    from studio_kernel.sweep_log import SweepCard

NOTHING_YET = "No sweeps here yet. They appear as soon as they are planned, wherever that is."
NO_MATCH = "No sweep fits."


class ExplorerView(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """Sweeps without frame and title.

    Parameters
    ----------
    state : ExplorerState
        What it shows and does.
    """

    def __init__(self, state: ExplorerState) -> None:
        self.state = state
        self._message = ipywidgets.HTML()
        self._list = SweepList(state)
        self._grid: ipywidgets.VBox | None = None
        super().__init__([self._message, self._list])
        parts.styled(self, "st-column")
        state.observe(lambda _change: self._show(), ["opened", "error", "doing"])
        self._show()

    def _show(self) -> None:
        state = self.state
        parts.fill(self._message, parts.alert(state.error))
        if state.opened and self._grid is None:  # made when it is first wanted: a page waits for every widget
            self._grid = OpenedSweep(state)
            self.children = [self._message, self._list, self._grid]
        parts.place(self._list, not state.opened)
        if self._grid is not None:
            parts.place(self._grid, bool(state.opened))


class SweepList(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """The sweeps to choose from."""

    def __init__(self, state: ExplorerState) -> None:
        self._state = state
        text = ipywidgets.Text(description="Search sweeps", placeholder="Words of the prompt, or an axis")
        later = Debounced(lambda words: state.set_trait("text", words))
        text.observe(lambda change: later(change.new), "value")
        self._cards = Cards("Sweeps, newest first", state.open, state.cover)
        super().__init__([parts.styled(parts.row(parts.field(text)), "sx-find"), self._cards])
        parts.styled(self, "st-column")
        state.observe(lambda _change: self._show(), "sweeps")
        self._show()

    def _show(self) -> None:
        state = self._state
        self._cards.show([card_of(card) for card in state.sweeps], NO_MATCH if state.text.strip() else NOTHING_YET)


class OpenedSweep(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """One sweep: its axes, numbers and cells, and the cell that was chosen."""

    def __init__(self, state: ExplorerState) -> None:
        self._state = state
        back = parts.button("‹ All sweeps", lambda: state.open(""), "Back to the list", "st-quiet")
        self._caption, self._said = ipywidgets.HTML(), ipywidgets.HTML()
        top = parts.styled(ipywidgets.HBox([back, self._caption]), "sx-top")
        self._cell: CellDetails | None = None
        grid = parts.card(Places(state), Numbering(state), Selected(state), Cells(state))
        self._main = parts.styled(ipywidgets.HBox([grid]), "sx-main")
        super().__init__([top, self._said, self._main])
        parts.styled(self, "st-column")
        state.observe(lambda _change: self._show(), ["caption", "counts", "chosen"])
        self._show()

    def _show(self) -> None:
        state = self._state
        self._caption.value = f'<span class="st-prompt">{escape(state.caption)}</span>'
        total = sum(state.counts.values())
        done = sum(number for status, number in state.counts.items() if status in ("succeeded", "invalid"))
        bar = f'<progress class="st-progress" max="{total}" value="{done}" aria-label="Cells that are done"></progress>'
        told = f'<span class="st-sub" role="status">{escape(counted(state.counts))}</span>'
        parts.fill(self._said, f"{bar * (done < total)}{told}" if total else "")
        if state.chosen and self._cell is None:
            self._cell = CellDetails(state)
            self._main.children = [*self._main.children, self._cell]


class CellDetails(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """One cell large, with its settings, and what differs from the cells beside it."""

    def __init__(self, state: ExplorerState) -> None:
        self._state = state
        self._badges = parts.styled(ipywidgets.HTML(), "sg-badges")
        close = parts.button("Close", lambda: state.choose(""), "Close this cell", "st-quiet")
        self._picture = Picture(placeholder="This cell has no picture.")
        self._coordinates = parts.styled(ipywidgets.HTML(), "sx-coordinates")
        self._marks = Marks(on_star=state.star, on_rate=state.rate)
        self._text = ipywidgets.HTML()
        self._neighbours = Cards("Cells beside it", state.choose, state.thumbnail)
        heading = ipywidgets.HTML('<b class="sw-axis-name">Beside it</b>')
        moves = parts.styled(ipywidgets.HBox([self._badges, close]), "sx-moves")
        card = parts.card(
            moves, self._picture, self._coordinates, self._marks, Wishes(state), heading, self._neighbours, self._text
        )
        super().__init__([card])
        parts.styled(self, "sx-cell")
        state.observe(lambda _change: self._show(), ["record", "coordinates", "neighbours"])
        self._show()

    def _show(self) -> None:
        record = self._state.record
        parts.place(self, record is not None)
        if record is None:
            return
        self._picture.show(*self._state.file(), alt=title_of(record))
        self._badges.value = badges_of(record)
        pairs = (f"{axis} {value}" for axis, value in self._state.coordinates)
        self._coordinates.value = " ".join(map(parts.badge, pairs))
        self._marks.favourite, self._marks.rating = record.favourite, record.rating or 0
        self._neighbours.show([neighbour_card(each) for each in self._state.neighbours], "No cells beside it.")
        self._text.value = facts_of(record)


class SweepExplorer(parts.PanelBox):
    """The sweeps of a home, to look into.

    Parameters
    ----------
    studio : Studio
        Editor or viewer.
    sweep : str or SweepRun or None
        One to begin with; the list of all when left out.
    workspace : Workspace or None
        Shared with the panels beside it: the project, and what can be done with a run.

    Attributes
    ----------
    state : ExplorerState
        Everything the panel shows and does.

    Examples
    --------
    >>> SweepExplorer(studio)  # doctest: +SKIP
    """

    def __init__(self, studio: Studio, sweep: object = None, *, workspace: Workspace | None = None) -> None:
        sweep_id = str(getattr(sweep, "id", sweep or ""))
        self.state = ExplorerState(studio, sweep_id, workspace=workspace)
        head, self._beside = parts.head("Sweeps")
        super().__init__("Explorer", head, ExplorerView(self.state), tick=self.state.poll)
        self.state.observe(lambda _change: self._show(), ["sweeps", "opened"])
        self._show()

    def still(self) -> Still:
        """Return what is shown and its first pictures."""
        return Still(self.state.caption, self.state.newest())

    def _show(self) -> None:
        count = len(self.state.sweeps)
        told = f"{count} {'sweep' if count == 1 else 'sweeps'}" if not self.state.opened else ""
        self._beside.value = f'<span role="status">{told}</span>'


def card_of(card: SweepCard) -> Card:
    """Return how a sweep is shown in the list."""
    done = card.cells.get("succeeded", 0)
    told = counted(card.cells)
    cells = f"{card.size:,} {'cell' if card.size == 1 else 'cells'}"
    when = f"{card.created_at.astimezone():%Y-%m-%d %H:%M}"
    lines = (card.axes, " · ".join(filter(None, [cells, told])), " · ".join(filter(None, [card.project, when])))
    return Card(card.id, card.cover.sha256 if card.cover else "", card.title, lines, done / max(1, card.size))


def neighbour_card(neighbour: Neighbour) -> Card:
    """Return how a neighbour is shown."""
    more = [line for line in neighbour.differs if len(neighbour.differs) > 1]
    lines = (neighbour.text, *more, *([neighbour.note] if neighbour.note else []))
    title = neighbour.axis[:1].upper() + neighbour.axis[1:]
    return Card(neighbour.run, neighbour.key, title, lines)
