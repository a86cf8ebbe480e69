"""Reading catalog files: from text to entries, every mistake with its file, entry and field.

A file in good order is decoded in one go. Only when that fails is it read entry by entry and held against the schema,
so that all mistakes are told and the good entries can still be used. YAML comes without its surprises: dates stay
text, a key that stands twice is a mistake, keys are text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from studio_kernel.catalog.entries import (
    CatalogFile,
    ExportPresetEntry,
    FamilyEntry,
    Id,
    LoraEntry,
    ModelEntry,
    PresetEntry,
    SchedulerEntry,
    StyleEntry,
    TipsEntry,
)
from studio_kernel.catalog.mistakes import Mistake, schema_mistakes, unknown
from studio_kernel.errors import Problem
from studio_kernel.forms import ready

_FORMS: Mapping[str, type[msgspec.Struct]] = {
    "families": FamilyEntry,
    "schedulers": SchedulerEntry,
    "loras": LoraEntry,
    "tips": TipsEntry,
    "models": ModelEntry,
    "presets": PresetEntry,
    "styles": StyleEntry,
    "export_presets": ExportPresetEntry,
}
_MAX_DEPTH = 12


@dataclass(frozen=True, slots=True)
class Source:
    """One catalog file as it was read.

    Attributes
    ----------
    name : str
        As problems name it.
    base : pathlib.Path
        Directory that the relative paths in it start from.
    shipped : bool
        Part of this version, and not the user's own.
    content : CatalogFile
        Its good entries.
    problems : tuple of Problem
        What is wrong with the others.
    refreshed : bool
        Not written by people, but what a service said when it was asked last.
    """

    name: str
    base: Path
    shipped: bool
    content: CatalogFile
    problems: tuple[Problem, ...] = ()
    refreshed: bool = False

    @property
    def layer(self) -> int:
        """Which files these entries go over: 0 ships, 1 was refreshed, 2 is the user's own."""
        return 0 if self.shipped else 1 if self.refreshed else 2

    @property
    def is_own(self) -> bool:
        """Whether people of this home wrote it."""
        return not self.shipped and not self.refreshed


def read_source(path: Path, name: str, base: Path, shipped: bool) -> Source:
    """Return the entries of a catalog file and the mistakes in it."""
    try:
        return Source(name, base, shipped, _decoded(path))
    except msgspec.ValidationError:
        content, problems = _decoded_by_entry(_plain_data(path), name)
        return Source(name, base, shipped, content, tuple(problems))
    except _UnreadableError as error:
        return Source(name, base, shipped, CatalogFile(), (error.mistake.at(name),))


def read_plain(path: Path) -> tuple[dict[str, Any], Mistake | None]:
    """Return the sections of a YAML file as they stand there, and why there are none when it cannot be read."""
    try:
        return _read_yaml(path), None
    except _UnreadableError as error:
        return {}, error.mistake


class _UnreadableError(Exception):
    """A file that is no catalog file; `mistake` says why."""

    def __init__(self, field: str, message: str) -> None:
        self.mistake = Mistake(field, message)
        super().__init__(message)


def _decoded(path: Path) -> CatalogFile:
    if path.suffix == ".json":
        try:
            return msgspec.json.decode(_bytes(path), type=ready(CatalogFile))
        except msgspec.DecodeError as error:
            if isinstance(error, msgspec.ValidationError):
                raise
            raise _UnreadableError("", f"is not JSON: {error}") from error
    return msgspec.convert(_read_yaml(path), ready(CatalogFile))


def _plain_data(path: Path) -> Any:
    return msgspec.json.decode(_bytes(path)) if path.suffix == ".json" else _read_yaml(path)


def _decoded_by_entry(data: Any, file: str) -> tuple[CatalogFile, list[Problem]]:
    if not isinstance(data, dict):
        return CatalogFile(), [Mistake("", f"{data!r} is not a mapping; sections are {', '.join(_FORMS)}").at(file)]
    problems = [Mistake(name, unknown("a section", name, _FORMS)).at(file) for name in data if name not in _FORMS]
    sections: dict[str, dict[str, Any]] = {}
    for section, form in _FORMS.items():
        entries = data.get(section, {})
        if not isinstance(entries, dict):
            problems.append(Mistake(section, f"{entries!r} is not a mapping from ids to entries").at(file))
            continue
        sections[section] = {}
        for key, raw in entries.items():
            entry, mistakes = _entry(key, raw, form)
            problems += [mistake.at(file, key) for mistake in mistakes]
            if not mistakes:
                sections[section][key] = entry
    return CatalogFile(**sections), problems


def _entry(key: str, raw: Any, form: type[msgspec.Struct]) -> tuple[Any, list[Mistake]]:
    mistakes: list[Mistake] = []
    try:
        msgspec.convert(key, Id)
    except msgspec.ValidationError:
        mistakes.append(Mistake("", f"{key!r} is no id; letters, digits and . _ / + - are allowed"))
    try:
        return msgspec.convert(raw, ready(form)), mistakes
    except msgspec.ValidationError as error:
        return None, mistakes + (schema_mistakes(raw, form) or [Mistake("", str(error))])


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _UnreadableError("", f"cannot be read: {error.strerror or error}") from error


def _read_yaml(path: Path) -> dict[str, Any]:
    """Return the sections of a YAML file; an empty file has none."""
    import yaml

    try:
        text = _bytes(path).decode("utf-8-sig")
        data = yaml.load(text, Loader=_loader())
    except UnicodeDecodeError as error:
        raise _UnreadableError("", f"is not text in UTF-8: {error.reason} at byte {error.start}") from error
    except yaml.MarkedYAMLError as error:
        raise _unreadable(error, text) from error
    except yaml.YAMLError as error:
        raise _UnreadableError("", f"is not YAML: {error}") from error
    plain = {} if data is None else _plain(data)
    if isinstance(plain, dict):
        # A section with nothing under it is an empty one, not a mistake.
        return {name: {} if entries is None else entries for name, entries in plain.items()}
    raise _UnreadableError("", f"{plain!r} is not a mapping; sections are {', '.join(_FORMS)}")


@cache
def _loader() -> type:
    import yaml

    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc, valid-type]  # the C loader exists only where libyaml does
        """Safe YAML in which dates are text and no key stands twice."""

        yaml_implicit_resolvers = {  # noqa: RUF012 - the library's own name and kind
            first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
            for first, resolvers in base.yaml_implicit_resolvers.items()
        }

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            """Return the mapping, refusing a key that stands twice."""
            seen: set[str] = set()
            for key, _value in node.value:
                if not isinstance(key.value, str):
                    continue
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} stands twice", key.start_mark)
                seen.add(key.value)
            mapping: dict[Any, Any] = super().construct_mapping(node, deep)
            return mapping

    return Loader


def _plain(value: Any, depth: int = 0) -> Any:
    if depth > _MAX_DEPTH:
        raise _UnreadableError("", f"is nested more than {_MAX_DEPTH} levels deep")
    if isinstance(value, dict):
        return {str(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, depth + 1) for item in value]
    return value if _is_json(value) else str(value)


def _is_json(value: Any) -> bool:
    """Return whether JSON holds `value` as it is; YAML has more, and what has no use here is read as text."""
    if isinstance(value, int):
        return abs(value) < 2**63
    return value is None or isinstance(value, str) or (isinstance(value, float) and math.isfinite(value))


def _unreadable(error: Any, text: str) -> _UnreadableError:
    """Return a parser's error with its line, in words."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return _UnreadableError("", f"is not YAML: {error}")
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return _UnreadableError(f"line {mark.line + 1}", "is indented with a tab; use spaces")
    said = error.problem or error.context
    return _UnreadableError(f"line {mark.line + 1}", said if "stands twice" in said else f"is not YAML: {said}")
