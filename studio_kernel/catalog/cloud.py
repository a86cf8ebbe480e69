"""From collected facts about cloud endpoints to catalog entries.

``python -m studio_kernel.catalog.cloud FACTS.json data/catalog/models/fal.json`` converts a list of endpoint
descriptions as `FactModel` spells them out, and says which of their inconsistencies it resolved and how. Nothing is
dropped but what no request may hold (keys) or no user can mean (whether a result travels inline, which `output`
records for the engine). Fields that are not known here fail, so a new one cannot be lost.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct

from studio_kernel.catalog.cloud_prices import price_of
from studio_kernel.catalog.entries import CatalogFile, ModelEntry, ParameterEntry, PriceEntry
from studio_kernel.catalog.inputs import INLINE, OWN_KEYS, UNITS, group_of, label_of, named, possible
from studio_kernel.domain.parameters import MEDIA_TYPES, ParameterType
from studio_kernel.domain.tasks import Task
from studio_kernel.errors import Problem
from studio_kernel.forms import ready

FROM_RUNS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    # "video_id must come from a Sora clip made with delete_video=false"
    ("sora2_video_to_video_remix", "video_id"): {
        "from_run": "video_id",
        "from_models": (
            "fal/sora2_text_to_video",
            "fal/sora2_text_to_video_pro",
            "fal/sora2_image_to_video",
            "fal/sora2_image_to_video_pro",
            "fal/sora2_video_to_video_remix",
        ),
        "from_where": {"delete_video": False},
    },
}
"""Endpoint and input whose value is what earlier runs reported → which ones; its kind in the facts is ``id``."""


class FactParameter(Struct, forbid_unknown_fields=True):
    """One input of an endpoint."""

    name: str
    type: Literal["string", "integer", "number", "boolean", "array", "object", "string|object"] | None
    default: Any
    min: int | float | None
    max: int | float | None
    step: int | float | None
    choices: list[str | int | float] | None
    required: bool
    max_length: int | None
    description: str
    items: Literal["string", "number", "object"] | None = None
    max_items: int | None = None
    choices_truncated: bool = False


class FactInput(Struct, forbid_unknown_fields=True):
    """What kind of thing one of the inputs is."""

    name: str
    kind: Literal["text", "image", "mask", "video", "audio", "id"]
    required: bool
    multiple: bool


class FactPrice(Struct, forbid_unknown_fields=True):
    """What is charged."""

    unit: str | None
    amount_usd: float | None
    currency: Literal["USD"]
    variants: list[dict[str, Any]]
    note: str | None
    as_of: str | None
    source: str | None


class FactModel(Struct, forbid_unknown_fields=True):
    """One endpoint."""

    id: str
    name: str
    creator: str
    provider: str
    endpoint: str
    task: Task
    inputs_required: list[str]
    inputs: list[FactInput]
    parameters: list[FactParameter]
    price: FactPrice
    output: dict[str, Any]
    docs: str
    schema_url: str
    schema_sources: list[str]
    availability: str
    availability_note: str | None
    confidence: Literal["schema", "docs-partial", "seed"]
    notes: str | None = None


_CONFIDENCE = {
    "schema": "",
    "docs-partial": "Its parameters are known from documentation in part only.",
    "seed": "Its parameters are known from other people's programs only.",
}

_ENDED = re.compile(r"(?:shutdown for|retired the model on) (\d{4}-\d{2}-\d{2})")
_DATE = re.compile(r"\b\d{4}(?:-\d{2}(?:-\d{2})?)?\b")


def convert(facts: Iterable[FactModel]) -> tuple[CatalogFile, list[Problem]]:
    """Return the catalog entries, and every inconsistency together with how it was resolved."""
    findings: list[Problem] = []
    models = {f"{fact.provider}/{fact.id}": _model(fact, findings) for fact in facts}
    return CatalogFile(models=models), findings


def _model(fact: FactModel, findings: list[Problem]) -> ModelEntry:
    found = [*_input_findings(fact)]
    kept = [parameter for parameter in fact.parameters if parameter.name not in {*OWN_KEYS, INLINE}]
    parameters: dict[str, ParameterEntry | None] = {named(item.name): _parameter(item, fact, found) for item in kept}
    dropped = [parameter.name for parameter in fact.parameters if parameter.name in OWN_KEYS]
    found += [Problem(name, "a secret; left out, because requests are logged") for name in dropped]
    found += _card_findings(fact)
    price = _price(fact, found)
    findings += [Problem(f"{fact.id}: {problem.field}", problem.message) for problem in found]
    notes = [
        fact.availability_note,
        fact.notes,
        _CONFIDENCE[fact.confidence],
        *(f"The service also takes a key as {name!r}; keys are never part of a request." for name in dropped),
    ]
    extra: dict[str, Any] = {"inline_parameter": INLINE} if len(kept) + len(dropped) < len(fact.parameters) else {}
    if dropped:
        extra["own_keys"] = {name: OWN_KEYS[name] for name in dropped}
    return ModelEntry(
        name=fact.name,
        creator=fact.creator,
        engine=fact.provider,
        endpoint=fact.endpoint,
        tasks=(fact.task,),
        parameters=parameters,
        homepage=fact.docs,
        as_of=max(_DATE.findall(" ".join(fact.schema_sources)), default=""),
        read_from=(fact.schema_url, *fact.schema_sources),
        price=price,
        retired_on=_retired_on(fact),
        availability=fact.availability,
        note=" ".join(note for note in notes if note),
        output={**fact.output, **extra},
    )


def _input_findings(fact: FactModel) -> Iterator[Problem]:
    declared = {item.name for item in fact.inputs}
    flagged = {parameter.name for parameter in fact.parameters if parameter.required}
    for name in sorted(declared - {parameter.name for parameter in fact.parameters}):
        yield Problem(name, "an input that is no parameter; ignored")
    for name in sorted(set(fact.inputs_required) ^ flagged):
        yield Problem(name, "required in one place and not in the other; taken as required")
    for name in sorted(flagged - declared):
        yield Problem(name, "required, but not among the inputs; stays a required parameter of its own type")


def _card_findings(fact: FactModel) -> Iterator[Problem]:
    if _retired_on(fact) is not None:
        yield Problem("retired_on", f"stated in the note only; {_retired_on(fact)} taken from there")
    if fact.price.unit is None:
        yield Problem("price", "no unit; the price counts as not known")


def _parameter(fact: FactParameter, model: FactModel, found: list[Problem]) -> ParameterEntry:
    kind = next((item.kind for item in model.inputs if item.name == fact.name), None)
    type_ = _type(fact, kind, found)
    multiple = fact.type == "array"
    entry = ParameterEntry(
        type=type_,
        label=label_of(fact.name),
        default=_or_unset(_default(fact, type_)),
        min=_or_unset(fact.min),
        max=_or_unset(fact.max),
        step=_or_unset(fact.step),
        choices=tuple(fact.choices) if fact.choices else UNSET,
        open_choices=True if fact.choices_truncated else UNSET,
        group=group_of(fact.name, type_, required=fact.required),
        description=_description(fact, type_),
        required=True if fact.required or fact.name in model.inputs_required else UNSET,
        max_length=_or_unset(fact.max_length),
        multiple=True if multiple else UNSET,
        max_items=_or_unset(fact.max_items),
        unit=UNITS.get(fact.name, UNSET),
        sent_as=fact.name if named(fact.name) != fact.name else UNSET,
        **FROM_RUNS.get((model.id, fact.name), {}),
    )
    if fact.choices_truncated:
        found.append(Problem(fact.name, f"only {len(fact.choices or ())} of its choices are known; others are allowed"))
    if type_ == "size" and isinstance(fact.default, Mapping):
        found.append(Problem(fact.name, "its default is none of its presets; kept as width and height"))
    return possible(fact.name, entry, found)


def _type(fact: FactParameter, kind: str | None, found: list[Problem]) -> ParameterType:
    """Return the type; a file's kind comes from the inputs, and what an array holds from its items."""
    if fact.items == "object" or fact.type == "object":
        if kind is not None:
            found.append(Problem(fact.name, f"an input of kind {kind!r} that is an object; stays an object"))
        return "object"
    if kind == "mask" and "video" in fact.name:
        found.append(Problem(fact.name, "a mask that is a video; taken as a video"))
        return "video"
    if kind in MEDIA_TYPES:
        return kind  # type: ignore[return-value]  # the media types are parameter types
    if fact.type is None:
        guessed = _type_of(fact.default if fact.default is not None else next(iter(fact.choices or ()), ""))
        found.append(Problem(fact.name, f"has no type; taken as {guessed}"))
        return guessed
    if fact.type == "array":
        return "number" if fact.items == "number" else "text"
    if fact.type == "string|object":
        return "size"
    return "text" if fact.type == "string" else fact.type


def _type_of(value: object) -> ParameterType:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "number" if isinstance(value, float) else "text"


def _default(fact: FactParameter, type_: ParameterType) -> Any:
    if type_ == "size" and isinstance(fact.default, Mapping):
        return [fact.default["width"], fact.default["height"]]
    return float(fact.default) if type_ == "number" and type(fact.default) is int else fact.default


def _or_unset(value: Any) -> Any:
    return UNSET if value is None else value


def _description(fact: FactParameter, type_: ParameterType) -> str:
    """Return the help; a parameter that is a file is given as one, not by address."""
    if type_ not in MEDIA_TYPES:
        return fact.description
    text = re.sub(r"^Address (or data URI )?of ", "", fact.description)
    return text[0].upper() + text[1:]


def _price(fact: FactModel, found: list[Problem]) -> PriceEntry | None:
    read = fact.price
    as_read = PriceEntry(
        unit=read.unit or "",
        amount_usd=read.amount_usd,
        as_of=read.as_of or "",
        source=read.source or "",
        note=read.note or "",
    )
    choices = {parameter.name: tuple(parameter.choices or ()) for parameter in fact.parameters}
    variants = [
        {**each, "when": {named(name): value for name, value in each["when"].items()}} for each in read.variants
    ]
    price, in_words = price_of(fact.id, as_read, variants, choices)
    found += [Problem("price", f"{words!r} cannot be told from a request; shown, never counted") for words in in_words]
    return price


def _renamed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {named(name): value for name, value in values.items()}


def _retired_on(fact: FactModel) -> date | None:
    stated_in = _ENDED.search(fact.availability_note or "")
    return date.fromisoformat(stated_in.group(1)) if stated_in else None


def as_text(file: CatalogFile) -> str:
    """Return the file as JSON with a line for every field and every parameter, so that changes can be read."""
    models = [f"  {_json(key)}: {{\n{_model_lines(entry)}\n  }}" for key, entry in file.models.items()]
    return '{\n "models": {\n' + ",\n".join(models) + "\n }\n}\n"


def _model_lines(entry: ModelEntry) -> str:
    fields: dict[str, Any] = msgspec.to_builtins(entry)
    parameters = fields.pop("parameters")
    lines = [f"   {_json(name)}: {_json(value)}" for name, value in fields.items()]
    rows = ",\n".join(f"    {_json(name)}: {_json(value)}" for name, value in parameters.items())
    return ",\n".join([*lines, f'   "parameters": {{\n{rows}\n   }}'])


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def main(arguments: list[str]) -> int:
    """Convert the facts in one file into the catalog file that the second argument names."""
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m studio_kernel.catalog.cloud FACTS.json CATALOG.json\n")
        return 2
    facts, out = map(Path, arguments)
    file, findings = convert(msgspec.json.decode(facts.read_bytes(), type=ready(list[FactModel])))
    out.write_text(as_text(file), encoding="utf-8")
    sys.stdout.write("".join(f"{finding}\n" for finding in findings))
    sys.stdout.write(f"{len(file.models)} models, {len(findings)} inconsistencies\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
