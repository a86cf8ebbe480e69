"""Cards with a picture and a few words: the kernel's side of ``view.js``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from studio_widgets.explorer import intents
from studio_widgets.page.scripts import esm

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Card:
    """One card.

    Attributes
    ----------
    id : str
        What it stands for; empty when there is nothing to open.
    key : str
        Names its picture; empty when there is none.
    title : str
        In bold.
    lines : tuple of str
        What else it says.
    share : float or None
        How much of it is done, from 0 to 1; `None` = it shows no bar.
    """

    id: str
    key: str
    title: str
    lines: tuple[str, ...] = ()
    share: float | None = None


class Cards(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """Shows cards, and says which one was chosen.

    Parameters
    ----------
    label : str
        What they are, for screen readers.
    choose : callable
        Is told the id of a card.
    picture : callable
        Returns a WebP picture for the id of a card; no bytes when there is none.
    """

    _esm = esm(_HERE / "view.js")
    _css = _HERE / "view.css"
    label = traitlets.Unicode().tag(sync=True)
    cards: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    empty = traitlets.Unicode().tag(sync=True)

    def __init__(self, label: str, choose: Callable[[str], None], picture: Callable[[str], bytes]) -> None:
        super().__init__(label=label)
        self._choose, self._picture = choose, picture
        self.on_msg(self._hear)

    def show(self, cards: Sequence[Card], empty: str = "") -> None:
        """Show these, or a text when there are none."""
        with self.hold_sync():
            self.cards, self.empty = [asdict(card) for card in cards], empty

    def _hear(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        known = {card["id"] for card in self.cards}
        match intents.read(content):
            case intents.Choose(card) if card in known:
                self._choose(card)
            case intents.Pictures(ids):
                found = {each: data for each in ids if each in known and (data := self._picture(each))}
                self.send({"kind": "pictures", "ids": list(found)}, buffers=list(found.values()))
