"""What the dashboard server refuses, tried on a running one."""

import contextlib
import errno
import json
import os
import re
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from jupyter_processes import TOKEN, Server, private_environment, write_notebook
from studio_kernel.dashboards import environment, isolation, launch, messages
from waiting import until

pytestmark = pytest.mark.flaky(reruns=1)  # told as RERUN: docs/decisions/0013
CELLS = (
    "import ipywidgets as w\nmarker = []\ntext = w.Text(value='never shown')",
    "w.HTML('<p>hello visitor</p>')",
)
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f6"
    "45400000000049454e44ae426082"
)
PAGE = "/voila/render/panel.ipynb"
NOBODY = "00000000-0000-0000-0000-000000000000"


def start(directory: Path, *options: str, base: str = "") -> Server:
    root, home = directory / "root", directory / "home"
    for path in (root, home):
        path.mkdir(exist_ok=True)
    connections = Path(tempfile.mkdtemp(prefix="c"))  # short: the paths of Unix sockets are bounded
    write_notebook(root / "panel.ipynb", *CELLS)
    write_notebook(root / ".secret.ipynb", *CELLS)
    (root / "picture.png").write_bytes(PNG)
    (root / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>")
    (root / ".hidden.png").write_bytes(PNG)
    (root / "voila.json").write_text('{"Voila": {"token": ""}, "VoilaConfiguration": {"file_allowlist": [".*"]}}')
    env = private_environment(home) | {environment.TOKEN_VARIABLE: TOKEN, "FAKE_API_KEY": "do-not-leak"}
    argv = launch.command(str(root), "--home", str(home / "studio"), "--port", "0", "--connections", str(connections))
    return Server([*argv, *options], env, root, connections, directory / "server.log", base)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start(tmp_path_factory.mktemp("d"))
    yield running
    running.stop()
    shutil.rmtree(running.kernels)


@pytest.fixture
def visit(server: Server) -> Iterator[str]:
    """The id of the kernel of a fresh visit."""
    kernel_id = server.get(PAGE).kernel_id
    yield kernel_id
    server.end_kernel(kernel_id)


ADDRESSES = (
    "/", PAGE, "/voila/tree", "/voila/files/picture.png", "/voila/api/contents/", "/voila/static/voila.js",
    "/voila/templates/lab/static/theme-light.css", "/voila/labextensions/anywidget/package.json", "/static/favicon.ico",
    f"/voila/query/{NOBODY}", f"/voila/kernel/{NOBODY}", f"/api/kernels/{NOBODY}", "/nothing", "/metrics", "/api/me",
)  # fmt: skip


@pytest.mark.parametrize("path", ADDRESSES)
@pytest.mark.parametrize("token", [None, "wrong"])
def test_without_the_token_nothing_of_ours_is_served(server: Server, path: str, token: str | None) -> None:
    answer = server.get(path, token=token)
    assert answer.status in (302, 403)
    assert "hello visitor" not in answer.text
    if answer.status == 302:
        assert answer.headers["Location"].startswith("/login")


def test_with_the_token_the_dashboard_is_served_without_its_code(server: Server) -> None:
    answer = server.get(PAGE)
    assert answer.status == 200
    assert "never shown" not in answer.text
    server.end_kernel(answer.kernel_id)


def test_pages_allow_nothing_from_other_hosts(server: Server) -> None:
    answer = server.get(PAGE)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "object-src 'none'" in policy
    assert "cdn." not in answer.text
    server.end_kernel(answer.kernel_id)


def test_a_foreign_host_name_is_refused(server: Server) -> None:
    assert server.get("/voila/tree", host="dashboards.example.org").status == 403


@pytest.mark.parametrize("name", ["theme", "template"])
@pytest.mark.parametrize("path", [PAGE, "/voila/tree"])
def test_theme_and_template_cannot_be_chosen_in_the_address(server: Server, path: str, name: str) -> None:
    answer = server.get(f"{path}?{name}=reveal%22zzz")
    assert answer.status == 200
    assert 'reveal"zzz' not in answer.text  # the tree page repeats its own address, escaped
    if path == PAGE:
        assert "zzz" not in answer.text
        assert 'data-jp-theme-name="JupyterLab Light"' in answer.text
        server.end_kernel(answer.kernel_id)


def test_files_are_served_to_visitors_with_the_token_only_and_never_scripts(server: Server) -> None:
    assert server.get("/voila/files/picture.png").body == PNG
    assert server.get("/voila/files/picture.png", token=None).status == 302
    for refused in ("drawing.svg", ".hidden.png", "panel.ipynb", "voila.json"):
        assert server.get(f"/voila/files/{refused}").status == 403, refused


def test_the_kernel_has_the_home_but_no_key_and_no_token(server: Server) -> None:
    kernel_id = server.get(f"{PAGE}?run=42").kernel_id
    with server.kernel(kernel_id) as kernel:
        variables = kernel("dict(__import__('os').environ)")
        parent = Path("/proc", str(kernel("__import__('os').getppid()")), "environ")
    server.end_kernel(kernel_id)
    assert variables["STUDIO_HOME"].endswith("/home/studio")
    assert variables["QUERY_STRING"] == "run=42"
    assert "FAKE_API_KEY" not in variables
    assert TOKEN not in json.dumps(variables)
    if parent.exists():
        assert b"do-not-leak" not in parent.read_bytes()


def test_a_link_with_the_token_leads_to_the_page_without_it(server: Server) -> None:
    answer = server.get(f"{PAGE}?run=42&token={TOKEN}", token=None)
    assert answer.status == 302
    assert answer.headers["Location"] == f"{PAGE}?run=42"


def test_addresses_that_leave_the_directory_lead_nowhere(server: Server) -> None:
    outside = (
        "../home/studio/x",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e/home",
        "/etc/passwd",
        ".secret.ipynb",
        "panel.ipynb%00",
    )
    outside += ("x", "studio/conf.json", "lab/index.html.j2")
    for path in (f"/voila/{kind}/{name}" for kind in ("render", "files", "static", "templates") for name in outside):
        assert server.get(path).status in (302, 400, 403, 404), path


def test_what_voila_offers_and_no_page_needs_is_not_there(server: Server) -> None:
    for path in ("/voila/api/contents/", f"/voila/query/{NOBODY}", f"/voila/api/shutdown/{NOBODY}", "/api/kernels"):
        assert server.get(path).status == 404, path


def test_cookies_stay_on_this_site_and_out_of_scripts(server: Server) -> None:
    cookie = server.get("/").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_link_to_a_place_goes_on_to_the_notebook_with_everything(server: Server) -> None:
    write_notebook(server.root / "studio.ipynb", "1")
    answer = server.get(f"/?page=gallery&run=0192&token={TOKEN}", token=None)
    (server.root / "studio.ipynb").unlink()
    assert answer.headers["Location"] == "/voila/render/studio.ipynb?page=gallery&run=0192"


def test_what_notebooks_say_of_themselves_is_text_on_the_front_page(server: Server) -> None:
    text = "# <script>alert(1)</script>\n\n<img src=x onerror=alert(2)> it is"
    cell = {"cell_type": "markdown", "source": text}
    path = server.root / "a&b'\"<i>.ipynb"
    path.write_text(json.dumps({"cells": [cell], "metadata": {}}))
    page = server.get("/").text
    path.unlink()
    assert "&lt;script&gt;alert(1)" in page
    assert "&lt;img src=x" in page
    assert "<i>" not in page
    assert not re.search("<script|<img", page)


def test_a_kernel_reaches_no_network_and_no_process_of_the_server(server: Server, visit: str) -> None:
    port = server.url.rsplit(":", 1)[1]
    with server.kernel(visit) as kernel:
        if not isolation.hindrance():
            assert kernel(f"__import__('socket').socket().connect_ex(('127.0.0.1', {port}))") == errno.ENETUNREACH
            parent = kernel("__import__('os').getppid()")
            assert kernel(f"__import__('subprocess').call(['cat', '/proc/{parent}/environ'])") != 0
        assert kernel("__import__('os').nice(0)") >= 5
        assert kernel("list(__import__('resource').getrlimit(__import__('resource').RLIMIT_CORE))") == [0, 0]
        assert not kernel("'torch' in __import__('sys').modules")


def test_tokens_do_not_reach_the_log(server: Server) -> None:
    server.get(f"/voila/render/missing.ipynb?token={TOKEN}", token=None)
    logged = until(lambda: [line for line in server.log.read_text().splitlines() if "missing.ipynb" in line])
    assert TOKEN not in "\n".join(logged)


# --- what a page may say to its kernel ---


def message(kind: str, content: dict[str, Any], channel: str = "shell") -> str:
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": kind,
        "username": "",
        "session": "s",
        "version": "5.3",
        "date": "",
    }
    parts = {"header": header, "parent_header": {}, "metadata": {"version": "1.0.0"}, "content": content, "buffers": []}
    return json.dumps(parts | {"channel": channel})


def say(server: Server, kernel_id: str, *messages: str) -> list[dict[str, Any]]:
    """Send `messages` and a last harmless one; return what the kernel said until it had answered that."""
    url = f"ws{server.url[4:]}/api/kernels/{kernel_id}/channels?session_id=s"
    last = message("kernel_info_request", {})
    heard, waited_for = [], {"kernel_info_reply", "idle"}
    with connect(url, additional_headers={"Authorization": f"token {TOKEN}"}) as socket:
        for text in (*messages, last):
            socket.send(text)
        while waited_for:
            said = json.loads(socket.recv(30))
            heard.append(said)
            # by its id: the server asks the kernel the same question when a websocket opens
            if said["parent_header"].get("msg_id") == json.loads(last)["header"]["msg_id"]:
                waited_for -= {said["header"]["msg_type"], said["content"].get("execution_state")}
    return heard


@pytest.mark.parametrize("channel", ["shell", "control"])
def test_a_page_cannot_run_code(server: Server, visit: str, channel: str) -> None:
    request = {"code": "marker.append(1)", "silent": False, "user_expressions": {}, "allow_stdin": False}
    say(server, visit, message("execute_request", request, channel))
    with server.kernel(visit) as kernel:
        assert kernel("marker") == []


def test_a_page_cannot_open_widgets_of_its_own(server: Server, visit: str) -> None:
    state = {"_model_name": "TextModel", "_model_module": "@jupyter-widgets/controls", "value": "smuggled"}
    content = {"comm_id": uuid.uuid4().hex, "target_name": "jupyter.widget", "data": {"state": state}}
    say(server, visit, message("comm_open", content))
    with server.kernel(visit) as kernel:
        assert content["comm_id"] not in kernel("list(__import__('comm').get_comm_manager().comms)")


def test_a_page_can_ask_for_the_state_of_its_widgets(server: Server, visit: str) -> None:
    comm_id = uuid.uuid4().hex
    opened = message("comm_open", {"comm_id": comm_id, "target_name": "jupyter.widget.control", "data": {}})
    asked = message("comm_msg", {"comm_id": comm_id, "data": {"method": "request_states"}})
    heard = say(server, visit, opened, asked)
    assert any(said["content"].get("data", {}).get("method") == "update_states" for said in heard)


def test_complaints_of_a_kernel_do_not_reach_its_page(server: Server, visit: str) -> None:
    told = {"comm_id": "nobody", "data": {"method": "custom", "content": {}}}
    heard = say(server, visit, message("comm_msg", told))  # the kernel prints that there is no such comm
    assert "nobody" not in json.dumps([said for said in heard if said["header"]["msg_type"] == "stream"])


def test_bytes_reach_a_browser_of_either_wire_form_and_the_server_goes_on(server: Server, visit: str) -> None:
    url = f"ws{server.url[4:]}/api/kernels/{visit}/channels?session_id=s"
    for spoken in (None, ["v1.kernel.websocket.jupyter.org"]):
        with connect(url, additional_headers={"Authorization": f"token {TOKEN}"}, subprotocols=spoken) as socket:
            socket.recv(30)  # connected to the kernel as well
            with server.kernel(visit) as kernel:
                kernel("text.send({}, buffers=[b'some bytes'])")
            until(lambda s=socket: b"some bytes" in (said if isinstance(said := s.recv(30), bytes) else b""))
    assert server.get("/").status == 200


def test_a_page_cannot_end_its_kernel(server: Server, visit: str) -> None:
    for channel in ("shell", "control"):
        say(server, visit, message("shutdown_request", {"restart": False}, channel))
    with server.kernel(visit) as kernel:
        assert kernel("1 + 1") == 2


def test_unreadable_messages_are_dropped(server: Server, visit: str) -> None:
    assert say(server, visit, "[1, 2]", "no json", '{"channel": "shell", "header": 1, "content": []}')


def test_a_huge_message_ends_its_own_websocket_only(server: Server, visit: str) -> None:
    url = f"ws{server.url[4:]}/api/kernels/{visit}/channels?session_id=s"
    with connect(url, additional_headers={"Authorization": f"token {TOKEN}"}) as socket:
        with contextlib.suppress(ConnectionClosed):  # it may be closed while it is sent
            socket.send("x" * (messages.MAX_MESSAGE_BYTES + 1))
        with pytest.raises(ConnectionClosed):
            list(iter(lambda: socket.recv(30), None))
    assert say(server, visit)


def is_closed(socket: Any) -> bool:
    try:
        socket.recv(0)
    except TimeoutError:
        return False
    except ConnectionClosed:
        return True
    return False


def test_a_flood_of_messages_does_not_reach_the_kernel_and_ends_its_websocket(server: Server, visit: str) -> None:
    asked = [message("comm_info_request", {}) for _ in range(3000)]
    url = f"ws{server.url[4:]}/api/kernels/{visit}/channels?session_id=s"
    with connect(url, additional_headers={"Authorization": f"token {TOKEN}"}, max_queue=None) as socket:
        with contextlib.suppress(ConnectionClosed):
            for text in asked:
                socket.send(text)
        until(lambda: socket.close_code or is_closed(socket), what="the end of its websocket")
    assert socket.close_code == 1008
    with server.kernel(visit) as kernel:
        assert kernel("1 + 1") == 2
    assert "too many messages" in server.log.read_text()
    assert server.log.read_text().count("too many messages") == 1
    assert len(re.findall(r"WARNING \| *$", server.log.read_text(), re.MULTILINE)) == 0, (
        "who floods shall not fill the log"
    )


def test_without_the_token_no_websocket_opens(server: Server, visit: str) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(f"ws{server.url[4:]}/api/kernels/{visit}/channels"):
        pass
    assert refused.value.response.status_code == 403


# --- how many, how long, how large, below which path ---

BASE = "/under/a-path"
SMALL = ("--base-url", BASE, "--allow-host", "studio.example.org", "--max-viewers", "2", "--memory", "200")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server below a path, with two places and one warm kernel."""
    directory = tmp_path_factory.mktemp("s")
    (directory / "root").mkdir()
    write_notebook(directory / "root" / "studio.ipynb", *CELLS)
    running = start(directory, *SMALL, "--cull-idle", "4", base=BASE)
    yield running
    running.stop()
    shutil.rmtree(running.kernels)


def waiting(server: Server) -> list[str]:
    return [path.stem.removeprefix("kernel-") for path in server.kernels.rglob("kernel-*.json")]


def state(server: Server, kernel_id: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(server.get(f"{BASE}/voila/kernel/{kernel_id}").text)
    return told


def test_everything_is_below_the_path(small: Server) -> None:
    assert small.get(f"{BASE}/").status == 200
    assert small.get(BASE + PAGE.replace("panel", "nothing")).status == 404
    for path in ("/", PAGE, "/login", "/voila/static/voila.js"):
        assert small.get(path).status == 404, path
    assert small.get(f"{BASE}/", token=None).headers["Location"].startswith(f"{BASE}/login")


def test_behind_a_proxy_with_tls_cookies_never_leave_it(small: Server) -> None:
    told = {"X-Forwarded-Proto": "https"}
    answer = small.get(f"{BASE}/", host="studio.example.org", headers=told)
    assert answer.status == 200
    assert "Secure" in answer.headers["Set-Cookie"]
    assert small.get(f"{BASE}/", host="other.example.org").status == 403


def test_a_visitor_gets_a_warm_kernel_and_another_is_made(small: Server) -> None:
    [warm] = until(lambda: waiting(small), timeout=60)
    with small.kernel(warm) as kernel:  # it has run the notebook; who asks often keeps it from hearing its silence
        until(lambda: kernel("'text' in globals()"), timeout=120, every=1.0)
    assert small.get(f"{BASE}/voila/render/studio.ipynb").kernel_id == warm
    until(lambda: set(waiting(small)) - {warm}, timeout=60, what="the next warm kernel")
    small.end_kernel(warm)


def test_a_kernel_that_takes_too_much_memory_ends_and_its_page_is_told(small: Server) -> None:
    kernel_id = until(lambda: small.get(BASE + PAGE)).kernel_id
    with small.kernel(kernel_id) as kernel:
        with contextlib.suppress(TimeoutError):  # it may end before it can answer
            kernel("globals().__setitem__('much', b'x' * 260 * 2**20)")
        until(lambda: not state(small, kernel_id)["alive"], timeout=20)
    assert state(small, kernel_id)["reason"] == "memory"


def test_places_are_limited_and_those_of_closed_pages_are_free_again(small: Server) -> None:
    until(lambda: [small.get(BASE + PAGE).status for _ in range(3)][-1] == 503, timeout=60)
    refused = small.get(BASE + PAGE)
    if refused.status == 503:  # on a busy machine a place may have become free meanwhile
        assert "No place is free" in refused.text
        assert refused.headers["Retry-After"]
    until(lambda: small.get(BASE + PAGE).status == 200, every=0.5, what="a place that has become free")


# --- starting ---


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    env.setdefault("PYTHONPATH", str(Path(__file__).parents[2]))
    return subprocess.run(launch.command(*arguments), env=env | variables, capture_output=True, text=True, timeout=60)


def test_a_short_token_is_refused(tmp_path: Path) -> None:
    ended = run(str(tmp_path), **{environment.TOKEN_VARIABLE: "short"})
    assert ended.returncode == 2
    assert "at least 16" in ended.stderr


def test_a_missing_directory_is_refused(tmp_path: Path) -> None:
    ended = run(str(tmp_path / "nowhere"))
    assert ended.returncode == 2
    assert "there is no directory" in ended.stderr


def test_a_taken_port_is_said_in_words(server: Server, tmp_path: Path) -> None:
    ended = run(str(tmp_path), "--home", str(tmp_path), "--port", server.url.rsplit(":", 1)[1])
    assert ended.returncode == 2
    assert "cannot serve on 127.0.0.1" in ended.stderr
