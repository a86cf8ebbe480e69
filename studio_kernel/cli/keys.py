"""``studio keys``: which services have a key, and keeping one in the password store of the system."""

from __future__ import annotations

import sys

import click

from studio_kernel import keys as places
from studio_kernel import studio as studio_module
from studio_kernel.cli.output import json_option, print_json

_SERVICES = click.Choice(list(places.PLACES))


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def keys(ctx: click.Context, as_json: bool) -> None:
    """Say which services have a key and where it is from, never the key itself."""
    if ctx.invoked_subcommand is not None:
        return
    with studio_module.open(ctx.obj) as studio:
        found = [places.status(service) for service in places.PLACES]
        needing = {each.service: sum(card.engine == each.service for card in studio.models.values()) for each in found}
    if as_json:
        print_json([{**each.to_json(), "models": needing[each.service]} for each in found])
        return
    for each in found:
        state = f"key from {each.source}" if each.source else each.problem
        click.echo(f"{each.title:<10} {needing[each.service]:>4} models  {state}")
    click.echo("Local models need no key.")


@keys.command("set")
@click.argument("service", type=_SERVICES)
def set_key(service: str) -> None:
    """Keep the key of SERVICE in the password store of this system; asks for it, or reads it from a pipe."""
    title = places.PLACES[service].title
    is_asked = sys.stdin.isatty()
    value = click.prompt(f"Key of {title}", hide_input=True) if is_asked else sys.stdin.readline()
    places.store(service, value)
    found = places.status(service)
    click.echo(f"The key of {title} is in the password store of this system.")
    if found.source and found.source != places.IN_STORE:
        click.echo(f"Another one goes before it: that from {found.source}.")


@keys.command("forget")
@click.argument("service", type=_SERVICES)
def forget_key(service: str) -> None:
    """Take the key of SERVICE out of the password store of this system."""
    places.forget(service)
    left = places.status(service)
    click.echo(f"The key of {left.title} is not in the password store of this system.")
    if left.source:
        click.echo(f"There is still one from {left.source}.")
