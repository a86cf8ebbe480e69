"""A visitor's way from the link to a closed page, through a real nginx with TLS, below a path."""

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from jupyter_processes import TOKEN, Server, write_notebook
from studio_kernel.dashboards import environment, launch
from waiting import until

GUIDE = Path(__file__).parents[2] / "docs" / "dashboards.md"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
CELL = "import ipywidgets as w\nw.HTML('<p class=\"here\">hello visitor</p>')"
FRAME = """
daemon off; pid nginx.pid; error_log error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
    {server}
}}
"""


@pytest.fixture
def dashboards(private_env, tmp_path) -> Iterator[Server]:
    root, connections = tmp_path / "root", tmp_path / "c"
    root.mkdir()
    connections.mkdir()
    write_notebook(root / "studio.ipynb", CELL)
    Path(private_env["STUDIO_HOME"]).mkdir(exist_ok=True)
    options = ["--base-url", "/studio/", "--allow-host", "localhost", "--port", "0", "--connections", str(connections)]
    env = private_env | {environment.TOKEN_VARIABLE: TOKEN}
    server = Server(launch.command(str(root), *options), env, root, connections, tmp_path / "dashboards.log", "/studio")
    yield server
    server.stop()


@pytest.fixture
def nginx(dashboards, tmp_path) -> Iterator[str]:
    """The address of the dashboards behind the nginx of the guide, with ports, names and files of this test."""
    if not NGINX:
        pytest.skip("no nginx here (apt-get install nginx)")
    [server] = re.findall(r"```nginx\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    certificate = trustme.CA().issue_cert("localhost")
    certificate.private_key_pem.write_to_path(tmp_path / "studio.key")
    for part in certificate.cert_chain_pems:
        part.write_to_path(tmp_path / "studio.crt", append=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = server.replace("listen 443", f"listen 127.0.0.1:{port}").replace("studio.example.org", "localhost")
    server = server.replace("http://127.0.0.1:8866", dashboards.url)
    server = server.replace("/etc/ssl/", f"{tmp_path}/").replace("/var/log/nginx/", f"{tmp_path}/")
    (tmp_path / "nginx.conf").write_text(FRAME.format(server=server))
    process = subprocess.Popen([NGINX, "-p", str(tmp_path), "-c", "nginx.conf"], stderr=subprocess.PIPE)
    try:
        until(lambda: (tmp_path / "nginx.pid").exists() or process.poll() is not None, what="nginx")
        assert process.poll() is None, process.stderr.read()
        yield f"https://localhost:{port}/studio/"
    finally:
        process.terminate()
        process.wait(10)
        process.stderr.close()


def kernels(server: Server) -> list[str]:
    return [path.stem.removeprefix("kernel-") for path in server.kernels.rglob("kernel-*.json")]


def test_a_visitor_comes_in_looks_and_goes_again(browser, nginx, dashboards, tmp_path) -> None:
    until(lambda: len(kernels(dashboards)) == 1, timeout=60, what="the warm kernel")
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1280, "height": 860})
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto(nginx)
    page.get_by_label("Token").fill("a-guess-at-the-token")
    page.get_by_role("button", name="Open the dashboards").click()
    page.get_by_text("That is not the token.").wait_for()
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Open the dashboards").click()
    page.get_by_role("link", name="Studio").click()
    page.locator(".here").wait_for()

    cookies = context.cookies()
    assert all(cookie["secure"] and cookie["sameSite"] == "Lax" for cookie in cookies)
    assert TOKEN not in "".join(asked) + (tmp_path / "studio.log").read_text()
    assert all(url.startswith((nginx, "data:", "blob:")) for url in asked)

    kernel_id = page.evaluate("JSON.parse(document.querySelector('#jupyter-config-data').textContent).kernelId")
    with dashboards.kernel(kernel_id) as kernel:
        kernel("__import__('os').getpid()")
        kernel("__import__('threading').Timer(0.2, __import__('os')._exit, [1]).start()")
    page.get_by_role("alert").get_by_text("This page has ended.").wait_for()
    page.get_by_role("button", name="Reload").click()
    page.locator(".here").wait_for()

    shown = page.evaluate("JSON.parse(document.querySelector('#jupyter-config-data').textContent).kernelId")
    page.close()
    until(lambda: shown not in kernels(dashboards), timeout=20, what="the end of the kernel of a closed page")
    context.close()
