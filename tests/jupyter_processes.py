"""JupyterLab and dashboard servers as child processes of a test, and clients for their kernels."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client import BlockingKernelClient

from waiting import until

TOKEN = "a-token-for-tests-0123456789"
CHECKOUT = Path(__file__).parents[1]
_KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}


def private_environment(home: Path) -> dict[str, str]:
    """Return an environment with Jupyter's directories below `home` and nothing personal in it."""
    settings = home / "lab-settings"
    apputils = settings / "@jupyterlab/apputils-extension"
    apputils.mkdir(parents=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False}  # else a pop-up covers the panel
    (apputils / "notification.jupyterlab-settings").write_text(json.dumps(quiet))
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ", "VIRTUAL_ENV") if name in os.environ}
    return kept | {
        "HOME": str(home),
        "STUDIO_RUNNER": "inline",
        "PYTHONPATH": os.pathsep.join([str(CHECKOUT), str(CHECKOUT / "widgets"), str(CHECKOUT / "tests")]),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "lab-workspaces"),
    }


def write_notebook(path: Path, *cells: str) -> Path:
    """Write a notebook of code cells."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata={"kernelspec": _KERNELSPEC}
    )
    nbformat.write(notebook, path)
    return path


class Server:
    """A server in a child process.

    Attributes
    ----------
    url : str
        Without a slash at the end.
    root : pathlib.Path
        The directory it serves.
    kernels : pathlib.Path
        Where the connection files of its kernels are.
    log : pathlib.Path
        What it printed.
    """

    def __init__(
        self, argv: Sequence[str], env: dict[str, str], root: Path, kernels: Path, log: Path, base: str = ""
    ) -> None:
        self.root, self.kernels, self.log = root, kernels, log
        with log.open("wb") as out:
            self.process = subprocess.Popen(argv, env=env, cwd=root, stdout=out, stderr=subprocess.STDOUT)
        try:
            self.url = until(self._announced, timeout=60, what="the address of the server")
            signs = [f"{base}/api/status", f"{base}/voila/static/voila.js"]
            until(lambda: self.status(*signs), timeout=60, what="an answer")
        except BaseException:
            self.stop()
            print(log.read_text()[-3000:])
            raise

    def _announced(self) -> str | None:
        if self.process.poll() is not None:
            raise RuntimeError(f"the server ended:\n{self.log.read_text()[-3000:]}")
        found = re.search(r"(http://127\.0\.0\.1:\d+)/\S*token=", self.log.read_text())
        return found.group(1) if found else None

    def status(self, *paths: str) -> bool:
        """Return whether one of `paths` is answered with 200."""
        return any(self.get(path).status == 200 for path in paths)

    def get(
        self, path: str, *, token: str | None = TOKEN, host: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """GET `path`; redirects are not followed."""
        sent = {**({"Authorization": f"token {token}"} if token else {}), **(headers or {})}
        if host:
            sent["Host"] = host
        return _open(urllib.request.Request(self.url + path, headers=sent))

    def end_kernel(self, kernel_id: str) -> None:
        """End a kernel; tests hand theirs back."""
        headers = {"Authorization": f"token {TOKEN}"}
        _open(urllib.request.Request(f"{self.url}/api/kernels/{kernel_id}", method="DELETE", headers=headers))

    @contextlib.contextmanager
    def kernel(self, kernel_id: str) -> Iterator[Callable[[str], Any]]:
        """Connect a second client to a kernel; yields a function that evaluates an expression there."""
        client = BlockingKernelClient()
        client.load_connection_file(str(next(self.kernels.rglob(f"*{kernel_id}.json"))))
        client.start_channels()
        try:
            client.wait_for_ready(timeout=120)  # a busy machine takes its time to start kernels
            yield lambda expression: _evaluate(client, expression)
        finally:
            client.stop_channels()

    def stop(self) -> None:
        """End the server."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Answer:
    """Status, headers and text of an HTTP answer."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    @property
    def kernel_id(self) -> str:
        """The kernel behind a dashboard's page."""
        found = re.search(r'"kernelId": "([0-9a-f-]{36})"', self.text)
        assert found, f"no kernel in the page ({self.status})"
        return found.group(1)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


def _open(request: urllib.request.Request) -> Answer:
    try:
        with _OPENER.open(request, timeout=60) as reply:
            return Answer(reply.status, reply.headers, reply.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


def _evaluate(client: BlockingKernelClient, expression: str) -> Any:
    # user expressions are evaluated without output and without an entry in the history
    wrapped = {"value": f"__import__('json').dumps({expression})"}
    reply = client.execute("", silent=True, user_expressions=wrapped, reply=True, timeout=30)
    got = reply["content"]["user_expressions"]["value"]
    assert got["status"] == "ok", got
    return json.loads(ast.literal_eval(got["data"]["text/plain"]))
