"""One wire for all services: every failure has its own error, and every answer ends."""

import httpx
import pytest

from servers.internet import Answer
from studio_kernel.engines.remote.http import Wire
from studio_kernel.errors import (
    InsecureConnectionError,
    LostAnswerError,
    ServiceDownError,
    ServiceError,
    ServiceTimeoutError,
)

HOST = "api.example"


class Site:
    hosts = (HOST,)

    def answer(self, request):
        return Answer(json={"path": request.path, "body": len(request.body)})


@pytest.fixture
def net(internet):
    return internet(Site())


@pytest.fixture
def wire(net):
    with Wire(
        "tests",
        lambda response: ServiceError("tests", f"refused with {response.status_code}"),
        is_paid=lambda request: request.method == "POST",
        answer_s=0.5,
        base_url=f"https://{HOST}",
    ) as wire:
        yield wire


def test_an_answer_comes_whole(wire):
    assert wire.post("/a", json={}).json() == {"path": "/a", "body": 2}


def test_an_answer_of_400_or_more_is_what_the_service_means_by_it(wire, net):
    net.misbehave(HOST, Answer(418, json={}))

    with pytest.raises(ServiceError, match="refused with 418"):
        wire.get("/a")


@pytest.mark.parametrize("fault", ["drop before", "drop after", "truncate"])
def test_a_lost_answer_to_what_costs_money_is_told_from_one_that_is_free(wire, net, fault):
    net.misbehave(HOST, fault, times=2)

    with pytest.raises(LostAnswerError):
        wire.post("/a", json={})
    with pytest.raises(ServiceDownError):
        wire.get("/a")
    assert len(net.seen) == 2, "nothing is repeated"


def test_what_cannot_be_reached_was_not_sent(wire, net):
    net.unplug()

    with pytest.raises(ServiceDownError, match=f"{HOST} cannot be reached"):
        wire.post("/a", json={})


def test_an_answer_that_comes_drop_by_drop_ends(wire, net):
    net.misbehave(HOST, "slow", times=2)

    with pytest.raises(ServiceTimeoutError, match=r"0\.5 s"):
        wire.get("/a")
    with pytest.raises(LostAnswerError):
        wire.post("/a", json={})


def test_a_certificate_of_somebody_else_is_not_trusted(wire, net):
    net.show_wrong_certificate(HOST)

    with pytest.raises(InsecureConnectionError, match="cannot be trusted"):
        wire.post("/a", json={"secret": 1})
    assert not net.seen


def test_no_wait_is_endless_even_if_asked_for(wire):
    request = wire.build_request("GET", "/a", timeout=httpx.Timeout(None))

    wire.send(request)

    assert all(seconds for seconds in request.extensions["timeout"].values())
