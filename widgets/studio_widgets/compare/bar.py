"""The bar of boards above a comparison: which there are, and for editors a way to keep this one."""

from __future__ import annotations

from html import escape

import ipywidgets
import traitlets

from studio_widgets.choice import Choice
from studio_widgets.compare.boards import BoardsState
from studio_widgets.frame import panel as parts


class BoardsBar(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """Takes no room while there are no boards and nobody can make one."""

    def __init__(self, state: BoardsState) -> None:
        self._state = state
        self._error = ipywidgets.HTML()
        self._said = parts.styled(ipywidgets.HTML(), "st-sub")
        self._chosen = parts.field(Choice(state, "chosen", "Board", self._offered, follow=["every"]))
        name = ipywidgets.Text(description="Keep as a board", placeholder="Name of the board")
        traitlets.link((state, "name"), (name, "value"))
        self._save = parts.button("Save as board", lambda: state.save(), "For everybody who has this home open")
        self._delete = parts.button("Delete board", state.delete, "Its runs stay", "st-quiet")
        kept = parts.row(parts.field(name), self._save, self._delete)
        parts.place(kept, state.can_change)
        self._row = parts.styled(parts.row(self._chosen, kept, self._said), "sc-boards")
        super().__init__([self._error, self._row])
        state.observe(lambda _change: self._show(), ["error", "every", "chosen", "said", "name"])
        state.workspace.observe(lambda _change: self._show(), "compared")
        self._show()

    def _offered(self) -> list[tuple[str, object]]:
        return [("None", ""), *((board.name, board.id) for board in self._state.every)]

    def _show(self) -> None:
        state = self._state
        parts.fill(self._error, parts.alert(state.error))
        parts.fill(self._said, f'<span role="status">{escape(state.said)}</span>' if state.said else "")
        parts.place(self._chosen, bool(state.every))
        parts.place(self._delete, bool(state.chosen))
        self._save.disabled = not (state.name.strip() and state.workspace.compared)
        parts.place(self, bool(state.every or state.can_change or state.error))
