"""Axes as people write them, read into the groups of a sweep.

``{"seed": [1, 2]}``, ``{"seed": "1-8"}``, ``{("scheduler", "num_inference_steps"): [("euler", 20), ("ddim", 50)]}``, a
list of such mappings and of groups made by `studio_kernel.domain.sampling`, functions in place of values. On a line of
text: ``seed=1-8``, ``prompt:red=red, blue``, ``scheduler+num_inference_steps=euler:20, ddim:50``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.ranges import read_value, read_values, split
from studio_kernel.domain.sweep import LABELS, REPLICATE, AxisGroup, AxisValue, Computed

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


def read_group(line: str, card: ModelCard) -> AxisGroup:
    """Return the group that a line of text describes: ``name=values``, or ``name+name=value:value, value:value``.

    Parameters
    ----------
    card : ModelCard
        Its parameters say how the values are read; those of an axis it has no parameter for are texts.

    Raises
    ------
    ValueError
        When it cannot be read.
    """
    name, equals, values = line.partition("=")
    if not equals or not name.strip():
        raise ValueError(f"{line!r} is not of the form name=values, such as seed=1-8 or scheduler=euler,ddim")
    names = _names(name.strip(), card)
    if len(names) > 1:
        return AxisGroup(names, tuple(_zipped(names, point, card) for point in split(values, keep_quotes=True)))
    parameter = parameter_of(card, names[0]) or Parameter(names[0], "text")
    return AxisGroup.of(names[0], list(read_values(values, parameter)))


def _names(text: str, card: ModelCard) -> tuple[str, ...]:
    """Return the axes that `text` names; one text to be replaced may have a plus in it."""
    parts = tuple(_spelled(part.strip()) for part in text.split("+"))
    return parts if all(_is_axis(part, card) for part in parts) else (_spelled(text),)


def _spelled(name: str) -> str:
    """Return a name as requests spell it, as options of the command line are spelled with hyphens."""
    return name if ":" in name else name.replace("-", "_")


def _is_axis(name: str, card: ModelCard) -> bool:
    return ":" in name or name in ("model", REPLICATE, *LABELS) or parameter_of(card, name) is not None


def _zipped(names: tuple[str, ...], point: str, card: ModelCard) -> tuple[AxisValue, ...]:
    values = split(point, ":")
    if len(values) != len(names):
        raise ValueError(
            f"{point!r} has {len(values)} values for {' + '.join(names)}; write one for each with colons between, "
            "such as euler:20, and quotation marks around a value that has a colon itself"
        )
    parameters = (parameter_of(card, name) or Parameter(name, "text") for name in names)
    return tuple(read_value(value, each) for value, each in zip(values, parameters, strict=True))  # type: ignore[misc]  # frozen when it becomes part of a sweep


def _groups(part: Part, card: ModelCard) -> Iterator[AxisGroup]:
    if isinstance(part, AxisGroup):
        yield AxisGroup(part.names, tuple(tuple(map(_value, point)) for point in part.points))
        return
    for names, values in part.items():
        if isinstance(names, str):
            yield AxisGroup.of(names, [_value(value) for value in as_list(values, parameter_of(card, names))])
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


def parameter_of(card: ModelCard, name: str) -> Parameter | None:
    """Return the parameter that says how the values of an axis are read; `None` for texts, models and engines."""
    if name.startswith("lora:"):
        loras = parameter_of(card, "loras")
        return Parameter(name, "number", min=loras.min, max=loras.max) if loras else Parameter(name, "number")
    if name == REPLICATE:
        return Parameter(name, "integer")
    try:
        return card.parameter(name)
    except KeyError:
        return None
