"""The dashboard server: Voila with everything off that visitors do not need.

Its options are `Options` and no others: it reads no configuration files (one in the working directory would do) and
takes no traitlets from the command line, so none of its defences can be switched off by accident.
"""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jinja2
from jupyter_server.auth.login import LoginFormHandler
from jupyter_server.log import log_request
from jupyter_server.utils import url_path_join
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets
from traitlets import List, Unicode
from traitlets.config import Config
from voila.app import Voila
from voila.request_info_handler import RequestInfoSocketHandler
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.static_file_handler import AllowListFileHandler, TemplateStaticFileHandler
from voila.tornado.contentshandler import VoilaContentsHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler
from voila.tornado.treehandler import TornadoVoilaTreeHandler

from studio_kernel.dashboards.access import TokenIdentity, guarded
from studio_kernel.dashboards.files import ALLOWED, GuardedFiles
from studio_kernel.dashboards.isolation import hindrance, short_directory, transport
from studio_kernel.dashboards.kernels import LOOK_S, ViewerKernelSpecs, VisitorKernels
from studio_kernel.dashboards.messages import ALLOWED_TYPES, MAX_MESSAGE_BYTES, GuardedConnection, KernelSocket
from studio_kernel.dashboards.options import START_PAGE, Options
from studio_kernel.dashboards.pages import DashboardPage, FrontPage, KernelState, LoginPage, NotFound

MAX_BODY_BYTES = 2**20
"""Of a request; visitors send a token or a few words, everything else goes over the websocket."""
OUTPUT_S = 120
"""For what a cell shows to arrive after its end; what comes later, after 4 s by default, is missing on the page."""

PAGES = Path(__file__).parent / "share" / "voila" / "templates" / "studio"
KERNEL_ID = r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"


def configuration(options: Options) -> Config:
    """Return Voila's configuration for `options`."""
    directory = options.connections or short_directory(tempfile.gettempdir())
    sockets = transport(directory)
    alone = sockets == "ipc" and not hindrance()
    return Config(
        {
            "Voila": {
                "ip": options.host,
                "port": options.port,
                "base_url": options.base_url,
                "token": options.token,
                "open_browser": False,
                "root_dir": str(options.directory.absolute()),
                "log_level": "WARN",
                "connection_dir_root": directory,
                "identity_provider_class": TokenIdentity,
                "kernel_websocket_connection_class": GuardedConnection,
            },
            "VoilaConfiguration": {
                "allow_template_override": "NO",
                "allow_theme_override": "NO",
                "template": "studio",
                "theme": options.theme,
                "strip_sources": True,
                "show_tracebacks": False,
                "file_allowlist": ALLOWED,
                "kernel_spec_manager_class": ViewerKernelSpecs,
                "multi_kernel_manager_class": VisitorKernels,
                "preheat_kernel": options.pool > 0,
                "default_pool_size": 0,
            },
            "ViewerKernelSpecs": {"alone": alone, "memory_mib": options.memory_mib},
            "VoilaKernelManager": {
                "kernel_pools_config": {"default": {"pool_size": 0}, START_PAGE: {"pool_size": options.pool}}
            },
            "VisitorKernels": {
                "max_viewers": options.max_viewers,
                "per_address": options.per_address,
                "pool": options.pool,
                "memory_mib": options.memory_mib,
                "cull_idle_timeout": options.cull_idle_s,
                "cull_interval": LOOK_S,
                "allow_tracebacks": False,
            },
            "VoilaExecutor": {"iopub_timeout": OUTPUT_S},
            "KernelManager": {"transport": sockets},
            "KernelRestarter": {"restart_limit": 0},  # a new kernel would know nothing of the page of the old one
        }
    )


def content_security_policy(port: int, names: Iterable[str] = ()) -> str:
    """Return the policy of every page: everything from this server, nothing from elsewhere.

    Notes
    -----
    Widgets bring their scripts as blobs and the page its own inline, so ``unsafe-inline`` and ``unsafe-eval`` have to
    stay; what the policy does stop is loading from, and sending to, other hosts. Not every browser takes ``'self'``
    for websockets, so their addresses are named.
    """
    sockets = [f"ws://{host}:{port}" for host in ("127.0.0.1", "localhost")]
    sockets += [f"{scheme}://{name}{at}" for name in names for scheme in ("ws", "wss") for at in ("", ":*")]
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "media-src 'self' data: blob:",
            "font-src 'self' data:",
            " ".join(("connect-src 'self'", *sockets)),
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
    allow_hosts = List(Unicode())

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
        self.kernel_manager.ipython_dir = str(Path(self.connection_dir) / "ipython")
        pages = jinja2.FileSystemLoader([PAGES])
        settings["jinja2_env"].loader = jinja2.ChoiceLoader([pages, settings["jinja2_env"].loader])
        return settings | {
            "allow_remote_access": False,
            "local_hostnames": ["localhost", *(name.lower() for name in self.allow_hosts)],
            "kernel_websocket_connection_class": GuardedConnection,
            "websocket_max_message_size": MAX_MESSAGE_BYTES,
            "log_function": _log_request,
            "login_url": url_path_join(self.base_url, "login"),
            "default_handler_class": NotFound,
            "headers": {
                "Content-Security-Policy": content_security_policy(self.port, self.allow_hosts),
                "Referrer-Policy": "same-origin",
                "X-Content-Type-Options": "nosniff",
            },
        }

    def init_handlers(self) -> list[tuple[Any, ...]]:
        """Return the routes: ours, and those of Voila that a dashboard needs, behind the token."""
        base = re.escape(self.base_url)
        ours: list[tuple[Any, ...]] = [
            (f"{base}login/?", LoginPage),
            (f"{base}(?:voila/tree/?)?", FrontPage, {"directory": Path(self.root_dir)}),
            (f"{base}voila/kernel/{KERNEL_ID}", KernelState),
        ]
        theirs = [route for route in super().init_handlers() if not _is_dropped(route[1])]
        return [*ours, *map(_guarded, theirs)]

    def listen(self) -> None:
        """Serve on the sockets that `start` bound, and say where."""
        server = HTTPServer(self.app, xheaders=bool(self.allow_hosts), max_body_size=MAX_BODY_BYTES)
        server.add_sockets(self.sockets)
        self.ioloop = IOLoop.current()
        self._announce()
        try:
            self.ioloop.start()
        finally:
            self.stop()

    def _announce(self) -> None:
        """Say on the terminal where the server is and what it lacks."""
        print(f"Dashboards: {self.connection_url}?token={self.token}", flush=True)  # noqa: T201 - the one place
        kernels = self.kernel_manager
        warm = f", {kernels.pool} kept warm" if kernels.pool else ""
        print(f"Room for {kernels.max_viewers} viewers{warm}.", flush=True)  # noqa: T201 - as above
        if not self.kernel_spec_manager.alone:
            why = hindrance() or "the path of the connection files is too long for Unix sockets"
            print(f"Kernels keep the network of this user: {why}.", flush=True)  # noqa: T201 - as above


_DROPPED = (VoilaShutdownKernelHandler, RequestInfoSocketHandler, VoilaContentsHandler, TornadoVoilaTreeHandler)
"""Handlers of Voila that no page of ours needs: one ends kernels, one tells a visit's address to whoever asks, without
a token, and two list files."""


def _is_dropped(handler: type[Any]) -> bool:
    return issubclass(handler, (*_DROPPED, LoginFormHandler))


def _guarded(route: Iterable[Any]) -> tuple[Any, ...]:
    pattern, handler, *rest = route
    if handler is TemplateStaticFileHandler:  # other paths make it stumble
        pattern = pattern.replace("(.*)", r"([\w-]+/static/.+)")
    replaced = {
        AllowListFileHandler: GuardedFiles,
        TornadoVoilaHandler: DashboardPage,
        VoilaKernelWebsocketHandler: KernelSocket,
    }
    return (pattern, guarded(replaced.get(handler, handler)), *rest)


def _log_request(handler: Any) -> None:
    """Log a request with tokens taken out of its address."""
    log_request(handler, record_prometheus_metrics=False)


def _worth_saying(record: logging.LogRecord) -> bool:
    """Take tokens out of a log record: tornado writes whole addresses into its messages.

    Two lines that would come with every visit are left out: Jupyter's on the trust in a notebook, which is about
    stored outputs that are not shown, and tornado's on a timeout of pings, which takes Jupyter's milliseconds for
    seconds. (To set that timeout to the interval instead ends every websocket with the first ping.)
    """
    said = record.getMessage()
    record.msg, record.args = re.sub(r"token=[^&\s]+", "token=…", said), ()
    return not (said.endswith("is not trusted") or "websocket_ping_timeout" in said)


def serve(options: Options) -> None:
    """Serve until interrupted.

    Raises
    ------
    OSError
        When the port is taken.
    """
    server = StudioVoila(config=configuration(options), allow_hosts=list(options.allow_hosts))
    server.initialize([])
    for log in (server.log, *map(logging.getLogger, ("tornado.general", "tornado.access", "tornado.application"))):
        log.addFilter(_worth_saying)
    with contextlib.suppress(KeyboardInterrupt):
        server.start()
