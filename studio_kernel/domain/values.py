"""What a parameter of a request can hold, frozen and with one JSON form.

Requests are hashed, compared and stored, so their values must be immutable and must survive a JSON round trip
unchanged. Plain scalars, tuples and mappings are themselves; the two kinds of reference are tagged objects:
``{"$asset": sha256, "media_type": …}`` and ``{"$lora": id, "weight": …}``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from immutabledict import immutabledict

Scalar: TypeAlias = str | int | float | bool | None
Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


@dataclass(frozen=True, slots=True, order=True)
class AssetRef:
    """A stored file as an input of a request.

    Attributes
    ----------
    sha256 : str
        Digest of the file's bytes, 64 hexadecimal characters; its name in the asset store.
    media_type : str
        Such as ``image/png``.
    """

    sha256: str
    media_type: str


@dataclass(frozen=True, slots=True, order=True)
class Lora:
    """A low-rank adapter and how strongly it acts.

    Attributes
    ----------
    id : str
        Catalog id of the adapter, or the path of a ``.safetensors`` file.
    weight : float
        1.0 = as trained, 0.0 = off; negative values invert it.
    """

    id: str
    weight: float = 1.0


Value: TypeAlias = "Scalar | AssetRef | Lora | tuple[Value, ...] | immutabledict[str, Value]"

_PLAIN = frozenset({str, int, bool, type(None)})
_TAGS = frozenset({"$asset", "$lora"})


def freeze(value: object) -> Value:
    """Return `value` with lists as tuples and mappings as immutable mappings.

    Raises
    ------
    ValueError
        For a float that is not finite, which has no JSON form, and for a name that stands for a reference.
    TypeError
        For a type a request cannot hold.
    """
    if type(value) in _PLAIN:
        return value  # type: ignore[return-value]  # as just asked; most values are, and sweeps have many
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
    if value is None or isinstance(value, (str, bool, int, float, AssetRef, Lora)):
        return value
    if isinstance(value, Mapping):
        if _TAGS & value.keys():
            raise ValueError(f"{value!r} has a name that stands for a reference: {', '.join(sorted(_TAGS))}")
        return immutabledict({str(key): freeze(item) for key, item in value.items()})
    if isinstance(value, Sequence):
        return tuple(freeze(item) for item in value)
    if hasattr(value, "item"):  # numpy scalars, as a loop over np.linspace gives them
        return freeze(value.item())
    raise TypeError(f"{type(value).__name__} {value!r} cannot be part of a request")


def to_json(value: Value) -> Json:
    """Return the JSON form of a frozen value."""
    if type(value) in _PLAIN:
        return value  # type: ignore[return-value]  # as just asked
    if isinstance(value, AssetRef):
        return {"$asset": value.sha256, "media_type": value.media_type}
    if isinstance(value, Lora):
        return {"$lora": value.id, "weight": value.weight}
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {key: to_json(item) for key, item in value.items()}
    return value


def from_json(value: object) -> Value:
    """Return the frozen value that `to_json` wrote."""
    if isinstance(value, Mapping):
        if "$asset" in value:
            return AssetRef(str(value["$asset"]), str(value["media_type"]))
        if "$lora" in value:
            return Lora(str(value["$lora"]), float(value["weight"]))
        return immutabledict({str(key): from_json(item) for key, item in value.items()})
    if isinstance(value, list):
        return tuple(from_json(item) for item in value)
    return freeze(value)


def asset_refs(value: Value) -> Iterator[AssetRef]:
    """Yield every reference to a stored file inside a frozen value, however deep."""
    if isinstance(value, AssetRef):
        yield value
    elif isinstance(value, (tuple, Mapping)):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from asset_refs(item)


def canonical(value: Json) -> str:
    """Return the one text form of a JSON value: sorted keys, no blanks, so that equal values have equal digests."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def describe(value: Value) -> str:
    """Return `value` as people read it in a label: short, without quotes around text."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, AssetRef):
        return f"{value.media_type.split('/')[0]} {value.sha256[:8]}"
    if isinstance(value, Lora):
        return f"{value.id} × {value.weight:g}"
    if isinstance(value, tuple):
        return ", ".join(describe(item) for item in value) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {describe(item)}" for key, item in value.items())
    return str(value)
