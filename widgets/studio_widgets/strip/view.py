"""The strip widget; see ``view.js``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

_HERE = Path(__file__).parent


class Strip(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """Shows small pictures and asks for one of them; takes no room when there is only one.

    Parameters
    ----------
    on_choose : callable
        Called with the place of a picture, once it has been checked.
    """

    _esm = _HERE / "view.js"
    _css = _HERE / "view.css"
    pictures: traitlets.List[bytes] = traitlets.List(traitlets.Bytes()).tag(sync=True)
    chosen = traitlets.Int(0).tag(sync=True)

    def __init__(self, on_choose: Callable[[int], None]) -> None:
        super().__init__()
        self._on_choose = on_choose
        self.on_msg(self._hear)
        self.show((), 0)

    def show(self, pictures: Sequence[bytes], chosen: int) -> None:
        """Show WebP pictures; no bytes stand for a file that is no picture."""
        with self.hold_sync():
            self.pictures, self.chosen = list(pictures), chosen
        self.layout.display = None if len(self.pictures) > 1 else "none"

    def _hear(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        match content:
            case {"kind": "choose", "place": int(place)} if not isinstance(place, bool) and (
                0 <= place < len(self.pictures)
            ):
                self._on_choose(place)
