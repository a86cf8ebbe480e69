"""What a model costs, in a few words and as a number to compare; pure.

Services count different things. To compare them, a run with the model's defaults is priced by the one way there is
(`domain.pricing.cost_of`); the words beside it say what is counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from studio_kernel.domain.budget import dollars
from studio_kernel.domain.estimate import CostBasis
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.price import Price
from studio_kernel.domain.pricing import cost_of
from studio_kernel.domain.request import GenerationRequest

NOT_KNOWN = "price not known"
_UNITS = {
    "compute_second": "second of computing",
    "1000_chars": "1000 characters",
    "1m_tokens": "million tokens",
    "5_seconds": "5 seconds",
    "30_seconds": "30 seconds",
}


@dataclass(frozen=True, slots=True)
class PriceTag:
    """What a model costs.

    Attributes
    ----------
    kind : str
        ``free`` = it runs here; ``known``; ``unknown``.
    text : str
        Such as ``0.025 $ per megapixel``.
    run_usd : float or None
        A run with the defaults, in US dollars; where nothing is counted without a prompt, one unit. `None` = not known.
    detail : str
        What stands behind the amount.
    """

    kind: Literal["free", "known", "unknown"]
    text: str
    run_usd: float | None = None
    detail: str = ""


FREE = PriceTag("free", "free", 0.0, "It runs here.")


def price_of(card: ModelCard, models: Mapping[str, ModelCard]) -> PriceTag:
    """Return what `card` costs; of one that several services have, the dearest of them."""
    if card.offers:
        return _dearest(
            [(each.model, price_of(models[each.model], {})) for each in card.offers if each.model in models]
        )
    if not card.source.endpoint and card.price is None:
        return FREE
    if card.price is None:
        return PriceTag("unknown", NOT_KNOWN, None, "The catalog has no price for it.")
    return _tag(card, card.price)


def unit_words(unit: str) -> str:
    """Return what is counted, in words."""
    return _UNITS.get(unit, unit.replace("_", " "))


def _tag(card: ModelCard, price: Price) -> PriceTag:
    run_usd, counted = _run(card)
    amounts = sorted({amount for amount in (price.amount_usd, *_alternatives(price)) if amount is not None})
    if not amounts and run_usd is None:
        return PriceTag("unknown", NOT_KNOWN, None, price.note)
    if run_usd is None:
        run_usd, counted = amounts[0], f"one unit ({unit_words(price.unit)}) costs {dollars(amounts[0])}"
    text = f"{_range(amounts)} per {unit_words(price.unit)}" if amounts and price.unit else f"{dollars(run_usd)} a run"
    told = [counted, f"price of {price.as_of}" if price.as_of else "", price.note.rstrip(".")]
    doubt = ["the source itself is not sure"] if price.is_tentative else []
    return PriceTag("known", text, run_usd, "; ".join(filter(None, [*told, *doubt])))


def _alternatives(price: Price) -> list[float]:
    return [term.amount_usd for term in price.variants if term.unit in ("", price.unit)]


def _run(card: ModelCard) -> tuple[float | None, str]:
    """Return what a run with the defaults costs, and the words for that."""
    task = card.default_task
    values = {each.name: each.default for each in card.parameters_for(task) if each.default is not None}
    cost = cost_of(card, GenerationRequest(card.id, task, values), is_remote=True)
    if cost.cost_usd is None or not cost.units:
        return None, ""
    about = "about " if cost.basis is CostBasis.ASSUMED else ""
    return cost.cost_usd, f"a run with its defaults costs {about}{dollars(cost.cost_usd)}"


def _range(amounts: Sequence[float]) -> str:
    low, high = amounts[0], amounts[-1]
    return dollars(low) if low == high else f"{dollars(low).removesuffix(' $')} to {dollars(high)}"


def _dearest(offers: Sequence[tuple[str, PriceTag]]) -> PriceTag:
    detail = "; ".join(f"{model}: {tag.text}" for model, tag in offers)
    amounts = [tag.run_usd for _model, tag in offers]
    known = [amount for amount in amounts if amount is not None]
    if not known or len(known) < len(amounts):
        return PriceTag("unknown", NOT_KNOWN, None, detail)
    return PriceTag("known", f"up to {dollars(max(known))} a run", max(known), detail)
