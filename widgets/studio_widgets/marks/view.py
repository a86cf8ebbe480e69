"""The marks widget; see ``view.js``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from studio_kernel.domain.marks import MAX_RATING

_HERE = Path(__file__).parent


class Marks(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """Shows and asks for marks.

    Parameters
    ----------
    on_star, on_rate : callable
        Called with what was wished, once it has been checked.
    """

    _esm = _HERE / "view.js"
    _css = _HERE / "view.css"
    favourite = traitlets.Bool(False).tag(sync=True)
    rating = traitlets.Int(0, min=0, max=MAX_RATING).tag(sync=True)

    def __init__(self, on_star: Callable[[bool], None], on_rate: Callable[[int], None]) -> None:
        super().__init__()
        self._on_star, self._on_rate = on_star, on_rate
        self.on_msg(self._hear)

    def _hear(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        match content:
            case {"kind": "star", "on": bool(on)}:
                self._on_star(on)
            case {"kind": "rate", "rating": int(rating)} if not isinstance(rating, bool) and 0 <= rating <= MAX_RATING:
                self._on_rate(rating)
