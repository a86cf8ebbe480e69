"""Chromium, and notebooks in a JupyterLab of their own, for the measurements that are made in a page."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from studio_kernel import lab

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

RUN_CELL = "() => jupyterapp.commands.execute('notebook:run-cell-and-select-next')"
PATIENCE_MS = 120_000


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the Chromium that is on the path, or named by STUDIO_CHROMIUM."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("STUDIO_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--headless", "--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@contextmanager
def notebook(folder: Path, opening: str, showing: str) -> Iterator[Page]:
    """Show a notebook of two cells in a JupyterLab below `folder`; the first has run, the second is next."""
    tests = import_module("jupyter_processes")  # the pieces that browser tests use
    root = folder / "lab"
    root.mkdir()
    env = lab.environment(tests.private_environment(folder))
    options = ["--allow-root", f"--IdentityProvider.token={tests.TOKEN}", "--LabApp.expose_app_in_browser=True"]
    command = lab.command(port=0, browser=False, more=[*options, f"--ServerApp.root_dir={root}"])
    name = tests.write_notebook(root / "measured.ipynb", opening, showing).name
    server = tests.Server(command, env, root, Path(env["JUPYTER_RUNTIME_DIR"]), folder / "lab.log")
    try:
        with chromium() as browser:
            page = browser.new_page(viewport={"width": 1400, "height": 1000})
            page.set_default_timeout(PATIENCE_MS)
            page.goto(f"{server.url}/doc/tree/{name}?token={tests.TOKEN}&reset")
            page.wait_for_function("window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel")
            page.evaluate(RUN_CELL)
            page.locator(".jp-OutputArea-output").first.wait_for()
            yield page
    finally:
        server.stop()
