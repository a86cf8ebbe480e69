"""The shelf widget: the kernel's side of ``view.js``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from studio_widgets.intents import is_id
from studio_widgets.page.scripts import esm

_HERE = Path(__file__).parent
PICTURED = _HERE / "pictured.js"
LONGEST_KEY = 200


@dataclass(frozen=True, slots=True)
class Thing:
    """What stands on a shelf.

    Attributes
    ----------
    key : str
        What it is asked for by.
    title, note, facts : str
        What people read, as it is; the note and the facts are smaller.
    pictures : tuple of str
        Digests of its pictures, which come when they are asked for; at most four.
    is_chosen : bool
        It is the one that is looked at.
    """

    key: str
    title: str
    note: str = ""
    facts: str = ""
    pictures: tuple[str, ...] = ()
    is_chosen: bool = False


class Shelf(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """Shows things side by side, each a button; takes no room while there are none and nothing is said of that.

    Parameters
    ----------
    label : str
        What stands above them.
    open_ : callable
        Called with the key of a thing that was chosen.
    pictures : callable
        Takes the key of a thing, returns its small pictures.
    size : {"small", "large", "words"}
        Pictures only, cards, or rows of text.
    empty : str
        What is said when there is nothing.
    """

    _esm = esm(PICTURED, _HERE / "view.js")
    _css = _HERE / "view.css"
    label = traitlets.Unicode().tag(sync=True)
    size = traitlets.Enum(("small", "large", "words"), "large").tag(sync=True)
    empty = traitlets.Unicode().tag(sync=True)
    things: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)

    def __init__(
        self,
        label: str,
        open_: Callable[[str], object],
        pictures: Callable[[str], Iterable[bytes]] = lambda _key: (),
        *,
        size: str = "large",
        empty: str = "",
    ) -> None:
        super().__init__(label=label, size=size, empty=empty)
        self._open_thing, self._pictures = open_, pictures
        self._keys: frozenset[str] = frozenset()
        self.on_msg(self._hear)

    def put(self, things: Sequence[Thing]) -> None:
        """Show these."""
        self._keys = frozenset(thing.key for thing in things)
        self.things = [asdict(thing) for thing in things]

    def _hear(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        match content:
            case {"kind": "open", "key": key} if is_id(key, LONGEST_KEY) and key in self._keys:
                self._open_thing(key)
            case {"kind": "pictures", "key": key} if is_id(key, LONGEST_KEY) and key in self._keys:
                found = [picture for picture in self._pictures(key) if picture]
                self.send({"kind": "pictures", "key": key}, buffers=found)
