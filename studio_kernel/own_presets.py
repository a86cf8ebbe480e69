"""The presets and styles that people of a home save: ``presets.yaml`` and ``styles.yaml`` of its catalog.

They are read like every catalog file, so an open studio sees them at its next look. Writing reads the file again under
a lock of the home, so that two processes that save at once lose nothing, and replaces it as a whole. What is written
here is what the studio rewrites: other sections and entries of these two files stay, comments do not.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from studio_kernel.catalog import presets
from studio_kernel.catalog.entries import PresetEntry, StyleEntry
from studio_kernel.catalog.files import read_plain, read_source
from studio_kernel.catalog.mistakes import Mistake, schema_mistakes
from studio_kernel.domain.values import freeze, to_json
from studio_kernel.errors import HomeError, InvalidRequestError, Problem
from studio_kernel.forms import ready
from studio_kernel.presence import one_at_a_time
from studio_kernel.settings import Home
from studio_kernel.writing import write_whole

Section = Literal["presets", "styles"]

LONGEST_NAME = 80
HEAD = "# Written by the studio when a {what} is saved; may be changed by hand, but comments are not kept.\n"
_WORD: Mapping[Section, str] = {"presets": "preset", "styles": "style"}


def save_preset(home: Home, known: Mapping[str, object], name: str, *, replace: bool, **fields: object) -> str:
    """Write a preset into a home and return its id; `Studio.save_preset` says more.

    Parameters
    ----------
    known : mapping
        Presets by id that there are, those that ship included.
    **fields
        Of `PresetEntry`; values as requests have them.
    """
    try:
        values = fields.pop("values", {}) or {}
        plain = {key: to_json(freeze(value)) for key, value in dict(values).items()}  # type: ignore[call-overload]
    except (TypeError, ValueError) as error:
        raise InvalidRequestError([Problem("values", str(error))], "save preset") from error
    return _save(home, "presets", known, name, {**fields, "values": plain}, replace=replace)


def save_style(home: Home, known: Mapping[str, object], name: str, *, replace: bool, **fields: object) -> str:
    """Write a style into a home and return its id; `Studio.save_style` says more."""
    return _save(home, "styles", known, name, fields, replace=replace)


def delete(home: Home, section: Section, known: Mapping[str, object], key: str) -> None:
    """Take a preset or style out of a home.

    Raises
    ------
    InvalidRequestError
        When there is none of that id, it ships, or it stands in another file.
    """
    subject = f"delete {_WORD[section]}"
    with one_at_a_time(home.locks, "presets"):
        path = home.catalog / f"{section}.yaml"
        data = _data(path)
        if key not in data.get(section, {}):
            raise InvalidRequestError([Problem("id", _why_not(home, section, known, key))], subject)
        del data[section][key]
        _write(path, section, data)


def _save(
    home: Home, section: Section, known: Mapping[str, object], name: str, fields: Mapping[str, Any], *, replace: bool
) -> str:
    subject = f"save {_WORD[section]}"
    name = name.strip()
    if not name or len(name) > LONGEST_NAME:
        text = f"{name!r} has {len(name)} characters; give 1 … {LONGEST_NAME}"
        raise InvalidRequestError([Problem("name", text)], subject)
    key = id_of(name)
    entry = {"name": name, **{field: value for field, value in fields.items() if value not in (None, "", {})}}
    _require_good(section, key, entry, subject)
    with one_at_a_time(home.locks, "presets"):
        path = home.catalog / f"{section}.yaml"
        data = _data(path)
        entries = data.setdefault(section, {})
        if not replace and (key in known or key in entries):
            text = f"there is a {_WORD[section]} {name!r} already; choose another name, or replace it (replace=True)"
            raise InvalidRequestError([Problem("name", text)], subject)
        if key not in entries and (place := _file_with(home, section, key)):
            text = f"{key!r} stands in {place}, which the studio does not change; change it there"
            raise InvalidRequestError([Problem("name", text)], subject)
        entries[key] = entry
        _write(path, section, data)
    return key


def id_of(name: str) -> str:
    """Return the id of what people call `name`: its letters and digits, joined by ``-``."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = "".join(character if character.isalnum() else " " for character in plain).split()
    return "-".join(words) or "n" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _require_good(section: Section, key: str, entry: Mapping[str, Any], subject: str) -> None:
    """Refuse what would be a mistake in the file."""
    form = PresetEntry if section == "presets" else StyleEntry
    mistakes: list[Mistake]
    try:
        read: Any = msgspec.convert(entry, ready(form))
    except msgspec.ValidationError as error:
        mistakes = schema_mistakes(entry, form) or [Mistake("", str(error))]
    else:
        make: Any = presets.preset if section == "presets" else presets.style
        mistakes = make(key, read, own=True)[1]
    if mistakes:
        raise InvalidRequestError([Problem(each.field, each.message) for each in mistakes], subject)


def _why_not(home: Home, section: Section, known: Mapping[str, object], key: str) -> str:
    if place := _file_with(home, section, key):
        return f"{key!r} stands in {place}, which the studio does not change; delete it there"
    if key in known:
        return f"{key!r} is part of this version and stays"
    return f"no {_WORD[section]} {key!r} in this home"


def _file_with(home: Home, section: Section, key: str) -> str:
    """Return the name of another file of the home that has an entry; empty when none has."""
    for path in sorted([*home.catalog.glob("*.yaml"), *home.catalog.glob("*.yml")]):
        if path.name != f"{section}.yaml":
            source = read_source(path, path.name, home.catalog, shipped=False)
            if key in getattr(source.content, section):
                return path.name
    return ""


def _data(path: Path) -> dict[str, Any]:
    """Return what a file says, as plain data.

    Raises
    ------
    InvalidRequestError
        When it cannot be read, so that it is not written over.
    """
    if not path.exists():
        return {}
    data, mistake = read_plain(path)
    if mistake is not None:
        raise InvalidRequestError([mistake.at(str(path))], "save")
    return data


def _write(path: Path, section: Section, data: Mapping[str, Any]) -> None:
    import yaml

    text = yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True, width=120)
    try:
        write_whole(path, (HEAD.format(what=_WORD[section]) + text).encode("utf-8"))
    except OSError as error:
        raise HomeError(f"cannot write {str(path)!r}: {error.strerror or error}") from error
