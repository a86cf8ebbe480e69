"""``studio sweep`` and ``studio resume``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from studio_kernel import studio as studio_module
from studio_kernel.axes import read_group
from studio_kernel.cli.options import ModelCommand, card_for, values_of
from studio_kernel.cli.output import json_option, print_facts, print_json
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.runs import RunStatus
from studio_kernel.domain.sweep import AxisGroup
from studio_kernel.errors import InvalidRequestError, Problem, UnknownSweepError
from studio_kernel.sweeps import SweepRun

grid_option = click.option(
    "--grid", "grid_path", type=click.Path(path_type=Path, dir_okay=False), help="Write the grid here."
)


AXIS_HELP = """\
An axis: seed=1-8, guidance_scale=0.1-0.9[5], num_inference_steps=10,20,..,50, scheduler=euler,ddim,
'prompt:red=red,"dark, blue"' (replaces red), lora:ID=0-1[3]. Zipped:
scheduler+num_inference_steps=euler:20,ddim:50."""


@click.command(cls=ModelCommand)
@click.argument("prompt", required=False)
@click.option("--axis", "axes", multiple=True, metavar="NAME=VALUES", help=AXIS_HELP)
@click.option(
    "--where", multiple=True, metavar="RULE", help='What a cell must fulfil: "guidance_scale < 5 or seed == 1".'
)
@click.option("--seeds", type=int, metavar="N", help="Repeat every cell with so many seeds.")
@click.option("--unpaired", is_flag=True, help="With --seeds: other seeds in every cell.")
@click.option("--model", "-m", help="Catalog id; the recommended model when left out.")
@click.option("--task", help="Told from the inputs when left out.")
@click.option("--project", help="Project to put the runs in.")
@click.option("--rows", help="Axis that goes down in the grid.")
@click.option("--columns", help="Axis that goes across in the grid.")
@grid_option
@click.option("--dry-run", is_flag=True, help="Only show the plan.")
@click.option(
    "--resume", "goes_on", is_flag=True, help="Go on with the last sweep of the same command, if there is one."
)
@json_option
@click.pass_obj
def sweep(
    home: Path | None,
    /,
    prompt: str | None,
    axes: tuple[str, ...],
    where: tuple[str, ...],
    seeds: int | None,
    unpaired: bool,
    model: str | None,
    task: str | None,
    project: str | None,
    rows: str | None,
    columns: str | None,
    grid_path: Path | None,
    dry_run: bool,
    goes_on: bool,
    as_json: bool,
    **options: object,
) -> None:
    """Run PROMPT for every combination of the values of some axes.

    Alternatives {red|blue} in PROMPT are axes too. Cells that the home already has are not computed again. The options
    below the line are those of the chosen model.
    """
    with studio_module.open(home) as studio:
        card = card_for(studio, model, task)
        values: dict[str, Any] = values_of(options, card)
        made = studio.sweep(
            prompt,
            axes=[_group(card, line) for line in axes],
            where=where,
            seeds=seeds,
            paired=not unpaired,
            model=model,
            task=task,
            project=project,
            start=False,
            resume=goes_on,
            **values,
        )
        if dry_run:
            frame = made.plan().frame()
            print_json(frame.to_dict("records")) if as_json else click.echo(frame.to_string(index=False))
            return
        _finish(made, rows, columns, grid_path, as_json)


@click.command()
@click.argument("sweep_id", required=False)
@click.option("--rows", help="Axis that goes down in the grid.")
@click.option("--columns", help="Axis that goes across in the grid.")
@grid_option
@json_option
@click.pass_obj
def resume(
    home: Path | None,
    /,
    sweep_id: str | None,
    rows: str | None,
    columns: str | None,
    grid_path: Path | None,
    as_json: bool,
) -> None:
    """Go on with a sweep: SWEEP_ID, or a part of it; the newest one when left out.

    Cells that failed, were cancelled or never ran are begun again; finished ones stay.
    """
    with studio_module.open(home) as studio:
        newest = studio.sweeps(limit=1)["id"].to_list()
        if not (sweep_id or newest):
            raise UnknownSweepError(f"there are no sweeps in {str(studio.home.root)!r} yet; studio sweep makes one")
        _finish(studio.sweep_of(sweep_id or newest[0]), rows, columns, grid_path, as_json)


def _finish(made: SweepRun, rows: str | None, columns: str | None, grid_path: Path | None, as_json: bool) -> None:
    """Begin what is missing, wait, and show the cells; fails unless all have succeeded."""
    made.resume().wait(progress=not as_json)
    frame = made.frame()
    saved = made.grid(rows, columns).save(grid_path) if grid_path else None
    if as_json:
        print_json({"sweep": made.id, "grid": saved, "cells": frame.to_dict("records")})
    else:
        click.echo(frame.to_string(index=False))
        print_facts({"sweep": made.id, "grid": saved})
    if not (frame["status"] == str(RunStatus.SUCCEEDED)).all():
        raise click.exceptions.Exit(1)


def _group(card: ModelCard, line: str) -> AxisGroup:
    try:
        return read_group(line, card)
    except ValueError as error:
        raise InvalidRequestError([Problem("--axis", str(error))], "sweep") from error
