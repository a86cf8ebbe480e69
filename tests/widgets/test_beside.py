"""Which shell of a real kernel hears what a page sends: not one that is gone, and one for all controls of a panel."""

import pytest

from waiting import until

MADE = """
import threading
from comm import create_comm
from studio_widgets import beside
heard, published, asked = [], threading.Event(), threading.Event()
comm = create_comm(target_name="a widget")
comm.on_msg(lambda message: heard.append(message["content"]["data"]["word"]))
def publish():
    asked.wait()
    comm.send({"number": 1})
    published.set()
beside.start(publish, "publishing")
"""


def run(client, code, subshell=None):
    """Run code in the kernel and return what it prints, as repr."""
    message = client.session.msg("execute_request", {"code": "", "silent": True, "user_expressions": {"it": code}})
    message["header"]["subshell_id"] = subshell
    client.shell_channel.send(message)
    reply = client.get_shell_msg(timeout=60)
    while reply["parent_header"].get("msg_id") != message["header"]["msg_id"]:
        reply = client.get_shell_msg(timeout=60)
    return reply["content"]["user_expressions"]["it"]["data"]["text/plain"]


def control(client, kind, **content):
    message = client.session.msg(kind, content)
    client.control_channel.send(message)
    return client.get_control_msg(timeout=60)["content"]


def test_a_widget_hears_its_page_after_a_thread_published_while_another_subshell_was_at_work(kernel):
    run(kernel, f"exec({MADE!r}, globals())")
    comm = run(kernel, "comm.comm_id").strip("'")
    subshell = control(kernel, "create_subshell_request")["subshell_id"]
    run(kernel, "asked.set() or published.wait(60)", subshell)  # the newest request is that of the subshell
    assert control(kernel, "delete_subshell_request", subshell_id=subshell)["status"] == "ok"
    kernel.shell_channel.send(kernel.session.msg("comm_msg", {"comm_id": comm, "data": {"word": "click"}}))
    until(lambda: run(kernel, "heard") == "['click']", what="the click")


PANEL = """
import threading
import ipywidgets
from studio_widgets.frame.panel import PanelBox
free, text, late = threading.Event(), ipywidgets.Text(), ipywidgets.Text()
inner = ipywidgets.VBox([text])
panel = PanelBox("Controls", inner)
inner.children = (text, late)
"""


@pytest.mark.parametrize("name", ["text", "late"])
def test_a_control_is_heard_in_the_main_shell_though_its_page_prefers_a_subshell(kernel, name):
    run(kernel, f"exec({PANEL!r}, globals())")
    comm = run(kernel, f"{name}.comm.comm_id").strip("'")
    subshell = control(kernel, "create_subshell_request")["subshell_id"]

    def change(value):
        data = {"method": "update", "state": {"value": value}, "buffer_paths": []}
        message = kernel.session.msg("comm_msg", {"comm_id": comm, "data": data})
        message["header"]["subshell_id"] = subshell
        kernel.shell_channel.send(message)

    change("first")  # and its echo was published for a request of the subshell
    until(lambda: run(kernel, f"{name}.value") == "'first'", what="the first change")
    busy = kernel.session.msg("execute_request", {"code": "free.wait(60)"})
    busy["header"]["subshell_id"] = subshell
    kernel.shell_channel.send(busy)
    change("second")
    until(lambda: run(kernel, f"{name}.value") == "'second'", what="the second change")
    run(kernel, "free.set()")
