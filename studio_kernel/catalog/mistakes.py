"""Mistakes in catalog files, in words a non-programmer can act on.

A `Mistake` is a field of one entry and what is wrong with it; whoever knows the file and the entry makes a `Problem`
of it. Schema errors are translated here, once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from studio_kernel.errors import Problem, closest

if TYPE_CHECKING:
    from jsonschema import ValidationError

_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping of names to values",
    "null": "nothing",
}


class Mistake(NamedTuple):
    """What is wrong with one field of one entry.

    Attributes
    ----------
    field : str
        Dotted path inside the entry, such as ``parameters.width.default``; empty = the entry as a whole.
    message : str
        What is wrong, the value, what is allowed.
    """

    field: str
    message: str

    def at(self, file: str, entry: str = "") -> Problem:
        """Return the mistake with its place, ``file: entry: field``."""
        return Problem(": ".join(part for part in (file, entry, self.field) if part), self.message)


def unknown(what: str, name: object, known: Iterable[str]) -> str:
    """Return the sentence about a name that is not among `known`."""
    names = [str(each) for each in known]
    close = closest(str(name), names)
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"allowed: {', '.join(sorted(names))}"
    return f"{name!r} is not {what}; {hint}"


def schema_mistakes(value: object, form: type[msgspec.Struct]) -> list[Mistake]:
    """Return everything about `value` that does not have the form of `form`."""
    leaves = (leaf for error in _validator(form).iter_errors(value) for leaf in _leaves(error))
    return sorted({mistake for leaf in leaves for mistake in _told(leaf)})


@cache
def _validator(form: type[msgspec.Struct]) -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(msgspec.json.schema(form), format_checker=Draft202012Validator.FORMAT_CHECKER)


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """Yield the errors that say something: of alternatives, those of the one that was meant."""
    if error.validator != "anyOf":
        yield error
        return
    branches: dict[object, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.schema_path[0], []).append(inner)
    meant = [errors for errors in branches.values() if not any(_is_other_type(inner) for inner in errors)]
    if not meant:
        yield error
        return
    for inner in meant[0]:
        yield from _leaves(inner)


def _is_other_type(error: ValidationError) -> bool:
    return error.validator == "type" and not error.path


def _told(error: ValidationError) -> Iterator[Mistake]:
    field = _dotted(error.absolute_path)
    value = error.instance
    if error.validator == "additionalProperties" and isinstance(value, Mapping):
        known = error.schema["properties"]
        for name in value:
            if name not in known:
                yield Mistake(_joined(field, str(name)), unknown("a field here", name, known))
    elif error.validator == "required" and isinstance(value, Mapping):
        for name in error.validator_value:
            if name not in value:
                yield Mistake(_joined(field, name), "is missing")
    elif error.validator == "enum":
        yield Mistake(field, unknown("allowed here", value, map(str, error.validator_value)))
    elif error.validator == "type":
        yield Mistake(field, _other_type(value, [str(error.validator_value)]))
    elif error.validator == "anyOf":
        yield Mistake(field, _other_type(value, [str(b["type"]) for b in error.validator_value if "type" in b]))
    elif error.validator == "format":
        yield Mistake(field, f"{value!r} is not a date; write year-month-day, such as 2026-11-21")
    elif error.validator == "minimum":
        yield Mistake(field, f"{value!r} is below {error.validator_value}")
    else:
        yield Mistake(field, f"{value!r} is not written as it should be: {_pattern_in_words(error)}")


def _pattern_in_words(error: ValidationError) -> str:
    described = error.schema.get("description")
    return str(described) if described else f"it must match {error.validator_value}"


def _other_type(value: object, wanted: list[str]) -> str:
    named = [name for name in dict.fromkeys(wanted) if not (name == "integer" and "number" in wanted)]
    words = " or ".join(_WORDS[name] for name in named) or "what is allowed here"
    quotes = " (put it in quotes)" if "string" in wanted and isinstance(value, (int, float)) else ""
    return f"{value!r} is not {words}{quotes}"


def _dotted(path: Iterable[object]) -> str:
    text = ""
    for part in path:
        text = f"{text}[{part}]" if isinstance(part, int) else _joined(text, str(part))
    return text


def _joined(field: str, name: str) -> str:
    return f"{field}.{name}" if field else name
