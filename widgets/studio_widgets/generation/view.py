"""The row of tasks; see ``view.js``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

_HERE = Path(__file__).parent


class TaskChoice(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """Buttons with icons, one of them chosen.

    Parameters
    ----------
    on_choose : callable
        Called with the value of a task, once it has been checked to be among those there are.
    """

    _esm = _HERE / "view.js"
    tasks: traitlets.List[dict[str, str]] = traitlets.List(traitlets.Dict()).tag(sync=True)
    chosen = traitlets.Unicode().tag(sync=True)
    label = traitlets.Unicode("Task").tag(sync=True)

    def __init__(self, on_choose: Callable[[str], None]) -> None:
        super().__init__()
        self._on_choose = on_choose
        self.on_msg(self._hear)

    def show(self, tasks: Sequence[tuple[str, str]], chosen: str) -> None:
        """Show (label, value) pairs."""
        with self.hold_sync():
            self.tasks = [{"label": label, "value": value} for label, value in tasks]
            self.chosen = chosen

    def _hear(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        match content:
            case {"kind": "choose", "value": str(value)} if value in [task["value"] for task in self.tasks]:
                self._on_choose(value)
