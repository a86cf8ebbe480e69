"""One JupyterLab, one dashboard server and one Chromium per test session; a fresh page and kernel per test.

Speed comes from sharing servers, steadiness from waiting for facts: a widget in the page, a value in the kernel.
Screenshots land in the test's temporary directory, or in the directory that STUDIO_SCREENSHOTS names.
"""

import base64
import contextlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, sync_playwright

import studio_widgets
from jupyter_processes import TOKEN, Server, private_environment, write_notebook
from studio_kernel import lab
from studio_kernel.dashboards import environment, launch
from studio_widgets.page import scripts

CHROMIUM = os.environ.get("STUDIO_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
THEME = Path(studio_widgets.__file__).parent / "theme.css"
CHROMIUM_ARGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

KNOWN_ERRORS = (r"\[anywidget\] Failed to initialize model\.",)
"""Patterns of errors that are not ours, matched in full: anywidget gives a model 2 s, which a busy machine may exceed;
what is missing on the page then fails the test that waits for it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.flaky(reruns=2))  # told as RERUN: docs/decisions/0013


@pytest.fixture(scope="session")
def private_env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    home = tmp_path_factory.mktemp("home")
    return private_environment(home) | {"STUDIO_HOME": str(home / "studio")}


@pytest.fixture(scope="session")
def lab_server(private_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("lab")
    options = [
        "--allow-root", f"--IdentityProvider.token={TOKEN}", "--LabApp.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly", f"--ServerApp.root_dir={root}",
    ]  # fmt: skip
    command = lab.command(port=0, browser=False, more=options)
    env = lab.environment(private_env)
    server = Server(command, env, root, Path(env["JUPYTER_RUNTIME_DIR"]), root.parent / "lab.log")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def dashboard_server(private_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root, connections = tmp_path_factory.mktemp("dash"), tmp_path_factory.mktemp("c")
    Path(private_env["STUDIO_HOME"]).mkdir(exist_ok=True)
    command = launch.command(str(root), "--port", "0", "--connections", str(connections), "--max-viewers", "4")
    env = private_env | {environment.TOKEN_VARIABLE: TOKEN}
    server = Server(command, env, root, connections, root.parent / "dashboards.log")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def shown_home(private_env: dict[str, str]) -> Path:
    """The home that the servers show, with nothing in it from the tests of other files."""
    home = Path(private_env["STUDIO_HOME"])
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    return home


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("no chromium on PATH; install one (apt-get install chromium) or name it in STUDIO_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Page]:
    """A page in a context of its own; errors on the console or in scripts fail the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 860}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(60_000)  # a busy machine takes its time to start kernels
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.extend([] if _is_known(str(error)) else [str(error)]))
    page.on("console", lambda message: errors.extend(_unexpected(message)))
    yield page
    if getattr(request.node, "failed", False):
        with contextlib.suppress(Exception):
            page.screenshot(path=tmp_path / "failed.png")
            print(f"screenshot: {tmp_path / 'failed.png'}")
    context.close()
    assert not errors, errors


def _unexpected(message: ConsoleMessage) -> list[str]:
    known = message.type != "error" or _is_known(message.text)
    return [] if known else [f"{message.text} ({message.location.get('url')})"]


def _is_known(text: str) -> bool:
    return any(re.fullmatch(pattern, text) for pattern in KNOWN_ERRORS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.when == "call":
        item.failed = report.failed
    return report


@pytest.fixture
def screenshot(page: Page, tmp_path: Path) -> Callable[..., Path]:
    """screenshot(name, part of the page): a picture."""
    directory = Path(os.environ.get("STUDIO_SCREENSHOTS") or tmp_path)

    def take(name: str, selector: str | Locator = "") -> Path:
        path = directory / f"{name}.png"
        directory.mkdir(parents=True, exist_ok=True)
        shown = page.locator(selector).first if isinstance(selector, str) and selector else selector or page
        shown.screenshot(path=path)
        return path

    return take


@pytest.fixture
def open_lab(lab_server: Server, page: Page) -> Iterator[Callable[..., str]]:
    """open_lab(*cells): run a notebook in JupyterLab; returns the id of its kernel."""
    opened: list[str] = []

    def open_(*cells: str) -> str:
        notebook = write_notebook(lab_server.root / f"notebook{time.monotonic_ns()}.ipynb", *cells)
        page.goto(f"{lab_server.url}/doc/tree/{notebook.name}?token={TOKEN}&reset")
        page.wait_for_function("window.jupyterapp?.shell.currentWidget?.sessionContext")
        opened.append(page.evaluate(RUN_ALL))
        return opened[-1]

    yield open_
    for kernel_id in opened:
        lab_server.end_kernel(kernel_id)


RUN_ALL = """async () => {
    const app = window.jupyterapp, panel = app.shell.currentWidget;
    await panel.context.ready;
    await panel.sessionContext.ready;
    await app.commands.execute('notebook:run-all-cells');
    return panel.sessionContext.session.kernel.id;
}"""


@pytest.fixture
def open_dashboard(dashboard_server: Server, page: Page) -> Iterator[Callable[..., str]]:
    """open_dashboard(*cells or a notebook): visit a dashboard; returns the id of its kernel."""
    opened: list[str] = []

    def open_(*cells: str | Path) -> str:
        if isinstance(cells[0], Path):
            notebook = Path(shutil.copy(cells[0], dashboard_server.root))
        else:
            notebook = write_notebook(dashboard_server.root / f"dashboard{time.monotonic_ns()}.ipynb", *cells)
        page.goto(f"{dashboard_server.url}/voila/render/{notebook.name}?token={TOKEN}")
        page.wait_for_selector(".jupyter-widgets", timeout=180_000)  # the page comes when all cells have run
        opened.append(page.evaluate("JSON.parse(document.querySelector('#jupyter-config-data').textContent).kernelId"))
        return opened[-1]

    yield open_
    for kernel_id in opened:
        dashboard_server.end_kernel(kernel_id)


@pytest.fixture
def mount(page: Page) -> Callable[..., Page]:
    """mount(folder, state): render one view.js against a fake model; no server and no kernel.

    `esm` is the view where it is joined from several files.
    """

    def mount_(
        folder: Path,
        state: dict[str, object],
        html: str = '<div class="studio"><div id="root"></div></div>',
        esm: str | None = None,
    ) -> Page:
        css = [THEME, folder / "panel.css", folder / "view.css"]
        styles = "".join(f"<style>{path.read_text()}</style>" for path in css if path.exists())
        page.set_content(f"<!doctype html><body style='margin:0'>{styles}{html}")
        module = scripts.esm(folder / "view.js") if esm is None else esm
        page.evaluate(FAKE_MODEL, [base64.b64encode(module.encode()).decode(), state])
        return page

    return mount_


FAKE_MODEL = """async ([esm, state]) => {
    // The part of a widget's model that views use, without a kernel. window.model.sent holds what was sent.
    const handlers = {}, names = (text) => text.split(" ");
    const emit = (name, ...values) => (handlers[name] || []).slice().forEach((f) => f(...values));
    const model = {
        sent: [], handlers, emit,
        get: (key) => state[key],
        set: (key, value) => { const old = state[key]; state[key] = value; if (old !== value) emit(`change:${key}`); },
        save_changes: () => {},
        send: (content, _callbacks, buffers) => { model.sent.push({ content, buffers }); model.answer?.(content); },
        on: (text, f) => names(text).forEach((name) => (handlers[name] ||= []).push(f)),
        off: (text, f) => names(text).forEach((name) => {
            handlers[name] = (handlers[name] || []).filter((g) => g !== f);
        }),
    };
    window.model = model;
    const { default: view } = await import("data:text/javascript;base64," + esm);
    window.cleanup = await view.render({ model, el: document.getElementById("root") });
}"""
