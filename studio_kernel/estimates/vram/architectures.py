"""The architectures that ship: configurations of well-known models, so that one can be traced before it is downloaded.

They are data, ``data/architectures/<id>.json``, each with its source and date.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from studio_kernel.errors import ModelUnavailableError
from studio_kernel.estimates.vram.blueprint import Blueprint, Part
from studio_kernel.forms import ready
from studio_kernel.settings import data_dir


class ArchitecturePart(msgspec.Struct, frozen=True, rename={"class_name": "class"}, forbid_unknown_fields=True):
    """A component, as the file says it; what is left out is the default of its class.

    Attributes
    ----------
    parameters : int or None
        As counted in the source.
    tokens : int or None
        Of a tokenizer: its longest text.
    """

    library: str
    class_name: str
    config: dict[str, Any] = {}
    dtype: str = ""
    parameters: int | None = None
    tokens: int | None = None
    source: str = ""


class Architecture(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of ``data/architectures``.

    Attributes
    ----------
    id, name : str
        The one by which it is asked for; the one for people.
    source, as_of : str
        Where its facts were read, and when.
    pipeline : str
        Class of diffusers.
    dtype : str
        In which it is usually loaded.
    tips : tuple of str
        Tips of the catalog; the models they are for have this architecture.
    """

    id: str
    name: str
    source: str
    as_of: str
    pipeline: str
    dtype: str
    parts: dict[str, ArchitecturePart]
    options: dict[str, Any] = {}
    call: dict[str, Any] = {}
    tips: tuple[str, ...] = ()

    @property
    def blueprint(self) -> Blueprint:
        """What it is built from."""
        return Blueprint(
            self.pipeline, {name: _part(part) for name, part in self.parts.items()}, self.options, self.call
        )


def architectures() -> tuple[str, ...]:
    """Return the ids of all that ship, sorted."""
    return tuple(sorted(path.stem for path in _directory().glob("*.json")))


def architecture(name: str) -> Architecture:
    """Return one of them.

    Raises
    ------
    ModelUnavailableError
        When there is none of that name, or its file is damaged.
    """
    path = _directory() / f"{name}.json"
    if name not in architectures():
        raise ModelUnavailableError(f"no architecture is called {name!r}; there are {', '.join(architectures())}")
    try:
        return msgspec.json.decode(path.read_bytes(), type=ready(Architecture))
    except (msgspec.DecodeError, OSError) as error:
        raise ModelUnavailableError(f"{str(path)!r} cannot be read: {error}") from error


def architecture_of(tips: str) -> str:
    """Return the id of the architecture of the models that some tips are for; empty when none ships."""
    return _by_tips().get(tips, "")


@cache
def _by_tips() -> dict[str, str]:
    return {tips: name for name in architectures() for tips in architecture(name).tips}


def _directory() -> Path:
    return data_dir() / "architectures"


def _part(part: ArchitecturePart) -> Part:
    config = part.config if part.tokens is None else {"model_max_length": part.tokens}
    return Part(part.library, part.class_name, config, dtype=part.dtype, parameters=part.parameters)
