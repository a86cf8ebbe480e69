"""A service without peculiarities, and a `JobService` that speaks to it: what `job.stream_job` is tested with.

``POST /jobs`` accepts a job, ``GET /jobs`` lists those that have ended, ``GET /jobs/ID`` tells how far it is,
``GET /jobs/ID/result`` what came out, ``DELETE /jobs/ID`` cancels it; its files are at another host.
"""

import io
import threading
import time
from datetime import UTC, datetime

from immutabledict import immutabledict
from PIL import Image

from servers.internet import Answer
from studio_kernel.domain.events import Ticket
from studio_kernel.engines.remote.http import Wire
from studio_kernel.engines.remote.service import JobResult, JobState, Lookup, RemoteFile
from studio_kernel.errors import EndpointGoneError, RateLimitError, ServiceDownError

API, FILES = "jobs.example", "files.example"


def png(side=32):
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), (10, 90, 160)).save(buffer, "PNG")
    return buffer.getvalue()


class PlainSite:
    """The service; `jobs` has what it has accepted."""

    hosts = (API, FILES)

    def __init__(self, seconds=0.3):
        self.seconds = seconds
        self.jobs = {}
        self.cancelled = []
        self.lists_unfinished = False
        self._lock = threading.Lock()

    def answer(self, request):
        if request.host == FILES:
            return Answer(body=png(), headers={"Content-Type": "image/png"})
        parts = request.path.strip("/").split("/")
        match request.method, parts:
            case "POST", ["jobs"]:
                with self._lock:
                    name = f"job-{len(self.jobs) + 1}"
                    self.jobs[name] = {"input": request.json, "began": time.monotonic()}
                return Answer(json={"id": name})
            case "GET", ["jobs"]:
                seen = [name for name in self.jobs if self.lists_unfinished or self._has_ended(name)]
                return Answer(json=[{"id": name, "input": self.jobs[name]["input"]} for name in seen])
            case "GET", ["jobs", name]:
                return Answer(json={"ended": self._has_ended(name)})
            case "GET", ["jobs", name, "result"]:
                return Answer(json={"url": f"https://{FILES}/{name}.png", "seed": 99, "cost": 0.25})
            case "DELETE", ["jobs", name]:
                if self._has_ended(name):
                    return Answer(409)
                self.cancelled.append(name)
                return Answer(json={})
        return Answer(404)

    def _has_ended(self, name):
        return time.monotonic() - self.jobs[name]["began"] >= self.seconds


def _refusal(response):
    if response.status_code == 429:
        return RateLimitError("plain", "too many", retry_after_s=float(response.headers.get("retry-after", 0)) or None)
    if response.status_code >= 500:
        return ServiceDownError("plain", f"HTTP {response.status_code}")
    return EndpointGoneError("plain", f"HTTP {response.status_code}")


class PlainService:
    name = "plain"
    provenance = immutabledict({"client": "1.0"})

    def __init__(self):
        self.wire = Wire("plain", _refusal, is_paid=lambda request: request.method == "POST", base_url=f"https://{API}")

    def prepare(self, request, _context):
        return {"prompt": request.prompt}

    def submit(self, payload, _context):
        return Ticket(self.wire.post("/jobs", json=payload).json()["id"])

    def look_for(self, payload, context, _since: datetime):
        found = [
            job["id"]
            for job in self.wire.get("/jobs").json()
            if job["input"] == payload and not context.is_taken(job["id"])
        ]
        return Lookup(Ticket(found[0]) if found else None)

    def state(self, ticket, _context):
        return JobState("ended" if self.wire.get(f"/jobs/{ticket.remote_id}").json()["ended"] else "working")

    def result(self, ticket, _context):
        said = self.wire.get(f"/jobs/{ticket.remote_id}/result").json()
        file = RemoteFile(said["url"], "image", "image/png", len(png()))
        return JobResult((file,), immutabledict({"seed": said["seed"]}), said["cost"])

    def cancel(self, ticket, _context):
        try:
            self.wire.delete(f"/jobs/{ticket.remote_id}")
        except EndpointGoneError:
            return False
        return True


def now():
    return datetime.now(UTC)
