"""The frame widget: style sheets, key guard, sign of life; see ``view.js``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

_HERE = Path(__file__).parent


def style_sheets() -> str:
    """Return the shared look and, in folders' order, what panels add to it in their ``panel.css``."""
    files = [_HERE.parent / "theme.css", *sorted(_HERE.parent.glob("*/panel.css"))]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


class Frame(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """Goes into the root of a panel as its first child.

    Parameters
    ----------
    label : str
        The panel's name for screen readers.
    on_beat : callable or None
        Called about every ten seconds while the panel is on somebody's screen, with whether it has just come there.
    """

    _esm = _HERE / "view.js"
    _css = style_sheets()
    label = traitlets.Unicode().tag(sync=True)

    def __init__(self, label: str, on_beat: Callable[[bool], None] | None = None) -> None:
        super().__init__(label=label)
        self._on_beat = on_beat
        self.on_msg(self._hear)

    def _hear(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        if content.get("kind") == "here":
            self.send({"kind": "alive"})
            if self._on_beat is not None:
                self._on_beat(content.get("new") is True)
