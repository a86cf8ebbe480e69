"""What commands print: JSON for programs, short text for people."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., object])


def json_option(command: Command) -> Command:
    """Give a command the option ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(command)


def print_json(value: object) -> None:
    """Print `value` as one JSON document."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def print_facts(facts: dict[str, object]) -> None:
    """Print names and values, aligned."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        if value not in (None, "", ()):
            click.echo(f"{name:<{width}}  {value}")
