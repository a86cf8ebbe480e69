"""Every error of fal has a sentence of its own, that says what to do next and what was paid."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from servers.fal import CDN, KEY, PLATFORM, QUEUE, REST
from servers.internet import Answer
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
)

FLUX = "/fal-ai/flux/dev"
HTML = Answer(502, body=b"<html><h1>502 Bad Gateway</h1>nginx</html>", headers={"Content-Type": "text/html"})


def flat(status, text, kind="", **headers):
    return Answer(status, {"detail": text} | ({"error_type": kind} if kind else {}), headers=headers)


def listed(kind, *, loc=("body", "prompt"), status=422, msg="said by fal", **context):
    item = {"loc": list(loc), "msg": msg, "type": kind, "ctx": context, "input": 7}
    return Answer(status, {"detail": [item]})


SUBMITS = {
    "wrong key": (
        flat(401, "who are you"), KeyRefusedError, "no",
        ["who are you", "environment variable FAL_KEY", "fal.ai/dashboard/keys"]),
    "no balance": (flat(403, "User is locked. Reason: Exhausted balance."), AccountError, "no", ["billing"]),
    "no access": (flat(403, "not for you"), AccountError, "no", ["not for you", "scopes"]),
    "gone": (flat(404, "Application not found"), EndpointGoneError, "no", ["fal-ai/flux/dev", "models refresh"]),
    "arguments": (listed("missing"), ParametersRefusedError, "no", ["prompt: is required"]),
    "body": (flat(422, "cannot read it"), ParametersRefusedError, "no", ["cannot read it"]),
    "queue full": (flat(429, "slow down"), RateLimitError, "no", ["slow down"]),
    "not now": (flat(503, "no runner", "runner_scheduling_failure"), ServiceDownError, "no", ["no runner", "503"]),
    "failed": (flat(500, "oops", "internal_error"), LostAnswerError, "unclear", ["oops", "500"]),
    "ingress": (HTML, LostAnswerError, "unclear", ["502 Bad Gateway nginx"]),
    "late": (flat(504, "took long"), LostAnswerError, "unclear", ["took long"]),
    "teapot": (flat(418, "short and stout"), ServiceError, "no", ["418", "short and stout"]),
    "malformed": (Answer(body=b'{"half": '), LostAnswerError, "unclear", ["may have accepted"]),
    "no id": (Answer(json={"status": "IN_QUEUE"}), LostAnswerError, "unclear", ["'request_id' is missing"]),
    "strange id": (
        Answer(json=dict.fromkeys(("request_id", "response_url", "status_url", "cancel_url"), "../x")),
        LostAnswerError, "unclear", ["'../x' is no id"],
    ),
    "a list": (Answer(json=[1]), LostAnswerError, "unclear", ["not what it should be"]),
}  # fmt: skip


def said(error, cls, paid, words):
    assert type(error) is cls or (cls is ServiceError and isinstance(error, ServiceError))
    assert error.paid == paid
    assert [word for word in words if word not in str(error)] == [], str(error)
    assert str(error).startswith("fal: ")
    assert KEY not in str(error)


@pytest.mark.parametrize("case", SUBMITS)
def test_a_refused_submit_says_why_and_that_nothing_was_paid_where_that_is_sure(case, place, net):
    answer, cls, paid, words = SUBMITS[case]
    net.misbehave(QUEUE, answer, method="POST")

    with pytest.raises(ServiceError) as caught:
        place.submitted()

    said(caught.value, cls, paid, words)


STATES = {
    "wrong key": (flat(401, "who"), KeyRefusedError, "no", ["who"]),
    "unknown job": (Answer(404, {"status": "NOT_FOUND"}), ResultExpiredError, "unclear", ["NOT_FOUND"]),
    "too many": (flat(429, "slow down"), RateLimitError, "no", ["slow down"]),
    "failed": (flat(500, "oops"), ServiceDownError, "no", ["oops"]),
    "ingress": (HTML, ServiceDownError, "no", ["502 Bad Gateway", "on the way"]),
    "malformed": (Answer(body=b"{"), ServiceDownError, "no", ["not what it should be"]),
    "no status": (Answer(json={"logs": None}), ServiceDownError, "no", ["'status' is missing"]),
    "unknown word": (Answer(json={"status": "SLEEPING"}), ServiceDownError, "no", ["'SLEEPING'"]),
    "no object": (Answer(json="soon"), ServiceDownError, "no", ["not what it should be"]),
}


@pytest.mark.parametrize("case", STATES)
def test_trouble_with_a_state_is_told_and_may_pass(case, place, net):
    answer, cls, paid, words = STATES[case]
    context, ticket = place.submitted()
    net.misbehave(QUEUE, answer, method="GET")

    with pytest.raises(ServiceError) as caught:
        place.service.state(ticket, context)

    assert isinstance(caught.value, cls)
    assert caught.value.paid == paid
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)
    assert place.service.state(ticket, context).stage == "ended"


@pytest.mark.parametrize("ask", ["state", "result"])
def test_answers_that_stay_malformed_end_the_questions_and_leave_the_job_to_be_fetched(ask, place, net):
    context, ticket = place.ended()
    net.misbehave(QUEUE, "malformed", method="GET", times=99)

    for _ in range(5):
        with pytest.raises(ServiceDownError):
            getattr(place.service, ask)(ticket, context)
    with pytest.raises(BadAnswerError, match="6 times in a row") as caught:
        getattr(place.service, ask)(ticket, context)

    assert (caught.value.paid, caught.value.can_be_fetched) == ("unclear", True)


RESULTS = {
    "content": (
        listed("content_policy_violation", msg="not that"), ContentRefusedError, "unclear", ["policy", "not that"]),
    "nothing made": (listed("no_media_generated"), ContentRefusedError, "unclear", ["made nothing"]),
    "model failed": (listed("internal_server_error", status=500), ServiceError, "no", ["the model has failed"]),
    "model too slow": (listed("generation_timeout", status=504), ServiceError, "no", ["longer than fal allows"]),
    "provider": (listed("downstream_service_error", status=400), ServiceError, "no", ["provider"]),
    "provider down": (listed("downstream_service_unavailable", status=500), ServiceError, "no", ["provider"]),
    "runner": (flat(503, "gone", "runner_disconnected"), ServiceError, "no", ["went away", "gone"]),
    "runner error": (flat(500, "boom", "runner_server_error"), ServiceError, "no", ["boom"]),
    "not begun": (flat(504, "waited", "request_timeout"), ServiceError, "no", ["not begun in time"]),
    "by header": (
        Answer(500, {"detail": "x"}, headers={"X-Fal-Error-Type": "startup_timeout"}), ServiceError, "no",
        ["no machine"]),
    "cancelled": (flat(499, "bye", "client_cancelled"), ServiceError, "unclear", ["was cancelled there"]),
    "bad request": (flat(400, "hm", "bad_request"), ParametersRefusedError, "no", ["hm"]),
    "new kind": (flat(500, "hm", "new_kind"), ServiceError, "unclear", ["new_kind", "hm"]),
    "no such thing": (flat(404, "hm", "url_error"), ServiceError, "unclear", ["url_error"]),
    "account": (flat(403, "User is locked."), AccountError, "no", ["billing"]),
    "text only": (flat(422, "bad size"), ParametersRefusedError, "no", ["bad size"]),
    "missing": (listed("missing", loc=("body", "prompt")), ParametersRefusedError, "no", ["prompt: is required"]),
    "too low": (listed("greater_than", gt=8), ParametersRefusedError, "no", ["more than 8, and is 7"]),
    "at least": (listed("greater_than_equal", ge=8), ParametersRefusedError, "no", ["at least 8"]),
    "too high": (listed("less_than", lt=5), ParametersRefusedError, "no", ["less than 5"]),
    "at most": (listed("less_than_equal", le=5), ParametersRefusedError, "no", ["at most 5"]),
    "multiple": (listed("multiple_of", multiple_of=8), ParametersRefusedError, "no", ["multiple of 8"]),
    "few": (listed("sequence_too_short", min_length=2), ParametersRefusedError, "no", ["at least 2 items"]),
    "many": (listed("sequence_too_long", max_length=2), ParametersRefusedError, "no", ["at most 2 items"]),
    "choice": (listed("one_of", expected=["a", "b"]), ParametersRefusedError, "no", ["one of 'a', 'b'"]),
    "small": (
        listed("image_too_small", min_width=64, min_height=32), ParametersRefusedError, "no", ["64 × 32 pixels"]),
    "large": (listed("image_too_large", max_width=9, max_height=8), ParametersRefusedError, "no", ["9 × 8 pixels"]),
    "unread": (listed("image_load_error"), ParametersRefusedError, "no", ["cannot be read there"]),
    "unfetched": (listed("file_download_error"), ParametersRefusedError, "no", ["cannot be fetched there"]),
    "faceless": (listed("face_detection_error"), ParametersRefusedError, "no", ["no face"]),
    "heavy": (listed("file_too_large", max_size=99), ParametersRefusedError, "no", ["99 bytes"]),
    "feature": (listed("feature_not_supported"), ParametersRefusedError, "no", ["not possible"]),
    "archive": (listed("invalid_archive", msg="no zip"), ParametersRefusedError, "no", ["no zip"]),
    "long sound": (listed("audio_duration_too_long", max_duration=5), ParametersRefusedError, "no", ["5 s of sound"]),
    "short video": (listed("video_duration_too_short", min_duration=5), ParametersRefusedError, "no", ["5 s of video"]),
    "format": (
        listed("unsupported_audio_format", supported_formats=["wav"]), ParametersRefusedError, "no", ["only 'wav'"]),
    "no context": (listed("less_than_equal", msg="too much"), ParametersRefusedError, "no", ["too much, and is 7"]),
    "nameless": (listed("value_error", loc=()), ParametersRefusedError, "no", ["request: said by fal"]),
    "inside": (
        listed("value_error", loc=("body", "elements", 0, "url")), ParametersRefusedError, "no",
        ["elements: at [0].url said by fal"]),
}  # fmt: skip


@pytest.mark.parametrize("case", RESULTS)
def test_a_failed_job_says_why_and_what_was_paid(case, place, fal):
    answer, cls, paid, words = RESULTS[case]
    fal.fail_next(answer, error="Invalid status code")
    context, ticket = place.ended()

    with pytest.raises(ServiceError) as caught:
        place.service.result(ticket, context)

    said(caught.value, cls, paid, words)


def test_a_parameter_that_is_refused_has_the_name_of_the_request(place, fal, cards):
    fal.fail_next(listed("one_of", loc=("body", "model"), expected=["x"]), error="422")
    context = place.context("fal/sync_lipsync_2")
    ticket = place.service.submit(place.service.prepare(place.request_of(context.card), context), context)
    place.service.state(ticket, context)

    with pytest.raises(ParametersRefusedError, match="model_version") as caught:
        place.service.result(ticket, context)

    assert [problem.field for problem in caught.value.problems] == ["model_version"]


def test_what_the_state_said_of_a_failure_counts_when_the_result_says_nothing(place, fal):
    fal.fail_next(Answer(500, {"detail": "x"}), error="the disk was full", error_type="runner_server_error")
    context, ticket = place.ended()

    with pytest.raises(ServiceError, match=r"runner_server_error \(the disk was full\).*Nothing was charged") as caught:
        place.service.result(ticket, context)

    assert not isinstance(caught.value, ServiceDownError)  # that would be asked again for hours


def test_a_failure_of_fal_that_says_nothing_is_not_the_last_word_at_once(place, fal):
    fal.fail_next(Answer(500, {"detail": "x"}))
    context, ticket = place.ended()
    for _ in range(5):
        with pytest.raises(ServiceDownError):
            place.service.result(ticket, context)

    with pytest.raises(BadAnswerError) as caught:
        place.service.result(ticket, context)

    assert (caught.value.paid, caught.value.can_be_fetched) == ("unclear", True)


def test_a_result_that_fal_has_deleted_was_paid(place, fal):
    context, ticket = place.ended()
    fal.forget(ticket.remote_id)

    with pytest.raises(ResultExpiredError, match="deleted the result") as caught:
        place.service.result(ticket, context)

    assert caught.value.paid == "yes"


def test_a_result_asked_for_too_early_is_asked_for_again(place, fal):
    fal.seconds = 60
    context, ticket = place.submitted()

    with pytest.raises(ServiceDownError, match="still in progress"):
        place.service.result(ticket, context)


def test_an_answer_without_a_file_was_paid_and_tells_what_came(place, fal):
    fal.answers["fal-ai/flux/dev"] = lambda _job, _answer: Answer(json={"images": [], "note": "all black"})
    context, ticket = place.ended()

    with pytest.raises(BadAnswerError, match=r"images\[\].*all black") as caught:
        place.service.result(ticket, context)

    assert caught.value.paid == "yes"


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("0.5", 0.5), ("soon", None), ("99999", 3600.0)])
def test_a_refusal_tells_how_long_to_wait(header, seconds, place, net):
    net.misbehave(QUEUE, flat(429, "slow", **{"Retry-After": header}), method="POST")

    with pytest.raises(RateLimitError) as caught:
        place.submitted()

    assert caught.value.retry_after_s == seconds


def test_a_refusal_may_tell_until_when_to_wait(place, net):
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    net.misbehave(QUEUE, flat(429, "slow", **{"Retry-After": until}), method="POST")

    with pytest.raises(RateLimitError) as caught:
        place.submitted()

    assert caught.value.retry_after_s == pytest.approx(100, abs=3)


def test_a_wrong_certificate_is_told_and_nothing_is_sent_elsewhere_either(place, net, fal):
    net.show_wrong_certificate(QUEUE)

    with pytest.raises(InsecureConnectionError, match=QUEUE):
        place.submitted()

    assert fal.submits == []


def test_a_wrong_certificate_of_the_storage_is_told(place, net, cards):
    net.show_wrong_certificate(REST)
    card = cards["fal/sync_lipsync_2"]

    with pytest.raises(InsecureConnectionError, match=REST):
        place.service.prepare(place.request_of(card), place.context(card.id))


def test_a_service_that_cannot_be_reached_is_down(place, net):
    net.unplug()

    with pytest.raises(ServiceDownError, match=r"queue\.fal\.run cannot be reached"):
        place.submitted()


def test_the_other_domain_is_tried_when_the_first_cannot_be_connected_to(place, monkeypatch, caplog):
    monkeypatch.delenv("HTTPS_PROXY")
    monkeypatch.delenv("https_proxy")

    with pytest.raises(ServiceDownError):
        place.submitted()

    assert "trying backup domain queue.falrun.com" in caplog.text


def test_a_missing_key_says_where_to_put_one(place, monkeypatch):
    monkeypatch.delenv("FAL_KEY")

    with pytest.raises(KeyRefusedError, match="FAL_KEY"):
        place.submitted()
    assert "FAL_KEY" in place.engine.unavailable(place.cards["fal/flux_1_dev"])


def test_a_key_in_what_a_service_says_is_not_repeated(place, net):
    net.misbehave(QUEUE, flat(403, f"the key {KEY} is bad"), method="POST")

    with pytest.raises(AccountError) as caught:
        place.submitted()

    assert KEY not in str(caught.value) + repr(caught.value) + caught.value.text


def test_a_failing_upload_says_so(place, net, fal, cards):
    for host in (CDN, REST):
        net.misbehave(host, flat(500, "storage is full"), method="POST", path=".*(upload).*", times=9)

    with pytest.raises(ServiceDownError, match="storage is full"):
        place.service.prepare(place.request_of(cards["fal/sync_lipsync_2"]), place.context("fal/sync_lipsync_2"))


def test_a_malformed_answer_to_an_upload_says_so(place, net, fal, cards):
    net.misbehave(REST, "malformed", times=9)

    with pytest.raises(BadAnswerError, match="an upload"):
        place.service.prepare(place.request_of(cards["fal/sync_lipsync_2"]), place.context("fal/sync_lipsync_2"))


def test_a_price_that_cannot_be_had_fails_nothing(place, net):
    net.misbehave(PLATFORM, flat(500, "x"), times=9)
    context, ticket = place.ended()

    result = place.service.result(ticket, context)

    assert result.cost_usd is None
    assert result.report["billable_units"] == 1
