"""The header of a dashboard: the kernel's side of ``view.js``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from studio_kernel.domain.judging import MAX_RATER_LENGTH
from studio_widgets.allowance import Allowance
from studio_widgets.dashboard import intents
from studio_widgets.dashboard.places import PAGES
from studio_widgets.dashboard.state import TITLE, DashboardState
from studio_widgets.page.scripts import esm

_HERE = Path(__file__).parent
STEPS_AT_ONCE, STEPS_PER_S = 40, 5.0
"""How often a page may ask for another place or name; what comes faster is dropped."""


class Header(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """Says what the dashboard is about, leads from page to page, and keeps the address of the browser."""

    _esm = esm(_HERE / "view.js")
    _css = _HERE / "view.css"
    title = traitlets.Unicode().tag(sync=True)
    above = traitlets.Unicode().tag(sync=True)
    pages: traitlets.List[tuple[str, str]] = traitlets.List().tag(sync=True)
    page = traitlets.Unicode().tag(sync=True)
    counts: traitlets.Dict[str, int] = traitlets.Dict().tag(sync=True)
    who = traitlets.Unicode().tag(sync=True)
    longest_name = traitlets.Int(MAX_RATER_LENGTH).tag(sync=True)
    address = traitlets.Unicode().tag(sync=True)
    answered = traitlets.Int(0).tag(sync=True)

    def __init__(self, state: DashboardState) -> None:
        super().__init__(pages=[[name, PAGES[name]] for name in state.names])
        self._state = state
        self._steps = Allowance(STEPS_AT_ONCE, STEPS_PER_S)
        self.on_msg(self._hear)
        state.observe(lambda _change: self._show(), ["place", "title", "who"])
        state.workspace.observe(lambda _change: self._show(), "compared")
        self._show()

    def _show(self) -> None:
        state = self._state
        with state.lock, self.hold_sync():
            self.title, self.who, self.counts = state.title, state.who, state.counts
            self.above = TITLE if state.place.project else ""
            self.page, self.address = state.place.page, state.place.query()

    def _hear(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        intent = intents.read(content)
        if intent is None or not self._steps.take():
            return
        match intent:
            case intents.Go(query, number):
                with self.hold_sync():
                    self._state.go(query)
                    self.answered = number
            case intents.Turn(page):
                self._state.turn_to(page)
            case intents.Leave():
                self._state.go("")
            case intents.Introduce(name):
                self._state.introduce(name)
                self.who = self._state.who
