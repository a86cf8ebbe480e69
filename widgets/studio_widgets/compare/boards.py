"""Boards without a screen: comparisons that were kept under a name, and how each is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import traitlets

from studio_kernel.domain.boards import MAX_BOARD_NAME
from studio_kernel.runlog import RunFilter
from studio_widgets.state import LiveState
from studio_widgets.wording import counted
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.domain.boards import Board
    from studio_kernel.studio import Studio

SHOWN = ("arrangement", "mode", "sizes", "heat", "measured", "order", "reverse", "reference", "before", "after")
"""What of a comparison a board keeps beside its runs."""


class BoardsState(LiveState):
    """The boards of a home.

    Parameters
    ----------
    studio : Studio
        A viewer can only open boards.
    compared : traitlets.HasTraits
        The comparison that a board is made from and shown in.
    workspace : Workspace
        Its `compared` are the runs; its `project` restricts the boards.

    Attributes
    ----------
    every : tuple of Board
        The one that changed last first.
    chosen : str
        Id of the board that is open; empty when none is, or when other runs are compared by now.
    name : str
        What the comparison would be kept as.
    said : str
        What was done last, or what is missing of a board, in words.

    Examples
    --------
    >>> state.boards.save("For the cover")  # doctest: +SKIP
    >>> state.boards.open("For the cover")  # doctest: +SKIP
    """

    every = traitlets.Instance(tuple, args=(), read_only=True)
    chosen = traitlets.Unicode()
    name = traitlets.Unicode()
    said = traitlets.Unicode(read_only=True)

    def __init__(self, studio: Studio, compared: traitlets.HasTraits, *, workspace: Workspace) -> None:
        super().__init__(studio, workspace=workspace)
        self._compared = compared
        self._runs: tuple[str, ...] = ()
        self._opened = ""
        self.workspace.observe(lambda _change: self._leave(), "compared")
        self.workspace.observe(lambda _change: self.refresh(), "project")
        self.observe(self._choose, "chosen")
        self.refresh()

    @traitlets.validate("name")
    def _short(self, proposal: traitlets.Bunch) -> str:
        return str(proposal["value"])[:MAX_BOARD_NAME]

    @property
    def open_one(self) -> Board | None:
        """The board that is open."""
        return next((board for board in self.every if board.id == self.chosen), None)

    def open(self, board: str) -> None:
        """Compare the runs of a board, by its id or name, as they are kept there.

        Raises
        ------
        UnknownBoardError
            When there is none.
        """
        found = self._studio.board(board)
        there = {record.id for record in self._studio.records(RunFilter(ids=found.runs), limit=None)}
        runs = tuple(run for run in found.runs if run in there)
        with self.lock:
            self._runs, self._opened = runs, found.id
            self.workspace.compared = runs
            self._show_as(found)
            self.chosen, self.name = found.id, found.name
            lost = len(found.runs) - len(runs)
            were = "was" if lost == 1 else "were"
            self.set_trait("said", f"{counted(lost, 'run')} of it {were} deleted." if lost else "")

    def save(self, name: str | None = None) -> None:
        """Keep what is compared under a name; the board that is open is changed when it has that name."""
        with self.lock:
            self.name = self.name if name is None else name
            self._attempt(self._save)

    def delete(self) -> None:
        """Delete the board that is open; its runs stay, and stay compared."""
        with self.lock:
            if self.chosen:
                self._attempt(lambda: self._delete(self.chosen))

    # Inside

    def _save(self) -> None:
        open_one = self.open_one
        replaces = open_one is not None and open_one.name.casefold() == self.name.strip().casefold()
        shown = {name: value for name in SHOWN if (value := getattr(self._compared, name)) not in ("", False)}
        runs = self.workspace.compared
        board = self._studio.save_board(
            self.name,
            runs,
            project=self.workspace.project or None,
            settings=shown,
            replace=replaces,
            by=self.workspace.who,
        )
        self._read_all()
        self._runs, self._opened = tuple(runs), board.id
        self.chosen = board.id
        self.set_trait("said", f"Kept as “{board.name}”.")

    def _delete(self, board: str) -> None:
        self._studio.delete_board(board)
        self._read_all()
        self.chosen = ""
        self.set_trait("said", "Deleted; the runs are still there.")

    def _show_as(self, board: Board) -> None:
        """Show the runs as the board says, as far as that can still be done."""
        for name in SHOWN:
            value = board.settings.get(name, self._compared.traits()[name].default_value)
            try:
                self._compared.set_trait(name, value)
            except traitlets.TraitError:
                continue  # a metric that there is no longer, or what somebody else wrote into the log

    def _choose(self, change: traitlets.Bunch) -> None:
        """Open what was chosen from the list."""
        if change.new != self._opened:
            self._opened = change.new
            if change.new:
                self._attempt(lambda: self.open(change.new))

    def _leave(self) -> None:
        """Other runs are compared now: that is no board."""
        if self.chosen and tuple(self.workspace.compared) != self._runs:
            with self.lock:
                self._runs = ()
                self.set_trait("said", "")
                self.chosen = ""

    def _read(self) -> None:
        self.set_trait("every", tuple(self._studio.boards(self.workspace.project or None)))
        if self.chosen and self.open_one is None:
            self.chosen = ""
