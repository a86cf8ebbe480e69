"""fal.ai on the loopback: queue, direct calls, storage, CDN and platform, as far as its protocol is written down.

A `Fal` is a site of `servers.internet.Internet`. It checks keys, paths, the order of calls and every argument (against
the catalog's card, as an OpenAPI schema), and makes real files. Times are computed, not slept: a job ends when its
seconds are over, whoever asks. It can be told to refuse, to fail, to lock the account and to forget results; what goes
wrong on the way is for `Internet.misbehave`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from servers.connections import KEYS
from servers.fal_media import media_of
from servers.fal_schema import arguments_schema, openapi_of, problems_of
from servers.internet import Answer, Request
from studio_kernel.domain.model import ModelCard

KEY = KEYS["FAL_KEY"]
QUEUE, RUN, REST, CDN, CDN_B, PLATFORM, WEBSITE = (
    "queue.fal.run", "fal.run", "rest.fal.ai", "v3.fal.media", "v3b.fal.media", "api.fal.ai", "fal.ai",
)  # fmt: skip
BACKUP_QUEUE, BACKUP_RUN = "queue.falrun.com", "falrun.com"
PAGE = 50


@dataclass
class Endpoint:
    """A model of the server."""

    card: ModelCard
    openapi: dict
    schema: dict
    unit_price: float | None
    unit: str
    status: str = "active"
    metadata: dict = field(default_factory=dict)


@dataclass
class Job:
    """A request of the queue."""

    id: str
    endpoint: Endpoint
    arguments: dict
    headers: dict
    sent_at: datetime
    queued: float
    seconds: float
    began: float | None = None
    ended: float | None = None
    answer: Answer | None = None
    error: str | None = None
    error_type: str | None = None
    logs: list[str] = field(default_factory=list)
    is_forgotten: bool = False

    @property
    def path(self) -> str:
        """Its endpoint without the sub path, as in the addresses that the service gives."""
        parts = self.endpoint.card.source.endpoint.split("/")
        return "/".join(parts[:3] if parts[0] in ("workflows", "comfy") else parts[:2])


@dataclass
class _Failure:
    answer: Answer
    error: str | None
    error_type: str | None
    left: int


class Fal:
    """The service.

    Parameters
    ----------
    cards : iterable of ModelCard
        Its models.
    at_once : int
        Jobs that it works on at a time.
    seconds : float
        How long a job takes.
    """

    hosts = (QUEUE, RUN, REST, CDN, CDN_B, PLATFORM, WEBSITE, BACKUP_QUEUE, BACKUP_RUN)

    def __init__(self, cards, *, key=KEY, at_once=10, seconds=0.0) -> None:
        self.endpoints: dict[str, Endpoint] = {}
        self.keys = {key}
        self.at_once, self.seconds = at_once, seconds
        self.jobs: dict[str, Job] = {}
        self.submits: list[Job] = []
        self.cancels: list[str] = []
        self.uploads: list[tuple[str, str]] = []
        """(way, address) of every file that was taken."""
        self.lifecycles: list[dict] = []
        self.files: dict[str, tuple[bytes, str]] = {}
        self.videos: set[str] = set()
        """Ids of videos that are kept for a remix."""
        self.locked = False
        self.answers: dict[str, Callable[[Job, Answer], Answer]] = {}
        """Endpoint id → makes another answer of the usual one."""
        self._failures: list[_Failure] = []
        self._parts: dict[str, dict[int, bytes]] = {}
        self._tokens: set[str] = set()
        self._lock = threading.RLock()
        for card in cards:
            self.add(card)

    def add(self, card, openapi=None) -> Endpoint:
        """Take a model; `openapi` replaces the schema that is made of its card."""
        document = openapi or openapi_of(card)
        price = card.price
        endpoint = Endpoint(
            card, document, arguments_schema(document),
            price.amount_usd if price else None, f"{price.unit}s" if price else "",
        )  # fmt: skip
        self.endpoints[card.source.endpoint] = endpoint
        return endpoint

    def fail_next(self, answer: Answer, *, error=None, error_type=None, times=1) -> None:
        """Let the next jobs fail: `answer` is what their result is, the rest what their status says."""
        self._failures.append(_Failure(answer, error, error_type, times))

    def forget(self, job_id) -> None:
        """Delete a result, as the service does after a while."""
        self.jobs[job_id].is_forgotten = True

    @property
    def working(self) -> int:
        """How many jobs are worked on now."""
        with self._lock:
            self._advance()
            return sum(job.began is not None and job.ended is None for job in self.jobs.values())

    # -- answering ---------------------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Answer:
        with self._lock:
            answer = self._route(request)
        answer.headers.setdefault("x-fal-request-id", self._id(f"{request.path}{time.monotonic_ns()}"))
        return answer

    def _route(self, request):
        if request.host in (CDN, CDN_B):
            return self._cdn(request)
        if request.host == WEBSITE:
            return self._website(request)
        if request.host == PLATFORM and request.path == "/v1/models" and "authorization" not in request.headers:
            return self._models(request)
        if request.headers.get("authorization", "").removeprefix("Key ") not in self.keys:
            text = "Cannot access application: no valid authentication was given."
            if request.host == PLATFORM:
                return _platform_error(401, "authorization_error", text)
            return Answer(401, {"detail": text})
        if request.host == REST:
            return self._rest(request)
        if request.host == PLATFORM:
            return self._platform(request)
        if match := re.fullmatch(r"/(.+)/requests/([^/]+)(/status|/cancel|/response|)", request.path):
            return self._job(request, *match.groups())
        return self._submit(request)

    # -- queue and direct calls --------------------------------------------------------------------------------------

    def _submit(self, request):
        endpoint = self.endpoints.get(request.path.strip("/"))
        if endpoint is None:
            return Answer(404, {"detail": f"Application '{request.path.strip('/')}' not found"})
        if request.method != "POST":
            return Answer(405, {"detail": "Method Not Allowed"})
        if self.locked:
            text = "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."
            return Answer(403, {"detail": text})
        try:
            arguments = request.json
        except ValueError:
            return Answer(422, {"detail": [{"loc": ["body"], "msg": "JSON decode error", "type": "json_invalid"}]})
        job = self._accept(endpoint, arguments, request.headers)
        if request.host in (RUN, BACKUP_RUN):
            self._end(job, time.monotonic())
            return job.answer
        base = f"https://{QUEUE}/{job.path}/requests/{job.id}"
        return Answer(
            json={
                "status": "IN_QUEUE", "request_id": job.id, "gateway_request_id": job.id, "response_url": base,
                "status_url": f"{base}/status", "cancel_url": f"{base}/cancel", "logs": None, "metrics": {},
                "queue_position": self._position(job),
            }
        )  # fmt: skip

    def _accept(self, endpoint, arguments, headers):
        number = len(self.submits)
        job = Job(
            self._id(f"job {number}"), endpoint, arguments, headers, datetime.now(UTC), time.monotonic(), self.seconds
        )
        detail = problems_of(endpoint.schema, arguments) or self._bad_inputs(endpoint, arguments)
        if detail:
            job.answer, job.seconds = Answer(422, {"detail": detail}), 0.0
            job.error, job.error_type = "Invalid status code: 422", None
        elif failure := next((one for one in self._failures if one.left), None):
            failure.left -= 1
            job.answer, job.error, job.error_type = failure.answer, failure.error, failure.error_type
        self.submits.append(job)
        self.jobs[job.id] = job
        self._advance()
        return job

    def _bad_inputs(self, endpoint, arguments):
        """Return what is wrong with inputs that have to be here: files of the right kind, and videos for a remix."""
        problems = []
        for parameter in endpoint.card.parameters:
            name = parameter.sent_as or parameter.name
            if name == "video_id" and arguments[name] not in self.videos:
                problems.append({"loc": ["body", name], "msg": "Video not found", "type": "value_error"})
            if not parameter.is_media or name not in arguments:
                continue
            values = arguments[name] if parameter.multiple else [arguments[name]]
            wanted = "image" if parameter.type == "mask" else parameter.type
            for place, value in enumerate(values):
                loc = ["body", name, place] if parameter.multiple else ["body", name]
                found = self._media_type(value)
                if not found.startswith(f"{wanted}/"):
                    text = f"Failed to download the file: {found or 'not found'}"
                    given = value if value.startswith("https:") else value[:80]
                    problems.append({"loc": loc, "msg": text, "type": "file_download_error", "input": given})
        return problems

    def _media_type(self, address):
        if address.startswith("data:"):
            return address[5:].partition(";")[0]
        return self.files.get(address, (b"", ""))[1]

    def _job(self, request, path, job_id, rest):
        job = self.jobs.get(job_id)
        if job is None or path not in (job.path, job.endpoint.card.source.endpoint):
            return Answer(404, {"status": "NOT_FOUND"})
        self._advance()
        if rest == "/cancel":
            return self._cancel(job) if request.method == "PUT" else Answer(405, {"detail": "Method Not Allowed"})
        if request.method != "GET":
            return Answer(405, {"detail": "Method Not Allowed"})
        if rest == "/status":
            return self._status(job, request.query.get("logs", ["0"])[0] in ("1", "true"))
        if job.ended is None:
            return Answer(400, {"detail": "Request is still in progress"})
        if job.is_forgotten:
            return Answer(404, {"detail": f"Request {job.id} not found"})
        return job.answer

    def _status(self, job, with_logs):
        base = f"https://{QUEUE}/{job.path}/requests/{job.id}"
        body = {
            "request_id": job.id, "response_url": base, "status_url": f"{base}/status", "cancel_url": f"{base}/cancel",
        }  # fmt: skip
        if job.began is None and job.ended is None:
            return Answer(202, body | {"status": "IN_QUEUE", "queue_position": self._position(job)})
        logs = self._logs(job) if with_logs else None
        if job.ended is None:
            return Answer(202, body | {"status": "IN_PROGRESS", "logs": logs})
        done = {"status": "COMPLETED", "logs": logs, "metrics": {"inference_time": job.seconds}}
        if job.error:
            done |= {"error": job.error} | ({"error_type": job.error_type} if job.error_type else {})
        return Answer(200, body | done)

    def _logs(self, job):
        """Return the lines so far: all of the job's own, or a bar of its steps."""
        lines = job.logs
        if not lines:
            total = int(job.arguments.get("num_inference_steps") or 28)
            share = 1.0 if job.seconds == 0 else min(1.0, (time.monotonic() - job.began) / job.seconds)
            step = int(share * total)
            lines = [f"{100 * now // total:3d}%|{'█' * (10 * now // total):10s}| {now}/{total} [00:01<00:00, 9.1it/s]"
                     for now in range(0, step + 1, max(1, total // 4))]  # fmt: skip
        return [
            {"message": line, "level": "INFO", "source": "USER", "timestamp": job.sent_at.isoformat()} for line in lines
        ]

    def _position(self, job):
        waiting = [other for other in self.submits if other.began is None and other.ended is None]
        return waiting.index(job) if job in waiting else 0

    def _cancel(self, job):
        self.cancels.append(job.id)
        if job.ended is not None:
            return Answer(400, {"status": "ALREADY_COMPLETED"})
        job.error, job.error_type = "The request was cancelled", "client_cancelled"
        job.answer = Answer(499, {"detail": job.error, "error_type": job.error_type})
        job.ended = time.monotonic()
        return Answer(202, {"status": "CANCELLATION_REQUESTED"})

    def _advance(self):
        """Let time pass: jobs end when their seconds are over, and the next in the queue take their places."""
        now = time.monotonic()
        while True:
            running = [job for job in self.submits if job.began is not None and job.ended is None]
            due = min(running, key=lambda job: job.began + job.seconds, default=None)
            waiting = next((job for job in self.submits if job.began is None and job.ended is None), None)
            if waiting and len(running) < self.at_once:
                ended = [job.ended for job in self.submits if job.ended is not None]
                full = len(ended) + len(running) >= self.at_once
                waiting.began = max(waiting.queued, max(ended, default=0.0) if full else 0.0)
            elif due and due.began + due.seconds <= now:
                self._end(due, due.began + due.seconds)
            else:
                return

    def _end(self, job, when):
        job.began = job.queued if job.began is None else job.began
        job.ended = when
        if job.answer is None:
            job.answer = self._made(job)

    def _made(self, job):
        body, units = media_of(job, self.store)
        if "video_id" in body and not job.arguments.get("delete_video", True):
            self.videos.add(body["video_id"])
        answer = Answer(json=body, headers={"X-Fal-Billable-Units": f"{units:g}", "X-Fal-Served-From": self._id("a")})
        change = self.answers.get(job.endpoint.card.source.endpoint)
        return change(job, answer) if change else answer

    # -- storage and CDN ---------------------------------------------------------------------------------------------

    def store(self, data, name, media_type, host=CDN) -> str:
        """Keep a file and return its address."""
        digest = hashlib.sha256(data + name.encode()).hexdigest()
        address = f"https://{host}/files/{digest[:8]}/{digest[8:28]}_{quote(name)}"
        self.files[address] = data, media_type
        return address

    def _rest(self, request):
        kind = request.query.get("storage_type", [""])[0]
        if request.path == "/storage/auth/token" and request.method == "POST" and kind == "fal-cdn-v3":
            token = f"token-{len(self._tokens)}"
            self._tokens.add(token)
            ends = datetime.now(UTC) + timedelta(hours=1)
            return Answer(json={"token": token, "token_type": "Bearer", "base_url": f"https://{CDN}",
                                "expires_at": ends.isoformat()})  # fmt: skip
        if request.path == "/storage/upload/initiate" and request.method == "POST" and kind:
            asked = request.json
            self._note_lifecycle(request)
            address = self.store(b"", f"{len(self.uploads)}_{asked['file_name']}", asked["content_type"], CDN_B)
            return Answer(json={"upload_url": f"{address}?signature=abc", "file_url": address})
        return Answer(404, {"detail": "Not Found"})

    def _note_lifecycle(self, request):
        if text := request.headers.get("x-fal-object-lifecycle"):
            self.lifecycles.append(json.loads(text))

    def _cdn(self, request):
        address = f"https://{request.host}{request.path}"
        if request.method == "GET":
            if address not in self.files:
                return Answer(404, body=b"not found", headers={"Content-Type": "text/plain"})
            data, media_type = self.files[address]
            return Answer(body=data, headers={"Content-Type": media_type})
        if request.method == "PUT" and "signature" in request.query and address in self.files:
            self.files[address] = request.body, request.headers["content-type"]
            self.uploads.append(("storage", address))
            return Answer(headers={"Content-Type": "text/plain"})
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self._tokens:
            return Answer(401, {"detail": "Unauthorized"})
        name, media_type = request.headers.get("x-fal-file-name", "upload.bin"), request.headers.get("content-type", "")
        if request.method == "POST" and request.path == "/files/upload":
            self._note_lifecycle(request)
            address = self.store(request.body, name, media_type)
            self.uploads.append(("cdn", address))
            return Answer(json={"access_url": address})
        if request.method == "POST" and request.path == "/files/upload/multipart":
            self._note_lifecycle(request)
            address = self.store(b"", f"{len(self.uploads)}_{name}", media_type)
            self._parts[address] = {}
            return Answer(json={"access_url": address, "uploadId": "upload-1"})
        if match := re.fullmatch(r"(.+)/multipart/upload-1/(\d+|complete)", address):
            return self._multipart(request, *match.groups())
        return Answer(404, {"detail": "Not Found"})

    def _multipart(self, request, address, step):
        if step != "complete":
            self._parts[address][int(step)] = request.body
            return Answer(headers={"etag": hashlib.md5(request.body).hexdigest()})
        parts = self._parts[address]
        asked = {part["partNumber"]: part["etag"] for part in request.json["parts"]}
        if asked != {number: hashlib.md5(data).hexdigest() for number, data in parts.items()}:
            return Answer(400, {"detail": "parts do not fit"})
        self.files[address] = b"".join(parts[number] for number in sorted(parts)), self.files[address][1]
        self.uploads.append(("multipart", address))
        return Answer(json={})

    # -- platform ----------------------------------------------------------------------------------------------------

    def _website(self, request):
        endpoint = self.endpoints.get(request.query.get("endpoint_id", [""])[0])
        if request.path != "/api/openapi/queue/openapi.json" or endpoint is None:
            return Answer(404, {"detail": "Not Found"})
        return Answer(json=endpoint.openapi)

    def _platform(self, request):
        if request.method == "GET" and request.path == "/v1/models":
            return self._models(request)
        if request.method == "GET" and request.path == "/v1/models/pricing":
            return self._pricing(request)
        if request.method == "GET" and request.path == "/v1/models/requests/by-endpoint":
            return self._requests(request)
        return _platform_error(404, "not_found", "no such address")

    def _models(self, request):
        query = request.query
        asked, words = _listed(query, "endpoint_id"), query.get("q", [""])[0].lower()
        if len(asked) > 50:
            return _platform_error(400, "validation_error", "at most 50 endpoint ids")
        category, status = query.get("category", [""])[0], query.get("status", [""])[0]
        found = []
        for name, endpoint in self.endpoints.items():
            entry = self._entry(name, endpoint, "openapi-3.0" in _listed(query, "expand"))
            about = entry["metadata"]
            fits = words in f"{name} {about['display_name']} {about['description']}".lower()
            if (asked and name not in asked) or category not in ("", about["category"]):
                continue
            if fits and status in ("", about["status"]):
                found.append(entry)
        if missing := [name for name in asked if name not in self.endpoints]:
            return _platform_error(404, "not_found", f"unknown endpoint: {', '.join(missing)}")
        return _page("models", found, query)

    def _entry(self, name, endpoint, with_schema):
        card = endpoint.card
        entry = {
            "endpoint_id": name,
            "metadata": {
                "display_name": card.name, "category": str(card.default_task), "description": card.description,
                "status": endpoint.status, "tags": [], "updated_at": "2026-11-01T00:00:00Z",
                "date": "2026-01-01T00:00:00Z", "thumbnail_url": "", "model_url": f"https://{RUN}/{name}",
                "license_type": "commercial", "kind": "inference", "is_favorited": None, "highlighted": False,
                "pinned": False,
            } | endpoint.metadata,
        }  # fmt: skip
        return entry | ({"openapi": endpoint.openapi} if with_schema else {})

    def _pricing(self, request):
        asked = _listed(request.query, "endpoint_id")
        if not 1 <= len(asked) <= 50:
            return _platform_error(400, "validation_error", "give 1 to 50 endpoint ids")
        known = {name: self.endpoints[name] for name in asked if name in self.endpoints}
        if missing := [name for name in asked if name not in known or known[name].unit_price is None]:
            return _platform_error(404, "not_found", f"no price of {', '.join(missing)}")
        prices = [
            {"endpoint_id": name, "unit_price": known[name].unit_price, "unit": known[name].unit, "currency": "USD"}
            for name in asked
        ]
        return Answer(json={"prices": prices, "next_cursor": None, "has_more": False})

    def _requests(self, request):
        """Answer with the requests that have ended; whether others are listed is not documented."""
        query = request.query
        asked = _listed(query, "endpoint_id")
        if not asked:
            return _platform_error(400, "validation_error", "endpoint_id is required")
        self._advance()
        start = _moment(query.get("start", ["2000-01-01T00:00:00Z"])[0])
        with_payloads = "payloads" in _listed(query, "expand")
        ended = [
            job for job in self.submits
            if job.ended is not None and job.endpoint.card.source.endpoint in asked and job.sent_at >= start
        ]  # fmt: skip
        return _page("items", [_history(job, with_payloads) for job in reversed(ended)], query)

    def _id(self, text):
        digest = hashlib.sha256(text.encode()).hexdigest()
        return f"019a{digest[:4]}-{digest[4:8]}-7{digest[8:11]}-8{digest[11:14]}-{digest[14:26]}"


def _history(job, with_payloads):
    began = job.sent_at + timedelta(seconds=job.began - job.queued if job.began is not None else 0.0)
    ended = job.sent_at + timedelta(seconds=job.ended - job.queued)
    item = {
        "request_id": job.id, "endpoint_id": job.endpoint.card.source.endpoint, "sent_at": job.sent_at.isoformat(),
        "started_at": began.isoformat(), "ended_at": ended.isoformat(), "status_code": job.answer.status,
        "duration": (ended - began).total_seconds(),
    }  # fmt: skip
    return item | ({"json_input": job.arguments, "json_output": job.answer.json} if with_payloads else {})


def _listed(query, name):
    return [part for value in query.get(name, []) for part in value.split(",") if part]


def _moment(text):
    return datetime.fromisoformat(text).astimezone(UTC)


def _page(name, items, query):
    """Return one page; the cursor is the base64 of the next page's number."""
    limit = min(100, int(query.get("limit", [PAGE])[0]))
    cursor = query.get("cursor", [""])[0]
    page = int(base64.b64decode(cursor + "=" * (-len(cursor) % 4))) if cursor else 1
    rest = items[(page - 1) * limit :]
    more = len(rest) > limit
    following = base64.b64encode(str(page + 1).encode()).decode().rstrip("=") if more else None
    return Answer(json={name: rest[:limit], "next_cursor": following, "has_more": more})


def _platform_error(status, kind, message):
    return Answer(status, {"error": {"type": kind, "message": message}})
