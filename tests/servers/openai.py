"""OpenAI on the loopback: pictures, judging content, chats; as its package's types describe them.

It checks the key and the body of what it is asked, and counts the pictures that it has made. ``tokens`` is what it
says each of them has used.
"""

import base64
import io
import json
import re
import threading
from email.message import Message

from PIL import Image

from servers.connections import KEYS
from servers.internet import Answer

API = "api.openai.com"
FIELDS = {
    "prompt", "model", "n", "size", "quality", "background", "output_format", "output_compression", "moderation",
    "partial_images", "stream", "complexity", "input_fidelity",
}  # fmt: skip
QUALITIES = ("auto", "low", "medium", "high", "xhigh", "max")
CATEGORIES = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
    "self-harm/intent", "self-harm/instructions", "sexual", "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip
OF_PICTURES = ("self-harm", "self-harm/intent", "self-harm/instructions", "sexual", "violence", "violence/graphic")


class OpenAI:
    """The service; `made` has the fields of every call for pictures that it has answered.

    One that wants no key is another server that speaks the protocol, with the fields such servers take.
    """

    def __init__(self, hosts=(API,), wants_key=True):
        self.hosts = hosts
        self.wants_key = wants_key
        self.made: list[dict] = []
        self.files: list[dict] = []
        """The files of each edit, name → content."""
        self.judged: list[object] = []
        self.chats: list[dict] = []
        self.reply: dict = {"content": "a boat, painted in oil", "finish_reason": "stop"}
        self.tokens = {
            "input_tokens": 60, "output_tokens": 1056, "total_tokens": 1116,
            "input_tokens_details": {"text_tokens": 10, "image_tokens": 50},
        }  # fmt: skip
        self.keys_seen: list[str] = []
        self._lock = threading.Lock()

    def answer(self, request):
        key = request.headers.get("authorization", "")
        self.keys_seen.append(key)
        if self.wants_key and key != f"Bearer {KEYS['OPENAI_API_KEY']}":
            return error(401, "Incorrect API key provided", "invalid_request_error", code="invalid_api_key")
        with self._lock:
            path = request.path.removeprefix("/v1")
            respond = {
                "/images/generations": self._generations, "/images/edits": self._edits,
                "/moderations": self._moderations, "/chat/completions": self._chat,
            }.get(path)  # fmt: skip
            if respond is None or request.method != "POST":
                return error(404, f"Unknown request URL: {request.method} {request.path}", "invalid_request_error")
            return respond(request)

    # Pictures

    def _generations(self, request):
        return self._pictures(request.json, "image_generation")

    def _edits(self, request):
        fields, files = multipart(request)
        images = [content for name, _, content in files if name in ("image", "image[]")]
        if not images:
            return error(400, "Missing required parameter: 'image'", param="image")
        for name, _, content in files:
            if name == "mask":
                refused = mask_problem(content, images[0])
                if refused:
                    return error(400, refused, param="mask")
        answer = self._pictures(fields, "image_edit")
        if answer.status == 200:
            self.files.append({name: content for name, _, content in files} | {"images": images})
        return answer

    def _pictures(self, body, event):
        refused = picture_problem(body, FIELDS if self.wants_key else FIELDS | {"response_format"})
        if refused is not None:
            return refused
        self.made.append(body)
        count = int(body.get("n", 1))
        kind = body.get("output_format", "png")
        told = {"size": body.get("size", "1024x1024"), "quality": body.get("quality", "auto"), "background": "opaque"}
        told["output_format"] = kind
        if body.get("stream") in (True, "true"):
            return Answer(body=self._stream(body, event, told), headers={"Content-Type": "text/event-stream"})
        data = [{"b64_json": encoded(place, kind)} for place in range(count)]
        return Answer(json={"created": 1, "data": data, "usage": self.tokens, **told})

    def _stream(self, body, event, told):
        told = {"created_at": 1, **told}
        events = [
            {"type": f"{event}.partial_image", "partial_image_index": place, "b64_json": encoded(place), **told}
            for place in range(int(body.get("partial_images", 0)))
        ]
        events.append({"type": f"{event}.completed", "b64_json": encoded(9), "usage": self.tokens, **told})
        return "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in events).encode()

    # Words

    def _moderations(self, request):
        given = request.json.get("input")
        self.judged.append(given)
        parts = [given] if isinstance(given, str) else given
        if parts and isinstance(parts[0], dict):
            texts = [part["text"] for part in parts if part["type"] == "text"]
            pictures = [part for part in parts if part["type"] == "image_url"]
            if len(pictures) > 1 or not all(each["image_url"]["url"].startswith("data:image/") for each in pictures):
                return error(400, "Invalid image", param="input")
            results = [judged(" ".join(texts), bool(texts), bool(pictures))]
        else:
            results = [judged(text, True, False) for text in parts]
        return Answer(json={"id": "modr-1", "model": "omni-moderation-latest", "results": results})

    def _chat(self, request):
        body = request.json
        self.chats.append(body)
        if not body.get("messages"):
            return error(400, "Missing messages", param="messages")
        form = body.get("response_format")
        if form is not None:
            refused = schema_problem(form)
            if refused:
                return error(400, refused, param="response_format")
        message = {"role": "assistant", "content": self.reply.get("content"), "refusal": self.reply.get("refusal")}
        choice = {"index": 0, "message": message, "finish_reason": self.reply.get("finish_reason", "stop")}
        usage = {"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19}
        told = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": body["model"]}
        return Answer(json={**told, "choices": [choice], "usage": usage})


def error(status, message, kind="invalid_request_error", *, code=None, param=None, **headers) -> Answer:
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return Answer(status, json=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


def picture_problem(body, fields):
    """Return what the service says of a call that it does not take."""
    for name in ("model", "prompt"):
        if not body.get(name):
            return error(400, f"Missing required parameter: '{name}'", param=name)
    for name in set(body) - fields:
        return error(400, f"Unknown parameter: '{name}'", code="unknown_parameter", param=name)
    if "forbidden" in body["prompt"]:
        return error(400, "Your request was rejected by the safety system", "user_error", code="moderation_blocked")
    if body.get("quality", "auto") not in QUALITIES:
        return error(400, f"Invalid value: {body['quality']!r}", param="quality")
    size = body.get("size", "auto")
    sides = [int(side) for side in re.findall(r"\d+", size)]
    if size != "auto" and (len(sides) != 2 or any(side % 16 for side in sides)):
        return error(400, f"Invalid size {size!r}: both sides must be divisible by 16", param="size")
    return None


def mask_problem(mask, image):
    with Image.open(io.BytesIO(mask)) as opened, Image.open(io.BytesIO(image)) as first:
        if opened.format != "PNG" or "A" not in opened.getbands():
            return "The mask must be a PNG with an alpha channel"
        return None if opened.size == first.size else "The mask must have the size of the image"


def schema_problem(form):
    """Return what is wrong with a form for answers; strict ones name and require everything."""
    schema = form.get("json_schema", {}).get("schema", {})
    for each in (schema, *schema.get("$defs", {}).values()):
        properties = each.get("properties")
        if properties is None:
            continue
        if each.get("additionalProperties") is not False or set(each.get("required", ())) != set(properties):
            return "Invalid schema: 'required' must name all properties, 'additionalProperties' must be false"
        if any("default" in value for value in properties.values()):
            return "Invalid schema: 'default' is not permitted"
    return None if form.get("type") == "json_schema" and schema else "Invalid response_format"


def judged(text, has_text, has_picture):
    bad = "violent" in text
    scores = {name: 0.9 if bad and name == "violence" else 0.01 for name in CATEGORIES}
    applied = {
        name: [*(["text"] if has_text else []), *(["image"] if has_picture and name in OF_PICTURES else [])]
        for name in CATEGORIES
    }
    return {
        "flagged": bad, "categories": {name: score > 0.5 for name, score in scores.items()},
        "category_scores": scores, "category_applied_input_types": applied,
    }  # fmt: skip


def encoded(place, kind="png") -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32), (20 * place, 90, 160)).save(buffer, kind.upper())
    return base64.b64encode(buffer.getvalue()).decode()


def multipart(request):
    """Return the fields of a form, and its files as (name, file name, content)."""
    message = Message()
    message["content-type"] = request.headers["content-type"]
    fields, files = {}, []
    for part in request.body.split(f"--{message.get_param('boundary')}".encode())[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        names = Message()
        names["content-disposition"] = re.search(rb"(?i)content-disposition: ([^\r]+)", head)[1].decode()
        name = names.get_param("name", header="content-disposition")
        file = names.get_param("filename", header="content-disposition")
        content = content.removesuffix(b"\r\n")
        if file is None:
            fields[name] = content.decode()
        else:
            files.append((name, file, content))
    return fields, files
