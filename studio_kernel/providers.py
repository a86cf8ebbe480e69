"""Which services do a model that several have: those that can be used now, in the order that the home has settled."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from studio_kernel.assets.facts import file_facts
from studio_kernel.domain.estimate import Confidence, CostBasis, CostEstimate
from studio_kernel.domain.pricing import cost_of
from studio_kernel.domain.quantities import InputFacts
from studio_kernel.engines.base import Provider
from studio_kernel.errors import InvalidRequestError

if TYPE_CHECKING:
    from studio_kernel.catalog.models import Models
    from studio_kernel.domain.model import ModelCard
    from studio_kernel.domain.request import GenerationRequest
    from studio_kernel.domain.values import AssetRef
    from studio_kernel.engines.registry import EngineRegistry
    from studio_kernel.settings import ProviderSettings

Read = Callable[["AssetRef"], Path]


def input_facts(request: GenerationRequest, read: Read, seconds: float | None = None) -> InputFacts:
    """Return what is known of the files of a request, for its price."""
    files = {name: file_facts(read(ref), ref.media_type) for name, ref in request.inputs.items()}
    return InputFacts(files, seconds)


@dataclass(frozen=True, slots=True)
class Providers:
    """The services of models with offers.

    Attributes
    ----------
    models : Models
        All models.
    engines : EngineRegistry
        What speaks to the services.
    settled : ProviderSettings
        How one is chosen.
    """

    models: Models
    engines: EngineRegistry
    settled: ProviderSettings

    def of(self, card: ModelCard, request: GenerationRequest, read: Read) -> tuple[Provider, ...]:
        """Return the services to try, in order."""
        return self._sorted(card, request, read, [each for each in self._all(card) if self._is_usable(each)])

    def _all(self, card: ModelCard) -> list[Provider]:
        return [
            Provider(offer, self.models[offer.model], self.engines.get(self.models[offer.model].engine))
            for offer in card.offers
            if offer.model in self.models
        ]

    def _is_usable(self, provider: Provider) -> bool:
        return self.models.status(provider.card).selectable

    def _sorted(
        self, card: ModelCard, request: GenerationRequest, read: Read, found: list[Provider]
    ) -> tuple[Provider, ...]:
        if self.settled.choose == "price":
            facts = input_facts(request, read)
            found.sort(key=lambda provider: _amount(_cost(provider, request, card, facts)))
        else:
            places: Mapping[str, int] = {service: place for place, service in enumerate(self.settled.order)}
            found.sort(key=lambda provider: places.get(provider.engine.name, len(places)))
        return tuple(found if self.settled.fallback else found[:1])

    def dearest(self, card: ModelCard, request: GenerationRequest, read: Read) -> CostEstimate:
        """Return what a request costs at most: which service does it is known only afterwards.

        Where none can be used now, such as for want of a key, it is what they would cost.
        """
        facts = input_facts(request, read)
        costs = [
            (provider, cost)
            for provider in self.of(card, request, read) or self._sorted(card, request, read, self._all(card))
            if (cost := _cost(provider, request, card, facts)) is not None
        ]
        if not costs:
            return CostEstimate(None, CostBasis.UNKNOWN, Confidence.LOW, note="none of its services can do this")
        provider, cost = max(costs, key=lambda found: _amount(found[1]))
        told = f"at {provider.card.id}" + (f", the dearest of {len(costs)}" if len(costs) > 1 else "")
        return replace(cost, note=f"{told}; {cost.note}" if cost.note else told)

    def unavailable(self, card: ModelCard) -> str | None:
        """Return why none of the services of a model can be used; `None` when one can."""
        reasons = []
        for offer in card.offers:
            there = self.models.get(offer.model)
            status = self.models.status(there) if there is not None else None
            if status is not None and status.selectable:
                return None
            reasons.append(f"{offer.model}: {status.reason if status else 'not in the catalog'}")
        return "none of its services can be used: " + "; ".join(reasons)


def _cost(provider: Provider, request: GenerationRequest, here: ModelCard, facts: InputFacts) -> CostEstimate | None:
    """Return what a service charges; `None` when it cannot do this."""
    try:
        return cost_of(provider.card, provider.request(request, here), facts, is_remote=True)
    except InvalidRequestError:
        return None


def _amount(cost: CostEstimate | None) -> float:
    """Return an amount to compare; what nobody knows counts as the dearest."""
    return math.inf if cost is None or cost.cost_usd is None else cost.cost_usd
