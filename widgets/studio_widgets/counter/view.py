"""The counter widget; see ``view.js``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from studio_kernel.prompt_length import PromptLimit

_HERE = Path(__file__).parent
SCOPE = "st-counted"
MAX_TEXT = 20_000
"""Characters of a text that are counted as tokens while it is typed."""


class Counter(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """Stands in a box of class ``st-counted`` beside a text area, and counts while people type.

    Attributes
    ----------
    unit : str
        ``characters``, counted in the page, or ``tokens``, which are asked for.
    most : int
        The limit; 0 = none is known.
    cuts : bool
        Whether what is too long is cut, and not refused.
    count : int
        How many the text has that the state knows.
    told : int
        Rises whenever `count` was told, also when it is the same as before.
    """

    _esm = _HERE / "view.js"
    _css = _HERE / "view.css"
    unit = traitlets.Unicode("characters").tag(sync=True)
    most = traitlets.Int(0).tag(sync=True)
    cuts = traitlets.Bool(False).tag(sync=True)
    count = traitlets.Int(0).tag(sync=True)
    told = traitlets.Int(0).tag(sync=True)

    def __init__(self, limit: Callable[[], PromptLimit]) -> None:
        super().__init__()
        self._limit = limit
        self.on_msg(self._hear)

    def show(self, text: str) -> None:
        """Count a text by the limit as it is now."""
        limit = self._limit()
        with self.hold_sync():
            self.unit, self.most, self.cuts = limit.unit, limit.most or 0, limit.cuts
            self.count = limit.count(text)
            self.told += 1

    def _hear(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        match content:
            case {"kind": "count", "text": str(text)} if len(text) <= MAX_TEXT:
                self.count = self._limit().count(text)
                self.told += 1
