"""Starting the dashboard server: a command line, and a process with a clean environment."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from studio_kernel.dashboards.environment import TOKEN_VARIABLE, for_server
from studio_kernel.dashboards.options import CULL_IDLE_S, MEMORY_MIB, Options
from studio_kernel.errors import StudioError
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
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8866, help="0 = any free one (default: %(default)s)")
    parser.add_argument("--base-url", default="/", metavar="PATH", help="path below which everything is served")
    parser.add_argument("--allow-host", action="append", default=[], metavar="NAME", help="a name that a proxy has")
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    parser.add_argument("--max-viewers", type=int, default=0, metavar="N", help="at a time; 0 = as memory allows")
    parser.add_argument("--per-address", type=int, default=0, metavar="N", help="of them; 0 = three quarters")
    parser.add_argument("--pool", type=int, default=1, metavar="N", help="kernels kept warm (%(default)s)")
    parser.add_argument("--memory", type=int, default=MEMORY_MIB, metavar="MIB", help="of a kernel (%(default)s)")
    parser.add_argument("--cull-idle", type=int, default=CULL_IDLE_S, metavar="S", help="end a kernel without page")
    parser.add_argument("--connections", type=Path, help="directory for the kernels' connection files")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server; the process first replaces itself by one with a clean environment."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    asked = parser().parse_args(given)
    try:
        options = _options(asked, os.environ.get(TOKEN_VARIABLE, ""))
    except StudioError as error:
        return _refuse(str(error))
    clean = environment(Home.at(asked.home).root, os.environ)
    if clean != dict(os.environ):
        return _become(command(*given), clean)
    return _serve(options)


def _refuse(reason: str) -> int:
    print(reason, file=sys.stderr)  # noqa: T201 - a command line talks to people
    return 2


def _become(argv: list[str], clean: dict[str, str]) -> int:
    """Start over with a clean environment.

    Scrubbing ``os.environ`` would not do: the values a process was started with stay readable in ``/proc``.
    """
    sys.stdout.flush()
    os.execve(argv[0], argv, clean)


def _options(asked: argparse.Namespace, token: str) -> Options:
    return Options(
        directory=asked.directory or dashboards_dir(),
        host=asked.host,
        port=asked.port,
        base_url=asked.base_url,
        allow_hosts=tuple(asked.allow_host),
        token=token,
        theme=asked.theme,
        max_viewers=asked.max_viewers,
        per_address=asked.per_address,
        pool=asked.pool,
        memory_mib=asked.memory,
        cull_idle_s=asked.cull_idle,
        connections=str(asked.connections or ""),
    )


def _serve(options: Options) -> int:
    from studio_kernel.dashboards.server import serve  # Voila takes a second to import

    try:
        serve(options)
    except OSError as error:
        return _refuse(f"cannot serve on {options.host}:{options.port}: {error.strerror or error}")
    return 0
