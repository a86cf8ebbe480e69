"""The first page on a screen: what there is, and where to go."""

from __future__ import annotations

from functools import partial
from html import escape

import ipywidgets

from studio_kernel.domain.boards import Board
from studio_kernel.domain.marks import ProjectCard
from studio_kernel.domain.runs import RunRecord
from studio_widgets.frame import panel as parts
from studio_widgets.home.state import HomeState, SweepCard
from studio_widgets.records import pictured, title_of
from studio_widgets.shelf.view import Shelf, Thing
from studio_widgets.wording import counted

INTRODUCTION = (
    "Look at what was made here, put pictures side by side, and say what you think of them. "
    "Write your name above first: it goes with your stars, notes and votes."
)


class HomeView(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """What there is in a home, on shelves.

    Parameters
    ----------
    state : HomeState
        What it shows. Where a thing leads is for the dashboard: it takes the wishes of the workspace.
    """

    def __init__(self, state: HomeState) -> None:
        self._state = state
        self._error, self._text = ipywidgets.HTML(), ipywidgets.HTML()
        self._shelves = {
            "project": self._shelf("project", "Projects"),
            "run": self._shelf("run", "Newest", size="small", empty="Nothing here yet. Runs appear as they are made."),
            "board": self._shelf("board", "Boards: pictures side by side"),
            "sweep": self._shelf("sweep", "Sweeps: one setting after the other"),
        }
        super().__init__([self._error, self._text, *self._shelves.values()])
        parts.styled(self, "sh-home", "st-column")
        state.observe(lambda _change: self._show(), ["version", "error", "leads_to"])
        self._show()

    def _shelf(self, kind: str, label: str, *, size: str = "large", empty: str = "") -> Shelf:
        return Shelf(
            label, partial(self._state.enter, kind), partial(self._state.covers_of, kind), size=size, empty=empty
        )

    def _show(self) -> None:
        state = self._state
        parts.fill(self._error, parts.alert(state.error))
        told = f"{counted(state.runs, 'run')} so far."
        self._text.value = f'<p class="sh-text">{escape(INTRODUCTION)} <span role="status">{escape(told)}</span></p>'
        things = {
            "project": [_project(card) for card in state.projects],
            "run": [_run(record) for record in state.newest],
            "board": [self._board(board) for board in state.boards],
            "sweep": [_sweep(card) for card in state.sweeps],
        }
        for kind, shelf in self._shelves.items():
            shelf.put(things[kind])
            parts.place(shelf, kind in state.leads_to)

    def _board(self, board: Board) -> Thing:
        covers = tuple(asset.sha256 for asset in self._state.covers(board))
        return Thing(board.id, board.name, facts=counted(len(board.runs), "run"), pictures=covers)


def _project(card: ProjectCard) -> Thing:
    covers = tuple(asset.sha256 for asset in card.covers)
    return Thing(card.project.id, card.project.title, card.project.description, counted(card.runs, "run"), covers)


def _run(record: RunRecord) -> Thing:
    asset = pictured(record)
    return Thing(record.id, title_of(record), pictures=(asset.sha256,) if asset is not None else ())


def _sweep(card: SweepCard) -> Thing:
    covers = tuple(asset.sha256 for asset in card.covers)
    return Thing(card.id, card.axes, card.prompt, f"{card.done:,} of {card.cells:,} done", covers)
