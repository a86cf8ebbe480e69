"""What every engine of a service must do, whichever service it is; a new one is added to `SERVICES` and passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest

from fal_jobs import fal_cards
from servers.connections import KEYS
from servers.fal import Fal
from servers.openai import OpenAI
from servers.replicate import Replicate
from studio_kernel.catalog.loader import load
from studio_kernel.domain.events import EngineEvent, Finished, Produced, Started, Ticket
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.engines.base import CancelToken, Engine, EngineContext, Provider, ServiceEngine
from studio_kernel.engines.fal import FalEngine
from studio_kernel.engines.openai import OpenAIEngine
from studio_kernel.engines.replicate import ReplicateEngine
from studio_kernel.engines.switch import SwitchEngine
from studio_kernel.errors import Cancelled, ServiceError
from studio_kernel.settings import ServiceSettings

SERVICES = {
    "fal": (FalEngine, "fal/flux_1_dev"),
    "replicate": (ReplicateEngine, "replicate/flux-schnell"),
    "openai": (OpenAIEngine, "openai/gpt-image-2"),
    "switch": (SwitchEngine, "flux-schnell"),
}
WITH_TICKETS = ("fal", "replicate", "switch")


@dataclass
class Subject:
    """An engine, a model of its service, and the services that answer."""

    engine: Engine
    card: ModelCard
    context: Callable[..., EngineContext]
    net: Any
    sites: dict[str, Any]

    def stream(self, **fields: Any) -> Iterator[EngineEvent]:
        checked = self.card.check(self.card.default_task, {"prompt": "a red boat"})
        request = GenerationRequest(self.card.id, self.card.default_task, checked)
        return self.engine.stream(request, self.context(**fields))

    def paid(self) -> int:
        """How many jobs were accepted, by all services."""
        return len(self.sites["fal"].submits) + len(self.sites["replicate"].created) + len(self.sites["openai"].made)


@pytest.fixture(params=SERVICES)
def subject(request: pytest.FixtureRequest, internet: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)
    cards = load().models
    sites = {"fal": Fal(fal_cards().values()), "replicate": Replicate(), "openai": OpenAI()}
    net = internet(*sites.values())
    made, model = SERVICES[request.param]
    engines = {name: kind() for name, (kind, _) in SERVICES.items()}
    card = cards[model]
    providers = tuple(Provider(offer, cards[offer.model], engines[cards[offer.model].engine]) for offer in card.offers)

    def context(**fields: Any) -> EngineContext:
        given = {"cancel": CancelToken(), "read_asset": lambda ref: tmp_path / ref.sha256, "providers": providers}
        return EngineContext(card, **(given | fields))

    assert made is type(engines[request.param])
    yield Subject(engines[request.param], card, context, net, sites)
    for engine in engines.values():
        engine.close()


def test_it_is_an_engine_that_works_elsewhere(subject: Subject) -> None:
    assert isinstance(subject.engine, Engine)
    assert subject.engine.name == subject.card.engine
    assert subject.engine.capabilities.remote
    assert subject.engine.unavailable(subject.card) is None


def test_it_says_its_events_in_order_and_pays_once(subject: Subject) -> None:
    events = list(subject.stream())

    assert all(isinstance(event, get_args(EngineEvent)) for event in events)
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    produced_from = next(place for place, event in enumerate(events) if isinstance(event, Produced))
    assert all(isinstance(event, Produced) for event in events[produced_from:-1])
    assert subject.paid() == 1


def test_what_it_says_names_the_service_and_never_the_key(subject: Subject) -> None:
    events = list(subject.stream())

    assert events[0].provenance["service"] in SERVICES  # type: ignore[union-attr]  # it is `Started`
    assert not any(key in repr(events) for key in KEYS.values())


def test_a_stop_asked_for_before_the_start_sends_nothing(subject: Subject) -> None:
    cancel = CancelToken()
    cancel.cancel()

    with pytest.raises(Cancelled):
        list(subject.stream(cancel=cancel))

    assert subject.paid() == 0


def test_nothing_is_sent_before_it_has_said_that_it_starts(subject: Subject) -> None:
    stream = subject.stream()

    assert isinstance(next(stream), Started)
    assert subject.paid() == 0
    stream.close()  # type: ignore[attr-defined]  # engines are generators


def test_a_job_that_was_accepted_is_taken_up_and_not_sent_again(subject: Subject) -> None:
    if subject.engine.name not in WITH_TICKETS:
        pytest.skip("it has no tickets")
    stream = subject.stream()
    ticket = next(event for event in stream if isinstance(event, Ticket))
    # The process ends here: nobody closes the stream.

    events = list(subject.stream(ticket=ticket))

    assert isinstance(events[-1], Finished)
    assert subject.paid() == 1
    stream.close()  # type: ignore[attr-defined]  # engines are generators


def test_an_engine_that_was_closed_works_again(subject: Subject) -> None:
    list(subject.stream())
    subject.engine.close()
    subject.engine.close()

    assert isinstance(list(subject.stream())[-1], Finished)


def test_a_network_that_is_gone_is_a_service_error_and_costs_nothing(subject: Subject) -> None:
    subject.net.unplug()

    with pytest.raises(ServiceError, match="Nothing was charged"):
        list(subject.stream(patience_s=0.0))


def test_without_a_key_it_says_which_is_missing(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    if not isinstance(subject.engine, ServiceEngine):
        pytest.skip("its services say it")
    for name in KEYS:
        monkeypatch.delenv(name)
    subject.engine.configure(ServiceSettings())

    assert "key" in (subject.engine.unavailable(subject.card) or "")
