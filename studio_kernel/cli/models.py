"""``studio models``: the catalog – looking into it, adding to it, bringing it up to date."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from studio_kernel import studio as studio_module
from studio_kernel.catalog.models import ModelStatus
from studio_kernel.cli.output import json_option, print_json
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.tasks import MAKING, Task

_TASKS = click.Choice([str(task) for task in MAKING])
_WIDTH = 44


class ModelsGroup(click.Group):
    """A group that lists where none of its commands is named: ``studio models flux`` is ``studio models list flux``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the line."""
        is_help = bool(args) and args[0] in ctx.help_option_names
        if not is_help and (not args or args[0] not in self.commands):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=ModelsGroup)
def models() -> None:
    """List, add and refresh models; without a command's name it lists."""


@models.command("list")
@click.argument("text", default="")
@click.option("--task", type=_TASKS, help="Only models that serve this task.")
@click.option("--creator", help="Only models of this creator.")
@click.option("--engine", help="Only models of this engine.")
@click.option("--all", "include_all", is_flag=True, help="Also models that cannot run here.")
@json_option
@click.pass_obj
def list_models(
    home: Path | None,
    text: str,
    task: str | None,
    creator: str | None,
    engine: str | None,
    include_all: bool,
    as_json: bool,
) -> None:
    """List the models whose name, creator or description hold the words of TEXT."""
    with studio_module.open(home) as studio:
        found = studio.models.search(text, task=Task(task) if task else None, creator=creator, engine=engine)
        listed = [(card, studio.models.status(card)) for card in found]
        shown = [(card, status) for card, status in listed if include_all or status.selectable]
    if as_json:
        print_json([_model_json(card, status) for card, status in shown])
        return
    for card, status in shown:
        note = "" if status.selectable else f"  ({status.reason})"
        click.echo(f"{card.id:<40} {card.name:<32} {', '.join(card.tasks)}{note}")
    if len(shown) < len(listed):
        click.echo(f"{len(listed) - len(shown)} more cannot run here; --all lists them with the reason.")


def _model_json(card: ModelCard, status: ModelStatus) -> dict[str, object]:
    return {
        "id": card.id,
        "name": card.name,
        "creator": card.creator,
        "engine": card.engine,
        "tasks": [str(task) for task in card.tasks],
        "selectable": status.selectable,
        "reason": status.reason,
    }


@models.command()
@click.argument("endpoint")
@click.option("--openapi", type=click.Path(path_type=Path, dir_okay=False), help="Its OpenAPI document; else fetched.")
@click.option("--service", type=click.Choice(["fal", "replicate"]), help="Whose it is, where its id does not tell.")
@click.option("--name", default="", help="What people see; else made from its id.")
@click.option("--replace", is_flag=True, help="Describe a model anew that is in the catalog already.")
@json_option
@click.pass_obj
def add(
    home: Path | None, endpoint: str, openapi: Path | None, service: str | None, name: str, replace: bool, as_json: bool
) -> None:
    """Add a model of a service by its id there, such as fal-ai/x/y."""
    with studio_module.open(home) as studio:
        card = studio.add_model(endpoint, openapi=openapi, service=service, name=name, replace=replace)  # type: ignore[arg-type]  # a choice of click's
        status = studio.models.status(card)
    if as_json:
        print_json({**_model_json(card, status), "parameters": [parameter.name for parameter in card.parameters]})
        return
    click.echo(f"{card.id}: {card.name}, {', '.join(card.tasks)}; {len(card.parameters)} parameters")
    for line in filter(None, [card.note, "" if card.price else "Its price is not known.", status.reason]):
        click.echo(line)


@models.command()
@click.option("--search", default="", help="Only models that the service finds by these words.")
@click.option("--category", default="", help="Only models of this category, such as image-to-video.")
@click.option("--dry-run", is_flag=True, help="Tell what would change, and write nothing.")
@json_option
@click.pass_obj
def refresh(home: Path | None, search: str, category: str, dry_run: bool, as_json: bool) -> None:
    """Ask fal for its models, their parameters and prices; keep in this home what is new or other."""
    with studio_module.open(home) as studio:
        say = partial(click.echo, err=True)
        report = studio.refresh_models(search, category=category, dry_run=dry_run, say=say)
    if as_json:
        changes = [change.to_json() for change in report.changes]
        path = str(report.path) if report.path else None
        counts = {"listed": report.listed, "priced": report.priced}
        print_json({**counts, "changes": changes, "path": path, "notes": list(report.notes)})
        return
    for change in report.changes:
        click.echo(f"{change.what:<13} {change.model:<{_WIDTH}} {change.text}")
    looked = f"{report.listed} models and {report.priced} prices looked at"
    click.echo(f"{looked}, {len(report.changes)} changes{': nothing written' if dry_run else ''}.")
    for note in report.notes:
        click.echo(f"{note[0].upper()}{note[1:]}.")
