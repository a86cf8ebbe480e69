"""``studio diff``: what differs between runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from studio_kernel import studio as studio_module
from studio_kernel.cli.output import json_option, print_json, rows_of
from studio_kernel.domain.captions import facts_of, letter_of, where_of
from studio_kernel.domain.difference import Cell, Differences

if TYPE_CHECKING:
    import pandas as pd

    from studio_kernel.comparing.comparison import Comparison

SIZES = ("scale", "crop", "pad", "same")
_MARKS = {"same": "{}", "added": "[+{}+]", "removed": "[-{}-]"}


@click.command()
@click.argument("run_ids", metavar="RUN RUN...", nargs=-1, required=True)
@click.option("--metrics", is_flag=True, help="Also how close the pictures are to the first; takes a while.")
@click.option("--sizes", type=click.Choice(SIZES), default="scale", show_default=True, help="If sizes differ.")
@json_option
@click.pass_obj
def diff(home: Path | None, run_ids: tuple[str, ...], metrics: bool, sizes: str, as_json: bool) -> None:
    """Say what differs between RUN and RUN…: settings, what they were made with, what they took."""
    with studio_module.open(home) as studio:
        found = studio.compare(*run_ids, sizes=sizes)  # type: ignore[arg-type]  # one of SIZES, as click has checked
        numbers = found.metrics if metrics else None
        _print_json(found, numbers) if as_json else _print_text(found, numbers)


def _print_json(found: Comparison, numbers: pd.DataFrame | None) -> None:
    tables = {"runs": found.captions, "settings": found.parameters, "made_with": found.provenance}
    if numbers is not None:
        tables["metrics"] = numbers
    said = {name: rows_of(table.reset_index()) for name, table in tables.items()}
    notes = {"notes": numbers.attrs.get("notes", {})} if numbers is not None else {}
    print_json({**said, **notes})


def _print_text(found: Comparison, numbers: pd.DataFrame | None) -> None:
    for place, record in enumerate(found.records):
        facts = ", ".join(words for name, words in facts_of(record, None) if name != "Engine")
        click.echo(f"{letter_of(place)}  {record.id}  {record.request.model}, {where_of(record)}  {facts}")
    _print_differences("settings", found.differences)
    _print_differences("made with", found.conditions)
    if numbers is not None:
        click.echo("\nmetrics, against A")
        click.echo(numbers.to_string(float_format="{:.4g}".format, na_rep="–"))
        for run, note in numbers.attrs.get("notes", {}).items():
            click.echo(f"note: {run}: {note}", err=True)


def _print_differences(title: str, found: Differences) -> None:
    click.echo(f"\n{title}: {len(found.differences) or 'nothing'} {_differ(found)}, {found.same} the same")
    for difference in found.differences:
        click.echo(f"  {difference.label}")
        for place, cell in enumerate(difference.cells):
            click.echo(f"    {letter_of(place)}  {_text(cell)}")


def _differ(found: Differences) -> str:
    return "differs" if len(found.differences) < 2 else "differ"


def _text(cell: Cell) -> str:
    if cell.words:
        return "".join(_MARKS[word.change].format(word.text) for word in cell.words)
    return f"{cell.text} ({cell.delta})" if cell.delta else cell.text
