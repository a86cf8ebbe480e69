"""What a service lists now, merged over what the catalog says: pure, so that every rule can be tried alone.

The idea to know: a list is newer than the catalog but says less. Types, ranges, defaults and unit prices are taken from
it; what it cannot say – rules of prices, kinds of files, help, which runs a value comes from – stays as it was. Nothing
is made up: what the catalog would have to guess is left as it was and told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
from msgspec import UNSET

from studio_kernel.catalog import build
from studio_kernel.catalog.entries import CatalogFile, ModelEntry, ParameterEntry, PriceEntry, stated
from studio_kernel.catalog.openapi.about import About
from studio_kernel.catalog.openapi.document import describe
from studio_kernel.domain.parameters import MEDIA_TYPES
from studio_kernel.domain.tasks import MAKING
from studio_kernel.domain.values import Json
from studio_kernel.errors import CatalogError

What = Literal["new", "price", "parameters", "deprecated", "missing", "offered again", "left out"]
PRICES_PAGE = "https://api.fal.ai/v1/models/pricing"


@dataclass(frozen=True, slots=True)
class Listing:
    """One endpoint as the service lists it.

    Attributes
    ----------
    endpoint : str
        Its id.
    name, category, description, status : str
        As the service says.
    document : mapping or None
        Its OpenAPI document; `None` = the service has none at hand.
    """

    endpoint: str
    name: str = ""
    category: str = ""
    description: str = ""
    status: str = "active"
    document: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Listing | None:
        """Return what an entry of the platform API says; `None` for one that names no endpoint."""
        endpoint, about = entry.get("endpoint_id"), entry.get("metadata")
        if not isinstance(endpoint, str) or not endpoint:
            return None
        told = about if isinstance(about, Mapping) else {}
        document = entry.get("openapi")
        has_one = isinstance(document, Mapping) and "error" not in document and bool(document)
        texts = {name: str(told.get(key) or "") for name, key in _TEXTS.items()}
        return cls(
            endpoint, **texts, status=str(told.get("status") or "active"), document=document if has_one else None
        )


_TEXTS = {"name": "display_name", "category": "category", "description": "description"}


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """What one unit of an endpoint costs, in US dollars."""

    endpoint: str
    amount_usd: float
    unit: str

    @classmethod
    def of(cls, entry: object) -> UnitPrice | None:
        """Return what an entry of the platform API says; `None` for one that cannot be counted in dollars."""
        if not isinstance(entry, Mapping) or entry.get("currency") != "USD":
            return None
        endpoint, amount, unit = entry.get("endpoint_id"), entry.get("unit_price"), entry.get("unit")
        is_amount = isinstance(amount, (int, float)) and not isinstance(amount, bool) and 0 <= amount < float("inf")
        if not isinstance(endpoint, str) or not isinstance(unit, str) or not is_amount:
            return None
        return cls(endpoint, float(amount), unit)  # type: ignore[arg-type]  # a number, as just asked


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is other than the catalog says.

    Attributes
    ----------
    model : str
        Catalog id; the id of the endpoint where there is no entry.
    what : str
        Of which kind.
    text : str
        What was and what is, in words.
    """

    model: str
    what: What
    text: str

    def to_json(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {"model": self.model, "what": self.what, "text": self.text}


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a list makes of the catalog.

    Attributes
    ----------
    entries : mapping
        Id → entry, complete, for everything that was looked at and is listed or was.
    changes : tuple of Change
        What is other than before.
    """

    entries: Mapping[str, ModelEntry] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()


def merged(
    known: Mapping[str, ModelEntry],
    listings: Iterable[Listing],
    prices: Iterable[UnitPrice],
    today: str,
    *,
    is_whole_list: bool,
) -> Refreshed:
    """Return the entries of a service as it lists them now.

    Parameters
    ----------
    known : mapping
        Id → entry of the catalog, those of this service alone.
    today : str
        Year, month and day.
    is_whole_list : bool
        Whether an endpoint that is not in the list is gone.
    """
    ids = {entry.endpoint: key for key, entry in known.items()}
    priced = {price.endpoint: price for price in prices}
    entries: dict[str, ModelEntry] = {}
    changes: list[Change] = []
    seen: set[str] = set()
    for listing in listings:
        if listing.endpoint in seen:
            continue
        seen.add(listing.endpoint)
        key = ids.get(listing.endpoint, f"fal/{listing.endpoint}")
        price = priced.get(listing.endpoint)
        entry, found = (
            _updated(key, known[key], listing, price, today) if key in known else _new(key, listing, price, today)
        )
        changes += found
        if entry is not None:
            entries[key] = entry
    if is_whole_list:
        for key, entry in known.items():
            if entry.endpoint not in seen:
                entries[key], found = _missing(key, entry, today)
                changes += found
    return Refreshed(entries, tuple(changes))


def as_file(entries: Mapping[str, ModelEntry]) -> bytes:
    """Return entries as a catalog file."""
    return msgspec.json.format(msgspec.json.encode(CatalogFile(models=dict(entries))), indent=1)


# Endpoints


def _new(key: str, listing: Listing, price: UnitPrice | None, today: str) -> tuple[ModelEntry | None, list[Change]]:
    if listing.status != "active" or listing.category not in MAKING:
        return None, []  # what makes neither pictures nor clips nor sound is no news here
    if listing.document is None:
        return None, [Change(listing.endpoint, "left out", "the service has no description of it at hand")]
    about = About(
        listing.endpoint, "fal", listing.name, "", listing.description, listing.category, _address(listing), today
    )
    try:
        entry = describe(listing.document, about).entry
    except CatalogError as error:
        return None, [Change(listing.endpoint, "left out", "; ".join(each.message for each in error.problems))]
    if price is not None:
        entry = _changed(entry, price=price_entry(price, today))
    if mistakes := _mistakes(key, entry):
        return None, [Change(listing.endpoint, "left out", mistakes)]
    cost = f", {price.amount_usd:g} $ per {unit_of(price.unit)}" if price is not None else ", price not known"
    return entry, [Change(key, "new", f"{entry.name}: {', '.join(entry.tasks)}{cost}")]


def _updated(
    key: str, entry: ModelEntry, listing: Listing, price: UnitPrice | None, today: str
) -> tuple[ModelEntry, list[Change]]:
    changes: list[Change] = []
    fields: dict[str, Any] = {"as_of": today, "read_from": _read_from(entry, listing)}
    if listing.document is not None:
        try:
            described = describe(listing.document, About(entry.endpoint, "fal", category=listing.category)).entry
        except CatalogError as error:
            text = f"kept as they were: {'; '.join(each.message for each in error.problems)}"
            changes.append(Change(key, "parameters", text))
        else:
            parameters, said = _parameters(entry.parameters, described.parameters)
            if said and (wrong := _mistakes(key, _changed(entry, parameters=parameters))):
                changes.append(Change(key, "parameters", f"kept as they were, for the new ones do not fit: {wrong}"))
            elif said:
                fields["parameters"] = parameters
                changes.append(Change(key, "parameters", "; ".join(said)))
    if price is not None:
        fields["price"], told = _price(entry.price, price, today)
        changes += [Change(key, "price", told)] if told else []
    availability, found = _availability(key, entry, listing.status, today)
    return _changed(entry, **fields, availability=availability), [*changes, *found]


def _missing(key: str, entry: ModelEntry, today: str) -> tuple[ModelEntry, list[Change]]:
    was_missing = entry.availability.startswith("missing") or entry.retired_on is not None
    change = Change(key, "missing", f"{entry.endpoint} is not listed any more (as of {today})")
    gone = entry.availability if was_missing else f"missing-{today[:7]}"
    return _changed(entry, availability=gone), [] if was_missing else [change]


def _availability(key: str, entry: ModelEntry, status: str, today: str) -> tuple[str, list[Change]]:
    """Return whether the service has it; an end that was announced stays announced."""
    was = entry.availability
    if status == "deprecated":
        said = [] if was.startswith("deprecated") else [Change(key, "deprecated", f"the service calls it so ({today})")]
        return was if not said else f"deprecated-{today[:7]}", said
    if entry.retired_on is not None:
        return was, []
    again = was.startswith(("missing", "deprecated"))
    return f"listed-{today[:7]}", [Change(key, "offered again", f"was {was!r}")] if again else []


def _mistakes(key: str, entry: ModelEntry) -> str:
    """Return what the catalog has against an entry; empty when nothing."""
    return "; ".join(f"{each.field} {each.message}" for each in build.model(key, entry, build.Shelf())[1])


def _read_from(entry: ModelEntry, listing: Listing) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*entry.read_from, _address(listing)]))


def _address(listing: Listing) -> str:
    return f"https://api.fal.ai/v1/models?endpoint_id={listing.endpoint}"


def _changed(entry: ModelEntry, **fields: Any) -> ModelEntry:
    return msgspec.structs.replace(entry, **fields)


# Parameters

_SAID = ("type", "default", "min", "max", "step", "choices", "required", "max_length", "multiple", "max_items")
"""What a document can say of a parameter."""
_KEPT_TYPES = MEDIA_TYPES | {"size", "object", "loras"}


def _parameters(
    was: Mapping[str, ParameterEntry | None], now: Mapping[str, ParameterEntry | None]
) -> tuple[dict[str, ParameterEntry | None], list[str]]:
    """Return the parameters in the order of the document, and what is other than before, in words."""
    found: list[str] = []
    result: dict[str, ParameterEntry | None] = {}
    for name, entry in now.items():
        old = was.get(name)
        if entry is None or (old is None and name in was):
            result[name] = old
        elif old is None:
            result[name] = entry
            found.append(f"{name} is new")
        else:
            result[name], said = _parameter(name, old, entry)
            found += said
    found += [f"{name} is gone" for name in was if name not in now]
    return result, found


def _parameter(name: str, was: ParameterEntry, now: ParameterEntry) -> tuple[ParameterEntry, list[str]]:
    old, new = stated(was), stated(now)
    if old.get("type") in _KEPT_TYPES and new.get("type") in ("text", "object"):
        new.pop("type")  # that a text is the address of a file is known here and not there
    if new.get("step") == 1:
        new.pop("step")  # that whole numbers are meant is said by the type
    if "choices" not in new and old.get("choices") and new.get("type") == old.get("type") == "text":
        new = {key: value for key, value in new.items() if key != "max_length"}  # a list that is known in part
    changed = {key: new[key] for key in _SAID if key in new and not _same(new[key], old.get(key))}
    if old.get("required") is True and "required" not in new:
        changed["required"] = UNSET
    if old.get("open_choices") and set(changed.get("choices", ())) <= set(old.get("choices", ())):
        changed.pop("choices", None)
    said = [f"{name}.{key}: {_shown(old.get(key))} → {_shown(value)}" for key, value in changed.items()]
    return (msgspec.structs.replace(was, **changed) if changed else was), said


def _same(first: object, second: object) -> bool:
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        return list(first) == list(second)
    return first == second and isinstance(first, bool) == isinstance(second, bool)


def _shown(value: object) -> str:
    if value is UNSET or value is None:
        return "nothing"
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


# Prices

_UNITS = (
    "image",
    "megapixel",
    "second",
    "minute",
    "generation",
    "video",
    "audio",
    "request",
    "compute_second",
    "1m_tokens",
)
_SCALES: Mapping[str, tuple[str, float]] = {
    "second": ("second", 1), "5_seconds": ("second", 5), "30_seconds": ("second", 30), "minute": ("second", 60),
    "100_chars": ("character", 100), "1000_chars": ("character", 1000), "character": ("character", 1),
}  # fmt: skip
"""Units that are others many times over."""


def unit_of(text: str) -> str:
    """Return the catalog's word for a unit, such as ``megapixel`` for ``megapixels``; an unknown one as it is."""
    plain = "_".join(text.lower().replace("-", " ").split())
    for unit in (*_UNITS, *_SCALES):
        if plain.rstrip("s") == unit.rstrip("s"):
            return unit
    return plain


def _price(was: PriceEntry | None, read: UnitPrice, today: str) -> tuple[PriceEntry | None, str]:
    """Return the price as it is now, and what is other than before, in words."""
    now = price_entry(read, today)
    if was is None or (was.amount_usd is None and not was.variants):
        return now, f"{read.amount_usd:g} $ per {now.unit}, which was not known"
    if was.amount_usd is None:
        return was, ""  # there is no one amount that the one of the list could be held against
    if _a_plain_unit(was.unit, was.amount_usd) == _a_plain_unit(now.unit, read.amount_usd):
        return was if _has_rules(was) else _priced(was, as_of=today, source=now.source), ""
    said = f"{was.amount_usd:g} $ per {was.unit} → {read.amount_usd:g} $ per {now.unit}"
    if not _has_rules(was):
        return _priced(was, unit=now.unit, amount_usd=read.amount_usd, as_of=today, source=now.source), said
    if was.unit != now.unit:
        return was, f"{said}; kept as it was, for its rules count in another unit"
    told = (
        f"The base price was {was.amount_usd:g} $ in {was.as_of} and is {read.amount_usd:g} $ since {today}; what it "
        "costs under conditions was not read anew."
    )
    note = " ".join(filter(None, [was.note, told]))
    fields = {"amount_usd": read.amount_usd, "as_of": today, "source": now.source, "note": note, "is_tentative": True}
    return _priced(was, **fields), f"{said}; its rules are those of {was.as_of}, so that it is uncertain"


def price_entry(price: UnitPrice, today: str) -> PriceEntry:
    """Return what a service said of a price as a price of the catalog."""
    source = f"{PRICES_PAGE}?endpoint_id={price.endpoint}"
    return PriceEntry(unit=unit_of(price.unit), amount_usd=price.amount_usd, as_of=today, source=source)


def _a_plain_unit(unit: str, amount: float) -> tuple[str, float]:
    base, many = _SCALES.get(unit, (unit, 1))
    return base, round(amount / many, 9)


def _has_rules(price: PriceEntry) -> bool:
    """Whether more than unit and amount decide what it costs."""
    plain = {"unit", "amount_usd", "as_of", "source", "note"}
    empty = PriceEntry()
    return any(getattr(price, name) != getattr(empty, name) for name in price.__struct_fields__ if name not in plain)


def _priced(price: PriceEntry, **fields: Any) -> PriceEntry:
    return msgspec.structs.replace(price, **fields)


def endpoints_of(entries: Mapping[str, ModelEntry], listings: Sequence[Listing]) -> Iterator[str]:
    """Yield the endpoints whose price is worth asking for: those of the catalog, and new ones that it could take in."""
    known = {entry.endpoint for entry in entries.values()}
    for listing in listings:
        is_new = listing.status == "active" and listing.category in MAKING and listing.document is not None
        if listing.endpoint in known or is_new:
            yield listing.endpoint
