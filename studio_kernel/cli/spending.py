"""``studio costs``, and the option for runs whose price nobody knows."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from studio_kernel import studio as studio_module
from studio_kernel.cli.output import Command, json_option, print_json, rows_of
from studio_kernel.ledger import By


def accept_unknown_price_option(command: Command) -> Command:
    """Give a command the option ``--accept-unknown-price``."""
    text = "Go on although nobody knows what it costs; budgets cannot count it."
    return click.option("--accept-unknown-price", is_flag=True, help=text)(command)


@click.command()
@click.option(
    "--by",
    type=click.Choice(["day", "project", "model", "engine", "sweep"]),
    default="day",
    show_default=True,
    help="A row each.",
)
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only that day and later.")
@json_option
@click.pass_obj
def costs(home: Path | None, by: By, since: datetime | None, as_json: bool) -> None:
    """Show what was spent: billed by services, estimated where they did not say, committed to what has not ended."""
    with studio_module.open(home, mode="viewer") as studio:
        frame = studio.costs(by=by, since=since)
    if as_json:
        print_json(rows_of(frame))
    elif frame.empty:
        click.echo("nothing was spent")
    else:
        click.echo(frame.to_string(index=False, float_format="{:.4f}".format))
        click.echo(f"{frame['total_usd'].sum():.4f} $ in all")
