"""A model as a row of a table, and all that is known of it as words; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape

from studio_kernel.domain import words
from studio_kernel.domain.parameters import Parameter, allowed_range
from studio_kernel.domain.values import describe
from studio_widgets.frame.panel import facts
from studio_widgets.models.weights import Weights
from studio_widgets.picker.cards import USES, rating_words
from studio_widgets.picker.entries import STANDINGS, Entry, engine_words
from studio_widgets.wording import counted

COLUMNS: Mapping[str, str] = {
    "name": "Model",
    "engine": "Runs on",
    "family": "Family",
    "size": "On disk",
    "price": "Price",
    "price_date": "Price of",
    "end": "Ends",
    "runs": "Runs",
    "used": "Last used",
    "standing": "Now",
}
MOST_CHOICES = 12


@dataclass(frozen=True, slots=True)
class Use:
    """How a model was used in this home.

    Attributes
    ----------
    last_at : datetime.datetime or None
        When the newest of its runs was asked for; `None` = not looked up yet, or never.
    """

    runs: int = 0
    last_at: datetime | None = None


NO_WEIGHTS = Weights()
NEVER_USED = Use()


@dataclass(frozen=True, slots=True)
class Row:
    """A model, the files it has here, and how it was used."""

    entry: Entry
    weights: Weights = NO_WEIGHTS
    use: Use = NEVER_USED

    def cells(self) -> dict[str, str]:
        """Return what each column says; empty where nothing is known."""
        card = self.entry.card
        size = self.weights.size_bytes
        return {
            "name": card.name or card.id,
            "engine": engine_words(card.engine),
            "family": card.family,
            "size": words.size(size) if size is not None else "",
            "price": self.entry.price.text,
            "price_date": card.price.as_of if card.price else "",
            "end": str(card.retired_on or ""),
            "runs": f"{self.use.runs:,}" if self.use.runs else "",
            "used": f"{self.use.last_at:%Y-%m-%d}" if self.use.last_at else "",
            "standing": STANDINGS[self.entry.standing],
        }


def order_of(column: str) -> Callable[[Row], tuple[object, ...]]:
    """Return what sorts rows by a column.

    What can be used comes before what cannot, and on this machine before at a service.
    """
    return lambda row: _place(_KEYS[column](row))


def has_value(column: str, row: Row) -> bool:
    """Whether a row says anything to sort it by; one that does not stands at the end, whichever way it is sorted."""
    return _KEYS[column](row) is not None


_KEYS: Mapping[str, Callable[[Row], object]] = {
    "name": lambda row: (row.entry.card.name or row.entry.id).casefold(),
    "engine": lambda row: engine_words(row.entry.card.engine).casefold(),
    "family": lambda row: row.entry.card.family.casefold() or None,
    "size": lambda row: row.weights.size_bytes,
    "price": lambda row: row.entry.price.run_usd,
    "price_date": lambda row: (row.entry.card.price.as_of if row.entry.card.price else "") or None,
    "end": lambda row: row.entry.card.retired_on,
    "runs": lambda row: row.use.runs or None,
    "used": lambda row: row.use.last_at,
    "standing": lambda row: (list(STANDINGS).index(row.entry.standing), not row.entry.is_local),
}


def details(row: Row) -> str:
    """Return everything that is known of a model, as HTML with everything escaped."""
    return facts(list(_facts(row))) + _tips(row) + _parameters(row)


def _facts(row: Row) -> Iterator[tuple[str, str]]:
    entry, card = row.entry, row.entry.card
    yield "Id", card.id
    yield "Creator", card.creator or "not said"
    yield "Tasks", ", ".join(task.label for task in card.tasks)
    yield "Now", entry.status.reason or STANDINGS["ready"]
    if entry.is_local:
        yield from _of_weights(row)
    else:
        yield from _of_service(row)
    yield "Licence", f"{entry.licence} ({USES[entry.use]})" if entry.licence else "not in the catalog"
    if card.retired_on:
        yield "Retirement", str(card.retired_on)
    if entry.own:
        yield "Own entry", entry.own
    runs = counted(row.use.runs, "run")
    last = f", the last on {row.use.last_at:%Y-%m-%d %H:%M} UTC" if row.use.last_at else ""
    yield "Used", f"{runs}{last}" if row.use.runs else "never in this home"
    if entry.rating:
        yield "Rating", rating_words(entry)
    if card.note:
        yield "Note", card.note
    if card.homepage:
        yield "Page", card.homepage
    if card.read_from:
        yield "Read from", "; ".join(card.read_from)
    yield "As of", card.as_of or "not said"


def _of_weights(row: Row) -> Iterator[tuple[str, str]]:
    card, weights = row.entry.card, row.weights
    if card.family:
        yield "Family", card.family
    yield "Weights", weights.place or "its entry names none"
    yield "On disk", words.size(weights.size_bytes) if weights.size_bytes is not None else "nothing found"
    if row.entry.standing != "retired":
        yield "Complete", "yes" if row.entry.status.selectable else "no"


def _of_service(row: Row) -> Iterator[tuple[str, str]]:
    card, price = row.entry.card, row.entry.price
    yield "Service", engine_words(card.engine)
    if card.source.endpoint:
        yield "Address there", card.source.endpoint
    if card.offers:
        yield "Services", ", ".join(offer.model for offer in card.offers)
    yield "Price", f"{price.text}; {price.detail}".rstrip("; .")
    if card.price and card.price.source:
        yield "Price from", card.price.source
    if card.availability:
        yield "Listed", card.availability.replace("-", " ", 1)


def _tips(row: Row) -> str:
    tips = row.entry.tips
    if tips is None:
        return ""
    values = [(name.replace("_", " ").capitalize(), describe(value)) for name, value in tips.values.items()]
    notes = "".join(f"<li>{escape(note)}</li>" for note in tips.notes)
    listed = f"<ul>{notes}</ul>" if notes else ""
    return f'<h4 class="sm-head">Tips for {escape(tips.name)}</h4>{facts(values)}{listed}'


def _parameters(row: Row) -> str:
    rows = "".join(
        f"<tr><th scope='row'>{escape(each.title)}</th><td>{escape(allowed(each))}</td>"
        f"<td>{escape(default_of(each))}</td></tr>"
        for each in row.entry.card.parameters
    )
    head = "<tr><th scope='col'>Parameter</th><th scope='col'>Takes</th><th scope='col'>Default</th></tr>"
    return f'<table class="sm-parameters"><thead>{head}</thead><tbody>{rows}</tbody></table>'


def allowed(parameter: Parameter) -> str:
    """Return what a parameter takes, in words."""
    if parameter.choices:
        shown = [str(each) for each in parameter.choices[:MOST_CHOICES]]
        more = len(parameter.choices) - len(shown)
        others = " or others" if parameter.open_choices else ""
        return ", ".join(shown) + (f" and {more} more" if more else "") + others
    if parameter.type in ("integer", "number"):
        is_multiple = parameter.type == "integer" and parameter.step is not None and parameter.step > 1
        return allowed_range(parameter) + (f", multiples of {parameter.step:g}" if is_multiple else "")
    if parameter.is_media:
        return f"a file ({parameter.type})"
    if parameter.type == "text":
        return f"text, at most {parameter.max_length} characters" if parameter.max_length else "text"
    return "yes or no" if parameter.type == "boolean" else parameter.type


def default_of(parameter: Parameter) -> str:
    """Return the default of a parameter, in words."""
    if parameter.required:
        return "required"
    return "none" if parameter.default in (None, "", ()) else describe(parameter.default)


def _place(key: object) -> tuple[object, ...]:
    return key is None, key if key is not None else 0
