"""A sweep: a base request times axes, expanded lazily.

The first axis is the outermost: it changes slowest. Size is computed without expanding.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from immutabledict import immutabledict

from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import AssetRef, Json, Value, asset_refs, describe, freeze, from_json, to_json


@dataclass(frozen=True, slots=True)
class Axis:
    """One parameter and the values it takes.

    Attributes
    ----------
    name : str
        A parameter of the model, or ``model`` itself.
    values : tuple
        In the order given, without repeats.
    """

    name: str
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        """Freeze the values and refuse an axis that has none or repeats one."""
        values = tuple(freeze(value) for value in self.values)
        if not values:
            raise ValueError(f"axis {self.name!r} has no values")
        if len(set(values)) != len(values):
            raise ValueError(f"axis {self.name!r} names a value twice: {', '.join(map(describe, values))}")
        object.__setattr__(self, "values", values)


@dataclass(frozen=True, slots=True)
class Cell:
    """One point of a sweep.

    Attributes
    ----------
    index : int
        Place in the sweep's order, from 0.
    coordinates : mapping
        Axis name → value.
    request : GenerationRequest
        The base request with those values.
    """

    index: int
    coordinates: Mapping[str, Value]
    request: GenerationRequest


@dataclass(frozen=True, slots=True)
class Sweep:
    """The full product of the axes over a base request."""

    base: GenerationRequest
    axes: tuple[Axis, ...]

    def __post_init__(self) -> None:
        """Refuse an axis that is named twice."""
        names = [axis.name for axis in self.axes]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"axes named twice: {', '.join(sorted(twice))}")

    @property
    def size(self) -> int:
        """Number of cells, ≥ 1."""
        return math.prod(len(axis.values) for axis in self.axes)

    @property
    def references(self) -> tuple[AssetRef, ...]:
        """Every stored file that its base request and its axes name."""
        on_axes = (ref for axis in self.axes for value in axis.values for ref in asset_refs(value))
        return (*self.base.references, *on_axes)

    def cells(self) -> Iterator[Cell]:
        """Yield every cell, the last axis changing fastest."""
        names = [axis.name for axis in self.axes]
        for index, values in enumerate(product(*(axis.values for axis in self.axes))):
            coordinates = immutabledict(zip(names, values, strict=True))
            yield Cell(index, coordinates, apply(self.base, coordinates))

    def to_json(self) -> dict[str, Json]:
        """Return the JSON form."""
        axes: Json = [{"name": axis.name, "values": [to_json(value) for value in axis.values]} for axis in self.axes]
        return {"base": self.base.to_json(), "axes": axes}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Sweep:
        """Return the sweep that `to_json` wrote."""
        base, axes = data["base"], data["axes"]
        if not isinstance(base, Mapping) or not isinstance(axes, list):
            raise ValueError("a sweep is an object with 'base' and a list of 'axes'")
        return cls(
            GenerationRequest.from_json(base),
            tuple(Axis(str(axis["name"]), tuple(from_json(value) for value in axis["values"])) for axis in axes),
        )


def apply(base: GenerationRequest, coordinates: Mapping[str, Value]) -> GenerationRequest:
    """Return `base` with the coordinates of a cell in place of its own values."""
    merged = {**base.parameters, **coordinates}
    model = merged.pop("model", base.model)
    return GenerationRequest(str(model), base.task, {name: v for name, v in merged.items() if v is not None})


def linspace(start: float, stop: float, count: int) -> tuple[float, ...]:
    """Return `count` evenly spaced numbers from `start` to `stop`, both included.

    Values are rounded to 12 significant digits, so that 0.1 … 0.3 in three steps reads 0.1, 0.2, 0.3 and a request
    made from it has the digest of one typed by hand.

    Raises
    ------
    ValueError
        When `count` is below 1.

    Examples
    --------
    >>> linspace(1, 9, 5)
    (1.0, 3.0, 5.0, 7.0, 9.0)
    """
    if count < 1:
        raise ValueError(f"count {count!r} must be at least 1")
    if count == 1:
        return (float(start),)
    width = (stop - start) / (count - 1)
    return tuple(float(f"{start + width * i:.12g}") for i in range(count))
