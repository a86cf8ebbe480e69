"""What a request costs: the catalog's price held against its values.

`cost_of` is the one way from a price to an amount. The idea to know: what decides an amount is a field of the price or
a value of the request; what neither says is assumed, each assumption is told in the note, and the amount is then
called assumed. Amounts are computed as fractions and rounded once, so that no order of adding matters; several are
added with `math.fsum`, which rounds once too.
"""

from __future__ import annotations

import calendar
import math
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from fractions import Fraction

from studio_kernel.domain.estimate import FREE, Confidence, CostBasis, CostEstimate
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.price import Bounds, Price, PriceCondition, PriceTerm
from studio_kernel.domain.quantities import InputFacts, Quantities
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import Value

OLD_PRICE = timedelta(days=365)
CHOSEN_BY_SERVICE = frozenset({"auto", "adaptive"})
NOTHING_KNOWN = InputFacts()


def cost_of(
    card: ModelCard, request: GenerationRequest, facts: InputFacts = NOTHING_KNOWN, *, is_remote: bool | None = None
) -> CostEstimate:
    """Return what a request costs.

    Parameters
    ----------
    card : ModelCard
        Its model; defaults of its parameters count where the request says nothing.
    facts : InputFacts
        What is known of its files.
    is_remote : bool or None
        Whether its engine works elsewhere, so that no price means an unknown one; `None` = if the card has an endpoint.
    """
    price = card.price
    if price is None:
        remote = bool(card.source.endpoint) if is_remote is None else is_remote
        return _unknown(None, f"the catalog has no price for {card.id!r}") if remote else FREE
    return _Bill(card, price, request, facts).estimate()


def total_of(costs: Iterable[CostEstimate]) -> CostEstimate:
    """Return what several cost together: `math.fsum` of the amounts, unknown if one of them is."""
    listed = list(costs)
    known = [cost.cost_usd for cost in listed if cost.cost_usd is not None]
    unknown = [cost for cost in listed if cost.cost_usd is None]
    basis = max((cost.basis for cost in listed), key=list(CostBasis).index, default=CostBasis.LOCAL)
    notes = dict.fromkeys(cost.note for cost in unknown or listed if cost.note)
    units = {cost.unit for cost in listed}
    return CostEstimate(
        None if unknown else math.fsum(known),
        basis,
        Confidence.lowest(*(cost.confidence for cost in listed)),
        unit=units.pop() if len(units) == 1 else "",
        units=math.fsum(cost.units for cost in listed) if not units else 0.0,
        as_of=min((cost.as_of for cost in listed if cost.as_of), default=""),
        source=next((cost.source for cost in listed if cost.source), ""),
        note=" ".join(notes),
    )


def price_warnings(cost: CostEstimate, today: date) -> tuple[str, ...]:
    """Return what to know of an amount before relying on it, such as that its price was read long ago."""
    found = [is_old] if (is_old := old_price(cost, today)) else []
    if cost.basis is CostBasis.ASSUMED or (cost.is_known and cost.confidence is Confidence.LOW):
        found.append(f"the amount is uncertain: {cost.note}")
    return tuple(found)


def old_price(cost: CostEstimate, today: date) -> str:
    """Return that a price was read long ago; nothing when it was not."""
    read = _last_day(cost.as_of)
    if read is None or today - read <= OLD_PRICE:
        return ""
    return f"the price is of {cost.as_of} and may have changed since ({cost.source})"


class _Unpriced(Exception):  # noqa: N818 - a way out of counting, caught in this module
    """There is no amount; the message says why."""


class _Bill:
    """One request held against one price; remembers what it had to assume."""

    def __init__(self, card: ModelCard, price: Price, request: GenerationRequest, facts: InputFacts) -> None:
        self._price = price
        self._counted = Quantities(card, price, request, facts)
        self._values, self._assumed = self._counted.values, self._counted.assumed

    def estimate(self) -> CostEstimate:
        price = self._price
        try:
            unit, units, amount = self._amount()
            amount += sum((self._extra(term) for term in price.extras if self._holds(term.holds)), Fraction(0))
            for factor in price.factors:
                if self._holds(factor.holds):
                    amount *= Fraction(str(factor.factor))
        except _Unpriced as reason:
            return _unknown(price, str(reason))
        if price.assumes and unit not in _WHOLE:
            self._assumed.append(price.assumes)
        assumed = list(dict.fromkeys(self._assumed))
        confidence = Confidence.MEDIUM if assumed else Confidence.HIGH
        if price.is_tentative or unit == "compute_second":
            confidence = Confidence.LOW
        return CostEstimate(
            float(amount),
            CostBasis.ASSUMED if assumed else CostBasis.PRICE_LIST,
            confidence,
            unit,
            float(units),
            price.as_of,
            price.source,
            " ".join(filter(None, [*(f"Assumed: {text}." for text in assumed), price.note])),
        )

    # Which amount

    def _amount(self) -> tuple[str, Fraction, Fraction]:
        """Return the unit, how many, and what they cost."""
        price = self._price
        terms = [term for term in price.variants if not term.in_words_only]
        holding = [term for term in terms if self._matches(term.holds) is True]
        if holding:
            return self._charged(max(holding, key=lambda term: term.holds.size))
        possible = [term for term in terms if self._matches(term.holds) is None]
        if possible:
            names = dict.fromkeys(name for term in possible for name in term.holds.when if self._is_open(name))
            self._assumed.append(f"the dearest {' and '.join(names)}, which the service chooses")
            charged = [self._cost(term.unit or price.unit, Fraction(str(term.amount_usd))) for term in possible]
            return max(charged, key=lambda each: each[2])
        if not self._holds(price.only_when):
            raise _Unpriced(f"no price for {self._said(price.only_when)}")
        if price.amount_usd is None:
            raise _Unpriced("no amount is known")
        return self._cost(price.unit, Fraction(str(price.amount_usd)))

    def _charged(self, term: PriceTerm) -> tuple[str, Fraction, Fraction]:
        if term.assumes:
            self._assumed.append(term.assumes)
        return self._cost(term.unit or self._price.unit, Fraction(str(term.amount_usd)))

    def _cost(self, unit: str, amount: Fraction) -> tuple[str, Fraction, Fraction]:
        count, each = self._counted.images if unit in _PER_PICTURE else 1, self._units(unit)
        further = self._price.further_usd
        if further is None:
            return unit, count * each, count * each * amount
        first = min(each, Fraction(1))
        return unit, count * each, count * (first * amount + (each - first) * Fraction(str(further)))

    def _extra(self, term: PriceTerm) -> Fraction:
        if term.assumes and self._counted.images > 1:
            self._assumed.append(term.assumes)
        count = max(Fraction(0), self._units(term.unit or self._price.unit) - Fraction(str(term.after)))
        return count * Fraction(str(term.amount_usd))

    # Whether a condition holds

    def _holds(self, condition: PriceCondition) -> bool:
        return self._matches(condition) is True

    def _matches(self, condition: PriceCondition) -> bool | None:
        """Return whether a condition holds; `None` when only the service knows."""
        if any(self._values.get(name) in (None, "", ()) for name in condition.given):
            return False
        if not all(self._is_within(name, bounds) for name, bounds in condition.between.items()):
            return False
        found = [self._is_said(name, wanted) for name, wanted in condition.when.items()]
        return False if False in found else None if None in found else True

    def _is_said(self, name: str, wanted: Value) -> bool | None:
        value = _plain(self._values.get(name))
        if value in [_plain(each) for each in (wanted if isinstance(wanted, tuple) else (wanted,))]:
            return True
        return None if self._is_open(name) and wanted is not None else False

    def _is_open(self, name: str) -> bool:
        value = self._values.get(name)
        return value is None or value in CHOSEN_BY_SERVICE

    def _is_within(self, name: str, bounds: Bounds) -> bool:
        value = self._quantity(name)
        above, up_to = (None if bound is None else Fraction(str(bound)) for bound in bounds)
        return value is not None and (above is None or value > above) and (up_to is None or value <= up_to)

    def _quantity(self, name: str) -> Fraction | None:
        if name == "seconds":
            return self._counted.seconds
        if name == "megapixels":
            return self._counted.megapixels
        if name == "short_side":
            return Fraction(min(self._counted.sides))
        value = self._values.get(name)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return Fraction(str(value)) if is_number else None

    def _said(self, condition: PriceCondition) -> str:
        """Return what the request has of a condition's subjects, for people."""
        values = [f"{name} {self._values.get(name)!r}" for name in condition.when]
        return ", ".join([*values, *(f"{float(self._quantity(name) or 0):g} {name}" for name in condition.between)])

    # How many units

    def _units(self, unit: str) -> Fraction:
        if unit in _WHOLE:
            return Fraction(1)
        if unit == "megapixel":
            return self._charged_megapixels()
        if unit in _UNIT_SECONDS:
            return self._stepped(self._counted.seconds / _UNIT_SECONDS[unit])
        if unit in _UNIT_CHARACTERS:
            return Fraction(self._counted.characters, _UNIT_CHARACTERS[unit])
        if unit == "1m_tokens":
            return self._counted.tokens / 1_000_000
        if unit == "compute_second":
            return self._counted.compute_seconds
        if unit == "input_image":
            return Fraction(len(self._counted.input_images))
        raise _Unpriced(f"it is charged by {unit!r}, which cannot be counted")

    def _stepped(self, units: Fraction) -> Fraction:
        step = Fraction(str(self._price.counting.step))
        return math.ceil(units / step) * step if step else units

    def _charged_megapixels(self) -> Fraction:
        counting = self._price.counting
        if counting.frames:
            return self._counted.megapixels * self._counted.frames
        step = Fraction(str(counting.step)) or Fraction(1)
        pictures = [self._counted.megapixels, *(self._counted.input_megapixels if counting.inputs else ())]
        return sum((math.ceil(picture / step) * step for picture in pictures), Fraction(0))


_WHOLE = frozenset({"image", "generation", "video", "audio", "request"})
_PER_PICTURE = frozenset({"image", "generation", "megapixel"})
_UNIT_SECONDS: Mapping[str, int] = {"second": 1, "5_seconds": 5, "30_seconds": 30, "minute": 60}
_UNIT_CHARACTERS: Mapping[str, int] = {"100_chars": 100, "1000_chars": 1000}


def _plain(value: Value) -> object:
    """Return a value as it is compared: text in lower case, two sides as ``1024x1536``."""
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(side, int) for side in value):
        return f"{value[0]}x{value[1]}"
    if isinstance(value, bool) or value is None:
        return ("is", value)  # True is 1 otherwise
    return value.lower() if isinstance(value, str) else value


def _unknown(price: Price | None, reason: str) -> CostEstimate:
    if price is None:
        return CostEstimate(None, CostBasis.UNKNOWN, Confidence.LOW, note=reason)
    note = " ".join(filter(None, [f"{reason[0].upper()}{reason[1:]}.", price.note]))
    return CostEstimate(
        None, CostBasis.UNKNOWN, Confidence.LOW, unit=price.unit, as_of=price.as_of, source=price.source, note=note
    )


def _last_day(as_of: str) -> date | None:
    """Return the last day that a date, as far as it is known, can mean."""
    parts = [int(part) for part in as_of.split("-") if part.isdigit()]
    if len(parts) == 3:
        return date(*parts)
    if len(parts) == 2:
        return date(parts[0], parts[1], calendar.monthrange(parts[0], parts[1])[1])
    return date(parts[0], 12, 31) if parts else None
