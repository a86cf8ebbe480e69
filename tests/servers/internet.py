"""The part of the internet that a test needs, on the loopback: real clients, real host names, real certificates.

`Internet` is a proxy that answers for the hosts of its sites itself. Clients find it through ``HTTPS_PROXY`` and trust
it through ``SSL_CERT_FILE``, so nothing of theirs is changed, and worker processes inherit both. It can be told to
misbehave, host by host and request by request, and to be unplugged.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Literal, Protocol
from urllib.parse import parse_qs, urlsplit

import trustme

Fault = Literal["drop before", "drop after", "malformed", "truncate", "slow", "hang", "hang after", "html"]
"""``drop before``: the connection closes and the site has seen nothing; ``drop after``: the site has done it and its
answer is lost; ``hang``: the site sees nothing until `Internet.let_go`; ``hang after``: it has done it, and its answer
waits for that; ``slow``: the answer comes byte by byte."""


@dataclass(frozen=True)
class Request:
    """What a client has sent."""

    method: str
    host: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self):
        return json.loads(self.body or b"null")


@dataclass
class Answer:
    """What a site answers; `json` goes before `body`."""

    status: int = 200
    json: object = None
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return self.body if self.json is None else json.dumps(self.json).encode()

    @property
    def all_headers(self) -> dict[str, str]:
        return ({} if self.json is None else {"Content-Type": "application/json"}) | self.headers


class Site(Protocol):
    """What answers for some hosts; asked from many threads."""

    hosts: tuple[str, ...]

    def answer(self, request: Request) -> Answer: ...


@dataclass
class _Misbehaviour:
    host: str
    method: str
    path: re.Pattern
    what: Fault | Answer
    left: int
    skip: int


class Internet:
    """Answers for the hosts of `sites` until it is closed; `seen` has every request, also the ones that failed."""

    def __init__(self, *sites: Site) -> None:
        self.sites = {host: site for site in sites for host in site.hosts}
        self.seen: list[Request] = []
        self.is_plugged_in = True
        self._authority, self._stranger = trustme.CA(), trustme.CA()
        self._untrusted: set[str] = set()
        self._contexts: dict[tuple[str, bool], ssl.SSLContext] = {}
        self._faults: list[_Misbehaviour] = []
        self._go = threading.Event()
        self._go.set()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def proxy(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def trust(self, path) -> None:
        """Write the certificate that clients have to trust."""
        self._authority.cert_pem.write_to_path(str(path))

    def misbehave(self, host, what: Fault | Answer, *, path=".*", method=".*", times=1, after=0) -> None:
        """Answer matching requests with a fault, or with another answer, `times` times, the first `after` left out."""
        self._faults.append(_Misbehaviour(host, method, re.compile(path), what, times, after))

    def behave(self) -> None:
        """End every fault."""
        self._faults.clear()
        self.let_go()

    def hold(self) -> None:
        """Let requests with the fault ``hang`` wait."""
        self._go.clear()

    def let_go(self) -> None:
        self._go.set()

    def unplug(self) -> None:
        """End every connection and accept no more."""
        self.is_plugged_in = False
        with self._lock:
            for connection in self._open:
                _close(connection)

    def plug_in(self) -> None:
        self.is_plugged_in = True

    def show_wrong_certificate(self, host) -> None:
        self._untrusted.add(host)

    def requests(self, method=".*", path=".*", host=".*") -> list[Request]:
        """Return what was seen that matches as a whole."""
        return [
            request
            for request in list(self.seen)
            if re.fullmatch(method, request.method) and re.fullmatch(path, request.path)
            and re.fullmatch(host, request.host)
        ]  # fmt: skip

    def close(self) -> None:
        self.let_go()
        self.unplug()
        self._server.shutdown()
        self._server.server_close()

    def fault_of(self, request: Request) -> Fault | Answer | None:
        with self._lock:
            for fault in self._faults:
                same = fault.host == request.host and re.fullmatch(fault.method, request.method)
                if same and fault.path.fullmatch(request.path) and fault.left:
                    if fault.skip:
                        fault.skip -= 1
                        continue
                    fault.left -= 1
                    return fault.what
        return None

    def context(self, host) -> ssl.SSLContext:
        with self._lock:
            key = host, host in self._untrusted
            if key not in self._contexts:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.sslsocket_class = _Connection
                authority = self._stranger if key[1] else self._authority
                authority.issue_cert(host).configure_cert(context)
                self._contexts[key] = context
            return self._contexts[key]

    def wait(self) -> None:
        self._go.wait(120)

    def opened(self, connection) -> None:
        with self._lock:
            self._open.add(connection)

    def closed(self, connection) -> None:
        with self._lock:
            self._open.discard(connection)


class _Connection(ssl.SSLSocket):
    """Closes itself, for Python forgets to when the client was killed before the handshake."""

    def __del__(self):
        self.close()


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, internet) -> None:
        self.internet = internet
        super().__init__(("127.0.0.1", 0), _Tunnel)

    def handle_error(self, *_):  # a client that goes away is part of the tests
        pass


class _Tunnel(BaseHTTPRequestHandler):
    """Takes a CONNECT, and then speaks for the host that was asked for."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    host = ""

    def setup(self):
        super().setup()
        self.server.internet.opened(self.connection)

    def finish(self):
        self.server.internet.closed(self.connection)
        with suppress(OSError, ValueError):
            super().finish()
        _close(self.connection)

    def do_CONNECT(self):
        host = self.path.rpartition(":")[0]
        internet = self.server.internet
        if not internet.is_plugged_in or host not in internet.sites:
            self.close_connection = True
            self.send_error(502, "no such host here")
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.flush()
        internet.closed(self.connection)
        self.connection = internet.context(host).wrap_socket(self.connection, server_side=True)
        internet.opened(self.connection)
        self.rfile = self.connection.makefile("rb", -1)
        self.wfile = self.connection.makefile("wb", 0)
        self.host = host
        self.close_connection = False

    def _serve(self):
        parts = urlsplit(self.path)
        body = self._body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.host, parts.path, parse_qs(parts.query), headers, body)
        internet = self.server.internet
        internet.seen.append(request)
        fault = internet.fault_of(request)
        if fault == "drop before":
            self._drop()
            return
        if fault == "hang":
            internet.wait()
        answer = fault if isinstance(fault, Answer) else internet.sites[self.host].answer(request)
        if fault == "hang after":
            internet.wait()
        if fault == "drop after":
            self._drop()
            return
        self._send(answer, fault)

    def _body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _send(self, answer, fault):
        content, headers = answer.content, answer.all_headers
        if fault == "malformed":
            content = b'{"half": '
        if fault == "html":
            content, headers = b"<html>nginx</html>", {"Content-Type": "text/html"}
        self.send_response(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if fault == "truncate":
            self.wfile.write(content[: len(content) // 2])
            self._drop()
        elif fault == "slow":
            for place in range(len(content)):
                self.wfile.write(content[place : place + 1])
                time.sleep(0.2)
        else:
            self.wfile.write(content)

    def _drop(self):
        self.close_connection = True
        _close(self.connection)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _serve  # noqa: N815 - the names that http.server looks for

    def log_message(self, *_):
        pass


def _close(connection):
    for end in (lambda: connection.shutdown(socket.SHUT_RDWR), connection.close):
        with suppress(OSError, ValueError):
            end()
