"""The ``studio`` command: its group, the options all commands share, and how errors leave it.

Exit status: 0 done, 1 a run failed or a check did, 2 the command was wrong.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import click

from studio_kernel import __version__
from studio_kernel.cli import (
    comparing,
    estimating,
    explore,
    exporting,
    generating,
    judging,
    keeping,
    keys,
    models,
    repeating,
    reporting,
    serving,
    spending,
    sweeping,
    upkeep,
    working,
)
from studio_kernel.errors import StudioError


class StudioGroup(click.Group):
    """Turns errors of the studio into one clear message; as JSON for a caller who asked for it."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except StudioError as error:
            if "--json" in sys.argv:
                click.echo(json.dumps({"error": {"type": type(error).__name__, "message": str(error)}}))
                ctx.exit(2)
            raise click.ClickException(str(error)) from error


@click.group(cls=StudioGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="studio")
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    help="The directory that holds the studio; else STUDIO_HOME, else the default one.",
)
@click.pass_context
def main(ctx: click.Context, home: Path | None) -> None:
    """Generate, sweep and explore with image and video models; every run is logged."""
    ctx.obj = home


COMMANDS: tuple[Callable[..., object], ...] = (
    generating.generate,
    estimating.estimate,
    estimating.architecture,
    sweeping.sweep,
    sweeping.resume,
    models.models,
    keys.keys,
    explore.runs,
    explore.show,
    comparing.diff,
    keeping.import_,
    keeping.delete,
    keeping.restore,
    keeping.projects,
    judging.rank,
    spending.costs,
    reporting.report,
    repeating.replay,
    working.queue,
    working.worker,
    exporting.export,
    upkeep.doctor,
    upkeep.gc,
    serving.lab,
    serving.dashboards,
)
for command in COMMANDS:
    main.add_command(command)  # type: ignore[arg-type]  # click's decorators made commands of these functions
