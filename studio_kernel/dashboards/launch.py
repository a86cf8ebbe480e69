"""Starting the dashboard server: a command line, and a process with a clean environment."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from studio_kernel.dashboards.environment import TOKEN_VARIABLE, for_server
from studio_kernel.settings import HOME_VARIABLE, Home, checkout_dir

_TEMPLATES = Path(__file__).parent / "share"


def dashboards_dir() -> Path:
    """Return the directory of the dashboards that ship."""
    packaged = Path(__file__).parent.parent / "data" / "dashboards"
    return packaged if packaged.is_dir() else checkout_dir() / "notebooks" / "dashboards"


def command(*arguments: str) -> list[str]:
    """Return the command that starts a server, as a list for `subprocess`."""
    return [sys.executable, "-m", "studio_kernel.dashboards", *arguments]


def environment(home: Path, given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment to start a server in: `given` without keys, with the home and our page template."""
    kept = for_server(given)
    searched = [str(_TEMPLATES), *filter(None, kept.get("JUPYTER_PATH", "").split(os.pathsep))]
    return kept | {HOME_VARIABLE: str(home), "JUPYTER_PATH": os.pathsep.join(dict.fromkeys(searched))}


def parser() -> argparse.ArgumentParser:
    """Return the command line of the server."""
    parser = argparse.ArgumentParser(
        prog="studio dashboards",
        description="Serve dashboards to whoever has the token.",
        epilog=f"The token is random; set {TOKEN_VARIABLE} to choose it (16 characters or more).",
    )
    parser.add_argument("directory", nargs="?", type=Path, help="notebooks to serve (default: those that ship)")
    parser.add_argument("--home", type=Path, help=f"the home to show (default: {HOME_VARIABLE}, or the usual one)")
    parser.add_argument("--ip", default="127.0.0.1", help="address to listen on; put TLS in front of any but loopback")
    parser.add_argument("--port", type=int, default=8866, help="0 = any free one (default: %(default)s)")
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    parser.add_argument("--max-visitors", type=int, default=8, metavar="N", help="kernels at a time (%(default)s)")
    parser.add_argument("--cull-idle", type=int, default=120, metavar="S", help="end a kernel without page after S s")
    parser.add_argument("--connections", type=Path, help="directory for the kernels' connection files")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server; the process first replaces itself by one with a clean environment."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    asked = parser().parse_args(given)
    token = os.environ.get(TOKEN_VARIABLE, "")
    if token and len(token) < 16:
        return _refuse(f"{TOKEN_VARIABLE} has {len(token)} characters; at least 16 are needed")
    directory = asked.directory or dashboards_dir()
    if not directory.is_dir():
        return _refuse(f"there is no directory {str(directory)!r} to serve")
    clean = environment(Home.at(asked.home).root, os.environ)
    if clean != dict(os.environ):
        return _become(command(*given), clean)
    return _serve(asked, directory, token)


def _refuse(reason: str) -> int:
    print(reason, file=sys.stderr)  # noqa: T201 - a command line talks to people
    return 2


def _become(argv: list[str], clean: dict[str, str]) -> int:
    """Start over with a clean environment.

    Scrubbing ``os.environ`` would not do: the values a process was started with stay readable in ``/proc``.
    """
    sys.stdout.flush()
    os.execve(argv[0], argv, clean)


def _serve(asked: argparse.Namespace, directory: Path, token: str) -> int:
    from studio_kernel.dashboards.server import Options, serve  # Voila takes a second to import

    options = Options(
        directory=directory,
        ip=asked.ip,
        port=asked.port,
        token=token,
        theme=asked.theme,
        max_visitors=asked.max_visitors,
        cull_idle_s=asked.cull_idle,
        cull_interval_s=max(1, min(20, asked.cull_idle // 2)),
        connections=str(asked.connections or ""),
    )
    try:
        serve(options)
    except OSError as error:
        return _refuse(f"cannot serve on {asked.ip}:{asked.port}: {error.strerror or error}")
    return 0
