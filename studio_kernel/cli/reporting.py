"""``studio report``: what was used, how models did, what is left of budgets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from studio_kernel import studio as studio_module
from studio_kernel.cli.output import json_option, print_json, rows_of
from studio_kernel.domain.budget import dollars

if TYPE_CHECKING:
    import pandas as pd

    from studio_kernel.reports import Standing

_HIDDEN = ("cancelled", "strength_low", "strength_high", "win_rate")


@click.command()
@click.option(
    "--by",
    type=click.Choice(["model", "day", "project", "engine"]),
    default="model",
    show_default=True,
    help="A row each; of models also how they did.",
)
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only that day and later.")
@click.option("--project", help="Only runs of this project.")
@click.option("--ballot", help="With --by model: only votes of this ballot.")
@json_option
@click.pass_obj
def report(
    home: Path | None,
    by: Literal["model", "day", "project", "engine"],
    since: datetime | None,
    project: str | None,
    ballot: str | None,
    as_json: bool,
) -> None:
    """Show what was used, how models did, and what is left of the budgets."""
    if ballot and by != "model":
        raise click.UsageError("--ballot goes with --by model")
    with studio_module.open(home, mode="viewer") as studio:
        if by == "model":
            table = studio.model_report(since, project=project, ballot=ballot)
        else:
            table = studio.usage(since, by=by, project=project)
        budgets = studio.budget_standing(project)
    if as_json:
        print_json({"by": by, "rows": rows_of(table), "budgets": [each._asdict() for each in budgets]})
    else:
        _print(table, budgets)


def _print(table: pd.DataFrame, budgets: Sequence[Standing]) -> None:
    if table.empty:
        click.echo("nothing was made")
    else:
        shown = table.drop(columns=[name for name in _HIDDEN if name in table])
        shown = shown.dropna(axis="columns", how="all")
        if "last_used" in shown:
            shown["last_used"] = [f"{time.to_pydatetime().astimezone():%Y-%m-%d %H:%M}" for time in shown["last_used"]]
        click.echo(shown.to_string(index=False, float_format="{:.4g}".format, na_rep="–"))
    for each in budgets:
        left = f"{dollars(each.left_usd)} of {dollars(each.limit_usd)} left" if each.window[:4] != "each" else ""
        click.echo(f"{each.name}, {each.window}: {left or dollars(each.limit_usd)}")
