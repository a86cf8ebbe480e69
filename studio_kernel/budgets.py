"""Decides whether a home may spend what is asked of it: before a run is submitted, and again when it is about to begin.

A submission counts everything that has not ended as spent, so that ten of them do not promise the same money. What
holds when several processes submit at once is the second look: it is made under the claims lock of the home, by
whoever begins a run, and counts what is at work. Runs that nobody charges for never come here.
"""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import TYPE_CHECKING

from studio_kernel.domain.budget import Demand
from studio_kernel.domain.estimate import FREE, CostEstimate
from studio_kernel.domain.pricing import cost_of
from studio_kernel.domain.runs import Origin
from studio_kernel.domain.spending import Scope, Spending
from studio_kernel.errors import BudgetExceededError, BudgetWarning, StudioError, UnknownPriceError
from studio_kernel.providers import input_facts
from studio_kernel.reported import ReportedValues

if TYPE_CHECKING:
    from pathlib import Path

    from studio_kernel.domain.model import ModelCard
    from studio_kernel.domain.request import GenerationRequest
    from studio_kernel.domain.values import AssetRef
    from studio_kernel.runlog import RunLog, SpendingTail
    from studio_kernel.settings import BudgetSettings
    from studio_kernel.workshop import Workshop


@dataclass(frozen=True, slots=True)
class Purchase:
    """A run that is asked for.

    Attributes
    ----------
    request : GenerationRequest
        What.
    origin : Origin
        For which project and sweep.
    cost : CostEstimate
        What it is expected to cost.
    """

    request: GenerationRequest
    origin: Origin
    cost: CostEstimate


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the budgets of a home say to some runs.

    Attributes
    ----------
    refusal : StudioError or None
        Why they may not be made; `None` = they may.
    warnings : tuple of str
        What to know before.
    """

    refusal: StudioError | None = None
    warnings: tuple[str, ...] = ()


class Budgets:
    """The budgets of a home, as its settings have them at the moment of each question.

    Parameters
    ----------
    workshop : Workshop
        Knows models, engines and files.
    log : RunLog
        Knows what was spent.
    """

    def __init__(self, workshop: Workshop, log: RunLog) -> None:
        self._workshop, self._log = workshop, log
        self._reported = ReportedValues(workshop, log)
        self._known: SpendingTail | None = None
        self._lock = threading.Lock()

    def cost_of(
        self,
        card: ModelCard,
        request: GenerationRequest,
        *,
        read: Callable[[AssetRef], Path] | None = None,
        seconds: float | None = None,
    ) -> CostEstimate:
        """Return what a request costs, with what its files tell of themselves.

        Parameters
        ----------
        read : callable
            Where its files are; the home's when left out.
        seconds : float or None
            How long it is expected to be computed.
        """
        if not self._workshop.works_elsewhere(card):
            return FREE
        where = read or self._workshop.assets.path
        if card.offers:
            return self._workshop.providers.dearest(card, request, where)
        facts = input_facts(request, where, seconds)
        files = {**facts.files, **self._reported.files_of(request)}
        return cost_of(card, request, replace(facts, files=files), is_remote=True)

    def judge(self, purchases: Sequence[Purchase], *, accept_unknown_price: bool = False) -> Judgement:
        """Return whether runs may be made, all of them together.

        Parameters
        ----------
        accept_unknown_price : bool
            Whether those that have no price may be.

        Raises
        ------
        SettingsError
            When the home's settings cannot be understood.
        """
        charged = [purchase for purchase in purchases if purchase.cost.cost_usd != 0]
        unknown = [purchase for purchase in charged if purchase.cost.cost_usd is None]
        if unknown and not accept_unknown_price:
            return Judgement(_unpriced(unknown))
        settings = self._workshop.home.settings().budget if charged else None
        if settings is None or settings.is_unlimited:
            return Judgement()
        asked = [(purchase.origin, purchase.cost.cost_usd or 0.0) for purchase in charged]
        demands = list(self._demands(settings, asked, begun=False))
        exceeded = next((each for each in (*_for_each_run(settings, asked), *demands) if each.is_exceeded), None)
        if exceeded is not None:
            return Judgement(self._exceeded(exceeded))
        near = [str(demand) for demand in demands if demand.is_near(settings.warn_at)]
        said = [f"{len(unknown)} of {len(purchases)} runs have no price and count for nothing"] if unknown else []
        return Judgement(warnings=(*near, *said))

    def require(self, purchases: Sequence[Purchase], *, accept_unknown_price: bool = False) -> None:
        """Refuse runs that may not be made, and warn of a budget that comes near its limit.

        Raises
        ------
        UnknownPriceError
            When one of them has no price and that was not agreed to.
        BudgetExceededError
            When they would cost more than a budget allows.
        SettingsError
            When the home's settings cannot be understood.
        """
        judgement = self.judge(purchases, accept_unknown_price=accept_unknown_price)
        if judgement.refusal is not None:
            raise judgement.refusal
        for text in judgement.warnings:
            warnings.warn(text, BudgetWarning, stacklevel=5)

    def standing(self, projects: Iterable[str] = ()) -> list[Demand]:
        """Return every budget of the home with what is spent and committed of it, and nothing asked for.

        Parameters
        ----------
        projects : iterable of str
            Whose budgets are wanted beside those that the settings name.

        Raises
        ------
        SettingsError
            When the home's settings cannot be understood.
        """
        settings = self._workshop.home.settings().budget
        if settings.is_unlimited:
            return []
        named = [(Origin(project=project), 0.0) for project in dict.fromkeys((*settings.projects, *projects))]
        each = [
            Demand(name, setting, limit, 0.0, 0.0, 0.0)
            for name, setting, limit in (
                ("the budget of a run", "run_usd", settings.run_usd),
                ("the budget of a sweep", "sweep_usd", settings.sweep_usd),
            )
            if limit is not None
        ]
        return [*self._demands(settings, named, begun=False), *each]

    def refusal(self, origin: Origin, usd: float | None) -> str:
        """Return why a run may not begin now; empty when it may. To be asked under the claims lock.

        Parameters
        ----------
        usd : float or None
            What it is expected to cost; without a price it was agreed to, and counts for nothing.
        """
        if not usd:
            return ""
        try:
            settings = self._workshop.home.settings().budget
            if settings.is_unlimited:
                return ""
            if self._log.pending_events:
                return "not begun: the log cannot be written, so that what is spent could not be counted"
            asked = [(origin, usd)]
            demands = [*_for_each_run(settings, asked), *self._demands(settings, asked, begun=True)]
        except StudioError as error:
            return f"whether the budget allows it cannot be told: {error}"
        exceeded = next((demand for demand in demands if demand.is_exceeded), None)
        return f"not begun: {self._exceeded(exceeded)}" if exceeded is not None else ""

    def _demands(
        self, settings: BudgetSettings, asked: Sequence[tuple[Origin, float]], *, begun: bool
    ) -> Iterator[Demand]:
        """Yield what is asked of the budgets of the day, of sweeps and of projects."""
        with self._lock:
            self._known = self._known or self._log.spending()
            spending = self._known.refresh()
            if settings.day_usd is not None:
                total = math.fsum(usd for _, usd in asked)
                today = Scope(since=_midnight())
                yield _demand("the day's budget", "day_usd", settings.day_usd, today, total, spending, begun)
            for sweep_id, total in _by(asked, "sweep_id").items():
                if settings.sweep_usd is not None:
                    scope = Scope(sweep_id=sweep_id)
                    yield _demand("the sweep's budget", "sweep_usd", settings.sweep_usd, scope, total, spending, begun)
            for project, total in _by(asked, "project").items():
                limit = settings.for_project(project)
                if limit is not None:
                    setting = f"projects.{project}" if project in settings.projects else "project_usd"
                    name, scope = f"the budget of project {project!r}", Scope(project=project)
                    yield _demand(name, setting, limit, scope, total, spending, begun)

    def _exceeded(self, demand: Demand) -> BudgetExceededError:
        table, _, name = f"budget.{demand.setting}".rpartition(".")
        where = str(self._workshop.home.settings_file)
        later = " or go on tomorrow" if demand.setting == "day_usd" else ""
        return BudgetExceededError(
            f"{demand}; raise {name} in the table [{table}] of {where!r}, ask for less{later}",
            budget=demand.budget,
            limit_usd=demand.limit_usd,
            spent_usd=demand.spent_usd,
            committed_usd=demand.committed_usd,
            asked_usd=demand.asked_usd,
        )


def _for_each_run(settings: BudgetSettings, asked: Sequence[tuple[Origin, float]]) -> Iterator[Demand]:
    if settings.run_usd is not None and asked:
        dearest = max(usd for _, usd in asked)
        yield Demand("the budget of a run", "run_usd", settings.run_usd, 0.0, 0.0, dearest)


def _demand(
    name: str, setting: str, limit: float, scope: Scope, asked: float, spending: Spending, begun: bool
) -> Demand:
    committed = spending.committed(Scope(project=scope.project, sweep_id=scope.sweep_id), begun=begun)
    return Demand(name, setting, limit, spending.spent(scope), committed, asked)


def _by(asked: Sequence[tuple[Origin, float]], field: str) -> dict[str, float]:
    """Return what is asked for of each project or sweep."""
    amounts: dict[str, list[float]] = {}
    for origin, usd in asked:
        key = getattr(origin, field)
        if key is not None:
            amounts.setdefault(key, []).append(usd)
    return {key: math.fsum(those) for key, those in amounts.items()}


def _unpriced(unknown: Sequence[Purchase]) -> UnknownPriceError:
    first = unknown[0]
    others = f" (and of {len(unknown) - 1} more runs)" if len(unknown) > 1 else ""
    return UnknownPriceError(
        f"nobody knows what a run of {first.request.model!r} costs{others}: {first.cost.note}; say "
        "accept_unknown_price=True (--accept-unknown-price) to make it all the same, or give its price in the catalog"
    )


def _midnight() -> float:
    """Return when this day began here, in seconds since 1970."""
    return datetime.combine(datetime.now().astimezone().date(), time()).astimezone().timestamp()
