"""Sweeps looked into without a screen: which there are, one with its axes anywhere, one cell large with its neighbours.

Nothing here begins or changes a run, so a viewer may do all of it; marks go to the log as everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import traitlets

from studio_kernel.domain.difference import compare, settings_of
from studio_kernel.domain.runs import RunRecord
from studio_kernel.domain.values import Value
from studio_kernel.grid.labels import axis_label, value_label
from studio_kernel.outcome import Outcome
from studio_kernel.sweeps import SweepRun
from studio_widgets.cells import colouring
from studio_widgets.cells.arranged import ArrangedCells
from studio_widgets.cells.shown import Standing
from studio_widgets.records import pictured
from studio_widgets.state import NOTHING
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.domain.assets import Asset
    from studio_kernel.studio import Studio
    from studio_kernel.sweep_log import SweepCard

MOST_LISTED = 50
MAX_TEXT = 200


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A cell next to the one that is looked at.

    Attributes
    ----------
    run : str
        Its run; empty when it has none.
    axis : str
        What differs on the way there, in words.
    text : str
        From which value to which.
    note : str
        How far its number is from that of the cell, or why there is no picture; empty when there is nothing to say.
    differs : tuple of str
        Every setting that differs, in words; more than one where axes move together.
    key : str
        Digest of the file that is pictured; empty when there is none.
    """

    run: str
    axis: str
    text: str
    note: str = ""
    differs: tuple[str, ...] = ()
    key: str = ""


class ExplorerState(ArrangedCells):
    """The sweeps of a home.

    Parameters
    ----------
    studio : Studio
        Editor or viewer.
    sweep : str
        Id of one to begin with; a part of it will do.

    Attributes
    ----------
    sweep : str
        Id of the sweep that is shown; set it to open one, or to close it by an empty text.
    text : str
        Only sweeps that have all these words in their title, axes, model or id.
    sweeps : tuple of SweepCard
        The newest sweeps of the home, or of the project of the workspace; brought up to date while none is opened.
    record : RunRecord or None
        The run of the cell that was chosen.
    coordinates : tuple of (str, str)
        Axis and value of that cell, in words.
    neighbours : tuple of Neighbour
        The cells before and behind it along each axis.

    Examples
    --------
    >>> state = ExplorerState(studio)  # doctest: +SKIP
    >>> state.open(state.sweeps[0].id)  # doctest: +SKIP
    >>> state.place("seed", "rows")  # doctest: +SKIP
    >>> state.metric, state.order = "sharpness", "highest"  # doctest: +SKIP
    """

    sweep = traitlets.Unicode()
    text = traitlets.Unicode()
    sweeps = traitlets.Tuple(read_only=True)
    record = traitlets.Instance(RunRecord, allow_none=True, read_only=True)
    coordinates = traitlets.Tuple(read_only=True)
    neighbours = traitlets.Tuple(read_only=True)

    def __init__(self, studio: Studio, sweep: str = "", *, workspace: Workspace | None = None) -> None:
        super().__init__(studio, workspace=workspace)
        self._all: tuple[SweepCard, ...] = ()
        self._covers: dict[str, Asset] = {}
        self._adopted = 0
        self.observe(lambda _change: self._pick(), "text")
        self.observe(lambda _change: self._follow(), "sweep")
        self.observe(lambda _change: self._look_closer(), ["chosen", "version"])
        self.workspace.observe(lambda _change: self.refresh(), "project")
        self.refresh()
        self.sweep = sweep

    @traitlets.validate("text")
    def _short(self, proposal: traitlets.Bunch) -> str:
        text: str = proposal["value"]
        return text[:MAX_TEXT]

    def cover(self, sweep: str) -> bytes:
        """Return a small picture of a sweep of the list; no bytes when it has none."""
        asset = self._covers.get(sweep)
        return self._thumbnail_of(asset) if asset is not None else b""

    def file(self) -> tuple[bytes, str]:
        """Return bytes and media type of what the chosen cell shows; nothing when there is none."""
        record = self.record
        asset = pictured(record)
        if record is None:
            return NOTHING
        return self._file_of(record, record.assets.index(asset) if asset is not None else 0)

    def star(self, on: bool) -> None:
        """Make the run that is chosen a favourite, or no longer."""
        self._mark(favourite=on)

    def rate(self, rating: int) -> None:
        """Give the run that is chosen 1 … 5 stars; 0 takes them away."""
        self._mark(rating=rating)

    def _mark(self, *, favourite: bool | None = None, rating: int | None = None) -> None:
        run = self.chosen
        if run:
            self._attempt(lambda: self._say(run, favourite=favourite, rating=rating))
            self.poll()

    # Inside: the list

    def _read(self) -> None:
        super()._read()
        if self._sweep is None:
            project = self.workspace.project or None
            self._all = tuple(self._studio.sweep_cards(project, limit=MOST_LISTED))
            self._covers = {card.id: card.cover for card in self._all if card.cover is not None}
            self._pick()

    def _pick(self) -> None:
        words = self.text.casefold().split()
        self.set_trait("sweeps", tuple(card for card in self._all if _has(card, words)))

    def _name_of(self, sweep: SweepRun) -> str:
        base = sweep.definition.base
        return base.prompt or base.model

    # Inside: a sweep that others work on

    def _follow(self) -> None:
        if self.sweep != self.opened:
            self.open(self.sweep)

    def _opened(self) -> None:
        super()._opened()
        self._adopted = 0
        self.sweep = self.opened

    def _errand_ended(self, error: Exception | None) -> None:
        super()._errand_ended(error)
        if error is not None:
            self.sweep = self.opened

    def _look_for_other_runs(self, sweep: SweepRun | None, _standing: Standing) -> None:
        """Take up runs that whoever works on the sweep has begun since it was opened."""
        if sweep is None or self.doing:  # when that is done, this is asked again
            return
        count = self._studio.count(sweep_id=sweep.id)
        known, self._adopted = self._adopted, count
        if known != count and (known or count > len(sweep.runs)):
            self.open(sweep.id)

    # Inside: a cell

    def _look_closer(self) -> None:
        outcome = next((each for each in self._outcomes if each.record and each.record.id == self.chosen), None)
        with self.lock, self.hold_trait_notifications():
            self.set_trait("record", outcome.record if outcome is not None else None)
            self.set_trait("coordinates", _coordinates(outcome) if outcome is not None else ())
            found = tuple(self._neighbours_of(outcome)) if outcome is not None else ()
            self.set_trait("neighbours", found)

    def _neighbours_of(self, outcome: Outcome) -> Iterator[Neighbour]:
        """Yield the nearest cells along each group of axes that have all other values alike."""
        assert self._sweep is not None, "a cell of it was chosen"
        here = outcome.cell.coordinates
        for group in self._sweep.definition.groups:
            others = {name: value for name, value in here.items() if name not in group.names}
            along = [
                each
                for each in self._outcomes
                if all(each.cell.coordinates[name] == value for name, value in others.items())
            ]
            at = next(place for place, each in enumerate(along) if each is outcome)
            for place in (at - 1, at + 1):
                if 0 <= place < len(along):
                    yield self._neighbour(outcome, along[place], group.names)

    def _neighbour(self, outcome: Outcome, other: Outcome, axes: tuple[str, ...]) -> Neighbour:
        record, mine, its = other.record, outcome.cell.coordinates, other.cell.coordinates
        moved = [name for name in axes if mine[name] != its[name]]
        asset = pictured(record)
        return Neighbour(
            run=record.id if record is not None else "",
            axis=", ".join(map(axis_label, moved)),
            text="; ".join(f"{value_label(mine[name])} → {value_label(its[name])}" for name in moved),
            note=self._distance(outcome, other) if asset is not None else other.error or other.status,
            differs=_differing(outcome.record, record),
            key=asset.sha256 if asset is not None else "",
        )

    def _distance(self, outcome: Outcome, other: Outcome) -> str:
        """Return how far the number of another cell is from that of this one, in words."""
        numbers = self._numbers.values if self.metric else {}
        known = [numbers.get(each.record.id) for each in (outcome, other) if each.record is not None]
        one, two = known if len(known) == 2 else (None, None)
        if one is None or two is None:
            return ""
        return f"{colouring.name_of(self.metric)} {two - one:+.3g}"


def _coordinates(outcome: Outcome) -> tuple[tuple[str, str], ...]:
    values: dict[str, Value] = dict(outcome.cell.coordinates)
    return tuple((axis_label(name), value_label(value)) for name, value in values.items())


def _differing(one: RunRecord | None, other: RunRecord | None) -> tuple[str, ...]:
    if one is None or other is None:
        return ()
    found = compare([settings_of(one), settings_of(other)]).differences
    return tuple(f"{row.label}: {row.cells[0].text} → {row.cells[1].text}" for row in found)


def _has(card: SweepCard, words: list[str]) -> bool:
    text = f"{card.title} {card.axes} {card.id} {card.project or ''}".casefold()
    return all(word in text for word in words)
