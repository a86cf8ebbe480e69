"""The widget of a duel: the kernel's side of ``view.js``.

It is given what a judge may know and nothing else: neither ids nor digests, names, sizes of files or their types.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from studio_kernel.export.page.comparison import ZOOMING
from studio_widgets.judge import intents
from studio_widgets.judge.state import JudgeState
from studio_widgets.page.scripts import esm

_HERE = Path(__file__).parent
SCRIPTS = (ZOOMING, _HERE / "view.js")


class Duel(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """Shows the two sides of a `JudgeState` and hears which is better; takes no room while nothing is judged.

    Attributes
    ----------
    turn : int
        Number of what is shown; 0 = nothing is. Files and votes go by it.
    kinds : list of str
        What the sides are: ``image``, ``video`` or ``audio``.
    question, prompt, said : str
        What is asked, the prompt where both have the same, and how far it is.
    can_undo : bool
        Whether there is something to take back.
    """

    _esm = esm(*SCRIPTS)
    _css = _HERE / "view.css"
    turn = traitlets.Int(0).tag(sync=True)
    kinds: traitlets.List[str] = traitlets.List().tag(sync=True)
    question = traitlets.Unicode().tag(sync=True)
    prompt = traitlets.Unicode().tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)
    can_undo = traitlets.Bool(False).tag(sync=True)

    def __init__(self, state: JudgeState) -> None:
        super().__init__()
        self._state = state
        self.on_msg(self._hear)
        state.observe(lambda _change: self._show(), ["turn", "progress"])
        self._show()

    def _show(self) -> None:
        state = self._state
        with state.lock, self.hold_sync():
            self.kinds, self.prompt = list(state.kinds), state.prompt
            self.question, self.said, self.can_undo = state.question, state.progress, state.can_undo
            self.turn = state.turn

    def _hear(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        state = self._state
        match intents.read(content):
            case intents.File(turn, side) if turn == state.turn:
                self.send({"kind": "file", "turn": turn, "side": side}, buffers=[state.file(side)])
            case intents.Say(turn, choice) if turn == state.turn:
                state.vote(choice)
            case intents.Undo(turn) if turn == state.turn:
                state.undo()
