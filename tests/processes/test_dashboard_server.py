"""What the dashboard server refuses, tried on a running one."""

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from jupyter_processes import TOKEN, Server, private_environment, write_notebook
from studio_kernel.dashboards import environment, launch
from waiting import until

CELLS = (
    "import ipywidgets as w\nmarker = []\ntext = w.Text(value='never shown')",
    "w.HTML('<p>hello visitor</p>')",
)
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f6"
    "45400000000049454e44ae426082"
)
PAGE = "/voila/render/panel.ipynb"


def start(directory: Path, *options: str) -> Server:
    root, home, connections = directory / "root", directory / "home", directory / "c"
    for path in (root, home, connections):
        path.mkdir()
    write_notebook(root / "panel.ipynb", *CELLS)
    (root / "picture.png").write_bytes(PNG)
    (root / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>")
    (root / ".hidden.png").write_bytes(PNG)
    (root / "voila.json").write_text('{"Voila": {"token": ""}, "VoilaConfiguration": {"file_allowlist": [".*"]}}')
    env = private_environment(home) | {environment.TOKEN_VARIABLE: TOKEN, "FAKE_API_KEY": "do-not-leak"}
    argv = launch.command(str(root), "--home", str(home / "studio"), "--port", "0", "--connections", str(connections))
    return Server([*argv, *options], env, root, connections, directory / "server.log")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start(tmp_path_factory.mktemp("d"))
    yield running
    running.stop()


@pytest.fixture
def visit(server: Server) -> Iterator[str]:
    """The id of the kernel of a fresh visit."""
    kernel_id = server.get(PAGE).kernel_id
    yield kernel_id
    server.end_kernel(kernel_id)


@pytest.mark.parametrize("path", ["/", PAGE, "/voila/tree", "/voila/files/picture.png", "/voila/api/contents/"])
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
    kernel_id = server.get(f"{PAGE}?run=42&token={TOKEN}", token=None).kernel_id
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


def test_a_page_cannot_end_its_kernel(server: Server, visit: str) -> None:
    for channel in ("shell", "control"):
        say(server, visit, message("shutdown_request", {"restart": False}, channel))
    with server.kernel(visit) as kernel:
        assert kernel("1 + 1") == 2


def test_unreadable_messages_are_dropped(server: Server, visit: str) -> None:
    assert say(server, visit, "[1, 2]", "no json", '{"channel": "shell", "header": 1, "content": []}')


def test_without_the_token_no_websocket_opens(server: Server, visit: str) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(f"ws{server.url[4:]}/api/kernels/{visit}/channels"):
        pass
    assert refused.value.response.status_code == 403


# --- how many, how long ---


def test_visits_are_limited_and_kernels_without_a_page_end(tmp_path: Path) -> None:
    server = start(tmp_path, "--max-visitors", "1", "--cull-idle", "2")
    try:
        assert server.get(PAGE).status == 200
        assert server.get(PAGE).status == 503
        until(lambda: server.get(PAGE).status == 200, every=0.5, what="a place that has become free")
    finally:
        server.stop()


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
