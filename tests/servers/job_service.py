"""A service that does jobs for money, on the loopback: what a remote engine talks to in tests.

``POST /jobs`` accepts (and bills) a job, ``GET /jobs/ID`` tells how far it is, ``GET /jobs/ID/result`` gives the
picture, ``DELETE /jobs/ID`` cancels it. A job takes as many looks at it as it has steps.
"""

from __future__ import annotations

import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image


class JobService:
    """The service; `accepted` and `cancelled` say what it was asked for."""

    def __init__(self, steps: int = 10) -> None:
        self.steps = steps
        self.accepted: list[dict] = []
        self.cancelled: list[str] = []
        self.looks: dict[str, int] = {}
        self.answers = threading.Event()
        self.answers.set()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self.answers.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(service):  # noqa: N805 - the handler below has the usual self
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with service._lock:
                    service.accepted.append(body)
                    job = f"job-{len(service.accepted)}"
                    service.looks[job] = 0
                service.answers.wait(60)  # a service that has accepted, and whose answer is slow to come
                self._answer({"id": job})

            def do_GET(self):
                job = self.path.split("/")[2]
                if self.path.endswith("/result"):
                    buffer = io.BytesIO()
                    Image.new("RGB", (32, 32), (10, 90, 160)).save(buffer, "PNG")
                    self._answer(buffer.getvalue())
                    return
                with service._lock:
                    service.looks[job] += 1
                    step = min(service.looks[job], service.steps)
                self._answer({"step": step, "total": service.steps})

            def do_DELETE(self):
                service.cancelled.append(self.path.split("/")[2])
                self._answer({})

            def _answer(self, value):
                data = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        return Handler
