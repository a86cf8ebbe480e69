"""``studio replay``: whether a result repeats."""

from __future__ import annotations

from pathlib import Path

import click

from studio_kernel import studio as studio_module
from studio_kernel.cli.output import json_option, print_json
from studio_kernel.cli.spending import accept_unknown_price_option


@click.command()
@click.argument("what", metavar="RUN|FILE")
@click.option(
    "--batch-size", type=click.IntRange(1), help="How many to compute in its pass; as recorded when left out."
)
@click.option("--psnr", type=float, help="Least PSNR in decibels that counts as repeated.")
@click.option("--largest", type=float, help="Largest difference of a channel, of 255, that counts as repeated.")
@click.option("--accept", is_flag=True, help="Ask a service that takes no seed, although it charges.")
@accept_unknown_price_option
@json_option
@click.pass_context
def replay(
    ctx: click.Context,
    what: str,
    batch_size: int | None,
    psnr: float | None,
    largest: float | None,
    accept: bool,
    accept_unknown_price: bool,
    as_json: bool,
) -> None:
    """Make RUN, or what FILE tells of itself, again, and say whether it repeats and which recorded input differs.

    Exit status: 0 identical or within tolerance, 1 different, 2 it could not be made again.
    """
    from studio_kernel.errors import StudioError
    from studio_kernel.replaying import Tolerance

    usual = Tolerance()
    tolerance = Tolerance(
        usual.psnr_db if psnr is None else psnr, usual.largest if largest is None else largest, usual.copy_psnr_db
    )
    home: Path | None = ctx.obj
    with studio_module.open(home) as studio:
        try:
            report = studio.replay(
                what,
                tolerance=tolerance,
                batch_size=batch_size,
                accept=accept,
                accept_unknown_price=accept_unknown_price,
                progress=not as_json,
            )
        except StudioError as error:
            if as_json:
                raise
            click.echo(f"Error: {error}", err=True)
            ctx.exit(2)  # 1 says that it was made again and is different
    print_json(report.to_json()) if as_json else click.echo(report.text)
    ctx.exit(0 if report.verdict != "different" else 1)
