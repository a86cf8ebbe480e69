"""The first page without a screen: the projects, the newest runs, the sweeps and the boards of a home."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import traitlets

from studio_kernel.domain.assets import Asset
from studio_kernel.domain.boards import Board
from studio_kernel.domain.runs import RunRecord
from studio_kernel.runlog import RunFilter
from studio_widgets.records import pictured
from studio_widgets.state import LiveState
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.studio import Studio

MOST_NEWEST = 12
MOST_SWEEPS = 6
MOST_BOARDS = 12
MOST_PROJECTS = 60
MOST_COVERS = 4


@dataclass(frozen=True, slots=True)
class SweepCard:
    """A sweep, and how far it is.

    Attributes
    ----------
    id, axes, prompt : str
        Its id, what it goes through and from what, in words.
    cells, done : int
        How many pictures it means, and how many runs of it have succeeded.
    covers : tuple of Asset
        Its newest pictures, at most four.
    """

    id: str
    axes: str
    prompt: str
    cells: int
    done: int
    covers: tuple[Asset, ...] = ()


class HomeState(LiveState):
    """What there is in a home.

    Parameters
    ----------
    studio : Studio
        Editor or viewer.
    workspace : Workspace
        Its `project` restricts the runs, sweeps and boards.

    Attributes
    ----------
    projects : tuple of ProjectCard
        The one that changed last first; archived ones are left out.
    newest : tuple of RunRecord
        The newest runs.
    sweeps : tuple of SweepCard
        The newest sweeps.
    boards : tuple of Board
        The boards that changed last.
    runs : int
        How many runs there are.
    leads_to : frozenset of str
        Kinds of things that somebody takes one to: ``project``, ``run``, ``sweep``, ``board``.
    """

    projects = traitlets.Instance(tuple, args=(), read_only=True)
    newest = traitlets.Instance(tuple, args=(), read_only=True)
    sweeps = traitlets.Instance(tuple, args=(), read_only=True)
    boards = traitlets.Instance(tuple, args=(), read_only=True)
    runs = traitlets.Int(0, read_only=True)
    leads_to = traitlets.Instance(frozenset, args=(), read_only=True)

    def __init__(self, studio: Studio, *, workspace: Workspace | None = None) -> None:
        super().__init__(studio, workspace=workspace)
        self._of_boards: dict[str, tuple[Asset, ...]] = {}
        self._ways: Mapping[str, Callable[[str], None]] = {}
        self.workspace.observe(lambda _change: self.refresh(), "project")
        self.refresh()

    def lead(self, ways: Mapping[str, Callable[[str], None]]) -> None:
        """Say where each kind of thing leads: what is called with its id."""
        self._ways = ways
        self.set_trait("leads_to", frozenset(ways))

    def enter(self, kind: str, key: str) -> None:
        """Go to a thing, where somebody takes one there."""
        if kind in self._ways:
            self._ways[kind](key)

    def covers_of(self, kind: str, key: str) -> list[bytes]:
        """Return small pictures of a ``project``, a ``run``, a ``sweep`` or a ``board`` that is shown."""
        with self.lock:
            assets = self._assets_of(kind, key)
        return [self._thumbnail_of(asset) for asset in assets]

    def covers(self, board: Board) -> tuple[Asset, ...]:
        """Return files that stand for a board, of those of its runs that are still there."""
        return self._of_boards.get(board.id, ())

    # Inside

    def _assets_of(self, kind: str, key: str) -> tuple[Asset, ...]:
        found: dict[str, Callable[[], tuple[Asset, ...]]] = {
            "project": lambda: next((card.covers for card in self.projects if card.project.id == key), ()),
            "run": lambda: next((_shown([record]) for record in self.newest if record.id == key), ()),
            "sweep": lambda: next((card.covers for card in self.sweeps if card.id == key), ()),
            "board": lambda: self._of_boards.get(key, ()),
        }
        return found[kind]()

    def _read(self) -> None:
        project = self.workspace.project or None
        where = RunFilter(project=project)
        self.set_trait("projects", tuple(self._studio.project_cards())[:MOST_PROJECTS])
        self.set_trait("newest", tuple(self._studio.records(where, limit=MOST_NEWEST)))
        self.set_trait("runs", self._studio.facets(where).total)
        self.set_trait("sweeps", tuple(self._sweeps(project)))
        self.set_trait("boards", tuple(self._studio.boards(project)[:MOST_BOARDS]))
        self._of_boards = self._covers_of_boards()

    def _sweeps(self, project: str | None) -> list[SweepCard]:
        table = self._studio.sweeps(limit=None if project else MOST_SWEEPS)
        chosen = table[table["project"] == project] if project else table
        return [self._card(row) for _place, row in chosen.head(MOST_SWEEPS).iterrows()]

    def _card(self, row: object) -> SweepCard:
        said = {name: row[name] for name in ("id", "axes", "prompt", "cells")}  # type: ignore[index]  # a row of a table
        where = RunFilter(sweep_id=str(said["id"]), status="succeeded")
        done = self._studio.facets(where).total
        covers = _shown(self._studio.records(where, limit=MOST_COVERS))
        return SweepCard(
            str(said["id"]), str(said["axes"]), str(said["prompt"] or ""), int(said["cells"]), done, covers
        )

    def _covers_of_boards(self) -> dict[str, tuple[Asset, ...]]:
        wanted = [run for board in self.boards for run in board.runs[:MOST_COVERS]]
        found = (
            {record.id: record for record in self._studio.records(RunFilter(ids=wanted), limit=None)} if wanted else {}
        )
        return {
            board.id: _shown([found[run] for run in board.runs if run in found][:MOST_COVERS]) for board in self.boards
        }


def _shown(records: list[RunRecord]) -> tuple[Asset, ...]:
    """Return the files that stand for some runs."""
    return tuple(asset for record in records if (asset := pictured(record)) is not None)
