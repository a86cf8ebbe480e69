"""Axes as people write them, read into the groups of a sweep.

``{"seed": [1, 2]}``, ``{"seed": "1-8"}``, ``{("scheduler", "num_inference_steps"): [("euler", 20), ("ddim", 50)]}``, a
list of such mappings and of groups made by `studio_kernel.domain.sampling`, functions in place of values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.ranges import read_values
from studio_kernel.domain.sweep import AxisGroup, AxisValue, Computed

Names: TypeAlias = str | tuple[str, ...]
Part: TypeAlias = "Mapping[str, object] | Mapping[Names, object] | AxisGroup"
Axes: TypeAlias = "Part | Sequence[Part]"


def groups_of(axes: Axes, card: ModelCard) -> list[AxisGroup]:
    """Return the groups that `axes` describes, with values as they were given.

    Parameters
    ----------
    card : ModelCard
        Its parameters say how a text is read.

    Raises
    ------
    ValueError
        When a text cannot be read, or a zipped axis has points of the wrong length.
    """
    parts = [axes] if isinstance(axes, (Mapping, AxisGroup)) else list(axes)
    return [group for part in parts for group in _groups(part, card)]


def _groups(part: Part, card: ModelCard) -> Iterator[AxisGroup]:
    if isinstance(part, AxisGroup):
        yield AxisGroup(part.names, tuple(tuple(map(_value, point)) for point in part.points))
        return
    for names, values in part.items():
        if isinstance(names, str):
            yield AxisGroup.of(names, [_value(value) for value in as_list(values, _parameter(card, names))])
        else:
            points = tuple(tuple(map(_value, _point(names, point))) for point in as_list(values, None))
            yield AxisGroup(tuple(names), points)


def as_list(values: object, parameter: Parameter | None = None) -> list[object]:
    """Return the values of an axis; one value may stand without its list."""
    if isinstance(values, str) and parameter is not None and _has_text_form(parameter):
        return list(read_values(values, parameter))
    many = isinstance(values, Iterable) and not isinstance(values, (str, bytes, Mapping))
    return list(values) if many else [values]  # type: ignore[call-overload]  # iterable, as just asked


def _has_text_form(parameter: Parameter) -> bool:
    """Whether a text given as the values of an axis is a list of them; a free text is one value itself."""
    return parameter.type in ("integer", "number", "boolean") or bool(parameter.choices)


def _point(names: tuple[str, ...], point: object) -> Sequence[object]:
    if isinstance(point, Mapping):
        return [point.get(name) for name in names]
    if isinstance(point, Sequence) and not isinstance(point, (str, bytes)):
        return point
    raise ValueError(f"axis {' with '.join(names)!r} needs {len(names)} values in each of its points, not {point!r}")


def _value(value: object) -> AxisValue:
    if callable(value) and not hasattr(value, "__array__"):  # pictures are values even where they can be called
        return Computed(getattr(value, "__name__", repr(value)), value)
    return value  # type: ignore[return-value]  # frozen when it becomes part of a sweep


def _parameter(card: ModelCard, name: str) -> Parameter | None:
    try:
        return card.parameter(name)
    except KeyError:
        return None
