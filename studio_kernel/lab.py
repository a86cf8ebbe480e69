"""JupyterLab as the studio starts it: on loopback, with a token, and without Voila's server extension.

Installing Voila switches that extension on by itself. Beside JupyterLab its dashboards share the token of the whole
server and their websockets may run code, so dashboards are served on their own instead (`studio_kernel.dashboards`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

CONFIG = Path(__file__).parent / "jupyter_config"
"""Read by JupyterLab beside the user's own settings, which go before it. It takes away the button of Voila's preview,
which has no server here and would lead to a page that is not found, and the question whether to fetch Jupyter's news.
"""

VOILA_OFF = "--ServerApp.jpserver_extensions={'voila.server_extension':False,'voila':False}"


def command(
    notebook: Path | None = None, *, port: int = 8888, browser: bool = True, more: Sequence[str] = ()
) -> list[str]:
    """Return the command that starts JupyterLab, as a list for `subprocess`.

    Parameters
    ----------
    notebook : pathlib.Path or None
        The notebook or directory to open; the working directory when left out.
    port : int
        The port to try first.
    browser : bool
        Open a browser window.
    more : sequence of str
        Further options of JupyterLab.
    """
    return [
        sys.executable,
        "-m",
        "jupyterlab",
        *([str(notebook)] if notebook else []),
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        VOILA_OFF,
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        *([] if browser else ["--no-browser"]),
        *more,
    ]


def environment(base: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables to start JupyterLab with: `base`, and where our settings are."""
    paths = [str(CONFIG), *filter(None, [base.get("JUPYTER_CONFIG_PATH")])]
    return {**base, "JUPYTER_CONFIG_PATH": os.pathsep.join(paths)}
