"""Files as values of a form: which file of a run fits a parameter, and what the value becomes with one more or less."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.values import AssetRef
from studio_kernel.errors import InvalidInputError
from studio_widgets.media.checks import check_file, kind_of

if TYPE_CHECKING:
    from studio_kernel.studio import Studio


def parameter_of(parameters: Iterable[Parameter], name: str) -> Parameter:
    """Return the parameter of that name.

    Raises
    ------
    InvalidInputError
        When there is none, or it takes no file.
    """
    files = [parameter for parameter in parameters if parameter.is_media]
    found = next((parameter for parameter in files if parameter.name == name), None)
    if found is None:
        names = ", ".join(repr(parameter.name) for parameter in files) or "none"
        raise InvalidInputError(f"{name!r} takes no file here; those that do: {names}")
    return found


def stored(
    studio: Studio, parameter: Parameter, data: bytes, file_name: str = "", project: str | None = None
) -> AssetRef:
    """Store a file that a parameter takes and return its reference; all but masks are imported for that.

    Raises
    ------
    InvalidInputError
        When the parameter does not take it, or it cannot be read.
    """
    try:
        check_file(parameter, data)
    except InvalidInputError as error:
        raise InvalidInputError(f"{parameter.title}: {error}") from error
    if parameter.type != "mask":
        studio.import_bytes(data, file_name or parameter.title, project)
    return studio.assets.take(data, parameter.name)


def of_run(studio: Studio, parameter: Parameter, run_id: str) -> AssetRef:
    """Return the first file of a run that a parameter takes; it is kept from being taken for unused.

    Raises
    ------
    InvalidInputError
        When the run has none.
    UnknownRunError
        When there is no such run.
    """
    record = studio.record(run_id)
    kind = kind_of(parameter)
    found = next((asset for asset in record.assets if asset.is_a(kind)), None)
    if found is None:
        made = ", ".join(sorted({asset.media_type for asset in record.assets})) or f"nothing, it has {record.status}"
        raise InvalidInputError(f"{parameter.title}: the run made no {kind} ({made}), and {kind} is what is wanted")
    return studio.assets.take(found.ref, parameter.name)


def added(parameter: Parameter, value: object, ref: AssetRef) -> object:
    """Return the value with one more file: in place of the one before, or behind those there are.

    Raises
    ------
    InvalidInputError
        When no more are taken.
    """
    if not parameter.multiple:
        return ref
    refs = _refs(value)
    if parameter.max_items is not None and len(refs) >= parameter.max_items:
        raise InvalidInputError(f"{parameter.title}: at most {parameter.max_items} are taken; remove one first")
    return (*refs, ref)


def without(value: object, place: int) -> object:
    """Return the value without the file at a place; `None` when none is left."""
    refs = _refs(value)
    return tuple(ref for index, ref in enumerate(refs) if index != place) or None


def picture_of(parameters: Iterable[Parameter], values: Mapping[str, object]) -> AssetRef | None:
    """Return the picture that a mask is for: the first that is given as an input image."""
    given = (_refs(values.get(parameter.name)) for parameter in parameters if parameter.type == "image")
    return next((ref for refs in given for ref in refs), None)


def _refs(value: object) -> tuple[AssetRef, ...]:
    items = value if isinstance(value, tuple) else (value,)
    return tuple(item for item in items if isinstance(item, AssetRef))
