"""Each error of Replicate says what happened, what was paid, and nothing of the key."""

import pytest

from servers.connections import KEYS
from servers.internet import Answer
from servers.replicate import API, Script, invalid, problem
from studio_kernel.domain.events import Progress
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
    ResultExpiredError,
    ServiceDownError,
    ServiceError,
    ServiceTimeoutError,
)
from studio_kernel.settings import ServiceSettings

KEY = KEYS["REPLICATE_API_TOKEN"]
THROTTLED = problem(429, "Too many requests", "Request was throttled. Your rate limit resets in ~1s.")


def failing(bench, error=ServiceError, **values):
    with pytest.raises(error) as caught:
        bench.run(**values)
    assert KEY not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (problem(401, "Unauthenticated", f"Invalid token {KEY}"), KeyRefusedError, "account/api-tokens"),
        (problem(402, "Payment required", "You have insufficient credit"), AccountError, "account/billing"),
        (problem(403, "Forbidden", "Not for you"), AccountError, "Not for you"),
        (problem(404, "Not found", "No such model"), EndpointGoneError, "flux-schnell"),
        (problem(410, "Gone", "Deleted"), ResultExpiredError, "Deleted"),
        (problem(400, "Bad request", "Broken body"), ParametersRefusedError, "Broken body"),
        (Answer(409, body=b"<html>odd</html>"), ParametersRefusedError, "odd"),
    ],
)
def test_a_refusal_names_its_reason_and_that_nothing_was_charged(bench, answer, error, says):
    bench.net.misbehave(API, answer, path=".*predictions")
    caught = failing(bench, error)

    assert says in str(caught)
    assert caught.paid == "no"
    assert bench.site.created == []


def test_refused_parameters_are_named_as_the_request_names_them(bench):
    bench.net.misbehave(API, invalid("input.num_outputs", "Must be less than or equal to 4"), path=".*predictions")
    caught = failing(bench, ParametersRefusedError, num_images=9)

    assert [str(problem) for problem in caught.problems] == ["num_images: Must be less than or equal to 4"]


def test_refused_parameters_are_found_in_a_text_too(bench):
    text = "- input.num_outputs: Must be small\n- input.aspect_ratio: Unknown\n"
    bench.net.misbehave(API, problem(422, "Input validation failed", text), path=".*predictions")

    assert [each.field for each in failing(bench, ParametersRefusedError).problems] == ["num_images", "aspect_ratio"]


def test_a_missing_parameter_is_named(bench):
    bench.net.misbehave(API, invalid("input", "prompt is required"), path=".*predictions")

    assert [each.field for each in failing(bench, ParametersRefusedError).problems] == ["prompt"]


def test_an_unknown_version_is_no_mistake_in_the_parameters(bench):
    refused = problem(422, "Invalid version or not permitted", "The specified version does not exist")
    bench.net.misbehave(API, refused, path=".*predictions")

    assert "no such version" in str(failing(bench, EndpointGoneError))


def test_too_many_requests_are_waited_out_as_long_as_the_text_says(bench):
    bench.net.misbehave(API, THROTTLED, path=".*predictions", times=1)
    stages = [event.stage for event in bench.run() if isinstance(event, Progress)]

    assert any("trying again" in stage for stage in stages)
    assert len(bench.site.created) == 1


def test_too_many_requests_for_too_long_fail_without_a_charge(bench):
    bench.net.misbehave(API, THROTTLED, path=".*predictions", times=99)
    caught = failing(bench, RateLimitError)

    assert (caught.retry_after_s, caught.paid) == (1.0, "no")


def test_a_retry_after_header_goes_before_the_text(bench):
    bench.net.misbehave(
        API, Answer(429, json={"detail": "resets in ~30s"}, headers={"Retry-After": "0.2"}), path=".*predictions"
    )

    assert len(bench.run()) > 3


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("CUDA out of memory", ServiceError),
        ("NSFW content detected. Try running it again", ContentRefusedError),
        ("The input or output was flagged as sensitive. Please try again. (E005)", ContentRefusedError),
    ],
)
def test_a_failed_prediction_says_why_and_may_be_charged(bench, error, kind):
    bench.site.script = Script(status="failed", error=error)
    caught = failing(bench, kind)

    assert type(caught) is kind
    assert error.rstrip(".")[:12] in str(caught)
    assert caught.paid == "unclear"


def test_an_aborted_prediction_is_not_charged(bench):
    bench.site.script = Script(status="aborted")

    assert failing(bench).paid == "no"


def test_a_prediction_that_was_cancelled_at_the_service_fails(bench):
    bench.site.script = Script(status="canceled")

    assert "was cancelled at Replicate" in str(failing(bench))


def test_a_service_that_is_down_for_a_moment_is_asked_again(bench):
    bench.net.misbehave(API, problem(503, "Unavailable", "Try later"), method="GET", path=".*predictions.*", times=2)

    assert len(bench.run()) > 3
    assert len(bench.site.created) == 1


def test_answers_that_cannot_be_read_are_bad_answers(bench):
    bench.net.misbehave(API, "malformed", method="GET", path=".*predictions/.*")

    assert "cannot be read" in str(failing(bench, BadAnswerError))


def test_an_untrusted_certificate_is_refused(bench):
    bench.net.show_wrong_certificate(API)

    assert failing(bench, InsecureConnectionError).paid == "no"
    assert bench.net.seen == []


def test_a_service_that_cannot_be_reached_fails_without_a_charge(bench):
    bench.net.unplug()

    assert failing(bench, ServiceDownError).paid == "no"


def test_an_endless_job_is_cancelled_at_the_service(bench):
    bench.engine.configure(ServiceSettings(image_timeout_s=0.3))
    bench.site.script = Script(looks=10_000)
    caught = failing(bench, ServiceTimeoutError)

    assert "image_timeout_s" in str(caught)
    assert bench.site.cancelled == ["pred00000000"]


def test_an_accepted_job_of_which_no_id_is_told_is_never_made_again_unasked(bench):
    bench.site.script = Script(looks=1)
    bench.net.misbehave(API, Answer(201, json={"status": "starting"}), path=".*flux-schnell/predictions", times=1)
    bench.site.hidden_s = 99
    bench.site.add("black-forest-labs/flux-schnell", {"prompt": "another"})
    bench.engine.configure(ServiceSettings(lookup_s=0.1))

    assert failing(bench, LostAnswerError).paid == "unclear"


def test_without_a_key_it_says_where_to_get_one(bench, monkeypatch):
    monkeypatch.delenv("REPLICATE_API_TOKEN")

    assert "https://replicate.com/account/api-tokens" in bench.engine.unavailable(bench.card)
