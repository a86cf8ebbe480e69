"""Options made from the parameters of a model, so that a parameter is described once and never again here.

A command built on `ModelCommand` has the options of the model named on its line: ``studio generate --model X --help``
shows what X takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from studio_kernel import studio as studio_module
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.parameters import Parameter, allowed_range
from studio_kernel.domain.ranges import read_value
from studio_kernel.domain.tasks import MAKING, Task
from studio_kernel.domain.values import describe
from studio_kernel.studio import Studio

PREFIX = "parameter_"
_TYPES: Mapping[str, click.types.IntParamType | click.types.FloatParamType] = {
    "integer": click.INT,
    "number": click.FLOAT,
}


class ModelCommand(click.Command):
    """A command with the options of one model."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        """Look up the model on the line and take its parameters as options, then parse as usual."""
        home = parent.obj if parent is not None else None
        with studio_module.open(home) as studio:
            card = card_for(studio, _named(args, "--model", "-m"), _named(args, "--task"))
        static = [p for p in self.params if not (p.name or "").startswith(PREFIX)]
        self.params = [*static, *(option(parameter) for parameter in card.parameters if parameter.name != "prompt")]
        return super().make_context(info_name, args, parent, **extra)


def card_for(studio: Studio, model: str | None, task: str | None) -> ModelCard:
    """Return the model named on the line, or the one meant when none is; an unknown task is refused later."""
    if model is not None:
        return studio.models[model]
    return studio.default_model(Task(task) if task in MAKING else None)


def option(parameter: Parameter) -> click.Option:
    """Return the command-line option of a parameter; its value is checked later, by the model's card."""
    flag = "--" + parameter.name.replace("_", "-")
    names = [flag, PREFIX + parameter.name]
    text = _help(parameter)
    if parameter.type == "boolean":
        return click.Option([f"{flag}/--no-{flag[2:]}", names[1]], default=None, help=text)
    if parameter.type == "loras" or parameter.multiple:
        return click.Option(names, multiple=True, help=text, metavar=_metavar(parameter))
    kind = _TYPES.get(parameter.type, click.STRING) if parameter.unit != "s" else click.STRING  # also 4s
    return click.Option(names, type=kind, default=None, help=text, metavar=_metavar(parameter))


def values_of(options: Mapping[str, object], card: ModelCard) -> dict[str, object]:
    """Return what was given on the line, as a request takes it."""
    given = {n.removeprefix(PREFIX): v for n, v in options.items() if n.startswith(PREFIX) and v not in (None, ())}
    return {name: _read(card.parameter(name), value) for name, value in given.items()}


def _read(parameter: Parameter, value: object) -> object:
    if isinstance(value, tuple):
        return tuple(read_value(str(item), parameter) for item in value)
    return read_value(value, parameter) if isinstance(value, str) else value


def _named(args: Sequence[str], *flags: str) -> str | None:
    """Return what follows one of `flags` on the line, before the line is parsed."""
    for index, arg in enumerate(args):
        name, equals, value = arg.partition("=")
        if name in flags:
            return value if equals else next(iter(args[index + 1 : index + 2]), None)
    return None


def _help(parameter: Parameter) -> str:
    parts = [parameter.description or parameter.title]
    if parameter.choices:
        parts.append(f"One of: {', '.join(map(str, parameter.choices))}.")
    elif parameter.min is not None or parameter.max is not None:
        parts.append(f"{allowed_range(parameter)}.")
    if parameter.default not in (None, ()):
        parts.append(f"[default: {describe(parameter.default)}]")
    return " ".join(parts)


def _metavar(parameter: Parameter) -> str:
    if parameter.is_media:
        return "FILE"
    return {"integer": "N", "number": "X", "size": "WxH", "loras": "ID[:WEIGHT]", "object": "JSON"}.get(
        parameter.type, "TEXT"
    )
