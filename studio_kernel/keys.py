"""Keys of remote services: where they are looked for, and how they stay out of sight.

A key is looked for in the environment, in ``.env.local`` and ``.env`` of the working directory and those above it, and
in the password store of the operating system. It is never shown: `Key` hides it, and `hide` takes every key that this
process has seen out of a text, because services like to repeat in an error what they were sent.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from studio_kernel.errors import MissingKeyError

FOLDER_VARIABLE = "STUDIO_KEYS_FROM"
"""The directory to look for ``.env`` files from, for processes that stand elsewhere than who started them; empty =
there are none to look for."""
STORE = "studio-workbench"
"""What the keys are filed under in the password store of the operating system."""
IN_STORE = "password store"
"""Where a key is from that was kept there."""
HIDDEN = "•••"
_log = logging.getLogger(__name__)
_FILES = (".env.local", ".env")
_STORE_S = 60.0  # asking the password store takes long, and asks its owner on some systems
_PLACEHOLDER = re.compile(r"^<.*>$|your[-_]|^[xX.*-]+$", re.IGNORECASE)
_SHORTEST = 8  # what is shorter is no key; hiding it would hide words


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where the key of a service comes from.

    Attributes
    ----------
    service, title : str
        Its name, and how people call it.
    variables : tuple of str
        Environment variables, the usual one first. One of the form ``A+B`` stands for two that are joined by a colon.
    website : str
        Where to get a key.
    """

    service: str
    title: str
    variables: tuple[str, ...]
    website: str


PLACES: Mapping[str, KeyPlace] = {
    place.service: place
    for place in (
        KeyPlace(
            "fal", "fal.ai", ("FAL_KEY", "FAL_API_KEY", "FAL_KEY_ID+FAL_KEY_SECRET"), "https://fal.ai/dashboard/keys"
        ),
        KeyPlace(
            "replicate",
            "Replicate",
            ("REPLICATE_API_TOKEN", "REPLICATE_API_KEY"),
            "https://replicate.com/account/api-tokens",
        ),
        KeyPlace("openai", "OpenAI", ("OPENAI_API_KEY",), "https://platform.openai.com/api-keys"),
    )
}


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """Whether there is a key of a service.

    Attributes
    ----------
    service, title : str
        Its name, and how people call it.
    source : str
        Where its key is from, in words; empty = there is none.
    problem : str
        Why there is none, and what to do about it; empty when there is one.
    """

    service: str
    title: str
    source: str = ""
    problem: str = ""

    def to_json(self) -> dict[str, str | bool]:
        """Return it as JSON; never the key."""
        return {"service": self.service, "has_key": bool(self.source), "source": self.source, "problem": self.problem}


class Key:
    """A key that does not show itself.

    Parameters
    ----------
    value : str
        The key, trimmed.
    source : str
        Where it was found, in words.
    """

    __slots__ = ("_value", "source")

    def __init__(self, value: str, source: str) -> None:
        self._value, self.source = value, source
        if len(value) >= _SHORTEST:
            _seen.add(value)

    def reveal(self) -> str:
        """Return the key itself; for the header of a request, and nothing else."""
        return self._value

    def __repr__(self) -> str:
        return f"<Key from {self.source}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a key is never stored or sent to another process")


_seen: set[str] = set()
_stored: dict[str, tuple[float, str]] = {}


def hide(text: str) -> str:
    """Return `text` without any key that this process has seen."""
    for value in sorted(_seen, key=len, reverse=True):
        text = text.replace(value, HIDDEN)
    return text


def find(service: str) -> Key:
    """Return the key of a service, trimmed and checked.

    Raises
    ------
    MissingKeyError
        When there is none, or what was found can be no key; says where to get one and where to put it.
    """
    place = PLACES[service]
    found = _found(place)
    if found is None:
        raise MissingKeyError(
            f"{place.title} needs a key: get one at {place.website} and set the environment variable "
            f"{place.variables[0]}, write {place.variables[0]}=… into a file .env, or store it with "
            f"'studio keys set {service}'; local models such as 'studio-tiny' need none"
        )
    value, source = found
    trimmed = value.strip().strip("'\"").strip()
    if problem := _problem(trimmed):
        raise MissingKeyError(f"the key of {place.title} ({source}) {problem}; copy it again from {place.website}")
    return Key(trimmed, source)


def missing(service: str) -> str | None:
    """Return why there is no key of a service, and what to do about it; `None` when there is one."""
    try:
        find(service)
    except MissingKeyError as error:
        return str(error)
    return None


def status(service: str) -> KeyStatus:
    """Return whether there is a key of a service, and where it is from."""
    title = PLACES[service].title
    try:
        return KeyStatus(service, title, source=find(service).source)
    except MissingKeyError as error:
        return KeyStatus(service, title, problem=str(error))


def store(service: str, value: str) -> None:
    """Keep the key of a service in the password store of the operating system.

    Raises
    ------
    MissingKeyError
        When it can be no key, or this system has no password store.
    """
    import keyring
    from keyring.errors import KeyringError

    place = PLACES[service]
    trimmed = Key(value.strip(), "what was given").reveal()
    if problem := _problem(trimmed):
        raise MissingKeyError(f"the key of {place.title} {problem}; copy it again from {place.website}")
    try:
        keyring.set_password(STORE, service, trimmed)
    except (KeyringError, OSError) as error:
        raise MissingKeyError(
            f"this system has no password store that could keep a key ({error}); set the environment variable "
            f"{place.variables[0]} or write {place.variables[0]}=… into a file .env"
        ) from None
    _stored.pop(service, None)


def forget(service: str) -> None:
    """Take the key of a service out of the password store; nothing happens when it is not there."""
    import keyring
    from keyring.errors import KeyringError

    with suppress(KeyringError, OSError):
        keyring.delete_password(STORE, service)
    _stored.pop(service, None)


def _found(place: KeyPlace) -> tuple[str, str] | None:
    """Return the first value that is not empty, and where it was."""
    for variable in place.variables:
        if value := _joined(os.environ, variable):
            return value, f"environment variable {variable}"
    for path in _env_files():
        written = _read(path, path.stat().st_mtime_ns)
        for variable in place.variables:
            if value := _joined(written, variable):
                return value, f"{variable} in {path.name}"
    value = _from_store(place.service)
    return (value, IN_STORE) if value else None


def _joined(values: Mapping[str, str], variable: str) -> str:
    parts = [values.get(name, "").strip() for name in variable.split("+")]
    return ":".join(parts) if all(parts) else ""


def _env_files() -> list[Path]:
    """Return the files of the nearest directory, from the working directory upwards, that has any.

    Asked for every model of a list: of the names only whether there are such files is looked up each time.
    """
    told = os.environ.get(FOLDER_VARIABLE)
    if told == "":
        return []
    for names in _candidates(told or os.getcwd()):  # noqa: PTH109 - ten times as fast
        if found := [Path(name) for name in names if os.path.isfile(name)]:  # noqa: PTH113 - so is this
            return found
    return []


@lru_cache(maxsize=8)
def _candidates(start: str) -> tuple[tuple[str, ...], ...]:
    """Return the names that a file with keys may have, directory by directory."""
    folders = (Path(start), *Path(start).parents)
    return tuple(tuple(str(folder / name) for name in _FILES) for folder in folders)


@lru_cache(maxsize=8)
def _read(path: Path, _changed: int) -> dict[str, str]:
    from dotenv import dotenv_values

    with suppress(OSError, UnicodeDecodeError):
        return {name: value for name, value in dotenv_values(path, interpolate=False).items() if value}
    return {}


def _from_store(service: str) -> str:
    asked_at, value = _stored.get(service, (-_STORE_S, ""))
    if time.monotonic() - asked_at < _STORE_S:
        return value
    import keyring

    try:
        value = keyring.get_password(STORE, service) or ""
    except Exception as error:  # noqa: BLE001 - each system's store fails in its own way
        _log.info("the password store cannot be asked for the key of %s: %s", service, type(error).__name__)
        value = ""
    _stored[service] = time.monotonic(), value
    return value


def _problem(value: str) -> str:
    """Return what keeps a text from being a key; empty when nothing does."""
    if not value.isascii() or not value.isprintable() or " " in value:
        return "has characters that no key has"
    if len(value) < _SHORTEST:
        return f"has {len(value)} characters, fewer than any key"
    if _PLACEHOLDER.search(value):
        return "is a placeholder"
    return ""
