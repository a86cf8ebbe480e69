"""The grid of projects: the kernel's side of ``view.js``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from studio_kernel.domain.budget import dollars
from studio_kernel.domain.marks import ProjectCard
from studio_widgets.page.scripts import esm
from studio_widgets.projects.state import ProjectsState
from studio_widgets.shelf.view import PICTURED
from studio_widgets.wording import counted

_HERE = Path(__file__).parent
MAX_ID = 200


class Cards(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """Shows the projects of a `ProjectsState` as cards; pictures come as messages, each when it is asked for."""

    _esm = esm(PICTURED, _HERE / "view.js")
    _css = _HERE / "view.css"
    cards: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    chosen = traitlets.Unicode().tag(sync=True)
    can_change = traitlets.Bool().tag(sync=True)
    empty = traitlets.Unicode().tag(sync=True)

    def __init__(self, state: ProjectsState) -> None:
        super().__init__(can_change=state.can_change)
        self._state = state
        self.on_msg(self._hear)
        state.observe(lambda _change: self._show(), ["every", "cards", "project"])
        self._show()

    def _show(self) -> None:
        state = self._state
        with state.lock, self.hold_sync():
            everything = [] if state.text.strip() else [_everything(state.every)]
            self.cards = [*everything, *map(_card, state.cards)]
            self.chosen = state.project
            self.empty = "" if state.cards else "No project fits." if state.text.strip() else "No projects yet."

    def _hear(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        match content:
            case {"kind": "choose", "project": str(project)} if len(project) <= MAX_ID:
                self._state.choose(project)
            case {"kind": "edit", "project": str(project)} if self._knows(project):
                self._state.edit(project)
            case {"kind": "archive", "project": str(project), "on": bool(on)} if self._knows(project):
                self._state.archive(project, on)
            case {"kind": "pictures", "key": str(project)} if self._state.card(project) is not None:
                pictures = [picture for picture in self._state.covers(project) if picture]
                self.send({"kind": "pictures", "key": project}, buffers=pictures)

    def _knows(self, project: str) -> bool:
        return self._state.can_change and self._state.card(project) is not None


def _card(card: ProjectCard) -> dict[str, Any]:
    project = card.project
    return {
        "key": project.id,
        "title": project.title,
        "description": project.description,
        "archived": project.archived,
        "facts": _facts(card.runs, card.files, card.cost_usd),
        "changed": _when(card.changed_at),
        "pictures": [asset.sha256 for asset in card.covers],
    }


def _everything(cards: tuple[ProjectCard, ...]) -> dict[str, Any]:
    """Return the card that stands for all projects."""
    open_ones = sum(not card.project.archived for card in cards)
    told = counted(open_ones, "project")
    return {"key": "", "title": "All projects", "description": "", "archived": False, "facts": told} | {
        "changed": "",
        "pictures": [],
    }


def _facts(runs: int, files: int, cost_usd: float) -> str:
    counted = [f"{runs:,} {'run' if runs == 1 else 'runs'}", f"{files:,} {'file' if files == 1 else 'files'}"]
    return " · ".join([*counted, dollars(cost_usd) if cost_usd else "no costs"])


def _when(time: datetime | None) -> str:
    return f"{time.astimezone():%Y-%m-%d %H:%M}" if time is not None else ""
