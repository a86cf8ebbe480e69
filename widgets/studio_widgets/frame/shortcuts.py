"""Keys that act while the focus is inside a part of a panel; see ``shortcuts.js``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

_HERE = Path(__file__).parent
SCOPE = "st-shortcuts"


class Shortcuts(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """Goes into a box of class ``st-shortcuts``, and takes keys pressed in it, except where text is typed.

    Parameters
    ----------
    acts : mapping
        Key, as browsers name it (``r``, ``Escape``, ``+``) → what is called.
    everywhere : sequence of str
        Those that also act where text is typed, such as ``Escape``.
    """

    _esm = _HERE / "shortcuts.js"
    taken: traitlets.List[str] = traitlets.List(traitlets.Unicode()).tag(sync=True)
    everywhere: traitlets.List[str] = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def __init__(self, acts: Mapping[str, Callable[[], object]], everywhere: tuple[str, ...] = ()) -> None:
        super().__init__(taken=list(acts), everywhere=list(everywhere))
        self._acts = dict(acts)
        self.layout.display = "none"
        self.on_msg(self._hear)

    def _hear(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        match content:
            case {"kind": "key", "key": str(key)} if key in self._acts:
                self._acts[key]()
