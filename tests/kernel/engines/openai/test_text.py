"""Texts of a language model at OpenAI, or on this machine."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest

from servers.internet import Request
from servers.openai import API, OpenAI
from studio_kernel import keys
from studio_kernel.engines.base import CancelToken
from studio_kernel.engines.openai.text import Message, TextEndpoint, strict_form
from studio_kernel.errors import (
    BadAnswerError,
    Cancelled,
    ContentRefusedError,
    KeyRefusedError,
    ServiceDownError,
    ServiceTimeoutError,
)

ASKED = [Message("system", "Be short."), Message("user", "a boat")]


class Style(msgspec.Struct):
    name: str
    weight: float = 1.0


class Refined(msgspec.Struct):
    prompt: str
    styles: list[Style] = []
    note: str | None = None


@pytest.fixture
def endpoint(bench):
    return TextEndpoint(f"https://{API}/v1", "some-model", keys.find("openai"))


def test_a_chat_is_answered(bench, endpoint):
    answer = endpoint.complete(ASKED)

    assert answer.content == "a boat, painted in oil"
    assert (answer.model, answer.input_tokens, answer.output_tokens) == ("some-model", 12, 7)
    assert bench.site.chats[0]["messages"][0] == {"role": "system", "content": "Be short."}


def test_a_form_is_asked_for_strictly_and_read(bench, endpoint):
    bench.site.reply["content"] = json.dumps(
        {"prompt": "a boat", "styles": [{"name": "oil", "weight": 0.5}], "note": None}
    )
    answer = endpoint.complete(ASKED, Refined)

    assert answer.content == Refined("a boat", [Style("oil", 0.5)], None)
    assert bench.site.chats[0]["response_format"]["json_schema"]["strict"] is True


def test_a_strict_form_requires_everything_and_has_no_defaults():
    schema = strict_form(Refined)["json_schema"]["schema"]

    assert schema["required"] == ["prompt", "styles", "note"]
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Style"]["required"] == ["name", "weight"]
    assert "default" not in json.dumps(schema)


@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        ({"content": None, "refusal": "I cannot help with that."}, ContentRefusedError, "cannot help"),
        ({"content": "half", "finish_reason": "content_filter"}, ContentRefusedError, "filtered"),
        ({"content": '{"prompt": "a bo', "finish_reason": "length"}, BadAnswerError, "cut off"),
        ({"content": " "}, BadAnswerError, "empty"),
        ({"content": '{"prompt": 3}'}, BadAnswerError, "not of the form"),
    ],
)
def test_answers_that_are_none_say_why(bench, endpoint, reply, kind, says):
    bench.site.reply = reply
    with pytest.raises(kind, match=says) as caught:
        endpoint.complete(ASKED, Refined)

    assert caught.value.paid == "yes"


def test_a_lost_answer_is_a_broken_connection(bench, endpoint):
    bench.net.misbehave(API, "drop after")
    with pytest.raises(ServiceDownError):
        endpoint.complete(ASKED)


def test_an_answer_that_does_not_come_ends_in_time(bench):
    bench.net.hold()
    bench.net.misbehave(API, "hang")
    with pytest.raises(ServiceTimeoutError):
        TextEndpoint(f"https://{API}/v1", "some-model", limit_s=0.3).complete(ASKED)


def test_waiting_can_be_cancelled(bench, endpoint):
    bench.net.hold()
    bench.net.misbehave(API, "hang")
    cancel = CancelToken()
    threading.Timer(0.2, cancel.cancel).start()

    with pytest.raises(Cancelled):
        endpoint.complete(ASKED, cancel=cancel)


def test_a_key_that_is_wanted_and_missing_is_named(bench):
    with pytest.raises(KeyRefusedError, match="wants a key"):
        TextEndpoint(f"https://{API}/v1", "some-model").complete(ASKED)


@pytest.fixture
def local():
    """A server on this machine, without encryption and without keys."""
    site = OpenAI(wants_key=False)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = site.answer(Request("POST", "127.0.0.1", self.path, {}, headers, body))
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield site, f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    server.server_close()


def test_a_server_on_this_machine_answers_without_a_key(local):
    site, address = local
    answer = TextEndpoint(address, "local-model").complete(ASKED)

    assert answer.content == "a boat, painted in oil"
    assert site.keys_seen == [""]


def test_an_address_that_is_none_is_refused():
    with pytest.raises(ValueError, match="begins with https"):
        TextEndpoint("localhost:8080", "model")
