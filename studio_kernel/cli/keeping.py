"""``studio import``, ``delete``, ``restore`` and ``projects``: what a home keeps, and how it is ordered."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from studio_kernel import studio as studio_module
from studio_kernel.cli.output import json_option, print_json
from studio_kernel.domain.budget import dollars
from studio_kernel.domain.marks import Project, ProjectCard
from studio_kernel.domain.runs import RunRecord
from studio_kernel.domain.values import Value, to_json
from studio_kernel.errors import StudioError

_SETTING = "NAME=VALUE"


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--project", default=None, help="Id of the project to put them in.")
@json_option
@click.pass_obj
def import_(home: Path | None, files: tuple[Path, ...], project: str | None, as_json: bool) -> None:
    """Bring in pictures, videos and sounds, with the settings that they carry.

    A file that is here already stands for the run that has it. One that is damaged, or is none of these, is refused
    and does not stop the others; the command then ends with 1.
    """
    taken: list[RunRecord] = []
    refused: list[str] = []
    with studio_module.open(home) as studio:
        for result in studio.import_each(files, project):
            if isinstance(result, StudioError):
                refused.append(str(result))
            else:
                taken.append(studio.record(result.id))
    if as_json:
        print_json({"runs": [record.to_json() for record in taken], "refused": refused})
    else:
        for record in taken:
            click.echo(f"{record.id}  {record.request.model}  {_told(record)}")
        for reason in refused:
            click.echo(f"refused: {reason}", err=True)
    if refused:
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("runs", nargs=-1, required=True)
@click.option("--files", is_flag=True, help="Let the next gc remove their files, unless something else needs them.")
@json_option
@click.pass_obj
def delete(home: Path | None, runs: tuple[str, ...], files: bool, as_json: bool) -> None:
    """Take runs out of every list; what they cost counts on, and restore brings them back.

    RUNS are ids, or parts of them.
    """
    with studio_module.open(home) as studio:
        ids = [studio.record(run).id for run in runs]
        studio.delete(*ids, files=files)
    _say("deleted", ids, as_json)


@click.command()
@click.argument("runs", nargs=-1, required=True)
@json_option
@click.pass_obj
def restore(home: Path | None, runs: tuple[str, ...], as_json: bool) -> None:
    """Bring back runs that were deleted.

    RUNS are ids, or parts of them.
    """
    with studio_module.open(home) as studio:
        ids = [studio.record(run).id for run in runs]
        studio.restore(*ids)
    _say("restored", ids, as_json)


@click.group(invoke_without_command=True)
@click.pass_context
def projects(context: click.Context) -> None:
    """List projects, make them and change them."""
    if context.invoked_subcommand is None:
        context.invoke(list_)


@projects.command("list")
@click.option("--archived", is_flag=True, help="Also those that were put away.")
@json_option
@click.pass_obj
def list_(home: Path | None, archived: bool, as_json: bool) -> None:
    """List the projects with what is in them, the one that changed last first."""
    with studio_module.open(home, mode="viewer") as studio:
        cards = studio.project_cards(archived=archived)
    if as_json:
        print_json([_card_json(card) for card in cards])
        return
    for card in cards:
        cost = dollars(card.cost_usd) if card.cost_usd else ""
        put_away = "  (archived)" if card.project.archived else ""
        click.echo(
            f"{card.project.id:<24} {card.project.title:<32} {card.runs:>6} runs  {card.files:>6} files  "
            f"{cost}{put_away}".rstrip()
        )
    if not cards:
        click.echo("no projects")


@projects.command()
@click.argument("title")
@click.option("--id", "project_id", default=None, help="Short name; made from the title when left out.")
@click.option("--description", default="", help="What it is for.")
@json_option
@click.pass_obj
def create(home: Path | None, title: str, project_id: str | None, description: str, as_json: bool) -> None:
    """Make a project."""
    with studio_module.open(home) as studio:
        _show(studio.create_project(title, id=project_id, description=description), as_json)


@projects.command()
@click.argument("project_id", metavar="PROJECT")
@click.option("--title", default=None, help="What people see.")
@click.option("--description", default=None, help="What it is for.")
@click.option("--archive/--unarchive", "archived", default=None, help="Put it away, or take it out again.")
@click.option(
    "--setting",
    "settings",
    multiple=True,
    metavar=_SETTING,
    help="What a form of it begins with: model, task or preset; no value takes it away. May be given several times.",
)
@json_option
@click.pass_obj
def change(
    home: Path | None,
    project_id: str,
    title: str | None,
    description: str | None,
    archived: bool | None,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Change a project; what is not named stays as it is."""
    given = dict(map(_setting, settings))
    with studio_module.open(home) as studio:
        known = next((each.settings for each in studio.projects() if each.id == project_id), {})
        changed = studio.change_project(
            project_id,
            title=title,
            description=description,
            archived=archived,
            settings={**known, **given} if given else None,
        )
    _show(changed, as_json)


def _setting(text: str) -> tuple[str, Value]:
    name, separator, value = text.partition("=")
    if not separator:
        raise click.BadParameter(f"{text!r} is not {_SETTING}", param_hint="--setting")
    return name, value or None


def _told(record: RunRecord) -> str:
    """Return what a file has told, in short; nothing for one that was here already as a result."""
    source = record.provenance.get("source")
    if not record.is_import or not isinstance(source, Mapping):
        return "made here"
    return f"settings of {source['tool']}" if source.get("tool") else "no settings in it"


def _say(what: str, ids: list[str], as_json: bool) -> None:
    if as_json:
        print_json({what: ids})
        return
    for run_id in ids:
        click.echo(f"{what} {run_id}")


def _show(project: Project, as_json: bool) -> None:
    if as_json:
        print_json(_project_json(project))
        return
    click.echo(f"{project.id}: {project.title}{' (archived)' if project.archived else ''}")
    for name, value in project.settings.items():
        click.echo(f"  {name}: {value}")


def _project_json(project: Project) -> dict[str, object]:
    return {
        "id": project.id,
        "title": project.title,
        "description": project.description,
        "archived": project.archived,
        "created_at": project.created_at.isoformat() if project.created_at else None,
        "settings": {name: to_json(value) for name, value in project.settings.items()},
    }


def _card_json(card: ProjectCard) -> dict[str, object]:
    return {
        **_project_json(card.project),
        "runs": card.runs,
        "files": card.files,
        "cost_usd": card.cost_usd,
        "changed_at": card.changed_at.isoformat() if card.changed_at else None,
        "covers": [asset.sha256 for asset in card.covers],
    }
