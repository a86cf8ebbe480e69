"""The life of a remote job: what is said, what is sent, and what is paid, whatever the network does."""

import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from servers.internet import Answer, Request
from servers.plain_service import API, FILES, PlainService, PlainSite
from studio_kernel.domain.events import Answered, Finished, Produced, Progress, Started, Ticket
from studio_kernel.domain.model import ModelCard, ModelSource
from studio_kernel.domain.parameters import STANDARD
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.tasks import Task
from studio_kernel.engines.base import CancelToken, EngineContext
from studio_kernel.engines.remote.job import Patience, stream_job
from studio_kernel.engines.remote.throttle import Throttle
from studio_kernel.errors import (
    BadAnswerError,
    Cancelled,
    InsecureConnectionError,
    LostAnswerError,
    ResultExpiredError,
    ServiceDownError,
    ServiceTimeoutError,
)
from studio_kernel.settings import ServiceSettings
from waiting import until

CARD = ModelCard(
    "plain/one", "One", "Tests", "plain", (Task.TEXT_TO_IMAGE,), (STANDARD["prompt"],), ModelSource(endpoint="one")
)
QUICK = Patience(outage_s=10, unsent_s=10, file_s=10, first_s=0.02, polling=lambda _s: 0.03)


@pytest.fixture
def site():
    return PlainSite()


@pytest.fixture
def net(internet, site):
    return internet(site)


@pytest.fixture
def context(tmp_path):
    return EngineContext(CARD, CancelToken(), lambda ref: tmp_path / ref.sha256)


@pytest.fixture
def stream(net):
    service = PlainService()  # made when the way to the network is known

    def begin(context, *, patience=QUICK, throttle=None, **settled):
        request = GenerationRequest("plain/one", Task.TEXT_TO_IMAGE, {"prompt": "a boat"})
        settings = ServiceSettings(**{"lookup_s": 20.0, **settled})
        return stream_job(service, request, context, settings, throttle or Throttle(2), patience)

    yield begin
    service.wire.close()


def kinds(events):
    return [type(event) for event in events if not isinstance(event, Progress)]


def test_a_job_says_its_ticket_before_it_is_asked_for_and_its_cost_before_its_files(stream, context, net):
    events = list(stream(context))

    assert kinds(events) == [Started, Ticket, Answered, Produced, Finished]
    assert (events[-3].cost_usd, events[-2].seed) == (0.25, 99)
    assert dict(events[0].provenance) == {"service": "plain", "endpoint": "one", "client": "1.0"}


def test_nothing_more_is_asked_before_the_ticket_is_taken(stream, context, net):
    following = stream(context)
    while not isinstance(next(following), Ticket):
        pass

    assert not net.requests("GET", "/jobs/.*", API)
    following.close()


def test_the_engine_is_free_before_the_files_are_fetched(stream, context, net):
    freed = []
    net.hold()
    net.misbehave(FILES, "hang")
    watched = replace(context, release=lambda: freed.append(len(net.requests(host=FILES))))

    thread = threading.Thread(target=lambda: list(stream(watched)))
    thread.start()
    until(lambda: freed)
    net.let_go()
    thread.join()

    assert freed == [0]


def test_a_job_of_an_earlier_process_is_taken_up_and_not_sent_again(stream, context, site, net):
    site.answer(_submission())

    events = list(stream(replace(context, ticket=Ticket("job-1"))))

    assert kinds(events) == [Started, Answered, Produced, Finished]
    assert len(site.jobs) == 1


@pytest.mark.parametrize("lists_unfinished", [True, False])
def test_a_job_whose_acceptance_was_not_heard_is_found_and_paid_once(stream, context, site, net, lists_unfinished):
    site.lists_unfinished = lists_unfinished
    net.misbehave(API, "drop after", method="POST")

    events = list(stream(context))

    assert kinds(events) == [Started, Ticket, Answered, Produced, Finished]
    assert len(site.jobs) == 1


def test_a_job_that_may_have_been_sent_before_is_looked_for_first(stream, context, site, net):
    site.answer(_submission())

    events = list(stream(replace(context, sent_at=datetime.now(UTC))))

    assert [event.remote_id for event in events if isinstance(event, Ticket)] == ["job-1"]
    assert len(site.jobs) == 1


def test_a_job_that_belongs_to_another_run_is_not_taken_for_this_one(stream, context, site, net):
    site.answer(_submission())
    taken = replace(context, sent_at=datetime.now(UTC), is_taken=lambda name: name == "job-1")

    with pytest.raises(LostAnswerError):
        list(stream(taken, lookup_s=0.2))


def test_a_job_that_is_not_found_is_never_sent_again_by_itself(stream, context, site, net):
    net.misbehave(API, "drop before", method="POST")

    with pytest.raises(LostAnswerError, match="may have been charged") as caught:
        list(stream(context, lookup_s=0.2))

    assert caught.value.paid == "unclear"
    assert len(net.requests("POST", "/jobs")) == 1


def test_what_was_certainly_not_accepted_is_sent_again(stream, context, site, net):
    net.misbehave(API, Answer(429, json={}, headers={"Retry-After": "0.1"}), method="POST", times=2)
    net.misbehave(API, Answer(503, json={}), method="POST", times=1)
    throttle = Throttle(8)

    events = list(stream(context, throttle=throttle))

    assert isinstance(events[-1], Finished)
    assert len(site.jobs) == 1
    assert throttle.allowed < 8


def test_a_service_that_accepts_nothing_is_given_up_and_nothing_was_paid(stream, context, site, net):
    net.misbehave(API, Answer(503, json={}), method="POST", times=1000)

    with pytest.raises(ServiceDownError, match="Nothing was charged"):
        list(stream(context, patience=replace(QUICK, unsent_s=0.2)))


def test_an_outage_after_the_acceptance_is_waited_out(stream, context, site, net):
    following = stream(context)
    while not isinstance(next(following), Ticket):
        pass
    net.unplug()

    said = next(event for event in following if isinstance(event, Progress) and "trying again" in event.stage)
    net.plug_in()
    events = list(following)

    assert "no answer of plain" in said.stage
    assert isinstance(events[-1], Finished)
    assert len(site.jobs) == 1


def test_an_outage_that_does_not_end_leaves_a_run_that_can_be_fetched(stream, context, site, net):
    following = stream(context, patience=replace(QUICK, outage_s=0.2))
    while not isinstance(next(following), Ticket):
        pass
    net.unplug()

    with pytest.raises(ServiceDownError) as caught:
        list(following)

    assert (caught.value.paid, caught.value.can_be_fetched) == ("unclear", True)


def test_a_wrong_certificate_stops_a_job_that_is_not_sent(stream, context, site, net):
    net.show_wrong_certificate(API)

    with pytest.raises(InsecureConnectionError, match=API):
        list(stream(context))

    assert not net.seen


@pytest.mark.parametrize("fault", ["drop before", "truncate", Answer(502, body=b"bad gateway")])
def test_a_file_that_broke_off_is_fetched_again(stream, context, net, fault):
    net.misbehave(FILES, fault, times=2)

    produced = [event for event in stream(context) if isinstance(event, Produced)]

    assert len(produced) == 1
    assert len(net.requests(host=FILES)) == 3


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(404), ResultExpiredError),
        (Answer(body=b"<html>sorry</html>", headers={"Content-Type": "text/html"}), BadAnswerError),
        (Answer(body=b"x" * 5000, headers={"Content-Type": "image/png"}), BadAnswerError),
    ],
    ids=["gone", "a page", "no picture"],
)
def test_a_file_that_is_not_what_it_should_be_ends_a_run_that_is_paid_for(stream, context, net, answer, error):
    net.misbehave(FILES, answer, times=100)

    with pytest.raises(error, match="charges for it"):
        list(stream(context))


def test_cancelling_reaches_the_service(stream, context, site, net):
    site.seconds = 60
    following = stream(context)
    while not isinstance(next(following), Ticket):
        pass

    context.cancel.cancel()

    with pytest.raises(Cancelled):
        list(following)
    assert site.cancelled == ["job-1"]


def test_what_was_done_before_it_could_be_cancelled_is_kept(stream, context, site, net):
    following = stream(context)
    while not isinstance(next(following), Ticket):
        pass
    site.seconds = 0

    context.cancel.cancel()

    assert kinds(following) == [Answered, Produced, Finished]


def test_a_process_that_only_leaves_lets_the_job_go_on(stream, context, site, net):
    site.seconds = 60
    following = stream(context)
    while not isinstance(next(following), Ticket):
        pass

    context.cancel.leave()

    with pytest.raises(Cancelled):
        list(following)
    assert site.cancelled == []


def test_a_job_that_takes_too_long_is_cancelled_there(stream, context, site, net):
    site.seconds = 60

    with pytest.raises(ServiceTimeoutError, match=r"image_timeout_s .* settings\.toml"):
        list(stream(context, image_timeout_s=0.2))

    assert site.cancelled == ["job-1"]


def test_an_answer_about_a_job_that_breaks_off_is_asked_for_again(stream, context, net):
    net.misbehave(API, "truncate", method="GET", path="/jobs/.*", times=3)

    assert isinstance(list(stream(context))[-1], Finished)


def _submission():
    return Request("POST", API, "/jobs", {}, {}, b'{"prompt": "a boat"}')
