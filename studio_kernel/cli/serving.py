"""``studio lab`` and ``studio dashboards``: start a server and stay with it until it ends."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from studio_kernel import lab as jupyterlab
from studio_kernel.cli.output import json_option, print_json
from studio_kernel.dashboards import launch
from studio_kernel.dashboards.environment import TOKEN_VARIABLE
from studio_kernel.dashboards.options import CULL_IDLE_S, MEMORY_MIB
from studio_kernel.settings import HOME_VARIABLE, Home


@click.command()
@click.argument("notebook", required=False, type=click.Path(path_type=Path, exists=True))
@click.option("--port", default=8888, show_default=True, help="The port to listen on.")
@click.option("--browser/--no-browser", default=True, help="Open a browser window.")
@json_option
@click.pass_obj
def lab(home: Path | None, notebook: Path | None, port: int, browser: bool, as_json: bool) -> None:
    """Open JupyterLab, on NOTEBOOK when one is given, with Voila's server extension off."""
    token = os.environ.get("JUPYTER_TOKEN") or secrets.token_hex(24)
    environment = {**os.environ, HOME_VARIABLE: str(Home.at(home).root), "JUPYTER_TOKEN": token}
    command = jupyterlab.command(notebook, port=port, browser=browser)
    if as_json:
        print_json({"url": f"http://127.0.0.1:{port}/lab?token={token}"})
    _stay_with(command, jupyterlab.environment(environment))


@click.command()
@click.argument("directory", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--token", envvar=TOKEN_VARIABLE, help="What visitors must know, 16 characters or more.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; TLS in front of others.")
@click.option("--port", default=8866, show_default=True, help="The port to listen on.")
@click.option("--base-url", default="/", show_default=True, metavar="PATH", help="Path below which all is served.")
@click.option("--allow-host", multiple=True, metavar="NAME", help="A name of the proxy in front; several are fine.")
@click.option("--theme", type=click.Choice(["light", "dark"]), default="light", show_default=True, help="Of the pages.")
@click.option("--max-viewers", default=0, metavar="N", help="Pages open at a time; 0 = as memory allows.")
@click.option("--per-address", default=0, metavar="N", help="Pages for one address.  [default: three quarters of all]")
@click.option("--pool", default=1, show_default=True, metavar="N", help="Kernels kept warm for visitors.")
@click.option("--memory", default=MEMORY_MIB, show_default=True, metavar="MIB", help="Of one viewer; 0 = no bound.")
@click.option("--cull-idle", default=CULL_IDLE_S, show_default=True, metavar="S", help="A closed page has gone then.")
@json_option
@click.pass_obj
def dashboards(
    home: Path | None,
    /,
    directory: Path | None,
    token: str | None,
    as_json: bool,
    **options: str | int | tuple[str, ...],
) -> None:
    """Serve the dashboards, or those in DIRECTORY, to whoever has the token: they look and mark, nothing else.

    A token on the command line is seen by everybody on the machine; better set STUDIO_DASHBOARDS_TOKEN.
    """
    root = Home.at(home)
    root.require()
    token = token or secrets.token_hex(24)
    command = launch.command(*([str(directory)] if directory else []), f"--home={root.root}", *_as_options(options))
    if as_json:
        base = f"/{str(options['base_url']).strip('/')}/".replace("//", "/")
        print_json({"url": f"http://{options['host']}:{options['port']}{base}?token={token}"})
    _stay_with(command, {**os.environ, TOKEN_VARIABLE: token})


def _as_options(values: Mapping[str, str | int | tuple[str, ...]]) -> Iterator[str]:
    """Yield options of the server's own command line; it has the same names."""
    for name, value in values.items():
        for one in value if isinstance(value, tuple) else (value,):
            yield f"--{name.replace('_', '-')}={one}"


def _stay_with(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run a server until it ends; Ctrl-C reaches it as well and ends it in good order."""
    with subprocess.Popen(command, env=dict(environment)) as server:
        while True:
            try:
                status = server.wait()
                break
            except KeyboardInterrupt:
                continue
    if status not in (0, -2):
        raise click.exceptions.Exit(1)
