"""Holds a converted card against the description it was made from, field by field, without the converter's code."""

from typing import Any

from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.price import PriceTerm
from studio_kernel.domain.values import freeze

LEFT_OUT = {"api_key", "sync_mode"}
CALLED = {"model": "model_version", "task": "task_type"}
MEDIA = {"image", "mask", "video", "audio"}
PLAIN = {"string": "text", "integer": "integer", "number": "number", "boolean": "boolean", "object": "object"}


def differences(fact: dict[str, Any], card: ModelCard) -> list[str]:
    """Return what of `fact` is not on `card`."""
    sent = [each["name"] for each in fact["parameters"] if each["name"] not in LEFT_OUT]
    names = [CALLED.get(name, name) for name in sent]
    expected = {
        "id": f"{fact['provider']}/{fact['id']}",
        "name": fact["name"],
        "creator": fact["creator"],
        "engine": fact["provider"],
        "homepage": fact["docs"],
        "availability": fact["availability"],
        "read_from": (fact["schema_url"], *fact["schema_sources"]),
    }
    found = [f"{field}: {getattr(card, field)!r}" for field, value in expected.items() if getattr(card, field) != value]
    found += [
        f"note lacks {text!r}"
        for text in (fact["availability_note"], fact.get("notes"))
        if text and text not in card.note
    ]
    if card.source.endpoint != fact["endpoint"] or [str(task) for task in card.tasks] != [fact["task"]]:
        found.append("endpoint or task")
    if [parameter.name for parameter in card.parameters] != names:
        found.append(f"parameters: {[parameter.name for parameter in card.parameters]} for {names}")
        return found
    if [parameter.sent_as or parameter.name for parameter in card.parameters] != sent:
        found.append(f"sent as: {[parameter.sent_as for parameter in card.parameters]} for {sent}")
    kinds = {each["name"]: each["kind"] for each in fact["inputs"]}
    for each in fact["parameters"]:
        if each["name"] not in LEFT_OUT:
            parameter = card.parameter(CALLED.get(each["name"], each["name"]))
            found += _parameter_differences(each, kinds.get(each["name"]), parameter)
    inline = any(each["name"] == "sync_mode" for each in fact["parameters"])
    output = {**fact["output"], **({"inline_parameter": "sync_mode"} if inline else {})}
    if any(each["name"] == "api_key" for each in fact["parameters"]):
        output["own_keys"] = {"api_key": "openai"}
    if freeze(output) != freeze(dict(card.output or {})):
        found.append(f"output: {card.output!r}")
    return found + _price_differences(fact["price"], card)


def _parameter_differences(fact: dict[str, Any], kind: str | None, parameter: Parameter) -> list[str]:
    expected = {
        "type": _type(fact, kind),
        "min": fact["min"],
        "max": fact["max"],
        "step": fact["step"],
        "choices": tuple(fact["choices"] or ()),
        "open_choices": fact.get("choices_truncated", False),
        "required": fact["required"],
        "max_length": fact["max_length"],
        "multiple": fact["type"] == "array",
        "max_items": fact.get("max_items"),
    }
    if parameter.type not in MEDIA:
        expected |= {"default": _default(fact), "description": fact["description"]}
    return [
        f"{parameter.name}.{field}: {getattr(parameter, field)!r} for {value!r}"
        for field, value in expected.items()
        if getattr(parameter, field) != value
    ]


def _type(fact: dict[str, Any], kind: str | None) -> str:
    if fact.get("items") in {"object", "number"}:
        return str(fact["items"])
    if kind in MEDIA:
        return "video" if "video" in fact["name"] else str(kind)
    if fact["type"] == "string|object":
        return "size"
    return PLAIN.get(fact["type"], "text")


def _default(fact: dict[str, Any]) -> Any:
    default = fact["default"]
    if fact["type"] == "string|object" and isinstance(default, dict):
        return (default["width"], default["height"])
    return freeze(default)


def _price_differences(fact: dict[str, Any], card: ModelCard) -> list[str]:
    if card.price is None:
        known = [fact[name] for name in ("unit", "amount_usd", "note", "as_of", "source") if fact[name] is not None]
        return [f"price: none for {fact!r}"] if known or fact["variants"] else []
    given = (card.price.unit, card.price.amount_usd, card.price.as_of, card.price.source, card.price.note)
    wanted = (fact["unit"] or "", fact["amount_usd"], fact["as_of"] or "", fact["source"] or "", fact["note"] or "")
    variants = [_variant(term) for term in card.price.variants]
    lost = [variant for variant in fact["variants"] if not any(_has(term, variant) for term in variants)]
    return [] if given == wanted and not lost else [f"price: {card.price!r} for {fact!r}"]


def _variant(term: PriceTerm) -> dict[str, Any]:
    return {"when": dict(term.holds.when), "condition": term.words, "amount_usd": term.amount_usd, "unit": term.unit}


def _has(term: dict[str, Any], variant: dict[str, Any]) -> bool:
    return (
        all(term["when"].get(CALLED.get(name, name)) == freeze(value) for name, value in variant["when"].items())
        and term["condition"] == variant.get("condition", "")
        and term["amount_usd"] == variant["amount_usd"]
        and ("unit" not in variant or term["unit"] == variant["unit"])
    )
