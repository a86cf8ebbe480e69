"""The inputs of an endpoint as parameters: types, ranges and choices by their schemas, kinds of files by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec import UNSET, UnsetType

from studio_kernel.catalog.entries import ParameterEntry
from studio_kernel.catalog.inputs import INLINE, UNITS, group_of, label_of, named, possible
from studio_kernel.catalog.openapi.schemas import Reader, Schema, list_of, object_of
from studio_kernel.domain.parameters import ParameterType
from studio_kernel.errors import Problem

FILE_FORMATS = frozenset({"uri", "url", "binary", "data-url"})
MEDIUM_WORDS: Mapping[ParameterType, frozenset[str]] = {
    "mask": frozenset({"mask", "masks"}),
    "video": frozenset({"video", "videos", "clip", "movie"}),
    "audio": frozenset({"audio", "audios", "voice", "song", "music", "sound", "speech"}),
    "image": frozenset({"image", "images", "img", "photo", "picture", "frame", "frames", "portrait", "face"}),
}
_ENDINGS: Mapping[str, ParameterType] = {
    **dict.fromkeys(("png", "jpg", "jpeg", "webp", "gif", "avif"), "image"),
    **dict.fromkeys(("mp4", "mov", "webm", "mkv", "m4v"), "video"),
    **dict.fromkeys(("mp3", "wav", "flac", "ogg", "m4a", "aac"), "audio"),
}
_SECRET = re.compile(r"(^|_)(api_key|api_token|secret|password|token)$")


@dataclass(slots=True)
class _Found:
    """What the forms of one value come to."""

    type: ParameterType = "text"
    multiple: bool = False
    choices: tuple[Any, ...] = ()
    open_choices: bool = False
    bounds: Mapping[str, Any] = field(default_factory=dict)
    max_items: int | None = None


class Inputs:
    """The parameters of an endpoint."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.parameters: dict[str, ParameterEntry | None] = {}
        self.notes: list[str] = []
        self.has_inline = False
        self.own_keys: dict[str, str] = {}
        schema = reader.input
        properties = object_of(schema.get("properties"))
        required = {name for name in list_of(schema.get("required")) if isinstance(name, str)}
        for sent_as in _ordered(schema, {name: reader.resolved(each) for name, each in properties.items()}):
            self._take(sent_as, reader.resolved(properties[sent_as]), is_required=sent_as in required)

    def required_media(self) -> set[str]:
        """Return which kinds of files cannot be left out."""
        return {str(each.type) for each in self._entries() if each.required is True}

    def media(self) -> set[str]:
        """Return which kinds of files it takes."""
        return {str(each.type) for each in self._entries()}

    def _entries(self) -> Iterator[ParameterEntry]:
        return (each for each in self.parameters.values() if each is not None)

    def _take(self, sent_as: str, schema: Schema, *, is_required: bool) -> None:
        if sent_as == INLINE:
            self.has_inline = True
            return
        if _SECRET.search(sent_as) or schema.get("format") == "password" or schema.get("x-cog-secret"):
            self._leave_out(sent_as, schema)
            return
        name = _free(named(sent_as), self.parameters)
        found: list[Problem] = []
        self.parameters[name] = possible(name, self._parameter(sent_as, name, schema, is_required), found)
        self.notes += [f"{problem.field} {problem.message}." for problem in found]

    def _leave_out(self, sent_as: str, schema: Schema) -> None:
        if "openai" in f"{sent_as} {schema.get('description', '')}".lower():
            self.own_keys[sent_as] = "openai"
        self.notes.append(f"The service also takes a key as {sent_as!r}; keys are never part of a request.")

    def _parameter(self, sent_as: str, name: str, schema: Schema, is_required: bool) -> ParameterEntry:
        found = self._form(sent_as, schema)
        default = schema.get("default")
        unit = UNITS.get(sent_as, UNSET)
        return ParameterEntry(
            type=found.type,
            label=label_of(sent_as),
            default=UNSET if default is None or found.type in MEDIUM_WORDS else _default(default, found),
            choices=found.choices or UNSET,
            open_choices=True if found.open_choices else UNSET,
            unit=unit,
            group=group_of(sent_as, found.type, required=is_required),
            description=str(schema.get("description") or ""),
            # a default makes it optional, whatever the list of required ones says
            required=True if is_required and default is None else UNSET,
            max_length=_whole(schema.get("maxLength")) if found.type == "text" else UNSET,
            multiple=True if found.multiple else UNSET,
            max_items=UNSET if found.max_items is None else found.max_items,
            sent_as=sent_as if sent_as != name else UNSET,
            **found.bounds,
        )

    def _form(self, name: str, schema: Schema) -> _Found:
        forms = self._reader.alternatives(schema)
        if not forms:
            return _Found()
        size = next((form for form in forms if {"width", "height"} <= object_of(form.get("properties")).keys()), None)
        if size is not None:
            return self._size(forms, size)
        arrays = [form for form in forms if form.get("type") == "array"]
        if arrays:
            item = self._form(name, {**self._reader.resolved(arrays[0].get("items")), **_hints(schema)})
            item.multiple = True
            item.max_items = _int_or_none(arrays[0].get("maxItems", schema.get("maxItems")))
            return item
        return self._scalar(name, schema, forms)

    def _size(self, forms: list[Schema], size: Schema) -> _Found:
        side = self._reader.resolved(object_of(size.get("properties"))["width"])
        presets = tuple(str(value) for form in forms for value in _enum(form))
        return _Found("size", choices=presets, bounds=_bounds(side, "integer", with_step=False))

    def _scalar(self, name: str, schema: Schema, forms: list[Schema]) -> _Found:
        kinds = {str(form.get("type") or _kind_of(_enum(form))) for form in forms}
        choices = tuple(dict.fromkeys(value for form in forms for value in _enum(form)))
        if "object" in kinds:
            return _Found("object")
        if kinds <= {"integer", "number"} and kinds:
            type_: ParameterType = "number" if "number" in kinds else "integer"
            number = next((form for form in forms if form.get("type") == type_), forms[0])
            return _Found(type_, choices=choices, bounds=_bounds({**schema, **number}, type_))
        if kinds == {"boolean"}:
            return _Found("boolean")
        medium = None if choices else _medium(name, {**forms[0], **_hints(schema)}, forms)
        if medium is not None:
            return _Found(medium)
        is_open = bool(choices) and any(form.get("type") == "string" and not _enum(form) for form in forms)
        return _Found("text", choices=tuple(str(choice) for choice in choices), open_choices=is_open)


def _ordered(schema: Schema, properties: Mapping[str, Schema]) -> list[str]:
    """Return the inputs in the order that the service wants them shown in."""
    stated = [name for name in list_of(schema.get("x-fal-order-properties")) if name in properties]
    places = {name: each.get("x-order") for name, each in properties.items()}
    rest = [name for name in properties if name not in stated]
    return stated + sorted(rest, key=lambda name: place if isinstance(place := places[name], int) else len(places))


def _free(name: str, taken: Mapping[str, object]) -> str:
    return name if name not in taken else _free(f"{name}_", taken)


def _hints(schema: Schema) -> dict[str, Any]:
    return {name: schema[name] for name in ("description", "title", "examples", "format") if name in schema}


def _medium(name: str, schema: Schema, forms: list[Schema]) -> ParameterType | None:
    """Return what kind of file an address is; `None` when it is none."""
    words = set(re.split(r"[^a-z]+", name.lower()))
    is_address = bool(words & {"url", "urls", "uri", "uris"})
    if not is_address and not any(form.get("format") in FILE_FORMATS for form in [schema, *forms]):
        return None
    found = [medium for medium, of in MEDIUM_WORDS.items() if words & of]
    if found:
        return "video" if found[:2] == ["mask", "video"] else found[0]
    by_example = {_ENDINGS.get(str(each).rpartition(".")[2].lower()) for each in _examples(schema)} - {None}
    if len(by_example) == 1:
        return by_example.pop()
    text = set(re.split(r"[^a-z]+", f"{schema.get('title', '')} {schema.get('description', '')}".lower()))
    said = [medium for medium, of in MEDIUM_WORDS.items() if text & of]
    return said[0] if len(said) == 1 else None


def _examples(schema: Schema) -> list[object]:
    listed = list_of(schema.get("examples")) or [schema.get("example")]
    return [inner for each in listed for inner in (each if isinstance(each, list) else [each])]


def _enum(form: Schema) -> list[Any]:
    values = [form["const"]] if "const" in form else list_of(form.get("enum"))
    return [value for value in values if isinstance(value, (str, int, float)) and not isinstance(value, bool)]


def _kind_of(values: list[Any]) -> str:
    if not values or any(isinstance(value, str) for value in values):
        return "string"
    return "integer" if all(isinstance(value, int) for value in values) else "number"


def _bounds(form: Schema, type_: ParameterType, *, with_step: bool = True) -> dict[str, Any]:
    """Return smallest, largest and step; a bound that is excluded itself is the next whole number."""
    beyond = 1 if type_ == "integer" else 0
    low = _bound(form, "minimum", "exclusiveMinimum", beyond)
    high = _bound(form, "maximum", "exclusiveMaximum", -beyond)
    step = form.get("multipleOf", 1 if type_ == "integer" and low is not None and high is not None else None)
    given = {"min": low, "max": high, "step": step if with_step else None}
    return {name: value for name, value in given.items() if value is not None}


def _bound(form: Schema, name: str, excluded: str, beyond: int) -> Any:
    value, without = form.get(name), form.get(excluded)
    if without is True:  # OpenAPI 3.0 says so beside the bound, 3.1 in place of it
        return value + beyond if isinstance(value, (int, float)) else None
    if isinstance(without, (int, float)) and not isinstance(without, bool):
        return without + beyond
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _default(value: Any, found: _Found) -> Any:
    if found.type == "size" and isinstance(value, Mapping):
        return [value.get("width"), value.get("height")]
    if found.type == "number" and type(value) is int:
        return float(value)
    return str(value) if found.type == "text" and type(value) in (int, float) else value


def _whole(value: object) -> int | UnsetType:
    return value if isinstance(value, int) else UNSET


def _int_or_none(value: object) -> int | None:
    return value if isinstance(value, int) else None
