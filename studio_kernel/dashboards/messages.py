"""What a browser may send to a visitor's kernel.

Voila already drops every message that would run code. On top of that: a page may not open comms of its own (new
widgets, other targets), only the one by which it asks for the state of the widgets there are, and what it says is
bounded in size and rate. How the notebook's widgets answer is their own duty: a visitor has full rights over every
widget of his kernel, shown or not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from jupyter_server.services.kernels.connection.base import deserialize_binary_message, deserialize_msg_from_ws_v1
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from studio_kernel.dashboards.rates import Allowance

ALLOWED_TYPES = ("comm_open", "comm_close", "comm_msg", "comm_info_request", "kernel_info_request")
"""Message types that reach a kernel; ``shutdown_request``, which Voila allows, is left out."""

ALLOWED_COMM_TARGETS = frozenset({"jupyter.widget.control"})
"""Targets a page may open a comm to: the one that asks for the state of all widgets."""

_DELIMITER = b"<IDS|MSG>"

MAX_MESSAGE_BYTES = 2 * 2**20
"""A larger message closes the websocket. A viewer's page sends wishes, the largest a few kB."""


MOST_DROPPED = 1000
"""Who goes on sending after so many messages were dropped loses the websocket: reading them takes time from others."""


class GuardedConnection(ZMQChannelsWebsocketConnection):  # type: ignore[misc]  # untyped base
    """A websocket between page and kernel that drops what no page of ours sends."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._allowance = Allowance()
        self._complained: set[str] = set()
        self._dropped = 0

    def handle_incoming_message(self, incoming_msg: str | bytes) -> None:
        """Pass a message of the browser on to the kernel, or drop it."""
        if not self._allowance.covers(len(incoming_msg)):
            self._complain("too many messages from the browser; some were dropped")
            self._dropped += 1
            if self._dropped > MOST_DROPPED:
                self.websocket_handler.close(1008, "too many messages")
            return
        try:
            header, content = self._opened(incoming_msg)
            allowed = may_pass(header, content)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            self._complain("an unreadable message from the browser was dropped")
            return
        if allowed:
            super().handle_incoming_message(incoming_msg)
        else:
            self._complain(f"a {str(header.get('msg_type'))[:40]!r} message from the browser was dropped")

    def _complain(self, what: str) -> None:
        """Say it in the log, once for each kind: who floods the server shall not flood its disk."""
        if what not in self._complained and len(self._complained) < 20:
            self._complained.add(what)
            self.log.warning("%s", what)

    def handle_outgoing_message(self, stream: Any, outgoing_msg: list[Any]) -> None:
        """Pass a message of the kernel on to the browser, or keep it back."""
        channel = getattr(stream, "channel", stream)  # buffered messages come with a name
        if channel != "iopub" or not is_kept_back(outgoing_msg):
            super().handle_outgoing_message(stream, outgoing_msg)

    def _opened(self, message: str | bytes) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return header and content of a message in any of the three wire forms."""
        if self.subprotocol == "v1.kernel.websocket.jupyter.org":
            _channel, parts = deserialize_msg_from_ws_v1(message)
            return json.loads(parts[0]), json.loads(parts[3])
        opened = deserialize_binary_message(message) if isinstance(message, bytes) else json.loads(message)
        return opened["header"], opened["content"]


class KernelSocket(VoilaKernelWebsocketHandler):  # type: ignore[misc]  # untyped base
    """The websocket of a page, which writes what it is given.

    Voila 0.5.13 looks for code in what it writes and takes every binary message for one of the newer wire form. With a
    browser that chose the older form the first message with buffers then keeps the whole server busy for ever, while
    it fills the memory. Code is kept back by `is_kept_back` instead.
    """

    def write_message(self, message: bytes | str | dict[str, Any], binary: bool = False) -> Any:
        """Send a message to the browser; to one that has gone there is nothing to say, and nothing to log."""
        if self.ws_connection is None or self.ws_connection.is_closing():
            return None
        return super(VoilaKernelWebsocketHandler, self).write_message(message, binary)


def is_kept_back(parts: Sequence[Any]) -> bool:
    """Whether a message of a kernel, in the parts in which it came, is not for its page.

    That is the code that it runs, and text on its standard error: both tell how the server is made.
    """
    plain = [bytes(part) for part in parts[:16]]
    header, content = (plain[plain.index(_DELIMITER) + place] for place in (2, 5))
    kind = json.loads(header)["msg_type"]
    return bool(kind == "execute_input" or (kind == "stream" and json.loads(content).get("name") == "stderr"))


def may_pass(header: dict[str, Any], content: dict[str, Any]) -> bool:
    """Return whether a message with this header and content may reach a kernel."""
    kind = header.get("msg_type")
    if kind == "comm_open":
        return content.get("target_name") in ALLOWED_COMM_TARGETS
    return kind in ALLOWED_TYPES
