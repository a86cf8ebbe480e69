"""Models as a table: for a cell, for pandas, for the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Protocol, overload

from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.price import Price

if TYPE_CHECKING:
    import pandas as pd

SHOWN_ROWS = 40


class Status(Protocol):
    """What a row tells about whether a model can be used."""

    @property
    def selectable(self) -> bool:
        """It can be asked for."""

    @property
    def reason(self) -> str:
        """Why not."""


class CardList(Sequence[ModelCard]):
    """Models in an order, which show themselves as a table.

    Parameters
    ----------
    cards : iterable of ModelCard
        The models.
    status : callable
        Says of a card whether it can be used.
    """

    def __init__(self, cards: Iterable[ModelCard], status: Callable[[ModelCard], Status]) -> None:
        self._cards = tuple(cards)
        self._status = status

    @overload
    def __getitem__(self, index: int) -> ModelCard: ...
    @overload
    def __getitem__(self, index: slice) -> CardList: ...
    def __getitem__(self, index: int | slice) -> ModelCard | CardList:
        if isinstance(index, slice):
            return CardList(self._cards[index], self._status)
        return self._cards[index]

    def __len__(self) -> int:
        return len(self._cards)

    def __iter__(self) -> Iterator[ModelCard]:
        return iter(self._cards)

    def __repr__(self) -> str:
        lines = [f"{card.id:<40} {card.name} ({card.creator})" for card in self._cards[:SHOWN_ROWS]]
        return "\n".join([*lines, *self._rest()]) or "no models"

    def _repr_html_(self) -> str:
        rows = [self.row(card) for card in self._cards[:SHOWN_ROWS]]
        if not rows:
            return "<p>no models</p>"
        head = "".join(f"<th>{escape(name)}</th>" for name in rows[0])
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row.values())}</tr>" for row in rows)
        rest = "".join(f"<p>{escape(line)}</p>" for line in self._rest())
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"

    def row(self, card: ModelCard) -> dict[str, str]:
        """Return what the table tells about `card`, column → text."""
        status = self._status(card)
        return {
            "id": card.id,
            "name": card.name,
            "creator": card.creator,
            "tasks": ", ".join(card.tasks),
            "engine": card.engine,
            "price": price_in_words(card.price),
            "licence": card.licence,
            "status": "ready" if status.selectable else status.reason,
        }

    def frame(self) -> pd.DataFrame:
        """Return the table as a DataFrame, a row a model."""
        import pandas as pd

        columns = ["id", "name", "creator", "tasks", "engine", "price", "licence", "status"]
        return pd.DataFrame([self.row(card) for card in self._cards], columns=columns)

    def _rest(self) -> list[str]:
        more = len(self._cards) - SHOWN_ROWS
        return [f"… and {more} more; search(…) narrows, frame() has all"] if more > 0 else []


def price_in_words(price: Price | None) -> str:
    """Return a price as people read it, such as ``0.04–0.12 $ per image``; empty when it is not known."""
    if price is None or not price.unit:
        return ""
    same_unit = (variant for variant in price.variants if (variant.unit or price.unit) == price.unit)
    amounts = [price.amount_usd, *(variant.amount_usd for variant in same_unit)]
    known = sorted(amount for amount in amounts if amount is not None)
    if not known:
        return ""
    low, high = f"{known[0]:g}", f"{known[-1]:g}"
    return f"{low if low == high else f'{low}–{high}'} $ per {price.unit.replace('_', ' ')}"
