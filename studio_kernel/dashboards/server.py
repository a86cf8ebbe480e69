"""The dashboard server: Voila with everything off that visitors do not need.

Its options are `Options` and no others: it reads no configuration files (one in the working directory would do) and
takes no traitlets from the command line, so none of its defences can be switched off by accident.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
import socket
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from jupyter_server import DEFAULT_STATIC_FILES_PATH
from jupyter_server.log import log_request
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets
from traitlets.config import Config
from voila.app import Voila
from voila.static_file_handler import AllowListFileHandler

from studio_kernel.dashboards.files import ALLOWED, GuardedFiles
from studio_kernel.dashboards.kernels import CULL_IDLE_S, CULL_INTERVAL_S, VisitorKernels
from studio_kernel.dashboards.messages import ALLOWED_TYPES, MAX_MESSAGE_BYTES, GuardedConnection

Theme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Options:
    """How to serve.

    Attributes
    ----------
    directory : pathlib.Path
        The notebooks to serve; everything below it can be looked at by whoever has the token.
    ip : str
        Address to listen on. Beyond loopback put a proxy with TLS in front: the token travels in the address.
    port : int
        0 = any free one.
    token : str
        What visitors must know; random when empty.
    max_visitors : int
        Kernels at the same time.
    cull_idle_s : int
        Seconds after which a kernel without a connected page ends.
    connections : str
        Where connection files of kernels are written; a private temporary directory when empty.
    """

    directory: Path
    ip: str = "127.0.0.1"
    port: int = 8866
    token: str = field(default="", repr=False)
    theme: Theme = "light"
    max_visitors: int = 8
    cull_idle_s: int = CULL_IDLE_S
    cull_interval_s: int = CULL_INTERVAL_S
    connections: str = ""

    def __post_init__(self) -> None:
        """Choose a token where none was given."""
        object.__setattr__(self, "token", self.token or secrets.token_urlsafe(24))


def configuration(options: Options) -> Config:
    """Return Voila's configuration for `options`."""
    voila: dict[str, Any] = {
        "ip": options.ip,
        "port": options.port,
        "token": options.token,
        "open_browser": False,
        "root_dir": str(options.directory.absolute()),
        "log_level": "WARN",
        "kernel_websocket_connection_class": GuardedConnection,
    }
    if options.connections:
        voila["connection_dir_root"] = options.connections
    return Config(
        {
            "Voila": voila,
            "VoilaConfiguration": {
                "allow_template_override": "NO",
                "allow_theme_override": "NO",
                "template": "studio",
                "theme": options.theme,
                "strip_sources": True,
                "show_tracebacks": False,
                "file_allowlist": ALLOWED,
                "multi_kernel_manager_class": VisitorKernels,
            },
            "VisitorKernels": {
                "max_kernels": options.max_visitors,
                "cull_idle_timeout": options.cull_idle_s,
                "cull_interval": options.cull_interval_s,
                "cull_connected": False,
            },
            "KernelManager": {"transport": _transport(options.connections or tempfile.gettempdir())},
        }
    )


def _transport(connections: str) -> str:
    """Return how the server talks to its kernels: over Unix sockets in a directory of its own where that is possible.

    Then nobody else on the machine can connect to a kernel. The path of such a socket must fit into 104 bytes (macOS;
    108 on Linux), and ``/voila_…/kernel-<id>-ipc-<n>`` takes 66 of them.
    """
    return "ipc" if os.name == "posix" and len(os.fsencode(connections)) <= 104 - 66 else "tcp"


def content_security_policy(port: int) -> str:
    """Return the policy of every page: everything from this server, nothing from elsewhere.

    Notes
    -----
    Widgets bring their scripts as blobs and the page its own inline, so ``unsafe-inline`` and ``unsafe-eval`` have to
    stay; what the policy does stop is loading from, and sending to, other hosts.
    """
    sockets = " ".join(f"ws://{host}:{port}" for host in ("127.0.0.1", "localhost"))
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "media-src 'self' data: blob:",
            "font-src 'self' data:",
            f"connect-src 'self' {sockets}",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        )
    )


class StudioVoila(Voila):  # type: ignore[misc]  # untyped base
    """Voila, hardened; make it with `serve`."""

    name = "voila"  # settings and templates look it up by this name
    sockets: list[socket.socket]
    port: int

    def load_config_file(self, *_arguments: Any, **_options: Any) -> None:
        """Read no configuration files."""

    def start(self) -> None:
        """Bind the port, then serve until stopped."""
        self.sockets = bind_sockets(self.port, self.ip)
        self.port = self.sockets[0].getsockname()[1]
        super().start()

    def init_settings(self) -> dict[str, Any]:
        """Return the settings of the web application."""
        settings: dict[str, Any] = super().init_settings()
        self.kernel_manager.allowed_message_types = list(ALLOWED_TYPES)
        headers = {"Content-Security-Policy": content_security_policy(self.port), "Referrer-Policy": "same-origin"}
        return settings | {
            "allow_remote_access": False,
            "kernel_websocket_connection_class": GuardedConnection,
            "websocket_max_message_size": MAX_MESSAGE_BYTES,
            "log_function": _log_request,
            "static_path": DEFAULT_STATIC_FILES_PATH,  # Voila leaves it out; error pages need it
            "headers": headers,
        }

    def init_handlers(self) -> list[tuple[Any, ...]]:
        """Return the routes, with files behind the token."""
        return [_guarded(route) for route in super().init_handlers()]

    def listen(self) -> None:
        """Serve on the sockets that `start` bound, and say where."""
        HTTPServer(self.app).add_sockets(self.sockets)
        self.ioloop = IOLoop.current()
        print(f"Dashboards: {self.connection_url}?token={self.token}", flush=True)  # noqa: T201 - the one place
        try:
            self.ioloop.start()
        finally:
            self.stop()


def _guarded(route: Iterable[Any]) -> tuple[Any, ...]:
    pattern, handler, *rest = route
    return (pattern, GuardedFiles if handler is AllowListFileHandler else handler, *rest)


def _log_request(handler: Any) -> None:
    """Log a request with tokens taken out of its address."""
    log_request(handler, record_prometheus_metrics=False)


def _without_token(record: logging.LogRecord) -> bool:
    """Take tokens out of a log record; tornado writes whole addresses into its messages."""
    record.msg, record.args = re.sub(r"token=[^&\s]+", "token=…", record.getMessage()), ()
    return True


def serve(options: Options) -> None:
    """Serve until interrupted.

    Raises
    ------
    OSError
        When the port is taken.
    """
    server = StudioVoila(config=configuration(options))
    server.initialize([])
    for log in (server.log, *map(logging.getLogger, ("tornado.general", "tornado.access", "tornado.application"))):
        log.addFilter(_without_token)
    with contextlib.suppress(KeyboardInterrupt):
        server.start()
