"""A model that several services have: the first that can do it does, and the record says which.

A service is passed over before it has accepted anything, and only because of what another service can do better: it is
down, has no key or no balance, or lost the model. What it refuses because of the request itself stays refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from immutabledict import immutabledict

from studio_kernel.domain.events import EngineEvent, Started, Ticket
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.offers import Offer
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import Value
from studio_kernel.engines.base import Capabilities, EngineContext, Provider
from studio_kernel.errors import (
    AccountError,
    EndpointGoneError,
    InsecureConnectionError,
    InvalidRequestError,
    KeyRefusedError,
    ModelUnavailableError,
    ParametersRefusedError,
    Problem,
    RateLimitError,
    ServiceDownError,
    ServiceError,
    StudioError,
)

PASSED_OVER = (
    ServiceDownError,
    RateLimitError,
    InsecureConnectionError,
    KeyRefusedError,
    AccountError,
    EndpointGoneError,
)
PATIENCE_S = 10.0
"""So long a service that accepts nothing is waited for while another one has the model."""
OFFER = "offer"


class SwitchEngine:
    """Hands a run to one of the services that have the model, in the order of its context."""

    name = "switch"
    capabilities = Capabilities(remote=True, lanes=8, finds_lost_jobs=True)

    def unavailable(self, card: ModelCard) -> str | None:
        """Return `None`: whether one of its services can be used is known to who knows them all."""
        return None if card.offers else f"model {card.id!r} names no service"

    def check(self, request: GenerationRequest, context: EngineContext) -> None:
        """Refuse what none of the services can do.

        Raises
        ------
        StudioError
            What the first of them says.
        """
        refusals: list[StudioError] = []
        for provider in context.providers:
            try:
                provider.engine.check(provider.request(request, context.card), _at(provider, context))
            except StudioError as error:
                refusals.append(error)
            else:
                return
        raise refusals[0] if refusals else _nobody(context.card, ())

    def stream(self, request: GenerationRequest, context: EngineContext) -> Iterator[EngineEvent]:
        """Yield the events of the service that does it; `Started` again for each that is tried."""
        passed_over: list[str] = []
        providers = _tried(context)
        for place, provider in enumerate(providers):
            is_last = place == len(providers) - 1
            attempt = _Attempt(provider, tuple(passed_over))
            try:
                there = provider.request(request, context.card)
                own = replace(_at(provider, context), patience_s=context.patience_s if is_last else PATIENCE_S)
                yield from attempt.events(there, own)
            except InvalidRequestError as error:
                passed_over.append(str(error))
            except PASSED_OVER as error:
                if is_last or not attempt.may_be_left(error):
                    raise
                passed_over.append(str(error))
            except ParametersRefusedError as error:
                raise error.about(_named_here(error.problems, provider.offer)) from None
            else:
                return
        raise _nobody(context.card, passed_over)

    def close(self) -> None:
        """Do nothing: the engines of the services are closed by themselves."""


@dataclass(slots=True)
class _Attempt:
    """A service at work on a run."""

    provider: Provider
    passed_over: tuple[str, ...]
    is_accepted: bool = False

    def events(self, request: GenerationRequest, context: EngineContext) -> Iterator[EngineEvent]:
        self.is_accepted = context.ticket is not None
        for event in self.provider.engine.stream(request, context):
            if isinstance(event, Started):
                said: dict[str, Value] = {OFFER: self.provider.card.id, "passed_over": self.passed_over}
                yield Started(immutabledict({**event.provenance, **said}))
            elif isinstance(event, Ticket):
                self.is_accepted = True
                yield replace(event, urls=immutabledict({**event.urls, OFFER: self.provider.card.id}))
            else:
                yield event

    def may_be_left(self, error: ServiceError) -> bool:
        return not self.is_accepted and error.paid == "no"


def _tried(context: EngineContext) -> Sequence[Provider]:
    """Return the services to try: the one that has the job, or may have it, alone."""
    has_it = context.ticket.urls.get(OFFER) if context.ticket else context.earlier.get(OFFER)
    mine = [provider for provider in context.providers if provider.card.id == has_it]
    if context.ticket is not None and not mine:
        raise ModelUnavailableError(f"the job is at {has_it!r}, which the model {context.card.id!r} does not name now")
    return mine if mine and (context.ticket or context.sent_at) else context.providers


def _named_here(problems: Sequence[Problem], offer: Offer) -> list[Problem]:
    """Return what a service finds wrong, by the names that the model has here."""
    return [Problem(name, problem.message) for problem in problems for name in offer.here(problem.field)]


def _at(provider: Provider, context: EngineContext) -> EngineContext:
    cache = context.cache.parent / provider.engine.name if context.cache else None
    return replace(context, card=provider.card, providers=(), cache=cache)


def _nobody(card: ModelCard, reasons: Sequence[str]) -> ModelUnavailableError:
    told = "; ".join(reasons) or "none of its services can be used here"
    return ModelUnavailableError(f"no service can do this with the model {card.id!r}: {told}")
