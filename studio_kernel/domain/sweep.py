"""A sweep: a base request times groups of axes, expanded lazily.

Axes are zipped inside a group and multiplied between groups; the first group is the outermost, so it changes slowest.
Rules leave cells out. Size is computed without making a request.

What an axis changes follows from its name:

========================= =================================================================================
``guidance_scale``, …     that parameter of the request
``model``                 the model
``prompt:boat``           the text ``boat`` inside the prompt (any text parameter) is replaced by each value
``prompt:{red|blue}``     the same: these alternatives in the prompt, wherever they stand in it
``lora:ID``               the weight of that adapter, added to the request's LoRAs where it is not among them
``replicate``             the seed, other for every cell (see `REPLICATE`)
``engine``                nothing: a label beside the model that it stands for (see `drafting`)
========================= =================================================================================
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from typing import TypeAlias

from immutabledict import immutabledict

from studio_kernel.domain.parameters import MAX_SEED
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.rules import Rule
from studio_kernel.domain.values import (
    AssetRef,
    Json,
    Lora,
    Value,
    asset_refs,
    canonical,
    describe,
    freeze,
    from_json,
    to_json,
)

REPLICATE = "replicate"
"""Axis of repeats with independent seeds: a cell's seed follows from the base's seed and all of its coordinates, so
that a wider axis leaves the seeds of the other cells as they are. Repeats with the same seeds everywhere are an
axis ``seed``."""

LABELS = frozenset({"engine"})
"""Axes that change nothing themselves."""


@dataclass(frozen=True, slots=True)
class Computed:
    """A value that a function makes of the other parameters of a cell.

    Attributes
    ----------
    label : str
        What stands for it in tables and grids, and in the log.
    function : callable or None
        Takes the parameters of the cell's request, name → value, without its own; returns the value. `None` when the
        sweep was read from the log, which keeps no code.
    """

    label: str
    function: Callable[[Mapping[str, Value]], object] | None = field(default=None, compare=False)


AxisValue: TypeAlias = "Value | Computed"


@dataclass(frozen=True, slots=True)
class AxisGroup:
    """Axes that move together.

    Attributes
    ----------
    names : tuple of str
        What is changed; see the module.
    points : tuple of tuple
        The values, one of each axis in a point; `None` = as in the base request. As people wrote them until they are
        part of a `Sweep`, frozen from then on.
    """

    names: tuple[str, ...]
    points: tuple[tuple[AxisValue, ...], ...]

    @classmethod
    def of(cls, name: str, values: Sequence[AxisValue]) -> AxisGroup:
        """Return the group of a single axis."""
        return cls((name,), tuple((value,) for value in values))

    @property
    def title(self) -> str:
        """Its names, for a message."""
        return " with ".join(self.names)

    def frozen(self) -> AxisGroup:
        """Return the group with frozen values.

        Raises
        ------
        ValueError
            When it has no values, a point is named twice or has a value too few or too many.
        """
        points = tuple(tuple(_frozen(value) for value in point) for point in self.points)
        if not points:
            raise ValueError(f"axis {self.title!r} has no values")
        if any(len(point) != len(self.names) for point in points):
            raise ValueError(f"axis {self.title!r} needs {len(self.names)} values in each of its points")
        if len(set(points)) != len(points):
            twice = next(point for point in points if points.count(point) > 1)
            raise ValueError(f"axis {self.title!r} names a value twice: {', '.join(map(_label, twice))}")
        return AxisGroup(self.names, points)


@dataclass(frozen=True, slots=True)
class Cell:
    """One point of a sweep.

    Attributes
    ----------
    index : int
        Place in the sweep's order, from 0.
    coordinates : mapping
        Axis name → value; the label of what is computed.
    request : GenerationRequest or None
        The base request with those values; `None` when there is none.
    problem : str
        Why there is no request, such as what a function has thrown.
    """

    index: int
    coordinates: Mapping[str, Value]
    request: GenerationRequest | None
    problem: str = ""


@dataclass(frozen=True)
class Sweep:
    """Groups of axes over a base request, less what the rules leave out.

    Attributes
    ----------
    batch_size : int or None
        At most so many cells are computed in one pass; `None` = as many as the engine advises. With 1 a cell has the
        very bytes that its request has alone; in larger passes it differs by rounding.
    """

    base: GenerationRequest
    groups: tuple[AxisGroup, ...]
    rules: tuple[Rule, ...] = ()
    batch_size: int | None = None

    def __post_init__(self) -> None:
        """Freeze the values; refuse an axis that is named twice, and text to be replaced that is not there."""
        object.__setattr__(self, "groups", tuple(group.frozen() for group in self.groups))
        if self.batch_size is not None and self.batch_size < 1:
            raise ValueError(f"batch_size {self.batch_size!r} must be at least 1")
        names = [name for group in self.groups for name in group.names]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"axes named twice: {', '.join(sorted(twice))}")
        for name in names:
            self._require_token(name)

    @cached_property
    def axes(self) -> dict[str, tuple[Value, ...]]:
        """Every axis and its distinct values, in the order in which they come."""
        return {
            name: tuple(dict.fromkeys(label_of(point[place]) for point in group.points))
            for group in self.groups
            for place, name in enumerate(group.names)
        }

    @property
    def full_size(self) -> int:
        """Number of cells, without the rules."""
        return math.prod(len(group.points) for group in self.groups)

    @cached_property
    def size(self) -> int:
        """Number of cells; only the axes that rules look at are gone through."""
        involved = self._involved
        free = math.prod(len(group.points) for at, group in enumerate(self.groups) if at not in involved)
        ruled = (self.groups[at] for at in involved)
        return free * sum(self._keeps(points, involved) for points in product(*(group.points for group in ruled)))

    @property
    def references(self) -> tuple[AssetRef, ...]:
        """Every stored file that its base request and its axes name."""
        on_axes = (
            ref
            for group in self.groups
            for point in group.points
            for value in point
            if not isinstance(value, Computed)
            for ref in asset_refs(value)
        )
        return (*self.base.references, *on_axes)

    @property
    def lost_functions(self) -> tuple[str, ...]:
        """What the functions were called that the log has not kept, each once."""
        computed = (
            value.label
            for group in self.groups
            for point in group.points
            for value in point
            if isinstance(value, Computed) and value.function is None
        )
        rules = (rule.text for rule in self.rules if not rule.is_expression and rule.function is None)
        return tuple(dict.fromkeys([*computed, *rules]))

    def cells(self) -> Iterator[Cell]:
        """Yield every cell that the rules leave, the last group changing fastest."""
        involved = self._involved
        kept: dict[tuple[object, ...], bool] = {}
        index = 0
        for points in product(*(group.points for group in self.groups)):
            looked_at = tuple(points[at] for at in involved)
            if looked_at not in kept:
                kept[looked_at] = self._keeps(looked_at, involved)
            if not kept[looked_at]:
                continue
            settings = self._settings(points, range(len(points)))
            coordinates = immutabledict({name: label_of(value) for name, value in settings.items()})
            try:
                yield Cell(index, coordinates, apply(self.base, settings))
            except ValueError as error:
                yield Cell(index, coordinates, None, str(error))
            index += 1

    def left_out_by(self, coordinates: Mapping[str, Value]) -> Rule | None:
        """Return the rule that leaves out the cell at `coordinates`; `None` when none does."""
        values = {**self.base.parameters, "model": self.base.model}
        values |= {name: value for name, value in coordinates.items() if value is not None or name not in values}
        return next((rule for rule in self.rules if not rule.keeps(values)), None)

    def replace(self, *groups: AxisGroup) -> Sweep:
        """Return the sweep of the same base and rules over other groups."""
        return replace(self, groups=groups)

    def to_json(self) -> dict[str, Json]:
        """Return the JSON form."""
        groups: Json = [
            {"names": list(group.names), "points": [[_to_json(value) for value in point] for point in group.points]}
            for group in self.groups
        ]
        rules: Json = [rule.to_json() for rule in self.rules]
        return {"base": self.base.to_json(), "groups": groups, "rules": rules, "batch_size": self.batch_size}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Sweep:
        """Return the sweep that `to_json` wrote, now or when a sweep was a list of single axes."""
        base, groups, rules = data["base"], data.get("groups", data.get("axes")), data.get("rules", [])
        if not (isinstance(base, Mapping) and isinstance(groups, list) and isinstance(rules, list)):
            raise ValueError("a sweep is an object with 'base' and lists of 'groups' and 'rules'")
        return cls(
            GenerationRequest.from_json(base),
            tuple(map(_group_from_json, groups)),
            tuple(map(Rule.from_json, rules)),
            data.get("batch_size"),  # type: ignore[arg-type]  # a number or null, as it was written
        )

    @cached_property
    def _involved(self) -> tuple[int, ...]:
        """The places of the groups that some rule looks at."""
        return tuple(
            at for at, group in enumerate(self.groups) if any(rule.looks_at(group.names) for rule in self.rules)
        )

    def _keeps(self, points: Sequence[tuple[AxisValue, ...]], places: Sequence[int]) -> bool:
        if not self.rules:
            return True
        settings = self._settings(points, places)
        return self.left_out_by({name: label_of(value) for name, value in settings.items()}) is None

    def _settings(self, points: Sequence[tuple[AxisValue, ...]], places: Sequence[int]) -> dict[str, AxisValue]:
        return {
            name: value
            for at, point in zip(places, points, strict=True)
            for name, value in zip(self.groups[at].names, point, strict=True)
        }

    def _require_token(self, name: str) -> None:
        parameter, token = _inside_text(name)
        if not token or parameter == "lora":
            return
        texts = [str(text or "") for text in self.axes.get(parameter) or (self.base.parameters.get(parameter),)]
        tokens = {other for each in self.axes for where, other in [_inside_text(each)] if where == parameter and other}
        for text in texts:
            if token not in text:
                raise ValueError(f"the {parameter} {text!r} does not contain {token!r}, which axis {name!r} replaces")
            found = {match[0] for match in _pattern(tokens).finditer(text)}
            if token not in found:
                within = next((other for other in found if token in other), token)
                raise ValueError(
                    f"axis {name!r} finds nothing to replace in the {parameter} {text!r}: {token!r} stands there "
                    f"only inside {within!r}, which another axis replaces"
                )


def apply(base: GenerationRequest, settings: Mapping[str, AxisValue]) -> GenerationRequest:
    """Return `base` with the settings of a cell in place of its own values; `None` leaves its own.

    Raises
    ------
    ValueError
        When they cannot be applied, such as when a function fails.
    """
    values: dict[str, Value] = dict(base.parameters)
    model = base.model
    texts: dict[str, dict[str, str]] = {}
    computed: dict[str, Computed] = {}
    for name, value in settings.items():
        if value is None:
            continue
        if isinstance(value, Computed):
            computed[name] = value
        elif name in values:
            values[name] = value
        elif name == "model":
            model = str(value)
        elif ":" in name:
            parameter, token = _inside_text(name)
            if parameter == "lora":
                values["loras"] = _weighted(values.get("loras"), token, value)
            else:
                texts.setdefault(parameter, {})[token] = str(value)
        elif name == REPLICATE:
            values["seed"] = _seed_of(base, settings)
        elif name not in LABELS:
            values[name] = value
    for parameter, replacements in texts.items():
        values[parameter] = _replaced(str(values.get(parameter) or ""), replacements)
    for name, made in computed.items():
        values[name] = _computed(name, made, {**values, "model": model})
    given = {name: value for name, value in values.items() if value is not None}
    return GenerationRequest.of_frozen(model, base.task, given)


def _inside_text(name: str) -> tuple[str, str]:
    parameter, _, token = name.partition(":")
    return parameter, token


def _weighted(loras: Value, adapter: str, weight: Value) -> Value:
    """Return the LoRAs of a request with the weight of one of them; 0 takes it out."""
    others = loras if isinstance(loras, tuple) else ()
    if not isinstance(weight, (int, float)):
        raise ValueError(f"the weight {weight!r} of LoRA {adapter!r} is not a number")
    kept = [item for item in others if not (isinstance(item, Lora) and item.id == adapter)]
    return tuple([*kept, Lora(adapter, float(weight))] if weight else kept)


def _replaced(text: str, replacements: Mapping[str, str]) -> str:
    """Return `text` with all tokens replaced at once, so that what one puts in is not found by the next."""
    return _pattern(replacements).sub(lambda found: replacements[found[0]], text)


def _pattern(tokens: Iterable[str]) -> re.Pattern[str]:
    """Return what finds any of `tokens`, the longest first; a brace behind a backslash is a plain one."""
    longest_first = sorted(tokens, key=len, reverse=True)
    # Without a token nothing is found; an empty pattern would be found everywhere.
    return re.compile("|".join(_escaped(token) for token in longest_first) or r"(?!)")


def _escaped(token: str) -> str:
    return (r"(?<!\\)" if token.startswith("{") else "") + re.escape(token)


def _seed_of(base: GenerationRequest, settings: Mapping[str, AxisValue]) -> int:
    told: Json = {name: _to_json(value) for name, value in settings.items()}
    digest = hashlib.sha256(canonical([base.seed, told]).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % (MAX_SEED + 1)


def _computed(name: str, made: Computed, values: Mapping[str, Value]) -> Value:
    if made.function is None:
        raise ValueError(f"{name} is computed by {made.label!r}, and the log keeps no functions; plan the sweep anew")
    others = immutabledict({key: value for key, value in values.items() if key != name})
    try:
        return freeze(made.function(others))
    except Exception as error:  # whatever the user's own function throws belongs to its cell
        raise ValueError(f"{name}: {made.label} has failed with {type(error).__name__}: {error}") from error


def _frozen(value: object) -> AxisValue:
    return value if isinstance(value, Computed) else freeze(value)


def label_of(value: AxisValue) -> Value:
    """Return what stands for a value in tables and grids."""
    return value.label if isinstance(value, Computed) else value


def _label(value: AxisValue) -> str:
    return describe(label_of(value))


def _to_json(value: AxisValue) -> Json:
    return {"$computed": value.label} if isinstance(value, Computed) else to_json(value)


def _from_json(value: object) -> AxisValue:
    if isinstance(value, Mapping) and "$computed" in value:
        return Computed(str(value["$computed"]))
    return from_json(value)


def _group_from_json(data: Mapping[str, object]) -> AxisGroup:
    if "name" in data:
        values = data["values"]
        assert isinstance(values, list), "as it was written"
        return AxisGroup.of(str(data["name"]), [_from_json(value) for value in values])
    names, points = data["names"], data["points"]
    assert isinstance(names, list), "as it was written"
    assert isinstance(points, list), "as it was written"
    return AxisGroup(tuple(map(str, names)), tuple(tuple(map(_from_json, point)) for point in points))
