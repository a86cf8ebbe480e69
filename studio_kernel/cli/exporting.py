"""``studio export``: what leaves a home, as files, as a page, as a contact sheet, in one ZIP file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, get_args

import click

from studio_kernel import studio as studio_module
from studio_kernel.cli.output import json_option, print_json
from studio_kernel.export.naming import PATTERN
from studio_kernel.export.table import TableFormat
from studio_kernel.publishing import TAKES, Kind
from studio_kernel.runlog import RunFilter

if TYPE_CHECKING:
    from studio_kernel.sharing import Leaving
    from studio_kernel.studio import Studio

F = TypeVar("F", bound=Callable[..., object])
_FILE = click.Path(path_type=Path, dir_okay=False)


def runs_argument(function: F) -> F:
    """Let a command take runs by their ids, of a sweep or of a project."""
    function = click.option("--project", help="In place of RUN...: those of this project.")(function)
    function = click.option("--sweep", "sweep_id", help="In place of RUN...: the cells of this sweep.")(function)
    return click.argument("run_ids", metavar="[RUN]...", nargs=-1)(function)


class _FilesByDefault(click.Group):
    """A group whose arguments are runs when they do not begin with the name of a command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the command in front that is meant."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["files", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_FilesByDefault)
def export() -> None:
    """Share without a server: 'studio export RUN… --to FOLDER' writes files, others a page, a sheet or a ZIP."""


@export.command("files")
@click.argument("run_ids", metavar="RUN...", nargs=-1, required=True)
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder.")
@click.option("--preset", "-p", help="What becomes of pictures, such as web or print-a4; copied when left out.")
@click.option("--names", default=PATTERN, show_default=True, help="How files are called.")
@json_option
@click.pass_obj
def export_files(
    home: Path | None, run_ids: tuple[str, ...], folder: Path, preset: str | None, names: str, as_json: bool
) -> None:
    """Write the files of RUN... to a folder; the word 'files' may be left out. Nothing there is written over."""
    with studio_module.open(home) as studio:
        exported = studio.export(run_ids, folder, preset, names=names)
    if as_json:
        print_json({"files": [str(path) for path in exported], "notes": list(exported.notes)})
        return
    for path in exported:
        click.echo(path)
    for note in exported.notes:
        click.echo(f"note: {note}", err=True)


@export.command("gallery")
@runs_argument
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder.")
@click.option("--title", default="Gallery", show_default=True, help="Above the page.")
@click.option("--limit", "-n", default=1000, show_default=True, help="If no runs are named: at most so many.")
@json_option
@click.pass_obj
def export_gallery(
    home: Path | None,
    run_ids: tuple[str, ...],
    sweep_id: str | None,
    project: str | None,
    folder: Path,
    title: str,
    limit: int,
    as_json: bool,
) -> None:
    """Write RUN..., or the newest runs, as one folder that opens from disk or any web host."""
    with studio_module.open(home) as studio:
        chosen = _chosen(studio, run_ids, sweep_id, project) if run_ids or sweep_id or project else None
        page = studio.export_gallery(folder, runs=chosen, title=title, limit=limit)
    print_json({"page": str(page)}) if as_json else click.echo(page)


@export.command("dashboard")
@click.argument("kind", type=click.Choice(list(TAKES)))
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder.")
@click.option("--run", "run_ids", metavar="RUN", multiple=True, help="Of a gallery or comparison: this one.")
@click.option("--project", help="Of a gallery or report: only runs of this project.")
@click.option("--sweep", "sweep_id", help="Of the page of a sweep: its id, or a part of it.")
@click.option("--board", help="Of a comparison: the name or id of a board.")
@click.option("--limit", "-n", type=click.IntRange(1), help="Of a gallery: at most so many runs, the newest.")
@click.option("--title", help="Above the page.")
@json_option
@click.pass_obj
def export_dashboard(
    home: Path | None,
    kind: Kind,
    folder: Path,
    run_ids: tuple[str, ...],
    project: str | None,
    sweep_id: str | None,
    board: str | None,
    limit: int | None,
    title: str | None,
    as_json: bool,
) -> None:
    """Write a page of the dashboard as one folder that opens from disk or any web host.

    Private and deleted runs, notes, keys, and paths and names of this machine are not in it.
    """
    with studio_module.open(home, mode="viewer") as studio:
        page = studio.export_dashboard(
            kind,
            folder,
            runs=run_ids or None,
            sweep=sweep_id,
            board=board,
            project=project,
            limit=limit,
            title=title,
        )
    print_json({"page": str(page)}) if as_json else click.echo(page)


@export.command("sheet")
@runs_argument
@click.option("--to", "path", type=_FILE, required=True, help="Ends in .png, .jpg, .webp or .pdf.")
@click.option("--columns", type=click.IntRange(1), help="Pictures side by side.")
@click.option("--label", "labels", multiple=True, help="What is written below; several are fine. Else what differs.")
@click.option("--title", default="", help="Above every page.")
@click.option("--preset", "-p", help="Size of a page, such as print-a4.")
@json_option
@click.pass_obj
def export_sheet(
    home: Path | None,
    run_ids: tuple[str, ...],
    sweep_id: str | None,
    project: str | None,
    path: Path,
    columns: int | None,
    labels: tuple[str, ...],
    title: str,
    preset: str | None,
    as_json: bool,
) -> None:
    """Write a contact sheet of RUN...: small pictures, each with what tells it from the others."""
    with studio_module.open(home) as studio:
        chosen = _chosen(studio, run_ids, sweep_id, project)
        written = studio.contact_sheet(chosen, path, columns=columns, labels=labels or None, title=title, preset=preset)
    print_json({"file": str(written)}) if as_json else click.echo(written)


@export.command("zip")
@runs_argument
@click.option("--to", "path", type=_FILE, required=True, help="The ZIP file; one that is there is replaced.")
@click.option("--preset", "-p", help="What becomes of pictures, such as web or print-a4; copied when left out.")
@click.option("--names", default=PATTERN, show_default=True, help="How files are called.")
@click.option("--table", type=click.Choice(get_args(TableFormat)), default="csv", show_default=True, help="Its format.")
@json_option
@click.pass_obj
def export_zip(
    home: Path | None,
    run_ids: tuple[str, ...],
    sweep_id: str | None,
    project: str | None,
    path: Path,
    preset: str | None,
    names: str,
    table: TableFormat,
    as_json: bool,
) -> None:
    """Write the files of RUN... into one ZIP file, with a table of their settings."""
    with studio_module.open(home) as studio:
        data = studio.export_zip(_chosen(studio, run_ids, sweep_id, project), preset, names=names, table=table)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise click.ClickException(f"cannot write {str(path)!r}: {error.strerror or error}") from error
    print_json({"file": str(path), "size_bytes": len(data)}) if as_json else click.echo(path)


def _chosen(studio: Studio, run_ids: tuple[str, ...], sweep_id: str | None, project: str | None) -> Leaving:
    """Return the runs that are meant; they are named in one way only."""
    if sum(map(bool, (run_ids, sweep_id, project))) != 1:
        raise click.UsageError("name runs, or a --sweep, or a --project")
    return studio.sweep_of(sweep_id) if sweep_id else RunFilter(project=project) if project else run_ids
