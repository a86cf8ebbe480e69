"""What a form says, carried elsewhere: as plain JSON, and from the request of a run into the form of some model; pure.

What does not fit is left out and said in words, so that settings of any run, also of a model that is not here, can be
taken as far as they go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from immutabledict import immutabledict

from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.values import AssetRef, Json, Value, asset_refs, freeze, from_json, to_json
from studio_kernel.prompts.template import escape, has_marks

Part = Literal["all", "prompt", "seed", "settings"]
"""Everything with the seed; the prompts alone; the seed alone; all but prompts, seed and input files."""
PARTS: tuple[Part, ...] = get_args(Part)
PROMPTS = ("prompt", "negative_prompt")


@dataclass(frozen=True, slots=True)
class Fitted:
    """What of some values a form takes.

    Attributes
    ----------
    values : mapping
        Parameter → value, as the parameter spells it.
    left_out : tuple of str
        What it does not take, and why, in words.
    """

    values: Mapping[str, Value]
    left_out: tuple[str, ...] = ()


def part_of(values: Mapping[str, Value], part: Part) -> dict[str, Value]:
    """Return what belongs to a part of the values of a request; prompts as a form must have them to mean the same."""
    return {
        name: escape(value) if name in PROMPTS and isinstance(value, str) and has_marks(value) else value
        for name, value in values.items()
        if _belongs(name, value, part)
    }


def _belongs(name: str, value: Value, part: Part) -> bool:
    match part:
        case "prompt":
            return name in PROMPTS
        case "seed":
            return name == "seed"
        case "settings":
            return name not in (*PROMPTS, "seed") and not any(asset_refs(value))
    return True


def fitted(
    values: Mapping[str, Value], parameters: Iterable[Parameter], has_file: Callable[[AssetRef], bool], model: str
) -> Fitted:
    """Return what of `values` these parameters take.

    Parameters
    ----------
    has_file : callable
        Whether a file that is an input is still there.
    model : str
        What the form's model is called.
    """
    known = {parameter.name: parameter for parameter in parameters}
    taken: dict[str, Value] = {}
    left_out = []
    for name, value in values.items():
        if value is None:
            continue
        reason = _refused(known.get(name), value, has_file, model)
        if reason:
            left_out.append(f"{_title(known, name)} {reason}")
        else:
            taken[name] = known[name].check(value)
    return Fitted(immutabledict(taken), tuple(left_out))


def _refused(parameter: Parameter | None, value: Value, has_file: Callable[[AssetRef], bool], model: str) -> str:
    if parameter is None:
        return f"(not a setting of {model})"
    if not all(map(has_file, asset_refs(value))):
        return "(the file is no longer here)"
    try:
        parameter.check(value)
    except (ValueError, TypeError) as error:
        return str(error)
    return ""


def _title(known: Mapping[str, Parameter], name: str) -> str:
    return known[name].title if name in known else name.replace("_", " ").capitalize()


def said(what: str, left_out: Iterable[str]) -> str:
    """Return what was loaded and what was left out, in words."""
    listed = "; ".join(left_out)
    return f"{what} Left out: {listed}." if listed else what


def values_to_json(values: Mapping[str, object]) -> dict[str, Json]:
    """Return the values of a form as plain JSON, files as their digests."""
    return {name: to_json(freeze(value)) for name, value in values.items()}


def values_from_json(values: object) -> dict[str, Value]:
    """Return what `values_to_json` wrote; what is nothing of the kind is left out."""
    if not isinstance(values, Mapping):
        return {}
    read = {}
    for name, value in values.items():
        try:
            read[str(name)] = from_json(value)
        except (ValueError, TypeError, LookupError):
            continue
    return read
