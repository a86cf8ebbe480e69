"""Replicate on the loopback: predictions, uploads and the host that outputs lie on, as its reference describes them.

It checks the key, the body and the order of what it is asked, and counts predictions. ``script`` says what becomes of
the next ones. The hosts that files lie on note every request that brings a key.
"""

import io
import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import Message

from PIL import Image

from servers.connections import KEYS
from servers.internet import Answer

API = "api.replicate.com"
DELIVERY = "replicate.delivery"
VERSION = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"
PAGE = 3
"""Predictions on a page of the list; the real one has a hundred."""

MODELS = {
    "black-forest-labs/flux-schnell": {
        "prompt": str, "seed": int, "num_outputs": int, "aspect_ratio": ("1:1", "16:9", "3:2"),
        "output_format": ("webp", "jpg", "png"), "megapixels": ("1", "0.25"), "num_inference_steps": int,
        "go_fast": bool, "output_quality": int, "disable_safety_checker": bool,
    },
    "studio/editor": {"prompt": str, "seed": int, "input_image": "file", "references": "files"},
    "studio/versioned": {"prompt": str, "seed": int},
}  # fmt: skip


@dataclass
class Script:
    """What becomes of a prediction.

    Attributes
    ----------
    looks : int
        Questions after which it has ended.
    status : str
        How it ends.
    output : object
        Its output; "{file}" stands for the address of a picture. `...` = one address.
    """

    looks: int = 2
    status: str = "succeeded"
    output: object = ...
    error: str | None = None
    logs: str = ""
    metrics: dict = field(default_factory=lambda: {"predict_time": 1.5, "total_time": 2.0, "image_count": 1})


def picture(colour=(10, 90, 160)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32), colour).save(buffer, "PNG")
    return buffer.getvalue()


class Replicate:
    """The service; `created` has the body of every prediction that was accepted."""

    hosts = (API, DELIVERY)

    def __init__(self):
        self.script = Script()
        self.created: list[dict] = []
        self.cancelled: list[str] = []
        self.predictions: dict[str, dict] = {}
        self.uploads: dict[str, bytes] = {}
        self.keys_at_files: list[str] = []
        self.hidden_s = 0.0
        """Seconds before a prediction stands in the list."""
        self.shows_data_addresses = True
        self._scripts: dict[str, Script] = {}
        self._looks: dict[str, int] = {}
        self._lock = threading.Lock()

    def answer(self, request):
        if request.host == DELIVERY:
            return self._file(request)
        if request.headers.get("authorization") != f"Bearer {KEYS['REPLICATE_API_TOKEN']}":
            return problem(401, "Unauthenticated", "You did not pass a valid authentication token")
        with self._lock:
            for method, path, respond in self._routes():
                found = re.fullmatch(path, request.path)
                if found and method == request.method:
                    return respond(request, *found.groups())
        return problem(404, "Not found", "The requested resource could not be found.")

    def _routes(self):
        return (
            ("POST", "/v1/predictions", self._create_version),
            ("POST", "/v1/models/([^/]+/[^/]+)/predictions", self._create),
            ("GET", "/v1/predictions", self._list),
            ("GET", "/v1/predictions/([^/]+)", self._get),
            ("POST", "/v1/predictions/([^/]+)/cancel", self._cancel),
            ("POST", "/v1/files", self._upload),
        )

    # Predictions

    def add(self, model="someone/else", given=None, created_at=None, **fields) -> dict:
        """Make a prediction as another program of the account would."""
        made = self._made(model, "hidden", given or {}, Script())
        if created_at is not None:
            made["created_at"] = stamp(created_at)
        made.update(fields)
        return made

    def expire(self):
        """Remove the data of every prediction, as happens after an hour."""
        for made in self.predictions.values():
            made.update(data_removed=True, input={}, output=None, logs="")
        self.uploads.clear()

    def _create_version(self, request):
        model, _, version = str(request.json.get("version", "")).rpartition(":")
        if version != VERSION:
            return problem(422, "Invalid version or not permitted", "The specified version does not exist")
        return self._accepted(request, model or "studio/versioned", version)

    def _create(self, request, model):
        if model not in MODELS:
            return problem(404, "Not found", "The requested resource could not be found.")
        if "version" in request.json:
            return invalid("", "Additional property version is not allowed")
        return self._accepted(request, model, "hidden")

    def _accepted(self, request, model, version):
        body = request.json
        if set(body) - {"version", "input", "webhook", "webhook_events_filter"}:
            return invalid("", "Additional property is not allowed")
        refused = self._refused(MODELS[model], body["input"])
        if refused is not None:
            return refused
        made = self._made(model, version, dict(body["input"]), self.script)
        self.created.append(body)
        if request.headers.get("prefer", "").startswith("wait"):
            self._looks[made["id"]] = self.script.looks
            self._advance(made["id"])
        return Answer(201, json=self._shown(made))

    def _refused(self, schema, given):
        if not isinstance(given.get("prompt"), str):
            return invalid("input", "prompt is required")
        for name, value in given.items():
            wanted = schema.get(name)
            if wanted is None:
                return invalid("input", f"Additional property {name} is not allowed")
            if isinstance(wanted, tuple) and value not in wanted:
                listed = ", ".join(f'"{each}"' for each in wanted)
                return invalid(f"input.{name}", f"{name} must be one of the following: {listed}")
            if isinstance(wanted, type) and type(value) is not wanted:
                return invalid(f"input.{name}", f"Invalid type. Expected: {wanted.__name__}")
            if wanted in ("file", "files"):
                for address in value if wanted == "files" else [value]:
                    if not self._is_readable(address):
                        return invalid(f"input.{name}", "Does not match format 'uri', or the file is gone")
        return None

    def _is_readable(self, address):
        if address.startswith("data:"):
            return len(address) < 256_000 * 4 / 3 + 100
        return address.removeprefix(f"https://{API}/v1/files/") in self.uploads

    def _made(self, model, version, given, script):
        identity = f"pred{len(self.predictions):08d}"
        home = f"https://{API}/v1/predictions/{identity}"
        made = {
            "id": identity, "model": model, "version": version, "status": "starting", "input": given, "output": None,
            "error": None, "logs": "", "metrics": {}, "created_at": stamp(datetime.now(UTC)), "started_at": None,
            "completed_at": None, "data_removed": False, "source": "api",
            "urls": {"get": home, "cancel": f"{home}/cancel", "web": f"https://replicate.com/p/{identity}"},
        }  # fmt: skip
        self.predictions[identity], self._scripts[identity], self._looks[identity] = made, script, 0
        return made

    def _get(self, _request, identity):
        if identity not in self.predictions:
            return problem(404, "Not found", "The prediction could not be found.")
        self._looks[identity] += 1
        self._advance(identity)
        return Answer(json=self._shown(self.predictions[identity]))

    def _advance(self, identity):
        made, script = self.predictions[identity], self._scripts[identity]
        if made["status"] not in ("starting", "processing") or made["data_removed"]:
            return
        made["status"] = "processing" if script.status != "aborted" else "starting"
        made["started_at"] = None if script.status == "aborted" else stamp(datetime.now(UTC))
        made["logs"] = script.logs
        if self._looks[identity] >= script.looks:
            made.update(status=script.status, error=script.error, completed_at=stamp(datetime.now(UTC)))
            if script.status == "succeeded":
                output = f"https://{DELIVERY}/{identity}/out-0.png" if script.output is ... else script.output
                made.update(output=filled(output, identity), metrics=script.metrics)

    def _cancel(self, _request, identity):
        if identity not in self.predictions:
            return problem(404, "Not found", "The prediction could not be found.")
        made = self.predictions[identity]
        self.cancelled.append(identity)
        if made["status"] in ("starting", "processing"):
            made["status"] = "canceled"
        return Answer(json=self._shown(made))

    def _list(self, request):
        settled = datetime.now(UTC) - timedelta(seconds=self.hidden_s)
        made = [one for one in self.predictions.values() if datetime.fromisoformat(one["created_at"]) <= settled]
        made.sort(key=lambda one: one["created_at"], reverse=True)
        start = int(request.query.get("cursor", ["0"])[0])
        more = f"https://{API}/v1/predictions?cursor={start + PAGE}" if len(made) > start + PAGE else None
        results = [self._shown(one) for one in made[start : start + PAGE]]
        return Answer(json={"next": more, "previous": None, "results": results})

    def _shown(self, made):
        if self.shows_data_addresses:
            return made
        kept = {
            key: f"https://{DELIVERY}/pbxt/input.png" if str(value).startswith("data:") else value
            for key, value in made["input"].items()
        }
        return made | {"input": kept}

    # Files

    def _upload(self, request):
        message = Message()
        message["content-type"] = request.headers["content-type"]
        boundary = message.get_param("boundary")
        parts = request.body.split(f"--{boundary}".encode())[1:-1]
        head, _, content = parts[0].partition(b"\r\n\r\n")
        if b'name="content"' not in head or len(parts) != 1:
            return problem(400, "Bad request", "Missing content")
        identity = f"file{len(self.uploads):06d}"
        self.uploads[identity] = content.removesuffix(b"\r\n")
        expires = stamp(datetime.now(UTC) + timedelta(hours=24))
        return Answer(
            201,
            json={
                "id": identity, "content_type": "image/png", "size": len(content), "expires_at": expires,
                "urls": {"get": f"https://{API}/v1/files/{identity}"},
            },
        )  # fmt: skip

    def _file(self, request):
        if "authorization" in request.headers:
            self.keys_at_files.append(request.path)
        identity = request.path.split("/")[1]
        if identity not in self.predictions or self.predictions[identity]["data_removed"]:
            return Answer(404, body=b"gone")
        return Answer(body=picture(), headers={"Content-Type": "image/png"})


def filled(output, identity):
    """Return an output with the address of a picture for each "{file}"."""
    if isinstance(output, str):
        return output.replace("{file}", f"https://{DELIVERY}/{identity}/out.png")
    if isinstance(output, list):
        return [filled(item, f"{identity}/{place}") for place, item in enumerate(output)]
    if isinstance(output, dict):
        return {key: filled(item, f"{identity}/{key}") for key, item in output.items()}
    return output


def stamp(moment) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def problem(status, title, detail) -> Answer:
    return Answer(status, json={"title": title, "detail": detail, "status": status})


def invalid(name, description) -> Answer:
    fields = [{"type": "invalid", "field": name, "description": description}]
    detail = f"- {name}: {description}\n" if name else f"- {description}\n"
    return Answer(
        422, json={"detail": detail, "status": 422, "title": "Input validation failed", "invalid_fields": fields}
    )
