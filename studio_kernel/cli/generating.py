"""``studio generate``, ``studio sweep`` and ``studio resume``."""

from __future__ import annotations

import shutil
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
from studio_kernel.run import Run
from studio_kernel.studio import Studio
from studio_kernel.sweeps import SweepRun

grid_option = click.option(
    "--grid", "grid_path", type=click.Path(path_type=Path, dir_okay=False), help="Write the grid here."
)


@click.command(cls=ModelCommand)
@click.argument("prompt", required=False)
@click.option("--model", "-m", help="Catalog id; the recommended model when left out.")
@click.option("--task", help="Told from the inputs when left out.")
@click.option("--project", help="Project to put the run in.")
@click.option("--out", "-o", type=click.Path(path_type=Path), help="Also copy the picture here (a file or a folder).")
@click.option("--detach", is_flag=True, help="Print the run's id and return; the worker goes on.")
@click.option("--private", is_flag=True, help="Keep prompt and files out of the log; only the copy of --out stays.")
@json_option
@click.pass_obj
def generate(
    home: Path | None,
    /,
    prompt: str | None,
    model: str | None,
    task: str | None,
    project: str | None,
    out: Path | None,
    detach: bool,
    private: bool,
    as_json: bool,
    **options: object,
) -> None:
    """Make one run from PROMPT and wait for it.

    The options below the line are those of the chosen model.
    """
    if private and (detach or not out):
        raise click.UsageError("--private deletes the picture when the command ends: give --out, and no --detach")
    with studio_module.open(home) as studio:
        values: dict[str, Any] = values_of(options, card_for(studio, model, task))
        run = studio.submit(prompt, model=model, task=task, project=project, private=private, **values)
        if detach:
            print_json({"id": run.id}) if as_json else click.echo(run.id)
            return
        _wait(run, progress_bar=not as_json)
        copies = _copy(studio, run, out) if out else []
        _report(studio, run, copies, as_json)
        if run.status is not RunStatus.SUCCEEDED:
            raise click.exceptions.Exit(1)


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


def _wait(run: Run, *, progress_bar: bool) -> None:
    """Wait; Ctrl-C cancels the run, which would go on without this command otherwise."""
    try:
        run.wait(progress_bar=progress_bar)
    except KeyboardInterrupt:
        run.cancel()
        raise


def _group(card: ModelCard, line: str) -> AxisGroup:
    try:
        return read_group(line, card)
    except ValueError as error:
        raise InvalidRequestError([Problem("--axis", str(error))], "sweep") from error


def _copy(studio: Studio, run: Run, out: Path) -> list[Path]:
    """Copy the run's files to a file name, or into a folder under the names of their runs."""
    copies = []
    into_folder = out.is_dir() or not out.suffix
    for asset in run.assets:
        source = studio.store_of(asset).path(asset)
        number = f"-{asset.index}" if len(run.assets) > 1 else ""
        target = out / f"{run.id}{number}{source.suffix}" if into_folder else out.with_stem(out.stem + number)
        target.parent.mkdir(parents=True, exist_ok=True)
        copies.append(Path(shutil.copyfile(source, target)))
    return copies


def _report(studio: Studio, run: Run, copies: list[Path], as_json: bool) -> None:
    files = [str(studio.store_of(asset).path(asset)) for asset in run.assets]
    if as_json:
        print_json({**run.record.to_json(), "files": files, "copies": [str(copy) for copy in copies]})
        return
    print_facts(
        {
            "run": run.id,
            "status": run.status,
            "model": run.request.model,
            "seed": run.seed,
            "took": f"{run.elapsed_s:.2f} s" if run.elapsed_s is not None else "",
            "error": run.error,
            "file": "\n      ".join(map(str, copies or files)),
        }
    )
