"""Each error of OpenAI says what happened and what was paid; what may have been paid is never asked for twice."""

import pytest

from servers.connections import KEYS
from servers.internet import Answer
from servers.openai import API, error
from studio_kernel.errors import (
    AccountError,
    BadAnswerError,
    ContentRefusedError,
    EndpointGoneError,
    InsecureConnectionError,
    KeyRefusedError,
    LostAnswerError,
    ParametersRefusedError,
    RateLimitError,
    ServiceDownError,
    ServiceError,
    ServiceTimeoutError,
)
from studio_kernel.settings import ServiceSettings

KEY = KEYS["OPENAI_API_KEY"]


def failing(bench, kind=ServiceError, **values):
    with pytest.raises(kind) as caught:
        bench.run(**values)
    assert KEY not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (error(401, f"Incorrect API key provided: {KEY}"), KeyRefusedError, "platform.openai.com/api-keys"),
        (error(403, "Organization must be verified"), AccountError, "must be verified"),
        (error(404, "The model does not exist", code="model_not_found"), EndpointGoneError, "does not exist"),
        (error(429, "You exceeded your quota", code="insufficient_quota"), AccountError, "billing"),
        (error(400, "Hard limit", code="billing_hard_limit_reached"), AccountError, "Hard limit"),
        (error(400, "Blocked", code="moderation_blocked"), ContentRefusedError, "change the prompt"),
        (error(422, "Odd"), ParametersRefusedError, "Odd"),
        (Answer(302, headers={"Location": "https://elsewhere.example/"}), BadAnswerError, "sends requests elsewhere"),
    ],
)
def test_a_refusal_is_not_charged_and_not_repeated(bench, answer, kind, says):
    bench.net.misbehave(API, answer, times=9)
    caught = failing(bench, kind)

    assert says in str(caught)
    assert caught.paid == "no"
    assert len(bench.net.seen) == 1


def test_the_service_refuses_content_itself(bench):
    assert failing(bench, ContentRefusedError, prompt="something forbidden").paid == "no"


def test_a_refused_parameter_is_named_as_the_request_names_it(bench):
    caught = failing(bench, ParametersRefusedError, image_size=(1000, 1000))

    assert caught.problems[0].field == "image_size"
    assert "divisible by 16" in caught.problems[0].message


def test_too_many_requests_are_waited_out(bench):
    bench.net.misbehave(API, error(429, "Slow down", code="rate_limit_exceeded", Retry_After="0.3"), times=2)
    bench.run()

    assert len(bench.net.seen) == 3
    assert len(bench.site.made) == 1


def test_too_many_requests_for_too_long_are_not_charged(bench):
    bench.net.misbehave(API, error(429, "Slow down", Retry_After="0.4"), times=99)
    caught = failing(bench, RateLimitError)

    assert (caught.retry_after_s, caught.paid) == (0.4, "no")


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_failure_of_the_service_may_be_charged_and_is_not_repeated(bench, status):
    bench.net.misbehave(API, error(status, "Oops"), times=9)

    assert failing(bench, ServiceDownError).paid == "unclear"
    assert len(bench.net.seen) == 1


@pytest.mark.parametrize("fault", ["drop before", "drop after", "truncate"])
def test_a_lost_answer_may_be_charged_and_is_not_repeated(bench, fault):
    bench.net.misbehave(API, fault, times=9)
    caught = failing(bench, LostAnswerError)

    assert caught.paid == "unclear"
    assert len(bench.net.seen) == 1
    assert len(bench.site.made) == (0 if fault == "drop before" else 1)


@pytest.mark.parametrize("fault", ["malformed", "html"])
def test_an_answer_that_cannot_be_read_may_be_charged(bench, fault):
    bench.net.misbehave(API, fault, times=9)

    assert failing(bench, BadAnswerError).paid == "unclear"
    assert len(bench.site.made) == 1


def test_a_picture_that_cannot_be_read_was_paid_for(bench):
    bench.net.misbehave(API, Answer(json={"created": 1, "data": [{"b64_json": "bm8gcGljdHVyZQ=="}]}))

    assert failing(bench, BadAnswerError).paid == "yes"


def test_an_answer_without_pictures_is_a_bad_answer(bench):
    bench.net.misbehave(API, Answer(json={"created": 1, "data": []}))

    assert "pictures missing" in str(failing(bench, BadAnswerError))


@pytest.mark.parametrize("fault", ["hang", "slow"])
def test_an_endless_answer_ends_in_time(bench, fault):
    bench.engine.configure(ServiceSettings(image_timeout_s=0.4))
    bench.net.hold()
    bench.net.misbehave(API, fault)
    caught = failing(bench, ServiceTimeoutError)

    assert "0.4 s" in str(caught)
    assert caught.paid == "unclear"


def test_an_untrusted_certificate_is_refused(bench):
    bench.net.show_wrong_certificate(API)

    assert failing(bench, InsecureConnectionError).paid == "no"
    assert bench.net.seen == []


def test_a_service_that_cannot_be_reached_is_tried_for_a_while(bench):
    bench.net.unplug()

    assert failing(bench, ServiceDownError).paid == "no"


def test_an_error_in_a_stream_is_an_error(bench):
    event = b'data: {"type": "error", "error": {"code": "moderation_blocked", "message": "Not that"}}\n\n'
    bench.net.misbehave(API, Answer(body=event, headers={"Content-Type": "text/event-stream"}))

    assert "Not that" in str(failing(bench, ContentRefusedError, partial_images=1))


def test_without_a_key_it_says_where_to_get_one(bench, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")

    assert "https://platform.openai.com/api-keys" in bench.engine.unavailable(bench.card)
