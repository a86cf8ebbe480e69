"""What a schema cannot say about a parameter, a scheduler, offers or tips: whether the values agree with each other."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from studio_kernel.catalog.entries import PriceEntry, PriceFactorEntry, PriceTermEntry
from studio_kernel.catalog.inputs import OPTIONS
from studio_kernel.catalog.mistakes import Mistake, unknown
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.offers import Offer
from studio_kernel.domain.parameters import STANDARD, Parameter
from studio_kernel.domain.price import QUANTITIES
from studio_kernel.domain.tasks import MAKING, Task
from studio_kernel.domain.tips import Tips
from studio_kernel.domain.values import Value

_NUMERIC = frozenset({"integer", "number", "size", "loras"})


def parameter_mistakes(parameter: Parameter) -> Iterator[Mistake]:
    """Yield what is wrong with the fields of `parameter`, each named by its field."""
    bounds = list(_bound_mistakes(parameter))
    yield from bounds
    if parameter.name in OPTIONS:
        yield Mistake("", f"{parameter.name!r} is a word of requests; choose another name and state 'sent_as'")
    if bool(parameter.from_run) != bool(parameter.from_models):
        yield Mistake("from_run", "'from_run' and 'from_models' need each other")
    if parameter.from_run and (parameter.type != "text" or parameter.multiple):
        yield Mistake("from_run", "only one text can be what a run reported")
    if parameter.max_items is not None and not parameter.multiple and parameter.type != "loras":
        yield Mistake("max_items", "needs 'multiple: true'")
    if bounds:
        return  # with these, no value can be judged
    yield from _choice_mistakes(parameter)
    if parameter.default is not None:
        yield from _value_mistakes("default", parameter, parameter.default)


def price_mistakes(price: PriceEntry, parameters: Collection[str]) -> Iterator[Mistake]:
    """Yield the conditions of a price that are about nothing a request of the model has."""
    places: dict[str, tuple[PriceTermEntry | PriceFactorEntry, ...]] = {
        "variants": price.variants,
        "extras": price.extras,
        "factors": price.factors,
    }
    for field, terms in places.items():
        for i, term in enumerate(terms):
            yield from _condition_mistakes(f"{field}[{i}]", term, parameters)
    yield from _named_mistakes("only_when", price.only_when, parameters)
    yield from _named_mistakes("only_between", price.only_between, [*QUANTITIES, *parameters])


def _condition_mistakes(
    place: str, term: PriceTermEntry | PriceFactorEntry, parameters: Collection[str]
) -> Iterator[Mistake]:
    yield from _named_mistakes(f"{place}.when", term.when, parameters)
    yield from _named_mistakes(f"{place}.given", term.given, parameters)
    yield from _named_mistakes(f"{place}.between", term.between, [*QUANTITIES, *parameters])


def _named_mistakes(field: str, names: Iterable[str], known: Collection[str]) -> Iterator[Mistake]:
    for name in names:
        if name not in known:
            yield Mistake(f"price.{field}", unknown("a parameter of this model", name, known))


def _bound_mistakes(parameter: Parameter) -> Iterator[Mistake]:
    low, high, step = parameter.min, parameter.max, parameter.step
    if low is not None and high is not None and low > high:
        yield Mistake("min", f"{low!r} is above max {high!r}")
    if step is not None and step <= 0:
        yield Mistake("step", f"{step!r} is not above 0")
    elif parameter.type in {"integer", "size"} and step is not None and step != int(step):
        yield Mistake("step", f"{step!r} is not a whole number")
    if parameter.type not in _NUMERIC:
        given = {"min": low, "max": high, "step": step}
        yield from (
            Mistake(name, f"{value!r} has no meaning for {parameter.type}")
            for name, value in given.items()
            if value is not None
        )


def _choice_mistakes(parameter: Parameter) -> Iterator[Mistake]:
    if parameter.choice_labels and len(parameter.choice_labels) != len(parameter.choices):
        yield Mistake("choice_labels", f"{len(parameter.choice_labels)} for {len(parameter.choices)} choices")
    if len(set(parameter.choices)) != len(parameter.choices):
        yield Mistake("choices", "names one of them twice")
    if parameter.open_choices and not parameter.choices:
        yield Mistake("open_choices", "needs 'choices'")
    free = replace(parameter, choices=(), multiple=False, type="text" if parameter.type == "size" else parameter.type)
    for i, choice in enumerate(parameter.choices):
        yield from _value_mistakes(f"choices[{i}]", free, choice)


def _value_mistakes(field: str, parameter: Parameter, value: Value) -> Iterator[Mistake]:
    try:
        parameter.check(value)
    except (ValueError, TypeError) as error:
        yield Mistake(field, str(error))


def tips_mistakes(tips: Tips) -> Iterator[Mistake]:
    """Yield what is wrong with tips in themselves: values no model could take, ranges and sizes that disagree."""
    for name, value in tips.values.items():
        if name in STANDARD:
            yield from _value_mistakes(f"values.{name}", replace(STANDARD[name], choices=()), value)
    for name, (low, high) in tips.ranges.items():
        value = tips.values.get(name)
        if low > high:
            yield Mistake(f"ranges.{name}", f"{low:g} is above {high:g}")
        elif isinstance(value, (int, float)) and not low <= value <= high:
            yield Mistake(f"values.{name}", f"{value!r} is outside the range {low:g} … {high:g}")
    for i, size in enumerate(tips.sizes):
        if tips.multiple and any(side % tips.multiple for side in size):
            yield Mistake(f"sizes[{i}]", f"{size[0]} × {size[1]} are not multiples of {tips.multiple}")


def task_mistakes(field: str, named: tuple[Task, ...], served: tuple[Task, ...]) -> Iterator[Mistake]:
    """Yield a mistake for every task in `named` that the model does not serve."""
    for task in named:
        if task not in served or task not in MAKING:
            yield Mistake(field, f"{str(task)!r} is not one of this model's tasks: {', '.join(served) or 'none'}")


def offer_mistakes(card: ModelCard, offer: Offer, models: Mapping[str, ModelCard]) -> Iterator[Mistake]:
    """Yield what is wrong with an offer of a card among all models."""
    field = f"offers[{card.offers.index(offer)}]"
    there = models.get(offer.model)
    if there is None:
        yield Mistake(f"{field}.model", unknown("a model of the catalog", offer.model, models))
        return
    if there.offers:
        yield Mistake(f"{field}.model", f"{offer.model!r} has offers itself; name the models of services")
    own, theirs = ({parameter.name for parameter in each.parameters} for each in (card, there))
    for name in (*offer.names, *offer.values):
        if name not in own:
            yield Mistake(field, unknown("a parameter of this model", name, own))
    for name in (*offer.names.values(), *offer.fixed):
        if name not in theirs:
            yield Mistake(field, unknown(f"a parameter of {offer.model!r}", name, theirs))


def class_mistakes(class_name: str) -> Iterator[Mistake]:
    """Yield a mistake when diffusers is installed and has no scheduler of that name."""
    classes = scheduler_classes()
    if classes and class_name not in classes:
        yield Mistake("class_name", unknown("a scheduler of diffusers", class_name, classes))


@cache
def scheduler_classes() -> frozenset[str]:
    """Return the names of diffusers' schedulers; empty when it is not installed.

    Read from the text of its package, because importing diffusers loads torch and takes seconds.
    """
    found = find_spec("diffusers")
    if found is None or not found.origin:
        return frozenset()
    listing = Path(found.origin).parent / "schedulers" / "__init__.py"
    return frozenset(re.findall(r"\b\w+Scheduler\b", listing.read_text(encoding="utf-8")))
