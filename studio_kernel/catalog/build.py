"""From entries to domain types.

Each function takes one entry and returns the card it describes together with the mistakes in it. A card with
mistakes is never used; entries whose file is known to be right skip the checks (`Shelf.checked`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from immutabledict import immutabledict
from msgspec.structs import asdict

from studio_kernel.catalog.checks import (
    class_mistakes,
    parameter_mistakes,
    price_mistakes,
    task_mistakes,
    tips_mistakes,
)
from studio_kernel.catalog.entries import (
    FamilyEntry,
    LoraEntry,
    ModelEntry,
    OfferEntry,
    ParameterEntry,
    PriceEntry,
    PriceFactorEntry,
    PriceTermEntry,
    SchedulerEntry,
    TipsEntry,
    VramEntry,
    stated,
)
from studio_kernel.catalog.mistakes import Mistake, unknown
from studio_kernel.domain.model import LoraCard, ModelCard, ModelSource, SchedulerCard
from studio_kernel.domain.offers import Offer
from studio_kernel.domain.parameters import STANDARD, Parameter, standard
from studio_kernel.domain.price import Counting, Price, PriceCondition, PriceFactor, PriceTerm, TokenPrices
from studio_kernel.domain.tasks import MAKING, Task
from studio_kernel.domain.tips import Tips, VramFigure
from studio_kernel.domain.values import Value, freeze

Stated = Mapping[str, Mapping[str, Any]]

DEFAULT_GROUP = "diffusion"
SWITCH = "switch"
"""The engine of models that several services have."""
ENGINES_WITH_SOURCE = frozenset({"diffusers", "fal", "replicate", "openai"})
"""Engines that need to be told where a model is; the procedural one and plug-ins may do without."""


@dataclass(frozen=True, slots=True)
class Family:
    """What the models of one family have in common, with everything it is based on filled in.

    Attributes
    ----------
    root : str
        The family at the bottom of its `based_on` chain; LoRAs of one root fit all families of it.
    parameters : mapping
        Name → the fields it states.
    tips : str
        Id of the tips for it.
    """

    id: str = ""
    name: str = ""
    root: str = ""
    engine: str = ""
    tasks: tuple[Task, ...] = ()
    schedulers: tuple[str, ...] = ()
    parameters: Stated = field(default_factory=immutabledict)
    description: str = ""
    as_of: str = ""
    read_from: tuple[str, ...] = ()
    tips: str = ""


@dataclass(slots=True)
class Shelf:
    """What has been read so far and entries may refer to.

    Attributes
    ----------
    groups : dict
        Scheduler group → ids.
    tips : dict
        Tips by id.
    tips_of : dict
        Family, or repository, in small letters → id of the tips for it.
    tips_shipped : dict
        Id of tips → whether they ship.
    family_names : frozenset of str
        Families that the files name, also those that are not read yet.
    shipped : bool
        Whether the current file ships.
    base : pathlib.Path
        Directory that relative paths of the current file start from.
    checked : bool
        Whether the current file's entries are held against the rules a schema cannot express.
    """

    families: dict[str, Family] = field(default_factory=dict)
    schedulers: dict[str, SchedulerCard] = field(default_factory=dict)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    tips: dict[str, Tips] = field(default_factory=dict)
    tips_of: dict[str, str] = field(default_factory=dict)
    tips_shipped: dict[str, bool] = field(default_factory=dict)
    family_names: frozenset[str] = frozenset()
    shipped: bool = False
    base: Path = Path()
    checked: bool = True

    def keep_tips(self, tips: Tips) -> None:
        """Take tips in; they come before those of the same family or repository that were taken in before."""
        self.tips[tips.id] = tips
        self.tips_shipped[tips.id] = self.shipped
        self.tips_of.update({name.casefold(): tips.id for name in (*tips.families, *tips.hub)})

    def absolute(self, path: str) -> str:
        """Return `path` as an absolute one; empty stays empty."""
        return os.path.abspath(self.base / Path(path).expanduser()) if path else ""  # noqa: PTH100 - keeps links

    def scheduler_ids(self, named: Iterable[str]) -> list[str]:
        """Return the ids meant by `named`, groups unfolded, those behind a minus left out; so are unknown names."""
        names = list(named)
        left_out = {name.removeprefix("-") for name in names if name.startswith("-")}
        ids = [key for name in names for key in self.groups.get(name, (name,)) if key in self.schedulers]
        return [key for key in dict.fromkeys(ids) if key not in left_out]

    def scheduler_mistakes(self, named: Iterable[str]) -> Iterator[Mistake]:
        """Yield a mistake for every name that is neither a scheduler nor a group of them."""
        known = {**self.schedulers, **self.groups}
        for i, name in enumerate(named):
            if name.removeprefix("-") not in known:
                yield Mistake(f"schedulers[{i}]", unknown("a scheduler of the catalog", name, known))


def scheduler(key: str, entry: SchedulerEntry, shelf: Shelf) -> tuple[SchedulerCard, list[Mistake]]:
    """Return the scheduler an entry describes, and its mistakes."""
    card = SchedulerCard(
        key, entry.name, entry.class_name, immutabledict(entry.options), entry.description, entry.aliases
    )
    return card, list(class_mistakes(entry.class_name)) if shelf.checked else []


def lora(key: str, entry: LoraEntry, shelf: Shelf) -> tuple[LoraCard, list[Mistake]]:
    """Return the LoRA an entry describes, and its mistakes."""
    mistakes = _family_mistakes("family", entry.family, shelf)
    return LoraCard(
        id=key,
        name=entry.name or key,
        file=shelf.absolute(entry.file),
        family=shelf.families.get(entry.family, Family()).root,
        triggers=entry.triggers,
        description=entry.description,
        licence=entry.licence,
    ), mistakes


def family(key: str, entry: FamilyEntry, shelf: Shelf) -> tuple[Family, list[Mistake]]:
    """Return the family an entry describes, and its mistakes."""
    base = shelf.families.get(entry.based_on, Family())
    result = Family(
        id=key,
        name=entry.name or key,
        root=base.root or key,
        engine=entry.engine or base.engine,
        tasks=entry.tasks or base.tasks,
        schedulers=entry.schedulers or base.schedulers,
        parameters=_overlaid(base.parameters, entry.parameters, entry.without),
        description=entry.description,
        as_of=entry.as_of,
        read_from=entry.read_from,
        tips=shelf.tips_of.get(key.casefold(), base.tips),
    )
    mistakes = _family_mistakes("based_on", entry.based_on, shelf)
    if shelf.checked:
        mistakes += shelf.scheduler_mistakes(entry.schedulers)
        mistakes += _without_mistakes(entry.without, base.parameters)
        mistakes += _parameters(result, shelf)[1]
    return result, mistakes


def tips(key: str, entry: TipsEntry, shelf: Shelf) -> tuple[Tips, list[Mistake]]:
    """Return the tips an entry holds, and its mistakes."""
    found = Tips(
        id=key,
        name=entry.name or key,
        hub=entry.hub,
        families=entry.families,
        values=immutabledict(entry.values),
        ranges=immutabledict(entry.ranges),
        sizes=entry.sizes,
        multiple=entry.multiple,
        examples=entry.examples,
        triggers=entry.triggers,
        frame_rule=entry.frame_rule,
        weights_gib=entry.weights_gib,
        vram=_vram(entry.vram),
        notes=entry.notes,
        licence=entry.licence,
        read_from=entry.read_from,
        as_of=entry.as_of,
    )
    if not shelf.checked:
        return found, []
    return found, [*tips_mistakes(found), *_reference_mistakes(found, shelf)]


def _reference_mistakes(tips: Tips, shelf: Shelf) -> Iterator[Mistake]:
    for i, name in enumerate(tips.families):
        if name not in shelf.family_names:
            yield Mistake(f"families[{i}]", unknown("a family of the catalog", name, shelf.family_names))
    scheduler_id = tips.values.get("scheduler")
    if scheduler_id is not None and scheduler_id not in shelf.schedulers:
        yield Mistake("values.scheduler", unknown("a scheduler of the catalog", scheduler_id, shelf.schedulers))
    for field_name, names in (("hub", tips.hub), ("families", tips.families)):
        for i, name in enumerate(names):
            other = shelf.tips_of.get(name.casefold())
            if other is not None and other != tips.id and shelf.tips_shipped[other] == shelf.shipped:
                yield Mistake(f"{field_name}[{i}]", f"{name!r} has tips already: {other}")


def _vram(entry: VramEntry | None) -> VramFigure | None:
    return None if entry is None else VramFigure(**{name: getattr(entry, name) for name in entry.__struct_fields__})


def model(key: str, entry: ModelEntry, shelf: Shelf) -> tuple[ModelCard, list[Mistake]]:
    """Return the model an entry describes, and its mistakes."""
    base = shelf.families.get(entry.family, Family())
    own = Family(
        id=key,
        engine=SWITCH if entry.offers else entry.engine or base.engine,
        tasks=entry.tasks or base.tasks,
        schedulers=entry.schedulers or base.schedulers,
        parameters=_overlaid(base.parameters, entry.parameters, entry.without),
    )
    parameters, mistakes = _parameters(own, shelf)
    card = ModelCard(
        id=key,
        name=entry.name or key,
        creator=entry.creator,
        engine=own.engine,
        tasks=own.tasks,
        parameters=parameters,
        source=_source(entry, shelf),
        description=entry.description,
        licence=entry.licence,
        family=base.root,
        homepage=entry.homepage,
        as_of=entry.as_of,
        read_from=entry.read_from,
        price=_price(entry.price),
        recommended=entry.recommended,
        retired_on=entry.retired_on,
        availability=entry.availability,
        note=entry.note,
        output=None if entry.output is None else immutabledict({k: freeze(v) for k, v in entry.output.items()}),
        tips=entry.tips or shelf.tips_of.get(entry.hub.casefold(), base.tips),
        hidden=entry.hidden,
        offers=tuple(_offer(offer) for offer in entry.offers),
    )
    if shelf.checked:
        mistakes += _model_mistakes(entry, own, base, shelf)
    return card, mistakes


def _model_mistakes(entry: ModelEntry, own: Family, base: Family, shelf: Shelf) -> Iterator[Mistake]:
    yield from _family_mistakes("family", entry.family, shelf)
    knows_family = not entry.family or entry.family in shelf.families
    if knows_family and not own.engine:
        yield Mistake("engine", "is missing; name one, or a family that has one")
    if knows_family and not own.tasks:
        yield Mistake("tasks", "is missing; name at least one, or a family that has them")
    yield from _source_mistakes(entry, own.engine)
    yield from shelf.scheduler_mistakes(entry.schedulers)
    if entry.tips and entry.tips not in shelf.tips:
        yield Mistake("tips", unknown("among the tips of the catalog", entry.tips, shelf.tips))
    yield from _without_mistakes(entry.without, base.parameters if knows_family else dict.fromkeys(entry.without))
    if knows_family and entry.price is not None:
        yield from price_mistakes(entry.price, own.parameters)
    if own.tasks:
        yield from task_mistakes("tasks", own.tasks, MAKING)
        yield from task_mistakes("recommended", entry.recommended, own.tasks)
        for name, changes in entry.parameters.items():
            named = stated(changes).get("tasks", ()) if changes else ()
            yield from task_mistakes(f"parameters.{name}.tasks", named, own.tasks)


def _source_mistakes(entry: ModelEntry, engine: str) -> Iterator[Mistake]:
    given = [name for name in ("path", "file", "hub", "endpoint") if getattr(entry, name)]
    if entry.offers:
        if given or entry.engine:
            yield Mistake((given or ["engine"])[0], "stands beside 'offers', which say where the model is")
        return
    if len(given) > 1:
        yield Mistake(given[1], f"stands beside {given[0]!r}; exactly one of them says where the model is")
    if not given and engine in ENGINES_WITH_SOURCE:
        yield Mistake("path", "is missing; give exactly one of 'path', 'file', 'hub' and 'endpoint'")


def _family_mistakes(field: str, name: str, shelf: Shelf) -> list[Mistake]:
    if not name or name in shelf.families:
        return []
    return [Mistake(field, unknown("a family of the catalog", name, shelf.families))]


def _without_mistakes(without: Iterable[str], parameters: Mapping[str, object]) -> Iterator[Mistake]:
    for i, name in enumerate(without):
        if name not in parameters:
            yield Mistake(f"without[{i}]", unknown("a parameter of the family", name, parameters))


def _overlaid(
    base: Stated, changes: Mapping[str, ParameterEntry | None], without: Iterable[str]
) -> dict[str, Mapping[str, Any]]:
    left_out = set(without)
    result = {name: fields for name, fields in base.items() if name not in left_out}
    for name, change in changes.items():
        given = {} if change is None else stated(change)
        result[name] = given if "type" in given else {**result.get(name, {}), **given}
    return result


def _parameters(owner: Family, shelf: Shelf) -> tuple[tuple[Parameter, ...], list[Mistake]]:
    """Return the parameters of a model or family, without those that serve none of its tasks."""
    built: list[Parameter] = []
    mistakes: list[Mistake] = []
    for name, fields in owner.parameters.items():
        parameter, found = _parameter(name, fields, owner, shelf)
        mistakes += [Mistake(f"parameters.{name}.{item.field}".rstrip("."), item.message) for item in found]
        if parameter is not None and any(map(parameter.serves, owner.tasks)):
            built.append(parameter)
    return tuple(built), mistakes


def _parameter(
    name: str, fields: Mapping[str, Any], owner: Family, shelf: Shelf
) -> tuple[Parameter | None, list[Mistake]]:
    if not name.isidentifier():
        return None, [Mistake("", f"{name!r} is no name; letters, digits and _ are allowed")]
    if "type" not in fields and name not in STANDARD:
        text = unknown("a standard parameter", name, STANDARD)
        return None, [Mistake("", f"{text}; a parameter of your own needs a 'type'")]
    try:
        changes: dict[str, Any] = dict(fields)
        if "default" in fields:
            changes["default"] = _default(name, fields)
        if "from_where" in fields:
            changes["from_where"] = immutabledict(fields["from_where"])
    except (ValueError, TypeError) as error:
        return None, [Mistake("default", str(error))]
    if name == "scheduler" and "type" not in fields and "choices" not in fields:
        ids = shelf.scheduler_ids(owner.schedulers or (DEFAULT_GROUP,))
        changes |= {"choices": tuple(ids), "choice_labels": tuple(shelf.schedulers[key].name for key in ids)}
    parameter = Parameter(name, **changes) if "type" in fields else standard(name, **changes)
    if not shelf.checked:
        return parameter, []
    mistakes = list(parameter_mistakes(parameter))
    if not mistakes and parameter.default is not None:
        parameter = replace(parameter, default=parameter.check(parameter.default))
    return parameter, mistakes


def _default(name: str, fields: Mapping[str, Any]) -> Value:
    """Return the default as a request holds it: a whole number given for a `number` is one of those."""
    type_ = fields["type"] if "type" in fields else STANDARD[name].type
    value = freeze(fields["default"])
    return float(value) if type_ == "number" and type(value) is int else value


def _source(entry: ModelEntry, shelf: Shelf) -> ModelSource:
    return ModelSource(
        path=shelf.absolute(entry.path),
        file=shelf.absolute(entry.file),
        hub=entry.hub,
        endpoint=entry.endpoint,
        revision=entry.revision,
        variant=entry.variant,
    )


def _offer(entry: OfferEntry) -> Offer:
    values = {name: _frozen(mapping) for name, mapping in entry.values.items()}
    return Offer(entry.model, immutabledict(entry.names), immutabledict(values), _frozen(entry.fixed))


def _price(entry: PriceEntry | None) -> Price | None:
    if entry is None:
        return None
    return Price(
        entry.unit,
        entry.amount_usd,
        entry.as_of,
        entry.source,
        tuple(map(_term, entry.variants)),
        entry.note,
        entry.further_usd,
        tuple(map(_term, entry.extras)),
        tuple(PriceFactor(factor.factor, _condition(factor)) for factor in entry.factors),
        Counting(
            entry.step,
            entry.frames_per_second,
            entry.seconds_from,
            entry.seconds_factor,
            entry.most_seconds,
            entry.counts_inputs,
            entry.counts_frames,
        ),
        PriceCondition(_frozen(entry.only_when), between=immutabledict(entry.only_between)),
        entry.assumes,
        entry.is_tentative,
        None if entry.tokens is None else TokenPrices(**asdict(entry.tokens)),
    )


def _term(entry: PriceTermEntry) -> PriceTerm:
    return PriceTerm(
        entry.amount_usd,
        entry.unit,
        _condition(entry),
        entry.after,
        entry.condition,
        entry.in_words_only,
        entry.assumes,
    )


def _condition(entry: PriceTermEntry | PriceFactorEntry) -> PriceCondition:
    return PriceCondition(_frozen(entry.when), entry.given, immutabledict(entry.between))


def _frozen(values: Mapping[str, Any]) -> Mapping[str, Value]:
    return immutabledict({name: freeze(value) for name, value in values.items()})
