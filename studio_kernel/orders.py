"""From a complete request to a run on its way: priced, allowed by the budgets, held against its engine, handed over."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from studio_kernel.budgets import Budgets, Purchase
from studio_kernel.domain.estimate import FREE, CostEstimate
from studio_kernel.domain.runs import Origin, RunEstimate, RunRecord, RunStatus
from studio_kernel.errors import (
    InvalidInputError,
    InvalidRequestError,
    ModelUnavailableError,
    StudioError,
    UnsafeFileError,
)
from studio_kernel.jobs import Job, Work
from studio_kernel.runlog import RunLog, new_run_id

if TYPE_CHECKING:
    from studio_kernel.dispatch import Dispatch
    from studio_kernel.domain.events import Ticket
    from studio_kernel.domain.model import ModelCard
    from studio_kernel.domain.request import GenerationRequest
    from studio_kernel.estimates.estimator import Estimator
    from studio_kernel.private import PrivateSpace
    from studio_kernel.workshop import Workshop

REFUSALS = (InvalidRequestError, InvalidInputError, ModelUnavailableError, UnsafeFileError)
"""What is said against one request; any other error is about the studio as a whole."""


class Orders:
    """What a studio has asked for.

    Parameters
    ----------
    private_space : callable
        Returns where private runs keep everything; makes it when there is none.

    Attributes
    ----------
    jobs : mapping
        Id → job, of runs that were asked for here and that somebody still looks at.
    """

    def __init__(
        self,
        workshop: Workshop,
        log: RunLog,
        budgets: Budgets,
        estimator: Estimator,
        dispatch: Dispatch,
        private_space: Callable[[], PrivateSpace],
    ) -> None:
        self._workshop, self._log, self._budgets = workshop, log, budgets
        self._estimator, self._dispatch, self._private_space = estimator, dispatch, private_space
        self.jobs: WeakValueDictionary[str, Job] = WeakValueDictionary()

    def place(
        self, request: GenerationRequest, origin: Origin, *, private: bool = False, accept_unknown_price: bool = False
    ) -> Job:
        """Ask for a run; returns at once.

        Raises
        ------
        StudioError
            When it cannot or may not be done; nothing is begun or logged then.
        """
        cost = self._cost_of(self._workshop.models[request.model], request, private=private)
        self._budgets.require([Purchase(request, origin, cost)], accept_unknown_price=accept_unknown_price)
        work = self._work(request, origin, cost, private=private)
        self._dispatch.submit([work])
        return work.job

    def place_each(self, asked: Iterable[tuple[GenerationRequest, Origin]]) -> list[Job | StudioError]:
        """Ask for runs, logged together; return each, or what its engine says against it. Budgets are not asked."""
        results = [self._work_or_refusal(request, origin) for request, origin in asked]
        works = [result for result in results if isinstance(result, Work)]
        if works:
            self._dispatch.submit(works)
        return [result.job if isinstance(result, Work) else result for result in results]

    def fetch(self, record: RunRecord, origin: Origin, *, private: bool = False) -> Job | None:
        """Ask for what a service may still have of a failed run; `None` when there is nothing to fetch.

        It costs nothing: what the service charges belongs to the run that has failed.
        """
        if record.status is not RunStatus.FAILED or not record.provenance.get("can_be_fetched"):
            return None
        ticket = self._log.ticket_of(record.id)
        if ticket is None:
            return None
        work = self._work(record.request, origin, FREE, private=private, ticket=ticket)
        self._dispatch.submit([work])
        return work.job

    def require_affordable(
        self, asked: Iterable[tuple[GenerationRequest, Origin]], *, accept_unknown_price: bool = False
    ) -> None:
        """Refuse runs that together would cost more than a budget allows, or whose price nobody knows.

        Raises
        ------
        BudgetExceededError, UnknownPriceError
            As `Budgets.require`.
        """
        models = self._workshop.models
        purchases = [
            Purchase(request, origin, self._cost_of(models[request.model], request)) for request, origin in asked
        ]
        self._budgets.require(purchases, accept_unknown_price=accept_unknown_price)

    def _cost_of(self, card: ModelCard, request: GenerationRequest, *, private: bool = False) -> CostEstimate:
        if not self._workshop.works_elsewhere(card):
            return FREE
        read = self._private_space().reader(self._workshop.assets) if private else None
        return self._estimator.cost(card, request, self._estimator.known(card, request), read=read)

    def _work_or_refusal(self, request: GenerationRequest, origin: Origin) -> Work | StudioError:
        try:
            cost = self._cost_of(self._workshop.models[request.model], request)
            return self._work(request, origin, cost)
        except REFUSALS as error:
            return error

    def _work(
        self,
        request: GenerationRequest,
        origin: Origin,
        cost: CostEstimate,
        *,
        private: bool = False,
        ticket: Ticket | None = None,
    ) -> Work:
        """Return what it takes to do a new run, checked by its engine; the log keeps what is expected of it."""
        card, usd, assets = self._workshop.models[request.model], cost.cost_usd, self._workshop.assets
        record = RunRecord(
            new_run_id(),
            request,
            card.engine,
            RunStatus.QUEUED,
            datetime.now(UTC),
            seed=request.seed,
            origin=origin,
            estimate=RunEstimate(usd) if private else self._estimator.at_hand(card, request, origin, usd),
        )
        space = self._private_space() if private else None
        work = self._workshop.work(record, private=space, ticket=ticket, is_taken=self._log.has_ticket)
        assets.hold(ref for ref in request.references if not private or assets.has(ref))
        work.engine.check(request, work.context)
        self.jobs[record.id] = work.job
        return work
