"""What a browser may send to a visitor's kernel.

Voila already drops every message that would run code. On top of that: a page may not open comms of its own (new
widgets, other targets), only the one by which it asks for the state of the widgets there are. How the notebook's
widgets answer is their own duty: a visitor has full rights over every widget of his kernel, shown or not.
"""

from __future__ import annotations

import json
from typing import Any

from jupyter_server.services.kernels.connection.base import deserialize_binary_message, deserialize_msg_from_ws_v1
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

ALLOWED_TYPES = ("comm_open", "comm_close", "comm_msg", "comm_info_request", "kernel_info_request")
"""Message types that reach a kernel; ``shutdown_request``, which Voila allows, is left out."""

ALLOWED_COMM_TARGETS = frozenset({"jupyter.widget.control"})
"""Targets a page may open a comm to: the one that asks for the state of all widgets."""

MAX_MESSAGE_BYTES = 8 * 2**20


class GuardedConnection(ZMQChannelsWebsocketConnection):  # type: ignore[misc]  # untyped base
    """A websocket between page and kernel that drops what no page of ours sends."""

    def handle_incoming_message(self, incoming_msg: str | bytes) -> None:
        """Pass a message of the browser on to the kernel, or drop it."""
        try:
            header, content = self._opened(incoming_msg)
            allowed = may_pass(header, content)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            self.log.warning("an unreadable message from the browser was dropped")
            return
        if allowed:
            super().handle_incoming_message(incoming_msg)
        else:
            self.log.warning("a %r message from the browser was dropped", str(header.get("msg_type"))[:40])

    def _opened(self, message: str | bytes) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return header and content of a message in any of the three wire forms."""
        if self.subprotocol == "v1.kernel.websocket.jupyter.org":
            _channel, parts = deserialize_msg_from_ws_v1(message)
            return json.loads(parts[0]), json.loads(parts[3])
        opened = deserialize_binary_message(message) if isinstance(message, bytes) else json.loads(message)
        return opened["header"], opened["content"]


def may_pass(header: dict[str, Any], content: dict[str, Any]) -> bool:
    """Return whether a message with this header and content may reach a kernel."""
    kind = header.get("msg_type")
    if kind == "comm_open":
        return content.get("target_name") in ALLOWED_COMM_TARGETS
    return kind in ALLOWED_TYPES
