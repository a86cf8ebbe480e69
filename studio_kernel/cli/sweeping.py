"""``studio sweep`` and ``studio resume``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import click

from studio_kernel import studio as studio_module
from studio_kernel.axes import read_group
from studio_kernel.cli.options import ModelCommand, card_for, values_of
from studio_kernel.cli.output import Command, json_option, print_facts, print_json, rows_of
from studio_kernel.cli.spending import accept_unknown_price_option
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.runs import RunStatus
from studio_kernel.domain.sweep import AxisGroup
from studio_kernel.errors import InvalidRequestError, Problem, UnknownSweepError
from studio_kernel.grid.film import require_film
from studio_kernel.grid.grid import is_page
from studio_kernel.grid.layout import Names, arrange
from studio_kernel.planning import SweepPlan
from studio_kernel.sweeps import SweepRun


@dataclass(frozen=True, slots=True)
class Shown:
    """How the pictures of a sweep are to be shown, and where that is written.

    Attributes
    ----------
    rows, columns, facets : tuple of str
        Axes, the outermost first; empty = left to the grid.
    grid, film : Path or None
        Files to write.
    over : tuple of str
        Axes that the film runs along.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    facets: tuple[str, ...]
    grid: Path | None
    film: Path | None
    over: tuple[str, ...]

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Shown:
        """Return what was given on the line."""
        shown = cls(**{each.name: options[each.name] for each in fields(cls)})
        if bool(shown.film) != bool(shown.over):
            raise click.UsageError("--film PATH and --over AXIS belong together: the film runs along that axis")
        return shown

    def require(self, made: SweepRun) -> None:
        """Refuse, before anything is computed, what could not be written afterwards."""
        rows, columns, facets = self._sides(made)
        if self.grid:
            is_page(self.grid)
            arrange(made.definition, rows, columns, facets)
        if self.film:
            require_film(self.film)
            over, still = self._along(made)
            arrange(made.definition, rows, columns, still, frames=over)

    def save(self, made: SweepRun) -> dict[str, Path | None]:
        """Write the files; return what they are called, by kind."""
        rows, columns, facets = self._sides(made)
        over, still = self._along(made)
        return {
            "grid": made.grid(rows, columns, facets=facets).save(self.grid) if self.grid else None,
            "film": made.film(rows, columns, facets=still, over=over, path=self.film) if self.film else None,
        }

    def _sides(self, made: SweepRun) -> tuple[Names, Names, Names]:
        return (
            _named(self.rows, made) or None,
            _named(self.columns, made) or None,
            _named(self.facets, made) or None,
        )

    def _along(self, made: SweepRun) -> tuple[Names, Names]:
        """Return the axes that the film runs along, and the facets that it has: those the grid has of other axes."""
        over = _named(self.over, made)
        return over, tuple(name for name in _named(self.facets, made) if name not in over) or None


def _named(names: tuple[str, ...], made: SweepRun) -> tuple[str, ...]:
    """Return axes as the sweep spells them, also when they are spelled with hyphens as options are."""
    axes = made.definition.axes
    return tuple(name if name in axes else name.replace("-", "_") for name in names)


def shown_options(command: Command) -> Command:
    """Give a command the options that `Shown` is made of."""
    axes = partial(click.option, multiple=True, metavar="AXIS")
    for option in (
        axes("--over", help="Axis that the film runs along."),
        click.option("--film", type=click.Path(path_type=Path), help="Write a film of the grid: .gif or .mp4."),
        axes("--facets", help="Axis with a panel for each value."),
        axes("--columns", help="Axis that goes across in the grid."),
        axes("--rows", help="Axis that goes down in the grid; several: the outermost first."),
        click.option(
            "--grid",
            type=click.Path(path_type=Path),
            help="Write the grid: .png, .pdf, .svg; .html or a folder for a page in which axes can be swapped.",
        ),
    ):
        command = option(command)
    return command


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
@click.option("--exact", is_flag=True, help="Make each cell alone: the very bytes that studio generate makes; slower.")
@click.option("--batch-size", type=click.IntRange(min=1), metavar="N", help="At most so many cells in one pass.")
@shown_options
@click.option("--dry-run", is_flag=True, help="Only show the plan.")
@click.option(
    "--resume", "goes_on", is_flag=True, help="Go on with the last sweep of the same command, if there is one."
)
@accept_unknown_price_option
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
    exact: bool,
    batch_size: int | None,
    dry_run: bool,
    goes_on: bool,
    accept_unknown_price: bool,
    as_json: bool,
    **options: object,
) -> None:
    """Run PROMPT for every combination of the values of some axes.

    Alternatives {red|blue} in PROMPT are axes too. Cells that the home already has are not computed again. The options
    below the line are those of the chosen model.
    """
    shown = Shown.of(options)
    if exact and (batch_size or 1) > 1:
        raise click.UsageError("--exact makes each cell alone, which is --batch-size 1")
    with studio_module.open(home) as studio:
        card = card_for(studio, model, task)
        values: dict[str, Any] = values_of(options, card)
        made = studio.sweep(
            prompt,
            axes=[_group(card, line) for line in axes],
            where=where,
            seeds=seeds,
            paired=not unpaired,
            exact=exact,
            batch_size=batch_size,
            model=model,
            task=task,
            project=project,
            start=False,
            resume=goes_on,
            **values,
        )
        shown.require(made)
        if dry_run:
            _print_plan(made.plan(), as_json)
        else:
            _finish(made, shown, as_json, accept_unknown_price=accept_unknown_price)


@click.command()
@click.argument("sweep_id", required=False)
@shown_options
@accept_unknown_price_option
@json_option
@click.pass_obj
def resume(
    home: Path | None, /, sweep_id: str | None, accept_unknown_price: bool, as_json: bool, **options: object
) -> None:
    """Go on with a sweep: SWEEP_ID, or a part of it; the newest one when left out.

    Cells that failed, were cancelled or never ran are begun again; finished ones stay.
    """
    shown = Shown.of(options)
    with studio_module.open(home) as studio:
        newest = studio.sweeps(limit=1)["id"].to_list()
        if not (sweep_id or newest):
            raise UnknownSweepError(f"there are no sweeps in {str(studio.home.root)!r} yet; studio sweep makes one")
        made = studio.sweep_of(sweep_id or newest[0])
        shown.require(made)
        _finish(made, shown, as_json, accept_unknown_price=accept_unknown_price)


def _print_plan(plan: SweepPlan, as_json: bool) -> None:
    if as_json:
        print_json(rows_of(plan.frame()))
    else:
        click.echo(plan.summary)
        click.echo(plan.frame().to_string(index=False, na_rep=""))


def _finish(made: SweepRun, shown: Shown, as_json: bool, *, accept_unknown_price: bool) -> None:
    """Begin what is missing, wait, and show the cells; fails unless all have succeeded."""
    made.resume(accept_unknown_price=accept_unknown_price).wait(progress=not as_json)
    frame = made.frame()
    saved = shown.save(made)
    if as_json:
        print_json({"sweep": made.id, **saved, "cells": rows_of(frame)})
    else:
        click.echo(frame.to_string(index=False, na_rep=""))
        print_facts({"sweep": made.id, **saved})
    if not (frame["status"] == str(RunStatus.SUCCEEDED)).all():
        raise click.exceptions.Exit(1)


def _group(card: ModelCard, line: str) -> AxisGroup:
    try:
        return read_group(line, card)
    except ValueError as error:
        raise InvalidRequestError([Problem("--axis", str(error))], "sweep") from error
