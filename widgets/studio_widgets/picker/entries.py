"""A model with everything that lists of models show, filter and sort by.

An entry is made once for each model, from the catalog and from what its engine says. Nothing here loads, traces or
fetches: a home with 2,000 models opens at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Literal

from studio_kernel import keys
from studio_kernel.catalog.models import ModelStatus, is_retired
from studio_kernel.catalog.wording import Wording
from studio_kernel.domain.marks import Rating
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.tips import Tips
from studio_widgets.picker.licences import CommercialUse, commercial_use
from studio_widgets.picker.prices import PriceTag, price_of

if TYPE_CHECKING:
    from studio_kernel.catalog.models import Models
    from studio_kernel.view import HomeView

Standing = Literal["ready", "key", "weights", "memory", "other", "retired"]
"""Whether a model can be asked for now, and what it lacks otherwise."""
STANDINGS: Mapping[Standing, str] = {
    "ready": "Can be used now",
    "key": "Needs a key",
    "weights": "Weights or packages missing",
    "memory": "Needs more memory",
    "other": "Cannot be used here",
    "retired": "Retired",
}
BOUNDS_USD = (0.01, 0.05, 0.1, 0.5, 1.0)
"""Amounts for a run that the price filter offers."""
_ENGINES = {"diffusers": "This machine", "procedural": "This machine, computed", "switch": "Any of several services"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of a list.

    Attributes
    ----------
    place : int
        In the catalog.
    licence : str
        Of the catalog entry, else of the tips that hold for it; empty = not said.
    own : str
        The user's catalog file that it stands in; empty = none.
    marks : mapping
        Name of a filter → the values under which this model is found.
    rating : Rating or None
        What people of this home said of its runs; `None` = nothing, or not looked up yet.
    """

    card: ModelCard
    place: int
    wording: Wording
    status: ModelStatus
    standing: Standing
    price: PriceTag
    licence: str
    use: CommercialUse
    tips: Tips | None = None
    own: str = ""
    marks: Mapping[str, frozenset[str]] = field(default_factory=dict, compare=False)
    rating: Rating | None = None

    @property
    def id(self) -> str:
        """Its catalog id."""
        return self.card.id

    @property
    def is_local(self) -> bool:
        """Whether it is computed on this machine."""
        return works_here(self.card)


def works_here(card: ModelCard) -> bool:
    """Return whether a model is computed on this machine, as far as its card tells."""
    return not card.source.endpoint and not card.offers


def engine_words(engine: str) -> str:
    """Return who computes the models of an engine."""
    place = keys.PLACES.get(engine)
    return place.title if place else _ENGINES.get(engine, engine)


def licence_of(card: ModelCard, tips: Tips | None) -> str:
    """Return the licence, as the entry says it, else the tips that hold for it."""
    return card.licence or (tips.licence if tips else "")


def missing_keys() -> dict[str, str | None]:
    """Return for each service why it has no key; `None` where it has one."""
    return {service: keys.missing(service) for service in keys.PLACES}


def entries_of(studio: HomeView, *, today: date | None = None) -> list[Entry]:
    """Return every model that is not hidden, in catalog order."""
    models = studio.models
    shown = [card for card in models.values() if not card.hidden]
    return list(Maker(studio, models, today).make(shown))


class Maker:
    """Makes entries of cards.

    Parameters
    ----------
    today : datetime.date or None
        The day that retirement is judged on; `None` = now.
    """

    def __init__(self, studio: HomeView, models: Models, today: date | None = None) -> None:
        self._catalog, self._models = studio.catalog, models
        self._today = today or datetime.now(UTC).date()
        self._missing = missing_keys()

    def make(self, cards: Iterable[ModelCard]) -> Iterator[Entry]:
        """Yield an entry for each card."""
        for place, card in enumerate(cards):
            yield self.entry(card, place)

    def entry(self, card: ModelCard, place: int = 0) -> Entry:
        """Return the entry of a card."""
        status, tips = self._models.status(card, self._today), self._catalog.tips_for(card)
        licence, price = licence_of(card, tips), price_of(card, self._models)
        standing, use = self._standing(card, status), commercial_use(licence)
        return Entry(
            card,
            place,
            Wording.of(card),
            status,
            standing,
            price,
            licence,
            use,
            tips,
            self._catalog.own.get(card.id, ""),
            _marks(card, standing, price, licence, use),
        )

    def _standing(self, card: ModelCard, status: ModelStatus) -> Standing:
        if status.selectable:
            return "ready"
        if is_retired(card, self._today):
            return "retired"
        if self._lacks_key(card, status):
            return "key"
        return "weights" if works_here(card) else "other"

    def _lacks_key(self, card: ModelCard, status: ModelStatus) -> bool:
        """Return whether nothing but a key is missing, of one of its services where there are several."""
        if status.reason and status.reason == self._missing.get(card.engine):
            return True
        offered = [self._models[offer.model] for offer in card.offers if offer.model in self._models]
        return any(self._lacks_key(there, self._models.status(there, self._today)) for there in offered)


def _marks(
    card: ModelCard, standing: Standing, price: PriceTag, licence: str, use: CommercialUse
) -> dict[str, frozenset[str]]:
    return {
        "task": frozenset(map(str, card.tasks)),
        "creator": frozenset({card.creator}),
        "engine": frozenset({card.engine}),
        "price": frozenset({price.kind, *_bounds(price)}),
        "licence": frozenset({f"use:{use or 'unknown'}", *([f"is:{licence}"] if licence else [])}),
        "here": frozenset({standing}),
    }


def _bounds(price: PriceTag) -> Iterator[str]:
    return (f"{bound:g}" for bound in BOUNDS_USD if price.run_usd is not None and price.run_usd <= bound)


def with_rating(entry: Entry, rating: Rating | None) -> Entry:
    """Return an entry that says how its runs were rated."""
    return entry if entry.rating == rating else replace(entry, rating=rating)


def with_standing(entry: Entry, standing: Standing) -> Entry:
    """Return an entry whose standing is known better."""
    return replace(entry, standing=standing, marks={**entry.marks, "here": frozenset({standing})})
