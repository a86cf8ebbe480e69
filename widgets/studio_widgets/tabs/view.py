"""The tabs widget; see ``view.js``. It only chooses: what a tab shows is for its owner to put below it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

_HERE = Path(__file__).parent


class Tabs(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """Shows names and asks for one of them.

    Parameters
    ----------
    names : mapping
        Key → what people read.
    on_choose : callable
        Called with a key that was asked for.

    Attributes
    ----------
    chosen : str
        Key of the tab that is open.
    counts : dict
        Key → a number beside the name; none for 0.
    """

    _esm = _HERE / "view.js"
    _css = _HERE / "view.css"
    names: traitlets.List[tuple[str, str]] = traitlets.List().tag(sync=True)
    label = traitlets.Unicode().tag(sync=True)
    chosen = traitlets.Unicode().tag(sync=True)
    counts: traitlets.Dict[str, int] = traitlets.Dict().tag(sync=True)

    def __init__(self, label: str, names: Mapping[str, str], on_choose: Callable[[str], None]) -> None:
        super().__init__(label=label, names=[list(pair) for pair in names.items()])
        self._keys = frozenset(names)
        self._on_choose = on_choose
        self.on_msg(self._hear)

    def _hear(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        match content:
            case {"kind": "choose", "key": str(key)} if key in self._keys:
                self._on_choose(key)
