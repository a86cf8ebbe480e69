"""The frame widget: style sheet, key guard, sign of life; see ``view.js``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

_HERE = Path(__file__).parent


class Frame(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """Goes into the root of a panel as its first child.

    Parameters
    ----------
    label : str
        The panel's name for screen readers.
    on_beat : callable or None
        Called about every ten seconds while the panel is on somebody's screen.
    """

    _esm = _HERE / "view.js"
    _css = _HERE.parent / "theme.css"
    label = traitlets.Unicode().tag(sync=True)

    def __init__(self, label: str, on_beat: Callable[[], None] | None = None) -> None:
        super().__init__(label=label)
        self._on_beat = on_beat
        self.on_msg(self._hear)

    def _hear(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        if content.get("kind") == "here":
            self.send({"kind": "alive"})
            if self._on_beat is not None:
                self._on_beat()
