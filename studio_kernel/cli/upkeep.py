"""``studio doctor`` and ``studio gc``: looking after the machine and the home."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import click

from studio_kernel import studio as studio_module
from studio_kernel.cli.output import json_option, print_json
from studio_kernel.doctor import Check
from studio_kernel.gc import GRACE, Collected, collect

_UNITS = (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024))


@click.command()
@click.option("--repair", is_flag=True, help="Mend what can be mended in the home first; nothing is deleted for it.")
@json_option
@click.pass_obj
def doctor(home: Path | None, repair: bool, as_json: bool) -> None:
    """Say what works on this machine, and what to do about what does not."""
    from studio_kernel.doctor import examine
    from studio_kernel.repair import mend

    checks: list[Check] = []
    if repair:
        with studio_module.open(home) as studio:
            checks += mend(studio)
    checks += examine(home)
    print_json([check.to_json() for check in checks]) if as_json else _show(checks)
    if any(check.state == "broken" for check in checks):
        raise click.exceptions.Exit(1)


@click.command()
@click.option("--dry-run", is_flag=True, help="Remove nothing; list what would be removed.")
@click.option(
    "--grace",
    type=click.FloatRange(min=0),
    default=GRACE / timedelta(hours=1),
    show_default=True,
    metavar="HOURS",
    help="Remove nothing that was stored or used in the last so many hours.",
)
@json_option
@click.pass_obj
def gc(home: Path | None, dry_run: bool, grace: float, as_json: bool) -> None:
    """Delete files that no run and no sweep refers to, and what killed processes left behind.

    A file stays if any run, also one that failed, has it as an output or as an input. As long as a part of the log
    cannot be read, no picture is deleted and the reason is told.
    """
    with studio_module.open(home) as studio:
        collected = collect(studio, grace=timedelta(hours=grace), dry_run=dry_run)
    print_json(collected.to_json()) if as_json else _tell(collected)
    if collected.refusal:
        raise click.exceptions.Exit(1)


def _show(checks: Iterable[Check]) -> None:
    for check in checks:
        click.echo(f"{check.mark} {check.name:<18} {check.finding}")
        if check.advice:
            click.echo(f"  {'':<18} → {check.advice}")


def _tell(collected: Collected) -> None:
    if collected.is_dry:
        for paths in collected.removed.values():
            for path in paths:
                click.echo(path)
    counts = ", ".join(f"{len(paths)} {kind}" for kind, paths in collected.removed.items() if paths) or "nothing"
    verb = "would remove" if collected.is_dry else "removed"
    click.echo(f"{verb} {counts} ({_size(collected.freed_bytes)}); {collected.kept} assets stay")
    if collected.refusal:
        click.echo(f"no asset was removed: {collected.refusal}", err=True)


def _size(size_bytes: int) -> str:
    for unit, factor in _UNITS:
        if size_bytes >= factor:
            return f"{size_bytes / factor:.1f} {unit}"
    return f"{size_bytes} bytes"
