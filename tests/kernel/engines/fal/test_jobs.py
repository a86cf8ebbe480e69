"""A job at fal: sent once, found again, cancelled there, told with its progress and its cost."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from fal_jobs import FILES, QUICK
from servers.fal import KEY, PLATFORM, QUEUE
from servers.internet import Answer
from studio_kernel.domain.events import WAITING, Answered, Finished, Produced, Progress, Started, Ticket
from studio_kernel.domain.model import ModelSource
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.tasks import Task
from studio_kernel.engines.base import CancelToken
from studio_kernel.engines.fal import FalEngine
from studio_kernel.errors import Cancelled, InvalidInputError, LostAnswerError, RateLimitError, ServiceError
from studio_kernel.settings import ServiceSettings
from waiting import until

FLUX = "/fal-ai/flux/dev"


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def test_a_picture_is_made_with_what_fal_says_of_it(place, fal):
    events = place.events(place.request(num_images=2, seed=7))

    (started,), (ticket,), (answered,) = of(Started, events), of(Ticket, events), of(Answered, events)
    assert started.provenance["endpoint"] == "fal-ai/flux/dev"
    assert set(started.provenance) == {"service", "endpoint", "fal_client"}
    assert ticket.remote_id == fal.submits[0].id
    assert ticket.urls["result"] == f"https://{QUEUE}/fal-ai/flux/requests/{ticket.remote_id}"
    assert answered.cost_usd == pytest.approx(2 * 0.025)
    assert answered.report["seed"] == 7
    assert answered.report["has_nsfw_concepts"] == (False, False)
    assert answered.report["billable_units"] == 2
    assert [file.seed for file in of(Produced, events)] == [7, 7]
    assert of(Finished, events)


def test_no_header_of_a_submit_limits_a_job_or_asks_for_anything(place, fal):
    place.submitted()

    assert not [name for name in fal.submits[0].headers if name.startswith(("x-fal", "x-app"))]


def test_a_dropped_submit_is_not_repeated(place, net, fal):
    net.misbehave(QUEUE, "drop after", method="POST")

    with pytest.raises(LostAnswerError) as caught:
        place.submitted()

    assert len(fal.submits) == 1
    assert caught.value.paid == "unclear"


def test_a_job_whose_acceptance_was_lost_is_found_and_not_sent_again(place, net, fal):
    fal.seconds = 0.3  # requests that are worked on are not listed
    net.misbehave(QUEUE, "drop after", method="POST")

    events = place.events(place.request(seed=1))

    assert len(fal.submits) == 1
    assert of(Ticket, events)[0].remote_id == fal.submits[0].id
    assert of(Produced, events)


def test_a_job_that_an_earlier_process_has_sent_is_found_with_its_uploads(place, fal):
    request = place.request_of(place.cards["fal/sync_lipsync_2"])
    context = place.context("fal/sync_lipsync_2")
    since = datetime.now(UTC)
    place.service.submit(place.service.prepare(request, context), context)
    later = FalEngine(QUICK)

    events = list(later.stream(request, place.context("fal/sync_lipsync_2", sent_at=since)))
    later.close()

    assert len(fal.submits) == 1
    assert of(Ticket, events)[0].remote_id == fal.submits[0].id


def looked_for(place, since, **fields):
    context = place.context(**fields)
    return place.another().look_for(place.service.prepare(place.request(), context), context, since)


def test_only_a_request_that_was_sent_afterwards_is_the_one_looked_for(place):
    place.ended()

    assert looked_for(place, datetime.now(UTC) + timedelta(seconds=30)).ticket is None
    assert looked_for(place, datetime.now(UTC)).ticket is not None


def test_a_request_with_other_arguments_is_not_the_one_looked_for(place):
    place.ended(guidance_scale=2)

    assert looked_for(place, datetime.now(UTC)).ticket is None


def test_a_request_of_another_run_is_not_the_one_looked_for(place, fal):
    place.ended()

    assert looked_for(place, datetime.now(UTC), is_taken=lambda name: name == fal.submits[0].id).ticket is None


def test_two_lost_jobs_that_are_equal_are_found_each_once(place, net, fal):
    net.misbehave(QUEUE, "drop after", method="POST", times=2)
    since, context = datetime.now(UTC), place.context()
    payload = place.service.prepare(place.request(), context)
    for _ in range(2):
        with pytest.raises(LostAnswerError):
            place.service.submit(payload, context)

    found = [place.service.look_for(payload, context, since).ticket for _ in range(3)]

    assert {ticket.remote_id for ticket in found[:2]} == {job.id for job in fal.submits}
    assert found[2] is None


def test_lost_jobs_that_are_equal_are_found_each_once_by_runs_that_look_at_the_same_time(place, net, fal):
    net.misbehave(QUEUE, "drop after", method="POST", times=8)
    request = place.request()

    with ThreadPoolExecutor(8) as pool:
        place.engine.configure(ServiceSettings(concurrency=8))
        runs = list(pool.map(lambda _: of(Ticket, place.events(request))[0].remote_id, range(8)))

    assert len(fal.submits) == 8
    assert sorted(runs) == sorted(job.id for job in fal.submits)


def test_a_lost_job_is_found_behind_many_others(place, fal, net):
    since = datetime.now(UTC)
    place.ended(prompt="the one")
    for number in range(130):
        place.submitted(prompt=f"another {number}")
    context = place.context()
    payload = place.service.prepare(place.request(prompt="the one"), context)

    found = place.another().look_for(payload, context, since).ticket

    assert found.remote_id == fal.submits[0].id
    assert len(net.requests(path="/v1/models/requests/by-endpoint")) == 2


def test_not_finding_a_job_is_not_certain(place):
    assert looked_for(place, datetime.now(UTC)).is_certain is False


def test_a_list_of_requests_that_is_refused_leaves_the_job_unclear_at_once(place, net):
    refusal = Answer(403, {"error": {"type": "authorization_error", "message": "admin keys only"}})
    net.misbehave(PLATFORM, refusal)

    with pytest.raises(LostAnswerError, match="admin keys only") as caught:
        looked_for(place, datetime.now(UTC))

    assert caught.value.paid == "unclear"


def test_a_cancelled_job_is_cancelled_at_fal(place, fal):
    fal.seconds = 60
    cancel = CancelToken()

    def follow():
        for event in place.engine.stream(place.request(), place.context(cancel=cancel)):
            if isinstance(event, Progress):
                cancel.cancel()

    with pytest.raises(Cancelled):
        follow()

    assert fal.cancels == [fal.submits[0].id]


def test_a_cancellation_that_comes_too_late_says_so(place):
    context, ticket = place.ended()

    assert place.service.cancel(ticket, context) is False
    assert place.service.result(ticket, context).files


def test_a_job_that_fal_does_not_know_needs_no_cancellation(place):
    assert place.service.cancel(Ticket("019a0000-0000-7000-8000-000000000001"), place.context()) is True


def test_a_job_that_was_cancelled_at_fal_ends(place, fal):
    fal.seconds = 60
    context, ticket = place.submitted()
    assert place.service.cancel(ticket, context) is True

    assert place.service.state(ticket, context).stage == "ended"
    with pytest.raises(ServiceError, match="was cancelled there"):
        place.service.result(ticket, context)


def test_a_job_is_taken_up_by_another_process_with_its_ticket(place, fal):
    _context, ticket = place.submitted()
    later = FalEngine(QUICK)

    events = list(later.stream(place.request(), place.context(ticket=ticket)))
    later.close()

    assert len(fal.submits) == 1
    assert of(Produced, events)


def test_a_waiting_job_tells_its_place_and_a_working_one_its_steps(place, fal):
    fal.seconds, fal.at_once = 60, 1
    first, second = place.submitted(), place.submitted()
    fal.jobs[first[1].remote_id].logs = ["Loading 5/7", " 25%|##5   | 7/28 [00:01<00:03, 9it/s]"]

    working = place.service.state(first[1], first[0])
    waiting = place.service.state(second[1], second[0])

    assert (working.stage, working.step, working.total) == ("working", 7, 28)
    assert (waiting.stage, waiting.position) == ("waiting", 0)


def test_the_queue_of_fal_is_no_work(place, fal):
    fal.seconds, fal.at_once = 1.0, 1
    place.submitted()

    stages = [event.stage for event in of(Progress, place.events(place.request()))]

    assert WAITING in stages
    assert "working" in stages


@pytest.mark.parametrize(
    "body",
    [
        {"status": "IN_QUEUE"},
        {"status": "IN_QUEUE", "queue_position": None},
        {"status": "IN_PROGRESS"},
        {"status": "IN_PROGRESS", "logs": [{}, "3/4 steps", None]},
        {"status": "COMPLETED", "metrics": {}},
    ],
)
def test_a_state_that_lacks_something_is_understood(body, place, net):
    context, ticket = place.submitted()
    net.misbehave(QUEUE, Answer(json=body), method="GET")

    stage = {"IN_QUEUE": "waiting", "IN_PROGRESS": "working", "COMPLETED": "ended"}[body["status"]]
    assert place.service.state(ticket, context).stage == stage


def test_the_price_of_an_endpoint_is_asked_for_once(place, net):
    for _ in range(3):
        context, ticket = place.ended()
        place.service.result(ticket, context)

    assert len(net.requests(path="/v1/models/pricing")) == 1


def test_a_result_without_units_has_no_cost(place, fal):
    fal.answers["fal-ai/flux/dev"] = lambda _job, answer: Answer(json=answer.json)
    context, ticket = place.ended()

    result = place.service.result(ticket, context)

    assert result.cost_usd is None
    assert "billable_units" not in result.report


def test_the_settings_decide_how_many_jobs_there_are_at_a_time(place, fal):
    fal.seconds = 0.1
    place.engine.configure(ServiceSettings(concurrency=3))
    most = 0

    def watch(stop):
        nonlocal most
        while not stop.wait(0.01):
            most = max(most, fal.working)

    stop = threading.Event()
    watching = threading.Thread(target=watch, args=(stop,))
    watching.start()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda seed: place.events(place.request(seed=seed)), range(12)))
    stop.set()
    watching.join()

    assert place.engine.capabilities.lanes == 3
    assert most <= 3
    assert len(fal.submits) == 12


def test_too_many_requests_are_waited_out(place, net, fal):
    net.misbehave(QUEUE, Answer(429, {"detail": "slow"}, headers={"Retry-After": "0"}), method="POST", times=2)

    assert of(Produced, place.events(place.request()))
    assert len(fal.submits) == 1


def test_a_network_that_comes_back_loses_nothing(place, net, fal):
    fal.seconds = 0.2
    following = place.engine.stream(place.request(), place.context())
    while not isinstance(next(following), Ticket):
        pass
    net.unplug()
    assert next(event for event in following if "no answer" in event.stage)
    net.plug_in()

    assert of(Produced, list(following))
    assert len(fal.submits) == 1


def test_a_key_that_is_changed_is_used_for_the_next_job(place, fal, monkeypatch):
    place.submitted()
    other = KEY.replace("0123456789abcdef", "f" * 16)
    monkeypatch.setenv("FAL_KEY", other)
    with pytest.raises(ServiceError, match="does not know the key"):
        place.submitted()
    fal.keys.add(other)

    assert place.submitted()


def test_a_key_of_another_service_is_sent_only_when_that_is_wanted(place, fal, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789abcdefghijklmnop")
    place.submitted("fal/sora2_text_to_video")
    wanted, context = place.another(own_keys=True), place.context("fal/sora2_text_to_video")
    payload = wanted.prepare(place.request("fal/sora2_text_to_video"), context)

    ticket = wanted.submit(payload, context)

    assert "api_key" not in fal.submits[0].arguments
    assert fal.submits[1].arguments["api_key"] == "sk-test-0123456789abcdefghijklmnop"
    assert "api_key" not in payload
    assert "sk-test" not in repr((payload, ticket))


def test_a_lost_job_that_was_sent_a_key_of_another_service_is_found(place, net, fal, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789abcdefghijklmnop")
    service, context = place.another(own_keys=True), place.context("fal/sora2_text_to_video")
    since, payload = datetime.now(UTC), service.prepare(place.request("fal/sora2_text_to_video"), context)
    net.misbehave(QUEUE, "drop after", method="POST")
    with pytest.raises(LostAnswerError):
        service.submit(payload, context)

    assert service.look_for(payload, context, since).ticket.remote_id == fal.submits[0].id


def test_a_video_is_remade_from_the_id_that_its_run_reported(place, fal):
    first = place.events(place.request("fal/sora2_text_to_video", delete_video=False))
    video_id = of(Answered, first)[0].report["video_id"]

    events = place.events(place.request("fal/sora2_video_to_video_remix", video_id=video_id))

    assert of(Produced, events)[0].media_type == "video/mp4"
    assert fal.submits[1].arguments["video_id"] == video_id


def test_a_mask_that_is_made_beside_a_picture_is_a_file_too(place):
    events = place.events(place.request("fal/birefnet_v2", image_url=place.store(*FILES["image"])))

    assert len(of(Produced, events)) == 2
    assert "mask_image" not in of(Answered, events)[0].report


def test_input_files_that_are_not_there_are_refused_before_anything_is_sent(place):
    ref = place.store(*FILES["video"])
    request = GenerationRequest("fal/sync_lipsync_2", Task.LIP_SYNC, {"video_url": ref})
    place.engine.check(request, place.context("fal/sync_lipsync_2"))
    path = place.path(ref)

    path.write_bytes(b"")
    with pytest.raises(InvalidInputError, match=r"video_url.*is empty"):
        place.engine.check(request, place.context("fal/sync_lipsync_2", read_asset=lambda _ref: path))
    path.unlink()
    with pytest.raises(InvalidInputError, match=r"video_url.*cannot be read"):
        place.engine.check(request, place.context("fal/sync_lipsync_2", read_asset=lambda _ref: path))


def test_the_key_is_in_nothing_that_is_said_or_kept(place, net, fal, caplog):
    caplog.set_level("DEBUG")
    said = []
    for answer in (
        Answer(json={"images": [{"url": "https://v3.fal.media/files/none"}], "prompt": f"Key {KEY}", KEY: 1}),
        Answer(422, {"detail": [{"loc": ["body", "prompt"], "msg": KEY, "type": "x", "input": KEY}]}),
        Answer(500, {"detail": f"Authorization: Key {KEY}", "error_type": "runner_server_error"}),
    ):
        fal.fail_next(answer)
        try:
            said.extend(repr(event) for event in place.engine.stream(place.request(), place.context()))
        except ServiceError as error:
            said.append(f"{error} {error!r} {error.text} {error.problems} {error.__cause__!r} {error.__context__!r}")
    request = place.request_of(place.cards["fal/sync_lipsync_2"])
    said += map(repr, place.events(request))
    said += [path.read_text("utf-8", "replace") for path in place.cache.rglob("*") if path.is_file()]
    said += [str(path) for path in place.cache.rglob("*")]

    assert len(said) > 15
    assert KEY not in "\n".join(said) + caplog.text


def test_an_engine_may_be_used_again_after_it_was_closed(place):
    place.events(place.request())
    place.engine.close()
    place.engine.close()

    assert of(Produced, place.events(place.request()))


def test_a_service_may_be_asked_from_many_threads(place, fal):
    fal.seconds = 0.05
    place.engine.configure(ServiceSettings(concurrency=10))

    with ThreadPoolExecutor(10) as pool:
        made = list(pool.map(lambda seed: of(Produced, place.events(place.request(seed=seed)))[0].data, range(40)))

    assert len(fal.submits) == 40
    assert len(set(made)) > 30
    until(lambda: fal.working == 0)


def test_a_rate_limit_of_the_list_of_requests_is_no_verdict(place, net):
    net.misbehave(PLATFORM, Answer(429, {"error": {"type": "rate_limited", "message": "slow"}}))

    with pytest.raises(RateLimitError):
        looked_for(place, datetime.now(UTC))


@pytest.mark.parametrize(
    ("endpoint", "is_one"),
    [
        ("fal-ai/flux/dev", True),
        ("CassetteAI/music-generator", True),
        ("workflows/owner/name", True),
        ("comfy/owner/name/more", True),
        ("flux", False),
        ("workflows/owner", False),
        ("fal-ai/../x", False),
        ("fal-ai/flux?x=1", False),
        ("/fal-ai/flux", False),
        ("fal-ai//dev", False),
        ("https://fal.ai/models/fal-ai/flux", False),
        ("", False),
    ],
)
def test_an_endpoint_that_can_be_none_is_refused_before_anything_is_sent(endpoint, is_one, place):
    card = replace(place.cards["fal/flux_1_dev"], source=ModelSource(endpoint=endpoint))

    told = place.engine.unavailable(card)

    assert told is None if is_one else endpoint in told


def test_every_model_of_the_catalog_has_an_endpoint_that_can_be_one(place, cards):
    assert {place.engine.unavailable(card) for card in cards.values()} == {None}


def test_a_run_outlives_the_closing_of_its_engine(place, fal):
    fal.seconds = 0.3
    following = place.engine.stream(place.request(), place.context())
    while not isinstance(next(following), Progress):
        pass
    place.engine.close()

    assert of(Produced, list(following))
    assert len(fal.submits) == 1
