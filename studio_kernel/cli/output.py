"""What commands print: JSON for programs, short text for people."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from studio_kernel.domain.budget import dollars

if TYPE_CHECKING:
    import pandas as pd

    from studio_kernel.domain.runs import RunRecord

Command = TypeVar("Command", bound=Callable[..., object])


def json_option(command: Command) -> Command:
    """Give a command the option ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(command)


def print_json(value: object) -> None:
    """Print `value` as one JSON document; numbers that JSON has no word for become null."""
    click.echo(json.dumps(_finite(value), ensure_ascii=False, indent=2, default=str, allow_nan=False))


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a table as a mapping a row, with `None` where nothing is known."""
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def print_facts(facts: dict[str, object]) -> None:
    """Print names and values, aligned."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        if value not in (None, "", ()):
            click.echo(f"{name:<{width}}  {value}")


def service_of(record: RunRecord) -> str:
    """Return which service did a run; nothing for a local one."""
    said = record.provenance
    offer = f", as {said['offer']}" if said.get("offer") else ""
    return f"{said['service']}{offer}" if said.get("service") else ""


def cost_of(record: RunRecord) -> str:
    """Return what a run was billed; that it may have been, where nobody knows; nothing otherwise."""
    if record.cost_usd is not None:
        return dollars(record.cost_usd)
    return "not known, it may have been charged" if record.provenance.get("may_be_billed") else ""


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(item) for name, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, (list, tuple)) else value
