"""Axes as they are built: a name and a text for its values, read and checked while it is typed; pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from studio_kernel.axes import parameter_of
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.ranges import read_values, split
from studio_kernel.domain.values import Value

MODEL = "model"
PROMPT = "prompt:"
LORA = "lora:"
TEXTS = ("prompt", "negative_prompt")
_UNFIT = ("loras", "object", "image", "mask", "video", "audio")


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis as people write it.

    Attributes
    ----------
    name : str
        What it changes: a parameter, ``model``, ``prompt:WORDS``, ``lora:ID``.
    text : str
        Its values, such as ``1-5``, ``0.1-0.9[5]`` or ``euler, ddim``; a value a line for whole prompts.
    group : int
        Axes of one number above 0 move together.
    """

    name: str
    text: str = ""
    group: int = 0


def offered(card: ModelCard, parameters: Iterable[Parameter], loras: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return (label, name) of what can become an axis, in form order."""
    own = [each for each in parameters if each.type not in _UNFIT and not each.multiple and not each.from_run]
    found = [(each.title, each.name) for each in own]
    adapters = parameter_of(card, "loras")
    more = [(f"LoRA {name or lora}", f"{LORA}{lora}") for lora, name in loras.items()] if adapters else []
    return [*found, ("Model", MODEL), *more]


def choices(parameter: Parameter | None) -> list[tuple[str, str]]:
    """Return (label, text) of every value of a closed set; nothing where values are typed."""
    if parameter is None or parameter.open_choices:
        return []
    if parameter.type == "boolean":
        return [("Yes", "true"), ("No", "false")]
    labels = parameter.choice_labels or tuple(map(str, parameter.choices))
    return [(label, str(choice)) for label, choice in zip(labels, parameter.choices, strict=True)]


def join(texts: Sequence[str]) -> str:
    """Return the text that lists some values, with quotation marks where one needs them.

    Examples
    --------
    >>> join(["red", "dark blue, matt"])
    'red, "dark blue, matt"'
    """
    line = io.StringIO()
    csv.writer(line).writerow(texts)
    return ", ".join(_again_quoted(text) for text in next(csv.reader(io.StringIO(line.getvalue()))))


def _again_quoted(text: str) -> str:
    if not set(text) & set(',"\n'):
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def listed(axis: Axis) -> tuple[str, ...]:
    """Return the texts of the values that an axis lists; none when they cannot be told apart."""
    try:
        return tuple(text for text in split(axis.text) if text)
    except ValueError:
        return ()


def read(axis: Axis, card: ModelCard, *, prompt: str, models: Collection[str]) -> tuple[Value, ...]:
    """Return the values of an axis, each in its parameter's own form.

    Parameters
    ----------
    prompt : str
        In which the words of a ``prompt:WORDS`` axis must stand.
    models : collection of str
        Those that serve the task.

    Raises
    ------
    ValueError
        What is wrong with the text, or with one of the values.
    """
    if axis.name.startswith(PROMPT) and axis.name.removeprefix(PROMPT) not in prompt:
        raise ValueError(f"the prompt does not contain {axis.name.removeprefix(PROMPT)!r}")
    if not axis.text.strip():
        raise ValueError("has no values yet")
    values = _values(axis, card, models)
    if not values:
        raise ValueError("has no values yet")
    twice = next((value for value in values if values.count(value) > 1), None)
    if twice is not None:
        raise ValueError(f"names {twice!r} twice")
    return values


def _values(axis: Axis, card: ModelCard, models: Collection[str]) -> tuple[Value, ...]:
    if axis.name == MODEL:
        return _models(axis.text, models)
    if axis.name in TEXTS:  # whole prompts are full of commas
        return tuple(line.strip() for line in axis.text.splitlines() if line.strip())
    parameter = parameter_of(card, axis.name) or Parameter(axis.name, "text")
    found = read_values(axis.text, parameter)
    return tuple(parameter.check(value) for value in found if value != "" or axis.name.startswith(PROMPT))


def _models(text: str, models: Collection[str]) -> tuple[Value, ...]:
    found = tuple(name for name in split(text) if name)
    unknown = next((name for name in found if name not in models), None)
    if unknown is not None:
        raise ValueError(f"{unknown!r} is no model that can be used for this task")
    return found
